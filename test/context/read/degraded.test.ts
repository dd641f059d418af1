import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { InvalidArgumentError, ServerError, SqlError, TimeoutError } from "../../../src/errors";
import { type ProxiedRequest, proxyForTests, type Tampering } from "../../support/proxy";
import { serverForTests } from "../../support/server";

/** Columns of every kind, and values that JSON spoils. `Infinity` as a time makes a column text. */
const TYPES = `SELECT n, n::int2 AS i2, 9007199254740993 + n AS big, n::int8 AS i8, 1.10::numeric + n AS num,
  12345678901234567890.5 AS wide, 0.1::float4 AS f4, 'NaN'::float8 AS nan, '-Infinity'::float8 AS ninf, n / 3.0::float8 AS third,
  'é"\\ ' || n AS txt, 'ab'::char(4) AS padded, 'x'::varchar AS vc, 'nm'::name AS nm, n > 1 AS yes,
  '2017-03-04 10:11:12.123999+02'::timestamptz + n * interval '1 hour' AS at, '2017-03-04'::date AS day,
  timestamp '1999-12-31 23:59:59.5' AS plain, 'infinity'::timestamp AS ever, '0044-03-15 BC'::date AS ides,
  '10:11:12.5'::time AS clock, interval '1 day 2 hours' AS span, '{"a":[1,null]}'::jsonb AS doc, '{"b":1.5}'::json AS js,
  '{1,NULL,3}'::int4[] AS ints, '{{1,2},{3,4}}'::int8[] AS longs, '{9007199254740993}'::int8[] AS bigs,
  '{2017-03-04}'::date[] AS days, '{a,"b c"}'::text[] AS words, '{1.50}'::numeric[] AS nums, '{0.1}'::float4[] AS f4s,
  '\\x01ff'::bytea AS raw, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, 'happy'::mood AS mood,
  int4range(1, 5) AS span4, point(1, 2) AS dot, NULL::int4 AS nothing, NULL::text AS blank,
  ST_SetSRID(ST_MakePoint(n, 2), 4326) AS the_geom, NULL::geometry AS nowhere, ST_MakePoint(1, 2)::geography AS geog,
  array[ST_MakePoint(n, 2)] AS points, n AS "2016", n AS "a b"
FROM generate_series(1, 3) AS n ORDER BY n DESC`;

const server = serverForTests();
const proxy = proxyForTests(server);
let local: CartoContext;
let account: CartoContext;
beforeAll(async () => {
  await server.sql("CREATE TYPE mood AS ENUM ('sad', 'happy')");
  await server.sql(
    "CREATE TABLE many AS SELECT n, n::text AS t, n::int8 * 1000000000 AS b FROM generate_series(1, 30000) AS n",
  );
  await server.sql("ANALYZE many");
  local = new CartoContext({ baseUrl: `local:${server.home}` });
  account = new CartoContext({
    baseUrl: proxy.baseUrl,
    apiKey: server.key,
    timeouts: { connectMs: 2000, idleMs: 1000 },
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  proxy.tamper({});
});

/** Everything of the frame of a query, and the warnings. */
async function frameOf(cc: CartoContext, sql: string) {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const frame = await cc.query(sql);
  const { columns, dtypes, values } = frame;
  const warnings = warn.mock.calls.flat();
  warn.mockRestore();
  return { columns, dtypes, values, warnings };
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Tampering["before"] =>
  answerCopyTo((response) =>
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body)),
  );

function answerCopyTo(
  answer: (response: Parameters<NonNullable<Tampering["before"]>>[1], asked: ProxiedRequest) => void,
): Tampering["before"] {
  return (asked, response) => {
    if (asked.path.endsWith("/copyto")) answer(response, asked);
  };
}

const withoutPgtype: Tampering["after"] = ({ path }, body) =>
  path === "/api/v2/sql" ? Buffer.from(body.toString().replace(/,"pgtype":"[^"]*"/g, "")) : undefined;

const RATE_LIMIT = {
  error: ["You are over platform's limits. Please contact us to know more details"],
  context: "limit",
  detail: "rate-limit",
};

const copies = () => proxy.asked.filter(({ path }) => path.endsWith("/copyto")).length;

describe("the same frame", () => {
  test("the server describes every type", async () => {
    const { dtypes, warnings } = await frameOf(local, TYPES);
    expect(new Set(dtypes)).toEqual(new Set(["int32", "float32", "string", "boolean", "datetime"]));
    expect(warnings.length).toBeGreaterThan(2);
  });

  test("few rows from an account, without COPY", async () => {
    expect(await frameOf(account, TYPES)).toEqual(await frameOf(local, TYPES));
    expect(copies()).toBe(0);
  });

  test("many rows from an account, by one COPY", async () => {
    const sql = "SELECT * FROM many ORDER BY n";
    expect(await frameOf(account, sql)).toEqual(await frameOf(local, sql));
    expect(copies()).toBe(1);
  });

  test("from a server without pgtype, by COPY and as JSON", async () => {
    const sql = `SELECT * FROM (${TYPES}) AS a, generate_series(1, 20000) AS g WHERE g < 3 ORDER BY n, g`;
    proxy.tamper({ after: withoutPgtype });
    const frames = [await frameOf(account, TYPES), await frameOf(account, sql)];
    expect(copies()).toBe(1);
    expect(frames).toEqual([await frameOf(local, TYPES), await frameOf(local, sql)]);
    const empty = "SELECT n, n::int8 AS b, now() AS at FROM many WHERE n < 0";
    expect(await frameOf(account, empty)).toEqual(await frameOf(local, empty));
  });

  test.each([
    ["an unknown address", json(404, "<html>Not found</html>")],
    ["an unknown format", json(400, { error: ['COPY format "binary" is not supported'] })],
    ["a web page", answerCopyTo((response) => response.writeHead(404).end("<html>Not found</html>"))],
  ])("from a server without binary COPY: %s", async (_, before) => {
    const sql = "SELECT * FROM many ORDER BY n";
    proxy.tamper({ before });
    expect(await frameOf(account, sql)).toEqual(await frameOf(local, sql));
    expect(copies()).toBe(1);
  });

  test("as JSON, without waiting, after an account refused COPY", async () => {
    const sql = "SELECT * FROM many ORDER BY n";
    proxy.tamper({ before: json(429, RATE_LIMIT, { "Retry-After": "60" }) });
    const started = Date.now();
    expect(await frameOf(account, sql)).toEqual(await frameOf(local, sql));
    expect(Date.now() - started).toBeLessThan(50_000);
  });

  test("waits for the next COPY if JSON is too large, without mixing two moments", async () => {
    await server.sql("CREATE TABLE growing AS SELECT * FROM many, generate_series(1, 4) AS g");
    await server.sql("ANALYZE growing");
    let refused = 0;
    proxy.tamper({
      before: answerCopyTo((response) => {
        if (refused++ > 1) return;
        response.writeHead(429, { "Retry-After": "1" }).end(JSON.stringify(RATE_LIMIT));
      }),
    });
    const frame = await account.read("growing");
    expect([frame.shape[0], refused]).toEqual([120_000, 3]);
    expect(proxy.asked.filter(({ sql }) => /OFFSET/.test(sql))).toEqual([]);
  });

  test("with an estimate that is far too low", async () => {
    const explain: Tampering["after"] = ({ sql }, body) =>
      sql.startsWith("EXPLAIN") ? Buffer.from(body.toString().replace(/rows=\d+/, "rows=1")) : undefined;
    proxy.tamper({ after: explain });
    const sql = "SELECT * FROM many ORDER BY n";
    expect(await frameOf(account, sql)).toEqual(await frameOf(local, sql));
    expect(copies()).toBe(1);
  });

  test("from a join with duplicate names", async () => {
    const sql = "SELECT * FROM many AS a JOIN many AS b USING (n) WHERE n <= 20 ORDER BY n";
    expect(await frameOf(account, sql)).toEqual(await frameOf(local, sql));
    proxy.tamper({ after: withoutPgtype });
    await expect(account.query(sql)).rejects.toThrow(InvalidArgumentError);
  });

  test.each([
    "INSERT INTO many VALUES (-1, 'x', 9007199254740993) RETURNING n, t; DELETE FROM many WHERE n < 0",
    "CREATE TABLE IF NOT EXISTS gone (a int); DROP TABLE gone",
    "WITH new AS (INSERT INTO many VALUES (-2, 'y', 2) RETURNING *), old AS (DELETE FROM many WHERE n < 0) SELECT n, t FROM new",
  ])("%s", async (sql) => {
    const expected = await frameOf(local, sql);
    expect(await frameOf(account, sql)).toEqual(expected);
    await server.sql("DELETE FROM many WHERE n < 0");
  });
});

describe("a COPY that fails during transfer", () => {
  const sql = "SELECT * FROM many ORDER BY n";
  const tail = Buffer.from('{"error":["division by zero"],"hint":"Ask for less."}');

  test.each([
    ["instead of the end marker", (body: Buffer) => body.length - 2],
    ["behind the header", () => 19],
    ["instead of everything", () => 0],
    ["in the middle of a row", (body: Buffer) => body.length - 200_003],
  ])("turns the server's message %s into a SqlError", async (_, at) => {
    proxy.tamper({
      after: ({ path }, body) =>
        path.endsWith("/copyto") ? Buffer.concat([body.subarray(0, at(body)), tail]) : undefined,
    });
    const error = await account.query(sql).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({ message: "division by zero\n  Hint: Ask for less.", sql });
  });

  test("reports a real failure", async () => {
    const failing = "SELECT 1 / (n - 25000) AS x FROM many ORDER BY n";
    await expect(account.query(failing)).rejects.toThrow(SqlError);
  });

  test.each([0, 1, 30, 100_000])("reports a connection cut after %i bytes", async (bytes) => {
    const cutAfter: Tampering["cutAfter"] = ({ path }) => (path.endsWith("/copyto") ? bytes : undefined);
    proxy.tamper({ cutAfter });
    const error = await account.query(sql).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ServerError);
    expect(error.message).toMatch(/^The connection to http:\/\/127\.0\.0\.1:\d+ broke before/);
    expect(copies()).toBe(1); // a query may change something

    proxy.tamper({ cutAfter: (asked) => (copies() < 2 ? cutAfter(asked) : undefined) });
    expect((await account.read("many")).shape).toEqual([30_000, 3]); // a table may be read twice
    expect(copies()).toBe(2);
  });

  test("reports an early end without an error", async () => {
    const after: Tampering["after"] = ({ path }, body) =>
      path.endsWith("/copyto") ? body.subarray(0, 100_000) : undefined;
    proxy.tamper({ after });
    await expect(account.query(sql)).rejects.toThrow(/cut off|bytes/);
  });

  test("reports a stalled transfer", async () => {
    proxy.tamper({
      before: answerCopyTo((response) => {
        response.writeHead(200).write("PGCOPY\n");
      }),
    });
    await expect(account.query(sql)).rejects.toThrow(TimeoutError);
    await expect(account.query(sql)).rejects.toThrow(/sent nothing for 1 s/);
  });
});
