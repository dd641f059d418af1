/** How the page reacts to pointers, fingers and keys, in Chromium. */
import { DataFrame } from "danfojs-node";
import type { Frame, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, type LayerOptions, type MapOptions } from "../../../src/map";
import { renderPng } from "../../../src/render/image/png";
import { sceneToDocument, sceneToHtml } from "../../../src/render/page/html";
import type { Scene } from "../../../src/render/scene";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { newContext, type OpenOptions, open, openOutput, painted, pointAt, withBrowser } from "./browser";
import { decodePng, difference, pixelAt } from "./pixels";
import { HOSTILE } from "./scenes";

withBrowser();

const NONE = new BaseMap({ source: "none" });
const VIEW = { zoom: 2, lat: 0, lng: 0, size: [600, 400] } as const;
const sceneOf = async (layers: MapOptions["layers"], options: MapOptions = {}) =>
  (await mapScene(nowhere, { layers, ...VIEW, ...options, progress })).scene;

/** Longitude of a pixel of the 600 px wide view, and the pixel of latitude 0. */
const lngAt = (xPx: number) => ((xPx - 300) / 1024) * 360;
const MIDDLE_Y = 200;

function openScene(scene: Scene, options: OpenOptions = {}) {
  const { widthPx, heightPx } = scene;
  return openOutput(sceneToHtml(scene, renderPng(scene)), { widthPx, heightPx, ...options });
}

/** Returns the lines of the tooltip, or undefined if it is hidden. */
async function tooltipAt(page: Page, frame: Frame, x: number, y: number): Promise<string[] | undefined> {
  await pointAt(page, frame, [x, y]);
  return linesOf(frame, ".tooltip");
}

const linesOf = (frame: Frame | Page, selector: string): Promise<string[] | undefined> =>
  frame.evaluate((css) => {
    interface Node {
      readonly hidden: boolean;
      readonly textContent: string;
      querySelectorAll(css: string): Iterable<Node>;
    }
    const { document } = globalThis as unknown as { document: { querySelector(css: string): Node | null } };
    const element = document.querySelector(css);
    if (!element || element.hidden) return undefined;
    return [...element.querySelectorAll("h2, dt, dd")].map(({ textContent }) => textContent);
  }, selector);

const three = (options: LayerOptions) =>
  new Layer(
    new DataFrame({
      lng: [lngAt(200), lngAt(300), lngAt(400)],
      lat: [0, 0, 0],
      name: ["west", HOSTILE, null],
      value: [1234567.891, 0.5, Number.NaN],
      day: [new Date("2024-02-29T00:00:00Z"), new Date("1969-07-20T20:17:40Z"), null],
    } as never),
    { lnglat: ["lng", "lat"], size: 20, color: "#aa0000", ...options },
  );

describe("tooltips", () => {
  test("show the row under the pointer, formatted, as text", async () => {
    const scene = await sceneOf([
      NONE,
      three({
        tooltip: {
          title: `About ${HOSTILE}`,
          columns: [
            "name",
            { column: "value", title: `<b>value</b>`, format: ",.1f" },
            "value",
            { column: "day", format: "%d %B %Y" },
            "day",
          ],
        },
      }),
    ]);
    const { page, frame, errors, requests } = await openScene(scene);
    const title = `About ${HOSTILE}`;
    const names = ["name", "<b>value</b>", "value", "day", "day"];
    const lines = (...values: string[]) => [title, ...names.flatMap((name, i) => [name, values[i]!])];
    expect(await tooltipAt(page, frame, 200, MIDDLE_Y)).toEqual(
      lines("west", "1,234,567.9", "1,234,567.891", "29 February 2024", "2024-02-29 00:00:00"),
    );
    expect(await tooltipAt(page, frame, 309, MIDDLE_Y)).toEqual(
      lines(HOSTILE, "0.5", "0.5", "20 July 1969", "1969-07-20 20:17:40"),
    );
    expect(await tooltipAt(page, frame, 400, MIDDLE_Y)).toEqual(
      lines("no data", "no data", "no data", "no data", "no data"),
    );
    expect(await tooltipAt(page, frame, 350, MIDDLE_Y)).toBeUndefined();
    expect(await frame.evaluate("[document.images.length, window.hacked]")).toEqual([0, undefined]);
    expect(errors).toEqual([]);
    expect(requests).toEqual([]);
  });

  test("show one column of the topmost layer; hidden layers have none", async () => {
    const scene = await sceneOf([
      NONE,
      three({ tooltip: "name", legend: { title: "below" } }),
      new Layer(new DataFrame({ lng: [lngAt(200)], lat: [0], other: ["above"] }), {
        lnglat: ["lng", "lat"],
        size: 20,
        tooltip: ["other"],
        legend: { title: "above" },
      }),
    ]);
    const { page, frame } = await openScene(scene);
    expect(await tooltipAt(page, frame, 200, MIDDLE_Y)).toEqual(["other", "above"]);
    await frame.click(".legend >> text=above");
    expect(await tooltipAt(page, frame, 200, MIDDLE_Y)).toEqual(["name", "west"]);
  });

  test("show the right one of a million points, also after a pan", async () => {
    const random = mulberry32(3);
    const count = 1_000_000;
    const axis = (from: number, to: number) =>
      Array.from({ length: count }, () => from + random() * (to - from));
    const [lng, lat] = [axis(-80, 80), axis(-50, 50)];
    lng[777_777] = lngAt(200);
    lat[777_777] = 55; // apart from the others
    const frame = new DataFrame({ lng, lat, id: lng.map((_, i) => i) });
    const scene = await sceneOf([NONE, new Layer(frame, { lnglat: ["lng", "lat"], size: 3, tooltip: "id" })]);
    const { page, frame: inner, errors } = await openScene(scene);
    const y = MIDDLE_Y - (Math.asinh(Math.tan((55 * Math.PI) / 180)) / (2 * Math.PI)) * 1024;
    // coordinates are rounded to a grid, so the position is exact to half a pixel
    expect(await tooltipAt(page, inner, 200, Math.round(y))).toEqual(["id", "777,777"]);
    // the tooltip shows a point at this position
    const shown = (await tooltipAt(page, inner, 300, 200))!;
    const id = Number(shown[1]!.replaceAll(",", ""));
    expect(Math.abs(lng[id]! - lngAt(300))).toBeLessThan(lngAt(305));
    expect(Math.abs(lat[id]!)).toBeLessThan(lngAt(305));
    await inner.focus("#map");
    await inner.press("#map", "ArrowUp"); // the map moves down by 80 pixels
    await page.waitForTimeout(600);
    expect(await tooltipAt(page, inner, 200, Math.round(y) + 80)).toEqual(["id", "777,777"]);
    expect(await tooltipAt(page, inner, 200, Math.round(y))).toBeUndefined();
    expect(errors).toEqual([]);
  });

  test("work for polygons with holes and for lines", async () => {
    const square = (x: number, reach: number) => [
      [
        [lngAt(x - reach), lngAt(300 - reach)],
        [lngAt(x + reach), lngAt(300 - reach)],
        [lngAt(x + reach), lngAt(300 + reach)],
        [lngAt(x - reach), lngAt(300 + reach)],
        [lngAt(x - reach), lngAt(300 - reach)],
      ],
    ];
    const polygon = (name: string, coordinates: number[][][]) => ({
      type: "Feature",
      properties: { name },
      geometry: { type: "Polygon", coordinates },
    });
    const scene = await sceneOf([
      NONE,
      new Layer(
        {
          type: "FeatureCollection",
          features: [
            polygon("ring", [square(150, 60)[0]!, square(150, 20)[0]!.reverse()]),
            polygon("small", square(190, 10)),
          ],
        } as never,
        { tooltip: "name" },
      ),
      new Layer(
        {
          type: "Feature",
          properties: { name: "road" },
          geometry: {
            type: "LineString",
            coordinates: [
              [lngAt(400), 0],
              [lngAt(500), 0],
            ],
          },
        } as never,
        { tooltip: "name", size: 4 },
      ),
    ]);
    const { page, frame } = await openScene(scene);
    const at = async (x: number, y = MIDDLE_Y) => (await tooltipAt(page, frame, x, y))?.[1];
    expect(await at(110)).toBe("ring");
    expect(await at(150)).toBeUndefined(); // the hole
    expect(await at(190)).toBe("small"); // above the ring
    expect(await at(450, MIDDLE_Y + 4)).toBe("road"); // two pixels beside its edge
    expect(await at(450, MIDDLE_Y + 12)).toBeUndefined();
  });

  test("a map without tooltips has no element for them", async () => {
    const { frame } = await openScene(await sceneOf([NONE, three({})]));
    expect(
      await frame.evaluate("document.querySelectorAll('.tooltip, .leaflet-hover-pane canvas').length"),
    ).toBe(0);
  });
});

describe("popups", () => {
  test("open on click, and close on Esc and on a click elsewhere", async () => {
    const { page, frame, errors } = await openScene(
      await sceneOf([NONE, three({ popup: ["name", "value"] })]),
    );
    await page.mouse.click(200, MIDDLE_Y);
    await frame.waitForSelector(".popup dd");
    expect((await linesOf(frame, ".popup"))![1]).toBe("west");
    await page.keyboard.press("Escape");
    await frame.waitForSelector(".popup", { state: "detached" });
    await page.mouse.click(300, MIDDLE_Y);
    await frame.waitForSelector(".popup dd");
    expect(await linesOf(frame, ".popup")).toEqual(["name", HOSTILE, "value", "0.5"]);
    await page.mouse.click(300, 390);
    await frame.waitForSelector(".popup", { state: "detached" });
    expect(errors).toEqual([]);
  });

  test("are as wide as their content", async () => {
    const { page, frame } = await openScene(await sceneOf([NONE, three({ popup: ["name", "value"] })]));
    await page.mouse.click(200, MIDDLE_Y);
    await frame.waitForSelector(".popup dd");
    const heights = await frame.evaluate(
      "[...document.querySelectorAll('.popup dd')].map((dd) => dd.offsetHeight)",
    );
    expect(heights).toEqual([17, 17]); // one line each
  });

  test("a tap shows the tooltip's columns", async () => {
    const scene = await sceneOf([NONE, three({ tooltip: "name" })]);
    const context = await newContext({
      hasTouch: true,
      isMobile: true,
      viewport: { width: 600, height: 400 },
    });
    const page = await context.newPage();
    await page.setContent(sceneToDocument(scene, new Uint8Array()));
    await painted(page);
    await page.touchscreen.tap(200, MIDDLE_Y + 8);
    await page.waitForSelector(".popup dd");
    expect(await linesOf(page, ".popup")).toEqual(["name", "west"]);
    await context.close();
  });
});

describe("legends", () => {
  test("clicking a title hides and shows its layer", async () => {
    const scene = await sceneOf([
      NONE,
      three({ color: { column: "value", bins: [1, 2e6] }, legend: { title: "Values" } }),
    ]);
    const { page, frame } = await openScene(scene);
    const pixel = async (x: number) => pixelAt(await decodePng(await page.screenshot()), x, MIDDLE_Y);
    expect(await pixel(200)).not.toEqual([255, 255, 255]);
    await frame.click("text=Values");
    expect(await frame.getAttribute(".legend h2 button", "aria-pressed")).toBe("false");
    await expect.poll(() => pixel(200)).toEqual([255, 255, 255]);
    await frame.click("text=Values");
    await expect.poll(() => pixel(200)).not.toEqual([255, 255, 255]);
    expect(await frame.getAttribute(".legend h2 button", "aria-pressed")).toBe("true");
  });

  test("two layers of one colour can be hidden by their names; counts; a ramp", async () => {
    const scene = await sceneOf([
      NONE,
      three({ legend: { title: HOSTILE } }),
      three({ color: { column: "value", method: "continuous" }, legend: { title: "Ramp", counts: true } }),
    ]);
    const { frame, errors } = await openScene(scene);
    expect(await frame.locator(".legend button:visible").allTextContents()).toEqual([HOSTILE, "Ramp"]);
    expect(await frame.locator(".legend .ramp span").allTextContents()).toEqual(["0.5", "1,234,568"]);
    expect(await frame.locator(".legend .count").allTextContents()).toEqual(["1"]);
    expect(errors).toEqual([]);
  });
});

describe("layer list", () => {
  const layers = () => [
    NONE,
    three({ name: HOSTILE, legend: false }),
    three({ color: "name", tooltip: "name", popup: "name", legend: { title: "Kinds" } }),
    three({ size: 3, legend: false, label: "name" }),
  ];
  const names = (frame: Frame | Page) => frame.locator(".layers li").allTextContents();

  test("switches layers without a legend, in sync with the legends", async () => {
    const { page, frame, errors } = await openScene(await sceneOf(layers()));
    const pixel = async (x: number, y = MIDDLE_Y) => pixelAt(await decodePng(await page.screenshot()), x, y);
    expect(await frame.isVisible(".layers ul")).toBe(false);
    await frame.click(".layers button");
    expect(await names(frame)).toEqual([HOSTILE, "Kinds", "Layer 3"]);
    const tick = (i: number) => frame.locator(".layers input").nth(i);
    await frame.click("text=Kinds");
    await frame.waitForSelector(".legend section.off");
    expect(await tick(1).isChecked()).toBe(false);
    expect(await tooltipAt(page, frame, 200, MIDDLE_Y)).toBeUndefined();
    await tick(0).uncheck();
    await tick(2).uncheck();
    await expect.poll(() => pixel(200)).toEqual([255, 255, 255]);
    await tick(1).check();
    await frame.waitForSelector(".legend section:not(.off)");
    await expect.poll(() => pixel(200)).not.toEqual([255, 255, 255]);
    await page.keyboard.press("Escape");
    expect(await frame.isVisible(".layers ul")).toBe(false);
    expect(await frame.evaluate("[document.images.length, window.hacked]")).toEqual([0, undefined]);
    expect(errors).toEqual([]);
  });

  test("hiding a layer closes its popup", async () => {
    const { page, frame } = await openScene(await sceneOf(layers()));
    await page.mouse.click(200, MIDDLE_Y);
    await frame.waitForSelector(".popup dd");
    await frame.click(".layers button");
    await frame.locator(".layers input").nth(1).uncheck();
    await frame.waitForSelector(".popup dd", { state: "detached" });
  });

  test("Space toggles a checkbox and does not play", async () => {
    const times = new DataFrame({ lng: [0, 1], lat: [0, 1], t: [1, 2] });
    const timed = new Layer(times, { lnglat: ["lng", "lat"], time: "t", name: "Events" });
    const { page, frame } = await openScene(await sceneOf([NONE, three({}), timed], { at: 1 }));
    await frame.click(".layers button");
    const tick = frame.locator(".layers input").nth(1);
    await tick.focus();
    await page.keyboard.press("Space");
    expect(await tick.isChecked()).toBe(false);
    expect(await frame.getAttribute(".play", "aria-label")).toBe("Play");
  });

  test("fits on a phone, and is omitted for a single layer", async () => {
    const many = Array.from({ length: 8 }, (_, i) =>
      three({ legend: false, name: `${i} ${"very long name ".repeat(6)}` }),
    );
    const { frame } = await openScene(await sceneOf([NONE, ...many]), { widthPx: 375, heightPx: 600 });
    await frame.click(".layers button");
    const box = (await frame.locator(".layers ul").boundingBox())!;
    const map = (await frame.locator("#map").boundingBox())!;
    expect(box.x + box.width).toBeLessThanOrEqual(map.x + map.width);
    expect(box.y + box.height).toBeLessThanOrEqual(map.y + map.height - 16);
    await frame.locator(".layers input").nth(7).uncheck();
    const alone = await openScene(await sceneOf([NONE, three({})]));
    expect(await alone.frame.locator(".layers").count()).toBe(0);
  });
});

describe("map furniture", () => {
  test("title, scale and full screen", async () => {
    const title = `Title ${HOSTILE}`;
    const scene = await sceneOf([NONE, three({})], { title, zoom: 6 });
    const { page, errors } = await open(sceneToDocument(scene, new Uint8Array()));
    await painted(page);
    expect(await page.textContent("h1.title")).toBe(title);
    expect(await page.textContent(".scale")).toBe("200 km");
    const [px] = (await page.evaluate("[document.querySelector('.scale').offsetWidth]")) as number[];
    expect(px).toBe(Math.round(200_000 / (40_075_016.69 / (256 * 64))));
    await page.click(".fullscreen");
    await page.waitForSelector(".fullscreen[aria-label='Exit full screen']");
    await page.click(".fullscreen");
    await page.waitForSelector(".fullscreen[aria-label='Full screen']");
    await page.click(".leaflet-control-zoom-in");
    await page.waitForSelector(".scale >> text='100 km'");
    expect(errors).toEqual([]);
  });

  test("world maps have no scale bar", async () => {
    const { frame } = await openScene(await sceneOf([NONE, three({})], { zoom: 1 }));
    expect(await frame.isVisible(".scale")).toBe(false);
  });

  test("on a phone the legend is folded, and nothing lies outside the window", async () => {
    const scene = await sceneOf([NONE, three({ color: "value", legend: { title: "Values" } })], {
      title: "A title that is rather long for a phone in one line",
    });
    const { page, frame } = await openScene(scene, { widthPx: 375, heightPx: 600 });
    expect(await frame.isVisible("text=Values")).toBe(false);
    const [heading, folded] = [
      (await frame.locator("h1.title").boundingBox())!,
      (await frame.locator(".legend").boundingBox())!,
    ];
    expect(heading.x + heading.width).toBeLessThan(folded.x);
    await frame.click(".fold");
    expect(await frame.isVisible("text=Values")).toBe(true);
    expect(await frame.evaluate("[innerWidth, innerHeight]")).toEqual([375, 280]);
    const beside = `[...document.querySelectorAll(".leaflet-control")].filter((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
    }).length`;
    expect(await frame.evaluate(beside)).toBe(0);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
  });
});

describe("labels", () => {
  /** Short ones, because over a long one the fonts of Chromium and Skia drift apart by a pixel. */
  const short = new DataFrame({
    lng: [lngAt(200), lngAt(300), lngAt(400)],
    lat: [0, 0, 0],
    name: ["west", HOSTILE.slice(0, 24), null],
  } as never);
  const labelled = () =>
    new Layer(short, { lnglat: ["lng", "lat"], size: 20, color: "#aa0000", label: "name" });
  const scene = () =>
    sceneOf([NONE, labelled()], { size: [600, 400] }).then((built) => ({
      ...built,
      legends: [],
    }));

  test("are at the same places as in the image", async () => {
    const built = await scene();
    const { page, frame, errors } = await openScene(built);
    expect(await frame.evaluate("document.fonts.check('12px cartoframes')")).toBe(true);
    const picture = await decodePng(renderPng(built));
    const area = { x: 60, y: 100, width: 500, height: 200 };
    const { mean } = difference(await decodePng(await page.screenshot()), picture, area);
    const without = await decodePng(
      renderPng({ ...built, layers: built.layers.map(({ label, ...rest }) => rest) }),
    );
    // Chromium's text is a little darker than Skia's; missing or moved labels would differ much more
    expect(mean).toBeLessThan(0.5 * difference(picture, without, area).mean);
    expect(errors).toEqual([]);
  });

  test("stay whole while the map is dragged", async () => {
    const { page } = await openScene(await scene());
    const before = await decodePng(await page.screenshot());
    await page.mouse.move(300, 300);
    await page.mouse.down();
    for (let step = 1; step <= 13; step++) await page.mouse.move(300 - 10 * step, 300);
    await page.waitForTimeout(150);
    await page.mouse.up();
    const area = { x: 190, y: 150, width: 350, height: 100 };
    const off = async () =>
      difference(before, await decodePng(await page.screenshot()), area, [-130, 0]).mean;
    await expect.poll(off).toBeLessThan(0.2);
  });
});
