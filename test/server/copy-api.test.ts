import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { localHome } from "../../src/local/home";
import type { ServerControl } from "../../src/server/app";
import { createApp } from "../../src/server/app";
import { spoolDir } from "../../src/server/engine/data-dir";
import type { Engine } from "../../src/server/engine/engine";
import type { Imports } from "../../src/server/imports/imports";
import type { JobQueue } from "../../src/server/jobs/queue";
import { uploadedBytes } from "../../src/server/routes/copy";
import { defaultEngine } from "../support/engine";
import { json, serverForTests } from "../support/server";

const server = serverForTests();
beforeAll(async () => {
  await server.sql("CREATE TABLE trees (name text, height float8, the_geom geometry(Geometry,4326))");
});

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

test("imports CSV, and exports every format", async () => {
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

test("gzip and chunked bodies, whatever their content type", async () => {
  for (const encoding of ["gzip", "GZIP", "x-gzip"]) {
    const headers = { "Content-Encoding": encoding, "Content-Type": "application/json" };
    expect(await (await copyFrom(COPY_CSV, gzipSync(CSV), headers)).json()).toMatchObject({ total_rows: 2 });
  }
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of Buffer.from(CSV)) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  expect(await (await copyFrom(COPY_CSV, stream)).json()).toMatchObject({ total_rows: 2 });
});

test("accepts a form or JSON body for copyto", async () => {
  const q = "COPY (SELECT 1) TO STDOUT";
  const answers = await Promise.all([
    server.ask("/api/v2/sql/copyto", {
      method: "POST",
      body: new URLSearchParams({ q, filename: "a b.csv" }),
    }),
    server.ask("/api/v2/sql/copyto", json({ q })),
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

test("the server's files cannot be read or written", async () => {
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

const embedded = defaultEngine() === "pglite";

// A user's own database has no quota of ours.
test.runIf(embedded)("rejects an upload beyond the quota without keeping a row", async () => {
  await server.sql("CREATE TABLE full_up (a text); SELECT CDB_SetUserQuotaInBytes(1)");
  try {
    const q = encodeURIComponent("COPY full_up FROM STDIN");
    const refused = await server.ask(`/api/v2/sql/copyfrom?q=${q}`, {
      method: "POST",
      body: "x\n".repeat(9),
    });
    expect([refused.status, await refused.json()]).toEqual([400, { error: ["DB Quota exceeded"] }]);
  } finally {
    await server.sql("SELECT CDB_SetUserQuotaInBytes(0)");
  }
  expect((await server.sql("SELECT count(*) AS n FROM full_up")).rows).toEqual([{ n: 0 }]);
});

test("an interrupted upload leaves no row", async () => {
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

test("a slow reader does not block the database", async () => {
  const response = await copyTo("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 50000)) TO STDOUT");
  const reader = response.body!.getReader();
  await reader.read(); // and now nothing more for a while
  expect((await server.sql("SELECT 1 a")).rows).toEqual([{ a: 1 }]);
  let bytes = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.length;
  expect(bytes).toBeGreaterThan(49_000_000);
});

test("a response states its length", async () => {
  const { headers } = await copyTo("COPY (SELECT 'four') TO STDOUT");
  expect([headers.get("content-length"), headers.get("transfer-encoding")]).toEqual(["5", null]);
});

const spooled = async () => (embedded ? readdir(spoolDir(localHome(server.home).dataDir)) : []);

test.runIf(embedded)("removes the file of a reader that disconnects", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const q = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT";
  const reader = (await copyTo(q, { signal })).body!.getReader();
  await reader.read();
  expect(await spooled()).toHaveLength(1);
  controller.abort();
  await expect.poll(spooled).toEqual([]);
  for (const afterMs of [1, 20, 60, 100, 150, 200, 300]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), afterMs);
    await copyTo(q, controller)
      .then((response) => response.arrayBuffer())
      .catch(() => {});
  }
  await server.sql("SELECT 1");
  await expect.poll(spooled).toEqual([]);
});

test("closes the response for a reader that has already disconnected", async () => {
  const dir = await mkdtemp(join(tmpdir(), "cartoframes-gone-"));
  await writeFile(join(dir, "1"), "spooled");
  let asked = () => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  let finish = (_: Awaited<ReturnType<Engine["copyOut"]>>) => {};
  const engine = {
    copyOut: (_sql, options) =>
      new Promise((resolve) => {
        finish = resolve;
        options?.signal?.addEventListener("abort", () => setTimeout(gone, 50));
        asked();
      }),
  } as Partial<Engine> as Engine;
  let gone = () => {};
  const isGone = new Promise<void>((resolve) => {
    gone = resolve;
  });
  const parts = {
    key: "key",
    home: localHome(dir),
    control: {} as ServerControl,
    jobs: {} as JobQueue,
    imports: {} as Imports,
  };
  const app = await createApp({ engine, ...parts });
  try {
    const address = await app.listen({ host: "127.0.0.1", port: 0 });
    const controller = new AbortController();
    const path = "/api/v2/sql/copyto?q=COPY+t+TO+STDOUT&api_key=key";
    const answer = fetch(address + path, { signal: controller.signal }).catch(() => "aborted");
    await isAsked;
    controller.abort();
    await isGone;
    const stream = createReadStream(join(dir, "1"));
    finish({ stream, rows: 1 });
    await expect.poll(() => stream.closed).toBe(true);
    expect(await answer).toBe("aborted");
  } finally {
    await app.close();
    await rm(dir, { recursive: true });
  }
});

test("stops a gzip bomb before the disk is full", async () => {
  const body = Readable.from([gzipSync(Buffer.alloc(200 * 1024 ** 2))]);
  const options = { encoding: "gzip", dir: "/data", freeBytes: async () => 650 * 1024 ** 2 };
  let bytes = 0;
  const take = async () => {
    for await (const chunk of uploadedBytes(body, options)) bytes += chunk.length;
  };
  await expect(take()).rejects.toThrow(
    /^The disk is too full for a table of more than 1\d\d MB: 650 MB are free in \/data, and 512 MB of that stay reserved$/,
  );
  expect(bytes).toBeLessThan(200 * 1024 ** 2);
});

test("tells the sender why a long upload was rejected", async () => {
  const rows = Buffer.from("x\n".repeat(500_000));
  const endless = async function* () {
    for (let i = 0; i < 30; i++) yield rows;
  };
  const response = await copyFrom(
    "COPY trees (height) FROM STDIN",
    Readable.toWeb(Readable.from(endless())) as never,
    {
      "Content-Encoding": "gzip",
    },
  );
  expect(await response.json()).toEqual({ error: ["Error while gunzipping: incorrect header check"] });
  expect(await spooled()).toEqual([]);
});

test("a truncated gzip leaves no row and no file", async () => {
  await server.sql("CREATE TABLE cut_gzip (a text)");
  const packed = gzipSync("row\n".repeat(1_000_000));
  const controller = new AbortController();
  const half = new ReadableStream({
    start: (stream) => stream.enqueue(packed.subarray(0, packed.length / 2)),
  });
  const upload = server.ask(`/api/v2/sql/copyfrom?q=${encodeURIComponent("COPY cut_gzip FROM STDIN")}`, {
    method: "POST",
    body: half,
    headers: { "Content-Encoding": "gzip" },
    signal: controller.signal,
    duplex: "half",
  } as RequestInit);
  setTimeout(() => controller.abort(), 200);
  await expect(upload).rejects.toThrow();
  await expect.poll(spooled).toEqual([]);
  expect((await server.sql("SELECT count(*)::int AS n FROM cut_gzip")).rows).toEqual([{ n: 0 }]);
});
