import { describe, expect, test } from "vitest";
import { literal } from "../../../src/sql";
import { defaultEngine, useEngine } from "../../support/engine";

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
  ])("clips to the box: %s", async (_name, ewkt) => {
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
  ])("returns NULL for %s", async (_name, ewkt) => {
    expect(await db.rows(`SELECT CDB_TransformToWebmercator(${literal(ewkt)}::geometry)`)).toEqual([[null]]);
  });

  test("keeps MULTI types, and Web Mercator even outside the box", async () => {
    expect(
      await db.rows(`
        SELECT GeometryType(CDB_TransformToWebmercator('SRID=4326;MULTIPOINT((1 2),(1 91))')),
          ST_AsEWKT(CDB_TransformToWebmercator('SRID=3857;POINT(1e9 1e9)')),
          CDB_TransformToWebmercator(NULL)`),
    ).toEqual([["MULTIPOINT", "SRID=3857;POINT(1000000000 1000000000)", null]]);
  });
});

test("CDB_LatLng takes latitude first, and both number types", async () => {
  expect(
    await db.rows(
      "SELECT ST_AsEWKT(CDB_LatLng(40.4, -3.7)), ST_AsEWKT(CDB_LatLng(40.4::float8, -3.7::float8)), CDB_LatLng(NULL, 1)",
    ),
  ).toEqual([["SRID=4326;POINT(-3.7 40.4)", "SRID=4326;POINT(-3.7 40.4)", null]]);
});

test("CDB_UserTables distinguishes public and private tables", async () => {
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

test("CDB_TableMetadataTouch keeps one row per table, and none for dropped tables", async () => {
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

test("clients see a standalone account without quota", async () => {
  expect(await db.rows("SHOW search_path")).toEqual([["public, cartodb, cdb_observatory"]]);
  expect(await db.rows("SELECT CDB_Username(), _CDB_UserQuotaInBytes(), CDB_UserDataSize() > 0")).toEqual([
    [defaultEngine() === "pglite" ? "local" : "carto", "0", "t"],
  ]);
});

describe("classes", () => {
  // Expression, result; numbers as PostgreSQL writes them.
  test.each<[string, string | null]>([
    ["CDB_QuantileBins(ARRAY[1,2,3,4,5,6,7,8,9,10], 5)", "{2,4,6,8,10}"],
    ["CDB_QuantileBins(ARRAY[3,NULL,1,2], 2)", "{2,3}"],
    ["CDB_QuantileBins(ARRAY[5], 3)", "{5,5,5}"],
    ["CDB_QuantileBins('{}', 3)", null],
    ["CDB_QuantileBins(NULL, 3)", null],
    ["CDB_EqualIntervalBins(ARRAY[0,10]::numeric[], 4)::float8[]", "{2.5,5,7.5,10}"],
    ["CDB_EqualIntervalBins(ARRAY[7,NULL,1]::float8[], 2)", "{4,7}"],
    ["CDB_EqualIntervalBins(ARRAY[1,10], 3)", "{4,7,10}"],
    ["CDB_EqualIntervalBins(ARRAY[-2000000000,2000000000], 4)", "{-1000000000,0,1000000000,2000000000}"],
    ["pg_typeof(CDB_EqualIntervalBins(ARRAY[1,10], 3))", "integer[]"],
    ["CDB_EqualIntervalBins('{}'::float8[], 3)", null],
    ["CDB_HeadsTailsBins(ARRAY[1,1,1,1,1,1,1,1,1,11], 2)", "{2.0000000000000000,11.0000000000000000}"],
    ["CDB_HeadsTailsBins(ARRAY[1,2,3,4,10], 2)", "{4.0000000000000000,10.0000000000000000}"],
    ["CDB_HeadsTailsBins(ARRAY[5,5,5,5], 3)", "{5.0000000000000000}"],
    ["CDB_HeadsTailsBins(ARRAY[3,1,NULL,2], 3)", "{1,2,3}"],
    ["CDB_HeadsTailsBins(ARRAY[NULL]::numeric[], 3)", null],
    ["CDB_JenksBins(ARRAY[52,1,10,2,NULL,3,11,12,50,51], 3)", "{3,12,52}"],
    ["CDB_JenksBins(ARRAY[52,1,10,2,NULL,3,11,12,50,51], 3, 10, true)", "{1,10,50}"],
    ["CDB_JenksBins(ARRAY[3,1,1], 3)", "{1,3}"],
    ["CDB_JenksBins(ARRAY[1,2,3], 1)", "{3}"],
    ["CDB_JenksBins(ARRAY[1,'NaN',2,9]::numeric[], 2)", "{2,9}"],
    ["CDB_JenksBins('{}', 3)", null],
    ["CDB_JenksBins(NULL, 3)", null],
    ["CDB_JenksBins(ARRAY[1,2,3], 0)", null],
  ])("%s", async (expression, expected) => {
    expect(await db.rows(`SELECT ${expression}`)).toEqual([[expected]]);
  });

  test("CDB_JenksBins finds the optimal breaks", async () => {
    // Against every way to cut, on numbers of several seeds, large offsets included.
    for (const [seed, offset] of [
      [0.1, 0],
      [0.2, 0],
      [0.3, 1e9],
      [0.4, -50],
    ] as const) {
      const [row] = await db.rows(`
        SELECT setseed(${seed});
        CREATE TEMP TABLE v AS SELECT (${offset} + round(random() * random() * 1000))::numeric AS x FROM generate_series(1, 40);
        CREATE TEMP TABLE u AS SELECT DISTINCT x FROM v;
        WITH cuts AS (SELECT a.x AS a, b.x AS b FROM u a JOIN u b ON a.x < b.x WHERE b.x < (SELECT max(x) FROM u)),
          costs AS (
            SELECT a, b, (SELECT sum(c) FROM (
              SELECT sum(x * x) - sum(x) ^ 2 / count(*) AS c FROM v
              GROUP BY CASE WHEN x <= a THEN 1 WHEN x <= b THEN 2 ELSE 3 END) s) AS cost FROM cuts)
        SELECT (SELECT array_agg(x) FROM v), ARRAY[a, b, (SELECT max(x) FROM u)], CDB_JenksBins((SELECT array_agg(x) FROM v), 3)
        FROM costs ORDER BY cost LIMIT 1`);
      expect(row![2], `seed ${seed}: ${row![0]}`).toBe(row![1]);
    }
  });

  test("CDB_JenksBins accepts many values, and each is in the class of its bound", async () => {
    const [row] = await db.rows(`
      WITH bins AS (SELECT CDB_JenksBins(array_agg(i % 20000), 7) AS b FROM generate_series(1::numeric, 30000) i)
      SELECT cardinality(b), b[7], b = ARRAY(SELECT x FROM unnest(b) x ORDER BY x), cardinality(ARRAY(SELECT DISTINCT unnest(b))) FROM bins`);
    expect(row).toEqual(["7", "19999", "t", "7"]);
  });
});

test.each<[string, string | null]>([
  ["CDB_Math_Mode(x) FROM unnest(ARRAY['b','a','b',NULL,NULL,NULL]) x", "b"],
  ["CDB_Math_Mode(x) FROM unnest(ARRAY[2,1,2,1,3]) x", "1"],
  ["CDB_Math_Mode(x) FROM unnest(ARRAY['2017-03-04']::date[]) x", "2017-03-04"],
  ["CDB_Math_Mode(x) FROM unnest(ARRAY[]::float8[]) x", null],
  ["round(CDB_XYZ_Resolution(0)::numeric, 9)", "156543.033928041"],
  ["CDB_XYZ_Resolution(3) * 8 = CDB_XYZ_Resolution(0)", "t"],
  [
    "bool_and(CDB_XYZ_Extent(x, y, 5) = ST_TileEnvelope(5, x, y)) FROM generate_series(0, 31) x, generate_series(0, 31, 5) y",
    "t",
  ],
  ["ST_SRID(CDB_XYZ_Extent(1, 2, 3))", "3857"],
  ["CDB_XYZ_Extent(0, 0, NULL)", null],
  ["CDB_StringToDate('2017-03-04 10:11')", "2017-03-04 10:11:00"],
  ["CDB_StringToDate('86400')", "1970-01-02 00:00:00"],
  ["CDB_StringToDate('no date')", null],
  ["CDB_StringToDate(NULL)", null],
  ["CDB_DateToNumber('1970-01-02 00:00:00.5'::timestamp)", "86400.5"],
  ["CDB_DateToNumber('1970-01-02 01:00+01'::timestamptz)", "86400"],
  ["CDB_ColumnType('spatial_ref_sys', 'srtext')", "character varying"],
  ["CDB_ColumnType('spatial_ref_sys', 'nothing')", null],
])("SELECT %s", async (expression, expected) => {
  expect(await db.rows(`SELECT ${expression}`)).toEqual([[expected]]);
});

describe("queries as strings", () => {
  test.each([
    ["SELECT 1; SELECT 2;;", ["SELECT 1", "SELECT 2"]],
    [
      "SELECT ';', \"a;b\", E'\\';', $$;$$, $a$;$$;$a$; SELECT 2",
      ["SELECT ';', \"a;b\", E'\\';', $$;$$, $a$;$$;$a$", "SELECT 2"],
    ],
    [
      "SELECT 1 -- it's; one\n; /* ; /* ; */ ; */ SELECT 2",
      ["SELECT 1 -- it's; one", "/* ; /* ; */ ; */ SELECT 2"],
    ],
    ["SELECT 'it''s; one'; SELECT a$b;c$d", ["SELECT 'it''s; one'", "SELECT a$b", "c$d"]],
    ["SELECT $😀$;$😀$, é$a; SELECT $1", ["SELECT $😀$;$😀$, é$a", "SELECT $1"]],
    ["SELECT 'open; SELECT 2", ["SELECT 'open; SELECT 2"]],
    [" \n; -- nothing", []],
    ["", []],
  ])("CDB_QueryStatements(%j)", async (sql, statements) => {
    expect(await db.rows(`SELECT * FROM CDB_QueryStatements(${literal(sql)})`)).toEqual(
      statements.map((text) => [text]),
    );
  });

  test("CDB_QueryTablesText and CDB_QueryTables name the tables read and written, quoted and sorted", async () => {
    await db.rows(
      `CREATE TABLE "Odd ""t" (a int); CREATE TABLE even (a int); CREATE VIEW through AS SELECT * FROM "Odd ""t"`,
    );
    const tables = async (sql: string, suffix = "Text") =>
      (await db.rows(`SELECT array_to_json(CDB_QueryTables${suffix}(${literal(sql)}))`))[0]![0];
    expect(await tables("SELECT * FROM through, even; SELECT * FROM even")).toBe(
      '["public.\\"Odd \\"\\"t\\"","public.even"]',
    );
    expect(await tables("SELECT 1; BEGIN; CREATE TABLE x (a int)")).toBe("[]");
    expect(await tables("INSERT INTO even SELECT 1 FROM pg_class WHERE false", "")).toBe('["public.even"]');
    expect(await tables("WITH w AS (DELETE FROM even RETURNING a) SELECT * FROM w, pg_type", "")).toBe(
      '["pg_catalog.pg_type","public.even"]',
    );
    await expect(tables("SELECT * FROM nowhere")).rejects.toThrow('relation "nowhere" does not exist');
    expect(await db.rows("SELECT CDB_QueryTablesText(NULL)")).toEqual([[null]]);
  });

  test("CDB_EstimateRowCount analyzes tables that never were", async () => {
    await db.rows("CREATE TABLE counted AS SELECT i FROM generate_series(1, 5000) i");
    expect(await db.rows("SELECT CDB_EstimateRowCount('SELECT * FROM counted')")).toEqual([["5000"]]);
    expect(await db.rows("SELECT CDB_EstimateRowCount('SELECT * FROM counted LIMIT 7')")).toEqual([["7"]]);
    await expect(db.rows("SELECT CDB_EstimateRowCount('SELECT 1; DROP TABLE counted')")).rejects.toThrow(
      /multi-query/,
    );
    expect(await db.rows("SELECT count(*) FROM counted")).toEqual([["5000"]]);
  });
});

describe("quota", () => {
  test("is set per schema, returns the previous one, and stops writes beyond it", async () => {
    await db.rows("CREATE TABLE filling (a text); SELECT CDB_CartodbfyTable('filling')");
    expect(await db.rows("SELECT CDB_SetUserQuotaInBytes('public', 1000), _CDB_UserQuotaInBytes()")).toEqual([
      ["0", "0"],
    ]);
    expect(
      await db.rows("SELECT CDB_SetUserQuotaInBytes(2000), CDB_UserDataSize('public') = CDB_UserDataSize()"),
    ).toEqual([["1000", "t"]]);
    expect(await db.rows("SELECT _CDB_UserQuotaInBytes()")).toEqual([["2000"]]);
    await db.rows(
      `CREATE TRIGGER surely BEFORE INSERT ON filling EXECUTE FUNCTION cartodb.CDB_CheckQuota(1, '-1', 'public')`,
    );
    await expect(db.rows("INSERT INTO filling (a) VALUES ('x')")).rejects.toThrow(
      /^Quota exceeded by \d+KB$/,
    );
    await db.rows("DROP TRIGGER surely ON filling");
    const manyRows = "INSERT INTO filling (a) SELECT 'x' FROM generate_series(1, 30000)"; // 1 in 1,000 is looked at
    await expect(db.rows(manyRows)).rejects.toThrow(/^Quota exceeded/);
    await db.rows(`SELECT CDB_SetUserQuotaInBytes('public', 0); ${manyRows}`);
    await expect(db.rows("SELECT CDB_SetUserQuotaInBytes(-1)")).rejects.toThrow("a quota cannot be negative");
    await expect(db.rows("SELECT CDB_SetUserQuotaInBytes(1)", { role: "public" })).rejects.toThrow(
      /permission denied/,
    );
  });
});

describe("tables", () => {
  test("CDB_SyncTable makes one table equal to another, writing only differences", async () => {
    const state = async () => [
      await db.rows(`SELECT cartodb_id, "A b", j, own FROM "copy of" ORDER BY 1`),
      (await db.rows(`SELECT xmin FROM "copy of" WHERE cartodb_id = 1`))[0]![0],
    ];
    await db.rows(`
      CREATE TABLE origin (cartodb_id int PRIMARY KEY, "A b" text, j json, gone int, the_geom geometry);
      INSERT INTO origin VALUES (1, 'same', '{"a": 1}', 0, NULL), (2, 'old', NULL, 0, NULL), (3, 'deleted', NULL, 0, NULL);
      SELECT CDB_SyncTable('origin', 'public', 'copy of', '{gone}');
      ALTER TABLE "copy of" ADD COLUMN own text DEFAULT 'kept'`);
    const [, untouched] = await state();
    await db.rows(`
      UPDATE origin SET "A b" = NULL WHERE cartodb_id = 2; DELETE FROM origin WHERE cartodb_id = 3;
      INSERT INTO origin VALUES (4, 'new', '[]', 1, ST_MakePoint(1, 2));
      SELECT CDB_SyncTable('origin', 'public', 'copy of', '{gone,own}')`);
    expect(await state()).toEqual([
      [
        ["1", "same", '{"a": 1}', "kept"],
        ["2", null, null, "kept"],
        ["4", "new", "[]", "kept"],
      ],
      untouched,
    ]);
    await db.rows(`
      ALTER TABLE origin DROP COLUMN "A b", ADD COLUMN more int DEFAULT 5, ALTER COLUMN j TYPE jsonb;
      SELECT CDB_SyncTable('origin', 'public', 'copy of', '{gone}')`);
    expect(
      await db.rows(
        `SELECT n, CDB_ColumnType('"copy of"', n) FROM CDB_ColumnNames('"copy of"') n ORDER BY 1`,
      ),
    ).toEqual([
      ["cartodb_id", "integer"],
      ["j", "jsonb"],
      ["more", "integer"],
      ["the_geom", "geometry"],
    ]);
    expect(
      await db.rows(`SELECT cartodb_id, j, more, ST_AsText(the_geom) FROM "copy of" ORDER BY 1`),
    ).toEqual([
      ["1", '{"a": 1}', "5", null],
      ["2", null, "5", null],
      ["4", "[]", "5", "POINT(1 2)"],
    ]);
  });

  test("CDB_RegenerateTable rewrites a table without the space of dead rows", async () => {
    await db.rows(`
      CREATE TABLE "Worn out" (a text); SELECT CDB_CartodbfyTable('"Worn out"');
      INSERT INTO "Worn out" (a) SELECT repeat('x', 500) FROM generate_series(1, 1000);
      DELETE FROM "Worn out" WHERE cartodb_id > 10;
      CREATE TABLE sizes AS SELECT pg_relation_size('"Worn out"') AS bytes`);
    const [before, after] = await db.rows(`
      SELECT CDB_RegenerateTable('"Worn out"'); TABLE sizes UNION ALL SELECT pg_relation_size('"Worn out"')`);
    expect(Number(after![0])).toBeLessThan(Number(before![0]) / 10);
    expect(await db.rows(`SELECT count(*), max(cartodb_id) FROM "Worn out"`)).toEqual([["10", "10"]]);
    expect(
      await db.rows(`SELECT bool_or(indisclustered) FROM pg_index WHERE indrelid = '"Worn out"'::regclass`),
    ).toEqual([["f"]]);
    await expect(
      db.rows("CREATE TABLE keyless (a int); SELECT CDB_RegenerateTable('keyless')"),
    ).rejects.toThrow("public.keyless has no primary key");
  });
});
