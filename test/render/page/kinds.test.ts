/** Each kind of map in Chromium: looks like its image everywhere, and finds the right row. */
import type { Frame, Page } from "playwright-core";
import { expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import type { LngLat } from "../../../src/geo";
import { worldOf } from "../../../src/geometry/mercator";
import { BaseMap, Layer, type LayerOptions, type MapOptions, styling } from "../../../src/map";
import { encodePng, encodeStill } from "../../../src/render/image/encode-png";
import { renderCanvas } from "../../../src/render/image/png";
import { sceneToHtml } from "../../../src/render/page/html";
import { viewportOf } from "../../../src/render/projection";
import type { Scene } from "../../../src/render/scene";
import { ALL_KINDS, frameOf, KINDS, type Kind, LNGS, WITH_GAPS } from "../../map/kinds";
import { nowhere, progress } from "../../support/nowhere";
import { openOutput, painted, pointAt, withBrowser } from "./browser";
import { type Area, decodePng, difference, type Picture, pixelAt } from "./pixels";

withBrowser();

const SIZE: readonly [number, number] = [620, 400];
/** A drag of the map, in pixels. */
const DRAG: readonly [number, number] = [-70, 36];
const WHITE = [255, 255, 255];
/** An area without controls. */
const INSIDE: Area = { x: 60, y: 70, width: 400, height: 250 };

const STYLES: Record<string, LayerOptions> = {
  constant: { color: "#3969ac", size: 9, legend: { title: "Trees" } },
  category: { color: "name", size: 9, legend: { title: "Trees" } },
  classes: { color: { column: "value", scheme: styling.sunset(4) }, size: 9, legend: { title: "Trees" } },
  continuous: {
    color: { column: "value", scheme: styling.agSunset(5, "continuous") },
    size: 9,
    legend: { title: "Trees" },
  },
  gaps: { color: { column: "value", scheme: styling.sunset(3) }, size: 9, legend: { title: "Trees" } },
  size: { size: { column: "value", min: 6, max: 16, bins: 3 }, color: "teal", legend: { title: "Trees" } },
  stroke: {
    color: "gold",
    size: 12,
    stroke: { color: "#263238", width: 2 },
    opacity: 0.7,
    legend: { title: "Trees" },
  },
};
const PLAIN_KINDS = ["point", "line", "polygon"] as const;

interface Case {
  readonly kind: Kind;
  readonly style: string;
  readonly options: LayerOptions;
  readonly columns?: object;
}

/** A style of a geometry. */
const CASES: Case[] = [
  ...ALL_KINDS.map((kind) => ({ kind, style: "category" })),
  ...ALL_KINDS.map((kind) => ({ kind, style: "classes" })),
  ...PLAIN_KINDS.map((kind) => ({ kind, style: "constant" })),
  ...PLAIN_KINDS.map((kind) => ({ kind, style: "continuous" })),
  ...PLAIN_KINDS.map((kind) => ({ kind, style: "gaps", columns: WITH_GAPS })),
  ...(["point", "multiline"] as const).map((kind) => ({ kind, style: "size" })),
  ...(["multipoint", "multipolygon"] as const).map((kind) => ({ kind, style: "stroke" })),
].map((given) => ({ ...given, options: STYLES[given.style]! }));

async function sceneOf(layer: Layer, options: MapOptions = {}): Promise<Scene> {
  const view = { zoom: 2.5, lat: 0, lng: 0, size: SIZE };
  const layers = [new BaseMap({ source: "none" }), layer];
  return (await mapScene(nowhere, { layers, ...view, ...options, progress })).scene;
}

async function openScene(scene: Scene) {
  const html = sceneToHtml(scene, encodeStill(renderCanvas(scene)));
  const [widthPx, heightPx] = SIZE;
  return openOutput(html, { widthPx, heightPx });
}

const pictureOf = (scene: Scene): Promise<Picture> =>
  decodePng(encodePng(renderCanvas({ ...scene, legends: [] })));

/** Position of a place in the first view. */
function pixelOf(scene: Scene, place: LngLat): [x: number, y: number] {
  const { originX, originY, worldPx } = viewportOf(scene);
  const [x, y] = worldOf(place);
  return [Math.round((x - originX) * worldPx), Math.round((y - originY) * worldPx)];
}

async function tooltipAt(page: Page, frame: Frame, at: readonly [number, number]) {
  await pointAt(page, frame, at);
  const tooltip = frame.locator(".tooltip");
  return (await tooltip.isVisible()) ? tooltip.locator("dd").textContent() : null;
}

async function drag(page: Page, [dx, dy]: readonly [number, number]): Promise<void> {
  const [x, y] = [300, 350]; // where nothing is
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 1; step <= 5; step++) await page.mouse.move(x + (dx * step) / 5, y + (dy * step) / 5);
  await page.waitForTimeout(150); // no inertia
  await page.mouse.up();
}

/** Centre of the first view after a drag. */
function dragged(scene: Scene, [dx, dy]: readonly [number, number]): Scene {
  const worldPx = viewportOf(scene).worldPx;
  const lat = (Math.atan(Math.sinh((dy / worldPx) * 2 * Math.PI)) * 180) / Math.PI;
  return { ...scene, view: { kind: "center", lng: (-dx / worldPx) * 360, lat, zoom: 2.5 } };
}

test.each(CASES)("$kind, $style", async ({ kind, options, columns }) => {
  const layer = new Layer(frameOf(kind, columns), { geomCol: "geometry", tooltip: "row", ...options });
  const scene = await sceneOf(layer);
  const { page, frame, picture, errors, requests } = await openScene(scene);
  const pictures = new Map<Scene, Promise<Picture>>(); // each is painted once, and compared often
  const off = async (expected: Scene) => {
    const wanted = pictures.get(expected) ?? pictureOf(expected);
    pictures.set(expected, wanted);
    return difference(await picture(), await wanted, INSIDE).mean;
  };

  // it looks like its image
  expect(await off(scene)).toBeLessThan(0.3);

  // the pointer finds the row in each of its parts, and no row outside
  for (const [row, lng] of LNGS.entries())
    for (const spot of KINDS[kind].spots(lng))
      expect(await tooltipAt(page, frame, pixelOf(scene, spot)), `${spot}`).toBe(`row ${row}`);
  expect(await tooltipAt(page, frame, pixelOf(scene, [0, 30]))).toBeNull();

  // the legend hides the layer and shows it again
  const spot = pixelOf(scene, KINDS[kind].spots(LNGS[3]!)[0]!);
  expect(pixelAt(await picture(), ...spot)).not.toEqual(WHITE);
  await frame.click(".legend button:text('Trees')");
  await expect.poll(async () => pixelAt(await picture(), ...spot)).toEqual(WHITE);
  await frame.click(".legend button:text('Trees')");
  await expect.poll(() => off(scene)).toBeLessThan(0.3);

  // after any move, it looks like what the painter paints of that place
  await drag(page, DRAG);
  const moved = dragged(scene, DRAG);
  expect(await off(scene)).toBeGreaterThan(0.5);
  await expect.poll(() => off(moved)).toBeLessThan(0.3);
  await frame.click(".leaflet-control-zoom-in");
  const closer = { ...moved, view: { ...moved.view, zoom: 3.5 } as Scene["view"] };
  await expect.poll(() => off(closer)).toBeLessThan(0.5);

  expect(errors).toEqual([]);
  expect(requests).toEqual([]);
});

test.each(["point", "multipoint"] as const)("animated %s: each frame has its own rows", async (kind) => {
  const scene = await sceneOf(
    new Layer(frameOf(kind), {
      geomCol: "geometry",
      color: "crimson",
      size: 9,
      tooltip: "row",
      time: { column: "day", trails: 0, duration: 1 },
    }),
    { at: "2024-03-01" },
  );
  const { page, frame, picture, errors, requests } = await openScene(scene);
  for (const row of [0, 5, 2]) {
    await frame.locator(".time input").fill(String(row));
    await painted(page);
    const shown = await picture();
    for (const [other, lng] of LNGS.entries()) {
      const spot = pixelOf(scene, KINDS[kind].spots(lng)[0]!);
      const isThere = String(pixelAt(shown, ...spot)) !== "255,255,255";
      expect(isThere, `row ${other} in frame ${row}`).toBe(other === row);
      expect(await tooltipAt(page, frame, spot)).toBe(other === row ? `row ${row}` : null);
    }
  }
  const moments = new Set<string | null>();
  await frame.click(".time .play");
  await expect
    .poll(async () => moments.add(await frame.locator(".time output").textContent()).size)
    .toBe(LNGS.length);
  expect(errors).toEqual([]);
  expect(requests).toEqual([]);
});
