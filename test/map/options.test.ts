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
  test("a CSS colour wins over a column of its name", () => {
    expect(colorOf({ color: "red" })).toEqual({ kind: "constant", color: [255, 0, 0, 255] });
    expect(colorOf({ color: "Tomato" })).toMatchObject({ kind: "constant" });
    expect(colorOf({ color: { column: "red" } })).toMatchObject({ kind: "column", column: "red" });
    expect(colorOf({ color: "state" })).toMatchObject({ kind: "column", column: "state" });
    expect(colorOf({ color: 'a "b" <c>' })).toMatchObject({ kind: "column", column: 'a "b" <c>' });
  });
  test("errors", () => {
    expect(complaint({ color: "#12" })).toMatchInlineSnapshot(
      `"Layer "airports": color is "#12", which is not a CSS colour like "#ff8000", "rgb(255, 128, 0)" or "tomato". A column of that name is { column: "#12" }."`,
    );
    expect(complaint({ color: 5 })).toMatchInlineSnapshot(
      `"Layer "airports": color is 5; expected a CSS colour like "#ff8000", "rgb(255, 128, 0)" or "tomato", a column's name, or { column, scheme }."`,
    );
    expect(complaint({ color: {} })).toMatchInlineSnapshot(
      `"Layer "airports": color must include a "column"."`,
    );
    expect(complaint({ color: { column: "" } })).toMatchInlineSnapshot(
      `"Layer "airports": column of color is ""; expected a column's name."`,
    );
    expect(complaint({ color: "the_geom" })).toMatchInlineSnapshot(
      `"Layer "airports": Style columns cannot be geometry columns. "the_geom" was chosen for color."`,
    );
    expect(complaint({ color: { column: "a", shceme: "mint" } })).toMatchInlineSnapshot(
      `"Layer "airports": color has no option "shceme". Did you mean "scheme"? There are "column", "scheme", "bins", "method", "binMethod", "domain"."`,
    );
    expect(complaint({ color: { column: "a", scheme: "mnit" } })).toMatchInlineSnapshot(
      `"Layer "airports": There is no colour scheme "mnit". Did you mean "mint"?"`,
    );
    expect(complaint({ color: { column: "a", scheme: styling.mint(5), bins: 8 } })).toMatchInlineSnapshot(
      `"Layer "airports": bins is 8, but the scheme "mint" has 2 to 7 colours. Take a number between, or styling.custom([…]) with colours of your own."`,
    );
    expect(complaint({ color: { column: "a", method: "kmeans" } })).toMatchInlineSnapshot(
      `"Layer "airports": method is "kmeans"; expected one of "quantiles", "equal", "headtails", "jenks", "category", "continuous"."`,
    );
  });
});

describe("size", () => {
  test("a number, a column, or a range", () => {
    expect(new Layer("t", { size: 3 }).style.size).toEqual({ kind: "constant", px: 3 });
    expect(new Layer("t", { size: "pop" }).style.size).toMatchObject({
      column: "pop",
      rangePx: [5, 25],
      bins: 5,
    });
    expect(
      new Layer("t", { size: { column: "pop", range: [1, 9], bins: [10, 20] } }).style.size,
    ).toMatchObject({
      rangePx: [1, 9],
      bins: [10, 20],
    });
  });
  test("errors", () => {
    expect(complaint({ size: 0 })).toMatchInlineSnapshot(
      `"Layer "airports": size is 0; expected a number of pixels, more than 0 and at most 1000, a column's name, or { column, range }."`,
    );
    expect(complaint({ size: {} })).toMatchInlineSnapshot(
      `"Layer "airports": size must include a "column"."`,
    );
    expect(complaint({ size: { column: "a", range: [9, 1] } })).toMatchInlineSnapshot(
      `"Layer "airports": range of size is [9,1]; expected [min, max] in pixels, from 0 to 1000."`,
    );
    expect(complaint({ size: { column: "a", bins: 0 } })).toMatchInlineSnapshot(
      `"Layer "airports": bins of size is 0; expected 1 to 20, or the upper bounds of so many classes, ascending."`,
    );
    expect(complaint({ size: { column: "a", method: "category" } })).toMatchInlineSnapshot(
      `"Layer "airports": method of size is "category"; expected one of "quantiles", "equal", "headtails", "jenks", "continuous"."`,
    );
  });
});

test("opacity, stroke, legend, and options that are none", () => {
  expect(complaint({ opacity: 90 })).toMatchInlineSnapshot(
    `"Layer "airports": opacity is 90; expected a number from 0 to 1."`,
  );
  expect(complaint({ stroke: 2 })).toMatchInlineSnapshot(
    `"Layer "airports": stroke is 2; expected a CSS colour like "#ff8000", "rgb(255, 128, 0)" or "tomato", { color, width }, or false for none."`,
  );
  expect(complaint({ stroke: "thin" })).toMatchInlineSnapshot(
    `"Layer "airports": color of stroke is "thin"; expected a CSS colour like "#ff8000", "rgb(255, 128, 0)" or "tomato"."`,
  );
  expect(complaint({ stroke: { width: -1 } })).toMatchInlineSnapshot(
    `"Layer "airports": width of stroke is -1; expected a number of pixels, more than 0 and at most 1000."`,
  );
  expect(complaint({ legend: "on" })).toMatchInlineSnapshot(
    `"Layer "airports": legend is "on"; expected true, false or { title, counts }."`,
  );
  expect(complaint({ legend: { title: 5 } })).toMatchInlineSnapshot(
    `"Layer "airports": title of legend is 5; expected a text."`,
  );
  expect(complaint({ opacty: 1 })).toMatchInlineSnapshot(
    `"Layer has no option "opacty". Did you mean "opacity"? There are "name", "color", "size", "opacity", "stroke", "legend", "tooltip", "popup", "label", "time", "lnglat", "geomCol"."`,
  );
  expect(complaint({ lnglat: ["x"] })).toMatchInlineSnapshot(
    `"Layer "airports": lnglat is ["x"]; expected the names of two columns: [longitude, latitude]."`,
  );
  expect(complaint({ lnglat: ["x", "y"], geomCol: "g" })).toMatchInlineSnapshot(
    `"Layer "airports": pass lnglat or geomCol, not both: each says where the points are."`,
  );
  expect(() => new Layer("t", "red" as never)).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The second argument of Layer is "red"; expected an object of options.]`,
  );
});

test("sources", () => {
  expect(() => new Layer("")).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The first argument of Layer is ""; expected a table's name, a GeoJSON file or a DataFrame.]`,
  );
  expect(() => new Layer([1] as never)).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The first argument of Layer must be a table's name, a danfo.js DataFrame, or GeoJSON: an object or a path that ends in .geojson or .json.]`,
  );
  expect(() => new QueryLayer(" ")).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The query is " "; expected a SELECT.]`,
  );
  expect(
    () => new QueryLayer("SELECT 1", { lnglat: ["a", "b"] } as never),
  ).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: QueryLayer has no option "lnglat". There are "name", "color", "size", "opacity", "stroke", "legend", "tooltip", "popup", "label", "time".]`,
  );
});

test("layers say what they are", () => {
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

  test("none, and tiles of one's own", () => {
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
      `[InvalidArgumentError: source of BaseMap is "voyger"; expected "voyager", "light", "dark", "none", or the address of tiles: https://…/{z}/{x}/{y}.png.]`,
    );
    expect(() => new BaseMap({ source: "https://x.org/{z}/{x}.png" })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: source of BaseMap is "https://x.org/{z}/{x}.png"; expected "voyager", "light", "dark", "none", or the address of tiles: https://…/{z}/{x}/{y}.png.]`,
    );
    expect(
      () => new BaseMap({ source: "https://x.org/{z}/{x}/{y}?k={key}" }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: source of BaseMap has {key}; it may have {z}, {x}, {y}, {s} and {r}.]`,
    );
    expect(() => new BaseMap({ source: "javascript:{z}{x}{y}" })).toThrow(/^`source` must be/);
    expect(() => new BaseMap({ labels: "top" as never })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: labels is "top"; expected null, "front" or "back".]`,
    );
    expect(() => new BaseMap({ source: "none", labels: "front" })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Only CARTO's basemaps "voyager", "light" and "dark" have labels apart; source is "none".]`,
    );
    for (const maxZoom of [-1, 2.5, 23, "9"])
      expect(() => new BaseMap({ source: "https://x.org/{z}/{x}/{y}", maxZoom } as never)).toThrow(
        /^`maxZoom` must be a whole number from 0 to 22; got .*\.$/,
      );
    expect(() => new BaseMap({ maxZoom: 3 })).toThrow("`maxZoom` requires a URL template as `source`");
    expect(() => new BaseMap({ basemap: "dark" } as never)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: BaseMap has no option "basemap". There are "source", "labels", "onlyLabels", "attribution", "maxZoom".]`,
    );
  });
});
