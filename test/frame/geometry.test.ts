import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Geometry } from "wkx";
import { columnsFromFrame, decodeCopy, encodeCopy, frameFromColumns, loadDanfo } from "../../src/frame";
import { copyIn, copyOut, openPostgis } from "../support/pglite";

let pg: PGlite;
beforeAll(async () => {
  pg = await openPostgis();
});
afterAll(() => pg.close());

const SHAPES = [
  "POINT(-3.7 40.4)",
  "POINT EMPTY",
  "POINT Z (1 2 3)",
  "POINT M (1 2 3)",
  "POINT ZM (1 2 3 4)",
  "LINESTRING(0 0,1 1,2.5 -1e-7)",
  "LINESTRING Z (0 0 1,1 1 2)",
  "LINESTRING EMPTY",
  "POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))",
  "POLYGON EMPTY",
  "MULTIPOINT((0 0),(1 1))",
  "MULTIPOINT EMPTY",
  "MULTILINESTRING((0 0,1 1),(2 2,3 3))",
  "MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((5 5,6 5,6 6,5 5)))",
  "MULTIPOLYGON Z (((0 0 1,4 0 1,4 4 1,0 0 1)))",
  "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))",
  "GEOMETRYCOLLECTION EMPTY",
  "GEOMETRYCOLLECTION(MULTIPOINT((0 0),(1 1)),GEOMETRYCOLLECTION(POINT(3 4)))",
  "GEOMETRYCOLLECTION Z (MULTIPOINT Z ((0 0 1)),POINT Z (3 4 5))",
];

/** What PostGIS says of an EWKT: its EWKB in hexadecimal. */
async function hexOf(ewkt: string): Promise<string> {
  const { rows } = await pg.query<{ hex: string }>("SELECT $1::geometry::text AS hex", [ewkt]);
  return rows[0]!.hex;
}

/** What PostGIS reads of a value that is written as the_geom. */
async function writtenAs(value: unknown): Promise<string | null> {
  const { DataFrame } = await loadDanfo();
  const frame = new DataFrame([[value]], { columns: ["geometry"], dtypes: ["string"] });
  const { columns } = await columnsFromFrame(frame, { encodeGeom: true });
  await pg.exec("DROP TABLE IF EXISTS g; CREATE TABLE g (the_geom geometry)");
  await copyIn(pg, "g", encodeCopy(columns));
  const { rows } = await pg.query<{ ewkt: string | null }>("SELECT ST_AsEWKT(the_geom) AS ewkt FROM g");
  return rows[0]!.ewkt;
}

async function ewkt(text: string): Promise<string> {
  const { rows } = await pg.query<{ ewkt: string }>("SELECT ST_AsEWKT($1::geometry) AS ewkt", [text]);
  return rows[0]!.ewkt;
}

describe.each(SHAPES)("%s", (wkt) => {
  test("decodes to the same geometry as PostGIS", async () => {
    const fields = [{ name: "the_geom", pgtype: "geometry" }];
    const bytes = await copyOut(pg, `SELECT 'SRID=4326;${wkt}'::geometry AS the_geom`);
    const frame = await frameFromColumns(await decodeCopy([bytes], fields), { decodeGeom: true });
    const [hex, geometry] = frame.values[0] as [string, Geometry];
    expect(hex).toBe(await hexOf(`SRID=4326;${wkt}`));
    expect(geometry.srid).toBe(4326);
    expect(await ewkt(geometry.toEwkt())).toBe(await ewkt(`SRID=4326;${wkt}`));
    expect(await writtenAs(geometry)).toBe(await ewkt(`SRID=4326;${wkt}`));
  });

  test("encodes WKT, EWKT, EWKB and WKB like PostGIS", async () => {
    const expected = await ewkt(`SRID=4326;${wkt}`);
    expect(await writtenAs(wkt)).toBe(expected);
    expect(await writtenAs(wkt.toLowerCase().replace(" z ", "z"))).toBe(expected);
    expect(await writtenAs(` SRID=25830 ; ${wkt} `)).toBe(await ewkt(`SRID=25830;${wkt}`));
    expect(await writtenAs(await hexOf(wkt))).toBe(expected);
    expect(await writtenAs(await hexOf(`SRID=3857;${wkt}`))).toBe(await ewkt(`SRID=3857;${wkt}`));
    const { rows } = await pg.query<{ ndr: Uint8Array; xdr: Uint8Array }>(
      "SELECT ST_AsBinary($1::geometry, 'NDR') AS ndr, ST_AsEWKB($1::geometry, 'XDR') AS xdr",
      [wkt],
    );
    expect(await writtenAs(rows[0]!.ndr)).toBe(expected);
    expect(await writtenAs(Buffer.from(rows[0]!.xdr))).toBe(expected);
  });

  test("encodes GeoJSON", async () => {
    const json = JSON.stringify(Geometry.parse(wkt).toGeoJSON()); // ST_AsGeoJSON refuses collections in collections
    const dimensions = "CASE WHEN ST_Zmflag(g) < 2 THEN ST_Force2D(g) ELSE ST_Force3DZ(g) END";
    const { rows: read } = await pg.query<{ ewkt: string }>(
      `SELECT ST_AsEWKT(ST_SetSRID(${dimensions}, 4326)) AS ewkt FROM (SELECT $1::geometry AS g) AS s`,
      [wkt],
    );
    expect(await writtenAs(json)).toBe(read[0]!.ewkt);
    expect(await writtenAs({ type: "Feature", properties: {}, geometry: JSON.parse(json) })).toBe(
      read[0]!.ewkt,
    );
  });
});

test("treats a wkx geometry without SRID as 4326, without changing it", async () => {
  const geometry = Geometry.parse("LINESTRING Z (0 0 1,1 1 2)");
  expect(await writtenAs(geometry)).toBe("SRID=4326;LINESTRING(0 0 1,1 1 2)");
  expect(geometry.srid).toBeUndefined();
  expect(await writtenAs({ type: "Feature", geometry: null })).toBeNull();
});

test.each([
  "POINT(1)",
  "POINT(1 2",
  "POINT(1 2) x",
  "POINT(a b)",
  "POINT(1 2 3 4 5)",
  "LINESTRING(0 0,1 1 1)",
  "CIRCULARSTRING(0 0,1 1,2 0)",
  "POLYGON((0 0,1 1,,))",
  "{",
  '{"type":"Polygon","coordinates":[1,2]}',
  '{"type":"FeatureCollection","features":[]}',
  "0101000020E6",
])("rejects %s", async (text) => {
  await expect(writtenAs(text)).rejects.toThrow(
    /^Column "geometry", row 0 \(counted from 0\): .* is not a geometry/,
  );
});

test("a long WKT takes time linear in its length", async () => {
  const points = Array.from({ length: 200_000 }, (_, i) => `${i} ${i % 7}`).join(",");
  expect(await writtenAs(`LINESTRING(${points})`)).toContain("199999 2");
});

test("an error about curves gives advice", async () => {
  const fields = [{ name: "the_geom", pgtype: "geometry" }];
  const bytes = await copyOut(pg, "SELECT 'CIRCULARSTRING(0 0,1 1,2 0)'::geometry AS the_geom");
  const columns = await decodeCopy([bytes], fields);
  await expect(frameFromColumns(columns, { decodeGeom: true })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: Column "the_geom", row 0 (counted from 0): wkx cannot decode the geometry (GeometryType 8 not supported). Convert curves and surfaces with ST_CurveToLine in the query, or read without decodeGeom.]`,
  );
});
