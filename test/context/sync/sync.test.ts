import type { DataFrame } from "danfojs-node";
import { describe, expect, test, vi } from "vitest";
import type { CartoContext } from "../../../src/context/carto-context";
import { InvalidArgumentError, SqlError, TableNotFoundError } from "../../../src/errors";
import { frame, rowsOf, values, withContext } from "../../support/context";
import { cities, writeCities } from "./cities";

let cc: CartoContext;
withContext((context) => {
  ({ cc } = context);
});

describe("writes only the differences", () => {
  test("by cartodb_id: updates, deletes, and inserts rows without an id", async () => {
    const df = await writeCities(cc, "by_id");
    const [madrid, , oslo] = rowsOf(df);
    const edited = frame(
      df.columns,
      madrid!,
      [...oslo!.slice(0, -1), 7],
      [null, null, "Lima", -77, -12, 10],
      [undefined, "POINT(106.8 -6.2)", "Jakarta", 106.8, -6.2, 11],
    );
    const before = await values("SELECT cartodb_id, xmin::text FROM by_id ORDER BY 1");
    expect(await cc.sync(edited, "by_id")).toEqual({ inserted: 2, updated: 1, deleted: 1, unchanged: 1 });
    expect(
      await values(
        "SELECT cartodb_id, city, people, ST_AsText(the_geom), ST_SRID(the_geom_webmercator) FROM by_id ORDER BY 1",
      ),
    ).toEqual([
      [1, "Madrid", 3, "POINT(-3.7 40.4)", 3857],
      [3, "Oslo", 7, "POINT(10.7 59.9)", 3857],
      [4, "Lima", 10, null, Number.NaN],
      [5, "Jakarta", 11, "POINT(106.8 -6.2)", 3857],
    ]);
    const after = await values("SELECT cartodb_id, xmin::text FROM by_id ORDER BY 1");
    expect(after[0]).toEqual(before[0]); // the row that is the same has not been written
  });

  test("a second sync changes nothing, not even the modification time", async () => {
    const df = await writeCities(cc, "twice");
    rowsOf(df)[0]![2] = "Madrid!";
    expect(await cc.sync(df, "twice")).toMatchObject({ updated: 1 });
    const updated = "SELECT updated_at::text FROM CDB_TableMetadata WHERE tabname = 'twice'::regclass";
    const before = await values(updated);
    expect(await cc.sync(df, "twice")).toEqual({ inserted: 0, updated: 0, deleted: 0, unchanged: 3 });
    expect(await values(updated)).toEqual(before);
  });

  test("by another key, of one or several columns", async () => {
    await cc.query(`CREATE TABLE by_pair AS SELECT y AS year, c AS code, y * 10 AS value
      FROM generate_series(2000, 2002) y, unnest(ARRAY['a', 'b']) c ORDER BY 1, 2`);
    const df = await cc.read("by_pair");
    const edited = frame(df.columns, ...rowsOf(df).slice(1), [2003, "a", 5]);
    rowsOf(edited)[0]![2] = -1;
    expect(await cc.sync(edited, "by_pair", { key: ["year", "code"] })).toEqual({
      inserted: 1,
      updated: 1,
      deleted: 1,
      unchanged: 4,
    });
    expect(await values("SELECT * FROM by_pair ORDER BY 1, 2")).toEqual([
      [2000, "b", -1],
      [2001, "a", 20010],
      [2001, "b", 20010],
      [2002, "a", 20020],
      [2002, "b", 20020],
      [2003, "a", 5],
    ]);
  });

  test("a table that is not a CARTO table, an empty frame, an empty table", async () => {
    await cc.query("CREATE TABLE bare (id text PRIMARY KEY, v int)");
    expect(await cc.sync(frame(["id", "v"], ["a", 1], ["b", null]), "bare", { key: "id" })).toEqual({
      inserted: 2,
      updated: 0,
      deleted: 0,
      unchanged: 0,
    });
    expect(await cc.sync(frame(["id", "v"]), "bare", { key: "id" })).toMatchObject({
      deleted: 2,
      unchanged: 0,
    });
    expect(await values("SELECT count(*)::int FROM bare")).toEqual([[0]]);
  });

  test("points from lnglat, and geometry compared by value", async () => {
    await writeCities(cc, "points");
    const moved = cities();
    rowsOf(moved)[1]![1] = -78.4;
    const options = { key: "city", lnglat: ["lng", "lat"] } as const;
    expect(await cc.sync(moved, "points", options)).toMatchObject({ updated: 1, unchanged: 2 });
    expect(await values("SELECT ST_AsText(the_geom) FROM points WHERE city = 'Quito'")).toEqual([
      ["POINT(-78.4 -0.2)"],
    ]);
    // same box, other shape
    await cc.write(frame(["k", "geom"], [1, "LINESTRING(0 0,1 1)"]), "shapes", { geomCol: "geom" });
    const other = frame(["k", "geom"], [1, "LINESTRING(0 1,1 0)"]);
    expect(await cc.sync(other, "shapes", { key: "k", geomCol: "geom" })).toMatchObject({ updated: 1 });
    expect(await cc.sync(other, "shapes", { key: "k", geomCol: "geom" })).toMatchObject({ unchanged: 1 });
    const heights = frame(["k", "geom"], [1, "LINESTRING Z(0 1 5,1 0 5)"]);
    expect(await cc.sync(heights, "shapes", { key: "k", geomCol: "geom" })).toMatchObject({ unchanged: 1 });
    expect(vi.mocked(console.warn).mock.calls.flat().join()).toContain("heights");
    const mercator = frame(["k", "geom"], [1, "SRID=3857;LINESTRING(0 0,111319.49079327357 0)"]);
    await cc.sync(mercator, "shapes", { key: "k", geomCol: "geom" });
    expect(await values("SELECT ST_AsText(the_geom, 6) FROM shapes")).toEqual([["LINESTRING(0 0,1 0)"]]);
  });

  test("deletes before inserting, so that unique values can move between rows", async () => {
    await cc.query(
      "CREATE TABLE places (id int PRIMARY KEY, seat int UNIQUE); INSERT INTO places VALUES (1, 1), (2, 2)",
    );
    expect(await cc.sync(frame(["id", "seat"], [2, 2], [3, 1]), "places", { key: "id" })).toMatchObject({
      inserted: 1,
      deleted: 1,
    });
  });

  test("does not reuse ids from the frame", async () => {
    const df = await writeCities(cc, "numbered");
    const edited = frame(df.columns, ...rowsOf(df), [4, null, "D", 0, 0, 0], [null, null, "E", 0, 0, 0]);
    expect(await cc.sync(edited, "numbered")).toMatchObject({ inserted: 2 });
    expect(await values("SELECT cartodb_id, city FROM numbered WHERE cartodb_id > 3 ORDER BY 1")).toEqual([
      [4, "D"],
      [5, "E"],
    ]);
  });
});

describe("columns", () => {
  test("adds columns that the table lacks, keeps columns that the frame lacks", async () => {
    await cc.query(
      "CREATE TABLE cols (id int PRIMARY KEY, a int, b text DEFAULT 'new'); INSERT INTO cols VALUES (1, 1, 'old')",
    );
    expect(
      await cc.sync(frame(["id", "a", "Long Name"], [1, 1, "x"], [2, 2, null]), "cols", { key: "id" }),
    ).toEqual({
      inserted: 1,
      updated: 1,
      deleted: 0,
      unchanged: 0,
    });
    expect(vi.mocked(console.log).mock.calls.flat()).toEqual(["Columns added to cols: long_name."]);
    expect(await values("SELECT id, a, b, long_name FROM cols ORDER BY 1")).toEqual([
      [1, 1, "old", "x"],
      [2, 2, "new", null],
    ]);
  });

  test("match by name, or by CARTO's form of the name", async () => {
    await cc.query(
      `CREATE TABLE named_cols (id int PRIMARY KEY, "Name X" text, name_y text, "q""'; DROP TABLE t" text)`,
    );
    const df = frame(["id", "Name X", "Name Y", `q"'; DROP TABLE t`], [1, "x", "y", "z"]);
    await cc.sync(df, "named_cols", { key: "id" });
    expect(await values("SELECT * FROM named_cols")).toEqual([[1, "x", "y", "z"]]);
    expect((await cc.read("named_cols")).columns).toHaveLength(4);
  });

  test("leaves generated columns and the_geom_webmercator to the database", async () => {
    await cc.query(
      "CREATE TABLE made (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO made VALUES (1, 1)",
    );
    const df = await cc.read("made");
    rowsOf(df)[0]![1] = 4;
    await cc.sync(df, "made", { key: "id" });
    expect(await values("SELECT * FROM made")).toEqual([[1, 4, 8]]);
  });

  test("writes the index only to a column named index", async () => {
    const df = await writeCities(cc, "filtered");
    const some = (df as unknown as { query(condition: unknown): DataFrame }).query(df.column("people").lt(3));
    expect(some.index).toEqual([1, 2]);
    expect(await cc.sync(some, "filtered")).toMatchObject({ deleted: 1, unchanged: 2 });
    expect((await cc.read("filtered")).columns).toEqual(df.columns);
    await cc.write(some.resetIndex().setIndex({ index: ["p", "q"] }) as DataFrame, "labelled", {
      overwrite: true,
    });
    expect((await cc.read("labelled")).columns).toContain("index");
  });
});

const READ_BACK = `
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE DOMAIN small AS numeric(6,2) CHECK (VALUE < 1000);
  CREATE TABLE everything (
    id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, big int8, f4 float4, f8 float8, n numeric, n2 numeric(8,3),
    exact numeric, t text, v varchar(5), c char(4), nm name, d date, ts timestamp, tz timestamptz, tz0 timestamptz(0),
    far timestamptz, dfar date, ti time, iv interval, u uuid, ip inet, m mood, dom small, j json, jb jsonb, jt jsonb, jn jsonb,
    ai int[], at_ text[], af float8[], an numeric[], ad date[], aj jsonb[], au uuid[], am mood[], aa int[], by bytea,
    g geometry, g0 geometry(Point, 0), gp geometry(PointZ, 4326), gg geography, x xml, p point, r int4range, hexish text, money_ money, bi bit(3)
  );
  INSERT INTO everything VALUES (
    1, true, -32768, 2147483647, 9007199254740991, 9223372036854775807, 0.1, 0.1, 1.10, 12345.678,
    12345678901234567890.123, 'it''s "q" \\ ;', 'añ', 'ab', 'na', '2017-03-04', '2017-03-04 10:11:12.345678', '1969-12-31 23:59:59.999999+00', '2017-03-04 10:11:12+00',
    'infinity', '0044-03-15 BC', '10:11:12.5', '1 day 02:00', '6BA7B810-9DAD-11D1-80B4-00C04FD430C8', '10.0.0.0/8', 'ok', 12.5,
    '{"a":  1, "a": [1,null]}', '{"b": {"c": 1.5}}', '"text"', 'null',
    '{1,NULL,3}', ARRAY['a"b', 'NULL', '', NULL, 'x,y\\'], '{1.5,NaN,Infinity}', '{1.1,12345678901234567890}', '{2017-03-04,NULL}',
    ARRAY['{"a":1}', '[1,2]', '"s"']::jsonb[], '{6ba7b810-9dad-11d1-80b4-00c04fd430c8}', '{sad,ok}', '{{1,2},{3,4}}', '\\x00ff',
    'SRID=25830;POINT(1 2)', 'POINT(1 2)', 'SRID=4326;POINT Z(1 2 3)', 'POINT(1 2)', '<a/>', '(1,2)', '[1,5)', '0101000020E6100000000000000000F03F0000000000000040', 12.5, '101'
  );
  INSERT INTO everything (id) VALUES (2);
  INSERT INTO everything (id, f4, f8, n, tz, t, v, c, jn, g) VALUES (3, 'NaN', 'NaN', 'NaN', '2255-06-05 23:47:34.740993', '', '', '', '1', 'POLYGON((0 0,1 0,1 1,0 0))');
`;

describe("types", () => {
  test("values that were read and not changed stay unchanged, whatever their type", async () => {
    await cc.query(READ_BACK);
    const before = await values("SELECT md5(string_agg(e::text, '|' ORDER BY id)) FROM everything e");
    const df = await cc.read("everything");
    expect(await cc.sync(df, "everything", { key: "id" })).toEqual({
      inserted: 0,
      updated: 0,
      deleted: 0,
      unchanged: 3,
    });
    // all columns of a row are written when one changes; what a frame cannot hold stays
    const at = df.columns.indexOf("t");
    for (const row of rowsOf(df)) row[at] = `changed ${row[0]}`;
    expect(await cc.sync(df, "everything", { key: "id" })).toMatchObject({ updated: 3 });
    await cc.query(`UPDATE everything SET t = CASE id WHEN 1 THEN 'it''s "q" \\ ;' WHEN 3 THEN '' END`);
    expect(await values("SELECT md5(string_agg(e::text, '|' ORDER BY id)) FROM everything e")).toEqual(
      before,
    );
    await cc.query("CREATE TABLE everything2 (LIKE everything)");
    expect(await cc.sync(await cc.read("everything"), "everything2", { key: "id" })).toMatchObject({
      inserted: 3,
    });
    const columns = (await cc.read("everything")).columns.filter(
      (name) => !["f4", "f8", "n", "tz", "ts", "jn", "j"].includes(name), // NaN, microseconds, JSON's null and doubled keys
    );
    const same = columns.map((name) => `e.${name}::text IS NOT DISTINCT FROM f.${name}::text AS ${name}`);
    const compared = await values(
      `SELECT to_jsonb(x) FROM (SELECT ${same} FROM everything e JOIN everything2 f USING (id)) x`,
    );
    for (const [row] of compared)
      expect(
        Object.entries(row as object)
          .filter(([, equal]) => !equal)
          .map(([name]) => name),
      ).toEqual([]);
  });

  test.each<[string, string, unknown, string | RegExp]>([
    ["a fraction", "int4", 1.5, /row 1 \(counted from 0\) holds 1\.5.*type integer/],
    ["an integer that is too large", "int2", 70000, /holds 70000.*type smallint/],
    ["an integer beyond exactness", "int8", 2 ** 60, /holds 11529215046068\d+\. .*bigint/],
    ["text for numbers", "float8", "12", /Column "v" holds texts \(2\).*type double precision/],
    ["text that is not an integer", "int8", "007x", /holds "007x"/],
    ["numbers for text", "text", 12, /holds numbers \(2\).*of type text/],
    ["too many decimals", "numeric(8,2)", 1.239, /holds "1.239".*numeric\(8,2\)/],
    ["text that is too long", "varchar(3)", "abcd", /holds "abcd".*character varying\(3\)/],
    ["a date with a time", "date", new Date("2020-01-01T10:00:00Z"), /10:00:00.*type date/],
    ["milliseconds", "timestamptz(0)", new Date("2020-01-01T10:00:00.5Z"), /timestamp\(0\) with time zone/],
    ["text for booleans", "bool", "true", /holds texts.*type boolean/],
    ["an object for an array", "int[]", { a: 1 }, /integer\[\]/],
    ["booleans for a date", "date", true, /holds booleans/],
  ])("rejects %s without writing anything", async (_, type, value, message) => {
    const fitting: Record<string, string> = {
      int8: "'1'",
      "int[]": "'{1}'",
      bool: "true",
      date: "'2020-01-01'",
    };
    await cc.query(`DROP TABLE IF EXISTS strict; CREATE TABLE strict (id int PRIMARY KEY, v ${type})`);
    await cc.query(`INSERT INTO strict VALUES (1, ${fitting[type] ?? "NULL"})`);
    const df = frame(["id", "v"], [1, value], [2, value]);
    if (!/holds (texts|numbers|booleans)|\[\]/.test(String(message))) rowsOf(df)[0]![1] = null;
    const error = await cc.sync(df, "strict", { key: "id" }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toMatch(message);
    expect(await values("SELECT count(*)::int FROM strict")).toEqual([[1]]);
  });

  test("an error of the database leaves the table unchanged", async () => {
    await cc.query(
      "CREATE TABLE refused (id int PRIMARY KEY, u uuid, n int CHECK (n > 0)); INSERT INTO refused VALUES (1, NULL, 1)",
    );
    await expect(cc.sync(frame(["id", "u"], [1, "no uuid"]), "refused", { key: "id" })).rejects.toThrow(
      SqlError,
    );
    await expect(cc.sync(frame(["id", "n"], [2, 5], [3, -5]), "refused", { key: "id" })).rejects.toThrow(
      /check/,
    );
    expect(await values("SELECT id, n FROM refused")).toEqual([[1, 1]]);
  });
});

describe("keys", () => {
  test("requires key without cartodb_id", async () => {
    await cc.query("CREATE TABLE keyless AS SELECT 1 AS a");
    await expect(cc.sync(frame(["a"], [1]), "keyless")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: The frame has no column cartodb_id. Pass \`key\`: the column, or columns, that identify a row.]`,
    );
    await expect(cc.sync(frame(["a"], [1]), "keyless", { key: "b" })).rejects.toThrow(
      /no column "b".*Columns of the frame: "a"/,
    );
    await expect(cc.sync(frame(["a", "b"], [1, 2]), "keyless", { key: "b" })).rejects.toThrow(
      /The table has no column "b"/,
    );
    await expect(cc.sync(frame(["a"], [1]), "keyless", { key: [] })).rejects.toThrow(InvalidArgumentError);
  });

  test("rejects duplicates in the frame, in the table, and missing keys", async () => {
    await cc.query(
      "CREATE TABLE doubled (k text, v int); INSERT INTO doubled VALUES ('a', 1), ('a', 2), ('b', 3)",
    );
    const sync = (...rows: unknown[][]) => cc.sync(frame(["k", "v"], ...rows), "doubled", { key: "k" });
    await expect(sync(["x", 1], ["y", 1], ["x", 2])).rejects.toThrow(/Rows 0 and 2 .* same key "k": x/);
    await expect(sync(["x", 1], [null, 1])).rejects.toThrow(/Row 1 .* has no value in the key "k"/);
    await expect(sync(["x", 1])).rejects.toThrow(/"doubled" has several rows with "k" = a/);
    await cc.query("DELETE FROM doubled WHERE v = 2; INSERT INTO doubled VALUES (NULL, 4)");
    await expect(sync(["x", 1])).rejects.toThrow(/has 1 row without a value in "k"/);
    expect(await values("SELECT count(*)::int FROM doubled")).toEqual([[3]]);
  });

  test.each<[string, string, unknown[], unknown]>([
    [
      "timestamps, microseconds cut",
      "timestamptz",
      [new Date("2020-01-01T00:00:00.123Z")],
      "'2020-01-01 00:00:00.123456+00'",
    ],
    ["dates", "date", [new Date("2020-01-01")], "'2020-01-01'"],
    ["numerics", "numeric", [1.1], "1.10"],
    ["large integers", "int8", ["9223372036854775807"], "9223372036854775807"],
    ["uuids", "uuid", ["6BA7B810-9DAD-11D1-80B4-00C04FD430C8"], "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"],
    ["char", "char(4)", ["ab  "], "'ab'"],
    ["text of the same letters in another case", "text", ["É"], "'É'"],
  ])("%s", async (_, type, [key], sql) => {
    await cc.query(
      `DROP TABLE IF EXISTS kinds; CREATE TABLE kinds (k ${type} PRIMARY KEY, v int); INSERT INTO kinds VALUES (${sql}, 1)`,
    );
    expect(await cc.sync(frame(["k", "v"], [key, 2]), "kinds", { key: "k", force: true })).toEqual({
      inserted: 0,
      updated: 1,
      deleted: 0,
      unchanged: 0,
    });
  });

  test("rejects keys that are equal in the database", async () => {
    const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    await cc.query(`CREATE TABLE uuids (k uuid PRIMARY KEY, v int); INSERT INTO uuids VALUES ('${id}', 1)`);
    const df = frame(["k", "v"], [id, 1], [id.toUpperCase(), 1]);
    await expect(cc.sync(df, "uuids", { key: "k" })).rejects.toThrow(/treats the keys "k" of several rows/);
  });

  test("rejects geometry and JSON as keys", async () => {
    await cc.query("CREATE TABLE odd (j jsonb, g geometry)");
    for (const key of ["j", "g"])
      await expect(cc.sync(frame(["j", "g"], ["x", "POINT(1 2)"]), "odd", { key })).rejects.toThrow(
        /cannot be a key/,
      );
  });
});

describe("tables", () => {
  test("rejects a missing table, a view and a partitioned table", async () => {
    await expect(cc.sync(cities(), "nowhere")).rejects.toThrow(TableNotFoundError);
    await expect(cc.sync(cities(), "nowhere")).rejects.toThrow(/cc.write\(df, "nowhere"\)/);
    await cc.query(
      "CREATE VIEW looked_at AS SELECT 1 AS id; CREATE TABLE parted (id int) PARTITION BY RANGE (id)",
    );
    await expect(cc.sync(frame(["id"], [1]), "looked_at", { key: "id" })).rejects.toThrow(/is a view/);
    await expect(cc.sync(frame(["id"], [1]), "parted", { key: "id" })).rejects.toThrow(/partitioned/);
    await expect(cc.sync([] as never, "parted")).rejects.toThrow(InvalidArgumentError);
  });

  test("accepts any name, and another schema", async () => {
    await cc.query(`CREATE SCHEMA IF NOT EXISTS reports; CREATE TABLE reports."My ""T"".x" (id int PRIMARY KEY, v int);
      CREATE TABLE "a'b; DROP SCHEMA reports" (id int PRIMARY KEY, v int)`);
    for (const name of [`reports."My ""T"".x"`, "a'b; DROP SCHEMA reports"]) {
      expect(await cc.sync(frame(["id", "v"], [1, 1]), name, { key: "id" })).toMatchObject({ inserted: 1 });
      expect(rowsOf(await cc.read(name))).toEqual([[1, 1]]);
    }
  });
});
