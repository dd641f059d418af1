import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isEmptyGeometry, projectGeometry, withinMercator } from "../../src/map/geometry";
import type { PathGeometry, PointGeometry } from "../../src/render/scene";
import { openPostgis } from "../support/pglite";

let pg: PGlite;
beforeAll(async () => {
  pg = await openPostgis();
});
afterAll(() => pg.close());

const ewkb = (values: readonly (string | Uint8Array | null)[]) =>
  projectGeometry({ kind: "ewkb", column: "the_geom", values });

/** Hexadecimal EWKB of WKT or EWKT, as PostGIS writes it. */
async function hex(...wkts: (string | null)[]): Promise<(string | null)[]> {
  const { rows } = await pg.query<{ hex: string | null }>(
    `SELECT encode(ST_AsEWKB(CASE WHEN wkt LIKE 'SRID%' THEN ST_GeomFromEWKT(wkt) ELSE ST_GeomFromText(wkt, 4326) END), 'hex') AS hex
       FROM unnest($1::text[]) WITH ORDINALITY AS t(wkt, i) ORDER BY i`,
    [wkts],
  );
  return rows.map((row) => row.hex);
}

const project = async (...wkts: (string | null)[]) => ewkb(await hex(...wkts));
const lng = (x: ArrayLike<number>) => Array.from(x, (value) => Math.round((value * 360 - 180) * 1e9) / 1e9);
const lngsOf = ({ xy }: PathGeometry) => lng(xy.filter((_, i) => i % 2 === 0));

test.each([
  "POINT(-3.7 40.4)",
  "POINT Z (12 -55 9)",
  "POINT M (12 55 9)",
  "POINT ZM (-179.9 84 9 8)",
  "SRID=3857;POINT(-411000 4927000)",
  "SRID=0;POINT(10 20)",
])("projects a point like PostGIS: %s", async (wkt) => {
  const { geometry } = await project(wkt);
  const { rows } = await pg.query<{ x: number; y: number }>(
    `SELECT ST_X(m) / (2 * pi() * 6378137) + 0.5 AS x, 0.5 - ST_Y(m) / (2 * pi() * 6378137) AS y
       FROM (SELECT ST_GeomFromEWKT($1) AS g) AS a,
            LATERAL (SELECT CASE WHEN ST_SRID(g) = 3857 THEN g ELSE ST_Transform(ST_SetSRID(g, 4326), 3857) END AS m) AS b`,
    [wkt],
  );
  const { x, y } = geometry as PointGeometry;
  expect(x[0]).toBeCloseTo(rows[0]!.x, 12);
  expect(y[0]).toBeCloseTo(rows[0]!.y, 12);
});

test("upper and lower case, bytes, big endian", async () => {
  const [text] = await hex("POINT(1 2)");
  const { rows } = await pg.query<{ xdr: Uint8Array }>(
    "SELECT ST_AsEWKB('SRID=4326;POINT(1 2)'::geometry, 'XDR') AS xdr",
  );
  const { geometry } = ewkb([text!, text!.toUpperCase(), Buffer.from(text!, "hex"), rows[0]!.xdr]);
  expect(lng((geometry as PointGeometry).x)).toEqual([1, 1, 1, 1]);
});

test("leaves out rows without geometry, and keeps row numbers", async () => {
  const { geometry, rowsOf } = await project(
    null,
    "POINT(1 2)",
    "POINT EMPTY",
    "MULTIPOINT(3 4, 5 6)",
    "GEOMETRYCOLLECTION EMPTY",
  );
  expect(geometry).toMatchObject({ kind: "point", rows: Uint32Array.of(1, 3, 3) });
  expect(rowsOf).toEqual({ point: 2, line: 0, polygon: 0 });
  expect(await project("POINT(1 2)", "POINT(3 4)")).not.toHaveProperty("geometry.rows");
});

test("no rows", async () => {
  expect(isEmptyGeometry((await project(null, "POLYGON EMPTY")).geometry)).toBe(true);
  expect(isEmptyGeometry(ewkb([]).geometry)).toBe(true);
});

test("lines and their parts", async () => {
  const { geometry } = await project(
    "LINESTRING(0 0,1 1,2 0)",
    null,
    "MULTILINESTRING Z ((5 5 1,6 6 1),(7 7 1,8 8 1))",
    "LINESTRING EMPTY",
  );
  expect(geometry).toMatchObject({
    kind: "line",
    paths: Uint32Array.of(0, 3, 5, 7),
    features: Uint32Array.of(0, 1, 3),
    rows: Uint32Array.of(0, 2),
  });
  expect(lngsOf(geometry as PathGeometry)).toEqual([0, 1, 2, 5, 6, 7, 8]);
});

test("polygons, holes, parts; members of a collection are separate features", async () => {
  const { geometry } = await project(
    "POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))",
    "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
    "GEOMETRYCOLLECTION(POLYGON((0 0,4 0,4 4,0 0)),POLYGON((0 0,4 0,4 4,0 0)))",
    "TIN(((0 0 0,1 0 0,0 1 0,0 0 0)))",
  );
  expect(geometry).toMatchObject({
    kind: "polygon",
    features: Uint32Array.of(0, 2, 4, 5, 6, 7),
    rows: Uint32Array.of(0, 1, 2, 2, 3),
  });
});

test("draws the most frequent kind", async () => {
  const { geometry, rowsOf } = await project(
    "LINESTRING(0 0,1 1)",
    "POINT(0 0)",
    "GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))",
    "LINESTRING(0 0,1 1)",
  );
  expect(geometry).toMatchObject({ kind: "line", rows: Uint32Array.of(0, 2, 3) });
  expect(rowsOf).toEqual({ point: 2, line: 3, polygon: 0 });
});

describe("at the edges of the map", () => {
  test("latitudes beyond Web Mercator, the poles, and invalid ones", async () => {
    const { geometry } = projectGeometry({
      kind: "lnglat",
      lng: Float64Array.of(0, 0, 0, 0, Number.NaN, 190, -181),
      lat: Float64Array.of(86, 90, -90, 135, 5, 0, 0),
    });
    const { x, y, rows } = withinMercator(geometry) as PointGeometry;
    expect([...y].slice(0, 4)).toEqual([0, 0, 1, 0]);
    expect([...(geometry as PointGeometry).y].slice(1, 4)).toEqual([-Infinity, Infinity, -Infinity]);
    expect([...rows!]).toEqual([0, 1, 2, 3, 5, 6]);
    expect(lng(x).slice(4)).toEqual([-170, 179]);
  });

  test("a line across the antimeridian continues, in either direction", async () => {
    const { geometry } = await project("LINESTRING(170 0,-170 1,-160 2)", "LINESTRING(-170 0,170 0,-170 0)");
    expect(lngsOf(geometry as PathGeometry)).toEqual([170, 190, 200, -170, -190, -170]);
  });

  test("a ring across the antimeridian continues, with its hole", async () => {
    const { geometry } = await project(
      "POLYGON((175 -5,-170 -5,-170 5,175 5,175 -5),(-176 -1,-174 -1,-174 1,-176 -1))",
    );
    expect(lngsOf(geometry as PathGeometry)).toEqual([-185, -170, -170, -185, -185, -176, -174, -174, -176]);
  });

  test("a ring around a pole and one as wide as the world are unchanged", async () => {
    const antarctica = [-180, -60, 60, 180, 180, -180, -180];
    const { geometry } = await project(
      "POLYGON((-180 -80,-60 -70,60 -70,180 -80,180 -90,-180 -90,-180 -80))",
      "POLYGON((-180 -85,180 -85,180 85,-180 85,-180 -85))",
    );
    expect(lngsOf(geometry as PathGeometry)).toEqual([...antarctica, -180, 180, 180, -180, -180]);
  });

  test("degrees and metres cross the antimeridian in the same way", async () => {
    const line = "LINESTRING(170 0,-170 1)";
    const { rows } = await pg.query<{ wkt: string }>(
      "SELECT ST_AsEWKT(ST_Transform(ST_GeomFromText($1, 4326), 3857)) AS wkt",
      [line],
    );
    const { geometry } = await project(rows[0]!.wkt);
    expect(lngsOf(geometry as PathGeometry)).toEqual([170, 190]);
  });
});

describe("geometry that cannot be drawn", () => {
  test("another SRID", async () => {
    const values = await hex("POINT(1 2)", "SRID=25830;POINT(440000 4470000)");
    expect(() =>
      projectGeometry({ kind: "ewkb", column: 'a "geom"', values }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Column "a "geom"", row 1 (counted from 0) has SRID 25830, expected 4326. Use ST_Transform("a ""geom""", 4326) in the query.]`,
    );
  });
  test("curves", async () => {
    const values = await hex("CIRCULARSTRING(0 0,1 1,2 0)");
    expect(() => ewkb(values)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: Column "the_geom", row 0 (counted from 0) is a curve, which a map cannot draw. Use ST_CurveToLine("the_geom") in the query.]`,
    );
  });
  test("truncated and damaged bytes", async () => {
    const [line] = await hex("LINESTRING(0 0,1 1,2 2)");
    for (const value of [
      "",
      "zz",
      "01",
      line!.slice(0, 40),
      line!.slice(0, -2),
      Buffer.from(line!, "hex").subarray(0, 30),
    ]) {
      expect(() => ewkb([null, line!, value])).toThrow(
        'Column "the_geom", row 2 (counted from 0) is not a geometry: expected EWKB as bytes or hexadecimal text.',
      );
    }
  });
});
