/** A row set of 400 MB, and clients that take their time. */
import { readdirSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { localHome } from "../../src/local/home";
import { spoolDir } from "../../src/server/engine/data-dir";
import { defaultEngine } from "../support/engine";
import { startKernelProcess } from "../support/kernel-process";
import { growthMb } from "../support/memory";
import { needs } from "../support/needs";
import { runningServer, serverForTests } from "../support/server";

const embedded = defaultEngine() === "pglite";
const ROW_BYTES = 4000;
const ROWS = 100_000;
const select = (rows: number) =>
  `SELECT n, repeat(chr(97 + n % 26), ${ROW_BYTES}) AS t FROM generate_series(1, ${rows}) n`;
const SELECT = select(ROWS);
const BYTES = ROWS * ROW_BYTES;
/** A server that held the rows would take 400 MB and more. */
const FLAT_MB = 120;

const server = serverForTests({ own: true });
let pid: number;
beforeAll(async () => {
  pid = (await runningServer(server.home))!.status.pid;
  await take(
    `/api/v2/sql/copyto?q=${encodeURIComponent("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT")}`,
  ); // what any answer needs
});

/** Reads an answer to its end; how many bytes there were. */
async function take(path: string): Promise<number> {
  const { body, status } = await server.ask(path);
  expect(status).toBe(200);
  let bytes = 0;
  for await (const chunk of body!) bytes += chunk.length;
  return bytes;
}

const path = (kind: string, parameters: Record<string, string>) =>
  `/api/v2/sql${kind}?${new URLSearchParams(parameters)}`;

describe("400 MB", () => {
  needs("memory");
  test.each([
    ["binary COPY", path("/copyto", { q: `COPY (${SELECT}) TO STDOUT WITH (FORMAT binary)` })],
    ["CSV", path("", { q: SELECT, format: "csv" })],
  ])("as %s pass through the server's memory", async (_, from) => {
    let bytes = 0;
    const growth = await growthMb(pid, async () => {
      bytes = await take(from);
    });
    expect(bytes).toBeGreaterThan(BYTES);
    expect(growth).toBeLessThan(FLAT_MB);
  });

  test.runIf(embedded)("become a frame without a second copy in memory", async () => {
    const kernel = await startKernelProcess(`local:${server.home}`, server.home);
    try {
      expect(
        (await kernel.run('await cc.query("SELECT 1 AS n"); globalThis.df = null')).error,
      ).toBeUndefined();
      const code = `df = await cc.query(${JSON.stringify(SELECT)}); return df.shape`;
      const growth = await growthMb(kernel.pid, async () => {
        expect(await kernel.run(code)).toEqual({ value: [ROWS, 2] });
      });
      expect(growth).toBeLessThan(BYTES / 1024 ** 2 + 200);
    } finally {
      await kernel.kill();
    }
  });
});

describe("a client that reads 1 kB a second", () => {
  const ask = (q: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { Authorization: `Basic ${btoa(`local:${server.key}`)}` };
      get(`${server.baseUrl}${path("/copyto", { q })}`, { headers }, resolve).once("error", reject);
    });
  /** Whether the server still has the statement, or what it has written. */
  const heldByReaders = async () =>
    embedded
      ? readdirSync(spoolDir(localHome(server.home).dataDir)).length
      : (
          await server.sql(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%repeat%' AND state = 'active' AND pid <> pg_backend_pid()",
          )
        ).rows.length;

  test("does not block others or take memory, and frees its slot when it disconnects", async () => {
    await expect.poll(heldByReaders).toBe(0);
    const readers: IncomingMessage[] = [];
    const growth = await growthMb(pid, async () => {
      for (let n = 0; n < 3; n++) readers.push(await ask(`COPY (${select(ROWS / 4)}) TO STDOUT`));
      for (let second = 0; second < 4; second++) {
        for (const reader of readers) reader.read(1024);
        expect((await server.sql(`SELECT ${second} AS a`)).rows).toEqual([{ a: second }]);
        await sleep(1000);
      }
      expect(await heldByReaders()).toBe(3);
    });
    expect(growth).toBeLessThan(FLAT_MB);
    for (const reader of readers) reader.destroy();
    await expect.poll(heldByReaders).toBe(0);
    expect((await runningServer(server.home))!.status).toMatchObject({ waiting: 0 });
  });

  test("uploads as slowly without blocking others", async () => {
    await server.sql("CREATE TABLE slow (a text)");
    const controller = new AbortController();
    const body = new ReadableStream({
      async pull(stream) {
        stream.enqueue(Buffer.from(`${"x".repeat(1023)}\n`));
        await sleep(1000);
      },
    });
    const upload = server.ask(path("/copyfrom", { q: "COPY slow FROM STDIN" }), {
      method: "POST",
      body,
      signal: controller.signal,
      duplex: "half",
    } as RequestInit);
    const failed = expect(upload).rejects.toThrow();
    for (let second = 0; second < 3; second++) {
      expect((await server.sql("SELECT count(*)::int AS n FROM slow")).rows).toEqual([{ n: 0 }]);
      await sleep(1000);
    }
    controller.abort();
    await failed;
    await server.sql("DROP TABLE slow"); // it would wait for a COPY that goes on
  });
});
