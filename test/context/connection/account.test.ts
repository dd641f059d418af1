import { DataFrame } from "danfojs-node";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { fixedSource } from "../../../src/api/endpoint";
import { Transport } from "../../../src/api/transport";
import { CartoContext } from "../../../src/context/carto-context";
import { accountOf, firstSchema } from "../../../src/context/connection/account";
import {
  AuthenticationError,
  ConflictError,
  ServerError,
  TableExistsError,
  TableNotFoundError,
} from "../../../src/errors";
import { proxyForTests, type Tampering } from "../../support/proxy";
import { serverForTests } from "../../support/server";

const server = serverForTests();
const proxy = proxyForTests(server);
beforeAll(async () => {
  await server.sql("CREATE TABLE trees AS SELECT 'of public' AS owner");
});
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  proxy.tamper({});
});
afterEach(() => vi.restoreAllMocks());

const context = (apiKey = server.key) => new CartoContext({ baseUrl: proxy.baseUrl, apiKey });
const asked = (pattern: RegExp) => proxy.asked.filter(({ sql }) => pattern.test(sql)).length;
const AUTHENTICATION = /^SHOW search_path$|information_schema\.tables/;

describe("authentication", () => {
  test("sends no request before the first call, and one for concurrent first calls", async () => {
    const cc = context();
    expect(proxy.asked).toEqual([]);
    await Promise.all([cc.read("trees"), cc.query("SELECT 1"), cc.tables()]);
    await cc.query("SELECT 2");
    expect(asked(AUTHENTICATION)).toBe(2);
    expect(proxy.asked.slice(0, 2).every(({ sql }) => AUTHENTICATION.test(sql))).toBe(true);
  });

  test("connect verifies the key at once", async () => {
    await CartoContext.connect({ baseUrl: proxy.baseUrl, apiKey: server.key });
    expect(asked(AUTHENTICATION)).toBe(2);
    await expect(CartoContext.connect({ baseUrl: proxy.baseUrl, apiKey: "wrong-key" })).rejects.toThrow(
      AuthenticationError,
    );
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(
      CartoContext.connect({ baseUrl: proxy.baseUrl, apiKey: server.key, signal }),
    ).rejects.toThrow("enough");
  });

  test("reports the origin of a wrong key, and tries again on the next call", async () => {
    vi.stubEnv("CARTO_BASE_URL", proxy.baseUrl);
    vi.stubEnv("CARTO_API_KEY", "wrong-key");
    const cc = new CartoContext();
    const error = await cc.query("SELECT 1").catch((thrown) => thrown);
    vi.unstubAllEnvs();
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error.message.replace(/:\d+/, ":N")).toMatchInlineSnapshot(
      `"Cannot authenticate user "local" at http://127.0.0.1:N: The API key was refused (Unauthorized). Check the address and the key. The key comes from CARTO_API_KEY."`,
    );
    const before = asked(AUTHENTICATION);
    await cc.read("trees").catch(() => {});
    expect(asked(AUTHENTICATION)).toBeGreaterThan(before);
    expect(asked(/trees/)).toBe(0);
  });

  test("does not treat a network failure as a wrong key, or remember it", async () => {
    let isDown = true;
    proxy.tamper({
      before: (_asked, response) => void (isDown && response.writeHead(503).end('{"error":"down"}')),
    });
    const cc = context();
    await expect(cc.query("SELECT 1")).rejects.toThrow(ServerError);
    isDown = false;
    expect((await cc.query("SELECT 1 AS one")).values).toEqual([[1]]);
  });

  test("an aborted call does not stop concurrent ones", async () => {
    proxy.tamper({ before: () => new Promise((resolve) => setTimeout(resolve, 200)) });
    const cc = context();
    const controller = new AbortController();
    const first = cc.query("SELECT 1", { signal: controller.signal });
    const second = cc.query("SELECT 2 AS two");
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await expect(first).rejects.toThrow("enough");
    expect((await second).values).toEqual([[2]]);
    expect(asked(AUTHENTICATION)).toBe(2);
  });

  test("accepts a regular key that cannot read the catalog", async () => {
    proxy.tamper({
      before: ({ sql }, response) =>
        void (
          sql.includes("information_schema") &&
          response.writeHead(403).end('{"error":["system tables are forbidden"]}')
        ),
    });
    expect((await context().read("trees")).shape).toEqual([1, 1]);
  });

  test("does not ask the local server", async () => {
    const lines: string[] = [];
    const cc = new CartoContext({ baseUrl: `local:${server.home}`, verbose: (line) => lines.push(line) });
    await cc.query("SELECT 1");
    expect(lines.map((line) => line.replace(/.*bytes · /, ""))).toEqual([
      "SELECT * FROM ( SELECT 1 ) AS _q LIMIT 0",
      'COPY (SELECT "?column?" FROM ( SELECT 1 ) AS _q) TO STDOUT WITH (FORMAT binary)',
    ]);
  });
});

test.each([
  ["public", "public"],
  ["public, cartodb", "public"],
  ['"ana", public, cartodb', "ana"],
  ['"An""a, b", public', 'An"a, b'],
  ["ana,public", "ana"],
  [' "$user", public', "$user"],
  ["", "public"],
])("search_path %s", (path, schema) => expect(firstSchema(path)).toBe(schema));

describe("a member of an organization", () => {
  const withPath =
    (path: string): Tampering["after"] =>
    ({ sql }, body) =>
      sql === "SHOW search_path"
        ? Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), rows: [{ search_path: path }] }))
        : undefined;
  beforeAll(async () => {
    await server.sql('CREATE SCHEMA "An""a-1"');
  });
  beforeEach(() => proxy.tamper({ after: withPath('"An""a-1", public, cartodb') }));

  const frame = (owner: string) => new DataFrame({ owner: [owner], lng: [1], lat: [2] } as never);
  const ownerIn = async (table: string) => (await server.sql(`SELECT owner FROM ${table}`)).rows;

  test("syncs, stores query results, and gets the table's URL", async () => {
    const cc = context();
    await cc.query("SELECT 'An' AS owner, 1 AS n", { tableName: "kept" });
    expect(vi.mocked(console.log).mock.calls.flat()).toEqual([
      `Wrote 1 row to "kept": ${proxy.baseUrl}/dataset/kept`,
    ]);
    expect(await ownerIn('"An""a-1".kept')).toEqual([{ owner: "An" }]);
    const df = await cc.read("kept");
    expect(await cc.sync(df, "kept")).toMatchObject({ unchanged: 1 });
    await server.sql('UPDATE "An""a-1".kept SET n = 2');
    df.addColumn("n", [3], { inplace: true });
    await expect(cc.sync(df, "kept")).rejects.toThrow(ConflictError);
    expect(await cc.sync(df, "kept", { force: true })).toMatchObject({ updated: 1 });
    await cc.delete("kept");
    const left = await server.sql("SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%'");
    expect(left.rows).toEqual([]);
  });

  test("reads, writes, replaces and deletes tables in their own schema only", async () => {
    const cc = context();
    await expect(cc.read("trees")).rejects.toThrow(TableNotFoundError);
    await cc.write(frame("An"), "trees", { lnglat: ["lng", "lat"] });
    await expect(cc.write(frame("x"), "trees")).rejects.toThrow(TableExistsError);
    expect(await ownerIn('"An""a-1".trees')).toEqual([{ owner: "An" }]);
    await cc.write(frame("again"), "trees", { lnglat: ["lng", "lat"], overwrite: true });
    expect((await cc.read("trees")).column("owner").values).toEqual(["again"]);
    const { rows } = await server.sql(
      "SELECT indexname FROM pg_indexes WHERE schemaname = 'An\"a-1' ORDER BY 1",
    );
    expect(rows.map(({ indexname }) => indexname)).toEqual([
      "trees_pkey",
      "trees_the_geom_idx",
      "trees_the_geom_webmercator_idx",
    ]);
    await cc.delete("trees");
    await expect(cc.delete("trees")).rejects.toThrow(TableNotFoundError);
    expect(await ownerIn("public.trees")).toEqual([{ owner: "of public" }]);
  });

  test("registers tables with the schema", async () => {
    await context().write(frame("An"), "registered");
    expect(asked(/CDB_CartodbfyTable\('An"a-1', '"An""a-1"\."cartoframes_tmp_/)).toBe(1);
  });

  test('a default search_path ("$user", public) does not make a member', async () => {
    proxy.tamper({ after: withPath('"$user", public') });
    expect((await context().read("trees")).values).toEqual([["of public"]]);
  });
});

test("other modules can use the account", async () => {
  const { baseUrl } = proxy;
  const transport = new Transport(
    fixedSource({ kind: "account", baseUrl, user: "local", apiKey: server.key, label: "it" }),
  );
  expect(await accountOf(transport)).toEqual({ user: "local", schema: "public" });
});
