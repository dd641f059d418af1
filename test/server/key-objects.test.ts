import { beforeAll, expect, test } from "vitest";
import { answerOf, json, serverForTests } from "../support/server";

/** What a key that may create tables and views can leave behind for those with more rights. */
const server = serverForTests();
beforeAll(async () => {
  await server.sql(`
    CREATE TABLE open_data (a int); INSERT INTO open_data VALUES (1), (2); GRANT SELECT ON open_data TO publicuser;
    CREATE TABLE secret (a int); INSERT INTO secret VALUES (42)`);
});

async function askAs(key: string, q: string) {
  return answerOf(await server.ask(`/api/v2/sql?${new URLSearchParams({ q, api_key: key })}`, { key: null }));
}

let token: string;
beforeAll(async () => {
  const grants = [
    { type: "apis", apis: ["sql", "maps"] },
    {
      type: "database",
      tables: [{ schema: "public", name: "open_data", permissions: ["select"] }],
      schemas: [{ name: "public", permissions: ["create"] }],
    },
  ];
  const { status, body } = await answerOf(
    await server.ask("/api/v3/api_keys", json({ name: "maker", grants })),
  );
  expect(status).toBe(201);
  ({ token } = body);
  await server.sql(`
    CREATE FUNCTION leaks(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
      $$ BEGIN EXECUTE 'CREATE TABLE leaked AS SELECT * FROM secret'; RETURN a; END $$`);
  expect((await askAs(token, "CREATE TABLE loot (cartodb_id int PRIMARY KEY, a int)")).status).toBe(200);
});

const copies = "CDB_SyncTable('secret', 'public', 'loot')::text";
const runs = "query_to_xml('CREATE TABLE leaked AS SELECT * FROM secret', true, true, '')";
test.each([
  `CREATE VIEW bait AS SELECT a, ${copies} FROM open_data`,
  `CREATE VIEW bait AS SELECT a FROM open_data WHERE ${copies} IS NULL`,
  `CREATE VIEW bait AS SELECT * FROM (SELECT a, (SELECT ${runs}) AS x FROM open_data) AS o`,
  `CREATE VIEW bait AS WITH w AS MATERIALIZED (SELECT ${runs} AS x) SELECT * FROM w`,
  `CREATE VIEW bait AS SELECT count(*) FILTER (WHERE ${runs} IS NULL) FROM open_data ORDER BY max(${runs}::text)`,
  `CREATE VIEW bait AS SELECT x FROM open_data, LATERAL ${runs} AS x`,
  `CREATE VIEW bait AS SELECT x FROM ROWS FROM (cartodb._CDB_Explain('SELECT 1')) AS x`,
  `CREATE VIEW bait AS SELECT a FROM open_data TABLESAMPLE system ((length(${runs}::text)))`,
  `CREATE VIEW bait AS SELECT a FROM open_data WINDOW w AS (ORDER BY ${runs}::text) LIMIT length(${runs}::text)`,
  `CREATE VIEW bait AS SELECT CASE WHEN a > 0 THEN ARRAY[coalesce(${runs}::text, '')] END FROM open_data`,
  `CREATE VIEW bait AS VALUES (set_config('role', 'postgres', false))`,
  `CREATE VIEW "U&""" AS SELECT U&"\\0071uery_to_xml"('SELECT 1', true, true, '')`,
  `CREATE VIEW bait AS SELECT table_to_xml('secret', true, true, '')`,
  `CREATE VIEW bait AS SELECT * FROM ts_stat('SELECT a::text::tsvector FROM secret')`,
  `CREATE VIEW bait AS SELECT pg_terminate_backend(pg_backend_pid())`,
  `CREATE VIEW bait AS SELECT pg_sleep(3600)::text`,
  `CREATE VIEW bait AS SELECT leaks(a) FROM open_data`,
  `CREATE VIEW bait (a) AS SELECT a FROM open_data; ALTER VIEW bait ALTER COLUMN a SET DEFAULT length(${runs}::text)`,
  `CREATE TABLE bait (a text DEFAULT ${runs}::text)`,
  `CREATE TABLE bait (a int); ALTER TABLE bait ALTER a SET DEFAULT length(${runs}::text)`,
  `CREATE TABLE bait (a int CHECK (${copies} IS NULL))`,
  `CREATE TABLE bait (a int); ALTER TABLE bait ADD CONSTRAINT c CHECK (${runs} IS NOT NULL) NOT VALID`,
  `CREATE TABLE bait (a int, b int GENERATED ALWAYS AS (leaks(a)) STORED)`,
  `CREATE TABLE bait (a int); CREATE INDEX ON bait (leaks(a))`,
  `CREATE TABLE bait (a int); CREATE UNIQUE INDEX ON bait (a) WHERE leaks(a) > 0`,
  `CREATE TABLE bait (a int, EXCLUDE USING btree (leaks(a) WITH =))`,
  `CREATE TABLE bait (a int) PARTITION BY RANGE (leaks(a))`,
  `BEGIN; CREATE VIEW bait AS SELECT ${copies}; COMMIT`,
  `SELECT 1; COMMIT; CREATE VIEW bait AS SELECT ${copies}; SELECT 1`,
  `CREATE MATERIALIZED VIEW bait AS SELECT ${copies}`,
  `CREATE OR REPLACE VIEW bait AS SELECT ${copies}`,
  `CREATE RECURSIVE VIEW bait (a) AS SELECT ${copies}`,
  "CREATE RULE r AS ON INSERT TO loot DO ALSO SELECT CDB_SyncTable('secret', 'public', 'loot')",
  "CREATE TRIGGER t BEFORE INSERT ON loot FOR EACH ROW EXECUTE FUNCTION cartodb.CDB_CheckQuota(1, '-1', 'a')",
  `CREATE POLICY p ON loot USING (${copies} IS NULL)`,
  "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
  "CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
  "CREATE CAST (text AS int) WITH INOUT",
  `CREATE DOMAIN d AS int CHECK (${copies} IS NULL)`,
  "CREATE AGGREGATE g (text) (SFUNC = textcat, STYPE = text)",
  "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
  "CREATE STATISTICS s ON a, (a + 1) FROM loot",
  "CREATE TABLE bait (LIKE secret INCLUDING ALL); INSERT INTO bait SELECT * FROM secret",
  "CREATE TABLE bait () INHERITS (secret)",
  "CREATE TABLE bait (a int REFERENCES secret)",
  "ALTER TABLE loot OWNER TO carto",
  "CREATE TABLE bait AS SELECT * FROM secret",
])("cannot leave a trap: %s", async (q) => {
  const { status, body } = await askAs(token, q);
  expect([400, 403], JSON.stringify(body)).toContain(status);
  const { rows } = await server.sql(
    "SELECT to_regclass('bait') AS bait, to_regclass('leaked') AS leaked, (SELECT count(*) FROM loot) AS n",
  );
  expect(rows).toEqual([{ bait: null, leaked: null, n: 0 }]);
});

test("says which function is refused, and where", async () => {
  expect(await askAs(token, `CREATE VIEW bait AS SELECT ${copies}`)).toMatchObject({
    status: 403,
    body: {
      error: ['permission denied for function cdb_synctable in "bait"'],
      hint: expect.stringContaining("immutable functions"),
    },
  });
});

test("can create tables and views of what it may read", async () => {
  for (const q of [
    `CREATE TABLE visits (cartodb_id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), n int DEFAULT 1 CHECK (n > 0),
       id uuid DEFAULT gen_random_uuid(), the_geom geometry(Geometry,4326),
       the_geom_webmercator geometry(Geometry,3857) GENERATED ALWAYS AS (CDB_TransformToWebmercator(the_geom)) STORED)`,
    "CREATE INDEX ON visits (lower(n::text), date_part('year', at AT TIME ZONE 'UTC'))",
    "SELECT CDB_CartodbfyTable('visits')",
    "INSERT INTO visits (n, the_geom) VALUES (2, CDB_LatLng(46, 7))",
    `CREATE VIEW seen AS SELECT to_char(at, 'YYYY') AS y, sum(n) AS n, json_agg(n) AS all_n, ST_AsText(ST_Union(ST_Transform(the_geom, 3857))) AS g
       FROM visits JOIN open_data ON true GROUP BY 1`,
    "BEGIN; INSERT INTO visits (n) VALUES (3); COMMIT",
  ]) {
    const { status, body } = await askAs(token, q);
    expect(status, `${q} ${JSON.stringify(body)}`).toBe(200);
  }
  expect((await server.sql("SELECT n FROM seen")).rows).toEqual([{ n: 10 }]);
  expect((await server.sql("INSERT INTO visits (n) VALUES (4)")).total_rows).toBe(1);
});

test("a failed statement leaves nothing of the others, and no transaction", async () => {
  expect((await askAs(token, "CREATE TABLE half (a int); SELECT 1 / 0")).status).toBe(400);
  expect((await server.sql("SELECT to_regclass('half') AS half")).rows).toEqual([{ half: null }]);
});

test("a COPY whose WHERE takes longer than 25 s is stopped, however slow the upload may be", async () => {
  const q = encodeURIComponent("COPY loot (cartodb_id) FROM STDIN WHERE pg_sleep(40) IS NOT NULL");
  const response = await server.ask(`/api/v2/sql/copyfrom?q=${q}&api_key=${token}`, {
    key: null,
    method: "POST",
    body: "1\n",
  });
  expect([response.status, await response.json()]).toEqual([
    429,
    expect.objectContaining({ error: [expect.stringContaining("SQL query timeout error")] }),
  ]);
  expect((await server.sql("SELECT count(*) AS n FROM loot")).rows).toEqual([{ n: 0 }]);
});
