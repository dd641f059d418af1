import { inspect } from "node:util";
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../../src/errors";
import { BaseMap, Layer, QueryLayer, styling } from "../../src/map";

/** The message of the error that options cause, whatever TypeScript says about them. */
function complaint(options: object): string {
  try {
    new Layer("airports", options);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as Error).message;
  }
  return "none";
}

describe("color", () => {
  const colorOf = (color: ConstructorParameters<typeof Layer>[1]) => new Layer("t", color).style.color;
  test("a CSS colour takes precedence over a column of that name", () => {
    expect(colorOf({ color: "red" })).toEqual({ kind: "constant", color: [255, 0, 0, 255] });
    expect(colorOf({ color: "Tomato" })).toMatchObject({ kind: "constant" });
    expect(colorOf({ color: { column: "red" } })).toMatchObject({ kind: "column", column: "red" });
    expect(colorOf({ color: "state" })).toMatchObject({ kind: "column", column: "state" });
    expect(colorOf({ color: 'a "b" <c>' })).toMatchObject({ kind: "column", column: 'a "b" <c>' });
  });
  test("errors", () => {
    expect(complaint({ color: "#12" })).toMatchInlineSnapshot(
      `"Layer "airports": \`color\` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato", the name of a column, or { column, scheme }; got "#12". For a column of that name, write { column: "#12" }."`,
    );
    expect(complaint({ color: 5 })).toMatchInlineSnapshot(
      `"Layer "airports": \`color\` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato", the name of a column, or { column, scheme }; got 5."`,
    );
    expect(complaint({ color: {} })).toMatchInlineSnapshot(
      `"Layer "airports": \`color\` must include \`column\`, the name of a column."`,
    );
    expect(complaint({ color: { column: "" } })).toMatchInlineSnapshot(
      `"Layer "airports": \`color.column\` must be the name of a column; got ""."`,
    );
    expect(complaint({ color: "the_geom" })).toMatchInlineSnapshot(
      `"Layer "airports": \`color\` cannot depend on the geometry column "the_geom"."`,
    );
    expect(complaint({ color: { column: "a", shceme: "mint" } })).toMatchInlineSnapshot(
      `"Layer "airports": color has no option "shceme". Did you mean "scheme"? Available options: "column", "scheme", "bins", "method", "binMethod", "domain", "center", "colors", "order"."`,
    );
    expect(complaint({ color: { column: "a", scheme: "mnit" } })).toMatchInlineSnapshot(
      `"Layer "airports": No colour scheme is named "mnit". Did you mean "mint"?"`,
    );
    expect(complaint({ color: { column: "a", scheme: styling.mint(5), bins: 8 } })).toMatchInlineSnapshot(
      `"Layer "airports": \`bins\` must be 2 to 7 classes for the scheme "mint"; got 8. For more, pass your own colours: styling.custom([…])."`,
    );
    expect(complaint({ color: { column: "a", method: "kmeans" } })).toMatchInlineSnapshot(
      `"Layer "airports": \`method\` must be one of "quantiles", "equal", "log", "headtails", "jenks", "category", "continuous"; got "kmeans"."`,
    );
  });
});

describe("size", () => {
  test("a number, a column, or a range", () => {
    expect(new Layer("t", { size: 3 }).style.size).toEqual({ kind: "constant", px: 3 });
    expect(new Layer("t", { size: "pop" }).style.size).toEqual({ kind: "column", column: "pop", bins: 5 });
    expect(
      new Layer("t", { size: { column: "pop", range: [1, 9], bins: [10, 20] } }).style.size,
    ).toMatchObject({
      minPx: 1,
      maxPx: 9,
      bins: [10, 20],
      method: "quantiles",
    });
    const bounds = [{ max: 9 }, { min: 4 }].map(
      (size) => new Layer("t", { size: { column: "a", ...size } }).style.size,
    );
    expect(bounds.map((size) => ({ ...size }))).toMatchObject([{ maxPx: 9 }, { minPx: 4 }]);
    expect(bounds[0]).not.toHaveProperty("minPx");
  });
  test("errors", () => {
    expect(complaint({ size: 0 })).toMatchInlineSnapshot(
      `"Layer "airports": \`size\` must be a number of pixels, more than 0 and at most 1000, the name of a column, or { column, range }; got 0."`,
    );
    expect(complaint({ size: {} })).toMatchInlineSnapshot(
      `"Layer "airports": \`size\` must include \`column\`, the name of a column."`,
    );
    expect(complaint({ size: { column: "a", range: [9, 1] } })).toMatchInlineSnapshot(
      `"Layer "airports": \`size.range\` must be [min, max] in pixels, from 0 to 1000; got [9,1]."`,
    );
    expect(complaint({ size: { column: "a", bins: 0 } })).toMatchInlineSnapshot(
      `"Layer "airports": \`size.bins\` must be a whole number from 1 to 20, or the upper bounds of 1 to 20 classes in ascending order; got 0."`,
    );
    expect(complaint({ size: { column: "a", method: "category" } })).toMatchInlineSnapshot(
      `"Layer "airports": \`size.method\` must be one of "quantiles", "equal", "log", "headtails", "jenks", "continuous"; got "category"."`,
    );
  });
});

test("opacity, stroke, legend, and unknown options", () => {
  expect(complaint({ opacity: 90 })).toMatchInlineSnapshot(
    `"Layer "airports": \`opacity\` must be a number from 0 to 1; got 90."`,
  );
  expect(complaint({ stroke: 2 })).toMatchInlineSnapshot(
    `"Layer "airports": \`stroke\` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato", { color, width }, or false for no outline; got 2."`,
  );
  expect(complaint({ stroke: "thin" })).toMatchInlineSnapshot(
    `"Layer "airports": \`stroke\` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato"; got "thin"."`,
  );
  expect(complaint({ stroke: { width: -1 } })).toMatchInlineSnapshot(
    `"Layer "airports": \`stroke.width\` must be a number of pixels, more than 0 and at most 1000; got -1."`,
  );
  expect(complaint({ legend: "on" })).toMatchInlineSnapshot(
    `"Layer "airports": \`legend\` must be true, false or { title, counts }; got "on"."`,
  );
  expect(complaint({ legend: { title: 5 } })).toMatchInlineSnapshot(
    `"Layer "airports": \`legend.title\` must be a string that is not blank; got 5."`,
  );
  expect(complaint({ opacty: 1 })).toMatchInlineSnapshot(
    `"Layer has no option "opacty". Did you mean "opacity"? Available options: "lnglat", "geomCol", "name", "color", "size", "as", "value", "cell", "opacity", "stroke", "curve", "arrow", "legend", "tooltip", "popup", "label", "time"."`,
  );
  expect(complaint({ lnglat: ["x"] })).toMatchInlineSnapshot(
    `"Layer "airports": \`lnglat\` must be the names of two columns: [longitude, latitude]; got ["x"]."`,
  );
  expect(complaint({ lnglat: ["x", "y"], geomCol: "g" })).toMatchInlineSnapshot(
    `"Layer "airports": Pass \`lnglat\` or \`geomCol\`, not both: each sets where the points are."`,
  );
  expect(() => new Layer("t", "red" as never)).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The second argument of Layer must be an object of options; got "red".]`,
  );
});

test("sources", () => {
  expect(() => new Layer("")).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The first argument of Layer must be the name of a table, a danfo.js DataFrame, a GeoJSON object, or the path or URL of a file; got "".]`,
  );
  expect(() => new Layer([1] as never)).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The first argument of Layer must be the name of a table, a danfo.js DataFrame, a GeoJSON object, or the path or URL of a file; got [1].]`,
  );
  expect(() => new QueryLayer(" ")).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The first argument of QueryLayer must be a SELECT statement; got " ".]`,
  );
  expect(
    () => new QueryLayer("SELECT 1", { lnglat: ["a", "b"] } as never),
  ).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: QueryLayer has no option "lnglat". Available options: "name", "color", "size", "as", "value", "cell", "opacity", "stroke", "curve", "arrow", "legend", "tooltip", "popup", "label", "time".]`,
  );
});

test("layers name their source", () => {
  expect(inspect(new Layer("airports"))).toBe('Layer("airports")');
  expect(inspect(new QueryLayer("SELECT *\n  FROM t"))).toBe('QueryLayer("SELECT * FROM t")');
  expect(inspect(new Layer(new DataFrame([[1, 2]])))).toBe("Layer(DataFrame (1 × 2))");
});

describe("BaseMap", () => {
  const tiles = (options?: ConstructorParameters<typeof BaseMap>[0]) => new BaseMap(options).basemap.tiles;
  const url = (style: string) => `https://{s}.basemaps.cartocdn.com/rastertiles/${style}/{z}/{x}/{y}{r}.png`;

  test.each([
    [{}, "voyager_labels_under", undefined],
    [{ labels: "front" }, "voyager_nolabels", "voyager_only_labels"],
    [{ labels: null }, "voyager_nolabels", undefined],
    [{ source: "light" }, "light_all", undefined],
    [{ source: "dark", labels: "front" }, "dark_nolabels", "dark_only_labels"],
    [{ source: "dark", onlyLabels: true }, "dark_only_labels", undefined],
  ] as const)("%j", (options, base, labels) => {
    expect(tiles(options)).toMatchObject({ urlTemplate: url(base), subdomains: "abcd" });
    expect(tiles(options)?.labelsUrlTemplate).toBe(labels && url(labels));
    expect(tiles(options)?.attribution).toBe(
      "© [OpenStreetMap](https://www.openstreetmap.org/copyright) contributors © [CARTO](https://carto.com/attributions)",
    );
  });

  test("none, and custom tiles", () => {
    expect(new BaseMap({ source: "none" }).basemap).toEqual({
      theme: "light",
      background: [255, 255, 255, 255],
    });
    const source = "https://tile.openstreetmap.org/{z}/{x}/{y}.png";
    expect(tiles({ source, attribution: "© me" })).toEqual({
      urlTemplate: source,
      subdomains: "abc",
      attribution: "© me",
      maxZoom: 19,
    });
    expect(tiles({ source, maxZoom: 12 })).toMatchObject({ attribution: "", maxZoom: 12 });
  });

  test("errors", () => {
    expect(() => new BaseMap({ source: "voyger" })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`source\` must be "voyager", "light", "dark", "none", or a URL template such as https://…/{z}/{x}/{y}.png; got "voyger".]`,
    );
    expect(() => new BaseMap({ source: "https://x.org/{z}/{x}.png" })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`source\` must be "voyager", "light", "dark", "none", or a URL template such as https://…/{z}/{x}/{y}.png; got "https://x.org/{z}/{x}.png".]`,
    );
    expect(
      () => new BaseMap({ source: "https://x.org/{z}/{x}/{y}?k={key}" }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`source\` can contain {z}, {x}, {y}, {s} and {r}; it contains {key}.]`,
    );
    expect(() => new BaseMap({ source: "javascript:{z}{x}{y}" })).toThrow(/^`source` must be/);
    expect(() => new BaseMap({ labels: "top" as never })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`labels\` must be null, "front" or "back"; got "top".]`,
    );
    expect(() => new BaseMap({ source: "none", labels: "front" })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`labels\` requires one of CARTO's basemaps "voyager", "light" and "dark" as \`source\`; got "none".]`,
    );
    for (const maxZoom of [-1, 2.5, 23, "9"])
      expect(() => new BaseMap({ source: "https://x.org/{z}/{x}/{y}", maxZoom } as never)).toThrow(
        /^`maxZoom` must be a whole number from 0 to 22; got .*\.$/,
      );
    expect(() => new BaseMap({ maxZoom: 3 })).toThrow("`maxZoom` requires a URL template as `source`");
    expect(() => new BaseMap({ basemap: "dark" } as never)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: BaseMap has no option "basemap". Available options: "source", "labels", "language", "onlyLabels", "maxZoom", "attribution".]`,
    );
  });
});

test("GeoJSON as text is not the name of a table", () => {
  const text = '{"type": "FeatureCollection", "features": []}';
  expect(() => new Layer(text)).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The first argument of Layer is GeoJSON as text, not the name of a table. Pass the object: \`new Layer(JSON.parse(text))\`.]`,
  );
  expect(new Layer('{"type": 1}').from).toEqual({ kind: "table", table: '{"type": 1}' });
});
