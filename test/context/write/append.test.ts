import { beforeEach, describe, expect, test } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { ConflictError, InvalidArgumentError, SqlError, TableNotFoundError } from "../../../src/errors";
import { frame, printed, values, warned, withContext } from "../../support/context";

let cc: CartoContext;
let baseUrl: string;
withContext((context) => {
  ({ cc, baseUrl } = context);
});

const stored = () => values("SELECT cartodb_id, name, n, ST_AsText(the_geom) FROM stops ORDER BY cartodb_id");

beforeEach(async () => {
  await cc.query("DROP TABLE IF EXISTS stops");
  await cc.write(frame(["name", "n", "lng", "lat"], ["a", 1, 7, 46]), "stops", { lnglat: ["lng", "lat"] });
});

test("adds the rows, numbers them, and makes points and their Web Mercator", async () => {
  await cc.append(frame(["lat", "name", "lng", "n"], [47, "b", 8, 2], [48, "c", 9, null]), "stops", {
    lnglat: ["lng", "lat"],
  });
  expect(printed()).toContain('Appended 2 rows to "stops". Map it with');
  expect(await stored()).toEqual([
    [1, "a", 1, "POINT(7 46)"],
    [2, "b", 2, "POINT(8 47)"],
    [3, "c", Number.NaN, "POINT(9 48)"],
  ]);
  expect(await values("SELECT count(*)::int FROM stops WHERE the_geom_webmercator IS NOT NULL")).toEqual([
    [3],
  ]);
});

test("is what `write` with `append` does, under the name that was written, too", async () => {
  await cc.write(frame(["n"], [5]), "Two Words");
  expect(await cc.write(frame(["n"], [6]), "Two Words", { append: true })).toBeNull();
  await cc.append(frame(["n"], [7]), "public.two_words");
  expect(await values("SELECT n FROM two_words ORDER BY cartodb_id")).toEqual([[5], [6], [7]]);
});

test("columns that the frame lacks get their default, or NULL", async () => {
  await cc.query("ALTER TABLE stops ADD COLUMN kind text NOT NULL DEFAULT 'bus'");
  await cc.append(frame(["n"], [2]), "stops");
  expect(await values("SELECT name, n, kind, the_geom FROM stops ORDER BY cartodb_id DESC LIMIT 1")).toEqual([
    [null, 2, "bus", null],
  ]);
});

test("a frame without rows changes nothing, but its columns are checked", async () => {
  await cc.append(frame(["name"]), "stops");
  expect(printed()).toContain('Appended 0 rows to "stops"');
  await expect(cc.append(frame(["nome"]), "stops")).rejects.toThrow(InvalidArgumentError);
  expect(await stored()).toHaveLength(1);
});

test("keeps cartodb_id of the frame, and numbers the rows after it", async () => {
  await cc.append(frame(["cartodb_id", "n"], [40, 2], [null, 3]), "stops");
  await cc.append(frame(["n"], [4]), "stops");
  expect(await values("SELECT cartodb_id, n FROM stops ORDER BY cartodb_id")).toEqual([
    [1, 1],
    [40, 2],
    [41, 3],
    [42, 4],
  ]);
});

test("a frame that cc.read returned can be appended after its key is dropped", async () => {
  const df = await cc.read("stops", { decodeGeom: true });
  const error = await cc.append(df, "stops").catch((e) => e);
  expect(error).toBeInstanceOf(SqlError);
  expect(error.message).toContain("violates unique constraint");
  expect(error.hint ?? error.message).toContain('df.drop({ columns: ["cartodb_id"] })');
  await cc.append(df.drop({ columns: ["cartodb_id"] }), "stops");
  expect(await values("SELECT name, ST_AsText(the_geom) FROM stops")).toEqual([
    ["a", "POINT(7 46)"],
    ["a", "POINT(7 46)"],
  ]);
});

test("says how coordinates become points, if the table has a geometry", async () => {
  await cc.append(frame(["lng", "lat"], [8, 47]), "stops");
  expect(printed()).toContain(
    'The new rows have no geometry. To make points of "lng" and "lat", pass { lnglat: ["lng","lat"] }.',
  );
});

test("cc.sync notices rows that were appended to a table it has read", async () => {
  const df = await cc.read("stops");
  await cc.append(frame(["n"], [2]), "stops");
  await expect(cc.sync(df, "stops")).rejects.toThrow(ConflictError);
});

describe("types", () => {
  test.each([
    ["integer", [1], "1"],
    ["bigint", [1], "1"],
    ["smallint", [-3], "-3"],
    ["bigint", ["9007199254740993"], "9007199254740993"],
    ["double precision", [2], "2"],
    ["real", [0.5], "0.5"],
    ["numeric(6,2)", [12.25], "12.25"],
    ["text", ["1"], "1"],
    ["varchar(3)", ["abc"], "abc"],
    ["boolean", [true], "true"],
    ["date", [new Date("2020-02-29")], "2020-02-29"],
    ["date", ["2020-02-29"], "2020-02-29"],
    ["timestamp", [new Date("2020-02-29T12:30:00.250Z")], "2020-02-29 12:30:00.25"],
    ["timestamptz", ["2020-02-29T12:30:00.250Z"], "2020-02-29 12:30:00.25+00"],
    ["time", ["12:30"], "12:30:00"],
    ["interval", ["1 day"], "1 day"],
    ["jsonb", [{ a: [1] }], '{"a": [1]}'],
    ["json", [[1, null]], "[1, null]"],
    ["uuid", ["7c9e6679-7425-40de-944b-e07fc1f90ae7"], "7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    ["text[]", [["a", null]], "{a,NULL}"],
    ["bytea", [new Uint8Array([1, 255])], "\\x01ff"],
    ["geometry(Point,3857)", ["SRID=4326;POINT(0 0)"], "POINT(0 0)"],
  ])("%s takes %j", async (type, row, expected) => {
    await cc.query(`DROP TABLE IF EXISTS typed; CREATE TABLE typed (v ${type})`);
    await cc.append(frame(["v"], row, [null]), "typed");
    const shown = type.startsWith("geometry") ? "ST_AsText(ST_SnapToGrid(v, 1e-6))" : "v::text";
    expect(await values(`SELECT ${shown} FROM typed WHERE v IS NOT NULL`)).toEqual([[expected]]);
    expect(await values("SELECT count(*)::int FROM typed")).toEqual([[2]]);
  });

  test.each([
    [
      "integer",
      ["12"],
      /Column "v" holds texts \(1\), but the table's column is of type integer\. Convert the values/,
    ],
    ["bigint", ["twelve"], /column "v".*"twelve".*bigint/is],
    ["double precision", ["1.5"], /Column "v" holds texts \(1\), but .* type double precision/],
    ["text", [1], /Column "v" holds .*numbers?.*, but .* type text/],
    ["boolean", [1], /type boolean/],
    ["integer", [1.5], /1\.5.*type integer/s],
    ["smallint", [40_000], /40000.*type smallint/s],
    ["integer", [2 ** 31], /2147483648.*type integer/s],
    ["numeric(6,2)", [1.005], /1\.005.*type numeric\(6,2\)/s],
    ["varchar(3)", ["abcd"], /abcd.*type character varying\(3\)/s],
    ["date", [new Date("2020-02-29T12:30:00Z")], /2020-02-29T12:30.*type date/s],
    ["timestamptz", [1], /type timestamp with time zone/],
  ])("%s refuses %j", async (type, row, message) => {
    await cc.query(`DROP TABLE IF EXISTS typed; CREATE TABLE typed (v ${type})`);
    const refused = cc.append(frame(["v"], row), "typed");
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
    expect(await values("SELECT count(*)::int FROM typed")).toEqual([[0]]);
  });
});

describe("refuses, and leaves the table as it is", () => {
  test.each<[string, string, Parameters<CartoContext["append"]>[0], RegExp]>([
    [
      "a table that does not exist",
      "nowhere",
      frame(["n"], [1]),
      /No table is named "nowhere"\. Create it first with `await cc\.write/,
    ],
    [
      "columns that the table lacks",
      "stops",
      frame(["n", "color", "b c"], [1, "red", 2]),
      /Table "stops" has no column for "color", "b c" of the frame\. Columns of the table: "cartodb_id", "the_geom"/,
    ],
    ["a view", "seen", frame(["n"], [1]), /"seen" is a view; cc\.append needs an ordinary table/],
    [
      "no value for what must not be NULL",
      "strict",
      frame(["n"], [1]),
      /The frame has no column "code", which table "strict" requires/,
    ],
  ])("%s", async (_, table, df, message) => {
    await cc.query(
      "CREATE OR REPLACE VIEW seen AS SELECT 1 AS n; CREATE TABLE IF NOT EXISTS strict (n int, code text NOT NULL)",
    );
    await expect(cc.append(df, table)).rejects.toThrow(message);
    expect(await stored()).toHaveLength(1);
  });

  test("a NULL or a row against a constraint in the last row, with all rows before it", async () => {
    await cc.query("ALTER TABLE stops ADD CHECK (n < 10), ALTER n SET NOT NULL");
    for (const last of [null, 11]) {
      await expect(cc.append(frame(["n"], [2], [3], [last]), "stops")).rejects.toThrow(SqlError);
      expect(await stored()).toHaveLength(1);
    }
  });

  test.each([
    [{ overwrite: true }, "overwrite"],
    [{ privacy: "public" as const }, "privacy"],
    [{ collisionStrategy: "skip" as const }, "collisionStrategy"],
    [{ contentGuessing: true }, "contentGuessing"],
  ])("%j with append", async (option, name) => {
    await expect(cc.write(frame(["n"], [2]), "stops", { append: true, ...option })).rejects.toThrow(
      `Pass either \`append\` or \`${name}\`, not both`,
    );
    await expect(cc.append(frame(["n"], [2]), "stops", option as never)).rejects.toThrow(
      InvalidArgumentError,
    );
    expect(await stored()).toHaveLength(1);
  });

  test("what is no frame, and a table that does not exist", async () => {
    await expect(cc.append([{ n: 1 }] as never, "stops")).rejects.toThrow(/must be a danfo\.js DataFrame/);
    await expect(cc.append(frame(["n"], [1]), "not there")).rejects.toThrow(TableNotFoundError);
  });

  test("an interrupt while the rows are inserted", async () => {
    await cc.query(`
      CREATE OR REPLACE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
      CREATE TRIGGER waits BEFORE INSERT ON stops FOR EACH ROW EXECUTE FUNCTION waits()`);
    const controller = new AbortController();
    const { signal } = controller;
    const verbose = (line: string) => line.includes("copyfrom") && controller.abort(new Error("stop"));
    const appended = new CartoContext({ baseUrl, verbose }).append(frame(["n"], [2]), "stops", { signal });
    await expect(appended).rejects.toThrow("stop");
    expect(await stored()).toHaveLength(1);
  });
});

test("geometries with heights lose them in a flat column, with a warning", async () => {
  await cc.append(frame(["the_geom"], ["SRID=4326;POINT Z (1 2 3)"]), "stops");
  expect(warned()).toContain("the_geom has heights or measures");
  expect(await values("SELECT ST_AsText(the_geom) FROM stops ORDER BY cartodb_id DESC LIMIT 1")).toEqual([
    ["POINT(1 2)"],
  ]);
});
