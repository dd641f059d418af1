import { beforeAll, describe, expect, test } from "vitest";
import { DatasetResponse } from "../../src/api/schemas/datasets";
import { privacyOf, setPrivacy } from "../../src/server/datasets";
import { openPglite } from "../../src/server/engine/pglite";
import { temporaryDir } from "../support/engine";
import { answerOf, json, serverForTests } from "../support/server";

const server = serverForTests();

async function call(method: string, path: string, body?: unknown) {
  return answerOf(await server.ask(path, body === undefined ? { method } : json(body, method)));
}

async function makeTable(name: string, rows = 0): Promise<void> {
  const table = `"${name.replaceAll('"', '""')}"`;
  await server.sql(`
    CREATE TABLE ${table} (a int, the_geom geometry);
    SELECT CDB_CartodbfyTable('${table.replaceAll("'", "''")}');
    INSERT INTO ${table} (a, the_geom) SELECT i, CDB_LatLng(i, 0) FROM generate_series(1, ${rows}) i`);
}

const viz = (name: string) => `/api/v1/viz/${encodeURIComponent(name)}`;
const readable = async (name: string) =>
  (await server.ask(`/api/v2/sql?q=${encodeURIComponent(`SELECT 1 FROM "${name}"`)}`, { key: null }))
    .status === 200;

describe("a dataset", () => {
  test("is described by name, id, and name with schema, below each prefix", async () => {
    await makeTable("trees", 10);
    const { status, body } = await call("GET", viz("trees"));
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: "trees",
        type: "table",
        privacy: "PRIVATE",
        description: null,
        updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
        table: expect.objectContaining({ name: "trees", row_count: 10, geometry_types: ["ST_Point"] }),
      }),
    ]);
    expect(body.table.size).toBeGreaterThan(8000);
    expect(DatasetResponse.parse(body)).toMatchObject({ name: "trees", privacy: "PRIVATE" });
    for (const path of [
      viz(body.id),
      viz(body.id.toUpperCase()),
      viz("public.trees"),
      "/user/local/api/v1/viz/trees",
      "/u/local/api/v1/viz/trees/",
      `${viz("trees")}?type=table&exclude_shared=true`,
    ]) {
      expect((await call("GET", path)).body?.id, path).toBe(body.id);
    }
    const table = await call("GET", `/api/v1/tables/${body.id}`);
    expect(table.body).toMatchObject({
      id: body.id,
      name: "trees",
      rows_counted: 10,
      table_visualization: { id: body.id },
    });
  });

  test.each([
    "nothing",
    "pg_class",
    "..%2F..%2Fetc%2Fpasswd",
    "a'b",
    "%22trees%22",
    "%00",
    "trees;--",
    "x".repeat(600),
    "%E2%82",
    "cdb_tablemetadata",
    "information_schema.tables",
  ])("does not exist: %s", async (name) => {
    for (const method of ["GET", "DELETE"]) {
      const { status } = await call(method, `/api/v1/viz/${name}`);
      expect([400, 404, 414], `${method} ${status}`).toContain(status);
    }
  });

  test("does not include a plain SQL table, a view, or a table that is being written", async () => {
    await server.sql(`
      CREATE TABLE plain (a int); CREATE VIEW window_on_trees AS SELECT * FROM trees;
      CREATE TABLE cartoframes_tmp_0123456789abcdef (LIKE trees)`);
    for (const name of ["plain", "window_on_trees", "cartoframes_tmp_0123456789abcdef"]) {
      expect((await call("GET", viz(name))).status, name).toBe(404);
    }
    await server.sql("DROP VIEW window_on_trees; DROP TABLE cartoframes_tmp_0123456789abcdef");
  });

  test("the id stays with the table when renamed or cartodbfied again, not with the name", async () => {
    const { id } = (await call("GET", viz("trees"))).body;
    await server.sql(
      "ALTER TABLE trees RENAME TO oaks; ALTER TABLE oaks DROP COLUMN the_geom_webmercator; SELECT CDB_CartodbfyTable('oaks')",
    );
    expect((await call("GET", viz("oaks"))).body).toMatchObject({ id, table: { row_count: 10 } });
    await server.sql("DROP TABLE oaks");
    expect((await call("GET", viz(id))).status).toBe(404);
    await makeTable("oaks", 1);
    expect((await call("GET", viz("oaks"))).body.id).not.toBe(id);
    await server.sql("DROP TABLE oaks");
    await makeTable("trees", 10);
  });
});

describe("privacy", () => {
  test.each([
    ["PUBLIC", true],
    ["link", true],
    ["Private", false],
  ])("%s", async (privacy, isReadable) => {
    const { id } = (await call("GET", viz("trees"))).body;
    const changed = await call("PUT", viz(id), { privacy });
    expect([changed.status, changed.body.privacy, changed.body.table.privacy]).toEqual([
      200,
      privacy.toUpperCase(),
      privacy.toUpperCase(),
    ]);
    expect((await call("GET", viz("trees"))).body.privacy).toBe(privacy.toUpperCase());
    expect(await readable("trees")).toBe(isReadable);
  });

  test("reflects GRANT in SQL; PRIVATE revokes all grants", async () => {
    for (const grant of [
      "GRANT SELECT ON trees TO publicuser",
      "GRANT SELECT ON trees TO PUBLIC",
      "GRANT SELECT (a) ON trees TO publicuser",
    ]) {
      await server.sql(grant);
      expect((await call("GET", viz("trees"))).body.privacy, grant).toBe("PUBLIC");
      await call("PUT", viz("trees"), { privacy: "PRIVATE" });
      expect([(await call("GET", viz("trees"))).body.privacy, await readable("trees")], grant).toEqual([
        "PRIVATE",
        false,
      ]);
    }
  });

  test("survives cartodbfying and renaming; a new table of the old name is private", async () => {
    await call("PUT", viz("trees"), { privacy: "LINK" });
    await server.sql(
      "ALTER TABLE trees DROP COLUMN the_geom_webmercator; SELECT CDB_CartodbfyTable('trees'); ALTER TABLE trees RENAME TO oaks",
    );
    expect((await call("GET", viz("oaks"))).body.privacy).toBe("LINK");
    await server.sql("DROP TABLE oaks");
    await makeTable("oaks");
    expect((await call("GET", viz("oaks"))).body.privacy).toBe("PRIVATE");
    await server.sql("DROP TABLE oaks");
    await makeTable("trees", 10);
  });

  test.each([
    [{ privacy: "PASSWORD" }, "privacy must be PUBLIC, LINK or PRIVATE"],
    [{ privacy: "x'; DROP TABLE trees" }, "privacy must be PUBLIC, LINK or PRIVATE"],
    [{ privacy: 1 }, expect.any(String)],
    [{ name: ["a"] }, expect.any(String)],
    [[], expect.any(String)],
  ])("rejects %j", async (body, message) => {
    const answer = await call("PUT", viz("trees"), body);
    expect(answer).toEqual({ status: 400, body: { error: [message], errors: [message] } });
    expect((await call("GET", viz("trees"))).body.privacy).toBe("PRIVATE");
  });

  test("the server's functions work for any table of the schema, of any name", async () => {
    const engine = await openPglite({ dataDir: `${temporaryDir()}/data` });
    try {
      await engine.query(`CREATE TABLE "A ""b" (a int); CREATE TABLE cdb_conf (a int)`);
      for (const privacy of ["PUBLIC", "LINK", "PRIVATE"] as const) {
        for (const table of ['A "b', "cdb_conf"]) {
          await setPrivacy(engine, table, privacy);
          expect(await privacyOf(engine, table)).toBe(privacy);
        }
      }
      expect(await privacyOf(engine, "nowhere")).toBeUndefined();
      await expect(setPrivacy(engine, "nowhere", "PUBLIC")).rejects.toThrow(
        /relation "public\.nowhere" does not exist/,
      );
      await expect(setPrivacy(engine, "cdb_datasets", "PUBLIC")).rejects.toThrow(/does not exist/);
      const { statements } = await engine.query(
        "SELECT has_table_privilege('publicuser', 'cartodb.cdb_conf', 'SELECT')",
      );
      expect(statements[0]!.rows).toEqual([["f"]]);
    } finally {
      await engine.close();
    }
  });
});

describe("PUT", () => {
  test("renames a table with its key and indexes, and changes its description", async () => {
    const { id } = (await call("GET", viz("trees"))).body;
    const changed = await call("PUT", viz(id), { name: "My Trees (2017)", description: 'it\'s \\ "fine"' });
    expect(changed.body).toMatchObject({ id, name: "my_trees_2017_", description: 'it\'s \\ "fine"' });
    const { rows } = await server.sql(
      "SELECT indexname FROM pg_indexes WHERE tablename = 'my_trees_2017_' ORDER BY 1",
    );
    expect(rows.map(({ indexname }) => indexname)).toEqual([
      "my_trees_2017__pkey",
      "my_trees_2017__the_geom_idx",
      "my_trees_2017__the_geom_webmercator_idx",
    ]);
    expect((await call("PUT", viz(id), { name: "trees", description: null })).body).toMatchObject({
      name: "trees",
      description: null,
    });
  });

  test("changes nothing if the name is taken, not even the privacy", async () => {
    await makeTable("taken");
    const { status, body } = await call("PUT", viz("trees"), { name: "taken", privacy: "PUBLIC" });
    expect([status, body.errors]).toEqual([400, ['relation "taken" already exists']]);
    expect((await call("GET", viz("trees"))).body.privacy).toBe("PRIVATE");
  });

  test("accepts a complete dataset as returned, with the key in the body", async () => {
    const { body } = await call("GET", viz("trees"));
    const put = async (change: object) =>
      answerOf(await server.ask(viz("trees"), { ...json({ ...body, ...change }, "PUT"), key: null }));
    const changed = await put({ privacy: "LINK", api_key: server.key, table: null, permission: null });
    expect([changed.status, changed.body.privacy]).toEqual([200, "LINK"]);
    expect((await put({ api_key: "wrong" })).status).toBe(401);
  });

  test("changes nothing without parameters", async () => {
    expect((await call("PUT", viz("trees"), {})).body).toMatchObject({ name: "trees", privacy: "LINK" });
    const empty = await server.ask(viz("trees"), {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: "",
    });
    expect(empty.status).toBe(200);
  });
});

describe("DELETE", () => {
  test.each(["gone", 'odd "name" /\\ with %2F', "ünïcode 🌳", "select", "A.B"])("drops %s", async (name) => {
    await makeTable(name, 2);
    expect((await call("GET", viz(name))).body).toMatchObject({ name, table: { row_count: 2 } });
    expect(await call("DELETE", viz(name))).toEqual({ status: 204, body: undefined });
    expect((await call("DELETE", viz(name))).status).toBe(404);
    expect((await call("GET", viz(name))).status).toBe(404);
  });

  test("keeps a table that a view depends on, and says so", async () => {
    await makeTable("needed");
    await server.sql("CREATE VIEW needs_it AS SELECT * FROM needed");
    const { status, body } = await call("DELETE", viz("needed"));
    expect([status, body.errors]).toEqual([
      400,
      ["cannot drop table needed because other objects depend on it"],
    ]);
    await server.sql("DROP VIEW needs_it");
    const response = await server.ask(viz("needed"), {
      method: "DELETE",
      headers: { "Content-Type": "application/json" },
    });
    expect(response.status).toBe(204);
  });
});

describe("the list", () => {
  beforeAll(async () => {
    await server.sql("DROP TABLE IF EXISTS trees, taken, plain, oaks");
    for (const [name, rows] of [
      ["alpha", 1],
      ["beta", 500],
      ["gamma", 0],
    ] as const)
      await makeTable(name, rows);
    await server.sql("COMMENT ON TABLE gamma IS 'All of ALPHA'; GRANT SELECT ON beta TO publicuser");
  });
  const namesOf = async (query: string) => {
    const { status, body } = await call("GET", `/api/v1/viz${query}`);
    expect(status).toBe(200);
    return [body.total_entries, ...body.visualizations.map(({ name }: { name: string }) => name)];
  };

  test.each<[string, unknown[]]>([
    ["?type=table&exclude_shared=true&page=1&per_page=20&order=name", [3, "alpha", "beta", "gamma"]],
    ["/?type=table&order=name&order_direction=desc", [3, "gamma", "beta", "alpha"]],
    ["?order=size&per_page=1", [3, "beta"]],
    ["?order=name&per_page=2&page=2", [3, "gamma"]],
    ["?order=name&per_page=2&page=3", [3]],
    ["?order=name&per_page=0&page=-1&page=nonsense", [3, "alpha", "beta", "gamma"]],
    ["?order=name&page=99999999999999999999", [3]],
    ["?q=ALPHA&order=name", [2, "alpha", "gamma"]],
    ["?q=%25", [0]],
    ["?q=%27%3B+DROP+TABLE+alpha%3B--", [0]],
    ["?privacy=public", [1, "beta"]],
    ["?type=derived", [0]],
    ["?types=derived,table&order=name", [3, "alpha", "beta", "gamma"]],
  ])("%s", async (query, expected) => {
    expect(await namesOf(query)).toEqual(expected);
  });

  test("is sorted by newest first by default", async () => {
    await server.sql("SELECT pg_sleep(1.1); UPDATE alpha SET a = 2");
    expect((await namesOf("?type=table")).slice(0, 2)).toEqual([3, "alpha"]);
  });

  test.each(["?order=x;drop", "?order_direction=sideways", "?privacy=secret"])(
    "rejects %s",
    async (query) => {
      expect((await call("GET", `/api/v1/viz${query}`)).status).toBe(400);
    },
  );

  test("is empty for an empty account", async () => {
    await server.sql("DROP TABLE alpha, beta, gamma");
    expect((await call("GET", "/api/v1/viz")).body).toEqual({
      visualizations: [],
      total_entries: 0,
      total_user_entries: 0,
      total_likes: 0,
      total_shared: 0,
    });
  });
});
