import { afterEach, describe, expect, test } from "vitest";
import { importer } from "../../support/imports";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const imports = importer(server);
const { file, columns, workDirs } = imports;

afterEach(async () => {
  expect(await imports.leftovers()).toEqual([]);
  expect(await workDirs()).toEqual([]);
});

const rowsOf = async (table: string, list = "*") =>
  (await server.sql(`SELECT ${list} FROM "${table}" ORDER BY cartodb_id`)).rows;
const failure = async (name: string, content: string | Uint8Array, parameters?: Record<string, string>) => {
  const { state, success, error_code, get_error_text, table_name } = await file(name, content, parameters);
  expect({ state, success, table_name }).toEqual({ state: "failure", success: false, table_name: null });
  return [error_code, get_error_text!.what_about];
};

test("a file becomes a table with CARTO's columns, key, indexes and triggers", async () => {
  const answer = await file("trees.csv", "name,height,latitude,longitude\nOlmo,12.5,41.4,2.1\nHaya,,,\n");
  expect(answer).toMatchObject({
    data_type: "file",
    table_name: "trees",
    state: "complete",
    success: true,
    error_code: null,
    get_error_text: null,
    tables_created_count: 1,
    type_guessing: true,
    quoted_fields_guessing: true,
    content_guessing: false,
    create_visualization: false,
    display_name: "trees.csv",
    warnings: null,
    original_url: "",
    any_table_raster: false,
    table_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(
    await rowsOf(
      "trees",
      "cartodb_id, name, height, latitude, ST_AsText(the_geom) AS geom, the_geom_webmercator IS NOT NULL AS merc",
    ),
  ).toEqual([
    { cartodb_id: 1, name: "Olmo", height: 12.5, latitude: 41.4, geom: "POINT(2.1 41.4)", merc: true },
    { cartodb_id: 2, name: "Haya", height: null, latitude: null, geom: null, merc: false },
  ]);
  const indexes = await server.sql("SELECT indexname FROM pg_indexes WHERE tablename = 'trees' ORDER BY 1");
  expect(indexes.rows.map(({ indexname }) => indexname)).toEqual([
    "trees_pkey",
    "trees_the_geom_idx",
    "trees_the_geom_webmercator_idx",
  ]);
  await server.sql("INSERT INTO trees (name, the_geom) VALUES ('Pino', CDB_LatLng(40, -3))");
  expect(await rowsOf("trees", "cartodb_id, the_geom_webmercator IS NOT NULL AS merc")).toContainEqual({
    cartodb_id: 3,
    merc: true,
  });
});

describe("types", () => {
  const guessed = async (...values: string[]) => {
    const { table_name } = await file("guess.csv", `v,w\n${values.map((v) => `"${v}",x`).join("\n")}\n`);
    const [type] = Object.values(await columns(table_name!));
    const rows = await rowsOf(table_name!, "v::text");
    await server.sql(`DROP TABLE ${table_name}`);
    return [type, ...rows.map(({ v }) => v)];
  };

  test.each<[string, string[], unknown[]]>([
    ["integers", ["1", "-2147483648", ""], ["integer", "1", "-2147483648", null]],
    ["large integers", ["1", "9007199254740993"], ["bigint", "1", "9007199254740993"]],
    ["larger than int8", ["1", "9223372036854775808"], ["text", "1", "9223372036854775808"]],
    ["large integers and fractions", ["0.5", "9007199254740993"], ["numeric", "0.5", "9007199254740993"]],
    ["reals", ["1", "-.5", "2.50", "1e3", "NaN"], ["double precision", "1", "-0.5", "2.5", "1000", "NaN"]],
    ["leading zeros are a code", ["00501", "10001"], ["text", "00501", "10001"]],
    ["a plus is a telephone number", ["+34600", "1"], ["text", "+34600", "1"]],
    ["booleans", ["true", "FALSE", ""], ["boolean", "true", "false", null]],
    ["words that may mean something", ["yes", "no"], ["text", "yes", "no"]],
    ["dates", ["2017-03-04", "1999/12/31"], ["date", "2017-03-04", "1999-12-31"]],
    [
      "times",
      ["2017-03-04 10:11", "2017-03-04T10:11:12.5Z", "2017-03-04 10:11:12+02", "2017-03-04"],
      [
        "timestamp with time zone",
        "2017-03-04 10:11:00+00",
        "2017-03-04 10:11:12.5+00",
        "2017-03-04 08:11:12+00",
        "2017-03-04 00:00:00+00",
      ],
    ],
    ["a day that does not exist", ["2017-02-30", "2017-01-01"], ["text", "2017-02-30", "2017-01-01"]],
    ["nothing", ["", ""], ["text", "", ""]],
    ["numbers and one word", ["1", "2", "none"], ["text", "1", "2", "none"]],
    ["blanks around", [" 1 ", "2"], ["integer", "1", "2"]],
    ["NaN alone", ["NaN"], ["text", "NaN"]],
    ["special characters", ["a\tb", "c\\N", "d\ne", 'f""g'], ["text", "a\tb", "c\\N", "d\ne", 'f"g']],
  ])("%s", async (_, values, expected) => {
    expect(await guessed(...values)).toEqual(expected);
  });

  test("a late value of another type makes the column text without changing values", async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `${i}`);
    const { table_name } = await file("late.csv", `n,m\n${[...lines, "05"].map((v) => `${v},1`).join("\n")}`);
    expect(await columns(table_name!)).toEqual({ n: "text", m: "integer" });
    expect(await rowsOf(table_name!, "n")).toHaveLength(5001);
  });

  test("quoted_fields_guessing=false keeps quoted values as text", async () => {
    const { table_name } = await file("quoted.csv", 'a,b\n"1",2\n"3",4\n', {
      quoted_fields_guessing: "false",
    });
    expect(await columns(table_name!)).toEqual({ a: "text", b: "integer" });
  });

  test("type_guessing=false makes only text, no points from lat and lng, but geometry by name", async () => {
    const plain = await file("plain.csv", "a,lat,lng\n1,41,2\n,,\n", { type_guessing: "false" });
    expect(plain.type_guessing).toBe(false);
    expect(await columns("plain")).toEqual({ a: "text", lat: "text", lng: "text" });
    expect(await rowsOf("plain", "a, the_geom")).toEqual([
      { a: "1", the_geom: null },
      { a: "", the_geom: null },
    ]);
    await file("byname.csv", "a,the_geom\n1,POINT(2 41)\n", { type_guessing: "false" });
    expect(await rowsOf("byname", "a, ST_AsText(the_geom) AS g")).toEqual([{ a: "1", g: "POINT(2 41)" }]);
  });

  test("only the value false turns guessing off", async () => {
    expect(await file("on.csv", "a\n1\n", { type_guessing: "0" })).toMatchObject({ type_guessing: true });
  });
});

describe("names", () => {
  test("of columns", async () => {
    const headers = ["Field: 2", "2 Items", "201moore", "201moore", "SELECT", "à", "", "cartodb_id "];
    const { table_name } = await file("Names (1).csv", `${headers.join(",")}\n1,2,3,4,5,6,7,8\n`);
    expect(table_name).toBe("names_1_");
    expect(Object.keys(await columns("names_1_"))).toEqual([
      "field_2",
      "_2_items",
      "_201moore",
      "_201moore_1",
      "_select",
      "a",
      "field_7",
    ]);
    expect(await rowsOf("names_1_", "cartodb_id")).toEqual([{ cartodb_id: 8 }]);
  });

  test.each([
    ["13102016manolo.csv", "table_13102016manolo"],
    ["table.csv", "table_t"],
    ["a.b.csv", "a_b"],
    [`${"x".repeat(80)}.csv`, "x".repeat(63)],
    ["Été.csv", "table_t_"],
  ])("of the table: %s", async (name, expected) => {
    expect((await file(name, "a\n1\n")).table_name).toBe(expected);
  });

  test("numbers a name that any object has", async () => {
    await server.sql("CREATE VIEW seen AS SELECT 1 AS a");
    const names = [];
    for (let i = 0; i < 3; i++) names.push((await file("seen.csv", "a\n1\n")).table_name);
    expect(names).toEqual(["seen_1", "seen_2", "seen_3"]);
    expect((await file(`${"x".repeat(70)}.csv`, "a\n1\n")).table_name).toBe(`${"x".repeat(60)}_1`);
    expect((await file("geometry.csv", "a\n1\n")).table_name).toBe("geometry_t");
  });
});

describe("separators, encodings, line ends", () => {
  const LETTERS = "ciudad;población\nCádiz;Ñandú\nMálaga;Ü\n";
  test.each<[string, string | Uint8Array]>([
    ["comma", "a,b\n1,x y\n2,z\n"],
    ["semicolon", "a;b\n1;x y\n2;z\n"],
    ["tab", "a\tb\n1\tx y\n2\tz\n"],
    ["pipe", "a|b\n1|x y\n2|z\n"],
    ["blank", 'a b\n1 "x y"\n2 z\n'],
    ["commas within", 'a;b\n1;"x y"\n2;z\n'],
    ["CRLF", "a,b\r\n1,x y\r\n2,z\r\n"],
    ["CR", "a,b\r1,x y\r2,z\r"],
    ["no line break at the end", "a,b\n1,x y\n2,z"],
    ["byte order mark", "\ufeffa,b\n1,x y\n2,z\n"],
    ["UTF-16 with a mark", Buffer.from("\ufeffa,b\n1,x y\n2,z\n", "utf16le")],
    ["UTF-16 without one", Buffer.from("a,b\n1,x y\n2,z\n", "utf16le")],
    ["blank lines", "\na,b\n\n1,x y\n\n2,z\n\n"],
    ["surplus separators", "a,b\n1,x y,,\n2,z,\n"],
  ])("%s", async (_, content) => {
    const { table_name } = await file("separated.csv", content);
    expect(await rowsOf(table_name!, "a, b")).toEqual([
      { a: 1, b: "x y" },
      { a: 2, b: "z" },
    ]);
  });

  test.each<[string, Uint8Array]>([
    ["UTF-8", Buffer.from(LETTERS)],
    ["Latin 1", Buffer.from(LETTERS, "latin1")],
  ])("letters in %s", async (_, content) => {
    const { table_name } = await file("letters.csv", content);
    expect(await rowsOf(table_name!, "ciudad, poblacion")).toEqual([
      { ciudad: "Cádiz", poblacion: "Ñandú" },
      { ciudad: "Málaga", poblacion: "Ü" },
    ]);
  });

  test("Latin 1 detected late, and a character split between two chunks", async () => {
    const filler = `a,b\n${"1,plain\n".repeat(60_000)}`;
    const late = await file(
      "late_latin.csv",
      Buffer.concat([Buffer.from(filler), Buffer.from("2,señor\n", "latin1")]),
    );
    expect(await server.sql(`SELECT b FROM ${late.table_name} WHERE a = 2`)).toMatchObject({
      rows: [{ b: "señor" }],
    });
    const wide = await file("wide.csv", `a\n${"x".repeat(65_533)}ñ\n`);
    expect((await server.sql(`SELECT right(a, 1) AS a FROM ${wide.table_name}`)).rows).toEqual([{ a: "ñ" }]);
  });

  test("short rows get NULL; a header alone gives an empty table", async () => {
    await file("ragged.csv", "a,b,c\n1\n2,3\n");
    expect(await rowsOf("ragged", "a, b, c")).toEqual([
      { a: 1, b: null, c: null },
      { a: 2, b: 3, c: null },
    ]);
    await file("header.csv", "a,b\n");
    expect([await columns("header"), await rowsOf("header")]).toEqual([{ a: "text", b: "text" }, []]);
  });

  test("one column, and quotation marks inside a value", async () => {
    await file("one.csv", 'word\nbig tree\n5" pipe\n"a,""b"""\n');
    expect(await rowsOf("one", "word")).toEqual([
      { word: "big tree" },
      { word: '5" pipe' },
      { word: 'a,"b"' },
    ]);
  });

  test("a value of 20 MB", async () => {
    const { table_name } = await file("huge.csv", `a,b\n1,${"x".repeat(20 * 1024 ** 2)}\n`);
    expect(await rowsOf(table_name!, "a, length(b) AS n")).toEqual([{ a: 1, n: 20 * 1024 ** 2 }]);
  });
});

describe("geometry", () => {
  const geometryOf = async (table: string) =>
    (await rowsOf(table, "ST_AsEWKT(the_geom) AS g")).map(({ g }) => g);

  test.each([
    ["lat, lng", "lat,lng\n41.4,2.1\n", ["SRID=4326;POINT(2.1 41.4)"]],
    ["capitals", "LATITUDE,LONGITUDE\n41.4,2.1\n", ["SRID=4326;POINT(2.1 41.4)"]],
    ["decimal commas", "latitud;longitud\n41,4;2,1\n", ["SRID=4326;POINT(2.1 41.4)"]],
    ["out of the world", "lat,lon\n91,2\n41,2\n", [null, "SRID=4326;POINT(2 41)"]],
    ["WKT", 'wkt,a\n"LINESTRING(0 0,1 1)",1\n,2\n', ["SRID=4326;LINESTRING(0 0,1 1)", null]],
    ["heights are left out", "wkt\nPOINT Z (1 2 3)\n", ["SRID=4326;POINT(1 2)"]],
    [
      "another SRID",
      'the_geom\n"SRID=3857;POINT(0 0)"\nPOINT(1 2)\n',
      ["SRID=4326;POINT(0 0)", "SRID=4326;POINT(1 2)"],
    ],
    ["GeoJSON", 'geojson\n"{""type"":""Point"",""coordinates"":[1,2]}"\n', ["SRID=4326;POINT(1 2)"]],
    ["KML", 'geom,a\n"<Point><coordinates>1,2,0</coordinates></Point>",x\n', ["SRID=4326;POINT(1 2)"]],
    ["WKB", "wkb_geometry\n0101000000000000000000F03F0000000000000040\n", ["SRID=4326;POINT(1 2)"]],
    [
      "EWKB with height",
      "geom\n01010000A0E6100000000000000000F03F00000000000000400000000000000840\n",
      ["SRID=4326;POINT(1 2)"],
    ],
    ["MULTIPOINT", 'geom,a\n"MULTIPOINT(1 2,3 4)",x\n', ["SRID=4326;POINT(1 2)"]],
    ["a geometry before points", "lat,lng,geom\n1,2,POINT(3 4)\n", ["SRID=4326;POINT(3 4)"]],
    ["the first that holds some", "geometry,geom\n,POINT(3 4)\n", ["SRID=4326;POINT(3 4)"]],
  ])("%s", async (_, content, expected) => {
    const { table_name, get_error_text } = await file("geometries.csv", content);
    expect(get_error_text).toBeNull();
    expect(await geometryOf(table_name!)).toEqual(expected);
  });

  test("keeps values that cannot be parsed as invalid_the_geom", async () => {
    await file("broken.csv", "the_geom,a\nPOINT(1 2),1\nnothing,2\n");
    expect(await columns("broken")).toEqual({ invalid_the_geom: "text", a: "integer" });
    expect(await geometryOf("broken")).toEqual([null, null]);
    await file("open.csv", 'the_geom\n"POLYGON((0 0,1 0,1 1,0 1))"\n');
    expect(await columns("open")).toEqual({ invalid_the_geom: "text" });
  });

  test("leaves out the_geom_webmercator of the file", async () => {
    await file("own.csv", "the_geom,the_geom_webmercator,a\nPOINT(1 2),nonsense,1\n");
    expect(await columns("own")).toEqual({ a: "integer" });
    expect(await rowsOf("own", "the_geom_webmercator IS NOT NULL AS filled")).toEqual([{ filled: true }]);
  });

  test("collections", async () => {
    const [code] = await failure("collection.csv", 'wkt\n"GEOMETRYCOLLECTION(POINT(1 2))"\n');
    expect(code).toBe(3201);
  });
});

describe("cartodb_id", () => {
  test("is kept if it is a key, also if written as text", async () => {
    await file("ids.csv", "cartodb_id,a\n30,x\n10,y\n", { type_guessing: "false" });
    expect(await rowsOf("ids", "cartodb_id, a")).toEqual([
      { cartodb_id: 10, a: "y" },
      { cartodb_id: 30, a: "x" },
    ]);
    await server.sql("INSERT INTO ids (a) VALUES ('z')");
    expect(await rowsOf("ids", "cartodb_id")).toContainEqual({ cartodb_id: 31 });
  });

  test.each([
    ["twice", "cartodb_id,a\n1,x\n1,y\n"],
    ["missing", "cartodb_id,a\n1,x\n,y\n"],
    ["a word", "cartodb_id,a\n1,x\none,y\n"],
    ["a fraction", "cartodb_id,a\n1.5,x\n"],
  ])("%s is 2011", async (_, content) => {
    expect((await failure("ids_bad.csv", content))[0]).toBe(2011);
  });

  test("is replaced by ogc_fid and gid if they are keys", async () => {
    await file("gid.csv", "gid,a\n5,x\n7,y\n");
    expect(await rowsOf("gid")).toMatchObject([
      { cartodb_id: 5, a: "x" },
      { cartodb_id: 7, a: "y" },
    ]);
    await file("gid_bad.csv", "ogc_fid,a\n7,x\n7,y\n");
    expect(await columns("gid_bad")).toEqual({ _ogc_fid: "integer", a: "text" });
  });
});

describe("files that are not tables", () => {
  const wide = Array.from({ length: 2000 }, (_, i) => `c${i}`).join(",");
  test.each<[string, string, string | Uint8Array, number, RegExp]>([
    ["empty", "empty.csv", "", 1005, /empty/],
    ["blank lines", "blank.csv", "\n\n  \n", 1005, /no content/],
    [
      "binary",
      "garbage.csv",
      Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256),
      1002,
      /not text/,
    ],
    ["unknown extension", "photo.png", "\x89PNG", 1002, /photo\.png/],
    ["no extension", "data", "a,b\n1,2\n", 1002, /data/],
    ["HTML", "page.csv", "<!DOCTYPE html><html></html>", 1002, /HTML/],
    ["U+0000", "zero.csv", "a,b\n1,x\0y\n", 2007, /U\+0000/],
    ["2,000 columns", "wide.csv", `${wide}\n`, 2004, /2000 columns/],
    ["surplus values", "surplus.csv", "a,b\n1,2\n1,2,3\n", 2003, /Row 2 .* 3 values, but the header has 2/],
    ["a quote left open", "quote.csv", 'a,b\n1,"x\n2,y\n', 2003, /Quote Not Closed/],
    ["no archive", "broken.zip", "PK no", 1003, /not an archive/],
  ])("%s", async (_, name, content, code, message) => {
    const [actual, text] = await failure(name, content);
    expect([actual, text]).toEqual([code, expect.stringMatching(message)]);
  });

  test("the response does not contain HTML from the file", async () => {
    const [, text] = await failure("<b>.png", "x");
    expect(text).toContain("&lt;b&gt;");
  });
});

test("coordinates count if the_geom is empty", async () => {
  const { table_name } = await file("empty_geom.csv", "the_geom,lat,lng,n\n,46.95,7.45,1\n,41.9,12.5,2\n");
  expect(await columns(table_name!)).toEqual({
    lat: "double precision",
    lng: "double precision",
    n: "integer",
  });
  const { rows } = await server.sql(`SELECT ST_AsText(the_geom) AS g FROM ${table_name} ORDER BY n`);
  expect(rows).toEqual([{ g: "POINT(7.45 46.95)" }, { g: "POINT(12.5 41.9)" }]);
});

test("an encoding that does not fit is an error", async () => {
  const latin1 = Buffer.from("name\nZürich\n", "latin1");
  const { error_code, get_error_text } = await file("latin1.csv", latin1, { encoding: "utf8" });
  expect([error_code, get_error_text?.what_about]).toEqual([
    2007,
    expect.stringContaining("not valid in the encoding utf-8"),
  ]);
  expect((await file("latin1.csv", latin1, { encoding: "latin1" })).error_code).toBeNull();
});
