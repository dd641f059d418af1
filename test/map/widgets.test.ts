/** The widgets of a map: their options, their bars, and the errors about columns that do not fit. */
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { makeMap } from "../../src/context/map/map";
import { mapScene } from "../../src/context/map/map-scene";
import { Layer, type LayerOptions, type MapOptions, type MapWidget, widget } from "../../src/map";
import { Explorer } from "../../src/render/explore/explorer";
import { filterSql } from "../../src/render/explore/filter-sql";
import { filterTexts } from "../../src/render/explore/filter-texts";
import { filtersOf, setFilters } from "../../src/render/explore/filters";
import { parseReport } from "../../src/render/explore/state";
import { type BarsView, barLabel, rangeLabel, viewOfWidget } from "../../src/render/explore/views";
import type { CategoryColumn, MapFilter, RangeColumn } from "../../src/render/scene";
import { nowhere, progress } from "../support/nowhere";
import { mulberry32 } from "../support/seeded";

/** A frame with a row per value, at random places. */
function frameOf(columns: Readonly<Record<string, readonly unknown[]>>): DataFrame {
  const random = mulberry32(7);
  const [first = []] = Object.values(columns);
  return new DataFrame({
    ...columns,
    lng: first.map(() => random() * 20),
    lat: first.map(() => random() * 20),
  } as never);
}

const layerOf = (columns: Readonly<Record<string, readonly unknown[]>>, options: LayerOptions = {}) =>
  new Layer(frameOf(columns), { name: "data", lnglat: ["lng", "lat"], ...options });

const sceneOf = async (options: MapOptions) => (await mapScene(nowhere, { ...options, progress })).scene;

async function viewOf(columns: Readonly<Record<string, readonly unknown[]>>, one: MapWidget) {
  const scene = await sceneOf({ layers: layerOf(columns), widgets: one });
  const explorer = new Explorer(scene);
  return { view: viewOfWidget(explorer, 0), column: explorer.columnOf(0), explorer };
}

const complaint = (options: MapOptions) =>
  sceneOf(options).then(
    () => "none",
    (error: Error) => error.message,
  );

describe("histograms", () => {
  const edgesOf = async (values: readonly unknown[], bins?: number) => {
    const { column, view } = await viewOf(
      { v: values },
      widget.histogram("v", bins === undefined ? {} : { bins }),
    );
    const { edges } = column as RangeColumn;
    const bars = view.kind === "bars" ? (view.bars?.totals ?? []) : [];
    return { from: edges[0], to: edges.at(-1), bars, steps: edges.length - 1 };
  };

  test("have round edges, and steps between them", async () => {
    const values = Array.from({ length: 1000 }, (_, i) => 0.05 + i * 0.0973);
    const { from, to, bars, steps } = await edgesOf(values, 10);
    expect([from, to, bars.length, steps]).toEqual([0, 100, 10, 100]);
    expect(bars.reduce((sum, bar) => sum + bar, 0)).toBe(1000);
  });
  test("give each of a few whole numbers a bar", async () => {
    expect(await edgesOf([0, 1, 1, 2, 5, 5, 5])).toMatchObject({
      from: 0,
      to: 6,
      bars: [1, 2, 1, 0, 0, 3],
      steps: 6,
    });
  });
  test.each([
    ["one value", [3.5, 3.5], 2],
    ["one whole value", [7, 7, 7], 3],
    ["zeros", [0, 0], 2],
    ["tiny differences", [1, 1 + 1e-12, 1 + 2e-12], 3],
    ["the largest doubles", [-1.7e308, 0, 1.7e308], 3],
    ["negative numbers", [-30, -20, -0.5], 3],
    ["missing and infinite values", [1, null, Number.NaN, Infinity, -Infinity, 2], 2],
    ["no value", [Number.NaN, null], 0],
  ] as [string, unknown[], number][])("hold all finite numbers: %s", async (_, values, count) => {
    const { bars, steps } = await edgesOf(values);
    expect(bars.reduce((sum, bar) => sum + bar, 0)).toBe(count);
    expect(steps).toBeLessThanOrEqual(250);
  });
  test("put a value on an edge into the bar that begins there, and the largest into the last", async () => {
    const { bars } = await edgesOf([0, 0.5, 1, 1.5, 2], 4);
    expect(bars).toEqual([1, 1, 1, 2]);
  });
  test("of times have units of the calendar", async () => {
    const days = Array.from({ length: 366 }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i)));
    const { view } = await viewOf({ t: days }, widget.timeSeries("t", { bins: 12 }));
    expect(view).toMatchObject({ kind: "bars", from: "Jan 2024", to: "Dec 2024" });
    expect(view.kind === "bars" && view.bars?.totals).toEqual([
      31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]);
  });
  test("of times end in the last month of a quarter, and at the end of an hour", async () => {
    const months = Array.from({ length: 24 }, (_, i) => new Date(Date.UTC(2024, i, 15)));
    const quarters = await viewOf({ t: months }, widget.timeSeries("t", { bins: 8 }));
    expect(quarters.view).toMatchObject({ from: "Jan 2024", to: "Dec 2025" });
    expect(barLabel(quarters.view as BarsView, 1, 1).text).toBe("Apr 2024 – Jun 2024: 3");
    const minutes = Array.from({ length: 36 }, (_, i) => new Date(Date.UTC(2024, 0, 1, 0, 10 * i)));
    const hours = await viewOf({ t: minutes }, widget.timeSeries("t", { bins: 6 }));
    expect(hours.view).toMatchObject({ from: "1 Jan 2024 00:00", to: "1 Jan 2024 06:00" });
    expect(barLabel(hours.view as BarsView, 1, 1).text).toBe("1 Jan 2024 01:00 – 02:00: 6");
  });
  test("read ISO 8601 texts as times", async () => {
    const { view } = await viewOf({ t: ["1992-04-30", null, "", "1992-05-02"] }, widget.timeSeries("t"));
    expect(view.kind === "bars" && view.bars?.totals.reduce((sum, bar) => sum + bar, 0)).toBe(2);
  });
});

test.each([
  ["dates have a bar for each day", ["2020-01-01", "2020-01-03", null], 3, "1 Jan 2020", "3 Jan 2020"],
  [
    "milliseconds are told apart",
    [new Date(1), new Date(3)],
    3,
    "1 Jan 1970 00:00:00.001",
    "1 Jan 1970 00:00:00.004",
  ],
  ["the last moment is in a bar", [new Date(8.64e15), new Date(8.64e15)], 1, /Sep/, /Sep/],
  ["the first moment is in a bar", [new Date(-8.64e15), new Date(-8.64e15)], 1, /Apr/, /Apr/],
  ["all moments are in bars", [new Date(-8.64e15), new Date(0), new Date(8.64e15)], null, /./, /./],
] as const)("of times, %s", async (_, values, bars, from, to) => {
  const { view } = await viewOf({ t: values }, widget.timeSeries("t"));
  if (view.kind !== "bars") throw new Error(view.kind);
  const totals = view.bars?.totals ?? [];
  expect(totals.reduce((sum, bar) => sum + bar, 0)).toBe(values.filter((value) => value !== null).length);
  if (bars) expect(totals).toHaveLength(bars);
  expect(view.from).toMatch(from);
  expect(view.to).toMatch(to);
});

describe("filters", () => {
  const numbers = Array.from({ length: 500 }, (_, i) => i * 0.37 + 0.011);
  const explorerOf = async (values: readonly unknown[], ...widgets: MapWidget[]) =>
    new Explorer(await sceneOf({ layers: layerOf({ v: values }), widgets }));
  /** Sets filters, and returns the condition that the map has then. */
  const whereOf = (explorer: Explorer, filters: readonly unknown[]) => {
    setFilters(explorer, filters as readonly MapFilter[]);
    return filterSql(filtersOf(explorer), "data");
  };

  test("find the widget of their steps among those of one column", async () => {
    const widgets = [widget.histogram("v", { bins: 3 }), widget.histogram("v", { bins: 97 })];
    const explorer = await explorerOf(numbers, ...widgets);
    const filters = [{ layer: "data", column: "v", from: 3, to: 9 }];
    expect(whereOf(explorer, filters)).toBe('"v" >= 3 AND "v" < 9');
    expect([explorer.filterOf(0), explorer.filterOf(1)?.kind]).toEqual([undefined, "range"]);
  });
  test.each([
    { from: 1000, to: 2000 },
    { from: -20, to: -10 },
    { from: 80, to: 20 },
    { from: "some", to: "thing" },
    { values: [3] },
  ])("that no value can pass are left out: %o", async (filter) => {
    const explorer = await explorerOf(numbers, widget.histogram("v"));
    expect(whereOf(explorer, [{ layer: "data", column: "v", ...filter }])).toBe("");
  });
  test.each([
    ["0000-01-01T00:00:00.000Z", "'0001-01-01T00:00:00.000Z BC'"],
    ["-000099-01-01T00:00:00.000Z", "'0100-01-01T00:00:00.000Z BC'"],
    ["0020-01-01T00:00:00.000Z", "'0020-01-01T00:00:00.000Z'"],
    ["+010000-01-01T00:00:00.000Z", "'10000-01-01T00:00:00.000Z'"],
  ])("write the year of %s as PostgreSQL reads it", (from, sql) => {
    expect(filterSql([{ layer: "data", column: "t", from, to: from }], "data")).toBe(
      `"t" >= ${sql} AND "t" < ${sql}`,
    );
  });
  test("keep infinite numbers in JSON", async () => {
    const explorer = await explorerOf([Infinity, -Infinity, 2], widget.category("v"));
    const filters = [{ layer: "data", column: "v", values: ["-Infinity", 2] }];
    expect(whereOf(explorer, filters)).toBe(`"v" IN ('-Infinity', 2)`);
    const report = parseReport(JSON.stringify({ filters: filtersOf(explorer) }));
    expect(report?.filters).toEqual(filters);
  });
  test("compare texts in ISO 8601 as times", async () => {
    const layers = layerOf({ t: ["2020-01-01", "2020-01-02", "", null] });
    const filters = [{ layer: "data", column: "t", from: "2020-01-01", to: "2020-01-02" }];
    const options = {
      layers,
      widgets: widget.timeSeries("t"),
      state: { filters },
      isPicture: false,
      progress,
    };
    expect((await makeMap(nowhere, options)).where()).toBe(
      `NULLIF("t", '')::timestamptz >= '2020-01-01' AND NULLIF("t", '')::timestamptz < '2020-01-02'`,
    );
  });
  test("of a state hold before a page reports", async () => {
    const filters = [{ layer: "data", column: "v", from: 3, to: 9 }];
    const layers = layerOf({ v: numbers });
    const state = { filters, hidden: ["data"] };
    const map = await makeMap(nowhere, {
      layers,
      widgets: widget.histogram("v"),
      state,
      isPicture: false,
      progress,
    });
    expect(map.where()).toBe('"v" >= 3 AND "v" < 9');
    expect(map.state()).toMatchObject(state);
    expect(() => map.where("dta")).toThrow(/must be the name of a layer of the map \("data"\)/);
  });
});

test("states and selections far from the world are refused", async () => {
  const state = { view: { lng: 1e300, lat: 0, zoom: 3 } };
  const layers = layerOf({ v: [1, 2] });
  expect(await complaint({ layers, state })).toMatch(/state\.view\.lng/);
  const selection = { rings: [[0, 0, 1e300, 0, 1e300, 1]], features: [] };
  expect(parseReport(JSON.stringify({ selection }))).toBeUndefined();
});

describe("categories", () => {
  test("are ranked by their rows, and the rest is counted", async () => {
    const values = ["b", "a", "b", null, "", "c", "b", "a"];
    const { view } = await viewOf({ v: values }, widget.category("v", { top: 2 }));
    expect(view).toMatchObject({
      kind: "list",
      items: [
        { text: "b", count: 3 },
        { text: "a", count: 2 },
      ],
      more: 2,
    });
  });
  test("that would not be seen have a name", async () => {
    const { view } = await viewOf({ v: ["", "", "  "] }, widget.category("v"));
    expect(view).toMatchObject({ items: [{ text: "(empty)" }, { text: "(blank)" }] });
  });
  test("of 100,000 distinct values keep the most frequent ones", async () => {
    const values = Array.from({ length: 100_000 }, (_, i) => (i % 10 === 0 ? "often" : `value ${i}`));
    const { view, column } = await viewOf({ v: values }, widget.category("v"));
    expect((column as CategoryColumn).texts).toHaveLength(1000);
    expect(view).toMatchObject({
      items: [{ text: "often", count: 10_000 }, {}, {}, {}, {}, {}],
      more: 90_001 - 6,
    });
  });
  test("of booleans and numbers keep their type for SQL", async () => {
    const typeOf = async (values: readonly unknown[]) =>
      ((await viewOf({ v: values }, widget.category("v"))).column as CategoryColumn).type;
    expect([await typeOf([true, false]), await typeOf([1, 2.5]), await typeOf(["a"])]).toEqual([
      "boolean",
      "number",
      "text",
    ]);
  });
});

test("labels name the range that is chosen, and the rows of a bar", async () => {
  const values = Array.from({ length: 100 }, (_, i) => i);
  const { view, explorer } = await viewOf({ v: values }, widget.histogram("v", { bins: 10 }));
  expect(rangeLabel(view as BarsView)).toBeUndefined();
  expect(barLabel(view as BarsView, 9, 10)).toEqual({ text: "90 – 99: 10", share: 0.95 });
  explorer.filter(0, { kind: "range", range: [11, 30] });
  expect(rangeLabel(viewOfWidget(explorer, 0) as BarsView)).toEqual({ text: "10 – 29", share: 0.2 });
  explorer.filter(0, { kind: "range", range: [11, 11] });
  expect(rangeLabel(viewOfWidget(explorer, 0) as BarsView)?.text).toBe("10");
  const one = await viewOf({ v: [7, 7] }, widget.histogram("v"));
  expect(rangeLabel(one.view as BarsView)).toEqual({ text: "7", share: 0.5 });
});

test("formulas leave out missing numbers", async () => {
  const values = [1, 2, null, Number.NaN, 6];
  const textOf = async (one: MapWidget) => {
    const { view } = await viewOf({ v: values }, one);
    return view.kind === "number" ? view.text : "";
  };
  expect(await textOf(widget.formula("count"))).toBe("5");
  expect(await textOf(widget.formula("sum", "v"))).toBe("9");
  expect(await textOf(widget.formula("avg", "v", { format: ".2f" }))).toBe("3.00");
  expect([await textOf(widget.formula("min", "v")), await textOf(widget.formula("max", "v"))]).toEqual([
    "1",
    "6",
  ]);
});

test("rows without a place on the map count nowhere", async () => {
  const frame = new DataFrame({ v: [1, 2, 3], lng: [0, null, 1], lat: [0, 0, 1] } as never);
  const scene = await sceneOf({
    layers: new Layer(frame, { lnglat: ["lng", "lat"] }),
    widgets: widget.formula("sum", "v"),
  });
  expect(viewOfWidget(new Explorer(scene), 0)).toMatchObject({ text: "4" });
});

test("a filter by values that no row has is reported", async () => {
  const filter = (values: readonly string[]) => ({ layer: "data", column: "word", values });
  const warningsOf = async (values: readonly string[]) =>
    (
      await mapScene(nowhere, {
        layers: layerOf({ word: ["a", "b"] }),
        widgets: widget.category("word"),
        state: { filters: [filter(values)] },
        progress,
      })
    ).warnings;
  expect(await warningsOf(["a", "c"])).toEqual([]);
  expect(await warningsOf(["c"])).toEqual([
    '`state.filters[0]` has no effect: column "word" of layer "data" has none of its values ("c").',
  ]);
});

test("filters are named by the titles of their widgets", async () => {
  const { explorer } = await viewOf({ v: [1, 2, 9] }, widget.histogram("v", { title: "Value" }));
  expect(filterTexts(explorer)).toEqual([]);
  explorer.filter(0, { kind: "range", range: [1, 2] });
  expect(filterTexts(explorer)).toEqual([{ title: "Value", text: "1 – 2", of: { widget: 0 } }]);
});

test("sums have separators for thousands, as counts have; a mean may be a year", async () => {
  const shownAs = async (values: readonly number[], operation: "sum" | "avg") =>
    (await viewOf({ v: values }, widget.formula(operation, "v"))).view;
  expect(await shownAs([2000, 887], "sum")).toMatchObject({ text: "2,887" });
  expect(await shownAs([-2000, -887.25], "sum")).toMatchObject({ text: "−2,887.25" });
  expect(await shownAs([0.001, 0.0002], "sum")).toMatchObject({ text: "0.0012" });
  expect(await shownAs([1990, 1994], "avg")).toMatchObject({ text: "1992" });
});

describe("errors", () => {
  const layers = layerOf({ number: [1, 2], word: ["a", "b"], day: [new Date(0), new Date(1)] });
  const filtered = (filter: MapFilter): MapOptions => ({
    layers,
    widgets: widget.histogram("number"),
    state: { filters: [filter] },
  });
  test.each([
    [{ layers, widgets: widget.histogram("word") }],
    [{ layers, widgets: widget.timeSeries("number") }],
    [{ layers, widgets: widget.category("day") }],
    [{ layers, widgets: widget.formula("sum", "word") }],
    [{ layers, widgets: widget.histogram("nmber") }],
    [{ layers, widgets: widget.histogram("number", { bins: 1 }) }],
    [{ layers, widgets: widget.histogram("number", { format: "%Y" }) }],
    [{ layers, widgets: widget.histogram("day", { format: ".2f" }) }],
    [{ layers, widgets: widget.category("word", { tpo: 3 } as never) }],
    [{ layers, widgets: widget.category("word", { format: ".2f" }) }],
    [{ layers, widgets: widget.formula("count", "number" as never) }],
    [{ layers, widgets: widget.formula("median" as never, "number") }],
    [{ layers, widgets: widget.formula("count", { layer: "others" }) }],
    [{ layers, widgets: widget.formula("count", { layer: 1 }) }],
    [{ layers, widgets: widget.formula("count", { layer: layerOf({ v: [1] }) }) }],
    [{ widgets: widget.formula("count") }],
    [{ layers, widgets: "count" as never }],
    [{ layers, widgets: Array.from({ length: 13 }, () => widget.formula("count")) }],
    [{ layers: layerOf({ v: [1] }, { as: "h3" }), widgets: widget.formula("count") }],
    [{ layers, state: { view: { lng: 0 } } as never }],
    [{ layers: layerOf({ ms: [1.6e12, 1.7e12] }), widgets: widget.timeSeries("ms") }],
    [
      {
        layers: layerOf({ v: [1] }, { name: undefined }),
        widgets: widget.formula("count", { layer: "data" }),
      },
    ],
    [filtered({ layer: "date", column: "number", from: 1, to: 2 })],
    [filtered({ layer: "data", column: "word", from: "a", to: "b" })],
    [filtered({ layer: "data", column: "number", values: [1] })],
  ] as [MapOptions][])("%#", async (options) => {
    expect(await complaint(options)).toMatchSnapshot();
  });
});

test("the panel is beside a wide map, and below a narrow one, whose output becomes higher", async () => {
  const layers = layerOf({ v: [1, 2] });
  const widgets = [widget.histogram("v"), widget.formula("count"), widget.category("v")];
  const { widthPx, heightPx, panel } = await sceneOf({ layers, widgets });
  expect([widthPx, panel?.side]).toEqual([552, "right"]);
  expect(heightPx).toBe(400);
  const narrow = await sceneOf({ layers, widgets, size: [400, 300] });
  expect([narrow.widthPx, narrow.heightPx, narrow.panel?.side]).toEqual([400, 300, "bottom"]);
  const low = await sceneOf({ layers, widgets, size: [800, 100] });
  expect(low.heightPx).toBeGreaterThan(200);
});
