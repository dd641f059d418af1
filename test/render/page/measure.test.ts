/** The tool that measures on a live map, by pointer, finger and keyboard, in Chromium. */
import { readFileSync } from "node:fs";
import { Geodesic } from "geographiclib-geodesic";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import type { LngLat } from "../../../src/geo";
import { lngLatOf } from "../../../src/geometry/mercator";
import { BaseMap, Layer, type MapOptions, widget } from "../../../src/map";
import { areaText, lengthText } from "../../../src/render/measure/units";
import { sceneToDocument } from "../../../src/render/page/html";
import { viewportOf } from "../../../src/render/projection";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { type OpenOptions, open, painted, withBrowser } from "./browser";

withBrowser();

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SEED = 8;
const point = (lng: number, lat: number, name: string) => ({
  type: "Feature" as const,
  properties: { name },
  geometry: { type: "Point" as const, coordinates: [lng, lat] },
});
const POINTS = {
  type: "FeatureCollection" as const,
  features: [point(-40, 0, "west"), point(0, 0, "middle"), point(40, 20, "east")],
};
const layer = () => new Layer(POINTS as never, { name: "Points", size: 30, popup: "name", tooltip: "name" });

async function openMap(
  options: MapOptions = {},
  { language = "de", ...size }: OpenOptions & { readonly language?: string } = {},
) {
  const { scene } = await mapScene(nowhere, { controls: "measure", size: [800, 500], ...options, progress });
  const opened = await open(sceneToDocument(scene, new Uint8Array()), {
    widthPx: 800,
    heightPx: 500,
    before: `${AXE}; Object.defineProperty(navigator, "language", { value: "${language}" })`,
    ...size,
  });
  await painted(opened.page);
  const errors = () => opened.errors.filter((error) => !error.includes("ERR_FAILED")); // the tiles of the basemap
  return { ...opened, errors, scene };
}

const button = (page: Page) => page.getByRole("button", { name: "Measure distance or area" });
const values = (page: Page) => page.locator(".measured dd").allTextContents();
const frames = (page: Page) =>
  page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");

/** Position of a pixel of the first view. */
function degreesAt(scene: Scene, [x, y]: readonly [number, number]): LngLat {
  const { originX, originY, worldPx } = viewportOf(
    { ...scene, widthPx: 800, heightPx: 500 },
    { medium: "page" },
  );
  return lngLatOf([originX + x / worldPx, originY + y / worldPx]);
}

/** What GeographicLib measures. */
function judged(path: readonly LngLat[], isArea: boolean) {
  const polygon = Geodesic.WGS84.Polygon(!isArea);
  for (const [lng, lat] of path) polygon.AddPoint(lat, lng);
  const { perimeter, area } = polygon.Compute(false, true);
  return isArea ? [lengthText(perimeter), areaText(Math.abs(area!))] : [lengthText(perimeter)];
}

/** Pixels of the map that no control covers, at least 40 pixels apart. */
function pixels(random: () => number, count: number): [number, number][] {
  const found: [number, number][] = [];
  while (found.length < count) {
    const next: [number, number] = [300 + Math.floor(470 * random()), 20 + Math.floor(430 * random())];
    if (found.every(([x, y]) => Math.hypot(next[0] - x, next[1] - y) > 40)) found.push(next);
  }
  return found;
}

describe("with the mouse", () => {
  test("lengths and areas are those of GeographicLib", async () => {
    const { page, scene, errors } = await openMap({ zoom: 3, lat: 30, lng: 10 });
    await button(page).click();
    const random = mulberry32(SEED);
    for (let round = 0; round < 12; round++) {
      const isArea = round % 2 === 1;
      const clicked = pixels(random, 3 + Math.floor(3 * random()));
      for (const at of clicked) await page.mouse.click(...at);
      if (isArea) await page.mouse.click(...clicked[0]!);
      else await page.mouse.dblclick(...clicked.at(-1)!);
      const path = clicked.map((at) => degreesAt(scene, at));
      expect(await values(page), `seed ${SEED}, round ${round}`).toEqual(judged(path, isArea));
    }
    expect(errors()).toEqual([]);
  });

  test("the values are live, and Esc removes the line, then the tool", async () => {
    const { page, scene } = await openMap({ layers: layer(), zoom: 2, lat: 10, lng: 0 });
    await button(page).click();
    await page.mouse.click(300, 300);
    await page.mouse.move(500, 200);
    await frames(page);
    const path = (
      [
        [300, 300],
        [500, 200],
      ] as const
    ).map((at) => degreesAt(scene, at));
    expect(await values(page)).toEqual(judged(path, false));
    await page.mouse.click(500, 200);
    await page.mouse.click(500, 350);
    await page.mouse.move(301, 301); // on the first vertex
    await frames(page);
    expect(await values(page)).toHaveLength(2);
    await page.keyboard.press("Escape");
    expect(await page.locator(".measured dl").isVisible()).toBe(false);
    expect(await button(page).getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press("Escape");
    expect(await button(page).getAttribute("aria-pressed")).toBe("false");
    expect(await page.locator(".measured").isVisible()).toBe(false);
  });

  test("clicks open no popup while the tool is on, and do again after it", async () => {
    const { page, scene } = await openMap({ layers: layer(), zoom: 2, lat: 0, lng: 0 });
    expect(degreesAt(scene, [400, 250])).toEqual([expect.closeTo(0, 0), expect.closeTo(0, 0)]);
    await button(page).click();
    await page.mouse.move(400, 250);
    await page.mouse.click(400, 250);
    await page.mouse.move(401, 251);
    await frames(page);
    expect(await page.locator(".popup, .tooltip:not([hidden])").count()).toBe(0);
    expect(await page.locator(".measured dl").isVisible()).toBe(true);
    await button(page).click();
    await page.mouse.click(400, 250);
    expect(await page.locator(".popup dd").textContent()).toBe("middle");
  });

  test("a drag moves the map and adds nothing, and the line moves with it", async () => {
    const { page, scene } = await openMap({ zoom: 3, lat: 0, lng: 0 });
    await button(page).click();
    await page.mouse.click(300, 300);
    await page.mouse.click(400, 200);
    await page.mouse.move(500, 300);
    await page.mouse.down();
    await page.mouse.move(420, 260, { steps: 4 });
    await page.mouse.up();
    await painted(page);
    await page.mouse.dblclick(320, 160); // where the last point is
    const path = (
      [
        [300, 300],
        [400, 200],
      ] as const
    ).map((at) => degreesAt(scene, at));
    expect(await values(page)).toEqual(judged(path, false));
  });

  test("the last point is removed, the area closed and all of it removed with buttons", async () => {
    const { page, scene } = await openMap({ zoom: 3, lat: 30, lng: 10 });
    await button(page).click();
    const clicked = pixels(mulberry32(3), 4);
    for (const at of clicked) await page.mouse.click(...at);
    await page.getByRole("button", { name: "Undo the last point" }).click();
    await page.getByRole("button", { name: "Close the area" }).click();
    expect(await values(page)).toEqual(
      judged(
        clicked.slice(0, 3).map((at) => degreesAt(scene, at)),
        true,
      ),
    );
    expect(await page.locator(".measured [role=status]").textContent()).toMatch(
      /^Area [\d.,]+ km², perimeter/,
    );
    await page.getByRole("button", { name: "Clear the measurement" }).click();
    expect(await page.locator(".measured dl").isVisible()).toBe(false);
  });

  test("the tool and the selection end each other", async () => {
    const { page } = await openMap(
      { layers: layer(), widgets: widget.formula("count"), size: [900, 500] },
      { widthPx: 1100 },
    );
    await page.getByRole("button", { name: "Select in a box" }).click();
    await button(page).click();
    expect(await page.locator(".select .box").getAttribute("aria-pressed")).toBe("false");
    await page.getByRole("button", { name: "Select in a box" }).click();
    expect(await button(page).getAttribute("aria-pressed")).toBe("false");
  });
});

describe("everywhere", () => {
  test.each(["equal-earth", "orthographic", "albers-usa"] as const)(
    "in %s, the way back is as long",
    async (projection) => {
      const { page, errors } = await openMap({
        projection,
        ...(projection === "albers-usa" && {
          layers: new Layer({
            type: "FeatureCollection",
            features: [point(-120, 40, "a"), point(-80, 35, "b")],
          } as never),
        }),
      });
      await button(page).click();
      const [a, b] = [
        [330, 220],
        [520, 260],
      ] as const;
      await page.mouse.click(...a);
      await page.mouse.click(...b);
      await page.mouse.dblclick(...b);
      const there = await values(page);
      await page.mouse.click(...b);
      await page.mouse.click(...a);
      await page.mouse.dblclick(...a);
      expect(await values(page)).toEqual(there);
      expect(there[0]).toMatch(/^[\d,.]+ km$/);
      expect(errors()).toEqual([]);
    },
  );

  test("a click outside of the world says so", async () => {
    const { page } = await openMap({ projection: "orthographic" });
    await button(page).click();
    await page.mouse.click(760, 470);
    expect(await page.locator(".measured p").textContent()).toBe("This place is outside of the world.");
    expect(await values(page)).toEqual(["0 m"]);
    expect(await page.locator(".measured dl").isVisible()).toBe(false);
  });

  test("readers in a country with miles see them", async () => {
    const { page } = await openMap({ zoom: 3, lat: 0, lng: 0 }, { language: "en-US" });
    await button(page).click();
    await page.mouse.click(300, 300);
    await page.mouse.click(400, 300);
    expect((await values(page))[0]).toMatch(/^[\d,]+ km \([\d,]+ mi\)$/);
  });
});

describe("without a mouse", () => {
  test("the keyboard adds the middle of the map, removes and ends", async () => {
    const { page } = await openMap({ zoom: 3, lat: 0, lng: 0 });
    await button(page).focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("map");
    expect(await page.locator(".crosshair").isVisible()).toBe(true);
    await page.keyboard.press("Enter");
    const pan = async (key: string) => {
      await page.keyboard.press(key);
      await page.waitForSelector(".leaflet-pan-anim", { state: "detached" });
      await painted(page);
    };
    await pan("ArrowRight");
    await page.keyboard.press("Enter");
    const [one] = await values(page);
    expect(one).toMatch(/ km$/);
    await pan("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await values(page)).not.toEqual([one]);
    await page.keyboard.press("Backspace");
    expect(await values(page)).toEqual([one]);
    await pan("ArrowUp");
    await page.keyboard.press("Enter"); // on the last point: ends the line
    await page.keyboard.press("Enter"); // the next line begins
    expect(await page.locator(".measured [role=status]").textContent()).toBe("First point");
  });

  test("fingers draw with taps", async () => {
    const { page } = await openMap({ zoom: 3, lat: 0, lng: 0 }, { hasTouch: true });
    await button(page).tap();
    for (const [x, y] of [
      [300, 150],
      [500, 150],
      [450, 350],
      [306, 157],
    ] as const)
      await page.touchscreen.tap(x, y);
    expect(await values(page)).toHaveLength(2); // the last tap closes the area
  });

  test("axe-core finds nothing", async () => {
    const { page } = await openMap({
      zoom: 3,
      lat: 0,
      lng: 0,
      title: "Measured",
      layers: [new BaseMap({ source: "dark" }), layer()],
    });
    await button(page).click();
    for (const at of [
      [300, 150],
      [500, 150],
      [450, 350],
    ] as const)
      await page.mouse.click(at[0], at[1]);
    const problems = await page.evaluate<
      string[]
    >(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.filter(({ impact }) => impact !== "minor").flatMap(({ id, nodes }) => nodes.map(({ html }) => id + " " + html.slice(0, 120))))`);
    expect(problems).toEqual([]);
  });
});
