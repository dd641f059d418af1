/** Figures whose views are linked, in Chromium. */
import { readFileSync } from "node:fs";
import { DataFrame } from "danfojs-node";
import type { Frame, Page } from "playwright-core";
import { describe, expect, test, vi } from "vitest";
import { makeFacets, makeMap } from "../../../src/context/map/map";
import { Layer, type LayerOptions, type MapOptions, widget } from "../../../src/map";
import { type Figure, type FigureCell, figure } from "../../../src/render";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { open, withBrowser } from "./browser";
import { decodePng, difference, type Picture } from "./pixels";
import { HOSTILE } from "./scenes";

withBrowser();

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const ROWS = 300;
const random = mulberry32(11);
const DATA = {
  lng: Array.from({ length: ROWS }, () => random() * 6 + 4),
  lat: Array.from({ length: ROWS }, () => random() * 4 + 45),
  size: Array.from({ length: ROWS }, () => Math.floor(random() * 100)),
  kind: Array.from({ length: ROWS }, () => ["apple", "pear", HOSTILE][Math.floor(random() ** 2 * 3)]),
  when: Array.from({ length: ROWS }, (_, i) => `2020-0${1 + (i % 6)}-1${i % 3}`),
};
const frame = new DataFrame(DATA as never);
const layer = (options: LayerOptions = {}) =>
  new Layer(frame, { name: "fruit", lnglat: ["lng", "lat"], size: 12, ...options });
const put = (ax: FigureCell, options: MapOptions) =>
  makeMap(nowhere, { ...options, ax, isPicture: true, progress });
const countOf = (isCounted: (row: number) => boolean) => DATA.size.filter((_, row) => isCounted(row)).length;

const COUNT = { mark: "text", encoding: { text: { aggregate: "count" } } };
const BARS = {
  mark: "bar",
  params: [{ name: "brush", select: { type: "interval", encodings: ["x"] } }],
  encoding: { x: { bin: { step: 10 }, field: "size" }, y: { aggregate: "count" } },
};

/** Opens a figure and waits for its maps and charts. */
async function openFigure(fig: Figure, size = { widthPx: 1100, heightPx: 800 }) {
  const opened = await open(fig.toHTML(), { ...size, before: AXE });
  await settled(opened.page);
  // there are no tiles, and nobody listens to reports
  return { ...opened, errors: () => opened.errors.filter((error) => !error.includes("ERR_FAILED")) };
}

const mapsIn = (page: Page): Frame[] => page.frames().filter((one) => one !== page.mainFrame());

/** Waits until messages have reached all views, and these have painted. */
async function settled(page: Page): Promise<void> {
  await page.waitForSelector(".cell");
  for (const map of mapsIn(page)) await map.waitForSelector(".leaflet-container canvas");
  for (let round = 0; round < 3; round++) {
    for (const one of page.frames()) {
      await one.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
      await one.waitForSelector("[aria-busy=true]", { state: "detached" });
    }
  }
}

/** Share of the pixels that differ, by more than antialiasing does. */
const unlike = (a: Picture, b: Picture): number =>
  difference(a, b, { x: 0, y: 0, width: a.width, height: a.height }).differing;
const pictureOf = async (map: Frame) => decodePng(await (await map.frameElement()).screenshot());
const numberIn = async (page: Page, cell: number) =>
  Number(await page.locator(".cell").nth(cell).locator("svg .mark-text text").textContent());
const rowsIn = async (map: Frame) => Number(await map.locator(".widget output").first().textContent());

/** Drags over a chart between two values of its x axis. */
async function brush(page: Page, cell: number, from: number, to: number): Promise<void> {
  const plot = (await page.locator(".cell").nth(cell).locator("svg .background").first().boundingBox())!;
  const x = (value: number) => plot.x + (value / 100) * plot.width;
  const y = plot.y + plot.height / 2;
  await page.mouse.move(x(from), y);
  await page.mouse.down();
  await page.mouse.move(x((from + to) / 2), y, { steps: 2 });
  await page.mouse.move(x(to), y, { steps: 2 });
  await page.mouse.up();
  await settled(page);
}

describe("linked views", () => {
  async function linked() {
    const fig = figure({ columns: 2, linked: true, title: HOSTILE });
    const widgets = [widget.formula("count", { viewport: false }), widget.histogram("size", { bins: 10 })];
    await put(fig.at(0), { layers: layer({ tooltip: "kind" }), widgets, size: [400, 300] });
    await put(fig.at(1), { layers: layer({ color: "kind", tooltip: "kind" }) });
    fig.at(2).vega(BARS, frame);
    fig.at(3).vega(COUNT, frame);
    return fig;
  }

  test("a brush on a chart filters the maps and the other charts", async () => {
    const { page, errors, requests } = await openFigure(await linked());
    const [first, second] = mapsIn(page) as [Frame, Frame];
    expect(await rowsIn(first)).toBe(ROWS);
    expect(await numberIn(page, 3)).toBe(ROWS);
    const before = await pictureOf(second);

    await brush(page, 2, 20, 50);
    const counted = await rowsIn(first);
    const about = countOf((row) => DATA.size[row]! >= 20 && DATA.size[row]! < 50);
    expect(Math.abs(counted - about)).toBeLessThan(12); // a pixel is a third of a value
    expect(await numberIn(page, 3)).toBe(counted);
    expect(unlike(before, await pictureOf(second))).toBeGreaterThan(0.01);

    const plot = (await page.locator(".cell").nth(2).locator("svg .background").first().boundingBox())!;
    await page.mouse.dblclick(plot.x + 0.8 * plot.width, plot.y + 3); // removes the brush
    await settled(page);
    expect(await rowsIn(first)).toBe(ROWS);
    await page.mouse.move(1, 1);
    await settled(page);
    expect(unlike(before, await pictureOf(second))).toBeLessThan(0.002);
    expect(errors()).toEqual([]);
    const allowed = /^http:\/\/127\.0\.0\.1|^https:\/\/[a-d]\.basemaps\.cartocdn\.com\//;
    expect(requests.filter((url) => !allowed.test(url))).toEqual([]);
  });

  test("a widget and a legend filter the charts and the other map", async () => {
    const { page } = await openFigure(await linked());
    const [first, second] = mapsIn(page) as [Frame, Frame];
    await second.locator(".legend th button", { hasText: "apple" }).click();
    await settled(page);
    const others = countOf((row) => DATA.kind[row] !== "apple");
    expect(await rowsIn(first)).toBe(others);
    expect(await numberIn(page, 3)).toBe(others);

    const plot = (await first.locator(".plot").first().boundingBox())!;
    await page.mouse.click(plot.x + 0.05 * plot.width, plot.y + plot.height / 2);
    await settled(page);
    const both = countOf((row) => DATA.kind[row] !== "apple" && DATA.size[row]! < 10);
    expect(await numberIn(page, 3)).toBe(both);
    expect(await rowsIn(first)).toBe(both);
  });

  test("maps move together and show what is under the pointer of another", async () => {
    const { page } = await openFigure(await linked());
    const [first, second] = mapsIn(page) as [Frame, Frame];
    const scales = () =>
      Promise.all(
        [first, second].map((map) =>
          map.locator(".scale").evaluate(({ textContent: text, style }) => `${text} ${style.width}`),
        ),
      );
    const [a, b] = await scales();
    expect(a).toBe(b);
    await second.locator(".leaflet-control-zoom-in").click();
    await vi.waitFor(async () => {
      const [now, other] = await scales();
      expect(now).not.toBe(a);
      expect(now).toBe(other);
    }, 60_000);
    await first.locator(".home").click();
    await vi.waitFor(async () => expect(await scales()).toEqual([a, b]), 60_000);

    await first.locator("#map").focus();
    await page.keyboard.press("Enter"); // goes to a feature
    await settled(page);
    const box = (await (await second.frameElement()).boundingBox())!;
    for (let x = 60; x < box.width && !(await second.locator(".tooltip").isVisible()); x += 7) {
      await page.mouse.move(box.x + x, box.y + box.height / 2);
      await settled(page);
    }
    expect(await second.locator(".tooltip").textContent()).toBeTruthy();
    expect(await first.locator(".tooltip").textContent()).toBe(
      await second.locator(".tooltip").textContent(),
    );
    expect(await first.locator(".other-pointer").isVisible()).toBe(true);
    await page.mouse.move(1, 1);
    await settled(page);
    expect(await first.locator(".other-pointer").isVisible()).toBe(false);
  });

  test("selections by category and by month filter the rows behind their marks", async () => {
    const fig = figure({ linked: true });
    const params = [{ name: "pick", select: "point" }];
    const bars = (y: object) => ({ mark: "bar", params, encoding: { y, x: { aggregate: "count" } } });
    fig.at(0).vega(bars({ field: "kind", sort: ["apple"] }), frame);
    fig.at(1).vega(bars({ field: "when", timeUnit: "month", type: "ordinal" }), frame);
    fig.at(2).vega(COUNT, frame);
    const { page, errors } = await openFigure(fig);
    const bar = (cell: number) => page.locator(".cell").nth(cell).locator(".mark-rect path").first();
    await bar(0).click();
    await settled(page);
    expect(await numberIn(page, 2)).toBe(countOf((row) => DATA.kind[row] === "apple"));
    await bar(1).click();
    await settled(page);
    const both = countOf((row) => DATA.kind[row] === "apple" && DATA.when[row]!.startsWith("2020-01"));
    expect(await numberIn(page, 2)).toBe(both);
    expect(errors()).toEqual([]);
  });
});

describe("selections", () => {
  const pick = (name: string) => ({ name, select: "point" });
  const layered = {
    layer: [
      {
        mark: "bar",
        params: [pick("in layer")],
        encoding: { y: { field: "kind" }, x: { aggregate: "count" } },
      },
      { mark: "text", encoding: { y: { field: "kind" }, text: { aggregate: "count" } } },
    ],
  };

  test("filter from the beginning if they have initial values, or a map has a state", async () => {
    const fig = figure({ linked: true });
    const value = { x: [20, 60] };
    fig
      .at(0)
      .vega(
        { ...BARS, params: [{ name: "b", value, select: { type: "interval", encodings: ["x"] } }] },
        frame,
      );
    const state = { filters: [{ layer: "fruit", column: "size", from: 40, to: 100 }] };
    await put(fig.at(1), { layers: layer(), widgets: widget.histogram("size", { bins: 10 }), state });
    fig.at(2).vega(COUNT, frame);
    const { page, errors } = await openFigure(fig);
    const both = countOf((row) => DATA.size[row]! >= 40 && DATA.size[row]! <= 60);
    await vi.waitFor(async () => expect(await numberIn(page, 2)).toBe(both), 60_000);
    expect(errors()).toEqual([]);
  });

  test("have any names, are in layers, and choose bins that a transform makes", async () => {
    const fig = figure({ linked: true });
    fig.at(0).vega(layered, frame);
    const transform = [{ bin: { step: 50 }, field: "size", as: "half" }];
    const x = { field: "half", type: "ordinal" };
    const bars = {
      mark: "bar",
      transform,
      params: [pick("my-pick")],
      encoding: { x, y: { aggregate: "count" } },
    };
    fig.at(1).vega(bars, frame);
    fig.at(2).vega(COUNT, frame);
    const { page, errors } = await openFigure(fig);
    const bar = (cell: number) => page.locator(".cell").nth(cell).locator(".mark-rect path").first();
    // marks are in the order in which their first rows are
    const [kind, half] = [DATA.kind[0], Math.floor(DATA.size[0]! / 50)];
    await bar(0).click();
    await settled(page);
    expect(await numberIn(page, 2)).toBe(countOf((row) => DATA.kind[row] === kind));
    await bar(1).click();
    await settled(page);
    const isBoth = (row: number) => DATA.kind[row] === kind && Math.floor(DATA.size[row]! / 50) === half;
    expect(await numberIn(page, 2)).toBe(countOf(isBoth));
    expect(errors()).toEqual([]);
  });
});

describe("small multiples", () => {
  test("classes hidden in the legend are hidden in all maps", async () => {
    const layers = layer({ color: { column: "size", bins: 2 } as never });
    const fig = await makeFacets(nowhere, { layers, facet: "kind", title: "Fruit", progress });
    const { page, errors } = await openFigure(fig);
    const maps = mapsIn(page);
    expect(maps.length).toBe(3);
    const before = await Promise.all(maps.map(pictureOf));
    await page.locator(".legend.shared th button").first().click();
    await settled(page);
    for (const [i, map] of maps.entries())
      expect(unlike(before[i]!, await pictureOf(map))).toBeGreaterThan(0.005);
    expect(await page.locator(".legend.shared .off-class").count()).toBe(1);
    await page.locator(".legend.shared th button").first().click();
    await page.mouse.move(1, 1);
    await settled(page);
    for (const [i, map] of maps.entries())
      expect(unlike(before[i]!, await pictureOf(map))).toBeLessThan(0.002);
    expect(errors()).toEqual([]);
  });

  test("the cells of a narrow window are below each other", async () => {
    const fig = await makeFacets(nowhere, { layers: layer(), facet: "kind", progress });
    const { page } = await openFigure(fig, { widthPx: 400, heightPx: 700 });
    const tops = await page
      .locator(".cell")
      .evaluateAll((cells) =>
        cells.map((cell) => [cell.getBoundingClientRect().left, cell.clientHeight >= 260]),
      );
    expect(new Set(tops.map(String)).size).toBe(1);
    expect(tops[0]![1]).toBe(true);
  });
});

describe("comparison", () => {
  async function compared() {
    const fig = figure({ compare: true });
    await put(fig.at(0), { layers: layer({ color: "#e00" }), title: HOSTILE });
    await put(fig.at(1), { layers: layer({ color: "#00e" }), title: "After" });
    return fig;
  }
  const colored = (picture: Picture, from: number, to: number) => {
    let [red, blue] = [0, 0];
    const { width, height, data } = picture;
    for (let y = 60; y < height - 30; y++)
      for (let x = Math.round(from * width); x < to * width; x++) {
        const [r = 0, g = 0, b = 0] = data.subarray(4 * (y * width + x));
        if (g < 60 && r > 200 && b < 60) red++;
        if (g < 60 && b > 200 && r < 60) blue++;
      }
    return { red: red > 50, blue: blue > 50 };
  };

  test("a divider shows one map on its left and the other on its right", async () => {
    const { page, errors } = await openFigure(await compared(), { widthPx: 800, heightPx: 500 });
    const picture = async () => decodePng(await page.screenshot());
    expect(colored(await picture(), 0.1, 0.45)).toEqual({ red: true, blue: false });
    expect(colored(await picture(), 0.55, 0.9)).toEqual({ red: false, blue: true });
    await page.locator(".divider").focus();
    await page.keyboard.press("End");
    expect(colored(await picture(), 0.1, 0.9)).toEqual({ red: true, blue: false });
    await page.keyboard.press("Home");
    expect(colored(await picture(), 0.1, 0.9)).toEqual({ red: false, blue: true });
    const knob = (await page.locator(".divider i").boundingBox())!;
    await page.mouse.move(knob.x + 22, knob.y + 22);
    await page.mouse.down();
    await page.mouse.move(300, 200, { steps: 3 });
    await page.mouse.move(600, 200, { steps: 3 });
    await page.mouse.up();
    expect(colored(await picture(), 0.1, 0.7)).toEqual({ red: true, blue: false });
    expect(await page.locator(".divider").getAttribute("aria-valuenow")).toBe("75");
    expect(errors()).toEqual([]);
  });

  test("axe-core finds nothing wrong with figures", async () => {
    const multiples = await makeFacets(nowhere, {
      layers: layer({ color: "size" }),
      facet: "kind",
      progress,
    });
    multiples.at(3).vega({ ...BARS, title: "Sizes" }, frame);
    for (const fig of [await compared(), multiples]) {
      const { page } = await openFigure(fig);
      const { violations } = (await page.evaluate("axe.run()")) as {
        violations: { id: string; impact: string }[];
      };
      expect(violations.filter(({ impact }) => impact !== "minor").map(({ id }) => id)).toEqual([]);
    }
  });
});
