import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runSql } from "../../src/api/sql";
import { Transport } from "../../src/api/transport";
import { endpointSource } from "../../src/context/connection/endpoint";
import { localHome, readState } from "../../src/local/home";
import { connectLocal, findServer, stopServer } from "../../src/local/launcher";
import { isAlive } from "../../src/local/process";
import { freePort } from "../support/machine";
import { removeHome, temporaryHome } from "../support/server";

const ROOT = join(__dirname, "../..");
const CLI = join(ROOT, "dist/cli.js");

let dir: string;
const makeHome = async () => {
  dir = await temporaryHome();
};
const endHome = () => removeHome(dir);

const transportOf = (home: string) => new Transport(endpointSource({ baseUrl: `local:${home}` }));
const pidOf = async () => (await findServer(localHome(dir)))!.status.pid;
const cli = async (...args: string[]) => {
  const run = promisify(execFile)(process.execPath, [CLI, ...args, "--home", dir]);
  return run.then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  );
};

async function temporaryFiles(): Promise<string[]> {
  const { dataDir } = localHome(dir);
  const files = await readdir(dataDir, { recursive: true, encoding: "utf8" });
  const temporary = files.filter((name) => /pgsql_tmp\/|spool\//.test(name));
  return temporary.filter((name) => existsSync(join(dataDir, name)));
}

describe("a home whose server runs", () => {
  beforeAll(makeHome);
  afterAll(endHome);

  test("key and data are readable by their owner only", async () => {
    await connectLocal(localHome(dir));
    expect((await stat(localHome(dir).stateFile)).mode & 0o777).toBe(0o600);
  });

  test("finds a server whose state file was deleted", async () => {
    const transport = transportOf(dir);
    await runSql(transport, "CREATE TABLE here (a int)");
    const pid = await pidOf();
    await rm(localHome(dir).stateFile);
    expect((await runSql(transportOf(dir), "SELECT count(*)::int AS n FROM here")).rows).toEqual([{ n: 0 }]);
    expect(await pidOf()).toBe(pid);
  });

  test("after kill -9 the next call restarts the server with every acknowledged write and no temporary files", async () => {
    const transport = transportOf(dir);
    await runSql(transport, "CREATE TABLE log (i int)");
    const { port } = (await readState(localHome(dir)))!;
    const key = (await connectLocal(localHome(dir))).key;
    const moments = [
      async () => (await findServer(localHome(dir)))?.status.busyWith,
      async () => (await temporaryFiles())[0], // the sort does not fit in memory
    ];
    for (const [round, moment] of moments.entries()) {
      await runSql(transport, `INSERT INTO log VALUES (${round})`);
      await runSql(transport, `CREATE TABLE cartoframes_tmp_000000000000000${round} (a int)`);
      const pid = await pidOf();
      const long = runSql(
        transport,
        "SELECT count(*) FROM (SELECT i FROM generate_series(1, 2e8) i ORDER BY -i) t",
      );
      const failed = expect(long).rejects.toThrow(/The connection to the local server broke/);
      await expect.poll(moment, { interval: 10 }).toBeTruthy();
      process.kill(pid, "SIGKILL");
      await failed;
      await expect.poll(() => isAlive(pid)).toBe(false); // a process that is being taken down still accepts connections
      const { rows } = await runSql(transport, "SELECT count(*)::int AS n FROM log");
      expect(rows).toEqual([{ n: round + 1 }]);
      expect(await pidOf()).not.toBe(pid);
      expect(
        await runSql(transport, "SELECT to_regclass('cartoframes_tmp_0000000000000000')::text AS left_over"),
      ).toMatchObject({
        rows: [{ left_over: null }],
      });
      expect(await temporaryFiles()).toEqual([]);
    }
    const after = await connectLocal(localHome(dir));
    expect([after.baseUrl, after.key]).toEqual([`http://127.0.0.1:${port}`, key]);
  });

  test("stopping does not wait for a long query, and calls meanwhile get the next server", async () => {
    const transport = transportOf(dir);
    await runSql(transport, "CREATE TABLE cartoframes_tmp_mine AS SELECT 1 AS a");
    const pid = await pidOf();
    const long = runSql(transportOf(dir), "SELECT count(*) FROM generate_series(1, 1e10)");
    const failed = expect(long).rejects.toThrow();
    await expect
      .poll(async () => (await findServer(localHome(dir)))?.status.busyWith)
      .toContain("generate_series");
    const stopping = stopServer(localHome(dir));
    await expect.poll(async () => (await readState(localHome(dir)))?.pid, { interval: 10 }).toBeUndefined();
    expect(await runSql(transport, "SELECT a FROM cartoframes_tmp_mine")).toMatchObject({ rows: [{ a: 1 }] });
    await failed;
    expect(await stopping).toBe(true);
    expect(await pidOf()).not.toBe(pid);
  });

  test("treats a killed server as gone even if its parent is busy", async () => {
    await stopServer(localHome(dir)); // the parent starts it
    const program = `require(${JSON.stringify(ROOT)}).cc.query("SELECT 1")
      .then(() => { console.log("up"); setTimeout(() => { for (;;); }, 50); })`;
    const env = { ...process.env, CARTOFRAMES_HOME: dir };
    const parent = spawn(process.execPath, ["-e", program], { env });
    await new Promise((resolve) => parent.stdout.once("data", resolve));
    await sleep(500);
    process.kill(await pidOf(), "SIGKILL");
    try {
      expect((await runSql(transportOf(dir), "SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  test("stops when idle", async () => {
    await stopServer(localHome(dir));
    process.env.CARTOFRAMES_IDLE_STOP_MS = "3000";
    const transport = transportOf(dir);
    try {
      await runSql(transport, "SELECT 1");
    } finally {
      delete process.env.CARTOFRAMES_IDLE_STOP_MS;
    }
    const pid = (await readState(localHome(dir)))!.pid!;
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect((await readState(localHome(dir)))!.pid).toBeUndefined();
    expect(await runSql(transport, "SELECT 1 AS a")).toMatchObject({ rows: [{ a: 1 }] });
  });
});

describe("a new home", () => {
  beforeEach(makeHome);
  afterEach(endHome);

  test("programs that start at the same time share one server and its data", async () => {
    const program = `
      const { CartoContext } = require(${JSON.stringify(ROOT)});
      const cc = new CartoContext({ baseUrl: "local:" + process.argv[1] });
      cc.query("CREATE TABLE t" + process.argv[2] + " AS SELECT 1 AS a")
        .then(() => console.log("done"), (error) => { console.log(error); process.exitCode = 1; });`;
    const runs = [1, 2, 3, 4].map((n) =>
      promisify(execFile)(process.execPath, ["-e", program, dir, String(n)]),
    );
    expect((await Promise.all(runs)).map(({ stdout }) => stdout.trim())).toEqual([
      "done",
      "done",
      "done",
      "done",
    ]);
    const { rows } = await runSql(transportOf(dir), "SELECT count(*)::int AS n FROM CDB_UserTables()");
    expect(rows).toEqual([{ n: 4 }]);
  });

  test("replaces a state file that is wrong or unreadable", async () => {
    let asked = 0;
    const impostor = createServer((_request, response) => {
      asked++;
      response.end("{}");
    });
    await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
    const { port } = impostor.address() as { port: number };
    const state = { protocol: 1, version: "0", port, key: "x".repeat(32), pid: process.pid };
    await writeFile(localHome(dir).stateFile, JSON.stringify(state));
    const server = await connectLocal(localHome(dir));
    expect(asked).toBeGreaterThan(0);
    expect(new URL(server.baseUrl).port).not.toBe(String(port));
    impostor.close();

    await stopServer(localHome(dir));
    await writeFile(localHome(dir).stateFile, "{");
    expect(await findServer(localHome(dir))).toBeUndefined();
    expect((await connectLocal(localHome(dir))).key).not.toBe(server.key);
  });

  test("a server whose folder was deleted exits without touching its successor's files", async () => {
    const first = transportOf(dir);
    await runSql(first, "CREATE TABLE lost (a int)");
    const pid = await pidOf();
    await rm(dir, { recursive: true, force: true });
    const second = transportOf(dir);
    await runSql(second, "CREATE TABLE kept (a int)");
    expect(await pidOf()).not.toBe(pid);
    await expect.poll(() => isAlive(pid)).toBe(false);
    const tables = await runSql(transportOf(dir), "SELECT * FROM CDB_UserTables() AS name");
    expect(tables.rows).toEqual([{ name: "kept" }]);
  });

  test("an aborted call does not stop the start that others wait for", async () => {
    const transport = transportOf(dir);
    const controller = new AbortController();
    const given = runSql(transport, "SELECT 1", { signal: controller.signal });
    const waiting = runSql(transport, "SELECT 1 AS a");
    controller.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    expect(await waiting).toMatchObject({ rows: [{ a: 1 }] });
  });

  test("reports a folder that is not writable, with advice", async () => {
    await expect(connectLocal(localHome("/proc/cartoframes"))).rejects.toThrow(
      "Cannot write to /proc/cartoframes (ENOENT). Set CARTOFRAMES_HOME to a writable folder.",
    );
  });

  test("serve, status, stop", async () => {
    expect(await cli("status")).toMatchObject({ code: 3, output: expect.stringContaining("not running") });
    const port = String(await freePort());
    const serving = spawn(process.execPath, [CLI, "serve", "--home", dir, "--port", port]);
    let output = "";
    serving.stdout.on("data", (text) => {
      output += text;
    });
    await expect.poll(() => output).toContain(`http://127.0.0.1:${port}`);
    const { key } = (await readState(localHome(dir)))!;
    expect(output).not.toContain(key);

    const status = await cli("status");
    expect(status).toMatchObject({ code: 0, output: expect.stringContaining(`http://127.0.0.1:${port}`) });
    expect(status.output).not.toContain(key);
    expect((await cli("status", "--show-key")).output).toContain(key);
    expect(await cli("serve")).toMatchObject({
      code: 1,
      output: expect.stringMatching(/in use by process \d+/),
    });

    const exited = new Promise((resolve) => serving.once("exit", resolve));
    expect(await cli("stop")).toEqual({ code: 0, output: "Stopped.\n" });
    expect(await exited).toBe(0);
    expect(await cli("stop")).toEqual({ code: 0, output: "No local server is running.\n" });
  });

  test("install registers the kernel with absolute paths", async () => {
    const env = { ...process.env, JUPYTER_DATA_DIR: dir };
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, "install"], { cwd: ROOT, env });
    const file = join(dir, "kernels/tslab/kernel.json");
    expect(stdout).toContain(file);
    const { argv, language } = JSON.parse(await readFile(file, "utf8"));
    expect(language).toBe("typescript");
    expect(argv.slice(0, 2).every((path: string) => isAbsolute(path) && existsSync(path))).toBe(true);
  });

  test("reports why a server cannot start", async () => {
    await mkdir(localHome(dir).dataDir, { recursive: true });
    await writeFile(join(localHome(dir).dataDir, "PG_VERSION"), "9.6\n");
    await expect(runSql(transportOf(dir), "SELECT 1")).rejects.toThrow(/was not created by cartoframes/);
  });
});
