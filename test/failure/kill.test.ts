/** `kill -9` of a kernel, and of the server, in the middle of everything that changes data. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runSql } from "../../src/api/sql";
import { Transport } from "../../src/api/transport";
import { endpointSource } from "../../src/context/connection/endpoint";
import { databaseAddress } from "../../src/local/database";
import { databaseHome, homesIn, localHome } from "../../src/local/home";
import { isAlive } from "../../src/local/process";
import { type RunningServer, runServer } from "../../src/server/daemon";
import { spoolDir } from "../../src/server/engine/data-dir";
import { defaultEngine, sharedPostgres } from "../support/engine";
import { type KernelProcess, type Outcome, startKernelProcess } from "../support/kernel-process";
import { removeHome, runningServer, stopServers, temporaryHome, testAddress } from "../support/server";

const embedded = defaultEngine() === "pglite";
const QUIET_MS = 1000;

let home: string;
let baseUrl: string;
let transport: Transport;
let admin: Client | undefined;
beforeAll(async () => {
  home = await temporaryHome();
  baseUrl = await testAddress(home);
  transport = new Transport(endpointSource({ baseUrl }));
  if (!embedded) admin = await (await sharedPostgres()).connect(databaseAddress(baseUrl).database);
});
afterAll(async () => {
  await admin?.end();
  await removeHome(home);
});

let kernel: KernelProcess | undefined;
const useKernel = async () => {
  kernel ??= await startKernelProcess(baseUrl, home);
  return kernel;
};
const killKernel = async () => {
  await kernel?.kill();
  kernel = undefined;
};
afterAll(killKernel);

const rows = async (sql: string) => (await runSql(transport, sql)).rows;
const values = async (sql: string) => (await rows(sql)).map((row) => Object.values(row)[0]);
const precious = () => values("SELECT string_agg(id || v, ',' ORDER BY id) FROM precious");
const temporaryTables = () =>
  values("SELECT relname::text FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%' AND relkind = 'r'");

/** What the database does at this moment, without waiting for it. */
async function statements(): Promise<string> {
  if (!admin) return (await runningServer(home))?.status.busyWith ?? "";
  const { rows } = await admin.query(
    "SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()",
  );
  return rows.map(({ query }) => query).join("\n");
}

async function begun(stage: RegExp): Promise<void> {
  await expect.poll(statements, { interval: 5 }).toMatch(stage);
}

/** Processes that have the home among their arguments. */
function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isAlive(Number(name)))
    .filter((pid) => argumentsOf(pid).includes(home))
    .map(Number);
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended since
  }
}

/** Uploads, spooled data and folders of imports. */
async function files(): Promise<string[]> {
  const of = (await homesIn(home)).at(-1)!; // of the database, if there is one
  const imports = readdirSync(join(of.dir, "imports")).filter((name) => name.startsWith("work-"));
  return embedded ? [...imports, ...readdirSync(spoolDir(of.dataDir))] : imports;
}

const SMALL = 'new DataFrame({ id: [1, 2, 3], v: ["a", "b", "c"] })';
const PRECIOUS = ["1a,2b,3c"];
const LARGE = `new DataFrame({ id: Array.from({ length: 150_000 }, (_, i) => i), v: Array(150_000).fill("x".repeat(50)) })`;
const LOADING = /COPY [^;]*cartoframes_tmp_/;

const NO_EFFECT =
  /^The connection to the local server broke before .* No table was changed\. Run it again\.$/;

interface Operation {
  readonly run: string;
  /** Killed when the database is at such a statement. */
  readonly stage: RegExp;
  /** What the user is told when the server was killed. */
  readonly says: RegExp;
  /** The same, small, for afterwards. */
  readonly again: string;
}

/** Those that must leave everything as it was. */
const OPERATIONS: Record<string, Operation> = {
  "a write that loads": {
    run: `await cc.write(${LARGE}, "fresh")`,
    stage: LOADING,
    says: NO_EFFECT,
    again: `await cc.write(${SMALL}, "fresh"); await cc.delete("fresh")`,
  },
  "a write that registers its table": {
    run: `await cc.write(${LARGE}, "fresh")`,
    stage: /CDB_CartodbfyTable/,
    says: NO_EFFECT,
    again: `await cc.write(${SMALL}, "fresh"); await cc.delete("fresh")`,
  },
  "an overwrite": {
    run: `await cc.write(${LARGE}, "precious", { overwrite: true })`,
    stage: LOADING,
    says: NO_EFFECT,
    again: `await cc.write(${SMALL}, "precious", { overwrite: true })`,
  },
  "an import": {
    run: `await cc.write(${LARGE}, "precious", { overwrite: true, compression: "gzip" })`,
    stage: LOADING,
    says: /The server stopped while the import was running\. Nothing was imported; start the import again\./,
    again: `await cc.write(${SMALL}, "precious", { overwrite: true, compression: "gzip" })`,
  },
  "a sync that has changed rows": {
    run: `await cc.query(\`CREATE OR REPLACE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END';
        CREATE TRIGGER lingers AFTER UPDATE ON precious FOR EACH STATEMENT EXECUTE FUNCTION linger()\`);
      await cc.sync(new DataFrame({ id: [1, 2, 4], v: ["other", "b", "d"] }), "precious", { key: "id" })`,
    stage: /LOCK TABLE "?precious/,
    says: /broke before .* Table "precious" is either unchanged or equal to the frame/,
    again: `await cc.query("DROP TRIGGER lingers ON precious");
      await cc.sync(${SMALL}, "precious", { key: "id" })`,
  },
};

const JOB = `await (await cc.batch(["INSERT INTO log VALUES ('one')", "SELECT pg_sleep(3)", "INSERT INTO log VALUES ('two')"])).wait()`;

const prepare = `await cc.write(${SMALL}, "precious", { overwrite: true }); await cc.query("DROP TABLE IF EXISTS log; CREATE TABLE log (what text)")`;

describe("the kernel is killed during", () => {
  let server: RunningServer;
  beforeAll(async () => {
    const database = embedded ? undefined : databaseAddress(baseUrl);
    const serverHome = database ? databaseHome(database, home) : localHome(home);
    server = await runServer(serverHome, { database, quietMs: QUIET_MS });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    expect((await (await useKernel()).run(prepare)).error).toBeUndefined();
  });

  /** The server tidies up when nothing was asked for a while, so it is not asked. */
  const tidiedUp = async () => {
    for (let round = 0; round < 10; round++) {
      await sleep(2 * QUIET_MS + 200);
      if ((await temporaryTables()).length === 0) return;
    }
    expect(await temporaryTables()).toEqual([]);
  };

  test.each(Object.entries(OPERATIONS))("%s", async (_, { run, stage, again }) => {
    void kernel!.run(run);
    await begun(stage);
    await killKernel();
    expect(await values("SELECT 1")).toEqual([1]);
    expect([await precious(), await values("SELECT to_regclass('fresh')::text")]).toEqual([PRECIOUS, [null]]);
    await tidiedUp();
    expect([await files(), processes()]).toEqual([[], []]);
    expect((await (await useKernel()).run(again)).error).toBeUndefined();
    expect([await precious(), await temporaryTables()]).toEqual([PRECIOUS, []]);
  });

  test("a batch job, which continues", async () => {
    void kernel!.run(JOB);
    await begun(/pg_sleep/);
    await killKernel();
    await expect.poll(() => values("SELECT what FROM log")).toEqual(["one", "two"]);
    expect([await precious(), processes()]).toEqual([PRECIOUS, []]);
  });
});

describe("the server is killed during", () => {
  beforeAll(() => stopServers(home));
  beforeEach(async () => {
    expect((await (await useKernel()).run(prepare)).error).toBeUndefined();
  });
  const killServer = async () => {
    const { pid } = (await runningServer(home))!.status;
    process.kill(pid, "SIGKILL");
    await expect.poll(() => isAlive(pid)).toBe(false);
    return pid;
  };

  test.each(Object.entries(OPERATIONS))("%s", async (name, { run, stage, says, again }) => {
    const outcome = kernel!.run(run);
    await begun(stage);
    const pid = await killServer();
    const { error } = await outcome;
    expect(error?.message, name).toMatch(says);
    expect([await precious(), await values("SELECT to_regclass('fresh')::text")]).toEqual([PRECIOUS, [null]]);
    await expect.poll(temporaryTables).toEqual([]);
    expect(await files()).toEqual([]);
    expect((await kernel!.run(again)).error).toBeUndefined();
    expect([await precious(), await temporaryTables()]).toEqual([PRECIOUS, []]);
    const now = (await runningServer(home))!.status.pid;
    expect(now).not.toBe(pid);
    if (embedded) expect(processes().filter((one) => one !== kernel!.pid)).toEqual([now]);
  });

  test("a batch job, which then has failed", async () => {
    const outcome = kernel!.run(JOB);
    await begun(/pg_sleep/);
    await killServer();
    const { error }: Outcome = await outcome;
    expect(error).toMatchObject({
      name: "JobError",
      message: expect.stringContaining("the server was killed or crashed while this query ran"),
    });
    expect([await values("SELECT what FROM log"), await precious()]).toEqual([["one"], PRECIOUS]);
  });
});
