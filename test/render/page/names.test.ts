/** Place names of the basemap in Chromium: where there is no network, until tiles with names of their own show. */
import { createCanvas } from "@napi-rs/canvas";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { cartoBasemap } from "../../../src/map/base-map";
import { encodePng } from "../../../src/render/image/encode-png";
import { renderCanvas } from "../../../src/render/image/png";
import { sceneToDocument } from "../../../src/render/page/html";
import type { Scene } from "../../../src/render/scene";
import { type OpenOptions, open, painted, withBrowser } from "./browser";
import { decodePng, difference, unlikeWithinAPixel } from "./pixels";
import { pointLayer, sceneOf } from "./scenes";

withBrowser();

const at = (lng: number, lat: number, zoom: number): Scene["view"] => ({ kind: "center", lng, lat, zoom });
const sceneAt = (view: Scene["view"], placement: "back" | "front" = "back", rest: Partial<Scene> = {}) =>
  sceneOf([pointLayer(Float64Array.of(0.2), Float64Array.of(0.2))], {
    basemap: cartoBasemap("voyager", placement, { language: "en" }),
    view,
    ...rest,
  });

/** Records every text that is painted on a canvas. */
const RECORD = `window.texts = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    window.texts.push(text);
    return fillText.call(this, text, ...rest);
  };`;

async function openMap(scene: Scene, options: OpenOptions = {}) {
  const opened = await open(sceneToDocument(scene, new Uint8Array()), { before: RECORD, ...options });
  await painted(opened.page);
  const texts = async () => new Set(await opened.page.evaluate<string[]>("window.texts"));
  return { ...opened, texts };
}

function tile(color: string): Buffer {
  const canvas = createCanvas(256, 256);
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 256, 256);
  return canvas.toBuffer("image/png");
}

async function drag(page: Page, [dx, dy]: readonly [number, number]): Promise<void> {
  await page.mouse.move(300, 200);
  await page.mouse.down();
  for (let step = 1; step <= 5; step++) await page.mouse.move(300 + (dx * step) / 5, 200 + (dy * step) / 5);
  await page.waitForTimeout(200); // so that the map does not glide on
  await page.mouse.up();
  await painted(page);
}

/** An area without controls. */
const INSIDE = { x: 60, y: 0, width: 540, height: 340 };
const pictureOf = async (page: Page) => decodePng(await page.screenshot());

test.each(["back", "front"] as const)("a map without a network has names at the %s", async (placement) => {
  const { page, texts, errors } = await openMap(sceneAt(at(14, 48, 5), placement));
  expect([...(await texts())]).toEqual(expect.arrayContaining(["Germany", "Austria", "Hungary"]));
  expect(await texts()).toContain(placement === "back" ? "Budapest" : "Croatia");
  const credit = page.locator(".attribution");
  expect(await credit.textContent()).toBe("Leaflet · Natural Earth · GeoNames");
  expect(await credit.locator("a").last().getAttribute("href")).toBe("https://www.geonames.org");
  expect(errors.filter((error) => !error.includes("ERR_FAILED"))).toEqual([]); // the tile that asks for a network
});

test("a page has the names of its image, in the same places and letters", async () => {
  const { names: _, ...nameless } = cartoBasemap("light", "back");
  const image = (basemap: Scene["basemap"]) =>
    decodePng(encodePng(renderCanvas(sceneAt(at(14, 48, 5), "back", { basemap }))));
  const { tiles: __, ...basemap } = cartoBasemap("light", "back", { language: "en" });
  const { page, requests } = await openMap(sceneAt(at(14, 48, 5), "back", { basemap }));
  const shown = await pictureOf(page);
  const offBy = async (other: Scene["basemap"]) => unlikeWithinAPixel(shown, await image(other), INSIDE);
  expect(await offBy(basemap)).toBeLessThan(0.1 * (await offBy(nameless)));
  expect(await page.evaluate("[...document.fonts].map(({ family, status }) => [family, status])")).toEqual([
    ["cartoframes", "loaded"],
  ]);
  expect(requests).toEqual([]);
});

test("other letters have the fonts of the reader", async () => {
  const { page } = await openMap(
    sceneAt(at(14, 48, 5), "back", { basemap: cartoBasemap("light", "back", { language: "ja" }) }),
  );
  expect(await page.evaluate("document.fonts.size")).toBe(1); // most names are of cities, in Latin letters
  const arabic = cartoBasemap("light", "back", { language: "ar" });
  const other = await openMap(sceneAt(at(40, 25, 3), "back", { basemap: arabic }));
  expect([...(await other.texts())]).toContain("العراق");
});

test.each(["back", "front"] as const)("tiles hide names at the %s", async (placement) => {
  const { page, texts } = await openMap(sceneAt(at(14, 48, 5), placement), { route: () => tile("#0f0") });
  await page.locator(".leaflet-tile-loaded").nth(3).waitFor();
  await expect.poll(() => page.locator(".attribution").textContent()).toContain("OpenStreetMap");
  await page.evaluate("window.texts = []");
  await drag(page, [-120, 60]);
  expect(await texts()).toEqual(new Set());
});

test("a pan paints the same names and the same grid as the whole view", async () => {
  for (const view of [at(14, 48, 5), at(16.2, 48.28, 11)]) {
    const { page, texts } = await openMap(sceneAt(view));
    const before = await pictureOf(page);
    await drag(page, [-130, 70]);
    expect(difference(await pictureOf(page), before, INSIDE).mean).toBeGreaterThan(0.2);
    await drag(page, [130, -70]);
    expect(difference(await pictureOf(page), before, INSIDE).mean).toBeLessThan(0.005);
    expect((await texts()).size).toBeGreaterThan(3);
  }
});

test("a map of streets says near which city it is, until tiles do", async () => {
  const streets = sceneAt(at(15.3, 47.2, 14));
  const { page, texts } = await openMap(streets);
  expect(await page.textContent(".near")).toBe("near Graz");
  expect([...(await texts())].filter((text) => /^47°\d\d′N {2}15°\d\d′E$/.test(text))).not.toEqual([]);
  const zoomedOut = async () => {
    await page.click(".leaflet-control-zoom-out");
    return page.textContent(".near");
  };
  await expect.poll(zoomedOut, { timeout: 20_000, interval: 400 }).toBe("");

  const online = await openMap(streets, { route: () => tile("#0f0") });
  await online.page.locator(".leaflet-tile-loaded").first().waitFor();
  await expect.poll(() => online.page.textContent(".near")).toBe("");
});
