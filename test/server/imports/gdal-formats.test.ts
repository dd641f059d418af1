import { afterEach, expect, test } from "vitest";
import { madeByGdal } from "../../support/gdal";
import { importer } from "../../support/imports";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const { file, leftovers, workDirs } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

const rowsOf = async (table: string, list: string) =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;

const feature = (type: string, coordinates: unknown, properties: object) => ({
  type: "Feature",
  geometry: { type, coordinates },
  properties,
});

test("JSON of Esri's servers and JSON-FG, also as .json", async () => {
  const esri = JSON.stringify({
    geometryType: "esriGeometryPoint",
    spatialReference: { wkid: 102100, latestWkid: 3857 },
    fields: [{ name: "n", type: "esriFieldTypeInteger" }],
    features: [{ attributes: { n: 1 }, geometry: { x: 111319.49079327357, y: 0 } }],
  });
  const source = { type: "FeatureCollection", features: [feature("Point", [1, 0], { n: 1 })] };
  const [jsonFg] = Object.values(await madeByGdal(source, ["-f", "JSONFG"]));
  for (const [name, content] of [
    ["esri.esrijson", esri],
    ["esri2.json", esri],
    ["fg.fgjson", jsonFg!],
    ["fg2.json", jsonFg!],
  ] as const) {
    const { table_name } = await file(name, content);
    expect(await rowsOf(table_name!, "n, ST_AsText(the_geom, 9) AS g")).toEqual([{ n: 1, g: "POINT(1 0)" }]);
  }
});

test("PMTiles have the features of their largest zoom level", async () => {
  const features = [
    feature("Point", [8, 47], { n: 1 }),
    feature("LineString", [[8, 47], [8.1, 47.1]], { n: 2 }), // biome-ignore format: a line
  ];
  const made = await madeByGdal({ type: "FeatureCollection", features }, [
    "-f",
    "PMTiles",
    "-dsco",
    "MAXZOOM=6",
  ]);
  const { table_name, get_error_text } = await file("tiles.pmtiles", Object.values(made)[0]!);
  expect(get_error_text).toBeNull();
  const near = "ST_DWithin(the_geom, 'SRID=4326;POINT(8.05 47.05)', 0.1) AS near";
  const { rows } = await server.sql(
    `SELECT DISTINCT n, GeometryType(the_geom) AS g, ${near} FROM "${table_name}" ORDER BY n`,
  );
  expect(rows).toEqual([
    { n: 1, g: "POINT", near: true },
    { n: 2, g: "MULTILINESTRING", near: true },
  ]);
});
