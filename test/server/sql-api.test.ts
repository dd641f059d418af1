import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../support/server";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

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

  test("an enum has no pgtype, and its type is its OID", async () => {
    const { rows, fields } = await server.sql("CREATE TYPE mood AS ENUM ('ok'); SELECT 'ok'::mood AS m");
    expect(rows).toEqual([{ m: "ok" }]);
    expect(fields.m).toEqual({ type: expect.stringMatching(/^unknown\(\d+\)$/) });
  });

  test("members come in CARTO's order, and a table's geometry fields carry their modifiers", async () => {
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
  test("several: rows of all, fields and count of the last", async () => {
    expect(await server.sql("SELECT 1 a; SELECT 2 b, 3 c")).toMatchObject({
      rows: [{ a: 1 }, { b: 2, c: 3 }],
      fields: { b: {}, c: {} },
      total_rows: 1,
    });
  });

  test("writes count their rows, DDL counts none, RETURNING gives rows", async () => {
    expect(await server.sql("CREATE TABLE n (i int)")).toMatchObject({ rows: [], fields: {}, total_rows: 0 });
    expect(await server.sql("INSERT INTO n VALUES (1),(2)")).toMatchObject({ rows: [], total_rows: 2 });
    expect(await server.sql("UPDATE n SET i = i + 1 RETURNING i")).toMatchObject({
      rows: [{ i: 2 }, { i: 3 }],
    });
  });

  test("two columns of one name: the last value wins", async () => {
    expect((await server.sql("SELECT 1 a, 2 b, 3 a")).rows).toEqual([{ b: 2, a: 3 }]);
  });

  test("an empty statement is an empty result", async () => {
    expect(await server.sql("")).toMatchObject({ rows: [], total_rows: 0 });
  });

  test("notices are handed on", async () => {
    expect(
      await server.sql("DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful'; END $$"),
    ).toMatchObject({
      notices: ["hello"],
      warnings: ["careful"],
    });
  });

  test("what one request sets, the next does not see", async () => {
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

  test("a comment at the end does not swallow the paging", async () => {
    expect(await rowsOf({ rows_per_page: "1", page: "0" }, "SELECT 1 i -- first")).toEqual([1]);
  });

  test("negative paging is PostgreSQL's error", async () => {
    const { error } = await server.sql("SELECT 1", { rows_per_page: "-1", page: "0" });
    expect(error).toEqual(["LIMIT must not be negative"]);
  });

  test("skipfields leaves columns out of rows and fields", async () => {
    const answer = await server.sql("SELECT 1 a, 2 b, 3 c", { skipfields: "b,unknown,c" });
    expect([answer.rows, Object.keys(answer.fields)]).toEqual([[{ a: 1 }], ["a"]]);
  });

  test("GET, JSON and multipart carry them too, and the body wins", async () => {
    const q = "SELECT 1 a";
    const form = new FormData();
    form.set("q", q);
    const answers = await Promise.all([
      server.ask(`/api/v2/sql?q=${encodeURIComponent(q)}`),
      server.ask("/api/v1/sql?q=nonsense", {
        method: "POST",
        body: JSON.stringify({ q }),
        headers: { "Content-Type": "application/json" },
      }),
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
    ["no key", { key: null }, 401],
    ["a wrong key", { key: "wrong" }, 401],
    ["another user's key", { key: null, headers: { Authorization: `Basic ${btoa("bob:x")}` } }, 403],
    ["a foreign page", { headers: { Origin: "https://evil.example" } }, 403],
    ["a page without origin", { headers: { Origin: "null" } }, 403],
  ])("%s is refused", async (_, init, status) => {
    const response = await server.ask("/api/v2/sql?q=SELECT+1", init);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: [expect.any(String)] });
  });

  test("a Host that is not loopback is refused, whatever key it brings", async () => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      const headers = { Host: "rebind.example", Authorization: `Basic ${btoa(`local:${server.key}`)}` };
      request(`${server.baseUrl}/api/v2/sql?q=SELECT+1`, { headers }, ({ statusCode }) => resolve(statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("the key works as parameter and in a form, too", async () => {
    const form = new URLSearchParams({ q: "SELECT 1 a", api_key: server.key });
    const answers = await Promise.all([
      server.ask(`/api/v2/sql?q=SELECT+1+a&api_key=${server.key}`, { key: null }),
      server.ask("/api/v2/sql", { key: null, method: "POST", body: form }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  test("it listens on loopback only", async () => {
    const { networkInterfaces } = await import("node:os");
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address && !address.internal && address.family === "IPv4");
    for (const { address } of others as { address: string }[]) {
      await expect(fetch(`http://${address}:${new URL(server.baseUrl).port}/`)).rejects.toThrow();
    }
  });
});

test("a client that goes away ends its statement", async () => {
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
