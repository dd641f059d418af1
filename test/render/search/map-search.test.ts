/** What a search finds on a map: features by their values, and places. */
import { describe, expect, test } from "vitest";
import type { PlaceName } from "../../../src/render/names-data";
import type { RowColumn, SceneLayer } from "../../../src/render/scene";
import { MapSearch } from "../../../src/render/search/map-search";
import { pointLayer, sceneOf } from "../page/scenes";

const texts = (values: readonly (string | null)[]): RowColumn => {
  const distinct = [...new Set(values.filter((value) => value !== null))];
  return {
    kind: "texts",
    texts: distinct,
    codes: Uint32Array.from(values, (value) => (value === null ? 0 : distinct.indexOf(value) + 1)),
  };
};
const numbers = (values: readonly number[]): RowColumn => ({
  kind: "numbers",
  values: Float64Array.from(values),
});

const layerOf = (columns: readonly RowColumn[], rest: Partial<SceneLayer> = {}): SceneLayer => {
  const [first] = columns;
  const count = first ? (first.kind === "texts" ? first.codes : first.values).length : 0;
  const fields = columns.map((_, column) => ({ title: `column ${column}`, column }));
  return pointLayer(new Float64Array(count).fill(0.5), new Float64Array(count).fill(0.5), {
    columns,
    popup: { fields },
    ...rest,
  });
};
const city = (text: string): PlaceName => ({ kind: "city", text, x: 0.5, y: 0.5, room: 0, zoom: 3 });

function search(
  layers: readonly SceneLayer[],
  query: string,
  {
    names = [],
    isShown = () => true,
  }: { names?: readonly PlaceName[]; isShown?: (layer: number, feature: number) => boolean } = {},
) {
  const steps = new MapSearch(sceneOf(layers), names).find(query, isShown);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}
const textsOf = (...asked: Parameters<typeof search>) => search(...asked).results.map(({ text }) => text);

describe("features", () => {
  const names = layerOf([
    texts(["Elm Street", "Oak Street", "Elm Street", null, "elm court"]),
    numbers([12, 120, 7, 1.5, -12]),
  ]);

  test("features with the same text are one result, with their number and column", () => {
    expect(search([names], "ELM s").results).toEqual([
      { kind: "features", text: "Elm Street", layer: 0, title: "column 0", features: [0, 2], count: 2 },
    ]);
    expect(textsOf([names], "elm")).toEqual(["Elm Street", "elm court"]);
  });

  test("features that the map hides are not found, or not counted", () => {
    const [result] = search([names], "elm street", { isShown: (_, feature) => feature !== 0 }).results;
    expect(result).toMatchObject({ features: [2], count: 1 });
    expect(textsOf([names], "elm", { isShown: () => false })).toEqual([]);
  });

  test("numbers are found by their first digits, the same number first", () => {
    expect(textsOf([names], "12")).toEqual(["12", "120"]);
    expect(textsOf([names], "−12")).toEqual(["-12"]);
    expect(textsOf([names], "1.5")).toEqual(["1.5"]);
    expect(textsOf([names], "x12")).toEqual([]);
    const many = layerOf([numbers(Array.from({ length: 40_000 }, (_, i) => i))]);
    expect(textsOf([many], "39999")).toEqual(["39,999"]);
    expect(textsOf([many], "39,99")).toEqual([]); // no thousand
    const found = search([many], "3");
    expect(found.results).toHaveLength(8);
    expect(found.results[0]).toMatchObject({ text: "3", features: [3] });
    expect(found.hasMore).toBe(true);
  });

  test("the topmost layer comes first, and its label before other columns", () => {
    const below = layerOf([texts(["Ash"])], { name: "below" });
    const above = layerOf([texts(["Ash tree"]), texts(["Ash house"])], {
      name: "above",
      label: { column: 1, sizePx: 11, color: [0, 0, 0, 255], halo: [0, 0, 0, 0] },
    });
    expect(textsOf([below, above], "ash")).toEqual(["Ash", "Ash house", "Ash tree"]); // the whole text before all
    expect(search([below, above], "ash").results.map((result) => "layer" in result && result.layer)).toEqual([
      0, 1, 1,
    ]);
  });

  test("two columns with the same text of the same feature are one result", () => {
    expect(textsOf([layerOf([texts(["Rome"]), texts(["Rome"])])], "rome")).toEqual(["Rome"]);
  });

  test("layers whose points are drawn together have no features to find", () => {
    const aggregate = { as: "grid", cellPx: 20, statistic: "count", title: "count", palette: [] } as const;
    expect(textsOf([layerOf([texts(["Rome"])], { aggregate })], "rome")).toEqual([]);
  });

  test("at most a hundred features are listed, and all are counted", () => {
    const [result] = search([layerOf([texts(Array.from({ length: 250 }, () => "tree"))])], "tree").results;
    expect(result).toMatchObject({ count: 250 });
    expect(result?.kind === "features" && result.features.length).toBe(100);
  });

  test("nothing is found for nothing", () => {
    expect(search([names], " \u200b ")).toEqual({ results: [], hasMore: false });
    expect(search([], "a")).toEqual({ results: [], hasMore: false });
  });
});

describe("places", () => {
  test("come after features, but keep three of eight results", () => {
    const layer = layerOf([texts(Array.from({ length: 20 }, (_, i) => `Paris bar ${i}`))]);
    const names = ["Paris", "Parisot", "Pariser Platz", "Parish", "Cormeilles-en-Parisis"].map(city);
    const found = search([layer], "paris", { names });
    expect(found.results.map(({ kind }) => kind)).toEqual([
      ...Array(5).fill("features"),
      ...Array(3).fill("place"),
    ]);
    expect(found.results[5]?.text).toBe("Paris");
    expect(found.hasMore).toBe(true);
    expect(textsOf([], "parisi", { names })).toEqual(["Cormeilles-en-Parisis"]);
    expect(textsOf([layer], "bar 1", { names })).toContain("Paris bar 1");
  });
});
