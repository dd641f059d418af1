import { describe, expect, test } from "vitest";
import { literal } from "../../../src/sql";
import { useEngine } from "../../support/engine";

const db = useEngine();

describe("CDB_TransformToWebmercator", () => {
  const BOX = "ST_MakeEnvelope(-180, -89, 180, 89, 4326)";

  test.each([
    ["a point", "SRID=4326;POINT(-3.7 40.4)"],
    ["a corner of the box", "SRID=4326;POINT(180 89)"],
    ["a polygon with a hole", "SRID=4326;POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))"],
    ["one part of a MULTI", "SRID=4326;MULTIPOINT((1 2))"],
    ["UTM metres", "SRID=25830;POINT(500000 4400000)"],
    ["a collection", "SRID=4326;GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))"],
  ])("equals ST_Transform inside the box: %s", async (_name, ewkt) => {
    const [row] = await db.rows(`
      SELECT ST_OrderingEquals(CDB_TransformToWebmercator(g), ST_Transform(ST_Transform(g, 4326), 3857)),
        GeometryType(CDB_TransformToWebmercator(g)) = GeometryType(g)
      FROM (SELECT ${literal(ewkt)}::geometry AS g) t`);
    expect(row).toEqual(["t", "t"]);
  });

  test.each([
    ["a line over the pole", "SRID=4326;LINESTRING(0 80,0 95)"],
    ["a bow tie", "SRID=4326;POLYGON((0 80,10 95,10 80,0 95,0 80))"],
    ["a country beyond the antimeridian", "SRID=4326;MULTIPOLYGON(((170 0,190 0,190 10,170 10,170 0)))"],
    ["points, one outside", "SRID=4326;MULTIPOINT((1 2),(1 91))"],
  ])("cuts at the box: %s", async (_name, ewkt) => {
    const [row] = await db.rows(`
      SELECT ST_Equals(ST_SnapToGrid(ST_Transform(m, 4326), 1e-9), ST_SnapToGrid(ST_Intersection(ST_MakeValid(g), ${BOX}), 1e-9)),
        ST_Dimension(m) = ST_Dimension(g), GeometryType(g) LIKE 'MULTI%' = (GeometryType(m) LIKE 'MULTI%')
      FROM (SELECT ${literal(ewkt)}::geometry AS g) t, CDB_TransformToWebmercator(g) m`);
    expect(row).toEqual(["t", "t", expect.any(String)]);
  });

  test.each([
    ["latitude 91", "SRID=4326;POINT(0 91)"],
    ["the pole", "SRID=4326;POINT(0 90)"],
    ["longitude 400", "SRID=4326;LINESTRING(400 0,410 0)"],
    ["nothing in it", "SRID=4326;MULTIPOLYGON EMPTY"],
  ])("has no result for %s", async (_name, ewkt) => {
    expect(await db.rows(`SELECT CDB_TransformToWebmercator(${literal(ewkt)}::geometry)`)).toEqual([[null]]);
  });

  test("keeps MULTI, and Web Mercator as it is, even outside", async () => {
    expect(
      await db.rows(`
        SELECT GeometryType(CDB_TransformToWebmercator('SRID=4326;MULTIPOINT((1 2),(1 91))')),
          ST_AsEWKT(CDB_TransformToWebmercator('SRID=3857;POINT(1e9 1e9)')),
          CDB_TransformToWebmercator(NULL)`),
    ).toEqual([["MULTIPOINT", "SRID=3857;POINT(1000000000 1000000000)", null]]);
  });
});

test("CDB_LatLng takes latitude first and both number types", async () => {
  expect(
    await db.rows(
      "SELECT ST_AsEWKT(CDB_LatLng(40.4, -3.7)), ST_AsEWKT(CDB_LatLng(40.4::float8, -3.7::float8)), CDB_LatLng(NULL, 1)",
    ),
  ).toEqual([["SRID=4326;POINT(-3.7 40.4)", "SRID=4326;POINT(-3.7 40.4)", null]]);
});

test("CDB_UserTables tells public tables from private ones", async () => {
  await db.rows(`
    CREATE TABLE open_data (a int); CREATE TABLE secret (a int); CREATE VIEW no_table AS SELECT 1;
    GRANT SELECT ON open_data TO publicuser`);
  const names = (perm: string, role?: "public") => db.rows(`SELECT * FROM CDB_UserTables(${perm})`, { role });
  expect(await names("")).toEqual([["open_data"], ["secret"]]);
  expect(await names("'public'")).toEqual([["open_data"]]);
  expect(await names("'private'")).toEqual([["secret"]]);
  expect(await names("'all'", "public")).toEqual([["open_data"]]);
  expect(await names("'private'", "public")).toEqual([]);
});

test("CDB_ColumnNames and CDB_ColumnType describe a table", async () => {
  await db.rows(
    `CREATE TABLE described (b numeric(4,1), gone int, "A" text, g geometry(Point,4326)); ALTER TABLE described DROP gone`,
  );
  expect(
    await db.rows("SELECT n, CDB_ColumnType('described', n) FROM CDB_ColumnNames('described') n"),
  ).toEqual([
    ["b", "numeric"],
    ["A", "text"],
    ["g", "geometry"],
  ]);
});

test("CDB_TableMetadataTouch keeps one row a table, and none of dropped tables", async () => {
  await db.rows(`
    CREATE TABLE touched (a int); SELECT CDB_TableMetadataTouch('touched'), CDB_TableMetadataTouch('touched');
    CREATE TABLE other (a int); SELECT CDB_CartodbfyTable('other')`);
  expect(await db.rows("SELECT count(*) FROM cdb_tablemetadata WHERE tabname = 'touched'::regclass")).toEqual(
    [["1"]],
  );
  await db.rows("DROP TABLE touched; INSERT INTO other (a) VALUES (1)");
  expect(
    await db.rows(
      "SELECT count(*) FROM cdb_tablemetadata m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.tabname)",
    ),
  ).toEqual([["0"]]);
});

test("clients see a stand-alone account without quota", async () => {
  expect(await db.rows("SHOW search_path")).toEqual([["public, cartodb"]]);
  expect(await db.rows("SELECT CDB_Username(), _CDB_UserQuotaInBytes(), CDB_UserDataSize() > 0")).toEqual([
    ["carto", "0", "t"],
  ]);
});
