/** Popups that page through several features, and where cards lie on the map, in Chromium. */
import { DataFrame } from "danfojs-node";
import type { Frame, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, type MapOptions } from "../../../src/map";
import { sceneToDocument } from "../../../src/render/page/html";
import { nowhere, progress } from "../../support/nowhere";
import { type OpenOptions, open, painted, withBrowser } from "./browser";
import { decodePng, pixelAt } from "./pixels";

withBrowser();

const NONE = new BaseMap({ source: "none" });
const sceneOf = async (options: MapOptions) => (await mapScene(nowhere, { ...options, progress })).scene;

/** Opens a map that fills the window. */
async function openMap(options: MapOptions, size: OpenOptions = {}) {
  const opened = await open(sceneToDocument(await sceneOf(options), new Uint8Array()), size);
  await painted(opened.page);
  return opened;
}

/** Points at the middle of a map of 600 × 400 at longitude and latitude 0, each with a name. */
const stack = (names: readonly string[], options: LayerOptions = {}) =>
  new Layer(new DataFrame({ lng: names.map(() => 0), lat: names.map(() => 0), name: [...names] }), {
    lnglat: ["lng", "lat"],
    size: 20,
    popup: "name",
    tooltip: "name",
    ...options,
  });
const VIEW = { zoom: 2, lat: 0, lng: 0 } as const;

const textOf = (page: Page, css: string) => page.locator(css).textContent();
const names = async (page: Page, clicks: number): Promise<string[]> => {
  const found = [(await textOf(page, ".popup dd"))!];
  for (let i = 0; i < clicks; i++) {
    await page.click(".popup .next");
    found.push((await textOf(page, ".popup dd"))!);
  }
  return found;
};

/** Elements of the map that a card must not lie under, or outside of, with the card's own box. */
async function expectOnTop(page: Page | Frame, css: string): Promise<void> {
  const seen = await page.evaluate(`(() => {
    const card = document.querySelector(${JSON.stringify(css)});
    const { left, top, right, bottom } = card.getBoundingClientRect();
    card.style.pointerEvents = "auto"; // or a tooltip is never found
    const inside = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    const places = [[left + 3, top + 3], [right - 3, top + 3], [left + 3, bottom - 3], [right - 3, bottom - 3]];
    const onTop = places.every(([x, y]) => card.contains(document.elementFromPoint(x, y)));
    card.style.pointerEvents = "";
    return { inside, onTop };
  })()`);
  expect(seen).toEqual({ inside: true, onTop: true });
}

describe("several features at a position", () => {
  test("the popup pages through all of them, topmost first, across layers and within one", async () => {
    const { page, errors } = await openMap({
      layers: [
        NONE,
        stack(["below"], { name: "Lower", size: 40 }),
        stack(["first", "second", "third"], { name: "Upper" }),
      ],
      ...VIEW,
    });
    await page.mouse.click(300, 200);
    await page.waitForSelector(".popup dd");
    expect(await textOf(page, ".popup .count")).toBe("1 of 4 · Upper");
    expect(await names(page, 3)).toEqual(["third", "second", "first", "below"]);
    expect(await textOf(page, ".popup .count")).toBe("4 of 4 · Lower");
    await page.click(".popup .next");
    expect(await textOf(page, ".popup dd")).toBe("third");
    await page.click(".popup .previous");
    expect(await textOf(page, ".popup dd")).toBe("below");
    await page.keyboard.press("ArrowLeft"); // the button has the focus
    expect(await textOf(page, ".popup dd")).toBe("first");
    await page.click(".popup .close");
    expect(await page.locator(".popup").count()).toBe(0);
    expect(errors).toEqual([]);
  });

  test("the shown one is highlighted", async () => {
    const { page } = await openMap({
      layers: [
        NONE,
        stack(["large"], { size: 80, color: "#aa0000" }),
        stack(["small"], { color: "#0000aa" }),
      ],
      ...VIEW,
    });
    const pixel = async (x: number) => pixelAt(await decodePng(await page.screenshot()), x, 200);
    const edges = { small: 300 - 11, large: 300 - 41 };
    const plain = [await pixel(edges.small), await pixel(edges.large)];
    await page.mouse.click(300, 200);
    await page.waitForSelector(".popup dd");
    await expect.poll(() => pixel(edges.small)).not.toEqual(plain[0]);
    expect(await pixel(edges.large)).toEqual(plain[1]);
    await page.click(".popup .next");
    await expect.poll(() => pixel(edges.large)).not.toEqual(plain[1]);
    expect(await pixel(edges.small)).toEqual(plain[0]);
  });

  test("the tooltip shows the topmost and how many more there are", async () => {
    const { page } = await openMap({ layers: [NONE, stack(["a", "b", "c", "d", "e"])], ...VIEW });
    await page.mouse.move(299, 200);
    await page.mouse.move(300, 200);
    await page.waitForSelector(".tooltip:not([hidden])");
    expect(await page.locator(".tooltip dd").allTextContents()).toEqual(["e"]);
    expect(await textOf(page, ".tooltip p")).toBe("+ 4 more");
  });

  test("of more than a hundred, a hundred are shown", async () => {
    const many = Array.from({ length: 5000 }, (_, i) => `${i}`);
    const { page } = await openMap({ layers: [NONE, stack(many)], ...VIEW });
    await page.mouse.click(300, 200);
    await page.waitForSelector(".popup dd");
    expect(await textOf(page, ".popup .count")).toBe("1 of 100+");
    expect(await textOf(page, ".popup dd")).toBe("4999");
    await page.click(".popup .previous");
    expect(await textOf(page, ".popup .count")).toBe("100 of 100+");
    expect(await textOf(page, ".popup dd")).toBe("4900");
  });

  test("hiding a layer removes its pages", async () => {
    const { page } = await openMap({
      layers: [NONE, stack(["below"], { name: "Lower" }), stack(["above"], { name: "Upper" })],
      ...VIEW,
    });
    await page.mouse.click(300, 200);
    await page.waitForSelector(".popup dd");
    await page.click(".layers button");
    await page.locator(".layers input").nth(1).uncheck();
    await expect.poll(() => textOf(page, ".popup dd")).toBe("below");
    expect(await page.isVisible(".pager")).toBe(false);
    await page.locator(".layers input").nth(0).uncheck();
    await page.waitForSelector(".popup", { state: "detached" });
  });
});

describe("cards lie above all controls and inside the map", () => {
  const rows = Array.from({ length: 24 }, (_, i) => `column${i}`);
  const wide = Object.fromEntries(rows.map((row) => [row, ["a value of several words", "another"]]));
  const map = (cards: LayerOptions): MapOptions => ({
    title: "A title above the map",
    layers: [
      NONE,
      new Layer(new DataFrame({ lng: [-60, 60], lat: [40, -40], ...wide }), {
        lnglat: ["lng", "lat"],
        size: 30,
        color: "column0",
        ...cards,
      }),
    ],
    zoom: 0,
    lat: 0,
    lng: 0,
  });
  const sizes = [
    [300, 200],
    [400, 280],
    [800, 400],
  ] as const;
  const places = [
    [-43, -31],
    [43, 31],
  ] as const;

  test.each(sizes)("at %d × %d", async (widthPx, heightPx) => {
    for (const columns of [rows, rows.slice(0, 2)]) {
      const { page } = await openMap(map({ popup: columns, tooltip: columns }), { widthPx, heightPx });
      for (const [dx, dy] of places) {
        const at = [widthPx / 2 + dx, heightPx / 2 + dy] as const;
        await page.mouse.move(at[0] - 1, at[1]);
        await page.mouse.move(...at);
        await page.waitForSelector(".tooltip:not([hidden])");
        await expectOnTop(page, ".tooltip");
        await page.mouse.click(...at);
        await page.waitForSelector(".popup dd");
        await expectOnTop(page, ".popup");
        await page.keyboard.press("Escape");
      }
      await page.close();
    }
  });

  test("a long card scrolls inside, also by keyboard", async () => {
    const { page } = await openMap(map({ popup: rows }), { widthPx: 300, heightPx: 200 });
    await page.mouse.click(150 + 43, 100 + 31);
    await page.waitForSelector(".popup dd");
    const body = page.locator(".popup .body");
    const below = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)";
    const hiddenPx = () => page.evaluate<number>(`${below}(document.querySelector(".popup .body"))`);
    expect(await hiddenPx()).toBeGreaterThan(100);
    await body.focus();
    await page.keyboard.press("End");
    await expect.poll(hiddenPx).toBeLessThan(1);
  });

  test("a tooltip that is higher than the map ends in …", async () => {
    const { page } = await openMap(map({ tooltip: rows }), { widthPx: 300, heightPx: 200 });
    await page.mouse.move(150 + 43, 100 + 30);
    await page.mouse.move(150 + 43, 100 + 31);
    await page.waitForSelector(".tooltip:not([hidden])");
    expect(await textOf(page, ".tooltip p")).toBe("…");
    expect(await page.locator(".tooltip dd").count()).toBeGreaterThan(2);
  });

  test("the tooltip does not repeat an open popup", async () => {
    const { page } = await openMap({ layers: [NONE, stack(["one"])], ...VIEW });
    await page.mouse.move(299, 200);
    await page.mouse.move(300, 200);
    await page.waitForSelector(".tooltip:not([hidden])");
    await page.mouse.click(300, 200);
    await page.waitForSelector(".popup dd");
    await page.mouse.move(302, 203);
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    expect(await page.isVisible(".tooltip")).toBe(false);
    expect(await page.isVisible(".popup")).toBe(true);
  });

  test("the popup follows the map", async () => {
    const { page } = await openMap({ layers: [NONE, stack(["one"])], ...VIEW });
    await page.mouse.click(300, 200);
    await page.waitForSelector(".popup dd");
    const before = (await page.locator(".popup").boundingBox())!;
    await page.mouse.move(200, 300);
    await page.mouse.down();
    await page.mouse.move(220, 310);
    await page.mouse.move(250, 340, { steps: 4 });
    const during = (await page.locator(".popup").boundingBox())!;
    expect([during.x - before.x, during.y - before.y]).toEqual([50, 40]);
    await page.mouse.up();
  });
});
