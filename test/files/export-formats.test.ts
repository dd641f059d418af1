/** Each format that can be written is read again, with the values that it can hold. */
import { readdir } from "node:fs/promises";
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
    (1, 9007199254740993::bigint, '2020/1/2', 'ñ"<&>', 0.1::float8 + 0.2, true, date '2020-02-29',
      timestamptz '2020-01-02 03:04:05.123+00', time '12:13:14', 1.5::numeric, ST_GeomFromText('POINT(0.1 45.123456789012)', 4326)),
    (2, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('POINT(-179.5 -1)', 4326))
  ) AS v (cartodb_id, big, code, word, dbl, yes, day, moment, clock, num, the_geom)`);
  await cc.query(`CREATE TABLE squares AS SELECT 1 AS n, ST_MakeEnvelope(0, 0, 1, 1, 4326) AS the_geom
    UNION ALL SELECT 2, ST_Multi(ST_MakeEnvelope(2, 2, 3, 3, 4326))`);
});

const dir = temporaryDir();
const at = (name: string) => join(dir, name);

const EXACT = {
  big: "9007199254740993",
  code: "2020/1/2",
  word: 'ñ"<&>',
  dbl: "0.30000000000000004",
  num: "1.5",
};
const GEOMETRY = "ST_AsText(ST_GeometryN(the_geom, 1), 9) AS place";

/** Exports the table, imports the file, and returns the texts of its columns. */
async function back(ending: string, columns: readonly string[]): Promise<Record<string, unknown>[]> {
  await cc.export("places", at(`places.${ending}`), { overwrite: true });
  const imported = await cc.import(at(`places.${ending}`), "again", { overwrite: true });
  expect(imported).toMatchObject([{ rows: 2, withoutGeometry: 0 }]);
  const texts = columns.map((name) => `${name}::text AS ${name}`).join(", ");
  const df = await cc.query(
    `SELECT ${texts}, ${GEOMETRY} FROM again ORDER BY ST_X(ST_GeometryN(the_geom, 1)) DESC`,
  );
  return rowsOf(df).map((row) => Object.fromEntries(df.columns.map((name, i) => [name, row[i]])));
}

const PLACES = ["POINT(0.1 45.123456789)", "POINT(-179.5 -1)"];

test.each(["parquet", "arrow", "feather"])("%s is exact", async (ending) => {
  const times = { yes: "true", day: "2020-02-29", moment: "2020-01-02 03:04:05.123+00", clock: "12:13:14" };
  const expected = { ...EXACT, ...times };
  const nulls = Object.fromEntries(Object.keys(expected).map((name) => [name, null]));
  expect(await back(ending, Object.keys(expected))).toEqual([
    { ...expected, place: PLACES[0] },
    { ...nulls, code: "", place: PLACES[1] },
  ]);
});

test.each(["gpkg", "fgb", "sqlite"])("%s keeps integers, texts, doubles and times", async (ending) => {
  const times = { day: "2020-02-29", moment: "2020-01-02 03:04:05.123+00" };
  const expected = ending === "gpkg" ? { ...EXACT, ...times } : EXACT;
  const [first, second] = await back(ending, Object.keys(expected));
  expect(first).toEqual({ ...expected, place: PLACES[0] });
  expect(second).toMatchObject({ big: null, code: "", word: null, dbl: null, place: PLACES[1] });
});

test.each(["shp", "shp.zip", "tab.zip", "mif", "gdb.zip", "gml"])(
  "%s keeps integers and places",
  async (ending) => {
    const rows = await back(ending, ["code"]);
    expect(rows.map(({ code }) => code)).toEqual(["2020/1/2", expect.toBeOneOf(["", null])]);
    expect(rows.map(({ place }) => place)).toEqual(PLACES);
  },
);

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
  expect(rowsOf(df)).toHaveLength(2);
});

test("frames and rows without a geometry", async () => {
  await cc.export(frame(["a", "b"], [1, "x"], [2, null]), at("frame.parquet"));
  const df = await cc.readFile(at("frame.parquet"));
  expect(rowsOf(df).map((row) => row.slice(-2))).toEqual([
    [1, "x"],
    [2, null],
  ]);
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
  expect(map.toHTML()).toContain("layer");
  expect(await values("SELECT count(*)::int FROM pg_tables")).toEqual(tables);
  await expect(cc.map({ layers: new Layer(at("nothing.gpkg")) })).rejects.toThrow("No file is named");
  expect(printed()).not.toContain("cartoframes_tmp");
});
