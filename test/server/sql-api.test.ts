import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { sqlResponseJson } from "../../src/server/sql-json";
import { json, serverForTests, type TestServer } from "../support/server";

const server = serverForTests();

describe("values and fields", () => {
  // carto-api §2.3 and §2.4, a row each: expression, JSON value, fields member.
  test.each<[string, unknown, Record<string, unknown>]>([
    ["7::int2", 7, { type: "number", pgtype: "int2" }],
    ["7::int4", 7, { type: "number", pgtype: "int4" }],
    ["9007199254740993::int8", 9007199254740992, { type: "number", pgtype: "int8" }],
    ["1.10::numeric", 1.1, { type: "number", pgtype: "numeric" }],
    ["12345678901234567890::numeric", 12345678901234567000, { type: "number", pgtype: "numeric" }],
    ["'NaN'::numeric", "NaN", { type: "number", pgtype: "numeric" }],
    ["1.5::float4", 1.5, { type: "number", pgtype: "float4" }],
    ["'-Infinity'::float8", "-Infinity", { type: "number", pgtype: "float8" }],
    ["true", true, { type: "boolean", pgtype: "bool" }],
    ["'é\"\\n'::text", 'é"\\n', { type: "string", pgtype: "text" }],
    ["'ab'::char(3)", "ab ", { type: "string", pgtype: "bpchar" }],
    ["'2017-03-04'::date", "2017-03-04T00:00:00Z", { type: "date", pgtype: "date" }],
    ["'0044-03-15 BC'::date", "-000043-03-15T00:00:00Z", { type: "date", pgtype: "date" }],
    ["'2017-03-04 10:11:12.5'::timestamp", "2017-03-04T10:11:12Z", { type: "date", pgtype: "timestamp" }],
    [
      "'2017-03-04 10:11:12.5+02'::timestamptz",
      "2017-03-04T08:11:12Z",
      { type: "date", pgtype: "timestamptz" },
    ],
    ["'infinity'::timestamptz", "Infinity", { type: "date", pgtype: "timestamptz" }],
    ["'-infinity'::date", "-Infinity", { type: "date", pgtype: "date" }],
    ["'290000-01-01'::timestamp", "290000-01-01 00:00:00", { type: "date", pgtype: "timestamp" }],
    ["'290000-01-01'::date", "290000-01-01", { type: "date", pgtype: "date" }],
    ["'4714-11-24 BC'::date", "-004713-11-24T00:00:00Z", { type: "date", pgtype: "date" }],
    ["'4714-11-24 BC'::timestamp", "-004713-11-24T00:00:00Z", { type: "date", pgtype: "timestamp" }],
    ["'4714-11-24 UTC BC'::timestamptz", "-004713-11-24T00:00:00Z", { type: "date", pgtype: "timestamptz" }],
    [
      "'{{290000-01-01 10:11:12.5},{2017-03-04 10:11:12.5}}'::timestamp[]",
      [["290000-01-01 10:11:12.5"], ["2017-03-04T10:11:12Z"]],
      { type: "date[]", pgtype: "_timestamp" },
    ],
    [
      "array['2017-03-04 10:11:12.5+05:30', NULL, 'infinity']::timestamptz[]",
      ["2017-03-04T04:41:12Z", null, "Infinity"],
      { type: "date[]", pgtype: "_timestamptz" },
    ],
    ["'10:11:12'::time", "10:11:12", { type: "date", pgtype: "time" }],
    [
      "'1 day 2 hours 0.789 s'::interval",
      { days: 1, hours: 2, milliseconds: 789 },
      { type: "number", pgtype: "interval" },
    ],
    ["'0'::interval", {}, { type: "number", pgtype: "interval" }],
    ["'{\"a\":[1,null]}'::json", { a: [1, null] }, { type: "JSON", pgtype: "JSON" }],
    ["'{\"a\":1}'::jsonb", { a: 1 }, { type: "jsonb", pgtype: "jsonb" }],
    ["'\\x01ff'::bytea", { type: "Buffer", data: [1, 255] }, { type: "bytea", pgtype: "bytea" }],
    ["point(1,2)", { x: 1, y: 2 }, { type: "number", pgtype: "point" }],
    ["'<(0,0),2>'::circle", { x: 0, y: 0, radius: 2 }, { type: "circle", pgtype: "circle" }],
    ["'12.5'::money", "$12.50", { type: "money", pgtype: "money" }],
    ["array[1,null,3]", [1, null, 3], { type: "number[]", pgtype: "_int4" }],
    [
      "array[[1.5,'NaN'],[2,3]]::float8[]",
      [
        [1.5, "NaN"],
        [2, 3],
      ],
      { type: "number[]", pgtype: "_float8" },
    ],
    ["array['a','b,c']", ["a", "b,c"], { type: "string[]", pgtype: "_text" }],
    ["array[true]", [true], { type: "boolean[]", pgtype: "_bool" }],
    ["array['2017-03-04'::date]", ["2017-03-04T00:00:00Z"], { type: "date[]", pgtype: "_date" }],
    [
      "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid",
      "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
      { type: "uuid", pgtype: "uuid" },
    ],
    ["NULL::text", null, { type: "string", pgtype: "text" }],
    [
      "ST_SetSRID(ST_MakePoint(1,2),4326)::geometry(Point,4326)",
      "0101000020E6100000000000000000F03F0000000000000040",
      { type: "geometry", wkbtype: "Point", dims: 2, srid: 4326 },
    ],
    [
      "ST_SetSRID(ST_MakePoint(1,2,3),3857)::geometry(PointZ,3857)",
      expect.stringMatching(/^01010000A0110F0000/),
      { type: "geometry", wkbtype: "Point", dims: 3, srid: 3857 },
    ],
    [
      "ST_MakePoint(1,2)",
      "0101000000000000000000F03F0000000000000040",
      { type: "geometry", dims: 4, srid: -1 },
    ],
  ])("%s", async (expression, value, field) => {
    const { rows, fields, total_rows, error } = await server.sql(`SELECT ${expression} AS v`);
    expect(error).toBeUndefined();
    expect(rows).toEqual([{ v: value }]);
    expect(fields).toEqual({ v: field });
    expect(total_rows).toBe(1);
  });

  test("an enum has its OID as type and no pgtype", async () => {
    const { rows, fields } = await server.sql("CREATE TYPE mood AS ENUM ('ok'); SELECT 'ok'::mood AS m");
    expect(rows).toEqual([{ m: "ok" }]);
    expect(fields.m).toEqual({ type: expect.stringMatching(/^unknown\(\d+\)$/) });
  });

  test("a row that fails ends the response with the error after the rows sent", () => {
    const field = { name: "a", typeOid: 23, typeName: "int4", typeModifier: -1 };
    const broken = new Proxy(["2"], {
      get: () => {
        throw new Error("row 2 is broken");
      },
    });
    const statement = { command: "SELECT 2", fields: [field], rows: [["1"], broken], affectedRows: 2 };
    const options = { seconds: 0.5, skipFields: new Set<string>(), notices: [], warnings: [] };
    expect([...sqlResponseJson([statement], options)].join("")).toBe(
      '{"rows":[{"a":1}],"time":0.500,"fields":{"a":{"type":"number","pgtype":"int4"}},"total_rows":1,"error":["row 2 is broken"]}',
    );
  });

  test("members are in CARTO's order, and geometry fields of a table have type modifiers", async () => {
    await server.sql("CREATE TABLE trees (name text); SELECT CDB_CartodbfyTable('trees')");
    const text = await (
      await server.ask(`/api/v2/sql?q=${encodeURIComponent("SELECT * FROM trees")}`)
    ).text();
    expect(text.replace(/"time":[\d.]+/, '"time":0')).toMatchInlineSnapshot(
      `"{"rows":[],"time":0,"fields":{"cartodb_id":{"type":"number","pgtype":"int8"},"the_geom":{"type":"geometry","wkbtype":"Unknown","dims":2,"srid":4326},"the_geom_webmercator":{"type":"geometry","wkbtype":"Unknown","dims":2,"srid":3857},"name":{"type":"string","pgtype":"text"}},"total_rows":0}"`,
    );
  });
});

describe("statements", () => {
  test("several return the rows of all, and fields and count of the last", async () => {
    expect(await server.sql("SELECT 1 a; SELECT 2 b, 3 c")).toMatchObject({
      rows: [{ a: 1 }, { b: 2, c: 3 }],
      fields: { b: {}, c: {} },
      total_rows: 1,
    });
  });

  test("writes return their row count, DDL returns 0, RETURNING returns rows", async () => {
    expect(await server.sql("CREATE TABLE n (i int)")).toMatchObject({ rows: [], fields: {}, total_rows: 0 });
    expect(await server.sql("INSERT INTO n VALUES (1),(2)")).toMatchObject({ rows: [], total_rows: 2 });
    expect(await server.sql("UPDATE n SET i = i + 1 RETURNING i")).toMatchObject({
      rows: [{ i: 2 }, { i: 3 }],
    });
  });

  test("of duplicate columns, the last value counts", async () => {
    expect((await server.sql("SELECT 1 a, 2 b, 3 a")).rows).toEqual([{ b: 2, a: 3 }]);
  });

  test("an empty statement returns an empty result", async () => {
    expect(await server.sql("")).toMatchObject({ rows: [], total_rows: 0 });
  });

  test("notices are passed on", async () => {
    expect(
      await server.sql("DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful'; END $$"),
    ).toMatchObject({
      notices: ["hello"],
      warnings: ["careful"],
    });
  });

  test("settings do not reach the next request", async () => {
    await server.sql("SET search_path TO pg_catalog; CREATE TEMP TABLE mine (a int); BEGIN");
    expect((await server.sql("SHOW search_path")).rows[0]!.search_path).toMatch(/^public/);
    expect((await server.sql("SELECT * FROM mine")).error).toEqual(['relation "mine" does not exist']);
  });
});

describe("parameters", () => {
  const rowsOf = async (parameters: Record<string, string>, q = "SELECT generate_series(1,5) i, 'x' s;") =>
    (await server.sql(q, parameters)).rows.map(({ i }) => i);

  test.each([
    [{ rows_per_page: "2", page: "1" }, [3, 4]],
    [{ rows_per_page: "2" }, [1, 2, 3, 4, 5]],
    [{ rows_per_page: "two", page: "1" }, [1, 2, 3, 4, 5]],
    [{ order_by: "i", sort_order: "DESC" }, [5, 4, 3, 2, 1]],
    [{ order_by: "i", sort_order: "sideways" }, [1, 2, 3, 4, 5]],
    [{ order_by: "i", sort_order: "desc", rows_per_page: "2", page: "0" }, [5, 4]],
  ])("%o", async (parameters, expected) => {
    expect(await rowsOf(parameters as Record<string, string>)).toEqual(expected);
  });

  test("a comment at the end does not disable paging", async () => {
    expect(await rowsOf({ rows_per_page: "1", page: "0" }, "SELECT 1 i -- first")).toEqual([1]);
  });

  test("negative paging is a PostgreSQL error", async () => {
    const { error } = await server.sql("SELECT 1", { rows_per_page: "-1", page: "0" });
    expect(error).toEqual(["LIMIT must not be negative"]);
  });

  test("skipfields removes columns from rows and fields", async () => {
    const answer = await server.sql("SELECT 1 a, 2 b, 3 c", { skipfields: "b,unknown,c" });
    expect([answer.rows, Object.keys(answer.fields)]).toEqual([[{ a: 1 }], ["a"]]);
  });

  test("are accepted in GET, JSON and multipart; the body takes precedence", async () => {
    const q = "SELECT 1 a";
    const form = new FormData();
    form.set("q", q);
    const answers = await Promise.all([
      server.ask(`/api/v2/sql?q=${encodeURIComponent(q)}`),
      server.ask("/api/v1/sql?q=nonsense", json({ q })),
      server.ask("/user/local/api/v2/sql", { method: "POST", body: form }),
    ]);
    for (const answer of answers) expect(await answer.json()).toMatchObject({ rows: [{ a: 1 }] });
  });
});

describe("errors", () => {
  const answerOf = async (path: string, init?: Parameters<TestServer["ask"]>[1]) => {
    const response = await server.ask(path, init);
    return [response.status, await response.json()];
  };

  test.each<[string, string, number, unknown]>([
    ["no statement", "/api/v2/sql", 400, { error: ["You must indicate a sql query"] }],
    ["unknown format", "/api/v2/sql?q=SELECT+1&format=xls", 400, { error: ["Invalid format: xls"] }],
    [
      "hint",
      "/api/v2/sql?q=SELECT+naem+FROM+(SELECT+1+AS+name)+t",
      400,
      {
        error: ['column "naem" does not exist'],
        hint: 'Perhaps you meant to reference the column "t.name".',
      },
    ],
    [
      "another account",
      "/user/bob/api/v2/sql?q=SELECT+1",
      404,
      {
        error: [
          "Sorry, we can't find CARTO user 'bob'. Please check that you have entered the correct domain.",
        ],
      },
    ],
  ])("%s", async (_, path, status, body) => {
    expect(await answerOf(path)).toEqual([status, body]);
  });

  test("a unique violation keeps its detail", async () => {
    const { error, detail } = await server.sql(
      "CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1),(1)",
    );
    expect([error, detail]).toEqual([
      ['duplicate key value violates unique constraint "u_pkey"'],
      "Key (a)=(1) already exists.",
    ]);
  });

  test.each<[string, Parameters<TestServer["ask"]>[1], number]>([
    ["a wrong key", { key: "wrong" }, 401],
    ["another user's key", { key: null, headers: { Authorization: `Basic ${btoa("bob:x")}` } }, 403],
    ["a foreign page", { headers: { Origin: "https://evil.example" } }, 403],
    ["a page without origin", { headers: { Origin: "null" } }, 403],
    ["a script of a foreign page", { headers: { "Sec-Fetch-Site": "cross-site" } }, 403],
    ["a page on another port", { headers: { "Sec-Fetch-Site": "same-site" } }, 403],
  ])("rejects %s", async (_, init, status) => {
    const response = await server.ask("/api/v2/sql?q=SELECT+1", init);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: [expect.any(String)] });
  });

  test.each([
    "/api/v2/sql?q=SELECT+1",
    "/api/v1/imports",
    "/api/v1/map",
    "/api/v1/map/named/any/jsonp?config={}",
    "/nowhere",
  ])("does not call the callback of a page that it refuses: %s", async (path) => {
    const headers = { "Sec-Fetch-Site": "cross-site" };
    const response = await server.ask(`${path}${path.includes("?") ? "&" : "?"}callback=steal`, { headers });
    expect([403, 404]).toContain(response.status);
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await response.text()).not.toContain("steal");
    const own = await server.ask(`${path}${path.includes("?") ? "&" : "?"}callback=mine`);
    expect(await own.text()).toContain("mine(");
  });

  test("rejects a Host that is not loopback, whatever the key", async () => {
    const headers = { Host: "rebind.example", Authorization: `Basic ${btoa(`local:${server.key}`)}` };
    expect((await raw("GET", "/api/v2/sql?q=SELECT+1", headers)).status).toBe(403);
    expect((await raw("OPTIONS", "/api/v2/sql", headers)).status).toBe(403);
  });

  test("accepts the key as a parameter and in a form", async () => {
    const form = new URLSearchParams({ q: "SELECT 1 a", api_key: server.key });
    const answers = await Promise.all([
      server.ask(`/api/v2/sql?q=SELECT+1+a&api_key=${server.key}`, { key: null }),
      server.ask("/api/v2/sql", { key: null, method: "POST", body: form }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  test("rejects a wrong key in the header or URL before reading the body", async () => {
    // The body never ends: only who does not wait for it can answer.
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": "60000000" };
    const wrong = { ...headers, Authorization: `Basic ${btoa("local:wrong")}` };
    expect((await raw("POST", "/api/v2/sql", wrong, "q=SELECT")).status).toBe(401);
    expect((await raw("POST", "/api/v2/sql?api_key=wrong", headers, "q=SELECT")).status).toBe(401);
    expect((await raw("POST", "/api/v2/sql/copyfrom?q=COPY+t+FROM+STDIN", headers, "a")).status).toBe(403);
  });

  test("without a key there, limits the size of the body with an error", async () => {
    const headers = { "Content-Type": "application/json" };
    const large = await raw("POST", "/api/v2/sql", { ...headers, "Content-Length": "2000000" }, "{");
    const unknown = await raw(
      "POST",
      "/api/v2/sql",
      { ...headers, "Transfer-Encoding": "chunked" },
      "1\r\n{",
    );
    expect([large.status, unknown.status]).toEqual([413, 413]);
    const small = await server.ask("/api/v2/sql", {
      key: null,
      method: "POST",
      headers,
      body: JSON.stringify({ q: "SELECT 1", api_key: "wrong" }),
    });
    expect(small.status).toBe(401);
  });

  test("rejects a form that is too long", async () => {
    const form = new FormData();
    form.set("q", `SELECT 1 AS a -- ${"x".repeat(2 * 1024 ** 2)}\n, 2 AS b`);
    const answer = await server.ask("/api/v2/sql", { method: "POST", body: form });
    expect(await answer.json()).toMatchObject({ rows: [{ a: 1, b: 2 }] });
    form.set("q", `CREATE TABLE cut (a int); SELECT '${"x".repeat(64 * 1024 ** 2)}'`);
    expect(await answerOf("/api/v2/sql", { method: "POST", body: form })).toEqual([
      413,
      { error: ["The fields of a form must not exceed 64 MB"] },
    ]);
    const file = new FormData();
    file.set("q", new Blob(["SELECT 1"]), "q.sql");
    expect((await answerOf("/api/v2/sql", { method: "POST", body: file }))[0]).toBe(413);
    expect((await server.sql("SELECT to_regclass('cut') AS t")).rows).toEqual([{ t: null }]);
  });

  test.each(["client=a%0Ab", "client=%C3%A9", "filename=%00&callback=a-b"])(
    "rejects %s before the statement runs",
    async (parameters) => {
      const q = encodeURIComponent("CREATE TABLE effect (a int)");
      const [status, body] = await answerOf(`/api/v2/sql?q=${q}&${parameters}`);
      expect([status, body]).toEqual([400, { error: [expect.stringMatching(/^(client|callback) must be/)] }]);
      expect((await server.sql("SELECT to_regclass('effect') AS t")).rows).toEqual([{ t: null }]);
    },
  );

  test("rejects a string or a list as parameters", async () => {
    const q = encodeURIComponent("SELECT 1 a");
    for (const [type, body] of [
      ["text/plain", "q=SELECT 2 a"],
      ["application/json", '[{"q":"SELECT 2 a"}]'],
    ] as const) {
      const init = { method: "POST", headers: { "Content-Type": type }, body };
      expect(await answerOf(`/api/v2/sql?q=${q}`, init)).toEqual([
        200,
        expect.objectContaining({ rows: [{ a: 1 }] }),
      ]);
      expect(await answerOf("/api/v2/sql/copyto", init)).toEqual([400, { error: ["SQL is missing"] }]);
    }
  });

  test.each(["/api/v2/nothing?api_key=KEY&q=1", "/"])("%s does not exist", async (path) => {
    const answer = await answerOf(path.replace("KEY", server.key));
    expect(answer).toEqual([404, { error: [`This server does not support GET ${path.split("?")[0]}`] }]);
  });

  test.runIf(process.platform === "linux")("listens on loopback only", async () => {
    // All of 127.0.0.0/8 is loopback on Linux: a server on 0.0.0.0 would answer at 127.0.0.2, too.
    const addresses = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const others = addresses.filter(({ internal, family }) => !internal && family === "IPv4");
    for (const address of ["127.0.0.2", ...others.map(({ address }) => address)]) {
      expect([address, await connectionTo(address)]).toEqual([address, "ECONNREFUSED"]);
    }
    expect(await connectionTo("127.0.0.1")).toBe("connected");
  });
});

describe("methods and other paths", () => {
  test("OPTIONS and HEAD run no statement", async () => {
    const path = `/api/v2/sql?q=${encodeURIComponent("CREATE TABLE by_method (a int)")}`;
    const options = await server.ask(path, { method: "OPTIONS", key: null });
    expect([options.status, await options.text()]).toEqual([200, ""]);
    expect((await server.ask(path, { method: "HEAD" })).status).toBe(404);
    expect((await server.sql("SELECT to_regclass('by_method') AS t")).rows).toEqual([{ t: null }]);
  });

  test.each(["PUT", "PATCH", "DELETE"])("handles %s according to its parameters", async (method) => {
    const path = `/api/v2/sql?q=${encodeURIComponent("SELECT 1 AS a")}`;
    expect(await (await server.ask(path, { method })).json()).toMatchObject({ rows: [{ a: 1 }] });
    const body = new URLSearchParams({ q: "SELECT 2 AS a" });
    expect(await (await server.ask(path, { method, body })).json()).toMatchObject({ rows: [{ a: 2 }] });
  });

  test("ranges and lists of intervals are PostgreSQL's text", async () => {
    const { rows } = await server.sql(
      "SELECT int4range(1, 3) AS i, daterange('2017-01-01', NULL) AS d, array['1 day'::interval] AS l",
    );
    expect(rows).toEqual([{ i: "[1,3)", d: "[2017-01-01,)", l: '{"1 day"}' }]);
  });

  test("version and health need no key", async () => {
    const ask = async (path: string) => (await server.ask(path, { key: null })).json();
    expect(await ask("/api/v2/version")).toEqual({ cartodb_sql_api: "6.0.0" });
    expect(await ask("/user/local/api/v2/health")).toEqual({
      enabled: true,
      ok: true,
      elapsed: expect.any(Number),
    });
  });

  test("a format or filename makes the response an attachment", async () => {
    const dispositionOf = async (parameters: string) =>
      (await server.ask(`/api/v2/sql?q=SELECT+1${parameters}`)).headers.get("content-disposition");
    expect(await dispositionOf("")).toMatch(/^inline; filename=cartodb-query\.json; modification-date="/);
    expect(await dispositionOf("&format=JSON")).toMatch(/^attachment; filename=cartodb-query\.json;/);
    expect(await dispositionOf("&filename=my%20trees.csv")).toMatch(/^attachment; filename=my_trees\.json;/);
  });

  test("callback wraps the answer, an error in a 200", async () => {
    const ask = (q: string) => server.ask(`/api/v2/sql?q=${encodeURIComponent(q)}&callback=my.cb`);
    const answer = await ask("SELECT 1 a");
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(await answer.text()).toMatch(/^my\.cb\(\{"rows":\[\{"a":1\}\],.*\}\)$/);
    const failure = await ask("SELECT a");
    expect(failure.status).toBe(200);
    expect(await failure.text()).toBe(
      `/**/ typeof my.cb === 'function' && my.cb({"error":["column \\"a\\" does not exist"]});`,
    );
  });

  test("returns client and cache_policy as headers", async () => {
    const { headers } = await server.ask("/api/v2/sql?q=SELECT+1&client=cps-1.11.3&cache_policy=persist");
    expect([headers.get("carto-client"), headers.get("cache-control")]).toEqual([
      "cps-1.11.3",
      "public,max-age=31536000",
    ]);
  });
});

test("a client that disconnects ends its statement", async () => {
  const controller = new AbortController();
  const answer = server.ask(
    `/api/v2/sql?q=${encodeURIComponent("SELECT count(*) FROM generate_series(1,1e10)")}`,
    {
      signal: controller.signal,
    },
  );
  setTimeout(() => controller.abort(), 500);
  await expect(answer).rejects.toThrow();
  expect((await server.sql("SELECT 1 a")).rows).toEqual([{ a: 1 }]);
});

/** A request as it is, without what fetch adds or refuses; `start` is all of the body that is ever sent. */
function raw(
  method: string,
  path: string,
  headers: Record<string, string>,
  start = "",
): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.baseUrl + path, { method, headers, agent: false }, (response) => {
      resolve({ status: response.statusCode });
      response.resume();
      request.destroy();
    });
    request.on("error", reject);
    if (start) request.write(start);
    else request.end();
  });
}

function connectionTo(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(server.baseUrl).port), host);
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}
