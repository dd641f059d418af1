import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import wkx from "wkx";
import type { Column, Columns } from "../../src/frame";
import {
  BaseMap,
  buildScene,
  dataFromColumns,
  dataFromFrame,
  fieldsOfLayer,
  Layer,
  type LayerOptions,
  QueryLayer,
  styling,
} from "../../src/map";
import type { SceneToBuild } from "../../src/map/build-scene";
import { checkMapOptions } from "../../src/map/map-options";
import type { PointGeometry, SceneLayer } from "../../src/render/scene";

const WKTS = { point: "POINT(1 2)", line: "LINESTRING(0 0,1 1)", polygon: "POLYGON((0 0,1 0,1 1,0 0))" };

/** A frame with a row of geometry per value, and the value in the column `v`. */
const frameOf = (values: readonly unknown[], wkt: string | null = WKTS.point) =>
  new DataFrame(values.map((v) => ({ v, geometry: wkt })) as never, { columns: ["v", "geometry"] });

async function sceneOf(frame: DataFrame, options: LayerOptions = {}, map: Partial<SceneToBuild> = {}) {
  const layer = new Layer(frame, options);
  return buildScene({ ...map, layers: [{ layer, data: await dataFromFrame(layer, frame) }] });
}
const geometryOf = (rows: number) => ({
  kind: "lnglat" as const,
  lng: new Float64Array(rows),
  lat: new Float64Array(rows),
});
const layerOf = async (...args: Parameters<typeof sceneOf>): Promise<SceneLayer> =>
  (await sceneOf(...args)).scene.layers[0]!;

describe("defaults", () => {
  test("points", async () => {
    expect(await layerOf(frameOf([1]))).toMatchObject({
      color: { kind: "constant", color: [0x5d, 0x69, 0xb1, 255] },
      size: { kind: "constant", px: 10 },
      stroke: { color: [255, 255, 255, 255], widthPx: 0.5 },
      opacity: 0.9,
    });
    const dark = await layerOf(frameOf([1]), {}, { basemap: new BaseMap({ source: "dark" }) });
    expect(dark.stroke?.color).toEqual([0, 0, 0, 255]);
  });
  test("more than 50,000 points, and points below 3 pixels, have no outline by default", () => {
    const strokeOf = (rowCount: number, options: LayerOptions = {}) => {
      const layer = new Layer("t", options);
      const data = { rowCount, geometry: geometryOf(rowCount), columns: [], warnings: [] };
      return buildScene({ layers: [{ layer, data }] }).scene.layers[0]!.stroke;
    };
    expect(strokeOf(50_000, { size: 4 })).toBeDefined();
    expect(strokeOf(50_001, { size: 4 })).toBeUndefined();
    expect(strokeOf(50_001, { stroke: "white" })).toEqual(strokeOf(50_000, { size: 4 }));
    expect([10_000, 50_000].map((count) => strokeOf(count) !== undefined)).toEqual([true, false]);
    expect([3, 2.9].map((size) => strokeOf(1, { size }) !== undefined)).toEqual([true, false]);
  });
  test("points are smaller the more of them there are", () => {
    const sizeOf = (rowCount: number, options: LayerOptions = {}) => {
      const data = { rowCount, geometry: geometryOf(rowCount), columns: [], warnings: [] };
      return buildScene({ layers: [{ layer: new Layer("t", options), data }] }).scene.layers[0]!.size;
    };
    const px = [1, 100, 1000, 10_000, 100_000, 200_000].map((count) => (sizeOf(count) as { px: number }).px);
    expect(px).toEqual([10, 10, 7.25, 4.75, 2, 2]);
    expect(sizeOf(100_000, { size: 6 })).toEqual({ kind: "constant", px: 6 });
    expect(sizeOf(1000)).toMatchObject({ spread: { count: 1000 } });
  });
  test("lines and polygons", async () => {
    const line = await layerOf(frameOf([1], WKTS.line));
    expect(line).toMatchObject({ size: { px: 1.5 }, opacity: 0.9 });
    expect(line).not.toHaveProperty("stroke");
    const polygon = await layerOf(frameOf([1], WKTS.polygon));
    expect(polygon).toMatchObject({ stroke: { color: [255, 255, 255, 64], widthPx: 0.5 }, opacity: 0.9 });
  });
  test("colours depend on the layer's position", async () => {
    const layers = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const layer = new Layer(frameOf([n]));
        return { layer, data: await dataFromFrame(layer, frameOf([n])) };
      }),
    );
    const colors = buildScene({ layers }).scene.layers.map(
      ({ color }) => color.kind === "constant" && color.color,
    );
    expect(colors).toEqual([
      [0x5d, 0x69, 0xb1, 255],
      [0x52, 0xbc, 0xa3, 255],
      [0x99, 0xc9, 0x45, 255],
    ]);
  });
  test("layer names are unique", async () => {
    const named = async (...options: LayerOptions[]) => {
      const layers = await Promise.all(
        options.map(async (option) => {
          const layer = new Layer(frameOf([1]), option);
          return { layer, data: await dataFromFrame(layer, frameOf([1])) };
        }),
      );
      const { scene } = buildScene({ layers });
      return [scene.layers.map(({ name }) => name), scene.legends.map(({ items }) => items[0]!.label)];
    };
    expect(await named({ name: "a" }, { name: "a" }, {}, { legend: { title: "a (2)" } })).toEqual([
      ["a", "a (2)", "Layer 3", "a (2) (2)"],
      ["a", "a (2)", "Layer 3", "a (2)"],
    ]);
    expect(await named({ name: "a", legend: { title: "b" } }, { legend: false })).toEqual([
      ["a", "Layer 2"],
      ["b"],
    ]);
    const [names] = await named({ color: "v" }, { color: "v", legend: { title: "Values" } });
    expect(names).toEqual(["v", "Values"]);
    await expect(named({ name: "shops", color: "nope" })).rejects.toThrow(
      '`color` must be a CSS colour or a column of layer "shops"; got "nope".',
    );
    expect(() => new Layer("t", { name: "shops", size: -1 })).toThrow(
      /^Layer "shops": `size` must be .*; got -1\.$/,
    );
    expect(() => new QueryLayer("SELECT 1", { name: " " })).toThrow(
      /`name` must be a string that is not blank; got " "/,
    );
  });
  test("place names are below points and above lines and polygons", async () => {
    const labels = async (wkt: string | null) =>
      (await sceneOf(frameOf([1], wkt))).scene.basemap.tiles?.labelsUrlTemplate !== undefined;
    expect([await labels(WKTS.point), await labels(WKTS.line), await labels(WKTS.polygon)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(buildScene({ layers: [] }).scene.basemap.tiles?.labelsUrlTemplate).toBeDefined();
  });
});

describe("colour by column", () => {
  test("numbers use mint in five quantiles", async () => {
    const color = { column: "v", scheme: "mint" };
    const { scene } = await sceneOf(frameOf([1, 2, 3, 4, 5, null]), { color });
    const byDefault = (await layerOf(frameOf([1, 2, 3, 4, 5, null]), { color: "v" })).color;
    expect(byDefault).toMatchObject({ classes: Uint8Array.of(0, 1, 2, 3, 4, 255) });
    expect(byDefault.kind === "classes" && byDefault.palette.at(-1)).toEqual([0x0d, 0x58, 0x5f, 255]);
    expect(scene.layers[0]!.color).toMatchObject({
      kind: "classes",
      palette: [
        [0xe4, 0xf1, 0xe1, 255],
        [0x9c, 0xcd, 0xc1, 255],
        [0x63, 0xa6, 0xa0, 255],
        [0x33, 0x7f, 0x7f, 255],
        [0x0d, 0x58, 0x5f, 255],
      ],
      classes: Uint8Array.of(0, 1, 2, 3, 4, 255),
    });
    expect(scene.legends).toMatchObject([{ title: "v", geometry: "point" }]);
    expect(scene.legends[0]!.items.map(({ label }) => label)).toEqual(["1", "2", "3", "4", "5", "no data"]);
  });
  test("text and booleans use safe", async () => {
    const { scene } = await sceneOf(frameOf(["a", "b", "a"]), { color: "v", legend: { title: "Kind" } });
    expect(scene.layers[0]!.color).toMatchObject({
      palette: [
        [0x88, 0xcc, 0xee, 255],
        [0xcc, 0x66, 0x77, 255],
      ],
    });
    expect(scene.legends).toMatchObject([{ title: "Kind", items: [{ label: "a" }, { label: "b" }] }]);
    expect(
      (await sceneOf(frameOf([true, false]), { color: "v" })).scene.legends[0]!.items.map((i) => i.label),
    ).toEqual(["false", "true"]);
  });
  test("more than ten categories add Other", async () => {
    const values = Array.from({ length: 30 }, (_, i) => `c${i % 15}`);
    const { scene } = await sceneOf(frameOf(values), { color: "v" });
    const { items } = scene.legends[0]!;
    expect(items).toHaveLength(11);
    expect(items[10]!.label).toBe("Other");
    const { color } = scene.layers[0]!;
    expect(color.kind === "classes" && color.palette[10]).toEqual([0xdc, 0xdc, 0xdc, 255]);
  });
  test("numbers as categories, mint for text, bounds", async () => {
    const labels = async (values: unknown[], color: LayerOptions["color"]) =>
      (await sceneOf(frameOf(values), { color })).scene.legends[0]!.items.map(({ label }) => label);
    expect(await labels([3, 1, 3], { column: "v", method: "category" })).toEqual(["1", "3"]);
    expect(await labels([3, 1, 3], { column: "v", scheme: styling.bold() })).toEqual(["1", "3"]);
    expect(await labels(["x", "y"], { column: "v", scheme: styling.mint() })).toEqual(["x", "y"]);
    expect(await labels([5, 15], { column: "v", bins: [10, 20] })).toEqual(["≤ 10", "10 – 20"]);
  });
  test("dates are classes, a ramp or categories, with dates as labels", async () => {
    const dates = ["2019-01-01", "2019-06-01", "2020-01-01", "2020-06-01", null].map(
      (text) => text && new Date(text),
    );
    const legend = async (color: LayerOptions["color"]) =>
      (await sceneOf(frameOf(dates), { color })).scene.legends[0]!;
    const labels = async (color: LayerOptions["color"]) =>
      (await legend(color)).items.map(({ label }) => label);
    expect(await labels({ column: "v", bins: 2 })).toEqual(["2019", "2020", "no data"]);
    expect((await legend({ column: "v", method: "continuous" })).ramp).toMatchObject({
      from: "2019-01-01",
      to: "2020-06-01",
    });
    expect(await labels({ column: "v", method: "category", bins: 2 })).toEqual([
      "2019-01-01",
      "2019-06-01",
      "Other",
      "no data",
    ]);
    expect(await labels({ column: "v", bins: [Date.UTC(2019, 2, 1)] })).toEqual([
      "2019-01",
      "2019-06 – 2020-06",
      "no data",
    ]);
  });
  test("legend: false", async () => {
    expect((await sceneOf(frameOf([1, 2]), { color: "v", legend: false })).scene.legends).toEqual([]);
  });
});

test("classes, counts and sizes are about the rows that the map draws", async () => {
  const { point, line } = WKTS;
  const frame = new DataFrame({
    v: [1, 2, 3, 1000, 2000, -50, null, null],
    kind: ["a", "a", "b", "c", "c", "c", null, "c"],
    geometry: [point, point, point, null, line, "POINT EMPTY", point, line],
  } as never);
  const of = async (options: LayerOptions) => {
    const { scene } = await sceneOf(frame, { legend: { counts: true }, ...options });
    const { items, ramp } = scene.legends[0]!;
    return { layer: scene.layers[0]!, items: items.map(({ label, count }) => [label, count]), ramp };
  };
  const { layer, items } = await of({ color: { column: "v", bins: 3 } });
  const missing = Array(5).fill(255);
  expect(layer.color).toMatchObject({ classes: Uint8Array.of(0, 1, 2, ...missing), palette: { length: 3 } });
  expect(items).toEqual([
    ["1", 1],
    ["2", 1],
    ["3", 1],
    ["no data", 1],
  ]);
  expect((await of({ color: { column: "v", method: "continuous" } })).ramp).toMatchObject({
    from: "1",
    to: "3",
  });
  expect((await of({ color: "kind" })).items).toEqual([
    ["a", 2],
    ["b", 1],
    ["no data", 1],
  ]);
  expect((await of({ size: { column: "v", bins: 3 } })).layer.size).toMatchObject({
    classes: Uint8Array.of(0, 1, 2, ...missing),
  });
  expect((await of({ color: "red", legend: { title: "All", counts: true } })).items).toEqual([["All", 4]]);
});

test("legends have the colours that a translucent layer has above land", async () => {
  const none = new BaseMap({ source: "none" });
  const of = async (options: LayerOptions, basemap = none) =>
    (await sceneOf(frameOf([1, 2], WKTS.polygon), options, { basemap })).scene.legends[0]!;
  const color = { column: "v", scheme: styling.custom(["#ff0000", "#000000"]) };
  const { items } = await of({ color, opacity: 0.5, stroke: "rgb(0 0 255 / 50%)" });
  expect(items.map((item) => [item.color, item.stroke])).toEqual([
    [[255, 128, 128, 255], { color: [191, 128, 192, 255], widthPx: 0.5 }],
    [[128, 128, 128, 255], { color: [128, 128, 192, 255], widthPx: 0.5 }],
  ]);
  const dark = await of({ color, opacity: 0.5, stroke: false }, new BaseMap({ source: "dark" }));
  expect(dark.items[0]).toEqual({ label: "1", class: 0, color: [135, 7, 7, 255], sizePx: 10 });
  const ramp = (await of({ color: { ...color, method: "continuous" }, opacity: 0 })).ramp!;
  expect(new Set(ramp.colors.map(String))).toEqual(new Set(["255,255,255,255"]));
});

test("legends of several layers with one title add the layer's name", async () => {
  const titles = async (...options: LayerOptions[]) => {
    const layers = options.map((option) => new Layer(frameOf([1, 2]), { color: "v", ...option }));
    const data = await Promise.all(layers.map((layer) => dataFromFrame(layer, frameOf([1, 2]))));
    const { scene } = buildScene({ layers: layers.map((layer, i) => ({ layer, data: data[i]! })) });
    return scene.legends.map(({ title }) => title);
  };
  expect(await titles({ name: "cities" }, { name: "towns" })).toEqual(["v · cities", "v · towns"]);
  expect(await titles({}, {})).toEqual(["v", "v (2)"]);
  expect(await titles({ legend: { title: "a" } }, { legend: { title: "b" } })).toEqual(["a", "b"]);
});

describe("the first view", () => {
  test("fits the data", async () => {
    const frame = new DataFrame({ x: [170, -170], y: [1, 2] });
    const { scene } = await sceneOf(frame, { lnglat: ["x", "y"] });
    expect(scene).toMatchObject({ widthPx: 800, heightPx: 400, view: { kind: "fit" } });
    const { view } = scene;
    if (view.kind !== "fit") throw new Error("expected bounds");
    expect(view.bounds.map((degrees) => Math.round(degrees))).toEqual([170, 1, -170, 2]);
  });
  test("follows the options", () => {
    const { scene } = buildScene({ layers: [], zoom: 3, lat: 40, lng: -3, size: [300, 200] });
    expect(scene).toMatchObject({
      widthPx: 300,
      heightPx: 200,
      view: { kind: "center", lng: -3, lat: 40, zoom: 3 },
    });
  });
  test("is the world without data", async () => {
    const world = { kind: "center", lng: 0, lat: 0, zoom: 1 };
    expect(buildScene({ layers: [] })).toMatchObject({ scene: { view: world }, warnings: [] });
    const { scene, warnings } = await sceneOf(frameOf([1, 2], null), { color: "v" });
    expect(scene).toMatchObject({ view: world, legends: [] });
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The map shows no data of layer DataFrame (2 × 2): none of its rows has a geometry. Check its table or query.",
      ]
    `);
    const none = await sceneOf(new DataFrame([], { columns: ["v", "geometry"] } as never), { color: "v" });
    expect(none.scene.layers[0]).toMatchObject({ rowCount: 0 });
  });
  test("errors", () => {
    expect(() => buildScene({ layers: [], zoom: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Pass \`zoom\`, \`lat\` and \`lng\` together, or leave all three out; got zoom 3, lat undefined, lng undefined.]`,
    );
    expect(() => buildScene({ layers: [], zoom: 3, lat: 91, lng: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`lat\` must be a number from -90 to 90; got 91.]`,
    );
    expect(() => buildScene({ layers: [], size: [0, 5] })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`size\` must be [width, height] in pixels, whole numbers from 1 to 8192; got [0,5].]`,
    );
  });
});

describe("a DataFrame's geometry", () => {
  const at = async (frame: DataFrame, options?: LayerOptions) => {
    const { x, y } = (await layerOf(frame, options)).geometry as PointGeometry;
    return [...x].map((value, i) => [Math.round(value * 360 - 180), y[i]! < 0.5 ? "north" : "south"]);
  };
  test("wkx, WKT, GeoJSON, hexadecimal EWKB, in the usual columns or the first with geometry", async () => {
    const point = wkx.Geometry.parse("POINT(7 8)");
    const values = [
      point,
      "POINT(7 8)",
      { type: "Point", coordinates: [7, 8] },
      point.toEwkb().toString("hex"),
      null,
    ];
    const frame = new DataFrame(values.map((value) => ["a", value]) as never, { columns: ["v", "the_geom"] });
    expect(await at(frame)).toEqual(Array(4).fill([7, "north"]));
    const elsewhere = new DataFrame({ id: [1, 2], shape: [null, point] } as never);
    expect(await at(elsewhere)).toEqual([[7, "north"]]);
    expect(
      await at(new DataFrame({ the_geom: ["POINT(1 1)"], other: ["POINT(5 5)"] }), { geomCol: "other" }),
    ).toEqual([[5, "north"]]);
  });
  test("longitude and latitude as numbers or text; missing values make no points", async () => {
    const frame = new DataFrame({ 'x "x"': ["7", "", null], y: [-8, 1, 2] } as never);
    expect(await at(frame, { lnglat: ['x "x"', "y"] })).toEqual([[7, "south"]]);
  });
  test("errors", async () => {
    const frame = new DataFrame({ Longitude: [1], latitude: ["north"] });
    await expect(sceneOf(frame)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Layer DataFrame (1 × 2) must have a geometry column. Its columns are "Longitude", "latitude". Pass \`lnglat: ["Longitude", "latitude"]\`.]`,
    );
    await expect(sceneOf(new DataFrame({ a: [1] }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Layer DataFrame (1 × 1) must have a geometry column. Its columns are "a". Pass \`lnglat: [longitude, latitude]\`, or the name of a geometry column as \`geomCol\`.]`,
    );
    await expect(
      sceneOf(frame, { lnglat: ["Longitude", "latitude"] }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Column "latitude", row 0 (counted from 0) must be a number of degrees, or null for no position, to be used as \`lnglat\`; got "north".]`,
    );
    await expect(sceneOf(frame, { lnglat: ["lng", "lat"] })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`lnglat\` must be a column of layer DataFrame (1 × 2); got "lng". Its columns are "Longitude", "latitude".]`,
    );
    await expect(sceneOf(frameOf([1], "POINT(1"))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Column "geometry", row 0 (counted from 0): "POINT(1" is not a geometry (expected a number in the WKT, found ""). Pass wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.]`,
    );
  });
  test("warns about swapped columns", async () => {
    const { warnings } = await sceneOf(new DataFrame({ a: [40, 41], b: [-100, -3] }), { lnglat: ["a", "b"] });
    expect(warnings).toMatchInlineSnapshot(`
      [
        "1 of 2 points lie outside longitude ±180 or latitude ±90. \`lnglat\` is [longitude, latitude]: are "a" and "b" swapped?",
      ]
    `);
  });
});

describe("style columns", () => {
  test("that are missing or have the wrong type", async () => {
    await expect(sceneOf(frameOf([1]), { color: "vv" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`color\` must be a CSS colour or a column of layer DataFrame (1 × 2); got "vv". Its columns are "v", "geometry". Did you mean "v"?]`,
    );
    await expect(sceneOf(frameOf([1]), { size: "population" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`size\` must be a column of layer DataFrame (1 × 2); got "population". Its columns are "v", "geometry".]`,
    );
    await expect(sceneOf(frameOf([new Date(0)]), { size: "v" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`size\` must be a column of numbers; column "v" of layer DataFrame (1 × 2) is of type datetime.]`,
    );
    await expect(
      sceneOf(frameOf([wkx.Geometry.parse("POINT(0 0)")]), { color: "v" }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`color\` cannot depend on column "v" of layer DataFrame (1 × 2): it is a geometry column.]`,
    );
    await expect(sceneOf(frameOf(["a"]), { size: "v" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`size\` must be a column of numbers; column "v" of layer DataFrame (1 × 2) is of type text.]`,
    );
    await expect(
      sceneOf(frameOf(["a"]), { color: { column: "v", method: "jenks" } }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: The method "jenks" requires numbers; column "v" of layer DataFrame (1 × 2) is of type text. Use the method "category".]`,
    );
    await expect(
      sceneOf(frameOf(["a"]), { color: { column: "v", bins: [1, 2] } }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Bounds as \`bins\` require numbers; column "v" of layer DataFrame (1 × 2) is of type text. Use the method "category".]`,
    );
    await expect(
      sceneOf(frameOf([1]), { color: { column: "v", bins: 9 } }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`bins\` must be 2 to 7 classes for the scheme "mint"; got 9. For more, pass your own colours: styling.custom([…]).]`,
    );
  });
  test("with arbitrary names and values", async () => {
    const names = ["__proto__", "constructor", "columns", 'a"b', "<b>", "the geom", "日本", "🌍"];
    for (const name of names) {
      const frame = new DataFrame(
        [
          [1, WKTS.point],
          [2, WKTS.point],
        ],
        { columns: ["v", "geometry"] },
      );
      frame.$setColumnNames([name, "geometry"]);
      const { scene } = await sceneOf(frame, { color: { column: name }, size: { column: name } });
      expect(scene.legends[0]!.title).toBe(name);
    }
  });
});

describe("from the database's columns", () => {
  const fields = [
    { name: "cartodb_id", pgtype: "int4" },
    { name: "the_geom", pgtype: "geometry" },
    { name: "area", pgtype: "geometry" },
    { name: "pop", pgtype: "int8" },
    { name: "kind", pgtype: "unknown" },
    { name: "at", pgtype: "timestamptz" },
    { name: "tags", pgtype: "_text" },
  ];
  const chosen = (layer: Layer | QueryLayer) => fieldsOfLayer(layer, fields).map(({ name }) => name);

  test("fetches only the columns it needs", () => {
    expect(chosen(new Layer("t"))).toEqual(["the_geom"]);
    expect(chosen(new Layer("t", { color: "pop", size: "pop" }))).toEqual(["the_geom", "pop"]);
    expect(chosen(new Layer("t", { color: "kind", geomCol: "area" }))).toEqual(["area", "kind"]);
    expect(chosen(new Layer("t", { color: "pop", lnglat: ["pop", "cartodb_id"] }))).toEqual([
      "pop",
      "cartodb_id",
    ]);
    expect(fieldsOfLayer(new QueryLayer("SELECT 1"), fields.slice(2, 4)).map(({ name }) => name)).toEqual([
      "area",
    ]);
  });
  test("errors before any row is fetched", () => {
    expect(() => chosen(new Layer("t", { color: "redd" }))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`color\` must be a CSS colour or a column of layer "t"; got "redd". Its columns are "cartodb_id", "the_geom", "area", "pop", "kind", "at", "tags". Did you mean "red"?]`,
    );
    expect(chosen(new Layer("t", { color: "at" }))).toEqual(["the_geom", "at"]);
    expect(() => chosen(new Layer("t", { color: "tags" }))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`color\` must be a column of numbers, text, booleans, dates or timestamps; column "tags" of layer "t" is of type _text.]`,
    );
    expect(() => chosen(new Layer("t", { color: "area" }))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`color\` cannot depend on column "area" of layer "t": it is a geometry column.]`,
    );
    expect(() => chosen(new Layer("t", { size: "kind" }))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`size\` must be a column of numbers; column "kind" of layer "t" is of type unknown.]`,
    );
    expect(() => chosen(new Layer("t", { geomCol: "pop" }))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`geomCol\` must be a geometry column; "pop" is of type int8.]`,
    );
    expect(() => chosen(new Layer("t", { lnglat: ["pop", "at"] }))).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`lnglat\` must be two columns of numbers; column "at" of layer "t" is of type timestamptz.]`,
    );
    const query = new QueryLayer("SELECT lon, lat FROM stations");
    const coordinates = ["lon", "lat"].map((name) => ({ name, pgtype: "float8" }));
    expect(() => fieldsOfLayer(query, coordinates)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Layer "SELECT lon, lat FROM stations" must have a geometry column. Its columns are "lon", "lat". Add one to the query, such as ST_SetSRID(ST_MakePoint("lon", "lat"), 4326) AS the_geom.]`,
    );
  });
  test("integers that arrive as text are numbers", () => {
    const layer = new Layer("t", { color: "pop" });
    const columns: Column[] = [
      { name: "the_geom", pgtype: "geometry", kind: "geometry", values: [null, null] },
      { name: "pop", pgtype: "int8", kind: "string", values: ["9007199254740993", null] },
    ];
    const data: Columns = { rowCount: 2, columns, warnings: ["read as text"] };
    const resolved = dataFromColumns(layer, data);
    expect(resolved.columns).toMatchObject([
      { kind: "number", values: Float64Array.of(9007199254740992, Number.NaN) },
    ]);
    expect(resolved.warnings).toEqual([]);
  });
});

test("an infinite time makes a column text, but other times keep their format", () => {
  const layer = new Layer("t", { tooltip: { column: "at", format: "%d.%m.%Y" }, label: "at" });
  const columns: Column[] = [
    { name: "the_geom", pgtype: "geometry", kind: "geometry", values: Array(4).fill(WKTS.point) },
    {
      name: "at",
      pgtype: "timestamptz",
      kind: "string",
      values: ["2019-03-05 12:00:00+00", "infinity", null, "0044-03-15 00:00:00+00 BC"],
    },
  ];
  const data = dataFromColumns(layer, { rowCount: 4, columns, warnings: [] });
  const { scene } = buildScene({ layers: [{ layer, data: { ...data, geometry: geometryOf(4) } }] });
  const texts = scene.layers[0]!.columns!.map((column) =>
    column.kind === "texts" ? [...column.codes].map((code) => column.texts[code - 1]) : [],
  );
  const others = ["infinity", undefined, "0044-03-15 00:00:00+00 BC"];
  expect(texts).toEqual([
    ["05.03.2019", ...others],
    ["2019-03-05 12:00:00+00", ...others],
  ]);
});

test("mixed geometry, and options without effect", async () => {
  const wkts = [WKTS.point, WKTS.line, WKTS.line];
  const frame = new DataFrame({ geometry: wkts });
  expect((await sceneOf(frame, { stroke: "red" })).warnings).toMatchInlineSnapshot(`
    [
      "The map shows only the lines of layer DataFrame (3 × 1), its most common geometry type. Its rows are 1 point, 2 lines.",
      "\`stroke\` has no effect on the lines of layer DataFrame (3 × 1). Style them with \`color\` and \`size\`.",
    ]
  `);
  expect((await sceneOf(frameOf([1], WKTS.polygon), { size: 5 })).warnings).toMatchInlineSnapshot(`
    [
      "\`size\` has no effect on the polygons of layer DataFrame (1 × 2). Set the width of their outline with \`stroke\`.",
    ]
  `);
});

describe("layers of a map", () => {
  test("one, several, and no layers", () => {
    const layer = new Layer("t");
    const basemap = new BaseMap();
    expect(checkMapOptions({ layers: layer })).toEqual({ layers: [layer], widgets: [], controls: [] });
    expect(checkMapOptions({ layers: [layer, basemap] })).toEqual({
      layers: [layer],
      widgets: [],
      controls: [],
      basemap,
    });
    expect(checkMapOptions({})).toEqual({ layers: [], widgets: [], controls: [] });
  });
  test("controls, each once", () => {
    const controlsOf = (controls: unknown) => checkMapOptions({ controls: controls as never }).controls;
    expect(controlsOf("measure")).toEqual(["measure"]);
    expect(controlsOf(["measure", "search", "measure"])).toEqual(["search", "measure"]);
    expect(controlsOf([])).toEqual([]);
    expect(() => controlsOf(["search", "print"])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`controls[1]\` must be one of "search", "measure"; got "print".]`,
    );
    expect(() => controlsOf({ search: true })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`controls\` must be one of "search", "measure"; got {"search":true}.]`,
    );
    expect(() => controlsOf(null)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`controls\` must be one of "search", "measure"; got null.]`,
    );
  });
  test("errors", () => {
    const nine = Array.from({ length: 9 }, () => new Layer("t"));
    expect(() => checkMapOptions({ layers: nine })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`layers\` can include at most 8 layers besides the basemap; got 9.]`,
    );
    expect(() =>
      checkMapOptions({ layers: [new BaseMap(), new BaseMap()] }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`layers\` can include one BaseMap; got 2.]`,
    );
    expect(() => checkMapOptions({ layers: "airports" as never })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`layers[0]\` must be a Layer, a QueryLayer or a BaseMap; got "airports". Write new Layer("airports").]`,
    );
    expect(() => checkMapOptions({ layers: [frameOf([1])] as never })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \`layers[0]\` must be a Layer, a QueryLayer or a BaseMap; got a DataFrame. Write new Layer(df).]`,
    );
    expect(() => checkMapOptions({ lat: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Pass \`zoom\`, \`lat\` and \`lng\` together, or leave all three out; got zoom undefined, lat 3, lng undefined.]`,
    );
  });
});
