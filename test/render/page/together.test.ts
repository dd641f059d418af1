/** Cells and clusters on the page: their tooltips, legends and numbers at each zoom. */
import { DataFrame } from "danfojs-node";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions } from "../../../src/map";
import { renderPng } from "../../../src/render/image/png";
import { sceneToDocument } from "../../../src/render/page/html";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { newContext, painted, withBrowser } from "./browser";
import { decodePng, unlikeWithinAPixel } from "./pixels";

withBrowser();

const random = mulberry32(4);
const COUNT = 3000;
const axis = (from: number, size: number) =>
  Array.from({ length: COUNT }, () => from + (random() + random() - 1) * size);
const frame = new DataFrame({ lng: axis(0, 30), lat: axis(0, 16), fare: axis(20, 10) });

async function sceneOf(style: LayerOptions): Promise<Scene> {
  const layers = [new BaseMap({ source: "none" }), new Layer(frame, { lnglat: ["lng", "lat"], ...style })];
  return (await mapScene(nowhere, { layers, zoom: 3, lat: 0, lng: 0, size: [600, 400], progress })).scene;
}

async function openScene(scene: Scene): Promise<{ page: Page; errors: string[] }> {
  const context = await newContext({ viewport: { width: 600, height: 400 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.setContent(sceneToDocument(scene, renderPng(scene)));
  await painted(page);
  return { page, errors };
}

const INSIDE = { x: 60, y: 12, width: 400, height: 330 };

test.each(["hexbin", "grid", "heatmap", "cluster"] as const)(
  "%s: the page looks like the PNG",
  async (as) => {
    const scene = await sceneOf({ as, legend: false });
    const { page, errors } = await openScene(scene);
    const [shown, image] = await Promise.all([
      decodePng(await page.screenshot()),
      decodePng(renderPng(scene)),
    ]);
    // the numbers of clusters have the fonts of the page
    expect(unlikeWithinAPixel(shown, image, INSIDE)).toBeLessThan(as === "cluster" ? 0.03 : 0.01);
    expect(errors).toEqual([]);
  },
);

test("the card of a cell has its value and count, and the legend has the classes of the zoom", async () => {
  const { page, errors } = await openScene(await sceneOf({ as: "hexbin", value: { avg: "fare" } }));
  await page.mouse.move(300, 200);
  await expect.poll(() => page.isVisible(".tooltip")).toBe(true);
  const card = await page.$$eval(".tooltip dt, .tooltip dd", (items) =>
    items.map(({ textContent }) => textContent),
  );
  expect(card).toEqual([
    "avg(fare)",
    expect.stringMatching(/^\d\d\.\d\d$/),
    "count",
    expect.stringMatching(/^\d+$/),
  ]);
  const labels = () =>
    page.$$eval(".legend section li, .legend section tr", (items) =>
      items.map(({ textContent }) => textContent),
    );
  const before = await labels();
  expect(before.length).toBeGreaterThan(3);
  await page.click(".leaflet-control-zoom-in");
  await expect.poll(labels).not.toEqual(before);
  await page.click(".leaflet-control-zoom-out");
  await expect.poll(labels).toEqual(before);
  expect(errors).toEqual([]);
});

test("keyboards reach clusters, and Enter or a click zooms in on one", async () => {
  const { page, errors } = await openScene(await sceneOf({ as: "cluster" }));
  await page.focus("#map");
  await page.keyboard.press("Enter"); // goes to the nearest cluster
  const countOf = async () => Number((await page.textContent(".spoken"))!.replace(/\D/g, ""));
  const count = await countOf();
  expect(count).toBeGreaterThan(10);
  expect(count).toBeLessThan(COUNT);
  await page.keyboard.press("Enter"); // zooms in on it
  await page.waitForTimeout(600); // Leaflet's animation
  expect(await page.textContent(".spoken")).toBe("");
  await page.keyboard.press("Enter"); // goes to a part of it
  expect(await countOf()).toBeGreaterThan(0);
  expect(await countOf()).toBeLessThan(count);
  await page.keyboard.press("Escape");
  const labels = () =>
    page.$$eval(".legend section li, .legend section tr", (items) =>
      items.map(({ textContent }) => textContent),
    );
  const before = await labels();
  await page.mouse.move(300, 200);
  for (let x = 300; (await page.isHidden(".tooltip")) && x < 400; x += 5) {
    await page.mouse.move(x, 200);
    await page.waitForTimeout(50);
  }
  await page.mouse.down();
  await page.mouse.up();
  await expect.poll(labels).not.toEqual(before);
  expect(errors).toEqual([]);
});

test("a page has the painters of cells only if it needs them", async () => {
  const size = async (style: LayerOptions) => {
    const scene = await sceneOf({ ...style, legend: false });
    return sceneToDocument(scene, new Uint8Array(0)).length;
  };
  expect((await size({ as: "hexbin" })) - (await size({ color: "tomato" }))).toBeGreaterThan(5000);
});
