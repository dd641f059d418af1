import { describe, expect, test } from "vitest";
import { ident, literal } from "../../../src/sql";
import { useEngine } from "../../support/engine";

const db = useEngine();

const GEOMETRY_COLUMNS = [
  ["the_geom", "geometry(Geometry,4326)"],
  ["the_geom_webmercator", "geometry(Geometry,3857)"],
];

async function columns(table: string): Promise<unknown> {
  return db.rows(`
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = ${literal(table)}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`);
}

/** Names of the constraint, indexes, sequence and triggers of a table. */
async function belongings(table: string): Promise<string[]> {
  const rows = await db.rows(`
    SELECT conname FROM pg_constraint WHERE conrelid = ${literal(table)}::regclass AND contype = 'p'
    UNION ALL
    SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = ${literal(table)}::regclass AND NOT indisprimary
    UNION ALL
    SELECT pg_get_serial_sequence(${literal(table)}, 'cartodb_id')
    UNION ALL
    SELECT tgname FROM pg_trigger WHERE tgrelid = ${literal(table)}::regclass AND NOT tgisinternal
    ORDER BY 1`);
  return rows.map(([name]) => name!);
}

async function filenode(table: string): Promise<string> {
  return (await db.rows(`SELECT pg_relation_filenode(${literal(table)})`))[0]![0]!;
}

describe("CDB_CartodbfyTable", () => {
  test("adds CARTO's columns to a plain table, in CARTO's order and with CARTO's names", async () => {
    await db.rows(`
      CREATE TABLE trees (name text DEFAULT 'oak', height float8 NOT NULL);
      INSERT INTO trees VALUES ('elm', 1), (DEFAULT, 2);
      SELECT CDB_CartodbfyTable('trees')`);
    expect(await columns("trees")).toEqual([
      ["cartodb_id", "bigint"],
      ...GEOMETRY_COLUMNS,
      ["name", "text"],
      ["height", "double precision"],
    ]);
    expect(await belongings("trees")).toEqual([
      "public.trees_cartodb_id_seq",
      "test_quota",
      "test_quota_per_row",
      "track_updates",
      "trees_pkey",
      "trees_the_geom_idx",
      "trees_the_geom_webmercator_idx",
      "update_the_geom_webmercator_trigger",
    ]);
    await db.rows("INSERT INTO trees (height, the_geom) VALUES (3, CDB_LatLng(40.4, -3.7))");
    expect(
      await db.rows(`
        SELECT cartodb_id, name, height, the_geom_webmercator = ST_Transform(the_geom, 3857) FROM trees ORDER BY 1`),
    ).toEqual([
      ["1", "elm", "1", null],
      ["2", "oak", "2", null],
      ["3", "oak", "3", "t"],
    ]);
  });

  test("changes nothing the second time", async () => {
    const before = await filenode("trees");
    await db.rows("SELECT CDB_CartodbfyTable('trees'); SELECT CDB_CartodbfyTable('public', 'trees')");
    expect(await filenode("trees")).toBe(before);
    expect(await belongings("trees")).toHaveLength(8);
  });

  test("follows an update of the_geom and records that the table changed", async () => {
    await db.rows(
      "UPDATE cartodb.cdb_tablemetadata SET updated_at = 'epoch' WHERE tabname = 'trees'::regclass",
    );
    await db.rows("UPDATE trees SET the_geom = CDB_LatLng(10, 20) WHERE cartodb_id = 1");
    expect(
      await db.rows(`
        SELECT ST_AsText(ST_Transform(the_geom_webmercator, 4326), 6),
          (SELECT updated_at > now() - interval '1 minute' FROM cartodb.cdb_tablemetadata WHERE tabname = 'trees'::regclass)
        FROM trees WHERE cartodb_id = 1`),
    ).toEqual([["POINT(20 10)", "t"]]);
  });

  test.each([
    [
      "text with EWKT, WKT, GeoJSON, hex and blanks",
      "text",
      [
        ["SRID=3857;POINT(0 0)", "POINT(0 0)"],
        ["POINT(1 2)", "POINT(1 2)"],
        ['{"type":"Point","coordinates":[3,4]}', "POINT(3 4)"],
        ["0101000020E6100000000000000000F03F0000000000000040", "POINT(1 2)"],
        ["  ", null],
      ],
    ],
    ["geometry without SRID", "geometry", [["POINT(1 2)", "POINT(1 2)"]]],
    ["geometry of another SRID", "geometry(Point,25830)", [["SRID=25830;POINT(500000 0)", "POINT(-3 0)"]]],
    [
      "geometries of several SRIDs",
      "geometry",
      [
        ["SRID=3857;POINT(0 0)", "POINT(0 0)"],
        ["SRID=4326;POINT(5 6)", "POINT(5 6)"],
      ],
    ],
    ["geometry with height", "geometry(PointZ,4326)", [["SRID=4326;POINT Z (1 2 3)", "POINT(1 2)"]]],
    ["geography", "geography", [["POINT(1 2)", "POINT(1 2)"]]],
  ] as const)("makes the_geom from %s", async (_name, type, cases) => {
    const values = cases.map(([value], i) => `(${i}, ${literal(value)}::text::${type})`).join(",");
    await db.rows(`
      DROP TABLE IF EXISTS src; CREATE TABLE src (n int, the_geom ${type});
      INSERT INTO src VALUES ${values};
      SELECT CDB_CartodbfyTable('src')`);
    const rows = await db.rows(
      "SELECT ST_AsText(the_geom, 6), ST_SRID(the_geom_webmercator) FROM src ORDER BY n",
    );
    expect(rows).toEqual(cases.map(([, wkt]) => [wkt, wkt && "3857"]));
    expect(await columns("src")).toEqual([["cartodb_id", "bigint"], ...GEOMETRY_COLUMNS, ["n", "integer"]]);
  });

  test("uses the first geometry without the_geom, the_geom_webmercator last", async () => {
    await db.rows(`
      CREATE TABLE places (a int, shape geometry(Point,4326), b int, other geometry);
      INSERT INTO places VALUES (1, 'SRID=4326;POINT(1 2)', 2, 'POINT(0 0)');
      CREATE TABLE mercator (a int, the_geom_webmercator geometry(Point,3857));
      INSERT INTO mercator VALUES (1, ST_Transform('SRID=4326;POINT(1 2)'::geometry, 3857));
      SELECT CDB_CartodbfyTable('places'); SELECT CDB_CartodbfyTable('mercator')`);
    expect(await columns("places")).toEqual([
      ["cartodb_id", "bigint"],
      ...GEOMETRY_COLUMNS,
      ["a", "integer"],
      ["b", "integer"],
      ["other", "geometry"],
    ]);
    expect(
      await db.rows(
        "SELECT ST_AsText(the_geom) FROM places UNION ALL SELECT ST_AsText(the_geom, 6) FROM mercator",
      ),
    ).toEqual([["POINT(1 2)"], ["POINT(1 2)"]]);
  });

  test.each([
    ["an integer", "cartodb_id int", "integer"],
    ["a bigint", "cartodb_id bigint", "bigint"],
    ["a text of integers", "cartodb_id text", "integer"],
    ["a float of integers", "cartodb_id float8", "integer"],
    ["an identity", "cartodb_id bigint GENERATED BY DEFAULT AS IDENTITY", "bigint"],
    ["a serial", "cartodb_id serial", "integer"],
    ["an integer primary key of another name", "gid int PRIMARY KEY", "integer"],
  ])("reuses %s", async (_name, definition, type) => {
    const column = definition.split(" ")[0]!;
    await db.rows(`
      DROP TABLE IF EXISTS ids; CREATE TABLE ids (${definition}, name text);
      INSERT INTO ids (${column}, name) VALUES (7, 'seven'), (3, 'three');
      SELECT CDB_CartodbfyTable('ids');
      INSERT INTO ids (name) VALUES ('next')`);
    expect(await columns("ids")).toEqual([["cartodb_id", type], ...GEOMETRY_COLUMNS, ["name", "text"]]);
    expect(await db.rows("SELECT cartodb_id, name FROM ids ORDER BY 1")).toEqual([
      ["3", "three"],
      ["7", "seven"],
      ["8", "next"],
    ]);
    expect((await belongings("ids")).slice(0, 2)).toEqual(["ids_pkey", "ids_the_geom_idx"]);
  });

  test.each([
    ["duplicates", "int", "(1), (1)"],
    ["a null", "int", "(1), (NULL)"],
    ["no integers", "text", "('x')"],
    ["fractions", "float8", "(1.5)"],
  ])("rejects a cartodb_id with %s and leaves the table unchanged", async (_name, type, values) => {
    await db.rows(
      `DROP TABLE IF EXISTS bad; CREATE TABLE bad (cartodb_id ${type}); INSERT INTO bad VALUES ${values}`,
    );
    await expect(db.rows("SELECT CDB_CartodbfyTable('bad')")).rejects.toThrow(
      "invalid cartodb_id in public.bad: ",
    );
    expect(await columns("bad")).toHaveLength(1);
  });

  test.each(["Mixed Case", 'quo"te', "naïve ☃ 表", "x".repeat(63), "é".repeat(31), "ñandú".repeat(9)])(
    "limits the names of objects of %j to 63 bytes",
    async (name) => {
      await db.rows(`
        CREATE TABLE ${ident(name)} (a int); INSERT INTO ${ident(name)} VALUES (1);
        SELECT CDB_CartodbfyTable(${literal(`public.${ident(name)}`)})`);
      expect(await db.rows(`SELECT cartodb_id, a FROM ${ident(name)}`)).toEqual([["1", "1"]]);
      const [[pkey, sequence]] = (await db.rows(`
        SELECT conname, (SELECT relname FROM pg_class WHERE oid = pg_get_serial_sequence(${literal(ident(name))}, 'cartodb_id')::regclass)
        FROM pg_constraint WHERE conrelid = ${literal(ident(name))}::regclass AND contype = 'p'`)) as [
        [string, string],
      ];
      expect(pkey.endsWith("_pkey") && name.startsWith(pkey.slice(0, -"_pkey".length))).toBe(true);
      expect(sequence.endsWith("_cartodb_id_seq")).toBe(true);
      await db.rows(`DROP TABLE ${ident(name)}`);
    },
  );

  test("keeps the dependent objects of a table it has to copy", async () => {
    await db.rows(`
      CREATE TABLE parent (code text PRIMARY KEY); INSERT INTO parent VALUES ('a');
      CREATE TABLE child (
        code text NOT NULL REFERENCES parent, n serial, amount numeric(6,2) DEFAULT 1.5 CHECK (amount > 0), label text UNIQUE,
        the_geom text
      );
      CREATE INDEX child_amount ON child (amount) WHERE amount > 1;
      CREATE INDEX child_the_geom_text ON child (the_geom);
      COMMENT ON COLUMN child.amount IS 'in euros';
      GRANT SELECT ON child TO publicuser;
      INSERT INTO child (code, label, the_geom) VALUES ('a', 'x', 'POINT(1 2)');
      SELECT CDB_CartodbfyTable('child');
      INSERT INTO child (code, label) VALUES ('a', 'y')`);
    expect(
      await db.rows("SELECT cartodb_id, code, n, amount, label FROM child ORDER BY 1", { role: "public" }),
    ).toEqual([
      ["1", "a", "1", "1.50", "x"],
      ["2", "a", "2", "1.50", "y"],
    ]);
    expect(
      await db.rows(
        "SELECT col_description('child'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'child'::regclass AND attname = 'amount'",
      ),
    ).toEqual([["in euros"]]);
    expect(await belongings("child")).toEqual(expect.arrayContaining(["child_amount", "child_label_key"]));
    await expect(db.rows("INSERT INTO child (code) VALUES ('b')")).rejects.toMatchObject({ code: "23503" });
    await expect(db.rows("INSERT INTO child (code, amount) VALUES ('a', 0)")).rejects.toMatchObject({
      code: "23514",
    });
    await expect(db.rows("INSERT INTO child (code, label) VALUES ('a', 'y')")).rejects.toMatchObject({
      code: "23505",
    });
  });

  test("finishes a freshly loaded table without touching its rows", async () => {
    await db.rows(`
      CREATE TABLE fresh (
        cartodb_id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
        the_geom geometry(Geometry,4326),
        the_geom_webmercator geometry(Geometry,3857) GENERATED ALWAYS AS (CDB_TransformToWebmercator(the_geom)) STORED,
        n int
      );
      INSERT INTO fresh (the_geom, n) SELECT ST_SetSRID(ST_MakePoint(n % 360 - 180, n % 182 - 91), 4326), n FROM generate_series(1, 1000) n`);
    const before = await filenode("fresh");
    await db.rows("SELECT CDB_CartodbfyTable('fresh')");
    expect(await filenode("fresh")).toBe(before);
    expect(await belongings("fresh")).toHaveLength(8);
    expect(
      await db.rows(
        "SELECT count(*) FROM fresh WHERE the_geom_webmercator IS DISTINCT FROM CDB_TransformToWebmercator(the_geom)",
      ),
    ).toEqual([["0"]]);
    await db.rows(
      "UPDATE fresh SET the_geom_webmercator = NULL WHERE n = 1; INSERT INTO fresh SELECT 5000, the_geom, NULL, 0 FROM fresh WHERE n = 2",
    );
    expect(
      await db.rows(
        "SELECT the_geom_webmercator = CDB_TransformToWebmercator(the_geom) FROM fresh WHERE cartodb_id = 5000",
      ),
    ).toEqual([["t"]]);
  });

  test("renames a loaded table to its final name", async () => {
    await db.rows(`
      CREATE TABLE target (a int); SELECT CDB_CartodbfyTable('target');
      CREATE TABLE loaded (a int); INSERT INTO loaded VALUES (1); SELECT CDB_CartodbfyTable('loaded')`);
    await db.rows(`
      DROP TABLE target;
      ALTER TABLE loaded RENAME TO target;
      ALTER INDEX loaded_pkey RENAME TO target_pkey;
      ALTER INDEX loaded_the_geom_idx RENAME TO target_the_geom_idx;
      ALTER INDEX loaded_the_geom_webmercator_idx RENAME TO target_the_geom_webmercator_idx;
      ALTER SEQUENCE loaded_cartodb_id_seq RENAME TO target_cartodb_id_seq`);
    expect(await belongings("target")).toEqual([
      "public.target_cartodb_id_seq",
      "target_pkey",
      "target_the_geom_idx",
      "target_the_geom_webmercator_idx",
      "test_quota",
      "test_quota_per_row",
      "track_updates",
      "update_the_geom_webmercator_trigger",
    ]);
    expect(await db.rows("INSERT INTO target (a) VALUES (2) RETURNING cartodb_id")).toEqual([["2"]]);
    const before = await filenode("target");
    await db.rows("SELECT CDB_CartodbfyTable('target')");
    expect(await filenode("target")).toBe(before);
  });

  test("moves the table to the given schema", async () => {
    await db.rows(
      `CREATE SCHEMA "Ana"; CREATE TABLE moved (a int); SELECT CDB_CartodbfyTable('Ana', 'moved')`,
    );
    expect(await belongings('"Ana".moved')).toEqual(
      expect.arrayContaining(['"Ana".moved_cartodb_id_seq', "moved_pkey"]),
    );
  });

  test.each([
    [
      "a view",
      "CREATE VIEW thing AS SELECT 1 AS a",
      "cannot cartodbfy public.thing: it is not an ordinary table",
    ],
    [
      "a the_geom that is not a geometry",
      "CREATE TABLE thing (the_geom int)",
      "the_geom is of type integer, not geometry",
    ],
  ])("rejects %s", async (_name, create, message) => {
    await db.rows(create);
    await expect(db.rows("SELECT CDB_CartodbfyTable('thing')")).rejects.toThrow(message);
    await db.rows(create.includes("VIEW") ? "DROP VIEW thing" : "DROP TABLE thing");
  });

  test("is not affected by the user's functions", async () => {
    await db.rows(`
      CREATE FUNCTION public.format(text, regclass, name) RETURNS text LANGUAGE sql AS $$ SELECT 'SELECT 1/0' $$;
      CREATE TABLE astray (gid int PRIMARY KEY);
      SET search_path = public, pg_catalog; SELECT cartodb.CDB_CartodbfyTable('astray')`);
    expect(await columns("astray")).toHaveLength(3);
    await db.rows("DROP FUNCTION public.format(text, regclass, name)");
  });
});
