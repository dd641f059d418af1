import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ApiKeys } from "../../src/server/keys";
import { answerOf, json, serverForTests } from "../support/server";

const server = serverForTests();
beforeAll(async () => {
  await server.sql(`
    CREATE TABLE open_data (a int, the_geom geometry); SELECT CDB_CartodbfyTable('open_data');
    INSERT INTO open_data (a) VALUES (1), (2); GRANT SELECT ON open_data TO publicuser;
    CREATE TABLE secret (a int); INSERT INTO secret VALUES (42);
    CREATE VIEW window_on_secret AS SELECT * FROM secret; GRANT SELECT ON window_on_secret TO publicuser;
    CREATE VIEW catalogue AS SELECT relname FROM pg_class; GRANT SELECT ON catalogue TO publicuser`);
});

async function askAs(key: string | null, q: string, path = "/api/v2/sql") {
  const parameters = new URLSearchParams({ q, ...(key !== null && { api_key: key }) });
  const response = await server.ask(`${path}?${parameters}`, { key: null });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

describe("without a key, or with default_public", () => {
  test.each([null, "default_public"])("%s: can read public tables", async (key) => {
    expect(await askAs(key, "SELECT a FROM open_data ORDER BY a")).toMatchObject({
      status: 200,
      body: { rows: [{ a: 1 }, { a: 2 }] },
    });
    expect(await askAs(key, "SELECT a FROM window_on_secret")).toMatchObject({ body: { rows: [{ a: 42 }] } });
    expect((await askAs(key, "COPY open_data (a) TO STDOUT", "/api/v2/sql/copyto")).body).toBe("1\n2\n");
    const csv = await server.ask("/api/v2/sql?format=csv&q=SELECT+a,a+AS+b+FROM+open_data+LIMIT+1", {
      key: null,
    });
    expect(await csv.text()).toBe("a,b\r\n1,1\r\n");
  });

  test("the key in a body, in Basic, repeated; the first place that has one counts", async () => {
    const statusOf = async (path: string, init: RequestInit) =>
      (await server.ask(path, { key: null, ...init })).status;
    const basic = (user: string, key: string) => ({
      headers: { Authorization: `Basic ${btoa(`${user}:${key}`)}` },
    });
    const q = "q=SELECT+*+FROM+secret";
    expect(await statusOf(`/api/v2/sql?${q}&api_key=${server.key}`, basic("local", "default_public"))).toBe(
      403,
    );
    expect(await statusOf(`/api/v2/sql?${q}&api_key=default_public`, basic("local", server.key))).toBe(200);
    expect(await statusOf(`/api/v2/sql?${q}`, basic("127", server.key))).toBe(200); // an account out of the host's name
    expect(await statusOf(`/api/v2/sql?${q}&api_key=default_public&api_key=${server.key}`, {})).toBe(200);
    expect(await statusOf(`/api/v2/sql?${q}&map_key=${server.key}`, {})).toBe(200);
    const json = { method: "POST", headers: { "Content-Type": "application/json" } };
    const body = { q: "SELECT * FROM secret" };
    expect(await statusOf("/api/v2/sql", { ...json, body: JSON.stringify(body) })).toBe(403);
    expect(
      await statusOf("/api/v2/sql", { ...json, body: JSON.stringify({ ...body, api_key: server.key }) }),
    ).toBe(200);
    for (const api_key of [12, {}, [], [[server.key]], false, ""]) {
      const status = await statusOf("/api/v2/sql", { ...json, body: JSON.stringify({ ...body, api_key }) });
      expect([401, 403], JSON.stringify(api_key)).toContain(status);
    }
  });

  // Reference §1.3 and §2.7.
  test.each([
    ["SELECT * FROM secret", 403, "permission denied for table secret"],
    ["INSERT INTO open_data (a) VALUES (3)", 403, "permission denied for table open_data"],
    ["DROP TABLE open_data", 403, "permission denied for DROP"],
    ["SELECT * FROM pg_class", 403, "system tables are forbidden"],
    ["SELECT 1; SELECT * FROM pg_catalog.pg_tables", 403, "system tables are forbidden"],
    ["SELECT * FROM information_schema.columns", 403, "system tables are forbidden"],
    ["SELECT * FROM catalogue", 403, "system tables are forbidden"],
    [
      "WITH a AS (SELECT 1 FROM pg_type) SELECT 1 WHERE EXISTS (SELECT FROM a)",
      403,
      "system tables are forbidden",
    ],
    ["SELECT * FROM spatial_ref_sys", 403, "system tables are forbidden"],
    ["SELECT * FROM cdb_tablemetadata", 403, "permission denied for table cdb_tablemetadata"],
    ["SELECT * FROM cartodb.cdb_datasets", 403, "permission denied for table cdb_datasets"],
    ["SELECT naem FROM open_data", 400, 'column "naem" does not exist'],
  ])("%s", async (q, status, error) => {
    expect(await askAs(null, q)).toMatchObject({ status, body: { error: [error] } });
  });

  test.each([
    ["COPY pg_class TO STDOUT", 403, "system tables are forbidden"],
    ["COPY (SELECT relname FROM pg_class) TO STDOUT WITH (FORMAT csv)", 403, "system tables are forbidden"],
    ['COPY "pg_catalog"."pg_class" (relname) TO STDOUT', 403, "system tables are forbidden"],
    ["COPY secret TO STDOUT", 403, "permission denied for table secret"],
    ["COPY open_data TO '/pglite/data/x'", 400, "COPY to or from a file on the server is not allowed"],
  ])("%s", async (q, status, error) => {
    const answer = await askAs(null, q, "/api/v2/sql/copyto");
    expect(answer).toMatchObject({ status, body: { error: [error] } });
  });

  test("error positions refer to the statement as sent", async () => {
    const response = await server.ask(
      `/api/v2/sql?q=${encodeURIComponent("SELECT '😀'; SELECT naem FROM open_data")}`,
      { key: null },
    );
    expect(response.headers.get("carto-sql-position")).toBe("20");
  });

  test("is rejected by master-only endpoints: 403 in the SQL API, 401 elsewhere", async () => {
    for (const key of [null, "default_public"]) {
      const suffix = key ? `?api_key=${key}` : "";
      const statusOf = async (path: string, init?: RequestInit) =>
        (await server.ask(path + suffix, { key: null, ...init })).status;
      expect(await statusOf("/api/v1/viz")).toBe(401);
      expect(await statusOf("/api/v1/viz/open_data", { method: "DELETE" })).toBe(401);
      expect(await statusOf("/cartoframes/status")).toBe(401);
      expect(await statusOf("/cartoframes/stop", { method: "POST" })).toBe(401);
      expect(await statusOf("/api/v3/api_keys", { method: "POST" })).toBe(401);
      expect(await statusOf("/api/v2/sql/copyfrom", { method: "POST" })).toBe(403);
    }
  });

  test("responses forbid other origins", async () => {
    const { headers } = await server.ask("/api/v2/sql?q=SELECT+1&callback=cb", { key: null });
    expect([headers.get("cross-origin-resource-policy"), headers.get("x-content-type-options")]).toEqual([
      "same-origin",
      "nosniff",
    ]);
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("no key can gain privileges", () => {
  const attacks = [
    "RESET ROLE; SELECT * FROM secret",
    "SET ROLE carto; SELECT * FROM secret",
    "SET SESSION AUTHORIZATION DEFAULT; SELECT * FROM secret",
    "BEGIN; SET LOCAL ROLE carto; SELECT * FROM secret",
    "DISCARD ALL; SELECT * FROM secret",
    "ROLLBACK; RESET ROLE; SELECT * FROM secret",
    // Places where PostgreSQL's scanner and a careless one part ways.
    "SELECT $😀$ ' $😀$; RESET ROLE; SELECT a FROM secret --'",
    "SELECT '1' AS \u00a0$x$; RESET ROLE; SELECT $y$ $x$ $y$, a FROM secret",
    "SELECT E'a'\n'b\\''; RESET ROLE; SELECT a FROM secret --'",
    "SELECT E'a' -- c\n -- d\n 'b\\''; RESET ROLE; SELECT a FROM secret --'",
    "SELECT 1 /* /* */ ; */ ; RESET ROLE; SELECT a FROM secret",
    "SELECT U&'\\0027'; RESET ROLE; SELECT a FROM secret",
    'SELECT 1 AS U&"a""b"; RESET ROLE; SELECT a FROM secret',
    "SELECT 1\u2028; RESET ROLE; SELECT a FROM secret",
    "SELECT 1 --\r; RESET ROLE; SELECT a FROM secret",
    // Functions that would run a text, or change a setting.
    "SELECT set_config('role', 'carto', false); SELECT * FROM secret",
    "SELECT query_to_xml('SELECT * FROM secret', true, true, '')",
    "SELECT table_to_xml('secret', true, true, '')",
    "SELECT * FROM ts_stat('SELECT a::text::tsvector FROM secret')",
    "SELECT st_findextent('secret', 'a\") FROM secret; RESET ROLE; --')",
    "SELECT addgeometrycolumn('', 'open_data', 'g; RESET ROLE', 4326, 'POINT', 2)",
    "SELECT postgis_extensions_upgrade()",
    "SELECT cartodb._CDB_Explain('SELECT 1; RESET ROLE')",
    "SELECT cartodb._CDB_Explain('ANALYZE SELECT 1')",
    "SELECT CDB_QueryTablesText('SELECT * FROM secret')",
    "SELECT CDB_EstimateRowCount('SELECT 1; RESET ROLE')",
    "SELECT CDB_CartodbfyTable('secret')",
    "SELECT CDB_TableMetadataTouch('secret')",
    "SELECT cartodb._CDB_Dataset_Register('secret', 'secret')",
    "SELECT CDB_SetUserQuotaInBytes(1)",
    "SELECT CDB_RegenerateTable('open_data')",
    "SELECT CDB_SyncTable('open_data', 'public', 'stolen')",
    "UPDATE pg_settings SET setting = 'carto' WHERE name = 'role'",
    // What would leave something behind, or reach a file.
    "CREATE TABLE mine (a int)",
    "SELECT 1 AS a INTO mine",
    "CREATE TEMP TABLE mine (a int)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DO $$ BEGIN RESET ROLE; END $$",
    "PREPARE p AS SELECT 1",
    "EXPLAIN ANALYZE DELETE FROM open_data",
    "WITH gone AS (DELETE FROM open_data RETURNING 1) SELECT * FROM gone",
    "SELECT lo_from_bytea(0, '\\x00')",
    "SELECT lo_import('/pglite/data/PG_VERSION')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "COPY secret TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/pglite/data/x'",
    "SELECT 1; COPY secret TO STDOUT",
    "GRANT carto TO publicuser",
    "ALTER ROLE publicuser SUPERUSER",
    "LISTEN a",
    "LOCK TABLE open_data",
    "CALL f()",
    "REFRESH MATERIALIZED VIEW v",
    "SHOW hba_file",
  ];
  test.each(attacks)("%s", async (q) => {
    const { status, body } = await askAs(null, q);
    expect([400, 403], JSON.stringify(body)).toContain(status);
    expect(JSON.stringify(body)).not.toContain("42");
  });

  test.each([
    "COPY (SELECT 1) TO STDOUT; RESET ROLE; COPY secret TO STDOUT",
    "COPY (SELECT $😀$ ' $😀$) TO STDOUT; COPY secret TO STDOUT --'",
    "COPY (SELECT 1) TO STDOUT \u00a0$x$; COPY secret TO STDOUT --$x$",
    "COPY secret FROM STDIN",
  ])("copyto: %s", async (q) => {
    const { status, body } = await askAs(null, q, "/api/v2/sql/copyto");
    expect([400, 403]).toContain(status);
    expect(JSON.stringify(body)).not.toContain("42");
  });

  test.each(["geojson", "csv", "svg", "kml", "topojson", "arraybuffer"])(
    "%s stays within one query",
    async (format) => {
      for (const q of [
        "SELECT 1 AS a) AS x; RESET ROLE; SELECT * FROM (SELECT a FROM secret",
        "SELECT a, NULL::geometry AS the_geom FROM secret",
        "SELECT 1) TO STDOUT; COPY secret TO STDOUT --",
      ]) {
        const response = await server.ask(`/api/v2/sql?${new URLSearchParams({ q, format })}`, { key: null });
        expect([400, 403]).toContain(response.status);
        expect(await response.text()).not.toContain("42");
      }
    },
  );

  test("leaves everything unchanged", async () => {
    const { rows } = await server.sql(`
      SELECT current_user AS me, (SELECT count(*) FROM open_data) AS n, to_regclass('mine') AS mine,
        (SELECT count(*) FROM pg_largeobject_metadata) AS objects, _CDB_UserQuotaInBytes() AS quota`);
    expect(rows).toEqual([{ me: "carto", n: 2, mine: null, objects: 0, quota: 0 }]);
  });

  test("objects of the master key are private until granted", async () => {
    await server.sql(`
      CREATE TABLE fresh (a int);
      CREATE FUNCTION run(q text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; END $$;
      CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION one() TO publicuser`);
    expect((await askAs(null, "SELECT * FROM fresh")).status).toBe(403);
    expect(await askAs(null, "SELECT run('RESET ROLE')")).toMatchObject({
      body: { error: ["permission denied for function run"] },
    });
    expect(await askAs(null, "SELECT one()")).toMatchObject({ body: { rows: [{ one: 1 }] } });
  });
});

describe("the Auth API", () => {
  const call = async (
    path: string,
    { key = server.key, body, method = "GET" }: { key?: string | null; body?: unknown; method?: string } = {},
  ) => answerOf(await server.ask(path, { key, ...(body === undefined ? { method } : json(body, method)) }));
  const grants = (tables: object[] = [], more: object[] = []) => [
    { type: "apis", apis: ["sql"] },
    { type: "database", tables, schemas: more },
  ];

  test("lists and shows the two built-in keys", async () => {
    const { status, body } = await call("/user/local/api/v3/api_keys/");
    expect([status, body.total, body.count]).toEqual([200, 2, 2]);
    expect(body.result).toMatchObject([
      { name: "Master", type: "master", token: server.key, user: { username: "local" } },
      { name: "Default public", type: "default", token: "default_public" },
    ]);
    for (const name of ["Master", "master", "Default%20public", "default_public"]) {
      expect((await call(`/api/v3/api_keys/${name}`)).body.token, name).toMatch(
        name.startsWith("M") || name === "master" ? server.key : "default_public",
      );
    }
    expect((await call("/api/v3/api_keys?type=default&order=name")).body.result).toHaveLength(1);
    expect((await call("/api/v3/api_keys?page=2&per_page=1")).body).toMatchObject({
      total: 2,
      count: 1,
      result: [{ type: "default" }],
    });
  });

  test.each([
    ["no key", "/api/v3/api_keys", { key: null }, 401],
    ["an unknown one", "/api/v3/api_keys", { key: "nonsense" }, 401],
    ["an unknown name", "/api/v3/api_keys/nobody", {}, 404],
    ["a path as a name", "/api/v3/api_keys/..%2F..%2Fetc", {}, 404],
    ["deleting the master key", "/api/v3/api_keys/master", { method: "DELETE" }, 403],
    ["deleting default_public", "/api/v3/api_keys/Default%20public", { method: "DELETE" }, 403],
    ["regenerating the master key", "/api/v3/api_keys/master/token/regenerate", { method: "POST" }, 403],
    ["an unknown order", "/api/v3/api_keys?order=token", {}, 422],
  ])("rejects %s", async (_name, path, options, status) => {
    expect((await call(path, options)).status).toBe(status);
  });

  test.each<[string, unknown]>([
    ["no name", { grants: [] }],
    ["no grants", { name: "k" }],
    ["no apis", { name: "k", grants: [{ type: "database", tables: [] }] }],
    [
      "a type twice",
      {
        name: "k",
        grants: [
          { type: "apis", apis: ["sql"] },
          { type: "apis", apis: ["maps"] },
        ],
      },
    ],
    [
      "an unknown permission",
      {
        name: "k",
        grants: [
          { type: "apis", apis: ["sql"] },
          {
            type: "database",
            tables: [{ schema: "public", name: "secret", permissions: ["select; DROP TABLE secret"] }],
          },
        ],
      },
    ],
    [
      "a missing table",
      {
        name: "k",
        grants: [
          { type: "apis", apis: ["sql"] },
          {
            type: "database",
            tables: [{ schema: "public", name: 'x"; DROP TABLE secret; --', permissions: ["select"] }],
          },
        ],
      },
    ],
    ["a name that is taken", { name: "master", grants: [{ type: "apis", apis: ["sql"] }] }],
    ["a list", []],
    ["nothing", undefined],
  ])("creates no key for %s", async (_name, body) => {
    const answer = await call("/api/v3/api_keys", { method: "POST", body });
    expect([answer.status, Object.keys(answer.body)]).toEqual([422, ["errors"]]);
    expect((await call("/api/v3/api_keys")).body.total).toBe(2);
    expect(
      (await server.sql("SELECT count(*) AS n FROM pg_roles WHERE rolname LIKE 'cartoframes\\_key%'")).rows,
    ).toEqual([{ n: 0 }]);
  });

  test("a regular key can do only what was granted, until it is deleted", async () => {
    await server.sql(`
      CREATE TABLE "Odd ""table" (a int); CREATE TABLE log (a int, the_geom geometry); SELECT CDB_CartodbfyTable('log')`);
    const tables = [
      { schema: "public", name: 'Odd "table', permissions: ["select"] },
      { schema: "public", name: "log", permissions: ["select", "insert", "update"] },
    ];
    const made = await call("/api/v3/api_keys", {
      method: "POST",
      body: { name: "ro é/1", grants: grants(tables, [{ name: "public", permissions: ["create"] }]) },
    });
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ name: "ro é/1", type: "regular" }),
    ]);
    const { token } = made.body;
    const path = `/api/v3/api_keys/${encodeURIComponent("ro é/1")}`;
    expect((await call(path)).body).toEqual(made.body);
    expect((await call("/api/v3/api_keys", { key: token })).body).toMatchObject({
      total: 1,
      result: [{ token }],
    });
    expect((await call("/api/v3/api_keys/master", { key: token })).status).toBe(404);
    expect(
      (await call("/api/v3/api_keys", { key: token, method: "POST", body: { name: "x", grants: grants() } }))
        .status,
    ).toBe(401);

    const ok: [string, object][] = [
      ["SELECT a FROM open_data ORDER BY a LIMIT 1", { rows: [{ a: 1 }] }],
      ['SELECT * FROM "Odd ""table"', { rows: [] }],
      ["INSERT INTO log (a) VALUES (7) RETURNING cartodb_id", { rows: [{ cartodb_id: 1 }] }],
      ["UPDATE log SET a = 8", { total_rows: 1 }],
      ["CREATE TABLE its_own (a int, the_geom geometry)", { rows: [] }],
      ["SELECT CDB_CartodbfyTable('its_own')", {}],
      ["INSERT INTO its_own (a) VALUES (1)", { total_rows: 1 }],
    ];
    for (const [q, body] of ok) expect(await askAs(token, q), q).toMatchObject({ status: 200, body });
    const upload = await server.ask(
      `/api/v2/sql/copyfrom?q=${encodeURIComponent("COPY log (a) FROM STDIN")}&api_key=${token}`,
      { key: null, method: "POST", body: "1\n2\n" },
    );
    expect(await upload.json()).toMatchObject({ total_rows: 2 });
    expect((await server.sql("SELECT count(*) AS n FROM its_own")).rows).toEqual([{ n: 1 }]);

    for (const q of [
      "SELECT * FROM secret",
      "DELETE FROM log",
      'INSERT INTO "Odd ""table" VALUES (1)',
      "RESET ROLE; SELECT * FROM secret",
      "SELECT set_config('role', 'carto', false)",
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
      "CREATE ROLE r",
      "ALTER ROLE carto SUPERUSER",
      "DO $$ BEGIN END $$",
      "SELECT * FROM pg_class",
      "DROP FUNCTION run",
      "CREATE SCHEMA s",
      "CREATE TEMP TABLE t (a int)",
      "COPY log TO PROGRAM 'cat'",
    ]) {
      const answer = await askAs(token, q);
      expect([400, 403], `${q} ${JSON.stringify(answer.body)}`).toContain(answer.status);
    }
    expect((await askAs(token, "DROP TABLE log")).body.error).toEqual(["must be owner of table log"]);

    const renewed = await call(`${path}/token/regenerate`, { method: "POST" });
    expect(renewed.body.token).not.toBe(token);
    expect((await askAs(token, "SELECT 1")).status).toBe(401);
    expect((await askAs(renewed.body.token, "SELECT 1 AS a")).status).toBe(200);

    expect((await call(path, { method: "DELETE" })).status).toBe(204);
    expect((await askAs(renewed.body.token, "SELECT 1")).status).toBe(401);
    expect((await call(path, { method: "DELETE" })).status).toBe(404);
    const { rows } = await server.sql(
      "SELECT (SELECT count(*) FROM its_own) AS kept, (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'cartoframes\\_key%') AS roles",
    );
    expect(rows).toEqual([{ kept: 1, roles: 0 }]);
  });

  test("a key without the SQL API is rejected there", async () => {
    const { body } = await call("/api/v3/api_keys", {
      method: "POST",
      body: { name: "maps", grants: [{ type: "apis", apis: ["maps"] }] },
    });
    expect(await askAs(body.token, "SELECT 1")).toMatchObject({
      status: 403,
      body: { error: ["forbidden"] },
    });
  });

  test("keys survive the server, in a file that only its owner can read", async () => {
    const file = join(server.home, "api-keys.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).not.toContain(server.key);
    const keys = await ApiKeys.open(file, "master key");
    expect(keys.list().map(({ name }) => name)).toEqual(["Master", "Default public", "maps"]);
    expect(keys.find(keys.named("maps")!.token)?.role).toMatch(/^cartoframes_key_/);
    await expect(ApiKeys.open(join(server.home, "server.json"), "key")).rejects.toThrow(
      /server\.json is damaged/,
    );
  });
});

test("stops a statement of default_public after 25 s with CARTO's error", async () => {
  const response = await server.ask("/api/v2/sql?q=SELECT+pg_sleep(40)", { key: null });
  expect(response.status).toBe(429);
  expect(response.headers.get("retry-after")).toBeNull();
  expect(await response.json()).toEqual({
    error: [expect.stringMatching(/^You are over platform's limits: SQL query timeout error\./)],
    context: "limit",
    detail: "datasource",
  });
});
