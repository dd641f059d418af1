/** Kinds of files that people have; cases/ holds the files in which each kind was noticed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BookType, utils, write } from "@e965/xlsx";
import { afterEach, describe, expect, test } from "vitest";
import { importer, zipOf } from "../../support/imports";
import { serverForTests } from "../../support/server";
import { shapefile } from "../../support/shapefile";

const server = serverForTests();
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
        /but x is from 430,000 to 560,000 and y is from 180,000 to 560,000: British National Grid \(EPSG:27700\).*\? Pass/,
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

describe("two folders of a zip", () => {
  test("each shapefile has its own parts", async () => {
    const answer = await file("years.zip", await fixture("years.zip"));
    expect(answer).toMatchObject({ table_name: "tracts", tables_created_count: 2 });
    expect(await rowsOf("tracts", "y")).toEqual([{ y: 2010 }, { y: 2010 }]);
    expect(await rowsOf("tracts_1", "y")).toEqual([{ y: 2020 }, { y: 2020 }, { y: 2020 }]);
  });

  const point = shapefile([{ point: [2, 41] }], [{ name: "N", type: "N", width: 4 }], [["1"]]);
  const WGS84 =
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]';

  test("a part that is missing is not taken from the other shapefile", async () => {
    const zip = await zipOf({
      "a/x.shp": point.shp,
      "a/x.dbf": point.dbf,
      "a/x.prj": WGS84,
      "b/X.SHP": point.shp,
    });
    const { tables } = await file("parts.zip", zip);
    expect(tables).toMatchObject([
      { wanted: "x", crs: { srid: 4326, is_assumed: false } },
      { wanted: "x", crs: { srid: 4326, is_assumed: true } },
    ]);
    expect(Object.keys(await columns((tables as { name: string }[])[1]!.name))).toEqual([]);
  });

  test("the parts of one shapefile may be in several folders", async () => {
    const zip = await zipOf({
      "shp/spread.shp": point.shp,
      "dbf/spread.dbf": point.dbf,
      "spread.prj": WGS84,
    });
    expect((await file("spread.zip", zip)).table_name).toBe("spread");
    expect(await rowsOf("spread", "n")).toEqual([{ n: 1 }]);
  });

  test("two CSV files of one name", async () => {
    await file("same.zip", await zipOf({ "a/same.csv": "n\n1\n", "b/same.csv": "n\n2\n" }));
    expect([await rowsOf("same", "n"), await rowsOf("same_1", "n")]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
  });
});

describe("times in workbooks", () => {
  test("hours.xlsx", async () => {
    const table = await imported("hours.xlsx", await fixture("hours.xlsx"));
    expect(await columns(table)).toEqual({ opens: "text", lasts: "text" });
    expect(await rowsOf(table, "opens, lasts")).toEqual([{ opens: "21:51:00", lasts: "30:15:00" }]);
  });

  const NUMBERS: readonly (readonly [name: string, value: number, format: string])[] = [
    ["time", 0.5, "h:mm AM/PM"],
    ["seconds", 0.75, 'hh"h "mm:ss'],
    ["midnight", 0, "[$-F400]h:mm:ss"],
    ["minutes", 0.0625, "[mm]:ss"],
    ["negative", -0.25, "[h]:mm"],
    ["over", 1.25, "h:mm"],
    ["day", 42798, "yyyy-mm-dd"],
    ["spanish", 42798, "[$-C0A]d mmm yyyy;@"],
    ["moment", 42798.5, "m/d/yy h:mm"],
    ["hidden", 42798.5, "h:mm"],
    ["first", 1, "d.m.yyyy"],
    ["leap", 60, "d.m.yyyy"],
    ["before", -5, "d.m.yyyy"],
    ["after", 3e6, "d.m.yyyy"],
    ["number", 42798.5, "0.00"],
  ];
  const values = {
    time: "12:00:00",
    seconds: "18:00:00",
    midnight: "00:00:00",
    minutes: "01:30:00",
    negative: "-06:00:00",
    over: "30:00:00",
    day: "2017-03-04",
    spanish: "2017-03-04",
    moment: "2017-03-04 12:00:00",
    hidden: "2017-03-04 12:00:00",
    first: "1900-01-01",
    leap: "60",
    before: "-5",
    after: "3000000",
    number: "42798.5",
  };
  const sheet = utils.aoa_to_sheet([NUMBERS.map(([name]) => name)]);
  NUMBERS.forEach(([, v, z], c) => {
    sheet[utils.encode_cell({ r: 1, c })] = { t: "n", v, z };
  });
  sheet["!ref"] = utils.encode_range({ s: { r: 0, c: 0 }, e: { r: 1, c: NUMBERS.length - 1 } });
  const bookOf = (date1904: boolean) => ({
    SheetNames: ["S"],
    Sheets: { S: sheet },
    Workbook: { WBProps: { date1904 } },
  });
  const asText = async (table: string) => {
    const types = await columns(table);
    const [row] = await rowsOf(
      table,
      Object.entries(types)
        .map(([name, type]) =>
          String(type).startsWith("timestamp")
            ? `to_char("${name}" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS "${name}"`
            : `"${name}"::text`,
        )
        .join(),
    );
    return row;
  };

  test.each<BookType>(["xlsx", "biff8"])("formats of %s", async (bookType) => {
    const bytes = write(bookOf(false), { type: "buffer", bookType }) as Buffer;
    expect(await asText(await imported(bookType === "xlsx" ? "times.xlsx" : "times.xls", bytes))).toEqual(
      values,
    );
  });

  test("text in cells with a format of dates", async () => {
    const cell = (v: string | number) => ({ t: typeof v === "string" ? "s" : "n", v, z: "d.m.yyyy" });
    const words = { "!ref": "A1:A3", A1: cell("since"), A2: cell(42798), A3: cell("unknown") };
    const book = { SheetNames: ["S"], Sheets: { S: words } };
    const table = await imported("words.xlsx", write(book, { type: "buffer", bookType: "xlsx" }) as Buffer);
    expect(await rowsOf(table, "since")).toEqual([{ since: "2017-03-04" }, { since: "unknown" }]);
  });

  test("a calendar from 1904", async () => {
    const bytes = write(bookOf(true), { type: "buffer", bookType: "xlsx" }) as Buffer;
    expect(await asText(await imported("mac.xlsx", bytes))).toMatchObject({
      time: "12:00:00",
      day: "2021-03-05",
    });
  });
});

describe("CSV of spreadsheets", () => {
  test.each<[string, string]>([
    ["sep=;", "sep=;\r\na;b\r\n1,5;x,y\r\n"],
    ["sep=; with a byte order mark", "\ufeffsep=;\na;b\n1,5;x,y\n"],
    ["sep=; in quotes", '"sep=;"\na;b\n1,5;x,y\n'],
    ["sep=| against appearances", "SEP=|\na|b\n1,5|x,y\n"],
  ])("%s", async (_, content) => {
    const table = await imported("sep.csv", content);
    expect(await columns(table)).toEqual({ a: "double precision", b: "text" });
    expect(await rowsOf(table, "a, b")).toEqual([{ a: 1.5, b: "x,y" }]);
  });

  test("decimal commas, and where they are not", async () => {
    const content =
      "price;big;mixed;version;whole\n1,50;1.234.567,5;1,5;1,2,3;1\n-2;0,5;1.5;2;20\n;12,25;;;\n";
    const table = await imported("comma.csv", content);
    expect(await columns(table)).toEqual({
      price: "double precision",
      big: "double precision",
      mixed: "text",
      version: "text",
      whole: "integer",
    });
    expect(await rowsOf(table, "price, big")).toEqual([
      { price: 1.5, big: 1234567.5 },
      { price: -2, big: 0.5 },
      { price: null, big: 12.25 },
    ]);
    expect(await columns(await imported("quoted.csv", 'a,b\n"1,5",2\n'))).toEqual({
      a: "text",
      b: "integer",
    });
  });

  test("degrees, minutes and seconds", async () => {
    const rows: [string, string, string | null][] = [
      [`40°26'46"N`, `3°42'13"W`, "POINT(-3.70361 40.44611)"],
      ["40° 26,775' N", "003° 42,2' W", "POINT(-3.70333 40.44625)"],
      ["S 33 51 35.9", "E 151 12 40", "POINT(151.21111 -33.85997)"],
      ["-33:51:35", "151:12:40", "POINT(151.21111 -33.85972)"],
      ["40º26′46″", "−3º42′13″", "POINT(-3.70361 40.44611)"],
      ["40.5° N", "3.5° E", "POINT(3.5 40.5)"],
      ["40,5", "3,5", "POINT(3.5 40.5)"],
      [`40°61'00"N`, `3°42'13"W`, null],
      [`91°00'00"N`, `3°42'13"W`, null],
      [`40°26'46"E`, `3°42'13"N`, null],
      ["12 Main Street", "5", null],
    ];
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const content = `latitude,longitude\n${rows.map(([lat, lng]) => `${cell(lat)},${cell(lng)}`).join("\n")}\n`;
    expect(await geometries(await imported("dms.csv", content))).toEqual(rows.map(([, , point]) => point));
  });
});
