/** Widgets, filters and selection of a live map, by pointer, finger and keyboard, in Chromium. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFrame } from "danfojs-node";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, test, vi } from "vitest";
import { makeMap } from "../../../src/context/map/map";
import { mapScene } from "../../../src/context/map/map-scene";
import { worldOf } from "../../../src/geometry/mercator";
import { Layer, type LayerOptions, type MapOptions, widget } from "../../../src/map";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";
import { newContext, type OpenOptions, open, painted, withBrowser } from "./browser";
import { decodePng, difference } from "./pixels";
import { HOSTILE } from "./scenes";

withBrowser();

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "cartoframes-explore-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROWS = 400;
const random = mulberry32(3);
const DATA = {
  lng: Array.from({ length: ROWS }, () => random() * 60 - 30),
  lat: Array.from({ length: ROWS }, () => random() * 40 - 20),
  size: Array.from({ length: ROWS }, () => Math.floor(random() * 100)),
  kind: Array.from({ length: ROWS }, () => ["apple", "pear", "plum", HOSTILE][Math.floor(random() ** 2 * 4)]),
};
const frame = new DataFrame(DATA as never);
const layer = (options: LayerOptions = {}) =>
  new Layer(frame, { name: "fruit", lnglat: ["lng", "lat"], ...options });
const WIDGETS = [widget.formula("count"), widget.histogram("size", { bins: 10 }), widget.category("kind")];

const mapOf = (options: MapOptions) =>
  makeMap(nowhere, { size: [900, 500], ...options, isPicture: false, progress });

async function openMap(options: MapOptions, size: OpenOptions = {}) {
  const map = await mapOf(options);
  const opened = await open(map.toHTML(), { widthPx: 900, heightPx: 500, before: AXE, ...size });
  await settled(opened.page);
  const errors = () => opened.errors.filter((error) => !error.includes("ERR_FAILED")); // the page reports to no kernel
  return { ...opened, errors, map };
}

/** Waits until the map and its widgets show the last change. */
async function settled(page: Page): Promise<void> {
  await page.waitForSelector(".panel");
  await painted(page);
}

const countIn = async (page: Page) =>
  Number((await page.locator(".widget output").first().textContent())?.replace(",", ""));

/** Drags over a histogram between shares of its width. */
async function brush(page: Page, from: number, to: number): Promise<void> {
  const box = (await page.locator(".plot").first().boundingBox())!;
  const x = (share: number) => box.x + share * box.width;
  await page.mouse.move(x(from), box.y + 20);
  await page.mouse.down();
  await page.mouse.move(x((from + to) / 2), box.y + 20);
  await page.mouse.move(x(to), box.y + 20);
  await page.mouse.up();
  await settled(page);
}

const within = (least: number, most: number) =>
  DATA.size.filter((size) => size >= least && size < most).length;

/** The map without its buttons and legend. */
const MAP = { x: 60, y: 60, width: 400, height: 400 };

/** Share of the pixels that differ, by more than antialiasing does. */
const unlike = async (a: Uint8Array, b: Uint8Array): Promise<number> =>
  difference(await decodePng(a), await decodePng(b), { ...MAP, x: 0, y: 0 }).differing;

describe("filters", () => {
  test("a brush counts and hides rows, and Clear all shows them again", async () => {
    const { page, errors } = await openMap({ layers: layer(), widgets: WIDGETS });
    expect(await countIn(page)).toBe(ROWS);
    const before = await page.screenshot({ clip: MAP });
    await brush(page, 0.2005, 0.3995);
    expect(await countIn(page)).toBe(within(20, 40));
    const after = await page.screenshot({ clip: MAP });
    expect(await unlike(before, after)).toBeGreaterThan(0.001);
    await page.locator(".list li button").first().click();
    await settled(page);
    const apples = DATA.size.filter((size, i) => size >= 20 && size < 40 && DATA.kind[i] === "apple").length;
    expect(await countIn(page)).toBe(apples);
    expect(await page.locator(".chips li").allTextContents()).toEqual([
      "size: 20 – 39",
      "kind: apple",
      "Clear all",
    ]);
    await page.getByRole("button", { name: "Clear all" }).click();
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
    await page.mouse.move(300, 450);
    const cleared = await page.screenshot({ clip: MAP });
    expect(await unlike(before, cleared)).toBe(0);
    expect(errors()).toEqual([]);
  });

  test("the label below bars names the range, or the bar under the pointer with its rows", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    const label = page.locator(".ends .label").first();
    expect(await label.isVisible()).toBe(false);
    await brush(page, 0.2005, 0.3995);
    await page.mouse.move(300, 450);
    expect(await label.textContent()).toBe("20 – 39");
    const plot = (await page.locator(".plot").first().boundingBox())!;
    const middle = (box: typeof plot) => box.x + box.width / 2;
    expect(Math.abs(middle((await label.boundingBox())!) - (plot.x + 0.3 * plot.width))).toBeLessThan(12);
    await page.locator(".list li button").first().click();
    await settled(page);
    await page.mouse.move(plot.x + 0.25 * plot.width, plot.y + 20);
    const apples = DATA.size.filter((size, i) => size >= 20 && size < 30 && DATA.kind[i] === "apple").length;
    expect(await label.textContent()).toBe(`20 – 29: ${apples} of ${within(20, 30)}`);
    await page.mouse.move(300, 450);
    await page.getByRole("button", { name: "Clear all" }).click();
    await settled(page);
    expect(await label.isVisible()).toBe(false);
    expect(await page.locator(".ends").first().innerText()).toContain("99");
  });

  test("30 random brushes count what the data have", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    const seeded = mulberry32(11);
    for (let i = 0; i < 30; i++) {
      await page.locator(".plot").first().dblclick();
      // in the middle of a step of one hundredth
      const [a, b] = [Math.floor(seeded() * 100), Math.floor(seeded() * 100)];
      if (Math.abs(a - b) < 4) continue; // a click
      await brush(page, (a + 0.5) / 100, (b + 0.5) / 100);
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      expect(await countIn(page), `${first} to ${last}`).toBe(within(first, last + 1));
    }
  });

  test("a click chooses a bar, and a click on it all of them", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    const box = (await page.locator(".plot").first().boundingBox())!;
    await page.mouse.click(box.x + 0.35 * box.width, box.y + 10);
    await settled(page);
    expect(await countIn(page)).toBe(within(30, 40));
    await page.mouse.click(box.x + 0.35 * box.width, box.y + 10);
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
  });

  test("the ends of a brush and its middle move", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    await brush(page, 0.2005, 0.3995);
    await brush(page, 0.4, 0.5995); // the right end
    expect(await countIn(page)).toBe(within(20, 60));
    await brush(page, 0.3005, 0.5005); // the whole range
    expect(await countIn(page)).toBe(within(40, 80));
  });

  test("Esc ends a gesture, and removes the filter after it", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    await brush(page, 0.2005, 0.3995);
    await page.keyboard.press("Escape");
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
    const box = (await page.locator(".plot").first().boundingBox())!;
    await page.mouse.move(box.x + 20, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 80, box.y + 20, { steps: 3 });
    await page.keyboard.press("Escape");
    await page.mouse.move(box.x + 120, box.y + 20, { steps: 3 });
    await page.mouse.up();
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
  });

  test("clicks with Ctrl and by finger choose several categories", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    const item = (name: string) => page.locator(".list li button", { hasText: name });
    const countOf = (...kinds: string[]) => DATA.kind.filter((kind) => kinds.includes(kind!)).length;
    await item("apple").click();
    await item("pear").click({ modifiers: ["Control"] });
    await settled(page);
    expect(await countIn(page)).toBe(countOf("apple", "pear"));
    await item("apple").click({ modifiers: ["Control"] });
    await settled(page);
    expect(await countIn(page)).toBe(countOf("pear"));
    await item("plum").click();
    await settled(page);
    expect(await countIn(page)).toBe(countOf("plum"));
    await item("plum").click();
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
    const touch = await openMap({ layers: layer(), widgets: WIDGETS }, { hasTouch: true });
    for (const name of ["apple", "plum"])
      await touch.page.locator(".list li button", { hasText: name }).tap();
    await settled(touch.page);
    expect(await countIn(touch.page)).toBe(countOf("apple", "plum"));
  });

  test("the keyboard moves the ends of a range", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    await page.locator(".handle.from").first().focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await settled(page);
    expect(await countIn(page)).toBe(within(21, 100));
    expect(await page.locator(".handle.from").first().getAttribute("aria-valuetext")).toBe("21");
    await page.locator(".handle.to").first().focus();
    await page.keyboard.press("ArrowLeft");
    await settled(page);
    expect(await countIn(page)).toBe(within(21, 90));
    await page.keyboard.press("Escape");
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
  });

  test("the focus stays in the panel when the keyboard removes the last filter", async () => {
    const { page } = await openMap({ layers: layer(), widgets: WIDGETS });
    await brush(page, 0.2005, 0.3995);
    await page.locator(".chips button").focus();
    await page.keyboard.press("Enter");
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
    expect(await page.evaluate("document.activeElement.closest('.panel') !== null")).toBe(true);
  });

  test("clicking a class of the legend hides its rows", async () => {
    const { page } = await openMap({ layers: layer({ color: "kind" }), widgets: WIDGETS });
    await page.locator(".legend th button", { hasText: "pear" }).click();
    await settled(page);
    expect(await countIn(page)).toBe(DATA.kind.filter((kind) => kind !== "pear").length);
    expect(await page.locator(".chips").textContent()).toContain("not pear");
    await page.locator(".legend th button", { hasText: "pear" }).click();
    await settled(page);
    expect(await countIn(page)).toBe(ROWS);
  });

  test("cells are those of the rows that remain", async () => {
    const { page } = await openMap({ layers: layer({ as: "hexbin" }), widgets: WIDGETS });
    const before = await page.screenshot({ clip: MAP });
    await brush(page, 0.2005, 0.2995);
    const after = await page.screenshot({ clip: MAP });
    expect(await unlike(before, after)).toBeGreaterThan(0.001);
    expect(await countIn(page)).toBe(within(20, 30));
  });
});

test("widgets count what is in the view, unless they count all rows", async () => {
  const widgets = [widget.formula("count"), widget.formula("count", { viewport: false })];
  const { page } = await openMap({ layers: layer(), widgets, zoom: 5, lat: 0, lng: 0 });
  // a map of 652 by 500 pixels at zoom 5
  const isInView = (i: number) => {
    const [x, y] = worldOf([DATA.lng[i]!, DATA.lat[i]!]);
    return Math.abs(x - 0.5) * 8192 < 326 && Math.abs(y - 0.5) * 8192 < 250;
  };
  const inside = [...DATA.lng.keys()].filter(isInView);
  expect(await page.locator(".widget output").allTextContents()).toEqual([
    String(inside.length),
    String(ROWS),
  ]);
  await page.locator(".leaflet-container").focus();
  await page.keyboard.press("Shift+Minus"); // three levels
  await vi.waitFor(async () => expect(await countIn(page)).toBe(ROWS), { timeout: 60_000 });
});

test.each([
  ["all rows", {}],
  ["no row", { lng: 100, lat: 70, zoom: 8 }],
])("a map above its widgets is as high as in the image, with %s and with a filter", async (_, view) => {
  const widgets = [...WIDGETS, widget.range("size")];
  const options = { layers: layer(), widgets, size: [500, 300], ...view } as const;
  const { panel } = (await mapScene(nowhere, { ...options, progress })).scene;
  const { page } = await openMap(options, { widthPx: 500, heightPx: 300 + panel!.px });
  const heightOfMap = () => page.evaluate<number>("document.querySelector('#map').clientHeight");
  expect(await heightOfMap()).toBe(300);
  await brush(page, 0.2005, 0.3995);
  expect(await page.locator(".chips").isVisible()).toBe(true);
  expect(await heightOfMap()).toBe(300);
});

test("the points of a MultiPoint are one row", async () => {
  const geojson = {
    type: "FeatureCollection",
    features: [
      {
        type: "Feature",
        properties: { v: 1 },
        geometry: {
          type: "MultiPoint",
          coordinates: [
            [0, 0],
            [5, 5],
            [10, 0],
          ],
        },
      },
      { type: "Feature", properties: { v: 2 }, geometry: { type: "Point", coordinates: [3, 3] } },
    ],
  } as const;
  const { page } = await openMap({
    layers: new Layer(geojson as never),
    widgets: [widget.formula("count"), widget.formula("sum", "v")],
  });
  expect(await page.locator(".widget output").allTextContents()).toEqual(["2", "3"]);
});

test.each([
  ["no row", []],
  ["one row", [[1, 0, 0]]],
  [
    "no value",
    [
      [Number.NaN, 0, 0],
      [null, 1, 1],
    ],
  ],
])("a map of %s has widgets", async (_, rows) => {
  const layers = new Layer(new DataFrame(rows as never, { columns: ["v", "lng", "lat"] }), {
    lnglat: ["lng", "lat"],
  });
  const { page, errors } = await openMap({
    layers,
    widgets: [widget.histogram("v"), widget.range("v"), widget.formula("avg", "v")],
  });
  await brush(page, 0.1, 0.9);
  expect(errors()).toEqual([]);
});

test("hostile texts stay text", async () => {
  const { page, errors } = await openMap({
    layers: layer({ name: HOSTILE, color: "kind" }),
    widgets: [widget.category("kind", { title: HOSTILE }), widget.formula("count", { title: HOSTILE })],
  });
  await page.locator(".list li button", { hasText: "</script>" }).click();
  await settled(page);
  expect(await page.evaluate("window.hacked")).toBeUndefined();
  expect(await page.locator(".chips").textContent()).toContain("</script>");
  expect(errors()).toEqual([]);
});

test.each([
  [900, 500],
  [600, 600],
  [400, 300],
])("axe-core finds nothing moderate or serious at %i × %i", async (widthPx, heightPx) => {
  const { page } = await openMap(
    { layers: layer({ color: "kind" }), widgets: [...WIDGETS, widget.range("size")], title: "Fruit" },
    { widthPx, heightPx },
  );
  if (heightPx < 420) await page.getByRole("button", { name: "Widgets" }).click();
  await brush(page, 0.2, 0.4);
  const problems =
    await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.filter(({ impact }) => impact !== "minor").flatMap(({ id, nodes }) => nodes.map(({ html }) => id + " " + html.slice(0, 120))))`);
  expect(problems).toEqual([]);
});

/** Opens a saved page, which may reach the kernel. */
async function openSaved(options: MapOptions) {
  const map = await mapOf(options);
  const path = join(folder, `${Math.random()}.html`);
  writeFileSync(path, map.toHTML());
  const context = await newContext({ viewport: { width: 900, height: 500 } });
  const page = await context.newPage();
  await page.goto(`file://${path}`);
  await settled(page);
  return { page, map };
}

/** Draws a lasso around a box of the page. */
async function lasso(
  page: Page,
  [left, top, right, bottom]: readonly [number, number, number, number],
): Promise<void> {
  await page.keyboard.down("Shift");
  await page.mouse.move(left, top);
  await page.mouse.down();
  for (const [x, y] of [
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top + 5],
  ] as const)
    await page.mouse.move(x, y, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
}

describe("selection", () => {
  const VIEW = { zoom: 3, lat: 0, lng: 0, projection: "mercator" } as const;
  /** World pixels at zoom 3 from the middle of a map of 652 by 500 pixels. */
  const at = (i: number) => {
    const [x, y] = worldOf([DATA.lng[i]!, DATA.lat[i]!]);
    return [326 + (x - 0.5) * 2048, 250 + (y - 0.5) * 2048] as const;
  };

  test("in a lasso comes back as rows that pass the filters", async () => {
    const { page, map } = await openSaved({ layers: layer(), widgets: WIDGETS, ...VIEW });
    await expect(map.selection()).rejects.toThrow(/no page of this map has reported/);
    await page.locator(".list li button", { hasText: "apple" }).click();
    await lasso(page, [200, 150, 400, 350]);
    const inside = [...DATA.kind.keys()].filter((i) => {
      const [x, y] = at(i);
      return x > 200 && x < 400 && y > 150 && y < 350 && DATA.kind[i] === "apple";
    });
    await vi.waitFor(async () => expect((await map.selection()).index).toEqual(inside), { timeout: 60_000 });
    expect(await page.locator(".selected output").textContent()).toBe(`${inside.length} selected`);
    expect((await map.selection()).columns).toEqual(["lng", "lat", "size", "kind"]);
    expect(map.where()).toBe(`"kind" IN ('apple')`);
    expect(map.view()).toMatchObject({ zoom: 3 });
    await page.getByRole("button", { name: "Clear the selection" }).click();
    await vi.waitFor(async () => expect((await map.selection()).shape[0]).toBe(0), { timeout: 60_000 });
  });

  test("of single points adds with Ctrl", async () => {
    const { page, map } = await openSaved({ layers: layer({ size: 12 }), widgets: WIDGETS, ...VIEW });
    await page.getByRole("button", { name: "Select in a box" }).click();
    const [first, second] = [at(ROWS - 1), at(ROWS - 2)];
    await page.mouse.click(...first);
    await vi.waitFor(async () => expect((await map.selection()).index).toEqual([ROWS - 1]), {
      timeout: 60_000,
    });
    await page.keyboard.down("Control");
    await page.mouse.click(...second);
    await page.keyboard.up("Control");
    await vi.waitFor(async () => expect((await map.selection()).index).toEqual([ROWS - 2, ROWS - 1]), {
      timeout: 60_000,
    });
  });

  test("ends with Esc while it is drawn, and with Ctrl alone the map moves instead", async () => {
    const { page, map } = await openSaved({ layers: layer(), widgets: WIDGETS, ...VIEW });
    const drag = async (key: string, isEnded: boolean) => {
      await page.keyboard.down(key);
      await page.mouse.move(200, 150);
      await page.mouse.down();
      await page.mouse.move(400, 150, { steps: 4 });
      await page.mouse.move(400, 350, { steps: 4 });
      if (isEnded) await page.keyboard.press("Escape");
      await page.mouse.move(250, 350, { steps: 4 });
      await page.mouse.up();
      await page.keyboard.up(key);
      await settled(page);
      return page.locator(".selected").isVisible();
    };
    expect(await drag("Shift", true)).toBe(false);
    expect(await drag("Control", false)).toBe(false);
    await vi.waitFor(() => expect(Math.abs(map.view().lng)).toBeGreaterThan(5), { timeout: 60_000 });
    expect(await drag("Shift", false)).toBe(true);
  });

  test("with the keyboard is of the view", async () => {
    const { page, map } = await openSaved({ layers: layer(), widgets: WIDGETS, ...VIEW });
    await page.getByRole("button", { name: "Select in a box" }).focus();
    await page.keyboard.press("Enter");
    await vi.waitFor(async () => expect((await map.selection()).shape[0]).toBe(ROWS), { timeout: 60_000 });
  });

  test("leaves out layers that are hidden", async () => {
    const layers = [layer({ name: "below" }), layer({ name: "above" })];
    const { page, map } = await openSaved({ layers, widgets: widget.histogram("size"), ...VIEW });
    await page.getByRole("button", { name: "Select in a box" }).focus();
    await page.keyboard.press("Enter");
    await vi.waitFor(async () => expect((await map.selection({ layer: "above" })).shape[0]).toBe(ROWS), {
      timeout: 60_000,
    });
    await page.getByRole("button", { name: "Layers" }).click();
    await page.getByRole("checkbox", { name: "above" }).click();
    expect(await page.locator(".selected output").textContent()).toBe(`${ROWS} selected`);
    await vi.waitFor(() => expect(map.state().hidden).toEqual(["above"]), { timeout: 60_000 });
    expect((await map.selection({ layer: "above" })).shape[0]).toBe(0);
    expect((await map.selection()).shape[0]).toBe(ROWS);
    await page.reload();
    await settled(page);
    await page.getByRole("button", { name: "Layers" }).click();
    expect(await page.getByRole("checkbox", { name: "above" }).isChecked()).toBe(false);
  });

  test("that is copied as JSON can be pasted", async () => {
    const { page, map } = await openSaved({ layers: layer(), widgets: WIDGETS, ...VIEW });
    await lasso(page, [200, 150, 400, 350]);
    await vi.waitFor(async () => expect((await map.selection()).shape[0]).toBeGreaterThan(0), {
      timeout: 60_000,
    });
    const chosen = await map.selection();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy the selection as JSON" }).click();
    const json = await page.evaluate<string>("navigator.clipboard.readText()");
    const other = await mapOf({ layers: layer(), widgets: WIDGETS, ...VIEW });
    expect((await other.selection({ json })).index).toEqual(chosen.index);
    await expect(other.selection({ json: '{"filters":3}' })).rejects.toThrow(
      /the text that the map's button copies/,
    );
  });
});

test("below the map, the panel leaves it half of the window, and all of it when folded", async () => {
  const widgets = [...WIDGETS, ...WIDGETS, ...WIDGETS];
  const usa = new DataFrame({
    ...DATA,
    lng: DATA.lng.map((lng) => lng / 2 - 97),
    lat: DATA.lat.map((lat) => lat / 3 + 39),
  } as never);
  const { page } = await openSaved({
    layers: new Layer(usa, { lnglat: ["lng", "lat"] }),
    widgets,
    projection: "albers-usa",
    size: [900, 700],
  });
  await page.setViewportSize({ width: 400, height: 800 });
  await page.reload();
  await settled(page);
  const heightOf = (selector: string) =>
    page.evaluate<number>(`document.querySelector("${selector}").clientHeight`);
  expect(Math.abs((await heightOf("#map")) - 400)).toBeLessThan(3);
  /** Does something that moves the map; returns the view that the page reports then. */
  const reported = async (act: () => Promise<void>) => {
    const next = page.waitForRequest((request) => request.method() === "POST");
    await act();
    const report = JSON.parse((await next).postData() ?? "") as {
      view: Record<"lng" | "lat" | "zoom", number>;
    };
    return report.view;
  };
  const folded = await reported(() => page.locator(".fold-panel").click());
  expect(await heightOf("#map")).toBeGreaterThan(740);
  const first = await reported(() =>
    page.getByRole("button", { name: "Back to the first view (0)" }).click(),
  );
  for (const part of ["lng", "lat", "zoom"] as const) expect(folded[part]).toBeCloseTo(first[part], 6);
});

test("the moment of a paused animation is part of the state", async () => {
  const day = (i: number) => new Date(Date.UTC(2020, 0, 1 + (i % 60)));
  const data = { ...DATA, day: DATA.size.map((_, i) => day(i)) };
  const layers = new Layer(new DataFrame(data as never), { lnglat: ["lng", "lat"], time: "day" });
  const { page, map } = await openSaved({ layers, widgets: widget.histogram("size") });
  await page.getByRole("slider", { name: "Time" }).fill("20");
  await vi.waitFor(() => expect(map.state().time).toBeGreaterThan(Date.UTC(2020, 0, 10)), {
    timeout: 60_000,
  });
  const { time } = map.state();
  await page.reload();
  await settled(page);
  expect(await page.getByRole("slider", { name: "Time" }).inputValue()).toBe("20");
  expect(map.state().time).toBe(time);
});

test("a saved page opens as it was left, and so does a map with that state", async () => {
  const { page, map } = await openSaved({ layers: layer(), widgets: WIDGETS });
  await brush(page, 0.2005, 0.3995);
  await vi.waitFor(() => expect(map.filters()).toHaveLength(1), { timeout: 60_000 });
  expect(map.state()).toMatchObject({
    filters: [{ layer: "fruit", column: "size", from: 20, to: 40 }],
    hidden: [],
  });
  const { view } = map.state();
  await page.reload();
  await settled(page);
  await vi.waitFor(async () => expect(await countIn(page)).toBe(within(20, 40)), { timeout: 60_000 });
  const again = await openMap({
    layers: layer(),
    widgets: WIDGETS,
    state: JSON.parse(JSON.stringify(map.state())),
  });
  await vi.waitFor(async () => expect(await countIn(again.page)).toBe(within(20, 40)), { timeout: 60_000 });
  expect(again.map.view().zoom).toBeCloseTo(view!.zoom, 9);
  const path = page.url();
  // addresses that somebody has written by hand
  for (const state of [
    { filters: [3, { layer: 1 }] },
    { filters: [{ layer: "fruit", column: "size", from: "a", to: "b" }] },
    { view: { lng: 0, lat: 0, zoom: "near" } },
    { view: { lng: 1e300, lat: 0, zoom: 3 } },
  ]) {
    await page.goto(`${path.split("#")[0]}#map=${encodeURIComponent(JSON.stringify(state))}`);
    await page.reload();
    await settled(page);
    expect(await countIn(page), JSON.stringify(state)).toBe(ROWS);
  }
});
