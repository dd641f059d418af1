/** What screen readers and keyboards get, in Chromium. */
import { readFileSync } from "node:fs";
import { DataFrame } from "danfojs-node";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, type MapOptions } from "../../../src/map";
import { describeScene } from "../../../src/render/page/describe";
import { sceneToDocument } from "../../../src/render/page/html";
import { nowhere, progress } from "../../support/nowhere";
import { type OpenOptions, open, painted, withBrowser } from "./browser";

withBrowser();

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Three places in a row from west to east at the equator, and one north of the middle. */
const layer = (options: LayerOptions = {}) =>
  new Layer(
    new DataFrame({
      lng: [-30, 0, 30, 0],
      lat: [0, 0, 0, 30],
      name: ["west", "middle", "east", "north"],
      t: [0, 1, 2, 3],
    }),
    { lnglat: ["lng", "lat"], size: 20, ...options },
  );
const VIEW = { zoom: 2, lat: 0, lng: 0, size: [800, 400] } as const;

async function openMap(options: MapOptions, size: OpenOptions = {}) {
  const { scene } = await mapScene(nowhere, { ...VIEW, ...options, progress });
  const opened = await open(sceneToDocument(scene, new Uint8Array()), {
    widthPx: 800,
    before: AXE, // before the page's Content-Security-Policy applies
    ...size,
  });
  await painted(opened.page);
  return { ...opened, scene };
}

/** Problems that axe-core finds, without minor ones. */
const problems = (page: Page) =>
  page.evaluate<string[]>(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact !== "minor")
      .flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => [id, impact, html.slice(0, 120)].join(" "))))`);

describe("axe-core finds nothing moderate or serious", () => {
  const colored = { color: "name", popup: "name", tooltip: "name" };
  test.each([
    ["a plain map", {}],
    ["a map with a title and a legend", { title: "Places", layers: layer(colored) }],
    [
      "a map with nested sizes and a ramp",
      { layers: layer({ size: { column: "t", max: 80 }, color: { column: "t", method: "continuous" } }) },
    ],
    ["a map of two layers over time", { layers: [layer({ time: "t" }), layer(colored)], at: 1 }],
  ] as [string, MapOptions][])("on %s", async (_, options) => {
    const { page } = await openMap(options);
    expect(await problems(page)).toEqual([]);
    await page.setViewportSize({ width: 300, height: 200 });
    expect(await problems(page)).toEqual([]);
  });

  test("with a popup open", async () => {
    const long = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`column${i}`, ["a", "b"]]));
    const frame = new DataFrame({ lng: [0, 0], lat: [0, 0], ...long });
    const stack = new Layer(frame, { lnglat: ["lng", "lat"], size: 30, popup: Object.keys(long) });
    const { page } = await openMap({ layers: stack }, { heightPx: 220 });
    await page.mouse.click(400, 110);
    await page.waitForSelector(".popup dd");
    expect(await problems(page)).toEqual([]);
  });
});

test("the map has a role, and the description of its image as its name", async () => {
  const { page, scene } = await openMap({ title: "Places", layers: layer({ color: "name" }) });
  const map = page.locator("#map");
  expect(await map.getAttribute("role")).toBe("application");
  expect(await map.getAttribute("aria-label")).toBe(describeScene(scene));
  expect(await page.getAttribute("html", "lang")).toBe("en");
});

describe("features by keyboard", () => {
  const spoken = (page: Page) => page.locator(".spoken").textContent();
  const options: MapOptions = {
    layers: [new BaseMap({ source: "none" }), layer({ tooltip: "name", popup: ["name", "t"] })],
  };

  test("Enter starts in the middle, arrow keys go to neighbours, Escape leaves", async () => {
    const { page, errors } = await openMap(options);
    await page.focus("#map");
    await page.keyboard.press("Enter");
    expect(await spoken(page)).toBe("name: middle");
    await page.keyboard.press("ArrowLeft");
    expect(await spoken(page)).toBe("name: west");
    await page.keyboard.press("ArrowLeft"); // there is none
    expect(await spoken(page)).toBe("name: west");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowUp");
    expect(await spoken(page)).toBe("name: north");
    await page.keyboard.press("Escape");
    expect(await spoken(page)).toBe("");
    const pane = () => page.locator(".leaflet-map-pane").getAttribute("style");
    const before = await pane();
    await page.keyboard.press("ArrowLeft"); // pans again
    await expect.poll(pane).not.toBe(before);
    expect(errors).toEqual([]);
  });

  test("Enter opens the card of the feature, and Escape returns to it", async () => {
    const { page } = await openMap(options);
    await page.focus("#map");
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".popup dd");
    expect(await page.locator(".popup dd").allTextContents()).toEqual(["east", "2"]);
    const inPopup = "document.activeElement.closest('.popup') !== null";
    expect(await page.evaluate(inPopup)).toBe(true);
    await page.keyboard.press("Escape");
    await page.waitForSelector(".popup", { state: "detached" });
    expect(await page.evaluate("document.activeElement.id")).toBe("map");
    await page.keyboard.press("ArrowLeft");
    expect(await spoken(page)).toBe("name: middle");
  });
});
