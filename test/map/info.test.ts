/** Options of what people read, continuous ramps, and GeoJSON as data. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFrame } from "danfojs-node";
import { expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { Layer, type LayerOptions, type MapOptions } from "../../src/map";
import { classifySteps } from "../../src/map/classify";
import { parseGeoJson } from "../../src/map/geojson";
import { decodeScene, encodeScene } from "../../src/render/page/codec";
import type { RowColumn } from "../../src/render/scene";
import { nowhere, progress } from "../support/nowhere";
import { mulberry32 } from "../support/seeded";

const sceneOf = async (layers: MapOptions["layers"]) => (await mapScene(nowhere, { layers, progress })).scene;
const frame = () =>
  new DataFrame({ lng: [0, 1, 2], lat: [0, 1, 2], v: [1, 2, 3], t: ["a", "b", "c"], red: [9, 8, 7] });
const of = (options: LayerOptions) => sceneOf(new Layer(frame(), { lnglat: ["lng", "lat"], ...options }));

test.each<[LayerOptions, RegExp]>([
  [
    { tooltip: "nope" },
    /^`tooltip` must be a column of layer DataFrame \(3 × 5\); got "nope"\. Its columns are "lng"/,
  ],
  [{ popup: [] }, /^Layer DataFrame \(3 × 5\): `popup` must be the name of a column, .*; got \[\]\.$/],
  [
    { tooltip: { column: "v", format: "%Q%" } },
    /^`tooltip\.format` for column "v" of layer DataFrame \(3 × 5\) must be a number format .*; got "%Q%"\.$/,
  ],
  [
    { popup: { column: "t", format: ".1f" } },
    /^`popup\.format` requires numbers or times; column "t" of layer .* is of type text\./,
  ],
  [
    { label: { column: "t", size: 900 } },
    /^Layer DataFrame \(3 × 5\): `label\.size` must be a number of pixels from 6 to 72; got 900\.$/,
  ],
  [
    { label: {} as never },
    /^Layer DataFrame \(3 × 5\): `label` must include `column`, the name of a column\.$/,
  ],
  [
    { size: "t" },
    /^`size` must be a column of numbers; column "t" of layer DataFrame \(3 × 5\) is of type text\.$/,
  ],
  [
    { color: { column: "t", method: "continuous" } },
    /^The method "continuous" requires numbers; column "t" of layer DataFrame \(3 × 5\) is of type text\./,
  ],
  [
    { color: { column: "v", method: "jenks", binMethod: "jenks" } },
    /^Layer DataFrame \(3 × 5\): Pass `color\.method` or `color\.binMethod`, not both/,
  ],
  [
    { color: { column: "v", domain: [0, 1] } },
    /^Layer DataFrame \(3 × 5\): `color\.domain` requires the method "continuous"/,
  ],
  [
    { color: { column: "v", method: "continuous", domain: [1, 0] } },
    /^Layer DataFrame \(3 × 5\): `color\.domain` must be \[from, to\], .*; got \[1,0\]\.$/,
  ],
  [
    { size: { column: "v", min: 2, range: [1, 2] } },
    /^Layer DataFrame \(3 × 5\): Pass `size\.range`, or `size\.min` and `size\.max`, not both/,
  ],
])("%j", async (options, message) => {
  await expect(async () => of(options)).rejects.toThrow(message);
});

test("option names of cartoframes for Python; a column named like a colour", async () => {
  const sizes = (await of({ size: { column: "v", min: 2, max: 8, bins: 3, binMethod: "equal" } })).layers[0]!
    .size;
  expect(sizes).toMatchObject({ px: [2, 5, 8] });
  const { legends } = await of({ color: { column: "red" } });
  expect(legends[0]).toMatchObject({ title: "red" });
});

test("stores a column once, even in two formats", async () => {
  const { columns, tooltip, popup } = (
    await of({ tooltip: ["v", "t"], popup: { column: "v", format: ".1f" } })
  ).layers[0]!;
  expect(columns).toHaveLength(2);
  expect(tooltip!.fields.map(({ column }) => column)).toEqual([0, 1]);
  expect(popup!.fields).toEqual([{ title: "v", column: 0, format: ".1f" }]);
});

test("text times in GeoJSON accept time formats", async () => {
  const at = ["2019-03-05", null, "2019-03-05T14:30:00+02:00"];
  const features = at.map((text, i) => ({
    type: "Feature",
    properties: { at: text, share: i / 10 },
    geometry: { type: "Point", coordinates: [i, 0] },
  }));
  const layer = new Layer({ type: "FeatureCollection", features } as never, {
    color: { column: "at" },
    tooltip: "at",
    popup: [
      { column: "at", format: "%d %B %Y, %H:%M" },
      { column: "share", format: ".1%" },
    ],
    label: { column: "at", format: "%Y" },
  });
  const { columns, tooltip, popup, label } = (await sceneOf(layer)).layers[0]!;
  const texts = (index: number) => {
    const column = columns![index]!;
    return column.kind === "texts" ? [...column.codes].map((code) => column.texts[code - 1]) : column.values;
  };
  expect(texts(tooltip!.fields[0]!.column)).toEqual(["2019-03-05 00:00", undefined, "2019-03-05 12:30"]);
  expect(texts(popup!.fields[0]!.column)).toEqual([
    "05 March 2019, 00:00",
    undefined,
    "05 March 2019, 12:30",
  ]);
  expect(popup!.fields[1]).toMatchObject({ format: ".1%" });
  expect(texts(label!.column)).toEqual(["2019", undefined, "2019"]);
});

test("steps of values at the ends, beyond them, missing, infinite, equal", () => {
  const classes = (values: number[], domain?: [number, number]) => [
    ...classifySteps(Float64Array.from(values), 4, domain).classes,
  ];
  expect(classes([0, 1, 2, 3, 4, Number.NaN, Infinity, -Infinity])).toEqual([0, 1, 2, 3, 3, 255, 3, 0]);
  expect(classes([-5, 5, 15], [0, 10])).toEqual([0, 2, 3]);
  expect(classes([7, 7])).toEqual([2, 2]);
  expect(classes([-1.7e308, 0, 1.7e308])).toEqual([0, 2, 3]);
  expect(classes([Number.NaN])).toEqual([255]);
});

test.each([1, 2, 3, 4, 5, 6])("values are unchanged in the page, seed %i", async (seed) => {
  const random = mulberry32(seed);
  const make = [
    () => Math.floor(random() * 2000) - 1000,
    () => Math.round(random() * 1e5) / 100,
    () => random() * 1e9,
    () => (random() < 0.3 ? Number.NaN : -0),
    () => (random() < 0.3 ? Infinity : 1e300),
    () => Number.NaN,
  ][seed - 1]!;
  const values = Float64Array.from({ length: 50 }, make);
  const codes = Uint32Array.from({ length: 50 }, () => Math.floor(random() * 4));
  const { layers, ...rest } = await of({});
  const columns: RowColumn[] = [
    { kind: "numbers", values },
    { kind: "texts", texts: ["a", "</script>", "\u0000"], codes },
  ];
  const axis = Float64Array.from({ length: 50 }, random);
  const layer = {
    ...layers[0]!,
    geometry: { kind: "point", x: axis, y: axis } as const,
    rowCount: 50,
    columns,
  };
  const back = decodeScene(encodeScene({ scene: { ...rest, layers: [layer] }, overviews: [] })).scene
    .layers[0]!;
  expect(back.columns![0]).toEqual(columns[0]);
  const textsOf = (column: RowColumn) =>
    column.kind === "texts" ? [...column.codes].map((code) => column.texts[code - 1]) : [];
  expect(textsOf(back.columns![1]!)).toEqual(textsOf(columns[1]!));
});

test("GeoJSON features, a file, ids, missing properties", async () => {
  const point = (lng: number) => ({ type: "Point", coordinates: [lng, 0] });
  const features = [
    { type: "Feature", id: 7, properties: { a: "x", geometry: "a property" }, geometry: point(1) },
    { type: "Feature", properties: null, geometry: null },
    { type: "Feature", properties: { a: 'y "<b>"' }, geometry: point(2) },
  ];
  const collection = { type: "FeatureCollection", features };
  const folder = mkdtempSync(join(tmpdir(), "geojson-"));
  const path = join(folder, "places.geojson");
  writeFileSync(path, `\ufeff${JSON.stringify(collection)}`);
  try {
    for (const source of [collection, path]) {
      const { layers } = await sceneOf(new Layer(source, { tooltip: ["id", "a"], color: "a" }));
      expect(layers[0]).toMatchObject({ rowCount: 3, geometry: { kind: "point" } });
      expect(layers[0]!.columns).toEqual([
        { kind: "numbers", values: Float64Array.of(7, Number.NaN, Number.NaN) },
        { kind: "texts", texts: ["x", 'y "<b>"'], codes: Uint32Array.of(1, 0, 2) },
      ]);
    }
    writeFileSync(path, '{"type": "Topology"}');
    await expect(sceneOf(new Layer(path))).rejects.toThrow(
      /places\.geojson" is not GeoJSON: its type must be .*; got "Topology"\. It is TopoJSON: read it with `await cc\.readFile\(".*places\.geojson"\)`/,
    );
    writeFileSync(path, "{");
    await expect(sceneOf(new Layer(path))).rejects.toThrow(/is not GeoJSON: /);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await expect(sceneOf(new Layer("nowhere.json"))).rejects.toThrow(
    /^Cannot read the GeoJSON file "nowhere\.json" \(ENOENT\)/,
  );
  const crs = { type: "name", properties: { name: "urn:ogc:def:crs:EPSG::25830" } };
  await expect(sceneOf(new Layer({ ...collection, crs } as never))).rejects.toThrow(
    /must have longitude and latitude .*EPSG::25830"/,
  );
});

test("GeoJSON: any spelling of WGS 84, and no metres", async () => {
  const collection = (coordinates: number[], name?: string) =>
    ({
      type: "FeatureCollection",
      ...(name && { crs: { type: "name", properties: { name } } }),
      features: [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates } }],
    }) as never;
  for (const name of [
    "urn:ogc:def:crs:EPSG:6.9:4326",
    "epsg:4326",
    "https://www.opengis.net/def/crs/OGC/0/CRS84",
  ]) {
    const { layers } = await sceneOf(new Layer(collection([2.35, 48.85], name)));
    expect(layers[0]).toMatchObject({ rowCount: 1, geometry: { kind: "point" } });
  }
  await expect(sceneOf(new Layer(collection([430_000, 560_000])))).rejects.toThrow(
    /must have longitude and latitude \(EPSG:4326\), but x is 430,000 and y is 560,000: British National Grid \(EPSG:27700\)/,
  );
});

test("GeoJSON: integers beyond 2^53 are shown digit by digit", async () => {
  const path = join(__dirname, "../server/imports/cases/ids.geojson");
  const { layers } = await sceneOf(new Layer(path, { tooltip: "id", color: "id" }));
  expect(layers[0]!.columns).toEqual([
    {
      kind: "texts",
      texts: ["1610521604143693812", "1610521604143693813"],
      codes: Uint32Array.of(1, 2),
    },
  ]);
  const mixed = `{"type":"FeatureCollection","features":[${[
    1,
    "1610521604143693812",
    null,
    "[9007199254740993]",
  ].map(
    (id) => `{"type":"Feature","properties":{"id":${id}},"geometry":{"type":"Point","coordinates":[1,2]}}`,
  )}]}`;
  const geojson = parseGeoJson(mixed, "mixed.geojson");
  expect(geojson).toMatchObject({ features: [{}, { properties: { id: 1610521604143693812n } }, {}, {}] });
  const scene = await sceneOf(new Layer(geojson, { tooltip: "id" }));
  expect(scene.layers[0]!.columns).toMatchObject([
    { texts: ["1", "1610521604143693812", "[9007199254740993]"] },
  ]);
});
