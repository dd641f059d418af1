/** Figures of live maps in Node: their pictures, what they put into a notebook, and what they refuse. */
import { inflateSync } from "node:zlib";
import { DataFrame } from "danfojs-node";
import { expect, onTestFinished, test, vi } from "vitest";
import { CartoContext, figure, Layer, type LayerOptions, type MapOptions, widget } from "../../../src";
import { makeFacets, makeMap } from "../../../src/context/map/map";
import { checkFaceted, checkPicture } from "../../../src/context/map/map-picture";
import type { Figure, FigureCell } from "../../../src/render";
import { buildForMaps } from "../../render/page/built";
import { expectGolden } from "../../render/painter/golden";
import { nowhere, progress } from "../../support/nowhere";
import { mulberry32 } from "../../support/seeded";

const random = mulberry32(21);
const ROWS = 120;
const frame = new DataFrame({
  lng: Array.from({ length: ROWS }, () => random() * 12),
  lat: Array.from({ length: ROWS }, () => random() * 8 + 44),
  size: Array.from({ length: ROWS }, () => Math.floor(random() * 50)),
  kind: Array.from({ length: ROWS }, (_, i) => ["oak", "elm", "fir"][i % 3]),
} as never);
const layer = (options: LayerOptions = {}) =>
  new Layer(frame, { name: "trees", lnglat: ["lng", "lat"], ...options });
const put = (ax: FigureCell, options: MapOptions) =>
  makeMap(nowhere, { ...options, ax, isPicture: true, progress });
const bundleOf = (fig: Figure) =>
  (fig as unknown as Record<symbol, () => Record<string, unknown>>)[Symbol.for("Jupyter.display")]!();
const cc = new CartoContext({ baseUrl: "local:/nowhere" });

test("the picture of a comparison has a half of each map", async () => {
  await buildForMaps();
  const fig = figure({ compare: true, title: "Trees" });
  await put(fig.at(0), { layers: layer({ color: "size" }), title: "Size", size: [420, 260] });
  await put(fig.at(1), { layers: layer({ as: "hexbin" }), title: "Number", size: [420, 260] });
  await expectGolden("figure-compared", fig.toPNG());
});

test("the picture of small multiples has one legend", async () => {
  await buildForMaps();
  const layers = layer({ color: "size" });
  const fig = await makeFacets(nowhere, {
    layers,
    facet: "kind",
    title: "Trees",
    size: [220, 160],
    progress,
  });
  await expectGolden("figure-facets", fig.toPNG());
});

test("maps of a linked figure have one view in its picture", async () => {
  await buildForMaps();
  const fig = figure({ linked: true });
  await put(fig.at(0), { layers: layer({ color: "kind" }), size: [240, 180] });
  const east = new DataFrame({ lng: [20, 21], lat: [45, 46] } as never);
  await put(fig.at(1), { layers: new Layer(east, { lnglat: ["lng", "lat"] }), size: [240, 180] });
  fig.at(2).vega({ mark: "bar", encoding: { x: { field: "kind" }, y: { aggregate: "count" } } }, frame);
  await expectGolden("figure-linked", fig.toPNG());
});

test("in a notebook, a linked figure is HTML above its picture", async () => {
  const fig = figure({ linked: true });
  await put(fig.at(0), { layers: layer(), widgets: widget.formula("count") });
  fig.at(1).vega({ mark: "bar", encoding: { x: { field: "kind" }, y: { aggregate: "count" } } }, frame);
  const bundle = bundleOf(fig);
  expect(Object.keys(bundle)).toEqual(["text/html", "image/png", "text/plain"]);
  const html = String(bundle["text/html"]);
  expect(html.match(/<iframe /g)?.length).toBe(1);
  expect(html).toContain('alt="Map of 120 points');
  expect(html).toContain("script-src &amp;#39;sha256-");
  expect(html).not.toContain("unsafe-eval");
});

test("rows of a DataFrame are in the page once for all charts", () => {
  const fig = figure({ linked: true });
  for (const i of [0, 1, 2]) fig.at(i).vega({ mark: "point", encoding: { x: { field: "size" } } }, frame);
  const blockOf = (id: string) => {
    const [, base64 = ""] = new RegExp(`id="${id}">([^<]*)<`).exec(fig.toHTML()) ?? [];
    return inflateSync(Buffer.from(base64, "base64")).toString();
  };
  const datasets = Object.values(JSON.parse(blockOf("datasets")) as object);
  expect(datasets.map((rows: object[]) => rows.length)).toEqual([ROWS]);
  expect(blockOf("figure")).not.toContain('"oak"');
});

test.each<[string, () => unknown, string]>([
  ["an unknown value of linked", () => figure({ linked: "yes" as never }), "`linked` must be true or false"],
  ["an unknown value of compare", () => figure({ compare: 1 as never }), "`compare` must be true or false"],
  ["HTML of images", () => figure().toHTML(), "requires a live figure"],
  ["an empty figure", () => figure({ linked: true }).toHTML(), "The figure is empty"],
  [
    "facets as an image",
    () => checkFaceted({ interactive: false }),
    "`facet` and `interactive` exclude each other",
  ],
  ["facets in a figure", () => checkFaceted({ ax: figure().at(0) }), "`facet` and `ax` exclude each other"],
  [
    "an image in a linked figure",
    () => checkPicture({ ax: figure({ linked: true }).at(0), interactive: false }),
    "its maps are live",
  ],
])("refuses %s", (_, make, message) => {
  expect(make).toThrow(message);
});

test.each<[string, MapOptions, string, string]>([
  ["another column", { layers: layer() }, "age", '`facet` must be a column of layer "trees"; got "age"'],
  ["no layer", {}, "kind", "Add a Layer or a QueryLayer"],
  ["widgets", { layers: layer(), widgets: widget.formula("count") }, "kind", "`facet` and `widgets` exclude"],
  ["H3 cells", { layers: layer({ as: "h3" }) }, "kind", 'is drawn `as: "h3"`'],
  ["a blank column", { layers: layer() }, " ", "`facet` must be the name of a column"],
])("refuses facets with %s", async (_, options, facet, message) => {
  await expect(cc.map({ ...options, facet })).rejects.toThrow(message);
});

test("says which selections filter no other view", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  const params = [{ name: "brush", select: { type: "interval", encodings: ["x"] } }];
  const transform = [{ aggregate: [{ op: "mean", field: "size", as: "m" }], groupby: ["kind"] }];
  const means = { mark: "point", transform, params, encoding: { x: { field: "m", type: "quantitative" } } };
  figure().at(0).vega(means, frame);
  expect(warn).not.toHaveBeenCalled();
  figure({ linked: true }).at(0).vega(means, frame);
  expect(warn.mock.calls).toEqual([
    [
      'fig.at(0): the selection "brush" filters no other view, because it depends on values that single rows do not have. Select by columns, their bins or their units of time.',
    ],
  ]);
});

test("maps of a figure follow the projection of the first", async () => {
  const world = new DataFrame({ lng: [-170, 0, 170], lat: [-50, 0, 70] } as never);
  const fig = figure({ linked: true });
  await put(fig.at(0), { layers: new Layer(world, { lnglat: ["lng", "lat"] }) });
  expect(fig.at(1).projection).toBe("equal-earth");
  await put(fig.at(1), { layers: layer() });
  expect(fig.at(0).projection).toBe("equal-earth"); // that of the other map
  const compared = figure({ compare: true });
  await put(compared.at(0), { layers: layer() });
  await put(compared.at(1), { layers: layer(), projection: "robinson" });
  expect(() => compared.toHTML()).toThrow(
    'must have the same projection; they have "mercator" and "robinson"',
  );
  await put(compared.at(1), { layers: layer(), size: [300, 200] });
  expect(() => compared.toHTML()).toThrow("the same `size`; they have 480 × 320 and 300 × 200 pixels");
  await put(compared.at(1), { layers: layer(), widgets: widget.formula("count") });
  expect(() => compared.toHTML()).toThrow("cannot have `widgets`");
});

test("refuses a comparison of one map, and one without values", async () => {
  const fig = figure({ compare: true });
  await put(fig.at(0), { layers: layer() });
  expect(() => fig.toPNG()).toThrow("must have two maps");
  const blank = new DataFrame({ lng: [1], lat: [1], kind: [null] } as never);
  const layers = new Layer(blank, { lnglat: ["lng", "lat"] });
  await expect(cc.map({ layers, facet: "kind" })).rejects.toThrow("must be a column with values");
});
