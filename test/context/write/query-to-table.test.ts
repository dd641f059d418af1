import { describe, expect, test } from "vitest";
import type { CartoContext } from "../../../src/context/carto-context";
import { InvalidArgumentError, SqlError, TableExistsError } from "../../../src/errors";
import { printed, rowsOf, values, withContext } from "../../support/context";

let cc: CartoContext;
withContext(async (context) => {
  ({ cc } = context);
  await cc.query("CREATE TABLE log (i int)");
  await cc.query("SELECT CDB_LatLng(1, 2)"); // on PostgreSQL the functions come with their first use, and say so
});

describe("tableName", () => {
  test("stores the rows as a CARTO table and returns them as stored", async () => {
    const df = await cc.query(
      "SELECT 'Oslo' AS \"City Name\", 1.5 AS select, ST_SetSRID(ST_MakePoint(10.7, 59.9), 4326) AS geom",
      { tableName: "My Cities" },
    );
    expect(df.columns).toEqual(["cartodb_id", "the_geom", "city_name", "_select"]);
    expect(printed()).toMatchInlineSnapshot(`
      "The table is named "my_cities".
      Columns renamed:
        City Name → city_name
        select → _select
      Wrote 1 row to "my_cities". Read it with \`await cc.read("my_cities")\`."
    `);
    expect(
      await values(
        "SELECT cartodb_id, city_name, ST_AsText(the_geom), ST_SRID(the_geom_webmercator) FROM my_cities",
      ),
    ).toEqual([[1, "Oslo", "POINT(10.7 59.9)", 3857]]);
    expect(await values("SELECT indexname FROM pg_indexes WHERE tablename = 'my_cities' ORDER BY 1")).toEqual(
      [["my_cities_pkey"], ["my_cities_the_geom_idx"], ["my_cities_the_geom_webmercator_idx"]],
    );
    expect(await cc.sync(df, "my_cities")).toMatchObject({ unchanged: 1 });
  });

  test.each<[string, string, unknown[][]]>([
    ["a semicolon and a comment at the end", "SELECT 1 AS a; -- done", [[1]]],
    ["a comment in front, one behind without an end of line", "/* ; */ -- one;\nSELECT 1 AS a -- two", [[1]]],
    [
      "semicolons in strings and dollar quotes",
      "SELECT ';' AS a, $$;--$$ AS b, $x$;$x$ AS c;;",
      [[";", ";--", ";"]],
    ],
    [
      "VALUES",
      "VALUES (1, 'x'), (2, 'y')",
      [
        [1, "x"],
        [2, "y"],
      ],
    ],
    ["TABLE", "TABLE log", [[0]]],
    ["parentheses and UNION", "(SELECT 1 AS a) UNION ALL (SELECT 2) ORDER BY 1", [[1], [2]]],
    ["WITH", "WITH w AS (SELECT 3 AS a) SELECT a FROM w", [[3]]],
    [
      "several statements",
      "INSERT INTO log VALUES (5); CREATE TEMP TABLE z AS SELECT 6 AS a; SELECT a FROM z;",
      [[6]],
    ],
    ["a CTE that writes", "WITH w AS (INSERT INTO log VALUES (8) RETURNING i) SELECT i FROM w", [[8]]],
    ["RETURNING", "INSERT INTO log VALUES (9) RETURNING i, 'x' AS \"J\"", [[9, "x"]]],
    [
      "a CTE, then RETURNING",
      "WITH w AS (SELECT 10 AS i) INSERT INTO log SELECT i FROM w RETURNING i",
      [[10]],
    ],
    ["no rows", "SELECT 1 AS a WHERE false", []],
    ["names that change places", 'SELECT 1 AS "A b", 2 AS a_b, 3 AS "a_b_1"', [[1, 2, 3]]],
    ["no name", "SELECT 1", [[1]]],
  ])("%s", async (_, sql, rows) => {
    await cc.query("TRUNCATE log; INSERT INTO log VALUES (0)");
    const df = await cc.query(sql, { tableName: "kept", overwrite: true });
    const rest = df.columns.flatMap((name, i) => (["cartodb_id", "the_geom"].includes(name) ? [] : [i]));
    expect(rowsOf(df).map((row) => rest.map((i) => row[i]))).toEqual(rows);
    expect(Number((await values("SELECT count(*)::int FROM log WHERE i > 0"))[0]![0])).toBe(
      /INSERT/.test(sql) ? 1 : 0,
    );
  });

  test("rejects an existing name before running the statement, unless overwrite is true", async () => {
    await cc.query("SELECT 1 AS a", { tableName: "there" });
    await cc.query("TRUNCATE log");
    const insert = "INSERT INTO log VALUES (1) RETURNING i";
    await expect(cc.query(insert, { tableName: "there" })).rejects.toThrow(TableExistsError);
    await expect(cc.query(insert, { tableName: "There" })).rejects.toThrow(TableExistsError);
    expect(await values("SELECT * FROM log")).toEqual([]);
    expect((await cc.query(insert, { tableName: "there", overwrite: true })).columns).toContain("i");
    expect(await values("SELECT * FROM log")).toEqual([[1]]);
  });

  test.each<[string, string, new (...args: never[]) => Error, RegExp]>([
    ["SHOW", "SHOW server_version", InvalidArgumentError, /begins with SHOW/],
    ["EXPLAIN", "EXPLAIN SELECT 1", InvalidArgumentError, /begins with EXPLAIN/],
    ["DO", "DO $$ BEGIN END $$", InvalidArgumentError, /begins with DO/],
    ["an INSERT without RETURNING", "INSERT INTO log VALUES (3)", InvalidArgumentError, /begins with INSERT/],
    ["the same behind a query", "SELECT 1; DELETE FROM log", InvalidArgumentError, /begins with DELETE/],
    ["SELECT INTO", "SELECT 1 AS a INTO other", InvalidArgumentError, /SELECT … INTO/],
    ["nothing but a comment", "-- nothing\n;", InvalidArgumentError, /empty/],
    ["two columns with one name", "SELECT 1 AS a, 2 AS a", SqlError, /Rename them in the query with AS/],
    ["a PostgreSQL error", "SELECT 1/0", SqlError, /division by zero/],
    [
      "a second statement that fails takes the first along",
      "INSERT INTO log VALUES (4); SELECT 1/0",
      SqlError,
      /zero/,
    ],
    ["an id that is not a key", "SELECT 1 AS cartodb_id FROM generate_series(1, 2)", SqlError, /cartodb_id/],
  ])("rejects %s and leaves nothing", async (_, sql, type, message) => {
    await cc.query("TRUNCATE log");
    const error = await cc.query(sql, { tableName: "never" }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(message);
    expect(await values("SELECT * FROM log")).toEqual([]);
    expect(await values("SELECT to_regclass('never')::text IS NULL")).toEqual([[true]]);
  });

  test("an abort leaves nothing", async () => {
    const signal = AbortSignal.timeout(400);
    await expect(
      cc.query("SELECT count(*) FROM generate_series(1, 1e10)", { tableName: "never", signal }),
    ).rejects.toThrow();
    expect(await values("SELECT to_regclass('never')::text IS NULL")).toEqual([[true]]);
  });

  test("writes into another schema", async () => {
    await cc.query("CREATE SCHEMA reports");
    await cc.query("SELECT 1 AS a", { tableName: "reports.May Report" });
    expect(rowsOf(await cc.read("reports.may_report"))[0]!.at(-1)).toBe(1);
    expect(
      await values("SELECT indexname FROM pg_indexes WHERE schemaname = 'reports' ORDER BY 1 LIMIT 1"),
    ).toEqual([["may_report_pkey"]]);
  });
});

describe("statements", () => {
  test.each<[string, string, unknown[][]]>([
    ["EXPLAIN", "EXPLAIN SELECT 1", [[expect.stringContaining("Result")]]],
    ["DO", "DO $$ BEGIN PERFORM 1; END $$;", []],
    ["only a comment", "-- nothing", []],
    ["only semicolons", ";;", []],
    ["BEGIN and COMMIT", "BEGIN; INSERT INTO log VALUES (1); COMMIT; SELECT 'done' AS a", [["done"]]],
    ["a nested comment", "/* a /* b; */ ; */ SELECT 1 AS a", [[1]]],
    ["an escaped quote", "SELECT E'it\\'s; ' AS a", [["it's; "]]],
  ])("%s", async (_, sql, rows) => {
    expect(rowsOf(await cc.query(sql))).toEqual(rows);
  });

  test("rejects psql commands by name", async () => {
    await expect(cc.query("\\d cities")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: \\d is a psql command, not SQL. List the tables with \`await cc.tables()\`, and their columns with SELECT … FROM information_schema.columns.]`,
    );
    await expect(cc.query("  \\dt+")).rejects.toThrow(InvalidArgumentError);
  });
});
