/** Kinds of files that people have; cases/ holds the files in which each kind was noticed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { importer } from "../../support/imports";
import { serverForTests } from "../../support/server";

const server = serverForTests({ shared: true });
const { file, columns, leftovers, workDirs } = importer(server);

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

const fixture = (name: string) => readFile(join(__dirname, "cases", name));
const rowsOf = async (table: string, list: string) =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const geometries = async (table: string, digits = 5) =>
  (await rowsOf(table, `ST_AsText(the_geom, ${digits}) AS g`)).map(({ g }) => g);
/** Imports a file and returns the name of its table. */
const imported = async (name: string, content: string | Uint8Array, options?: Record<string, string>) => {
  const { table_name, get_error_text } = await file(name, content, options);
  if (table_name === null) throw new Error(get_error_text?.what_about);
  return table_name;
};
const failureOf = async (name: string, content: string | Uint8Array) => {
  const { error_code, get_error_text } = await file(name, content);
  return [error_code, get_error_text?.what_about];
};

const collection = (features: readonly object[], more: object = {}) =>
  JSON.stringify({ type: "FeatureCollection", ...more, features });
const feature = (coordinates: unknown, properties: object = {}, type = "Point") => ({
  type: "Feature",
  properties,
  geometry: coordinates && { type, coordinates },
});

describe("coordinate systems of GeoJSON", () => {
  test.each([
    ["bng.geojson", "POINT(-0.12835 51.50399)"],
    ["web.geojson", "POINT(-74.0064 40.7142)"],
    ["lnglat.geojson", "POINT(2.35 48.85)"],
    ["urn.geojson", "POINT(2.35 48.85)"],
  ])("%s", async (name, point) => {
    expect(await geometries(await imported(name, await fixture(name)))).toEqual([point]);
  });

  test.each<[string, object]>([
    ["lower case", { type: "name", properties: { name: "epsg:3857" } }],
    ["a URL", { type: "name", properties: { name: "http://www.opengis.net/def/crs/EPSG/0/3857" } }],
    ["GML's URL", { type: "name", properties: { name: "http://www.opengis.net/gml/srs/epsg.xml#3857" } }],
    ["a code", { type: "EPSG", properties: { code: 3857 } }],
    ["Esri's code", { type: "name", properties: { name: "urn:ogc:def:crs:ESRI::102100" } }],
  ])("%s", async (_, crs) => {
    const content = collection([feature([-8238354.76344332, 4970277.18766739])], { crs });
    expect(await geometries(await imported("other.geojson", content))).toEqual(["POINT(-74.0064 40.7142)"]);
  });

  test("metres without a crs are refused, with a likely system", async () => {
    const content = collection([feature([430_000, 560_000]), feature([560_000, 180_000]), feature(null)]);
    expect(await failureOf("metres.geojson", content)).toEqual([
      3008,
      expect.stringMatching(
        /but x is from 430,000 to 560,000 and y is from 180,000 to 560,000: British National Grid \(EPSG:27700\).*\? Set/,
      ),
    ]);
    const wkt = 'wkt,a\n"POINT(430000 560000)",1\n"LINESTRING(530000 180000,530001 180000)",2\n';
    expect((await failureOf("metres.csv", wkt))[0]).toBe(3008);
    const hex = "0101000000000000003044C04100000000006DE240"; // POINT(430…, 37736)
    const empty = "0101000000000000000000f87f000000000000f87f";
    expect(await geometries(await imported("empty.csv", `the_geom\n${empty}\n`))).toEqual(["POINT EMPTY"]);
    expect((await failureOf("metres_hex.csv", `the_geom\n${hex}\n`))[0]).toBe(3008);
  });

  test("coordinates out of range cost the geometry of their row only", async () => {
    const content = collection([feature([2, 41]), feature([3, 42]), feature([430_000, 560_000])]);
    expect(await geometries(await imported("one_wrong.geojson", content))).toEqual([
      "POINT(2 41)",
      "POINT(3 42)",
      null,
    ]);
  });
});

describe("integers beyond 2^53", () => {
  const ids = [{ id: "1610521604143693812" }, { id: "1610521604143693813" }];

  test.each(["ids.geojson", "ids.json"])("%s", async (name) => {
    const table = await imported(name, await fixture(name));
    expect(await columns(table)).toEqual({ id: "bigint" });
    expect(await rowsOf(table, "id::text")).toEqual(ids);
  });

  test("the ends of int8, integers beyond it, mixed with others, inside objects", async () => {
    const row = (id: string, huge: string, mixed: string, real: string) =>
      `{"id":${id},"huge":${huge},"mixed":${mixed},"real":${real},"list":[${id},{"a":${id}}]}`;
    const content = `[${[
      row("-9223372036854775807", "9223372036854775808", "1", "9007199254740993"),
      row("9223372036854775807", "123456789012345678901234567890", "9007199254740993", "0.5"),
    ].join()}]`;
    const table = await imported("exact.json", content);
    expect(await columns(table)).toEqual({
      id: "bigint",
      huge: "numeric",
      mixed: "bigint",
      real: "numeric",
      list: "text",
    });
    expect(await rowsOf(table, "id::text, huge::text, mixed::text, real::text, list")).toEqual([
      {
        id: "-9223372036854775807",
        huge: "9223372036854775808",
        mixed: "1",
        real: "9007199254740993",
        list: '[-9223372036854775807,{"a":-9223372036854775807}]',
      },
      {
        id: "9223372036854775807",
        huge: "123456789012345678901234567890",
        mixed: "9007199254740993",
        real: "0.5",
        list: '[9223372036854775807,{"a":9223372036854775807}]',
      },
    ]);
  });
});

describe("the whole file counts", () => {
  test("coordinates begin after 400 rows", async () => {
    const found = (await geometries(await imported("late.csv", await fixture("late.csv")))).filter(Boolean);
    expect(found).toEqual(["POINT(-3.7 40.4)"]);
  });

  test("coordinates, columns and a type in the last of 3,000 objects", async () => {
    const rows: object[] = Array.from({ length: 3000 }, (_, n) => ({ n }));
    rows.push({ n: "x", lat: 40.4, lng: -3.7 });
    const table = await imported("late.json", JSON.stringify(rows));
    expect(await columns(table)).toEqual({ n: "text", lat: "double precision", lng: "double precision" });
    expect((await geometries(table)).filter(Boolean)).toEqual(["POINT(-3.7 40.4)"]);
  });

  test("a geometry column begins after 1,000 rows", async () => {
    const content = `n,wkt\n${"1,\n".repeat(1000)}2,POINT(1 2)\n`;
    expect((await geometries(await imported("late_wkt.csv", content))).filter(Boolean)).toEqual([
      "POINT(1 2)",
    ]);
  });

  test("place names begin after 1,000 rows", async () => {
    const content = `n,city\n${"1,\n".repeat(1000)}${"2,Paris\n3,Berlin\n".repeat(5)}`;
    const table = await imported("late_city.csv", content, { content_guessing: "true" });
    expect((await geometries(table, 0)).filter(Boolean)).toHaveLength(10);
  });
});

describe("times in GeoJSON", () => {
  const typesOf = async (name: string, values: readonly unknown[], options?: Record<string, string>) =>
    columns(
      await imported(`${name}.geojson`, collection(values.map((at) => feature([1, 2], { at }))), options),
    );

  test("at.geojson", async () => {
    const table = await imported("at.geojson", await fixture("at.geojson"));
    expect(await columns(table)).toEqual({ at: "timestamp with time zone" });
    expect(await rowsOf(table, "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS at")).toEqual([
      { at: "2015-04-21 17:00:00" },
      { at: "2015-04-23 00:00:00" },
    ]);
  });

  test.each<[string, unknown[], string]>([
    ["dates", ["2015-04-22", null, ""], "date"],
    ["mixed", ["2015-04-22", "2015-04-22T10:00:00.123Z"], "timestamp with time zone"],
    ["with_words", ["2015-04-22", "unknown"], "text"],
    ["impossible", ["2015-02-30", "2015-02-28"], "text"],
    ["years", ["2015", "2016"], "text"],
    ["empty", ["", ""], "text"],
    ["numbers", [2015, "2016-01-01"], "text"],
  ])("%s", async (name, values, type) => {
    expect(await typesOf(name, values)).toEqual({ at: type });
  });

  test("stay text without type guessing", async () => {
    expect(await typesOf("unguessed", ["2015-04-22"], { type_guessing: "false" })).toEqual({ at: "text" });
  });
});

describe("geometries that cannot be used", () => {
  const ring = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 0],
  ];

  test("cost the geometry of their row in GeoJSON", async () => {
    const content = collection([
      feature([ring], { n: 1 }, "Polygon"),
      feature([ring.slice(0, 3)], { n: 2 }, "Polygon"),
      feature([null, 1], { n: 3 }),
      feature([null, null], { n: 4 }),
      feature([[1, 1]], { n: 5 }, "LineString"),
      feature([], { n: 6 }),
      { type: "Feature", properties: { n: 7 }, geometry: { type: "Circle" } },
    ]);
    const table = await imported("some.geojson", content);
    expect(await rowsOf(table, "n, ST_AsText(the_geom) AS g")).toEqual([
      { n: 1, g: "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))" },
      ...[2, 3, 4, 5].map((n) => ({ n, g: null })),
      { n: 6, g: "POINT EMPTY" },
      { n: 7, g: null },
    ]);
  });

  test("stay as text in CSV", async () => {
    const content = 'wkt,n\n"POLYGON((0 0,1 0,1 1,0 0))",1\n"POLYGON((0 0,1 0,1 1,0 1))",2\nPOINT(1 2),3\n';
    const table = await imported("some.csv", content);
    expect(await rowsOf(table, "n, invalid_the_geom AS text, ST_AsText(the_geom) AS g")).toEqual([
      { n: 1, text: "POLYGON((0 0,1 0,1 1,0 0))", g: "POLYGON((0 0,1 0,1 1,0 0))" },
      { n: 2, text: "POLYGON((0 0,1 0,1 1,0 1))", g: null },
      { n: 3, text: "POINT(1 2)", g: "POINT(1 2)" },
    ]);
  });
});
