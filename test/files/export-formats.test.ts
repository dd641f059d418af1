/** Each format that can be written is read again, with the values that it can hold. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { Layer } from "../../src/map";
import { frame, printed, rowsOf, values, withContext } from "../support/context";
import { temporaryDir } from "../support/engine";

let cc: CartoContext;
withContext(async (context) => {
  cc = context.cc;
});
beforeAll(async () => {
  await cc.query(`CREATE TABLE places AS SELECT * FROM (VALUES
    (1, 9007199254740993::bigint, 123456789012345.678901::numeric, 0.1::float8 + 0.2, timestamptz '2020-01-02 03:04:05.123+00',
      date '2020-02-29', time '12:13:14', true, 'ñ"<&>日本', '2020-01-02', ST_GeomFromText('POINT(0.1 45.123456789012)', 4326)),
    (2, -9007199254740993, -0.5, 0, '1969-12-31 23:59:59+00', '1900-03-01', '00:00:00', false, '', '2020/1/2', ST_GeomFromText('POINT(-179.5 -1)', 4326)),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
  ) AS v (cartodb_id, big, num, dbl, moment, day, clock, yes, word, code, the_geom)`);
  await cc.query(`CREATE TABLE squares AS SELECT 1 AS n, ST_MakeEnvelope(0, 0, 1, 1, 4326) AS the_geom
    UNION ALL SELECT 2, ST_Multi(ST_MakeEnvelope(2, 2, 3, 3, 4326))`);
});

const dir = temporaryDir();
const at = (name: string) => join(dir, name);

const ROWS = [
  {
    big: "9007199254740993",
    num: "123456789012345.678901",
    dbl: "0.30000000000000004",
    moment: "2020-01-02 03:04:05.123+00",
    day: "2020-02-29",
    clock: "12:13:14",
    yes: "true",
    word: 'ñ"<&>日本',
    code: "2020-01-02",
    place: "POINT(0.1 45.123456789)",
  },
  {
    big: "-9007199254740993",
    num: "-0.5",
    dbl: "0",
    moment: "1969-12-31 23:59:59+00",
    day: "1900-03-01",
    clock: "00:00:00",
    yes: "false",
    word: "",
    code: "2020/1/2",
    place: "POINT(-179.5 -1)",
  },
] as const;
type Values = Record<keyof (typeof ROWS)[0], string | null>;
const NOTHING = Object.fromEntries(Object.keys(ROWS[0]).map((name) => [name, null])) as Values;

const DOUBLE = "123456789012345.67";
const NO_BOOLEANS = [{ yes: "1" }, { yes: "0" }] as const;
const NO_DATES = [{ day: "2020-02-29 00:00:00+00" }, { day: "1900-03-01 00:00:00+00" }] as const;
/** Formats without types, in which texts that are dates become dates. */
const GUESSED = { code: "2020-01-02" };
const SHAPEFILE = [
  { num: DOUBLE, dbl: "0.3", ...NO_BOOLEANS[0] },
  { ...NO_BOOLEANS[1], word: null },
];
/** What becomes of the values of each row, where they do not stay as they are. */
const CHANGES: Readonly<Record<string, readonly Partial<Values>[]>> = {
  parquet: [],
  arrow: [],
  feather: [],
  gpkg: [{ num: DOUBLE }],
  sqlite: [{ num: DOUBLE }],
  fgb: [{ num: DOUBLE, ...NO_DATES[0] }, NO_DATES[1]],
  shp: SHAPEFILE,
  "shp.zip": SHAPEFILE,
  geojson: [{ num: DOUBLE }, GUESSED],
  xlsx: [{ num: "123456789012345.7", dbl: "0.3", moment: "2020-01-02 03:04:05+00" }, GUESSED],
  // Texts that are empty and NULL cannot be told apart.
  csv: [{ num: DOUBLE }, GUESSED, { word: "", clock: "" }],
};

/** Exports the table, imports the file, and returns the texts of its columns. */
async function back(ending: string, columns: readonly string[]): Promise<Record<string, unknown>[]> {
  await cc.export("places", at(`places.${ending}`), { overwrite: true });
  await cc.import(at(`places.${ending}`), "again", { overwrite: true });
  const texts = columns.map((name) =>
    name === "num" ? "rtrim(num::text, '0') AS num" : `${name}::text AS ${name}`,
  );
  const place = "ST_AsText(ST_GeometryN(the_geom, 1), 9) AS place";
  const df = await cc.query(`SELECT ${[...texts, place].join(", ")} FROM again ORDER BY cartodb_id`);
  await cc.query("DROP TABLE again");
  return rowsOf(df).map((row) => Object.fromEntries(df.columns.map((name, i) => [name, row[i]])));
}

test.each(Object.entries(CHANGES))("values stay in .%s", async (ending, changes) => {
  const columns = Object.keys(ROWS[0]).filter((name) => name !== "place");
  expect(await back(ending, columns)).toEqual(
    [...ROWS, NOTHING].map((row, i) => ({ ...row, ...changes[i] })),
  );
});

test.each(["tab.zip", "mif", "gdb.zip", "gml", "ods"])("integers and texts stay in .%s", async (ending) => {
  const rows = await back(ending, ["big", "word"]);
  const exact = ROWS.map(({ big, word }) => ({ big, word }));
  // MapInfo has no NULL; GML has no empty text.
  const missing = { big: expect.toBeOneOf([null, "0"]), word: expect.toBeOneOf([null, ""]) };
  expect(rows).toMatchObject([exact[0], { ...exact[1], word: expect.toBeOneOf([null, ""]) }, missing]);
  expect(rows.map(({ place }) => place)).toEqual([
    expect.stringMatching(/^POINT\(0\.1 45\.123457|^POINT\(0\.1 45\.123456789/),
    "POINT(-179.5 -1)",
    null,
  ]);
});

test("a shapefile has its other files next to it", async () => {
  await cc.export("squares", at("squares.shp"));
  const names = (await readdir(dir)).filter((name) => name.startsWith("squares."));
  expect(names.sort()).toEqual(["squares.cpg", "squares.dbf", "squares.prj", "squares.shp", "squares.shx"]);
  expect((await readdir(dir)).filter((name) => name.startsWith("."))).toEqual([]);
  expect(rowsOf(await cc.readFile(at("squares.shp")))).toHaveLength(2);
});

test("workbooks hold geometries as text", async () => {
  await cc.export("places", at("book.xlsx"));
  const df = await cc.readFile(at("book.xlsx"));
  expect(df.columns).toContain("code");
  expect(rowsOf(df)).toHaveLength(3);
});

test("frames and rows without a geometry", async () => {
  await cc.export(frame(["a", "b"], [1, "x"], [2, null]), at("frame.parquet"));
  const df = await cc.readFile(at("frame.parquet"));
  expect(rowsOf(df).map((row) => row.slice(-2))).toEqual([
    [1, "x"],
    [2, null],
  ]);
});

test.each(["sqlite", "gpkg"])("rows without a geometry are a table in .%s", async (ending) => {
  await cc.export("SELECT 7 AS n, 'x' AS word", at(`plain.${ending}`));
  expect(await cc.layers(at(`plain.${ending}`))).toHaveLength(1);
  const df = await cc.readFile(at(`plain.${ending}`));
  expect(rowsOf(df).map((row) => [row[df.columns.indexOf("n")], row[df.columns.indexOf("word")]])).toEqual([
    [7, "x"],
  ]);
});

describe.each(["sqlite", "gpkg"])("columns of .%s named like those that GDAL adds", (ending) => {
  test.each<[string, string, Record<string, string>]>([
    ["the geometry", "GEOMETRY", { geom: "a", geom_1: "b", geometry: "c" }],
    ["the geometry, in another case", '"GEOM"', { geom: "a" }],
    ["the geometry, in mixed case", '"Geometry"', { geometry: "a" }],
    ["an id that is not an integer", "fid", { fid: "1.5" }],
    ["an id that repeats", "fid", { fid: "1" }],
  ])("%s", async (_, name, columns) => {
    const isNumber = (value: string) => /^\d/.test(value);
    const ofRow = Object.entries(columns).map(([column, value]) => {
      const named = column === name.toLowerCase().replaceAll('"', "") ? name : column;
      return `${isNumber(value) ? value : `'${value}'`} AS ${named}`;
    });
    const point = (x: number) =>
      `SELECT ${ofRow.join(", ")}, ST_SetSRID(ST_MakePoint(${x}, 2), 4326) AS the_geom`;
    await cc.export(`${point(1)} UNION ALL ${point(2)}`, at(`own.${ending}`), { overwrite: true });
    await cc.import(at(`own.${ending}`), "own", { overwrite: true });
    const texts = Object.keys(columns).map((column) => `${column}::text`);
    const read = await values(`SELECT ST_AsText(the_geom), ${texts.join(", ")} FROM own ORDER BY 1`);
    await cc.query("DROP TABLE own");
    expect(read).toEqual([
      ["POINT(1 2)", ...Object.values(columns)],
      ["POINT(2 2)", ...Object.values(columns)],
    ]);
  });
});

test("a column ogc_fid of any type is in a .sqlite file, though GDAL does not read it", async () => {
  await cc.export("SELECT 1.5::float8 AS ogc_fid, the_geom FROM squares", at("ids.sqlite"));
  expect(await readFile(at("ids.sqlite"), "latin1")).toContain("'ogc_fid' FLOAT");
});

describe("refusals", () => {
  test("what a format cannot hold", async () => {
    const mixed = "SELECT the_geom FROM places UNION ALL SELECT the_geom FROM squares";
    await expect(cc.export(mixed, at("mixed.shp"))).rejects.toThrow(
      "holds geometries of one type, but the rows have",
    );
    await expect(cc.export("squares", at("squares.gpx"))).rejects.toThrow(
      "cannot hold geometries of the type Polygon",
    );
    await expect(cc.export("SELECT 1 AS a", at("a.fgb"))).rejects.toThrow("needs a geometry column");
    await expect(cc.export("SELECT 1 / 0 AS a", at("a.parquet"))).rejects.toThrow("division by zero");
    await expect(cc.export("places", at("places.gdb"))).rejects.toThrow(".gdb.zip");
    expect((await readdir(dir)).filter((name) => /^\.|^mixed|\.gpx$|^a\./.test(name))).toEqual([]);
  });
});

test("what accounts do not write", async () => {
  const account = new CartoContext({ baseUrl: "http://127.0.0.1:9/", apiKey: "x" });
  for (const name of ["a.parquet", "a.fgb.gz", "a.tab.zip"]) {
    const message = `Exporting ${/\.\w+/.exec(name)} files works on the local server only`;
    await expect(account.export("places", at(name))).rejects.toThrow(message);
  }
});

test("a layer shows a file, and leaves no table", async () => {
  await cc.export("squares", at("layer.gpkg"));
  const tables = await values("SELECT count(*)::int FROM pg_tables");
  const map = await cc.map({ layers: new Layer(at("layer.gpkg"), { color: "teal" }) });
  expect(map.toHTML()).toContain("<title>Map of 2 polygons</title>");
  expect(await values("SELECT count(*)::int FROM pg_tables")).toEqual(tables);
  await expect(cc.map({ layers: new Layer(at("nothing.gpkg")) })).rejects.toThrow("No file is named");
  expect(printed()).not.toContain("cartoframes_tmp");
});
