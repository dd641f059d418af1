import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { Geometry } from "wkx";
import { CartoContext } from "../../src/context/carto-context";
import { InvalidArgumentError, SqlError, TableExistsError, TableNotFoundError } from "../../src/errors";
import { printed, rowsOf, warned, withContext } from "../support/context";

let baseUrl: string;
let cc: CartoContext;
withContext(async (context) => {
  ({ baseUrl, cc } = context);
  await cc.query("SELECT CDB_LatLng(1, 2)"); // on PostgreSQL the functions come with their first use, and say so
});

const cities = () =>
  new DataFrame({
    city: ["Madrid", "Quito", "Nowhere"],
    lng: [-3.7038, -78.4678, null],
    lat: [40.4168, -0.1807, null],
  } as never);

describe("write", () => {
  test("makes points from lnglat, in a CARTO table", async () => {
    expect(await cc.write(cities(), "cities", { lnglat: ["lng", "lat"] })).toBeNull();
    expect(printed()).toBe(
      `Wrote 3 rows to "cities". Map it with \`await cc.map({ layers: new Layer("cities") })\`.`,
    );
    const df = await cc.query(
      "SELECT cartodb_id, city, ST_AsText(the_geom) wkt, ST_SRID(the_geom_webmercator) srid FROM cities ORDER BY 1",
    );
    expect(df.values).toEqual(
      [
        [1, "Madrid", "POINT(-3.7038 40.4168)", 3857],
        [2, "Quito", "POINT(-78.4678 -0.1807)", 3857],
        [3, "Nowhere", null, null],
      ].map((row) =>
        row.map((value) => value ?? expect.toSatisfy((missing) => missing == null || Number.isNaN(missing))),
      ),
    );
  });

  test("names indexes, key and sequence after the table; INSERT continues the numbers", async () => {
    await cc.write(cities(), "named", { lnglat: ["lng", "lat"] });
    const { values } = await cc.query(
      "SELECT indexname FROM pg_indexes WHERE tablename = 'named' ORDER BY 1",
    );
    expect(values.flat()).toEqual(["named_pkey", "named_the_geom_idx", "named_the_geom_webmercator_idx"]);
    await cc.query("INSERT INTO named (city, the_geom) VALUES ('Oslo', CDB_LatLng(59.9, 10.7))");
    const added = await cc.query(
      "SELECT cartodb_id, ST_SRID(the_geom_webmercator) FROM named WHERE city = 'Oslo'",
    );
    expect(added.values).toEqual([[4, 3857]]);
    expect((await cc.query("SELECT pg_get_serial_sequence('named', 'cartodb_id')")).values).toEqual([
      ["public.named_cartodb_id_seq"],
    ]);
  });

  test("keeps an existing table unless overwrite is true", async () => {
    await cc.write(cities(), "kept");
    await expect(cc.write(cities().head(1), "kept")).rejects.toThrow(TableExistsError);
    expect((await cc.read("kept")).shape[0]).toBe(3);
    await cc.write(cities().head(1), "kept", { overwrite: true });
    expect((await cc.read("kept")).shape[0]).toBe(1);
    await cc.write(cities().head(2), "kept", { overwrite: true });
    const { values } = await cc.query("SELECT indexname FROM pg_indexes WHERE tablename = 'kept' ORDER BY 1");
    expect(values.flat()).toEqual(["kept_pkey", "kept_the_geom_idx", "kept_the_geom_webmercator_idx"]);
  });

  test("normalizes names and reports each change", async () => {
    await cc.write(new DataFrame([[1, 2]], { columns: ["Field: 2", "SELECT"] }), "My Trees (2017)");
    expect(printed()).toMatchInlineSnapshot(`
      "The table is named "my_trees_2017_".
      Columns renamed:
        Field: 2 → field_2
        SELECT → _select
      Wrote 1 row to "my_trees_2017_". Read it with \`await cc.read("my_trees_2017_")\`."
    `);
    expect((await cc.read("my_trees_2017_")).columns).toEqual([
      "cartodb_id",
      "the_geom",
      "field_2",
      "_select",
    ]);
  });

  test("a failed write leaves the old table unchanged and no other table", async () => {
    await cc.write(cities(), "kept_as_is");
    const bad = new DataFrame({ city: ["a\u0000b"] });
    await expect(cc.write(bad, "kept_as_is", { overwrite: true })).rejects.toThrow(InvalidArgumentError);
    await cc.query("CREATE VIEW seen AS SELECT * FROM kept_as_is");
    await expect(cc.write(cities(), "kept_as_is", { overwrite: true })).rejects.toThrow(
      /cannot be replaced, because views/,
    );
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(
      cc.write(cities(), "kept_as_is", { overwrite: true, signal: controller.signal }),
    ).rejects.toThrow("enough");
    expect((await cc.read("kept_as_is")).shape[0]).toBe(3);
  });

  test("an aborted write leaves the old table and no other", async () => {
    await cc.write(cities(), "middle");
    const big = new DataFrame({ a: Array.from({ length: 300_000 }, (_, i) => i) });
    for (const afterMs of [5, 50, 150, 300]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("stop")), afterMs);
      await cc.write(big, "middle", { overwrite: true, signal: controller.signal }).catch((error) => {
        expect(error.message).toBe("stop");
      });
    }
    expect([3, 300_000]).toContain(
      (await cc.query("SELECT count(*)::int AS n FROM middle")).values.flat()[0],
    );
  });

  test("writes back a frame that was read, unchanged", async () => {
    await cc.write(cities(), "first", { lnglat: ["lng", "lat"] });
    await cc.write(await cc.read("first"), "second");
    await cc.write(await cc.read("first", { decodeGeom: true }), "third");
    for (const copy of ["second", "third"]) {
      const difference = await cc.query(`SELECT * FROM first EXCEPT SELECT * FROM ${copy}`);
      expect([copy, difference.shape[0]]).toEqual([copy, 0]);
    }
  });

  test("1,000 columns with long names", async () => {
    const stem = "a_rather_long_name_of_a_census_variable_".padEnd(55, "x");
    const names = Array.from({ length: 1000 }, (_, i) => `${stem}${i}`);
    await cc.write(new DataFrame([names.map((_, i) => i)], { columns: names }), "wide");
    expect((await cc.read("wide")).shape).toEqual([1, 1002]);
  });

  test("encodes the column named by geomCol, and drops Z with a warning", async () => {
    const frame = new DataFrame([["POINT Z (1 2 3)"]], { columns: ["shape_"] });
    await cc.write(frame, "named_geometry", { geomCol: "shape_" });
    expect((await cc.query("SELECT ST_AsText(the_geom) FROM named_geometry")).values).toEqual([
      ["POINT(1 2)"],
    ]);
    expect(warned()).toContain("heights or measures");
  });

  test.each([
    ["a Map", new Map([["a", 1]]), "a Map"],
    ["typed numbers", new Float64Array(2), "a Float64Array"],
    ["a pattern", /x/, "a RegExp"],
  ])("rejects %s, which JSON would lose", async (_, value, what) => {
    const frame = new DataFrame([[1], [2]], { columns: ["v"] });
    rowsOf(frame)[1]![0] = value;
    await expect(cc.write(frame, "refused")).rejects.toThrow(what);
  });

  test("transforms other SRIDs in the database", async () => {
    const frame = new DataFrame([["a", "SRID=3857;POINT(0 0)"]], { columns: ["name", "geom"] });
    await cc.write(frame, "mercator", { encodeGeom: true, geomCol: "geom" });
    expect((await cc.query("SELECT ST_AsEWKT(the_geom) FROM mercator")).values).toEqual([
      ["SRID=4326;POINT(0 0)"],
    ]);
  });

  test("creates an empty table from an empty frame", async () => {
    await cc.write(new DataFrame([], { columns: ["a"], dtypes: ["float32"] }), "empty_frame");
    expect((await cc.read("empty_frame")).shape).toEqual([0, 3]);
  });

  test("treats names that contain SQL as names", async () => {
    const name = `x"; DROP TABLE cities; --'\\`;
    await cc.write(new DataFrame([[1]], { columns: [name] }), name);
    expect((await cc.tables()).column("name").values).toContain("x_drop_table_cities_");
    await expect(cc.read(name)).rejects.toThrow(TableNotFoundError);
    expect((await cc.read("cities")).shape[0]).toBe(3);
  });

  test("rejects anything but a frame", async () => {
    await expect(cc.write([{ a: 1 }] as never, "nope")).rejects.toThrow(InvalidArgumentError);
  });
});

describe("read", () => {
  test("applies limit, the order of columns, and the index", async () => {
    const df = await cc.read("cities", { limit: 2, index: "cartodb_id" });
    expect([df.shape, df.columns, df.index]).toEqual([
      [2, 5],
      ["cartodb_id", "the_geom", "city", "lng", "lat"],
      [0, 1],
    ]);
    expect((await cc.read("cities", { limit: 0 })).shape[0]).toBe(0);
    for (const limit of [-1, 1.5, Number.NaN, "1; DROP TABLE cities"]) {
      await expect(cc.read("cities", { limit: limit as number })).rejects.toThrow(InvalidArgumentError);
    }
  });

  test("decodeGeom adds wkx geometries", async () => {
    const df = await cc.read("cities", { decodeGeom: true });
    const geometries = df.column("geometry").values as unknown as (Geometry | null)[];
    expect(geometries[0]).toBeInstanceOf(Geometry);
    expect(geometries[0]!.toWkt()).toBe("POINT(-3.7038 40.4168)");
    expect(geometries[2] ?? null).toBeNull();
  });

  test("names a missing table", async () => {
    await expect(cc.read("citys")).rejects.toThrow(TableNotFoundError);
    await expect(cc.read("citys")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TableNotFoundError: No table is named "citys". Did you mean "cities"? List the tables with \`await cc.tables()\`.]`,
    );
  });

  test.each(["Ünïcödé", 'with "quotes"', "select", "a.b", "Columns", "1st"])(
    "a table called %s",
    async (name) => {
      await cc.query(
        `CREATE TABLE "${name.replaceAll('"', '""')}" AS SELECT 1 AS "values", 2 AS "shape", 3 AS "2016"`,
      );
      const df = await cc.read(name);
      expect([df.columns, df.values]).toEqual([["values", "shape", "2016"], [[1, 2, 3]]]);
      await cc.delete(name);
    },
  );
});

describe("query", () => {
  test.each<[string, string, unknown[][]]>([
    ["a semicolon and a comment at the end", "SELECT 1 AS a; -- done\n", [[1]]],
    ["a comment in front", "/* one */ -- two\n SELECT 1 AS a", [[1]]],
    ["parentheses", "(SELECT 1 AS a) UNION ALL (SELECT 2)", [[1], [2]]],
    ["VALUES", "VALUES (1,'x')", [[1, "x"]]],
    ["a semicolon in a string", "SELECT ';' AS a", [[";"]]],
    ["RETURNING", "INSERT INTO log VALUES (7) RETURNING i", [[7]]],
    ["a CTE that writes", "WITH w AS (INSERT INTO log VALUES (8) RETURNING i) SELECT i FROM w", [[8]]],
    ["several: rows of the last", "SELECT 1 AS a; SELECT 2 AS b, 3 AS c", [[2, 3]]],
    ["a CTE, then a write", "WITH w AS (SELECT 9 AS i) INSERT INTO log SELECT i FROM w RETURNING i", [[9]]],
    [
      "a CTE, then a delete",
      "WITH w AS (SELECT 9 AS i) DELETE FROM log USING w WHERE log.i = w.i RETURNING log.i",
      [[9]],
    ],
    ["a CTE called like a verb", "WITH delete AS (SELECT 1 AS i) SELECT i FROM delete", [[1]]],
    ["SELECT INTO", "SELECT 1 AS a INTO into_this", []],
    ["the word into in a string", "SELECT 'walk into town' AS a; -- it's all", [["walk into town"]]],
    [
      "exact numbers before a comment",
      "SELECT 9007199254740993::int8 AS big; -- note",
      [["9007199254740993"]],
    ],
    ["a banner of comments", `${"/* x */\n".repeat(60)}SELECT 1 AS a`, [[1]]],
    ["many blanks", `SELECT 1${" ".repeat(200_000)}AS a`, [[1]]],
    [
      "a join with * and one name twice",
      'SELECT * FROM (SELECT 1 AS id, 2 AS b) p JOIN (SELECT 1 AS id, 3 AS "c,""d") q ON p.id = q.id',
      [[1, 2, 3]],
    ],
    ["counts that are called alike", "SELECT count(*), count(*) + 1 AS count", [[2]]],
    ["SHOW", "SHOW server_encoding", [["UTF8"]]],
    ["nothing", "DELETE FROM log WHERE false", []],
    ["no rows", "SELECT 1 AS a WHERE false", []],
  ])("%s", async (_, sql, rows) => {
    await cc.query("CREATE TABLE IF NOT EXISTS log (i int)");
    const df = await cc.query(sql);
    expect(df.shape[0] === 0 ? [] : df.values).toEqual(rows);
  });

  test("runs a statement once", async () => {
    await cc.query("CREATE TABLE once (i int)");
    await cc.query("INSERT INTO once VALUES (1) RETURNING i");
    await cc.query("WITH w AS (INSERT INTO once VALUES (2) RETURNING i) SELECT * FROM w");
    expect((await cc.query("SELECT count(*)::int FROM once")).values).toEqual([[2]]);
  });

  test("returns types that JSON cannot represent", async () => {
    const df = await cc.query(`SELECT 9007199254740993 AS big, '2017-03-04 10:11:12.345'::timestamptz AS at,
      '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid AS id, array[1,null] AS list, '{"a":[1]}'::jsonb AS doc, '' AS empty`);
    const [big, at, id, list, doc, empty] = df.values[0] as unknown[];
    expect([big, id, list, doc, empty]).toEqual([
      "9007199254740993",
      "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
      [1, null],
      { a: [1] },
      "",
    ]);
    expect(new Date(at as string).getTime()).toBe(Date.UTC(2017, 2, 4, 10, 11, 12, 345));
    expect(warned()).toContain("big");
  });

  test("keeps PostgreSQL's error fields", async () => {
    const error = await cc.query("SELECT naem FROM (SELECT 1 AS name) t").catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({
      sqlState: "42703",
      hint: 'Perhaps you meant to reference the column "t.name".',
    });
    await expect(cc.query("  ")).rejects.toThrow(InvalidArgumentError);
    await expect(cc.query("SELECT 1/0 FROM generate_series(1,100000)")).rejects.toThrow("division by zero");
  });

  test("reports the error position in the statement as written", async () => {
    const failure = async (sql: string) => (await cc.query(sql).catch((thrown) => thrown)) as SqlError;
    const comma = "SELECT '👍' AS \"é\",\n\tstate,\n  FROM airports";
    const error = await failure(`${comma};`);
    expect(error.message).toMatchInlineSnapshot(`
      "syntax error at or near "FROM"
        Line 3:   FROM airports
                  ^"
    `);
    expect([error.sql, error.position]).toEqual([comma, [...comma].indexOf("F") + 1]);
    expect((await failure("SELECT 1 +")).message).toMatchInlineSnapshot(`
      "syntax error at end of input
        Line 1: SELECT 1 +
                          ^"
    `);
    expect(
      (await failure(`SELECT ${"1 + ".repeat(40)} nope + ${"2 + ".repeat(40)}3`)).message,
    ).toMatchInlineSnapshot(`
      "column "nope" does not exist
        Line 1: … 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 +  nope + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 +…
                                                                   ^"
    `);
    expect((await failure("SELECT 1/(i-5) FROM generate_series(1,10) i")).sql).toBe(
      "SELECT 1/(i-5) FROM generate_series(1,10) i",
    );
    expect((await failure("\n  SELEC 1")).message).toMatchInlineSnapshot(`
      "syntax error at or near "SELEC"
        Line 2:   SELEC 1
                  ^"
    `);
    expect((await failure("INSERT INTO nowhere (a) VALUES (1)")).message).toMatchInlineSnapshot(
      `"No table is named "nowhere". List the tables with \`await cc.tables()\`."`,
    );
    expect((await failure("CREATE TABLE x (a nosuch)")).message).toMatchInlineSnapshot(`
      "type "nosuch" does not exist
        Line 1: CREATE TABLE x (a nosuch)
                                  ^"
    `);
    expect((await failure("SELECT 1; SELECT nope")).message).toMatchInlineSnapshot(`
      "column "nope" does not exist
        Line 1: SELECT 1; SELECT nope
                                 ^"
    `);
  });

  test("cancels the statement on the server on abort", async () => {
    const signal = AbortSignal.timeout(500);
    await expect(cc.query("SELECT count(*) FROM generate_series(1, 1e10)", { signal })).rejects.toThrow();
    expect((await cc.query("SELECT 1 AS a")).values).toEqual([[1]]);
  });
});

test("delete", async () => {
  await cc.query("CREATE TABLE gone (a int)");
  await cc.delete("gone");
  await expect(cc.read("gone")).rejects.toThrow(TableNotFoundError);
  await expect(cc.delete("gone")).rejects.toThrow(TableNotFoundError);
});

test("tables", async () => {
  const df = await cc.tables();
  expect(df.columns).toEqual(["name", "geometry", "rows", "size", "updated"]);
  const row = (df.values as unknown[][]).find(([name]) => name === "cities")!;
  expect(row.slice(0, 3)).toEqual(["cities", "POINT", 3]);
});

test("two contexts on one home share its data and do not show the key", async () => {
  const other = new CartoContext({ baseUrl, apiKey: "secret-key-0123456789" });
  expect((await other.read("cities")).shape[0]).toBe(3);
  const { inspect } = await import("node:util");
  expect(inspect(other, { depth: 9, showHidden: true })).not.toContain("secret");
});

test.each(["mysql://me:pass@host/db", "ftp://x", "carto"])("rejects a URL like %s", (baseUrl) => {
  expect(() => new CartoContext({ baseUrl })).toThrow(InvalidArgumentError);
  expect(() => new CartoContext({ baseUrl })).not.toThrow(/pass/);
});
