import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { DataFrame } from "danfojs-node";
import { compile } from "vega-lite";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import wkx from "wkx";
import { type Figure, type FigureCell, figure, MapView } from "../../src/render";
import { buildForMaps } from "./page/built";
import { airports } from "./page/samples";
import { HOSTILE } from "./page/scenes";
import { expectGolden, pixelsOf } from "./painter/golden";

const VEGA_LITE = "application/vnd.vegalite.v5+json";
const DISPLAY = Symbol.for("Jupyter.display");

let dir: string;
beforeAll(async () => {
  await buildForMaps();
  dir = mkdtempSync(join(tmpdir(), "figure-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const mapOf = (widthPx: number, heightPx: number, scale = 1) =>
  new MapView({ ...airports(), widthPx, heightPx }, { interactive: false, scale });
const putMap = (cell: FigureCell, view: MapView) =>
  (cell as unknown as { map(still: unknown): void }).map((view as unknown as { still: unknown }).still);
const bundleOf = (fig: Figure) =>
  (fig as unknown as Record<symbol, () => Record<string, unknown>>)[DISPLAY]!();
const specOf = (fig: Figure) =>
  bundleOf(fig)[VEGA_LITE] as Record<string, unknown> & { concat: Record<string, unknown>[] };

const BARS = {
  mark: "bar",
  encoding: { x: { field: "n", type: "quantitative" }, y: { field: "state", sort: "-x" } },
};
const states = () => new DataFrame({ state: ["AK", "TX", "CA", "OK"], n: [263, 209, 205, 102] });
const LINE = {
  title: "Flights",
  data: { values: [1, 4, 2, 6].map((flights, i) => ({ year: 2000 + i, flights })) },
  mark: { type: "line", point: true, color: "#e34f6f" },
  encoding: {
    x: { field: "year", type: "quantitative", axis: { format: "d" } },
    y: { field: "flights", type: "quantitative" },
  },
};

test("draws maps and charts side by side in one image, with blank cells and rows", async () => {
  const fig = figure({ columns: 3, title: "Airports" });
  putMap(fig.at(0), mapOf(420, 260));
  fig.at(1).vega(BARS, states());
  fig.at(3).vega(LINE);
  putMap(fig.at(5), mapOf(300, 180));
  await expectGolden("figure", fig.toPNG());
});

test("the last value of a cell shows Vega-Lite with an image and text", async () => {
  const fig = figure();
  putMap(fig.at(0), mapOf(420, 260));
  fig.at(1).vega(BARS, states());
  const bundle = bundleOf(fig);
  expect(Object.keys(bundle)).toEqual([VEGA_LITE, "image/png", "text/plain"]);
  expect(bundle["text/plain"]).toBe("Figure(2 columns, map, chart)");
  expect(inspect(fig)).toBe("Figure(2 columns, map, chart)");
  const spec = JSON.parse(JSON.stringify(bundle[VEGA_LITE]));
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  compile(spec);
  expect(warn).not.toHaveBeenCalled();
  expect(Buffer.from(bundle["image/png"] as Uint8Array)).toEqual(Buffer.from(fig.toPNG()));
});

test("contains a map pixel by pixel, in its own size", async () => {
  const view = mapOf(420, 260);
  const fig = figure({ columns: 1 });
  putMap(fig.at(0), view);
  const [whole, map] = [await pixelsOf(fig.toPNG()), await pixelsOf(view.toPNG())];
  const around = 5; // Vega's padding
  expect([whole.width, whole.height]).toEqual([420 + 2 * around, 260 + 2 * around]);
  for (let y = 0; y < map.height; y++) {
    const at = ((y + around) * whole.width + around) * 4;
    const row = Buffer.from(whole.data.subarray(at, at + map.width * 4));
    expect(row.equals(Buffer.from(map.data.subarray(y * map.width * 4, (y + 1) * map.width * 4)))).toBe(true);
  }
});

test("the maps of a figure have as many pixels as the figure", async () => {
  const fig = figure({ columns: 1 });
  const view = mapOf(300, 200);
  putMap(fig.at(0), view);
  const [whole, map] = [await pixelsOf(fig.toPNG(2)), await pixelsOf(view.toPNG({ scale: 2 }))];
  const around = 2 * 5; // Vega's padding
  for (let y = 0; y < map.height; y++) {
    const at = ((y + around) * whole.width + around) * 4;
    const row = Buffer.from(whole.data.subarray(at, at + map.width * 4));
    expect(row.equals(Buffer.from(map.data.subarray(y * map.width * 4, (y + 1) * map.width * 4)))).toBe(true);
  }
  fig.save(join(dir, "sharp.svg"));
  const [, png = ""] =
    /href="data:image\/png;base64,([^"]+)"/.exec(readFileSync(join(dir, "sharp.svg"), "utf8")) ?? [];
  expect((await pixelsOf(Buffer.from(png, "base64"))).width).toBe(600);
});

test("a map with twice the pixels has the same size, and is sharp at that scale", async () => {
  const fig = figure({ columns: 1 });
  putMap(fig.at(0), mapOf(300, 200, 2));
  expect(specOf(fig).concat[0]).toMatchObject({ width: 300, height: 200 });
  const { width, height } = await pixelsOf(fig.toPNG(2));
  expect([width, height]).toEqual([620, 420]);
  expect(() => fig.toPNG(5)).toThrow("`scale` must be a number from 1 to 4; got 5.");
});

test("a chart is as high as the map next to it, unless it sets its size", async () => {
  const size = async (spec: object) => {
    const fig = figure();
    putMap(fig.at(0), mapOf(400, 320));
    fig.at(1).vega(spec);
    const { height } = await pixelsOf(fig.toPNG());
    return { height, spec: specOf(fig).concat[1]! };
  };
  const { title, ...untitled } = LINE;
  const fitted = await size(untitled);
  expect(fitted.spec.width).toBe(300);
  expect(fitted.height).toBeLessThanOrEqual(340);
  expect(fitted.height).toBeGreaterThanOrEqual(330);
  expect((await size({ ...LINE, width: 111, height: 77 })).spec).toMatchObject({ width: 111, height: 77 });
});

test("an axis of categories takes the space it needs", () => {
  const fig = figure();
  fig.at(0).vega(BARS, states());
  expect(specOf(fig).concat[0]).not.toHaveProperty("height");
  expect(specOf(fig).concat[0]).toHaveProperty("width", 300);
});

test("top-level properties of charts move to the figure", () => {
  const fig = figure();
  fig.at(0).vega({
    ...LINE,
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    config: { axis: { grid: false } },
    params: [
      { name: "limit", value: 3 },
      { name: "brush", select: "interval" },
    ],
  });
  fig.at(1).vega({
    ...BARS,
    data: { name: "x" },
    datasets: { x: [{ n: 1, state: "A" }] },
    config: { axis: { ticks: false } },
  });
  const { config, params, datasets, concat } = specOf(fig);
  expect(config).toEqual({ axis: { grid: false, ticks: false } });
  expect(params).toEqual([{ name: "limit", value: 3 }]);
  expect(concat[0]).toHaveProperty("params", [{ name: "brush", select: "interval" }]);
  expect(datasets).toEqual({ x: [{ n: 1, state: "A" }] });
  for (const cell of concat) expect(cell).not.toHaveProperty("config");
});

describe("a DataFrame", () => {
  const rowsOf = (df: DataFrame) => {
    const fig = figure();
    fig.at(0).vega({ mark: "point" }, df);
    return Object.values(specOf(fig).datasets as object)[0];
  };

  test("becomes rows without geometry, with times in UTC and null for missing values", () => {
    const df = new DataFrame({
      day: [new Date("2020-02-03T04:05:06Z"), null],
      n: [1.5, Number.NaN],
      the_geom: ["0101000020E6100000000000000000F03F0000000000000040", null],
      geometry: [wkx.Geometry.parse("POINT(1 2)"), null],
      shape: [{ type: "Point", coordinates: [1, 2] }, null],
      text: ["a", null],
    } as object);
    expect(rowsOf(df)).toEqual([
      { day: "2020-02-03T04:05:06.000", n: 1.5, text: "a" },
      { day: null, n: null, text: null },
    ]);
  });

  test("is stored once for two charts", () => {
    const fig = figure();
    fig.at(0).vega(BARS, states());
    fig.at(1).vega(BARS, states());
    fig.at(2).vega(BARS, states().head(2));
    expect(Object.keys(specOf(fig).datasets as object)).toEqual(["frame-1", "frame-2"]);
  });

  test("with too many rows is an error with advice", () => {
    const df = new DataFrame({ a: Array.from({ length: 10_001 }, (_, i) => i) });
    expect(() => figure().at(3).vega({ mark: "point" }, df)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: A chart can have at most 10,000 rows; the DataFrame of fig.at(3) has 10,001. Aggregate it first, with GROUP BY in cc.query or df.groupby, or draw a sample: await df.sample(10_000).]`,
    );
  });

  test("with hostile names and values is treated as data", async () => {
    const name = "</script><img src=x onerror=alert(1)>";
    const names = ["__proto__", "constructor", name];
    const df = new DataFrame([[1, "a", HOSTILE]], { columns: ["a", "b", "c"] });
    df.$setColumnNames(names);
    const [row] = rowsOf(df) as Record<string, unknown>[];
    expect(Object.keys(row!)).toEqual(names);
    const fig = figure({ title: HOSTILE });
    fig.at(0).vega({ mark: "text", encoding: { text: { field: name } } }, df);
    fig.save(join(dir, "hostile.svg"));
    const svg = readFileSync(join(dir, "hostile.svg"), "utf8");
    expect(svg).not.toMatch(/<script|<img/);
    expect(svg).toContain("&lt;script&gt;");
  });
});

describe("an invalid chart is an error that names its cell", () => {
  test.each([
    ["nothing", {}],
    ["a text", "bar"],
    ["no mark", { encoding: {} }],
    ["Vega", { $schema: "https://vega.github.io/schema/vega/v5.json", marks: [] }],
    ["an address", { ...BARS, data: { url: "https://example.com/x.csv" } }],
    [
      "an address in a lookup",
      { mark: "bar", transform: [{ lookup: "a", from: { data: { url: "/etc/passwd" } } }] },
    ],
    ["an expression", { mark: "bar", transform: [{ calculate: "datum.a +", as: "b" }] }],
    ["a function", { mark: "bar", transform: [{ filter: () => true }] }],
    ["a frame in the specification", { mark: "bar", data: states() }],
  ])("%s", (_, spec) => {
    expect(() =>
      figure()
        .at(2)
        .vega(spec as object),
    ).toThrowErrorMatchingSnapshot();
  });

  test("rejects data and a frame together", () => {
    expect(() => figure().at(0).vega(LINE, states())).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Pass fig.at(0).vega a DataFrame or \`data\` in the specification, not both.]`,
    );
  });

  test("rejects one that contains itself", () => {
    const spec: Record<string, unknown> = { mark: "bar" };
    spec.encoding = { x: spec };
    expect(() => figure().at(0).vega(spec)).toThrow("must have at most 100 levels");
  });

  test("warns about what Vega-Lite ignores", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    figure()
      .at(1)
      .vega({ ...LINE, encoding: { ...LINE.encoding, z: { field: "year" } } });
    expect(warn.mock.calls).toEqual([
      ["fig.at(1): z-encoding is dropped as z is not a valid encoding channel."],
    ]);
  });

  test("leaves the cell unchanged", () => {
    const fig = figure();
    fig.at(0).vega(LINE);
    expect(() => fig.at(0).vega({})).toThrow();
    expect(specOf(fig).concat).toHaveLength(1);
  });
});

test("an empty figure prints as text and has no image", () => {
  expect(bundleOf(figure())).toEqual({ "text/plain": "Figure(2 columns)" });
  expect(() => figure().toPNG()).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The figure is empty. Add a chart with fig.at(0).vega(spec, df), or a map with await cc.map({ layers, ax: fig.at(0) }).]`,
  );
});

test("rejects invalid options and cells", () => {
  expect(() => figure({ columns: 0 })).toThrow("`columns` must be a whole number from 1 to 12; got 0.");
  expect(() => figure({ colums: 2 } as object)).toThrow('figure has no option "colums".');
  expect(() => figure({ title: 3 } as object)).toThrow("`title` must be a string that is not blank; got 3.");
  expect(() => figure().at(-1)).toThrow("`index` must be a whole number from 0 to 99; got -1.");
});

test("saves images and the specification", () => {
  const fig = figure({ columns: 1 });
  fig.at(0).vega(LINE);
  putMap(fig.at(1), mapOf(300, 200));
  for (const name of ["f.png", "f.SVG", "f.vl.json"]) fig.save(join(dir, name));
  expect(readFileSync(join(dir, "f.png"))).toEqual(Buffer.from(fig.toPNG(2)));
  expect(JSON.parse(readFileSync(join(dir, "f.vl.json"), "utf8"))).toEqual(fig.toVegaLite());
  const svg = readFileSync(join(dir, "f.SVG"), "utf8");
  const has = ["<svg", 'href="data:image/png;base64,', ">Flights<"].map((part) => svg.includes(part));
  expect(has).toEqual([true, true, true]);
  expect(() => fig.save("f.html")).toThrow("requires a live figure");
  expect(() => fig.save("f.pdf")).toThrow('must end in ".png"');
});
