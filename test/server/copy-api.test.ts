import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../support/server";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.sql("CREATE TABLE trees (name text, height float8, the_geom geometry(Geometry,4326))");
});
afterAll(() => server?.close());

const copyFrom = (q: string, body: RequestInit["body"], headers: Record<string, string> = {}) =>
  server.ask(`/api/v2/sql/copyfrom?q=${encodeURIComponent(q)}`, {
    method: "POST",
    body,
    headers,
    duplex: "half",
  } as RequestInit);
const copyTo = (q: string, init?: RequestInit) =>
  server.ask(`/api/v2/sql/copyto?q=${encodeURIComponent(q)}`, init);

const CSV = 'name,height,the_geom\nOlmo,12.5,SRID=4326;POINT(2.1 41.4)\n"a,""b""",,\n';
const COPY_CSV = "COPY trees (name, height, the_geom) FROM STDIN WITH (FORMAT csv, HEADER true)";

test("CSV in, and out again in every format", async () => {
  expect(await (await copyFrom(COPY_CSV, CSV)).json()).toEqual({ time: expect.any(Number), total_rows: 2 });
  const csv = await copyTo("COPY (SELECT name, height FROM trees ORDER BY name) TO STDOUT WITH (FORMAT csv)");
  expect(csv.headers.get("content-type")).toBe("application/octet-stream");
  expect(csv.headers.get("content-disposition")).toBe("attachment; filename=carto-sql-copyto.dmp");
  expect(await csv.text()).toBe('Olmo,12.5\n"a,""b""",\n');
  expect(await (await copyTo("copy (SELECT name FROM trees ORDER BY 1) to stdout")).text()).toBe(
    'Olmo\na,"b"\n',
  );
  const binary = Buffer.from(await (await copyTo("COPY trees TO STDOUT WITH (FORMAT binary)")).arrayBuffer());
  expect(binary.subarray(0, 11).toString("latin1")).toBe("PGCOPY\n\xff\r\n\0");
  await server.sql("CREATE TABLE trees2 (LIKE trees)");
  expect(await (await copyFrom("COPY trees2 FROM STDIN WITH (FORMAT binary)", binary)).json()).toMatchObject({
    total_rows: 2,
  });
  expect((await server.sql("SELECT * FROM trees EXCEPT SELECT * FROM trees2")).rows).toEqual([]);
});

test("gzip and chunked bodies, whatever their content type says", async () => {
  const headers = { "Content-Encoding": "gzip", "Content-Type": "application/json" };
  expect(await (await copyFrom(COPY_CSV, gzipSync(CSV), headers)).json()).toMatchObject({ total_rows: 2 });
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of Buffer.from(CSV)) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  expect(await (await copyFrom(COPY_CSV, stream)).json()).toMatchObject({ total_rows: 2 });
});

test("a form or JSON body asks copyto as well", async () => {
  const q = "COPY (SELECT 1) TO STDOUT";
  const answers = await Promise.all([
    server.ask("/api/v2/sql/copyto", {
      method: "POST",
      body: new URLSearchParams({ q, filename: "a b.csv" }),
    }),
    server.ask("/api/v2/sql/copyto", {
      method: "POST",
      body: JSON.stringify({ q }),
      headers: { "Content-Type": "application/json" },
    }),
  ]);
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(["1\n", "1\n"]);
  expect(answers[0]!.headers.get("content-disposition")).toBe("attachment; filename=a%20b.csv");
});

test.each<[string, () => Promise<Response>, string]>([
  ["no q", () => server.ask("/api/v2/sql/copyto"), "SQL is missing"],
  ["no COPY", () => copyTo("SELECT 1"), "SQL must start with COPY"],
  ["no table", () => copyTo("COPY nothing TO STDOUT"), 'relation "nothing" does not exist'],
  [
    "an error midway",
    () => copyTo("COPY (SELECT 1/(5000-i) FROM generate_series(1,9000) i) TO STDOUT"),
    "division by zero",
  ],
  ["no rows", () => copyFrom(COPY_CSV, "name,height,the_geom\n"), "No rows copied"],
  [
    "too few columns",
    () => copyFrom(COPY_CSV, "name,height,the_geom\nOlmo\n"),
    'missing data for column "height"',
  ],
  [
    "bad gzip",
    () => copyFrom(COPY_CSV, "no gzip", { "Content-Encoding": "gzip" }),
    "Error while gunzipping: incorrect header check",
  ],
])("error: %s", async (_, ask, message) => {
  const response = await ask();
  expect([response.status, await response.json()]).toEqual([400, { error: [message] }]);
});

test("the server's own files are out of reach", async () => {
  for (const q of [
    "COPY trees TO '/tmp/x'",
    "COPY trees FROM PROGRAM 'id'",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
  ]) {
    const response = await copyTo(q);
    expect([q, response.status]).toEqual([q, 400]);
    expect((await server.sql(q)).error, q).toBeDefined();
  }
});

test("an upload that is cut off leaves no row", async () => {
  await server.sql("CREATE TABLE cut (a text)");
  const controller = new AbortController();
  const endless = new ReadableStream({
    async pull(stream) {
      stream.enqueue(Buffer.from("row\n".repeat(1000)));
      await new Promise((resolve) => setTimeout(resolve, 10));
    },
  });
  const upload = server.ask(`/api/v2/sql/copyfrom?q=${encodeURIComponent("COPY cut FROM STDIN")}`, {
    method: "POST",
    body: endless,
    signal: controller.signal,
    duplex: "half",
  } as RequestInit);
  setTimeout(() => controller.abort(), 300);
  await expect(upload).rejects.toThrow();
  expect((await server.sql("SELECT count(*)::int AS n FROM cut")).rows).toEqual([{ n: 0 }]);
});

test("a slow reader does not hold the database", async () => {
  const response = await copyTo("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 50000)) TO STDOUT");
  const reader = response.body!.getReader();
  await reader.read(); // and now nothing more for a while
  expect((await server.sql("SELECT 1 a")).rows).toEqual([{ a: 1 }]);
  let bytes = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.length;
  expect(bytes).toBeGreaterThan(49_000_000);
});
