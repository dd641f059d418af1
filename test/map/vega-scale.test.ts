import { DataFrame } from "danfojs-node";
import { scale as vegaScaleType } from "vega";
import { describe, expect, test } from "vitest";
import { buildScene, dataFromFrame, Layer, type Scheme, styling, type VegaScale } from "../../src/map";
import type { ChartScheme } from "../../src/map/styling";
import { MISSING_CLASS, type Rgba } from "../../src/render/scene";

/** A generator of numbers that are the same in every run. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const hex = ([red, green, blue]: Rgba) =>
  `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** The colours that a map gives to the rows of a column; null for missing values. */
async function colorsOfMap(values: readonly unknown[], scheme: Scheme): Promise<(string | null)[]> {
  const df = new DataFrame({
    value: values,
    lng: values.map((_, i) => i / 100),
    lat: values.map(() => 1),
  } as object);
  const layer = new Layer(df, { lnglat: ["lng", "lat"], color: { column: "value", scheme } });
  const { scene } = buildScene({ layers: [{ layer, data: await dataFromFrame(layer, df) }] });
  const { color } = scene.layers[0]!;
  if (color.kind !== "classes") throw new Error("the layer has one colour");
  return Array.from(color.classes, (at) => (at === MISSING_CLASS ? null : hex(color.palette[at]!)));
}

/** The colours that Vega's own scale gives to them. */
function colorsOfVega(values: readonly unknown[], { type, domain, range }: VegaScale): (string | null)[] {
  const scale = vegaScaleType(type)().domain(domain).range(range);
  return values.map((value) => (value === null || Number.isNaN(value) ? null : scale(value)));
}

const random = mulberry32(7);
const skewed = Array.from({ length: 500 }, () => Math.round(random() ** 6 * 10_000) / 100);
const COLUMNS = {
  skewed,
  "few distinct values": skewed.map((value) => Math.floor(value) % 4),
  "negative and zero": skewed.map((value) => value - 2),
  "missing ones": skewed.map((value, i) => (i % 9 === 0 ? Number.NaN : value)),
  "one value": skewed.map(() => 3),
};
const SCHEMES: Record<string, ChartScheme> = {
  quantiles: styling.mint(5),
  equal: styling.burg(6, "equal"),
  jenks: styling.sunset(7, "jenks"),
  headtails: styling.teal(5, "headtails"),
  bounds: styling.geyser([0, 1, 2.5, 20]),
  "categories of numbers": styling.safe(3),
  custom: styling.custom(["#ff0000", "#00ff00", "#0000ff"]),
  "bounds with colours": styling.custom(["#ff0000", "#00ff00", "#0000ff"], [1, 20]),
};

describe.each(Object.entries(SCHEMES))("%s", (_, scheme) => {
  test.each(Object.entries(COLUMNS))("the chart has the map's colours: %s", async (__, values) => {
    const onMap = await colorsOfMap(values, scheme);
    expect(new Set(onMap).size).toBeGreaterThan(0);
    expect(colorsOfVega(values, scheme.vega(values))).toEqual(onMap);
  });
});

test("less frequent categories have the colour of Other", async () => {
  const values = "a a a b b b c c d e".split(" ");
  const scheme = styling.safe(2);
  const onMap = await colorsOfMap(values, scheme);
  const scale = scheme.vega(values);
  expect(colorsOfVega(values, scale)).toEqual(onMap);
  expect(scale.domain).toEqual(["a", "b", "c", "d", "e"]);
  expect(new Set(onMap).size).toBe(3);
});

test("missing categories are grey, as on the map", () => {
  const { domain, range } = styling.bold().vega(["a", null, "b", undefined, "a"]);
  expect(domain).toEqual(["a", "b", null]);
  expect(range).toEqual(["#7f3c8d", "#11a579", "#cccccc"]);
});

test("accepts a column of a frame", () => {
  const df = new DataFrame({ rate: [1, 2, 3, 4], kind: ["a", "b", "b", "c"] });
  expect(styling.mint(2).vega(df.column("rate"))).toEqual({
    type: "threshold",
    domain: [3],
    range: ["#e4f1e1", "#0d585f"],
  });
  expect(styling.bold(2).vega(df.column("kind")).domain).toEqual(["a", "b", "c"]);
});

test("lets Vega classify without values", () => {
  expect(styling.mint(3).vega()).toMatchObject({ type: "quantile", range: { length: 3 } });
  expect(styling.mint(3, "equal").vega()).toMatchObject({ type: "quantize", range: { length: 3 } });
  expect(styling.bold(4).vega()).toMatchObject({ type: "ordinal", range: { length: 4 } });
  expect(styling.mint(7, "continuous").vega()).toMatchObject({
    type: "linear",
    interpolate: "rgb",
    range: { length: 7 },
  });
  const { domain, range } = styling.mint([10, 20]).vega();
  expect(domain).toEqual([10.000000000000002, 20.000000000000004]);
  expect(range).toEqual(styling.mint(3).vega().range);
  expect(styling.mint([10, 20, Infinity]).vega()).toEqual(styling.mint([10, 20]).vega());
  expect(() => styling.mint(3, "jenks").vega()).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: Vega has no method "jenks". Pass the column that colours the map: .vega(df.column("rate")).]`,
  );
});

test("a continuous ramp goes from the smallest to the largest value", () => {
  expect(styling.mint(3, "continuous").vega([5, null, 1, Number.NaN])).toMatchObject({
    type: "linear",
    domain: [1, 5],
  });
});

test("rejects quantiles of text", () => {
  expect(() => styling.mint(3, "quantiles").vega(["a", "b"])).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The method "quantiles" requires numbers; the values include "a". Use the method "category".]`,
  );
});

test("a scheme remains plain data", () => {
  expect(styling.mint(5, "equal")).toEqual({ name: "mint", bins: 5, method: "equal" });
  expect(Object.keys(styling.custom(["red"]))).toEqual(["name", "bins", "colors"]);
});
