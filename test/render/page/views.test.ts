/** The first view of the page, how far it pans, and its controls at all sizes, in Chromium. */
import { DataFrame } from "danfojs-node";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { Layer, type MapOptions } from "../../../src/map";
import { sceneToDocument } from "../../../src/render/page/html";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { type OpenOptions, open, painted, withBrowser } from "./browser";
import { airports, counties } from "./samples";
import { pathLayer, pointLayer, sceneOf } from "./scenes";

withBrowser();

async function openScene(scene: Scene, options: OpenOptions = {}) {
  const opened = await open(sceneToDocument(scene, new Uint8Array()), options);
  await painted(opened.page);
  return opened;
}

const mapOf = async (options: MapOptions) => (await mapScene(nowhere, { ...options, progress })).scene;

/** Boxes of visible controls that overlap each other or leave the window, by class. */
const collisions = (page: Page) =>
  page.evaluate<string[]>(`(() => {
    const css = ".leaflet-control-zoom, .fullscreen, .layers, .title, .legend, .scale, .time, .attribution, .notes";
    const boxes = [...document.querySelectorAll(css)]
      .map((element) => [element.className, element.getBoundingClientRect()])
      .filter(([, { width, height }]) => width > 0 && height > 0);
    const found = [];
    for (const [i, [name, a]] of boxes.entries()) {
      if (a.left < 0 || a.top < 0 || a.right > innerWidth || a.bottom > innerHeight) found.push(name + " outside");
      for (const [other, b] of boxes.slice(i + 1))
        if (a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top)
          found.push(name + " over " + other);
    }
    return found;
  })()`);

const random = () => {
  const lng: number[] = [];
  const lat: number[] = [];
  for (let i = 0; i < 60; i++) {
    lng.push(-124 + 57 * ((i * 0.618) % 1));
    lat.push(25 + 24 * ((i * 0.414) % 1));
  }
  return new DataFrame({ lng, lat, t: lng.map((_, i) => i), kind: lng.map((_, i) => `kind ${i % 6}`) });
};
const layerOf = (rest = {}) => new Layer(random(), { lnglat: ["lng", "lat"], color: "kind", ...rest });

describe("controls", () => {
  const MAPS: [string, MapOptions][] = [
    ["title and legend", { title: "A title of a map", layers: layerOf() }],
    [
      "a long title",
      { title: "A title of a map that is longer than most others are ".repeat(3), layers: layerOf() },
    ],
    ["two layers over time", { title: "Over time", layers: [layerOf({ time: "t" }), layerOf()], at: 3 }],
    ...(["top-left", "bottom-left", "bottom-right"] as const).map((position): [string, MapOptions] => [
      position,
      { title: "A title", layers: [layerOf({ time: "t" }), layerOf()], at: 3, legend: { position } },
    ]),
  ];
  test.each(MAPS)("do not overlap at any size: %s", async (_, options) => {
    const { page } = await openScene(await mapOf(options));
    for (const [width, height] of [
      [300, 200],
      [400, 300],
      [480, 320],
      [600, 300],
      [800, 400],
      [1600, 800],
    ] as const) {
      await page.setViewportSize({ width, height });
      await painted(page);
      expect(await collisions(page), `${width} × ${height}`).toEqual([]);
    }
  });

  test.each(["top-left", "top-right", "bottom-left", "bottom-right"] as const)(
    "the legend is at the %s, as the map says",
    async (position) => {
      const scene = await mapOf({ layers: layerOf(), legend: { position } });
      const { page } = await openScene(scene, { widthPx: 800, heightPx: 400 });
      const { x, y, width, height } = (await page.locator(".legend").boundingBox())!;
      expect(x + width / 2 > 400).toBe(position.endsWith("right"));
      expect(y + height / 2 > 200).toBe(position.startsWith("bottom"));
    },
  );

  test("of a small map are the zoom buttons, a title of one line and a folded legend", async () => {
    const title = "A title that would take several lines on a map of this size, if it were allowed to";
    const scene = await mapOf({ title, layers: [layerOf(), layerOf({ name: "other" })] });
    const { page } = await openScene(scene, { widthPx: 300, heightPx: 200 });
    expect(await page.isVisible(".leaflet-control-zoom")).toBe(true);
    expect(await page.isVisible(".legend section")).toBe(false);
    for (const css of [".fullscreen", ".layers", ".scale"]) expect(await page.isVisible(css)).toBe(false);
    expect((await page.locator(".title").boundingBox())!.height).toBeLessThan(32);
    await page.click(".fold");
    expect(await page.isVisible(".legend section")).toBe(true);
    await page.setViewportSize({ width: 800, height: 400 });
    await page.waitForSelector(".layers", { state: "visible" });
    expect(await page.isVisible(".legend section")).toBe(true);
  });
});

describe("the first view", () => {
  /** Counts the red pixels of the painted data that lie under controls. */
  const coveredPixels = (page: Page) =>
    page.evaluate<number>(`(() => {
      const css = ".leaflet-control-zoom, .fullscreen, .layers, .title, .legend, .time, .scale";
      const canvas = document.querySelector(".leaflet-data-pane canvas");
      const context = canvas.getContext("2d");
      let covered = 0;
      for (const element of document.querySelectorAll(css)) {
        const { left, top, width, height } = element.getBoundingClientRect();
        if (width === 0 || height === 0) continue;
        const { data } = context.getImageData(left, top, width, height);
        for (let at = 0; at < data.length; at += 4)
          if (data[at] === 255 && data[at + 1] === 0 && data[at + 2] === 0) covered++;
      }
      return covered;
    })()`);
  const redPixels = (page: Page) =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector(".leaflet-data-pane canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 0 && value === 255 && data[i + 1] === 0).length;
    })()`);
  const red = { color: { kind: "constant", color: [255, 0, 0, 255] } } as const;
  const redden = (scene: Scene, rest: Partial<Scene> = {}): Scene => ({
    ...scene,
    layers: scene.layers.map(
      (layer) => ({ ...layer, ...red, stroke: undefined, opacity: 1 }) as typeof layer,
    ),
    ...rest,
  });

  test.each([
    ["airports", redden(airports(), { title: "Airports" })],
    ["counties", redden(counties(), { title: "Counties" })],
  ])("keeps controls and legend off the %s", async (_, scene) => {
    const inBounds = scene.view.kind === "fit" ? scene.view.bounds : undefined;
    const conus = onlyIn(scene, inBounds!);
    for (const [widthPx, heightPx] of [
      [800, 400],
      [1600, 800],
      [600, 400],
    ] as const) {
      const { page } = await openScene(conus, { widthPx, heightPx });
      expect(await coveredPixels(page), `${widthPx} × ${heightPx}`).toBe(0);
      await page.close();
    }
  });

  test("is fitted again when the map is resized, also after a click on a control", async () => {
    const scene = redden(onlyIn(airports(), [-125, 24.5, -66.5, 49.5]));
    const { page } = await openScene(scene, { widthPx: 800, heightPx: 400 });
    const before = await redPixels(page);
    await page.click(".legend");
    await page.setViewportSize({ width: 1200, height: 700 });
    await painted(page);
    expect(await coveredPixels(page)).toBe(0);
    expect(await redPixels(page)).toBeGreaterThan(1.2 * before);
  });
});

/** Leaves out the features with a vertex outside of bounds. */
function onlyIn(scene: Scene, [west, south, east, north]: readonly [number, number, number, number]): Scene {
  const isIn = (x: number, y: number) => {
    const lat = (Math.atan(Math.sinh((1 - 2 * y) * Math.PI)) * 180) / Math.PI;
    return x * 360 - 180 > west && x * 360 - 180 < east && lat > south && lat < north;
  };
  const layers = scene.layers.map((layer) => {
    const { geometry, rowCount: _, ...rest } = layer;
    if (geometry.kind === "point") {
      const keep = [...geometry.x.keys()].filter((i) => isIn(geometry.x[i]!, geometry.y[i]!));
      return pointLayer(
        Float64Array.from(keep, (i) => geometry.x[i]!),
        Float64Array.from(keep, (i) => geometry.y[i]!),
        rest,
      );
    }
    const { xy, paths, features } = geometry;
    const kept: number[][][][] = [];
    for (let feature = 0; feature + 1 < features.length; feature++) {
      const rings: number[][] = [];
      for (let path = features[feature]!; path < features[feature + 1]!; path++)
        rings.push([...xy.subarray(2 * paths[path]!, 2 * paths[path + 1]!)]);
      const all = rings.flat();
      if (all.every((_, i) => i % 2 === 1 || isIn(all[i]!, all[i + 1]!))) kept.push([rings]);
    }
    return pathLayer(geometry.kind, kept, rest);
  });
  return { ...scene, layers };
}

describe("panning", () => {
  const WORLD = sceneOf([], {
    widthPx: 600,
    heightPx: 400,
    view: { kind: "center", lng: 0, lat: 0, zoom: 1 },
  });

  async function dragBy(page: Page, dx: number, dy: number): Promise<void> {
    await page.mouse.move(300, 200);
    await page.mouse.down();
    await page.mouse.move(300 + dx, 200 + dy, { steps: 6 });
    await page.mouse.up();
    await page.waitForSelector(".leaflet-pan-anim", { state: "detached" });
  }
  /** How far the map has moved, from the position of a pane of Leaflet. */
  const shift = (page: Page) =>
    page.evaluate<[number, number]>(`(() => {
      const { m41, m42 } = new DOMMatrix(getComputedStyle(document.querySelector(".leaflet-map-pane")).transform);
      return [m41, m42];
    })()`);

  test("ends at the poles, and continues east and west", async () => {
    const { page } = await openScene(WORLD);
    await dragBy(page, 0, 190);
    expect((await shift(page))[1]).toBe(56); // the world is 512 pixels high, the map 400
    await dragBy(page, 0, -190);
    expect((await shift(page))[1]).toBeGreaterThanOrEqual(-56);
    await dragBy(page, 0, -190);
    expect((await shift(page))[1]).toBe(-56);
    for (let turn = 0; turn < 4; turn++) await dragBy(page, 250, 0);
    expect((await shift(page))[0]).toBeGreaterThanOrEqual(1000);
  });

  test("a world that is lower than the map stays inside it", async () => {
    const low = { ...WORLD, view: { kind: "center", lng: 0, lat: 0, zoom: 0 } } as const;
    const { page } = await openScene(low);
    await dragBy(page, 0, 190);
    expect((await shift(page))[1]).toBe(72); // (400 - 256) / 2
  });

  test("the button and the key 0 return to the first view", async () => {
    const { page } = await openScene({ ...WORLD, view: { kind: "center", lng: 7, lat: 50, zoom: 6 } });
    const scale = () => page.textContent(".scale");
    const first = await scale();
    const home = page.locator(".home");
    expect(await home.getAttribute("aria-label")).toBe("Back to the first view (0)");
    await page.click(".leaflet-control-zoom-in");
    await expect.poll(scale).not.toBe(first);
    await home.click();
    await expect.poll(scale).toBe(first);
    expect(await shift(page)).toEqual([0, 0]);
    await page.focus("#map");
    await page.keyboard.press("-");
    await expect.poll(scale).not.toBe(first);
    await page.keyboard.press("0");
    await expect.poll(scale).toBe(first);
  });
});
