/** A server over a user's database: its process, its secrets, and what a cut leaves. */
import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect, promisify } from "node:util";
import { DataFrame } from "danfojs-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { ImportError, SqlError } from "../../src/errors";
import { databaseAddress, databaseId, shownDatabase } from "../../src/local/database";
import { databaseHome, homesIn } from "../../src/local/home";
import { findServer } from "../../src/local/launcher";
import { isAlive } from "../../src/local/process";
import { Layer } from "../../src/map";
import { createTestDatabase, sharedPostgres } from "../support/engine";
import { needs } from "../support/needs";
import type { TestPostgres } from "../support/postgres";
import { removeHome, temporaryHome } from "../support/server";

const CLI = join(__dirname, "../../dist/cli.js");
const PASSWORD = "s3cret word/1";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("the URL", () => {
  beforeEach(() => {
    for (const name of [
      "PGHOST",
      "PGPORT",
      "PGUSER",
      "PGDATABASE",
      "PGPASSWORD",
      "PGSERVICE",
      "PGOPTIONS",
      "PGSSLMODE",
    ]) {
      vi.stubEnv(name, "");
    }
  });

  test.each([
    ["postgres://ana:p%40ss@db.example:6543/gis?sslmode=require", "postgres://ana@db.example:6543/gis"],
    ["postgresql://ana:p@ss@db.example/gis", "postgres://ana@db.example/gis"],
    ["postgres:///gis?host=/tmp/x&user=ana&password=p", "postgres://ana@/gis?host=/tmp/x"],
    ["postgres://ana@%2Ftmp%2Fx/gis", "postgres://ana@/gis?host=/tmp/x"],
    ["postgres://ana@[::1]/my%20gis", "postgres://ana@[::1]/my%20gis"],
    ["postgres://ana@h", "postgres://ana@h/ana"],
  ])("%s is shown as %s", (url, shown) => {
    const address = databaseAddress(url);
    expect(shownDatabase(address)).toBe(shown);
    expect(databaseId(address)).not.toContain("p@ss");
    expect(shownDatabase(databaseAddress(shown))).toBe(shown);
  });

  test("takes missing parts from the environment or a service file", async () => {
    vi.stubEnv("PGHOST", "/tmp/sockets");
    vi.stubEnv("PGDATABASE", "gis");
    vi.stubEnv("PGUSER", "ana");
    vi.stubEnv("PGPASSWORD", PASSWORD);
    const address = databaseAddress("postgres://?sslmode=disable");
    expect(address).toMatchObject({ host: "/tmp/sockets", user: "ana", database: "gis", password: PASSWORD });
    const file = join(await temporaryHome(), "services");
    await writeFile(file, "[other]\nhost=no\n[atlas]\nhost=db.example\nport=6543\ndbname=maps\nuser=bob\n");
    vi.stubEnv("PGSERVICEFILE", file);
    expect(shownDatabase(databaseAddress("postgres://?service=atlas"))).toBe(
      "postgres://bob@db.example:6543/maps",
    );
    expect(() => databaseAddress("postgres://?service=none")).toThrow(
      `Service "none" is not defined in ${file}.`,
    );
  });

  test("a different password uses the same server, different session options another one", () => {
    const id = (url: string) => databaseId(databaseAddress(url));
    expect(id("postgres://ana:one@h/gis")).toBe(id("postgres://ana:two@h:5432/gis"));
    const all = [
      "ana@h/gis",
      "bob@h/gis",
      "ana@i/gis",
      "ana@h/other",
      "ana@h:1/gis",
      "ana@h/gis?options=-c%20a=1",
    ];
    expect(new Set(all.map((rest) => id(`postgres://${rest}`))).size).toBe(all.length);
  });
});

describe("the server", () => {
  needs("PostgreSQL");
  let postgres: TestPostgres;
  let url: string;
  let home: string;
  let cc: CartoContext;

  beforeAll(async () => {
    postgres = await sharedPostgres();
    url = await createTestDatabase();
    home = await temporaryHome();
  });
  afterAll(() => removeHome(home));
  beforeEach(() => {
    vi.stubEnv("CARTOFRAMES_HOME", home);
    vi.spyOn(console, "log").mockImplementation(() => {});
    vi.spyOn(console, "warn").mockImplementation(() => {});
    cc = new CartoContext({ baseUrl: url });
  });

  const serverOf = async (address = url) => findServer(databaseHome(databaseAddress(address)));
  const cli = async (...args: string[]) =>
    promisify(execFile)(process.execPath, [CLI, ...args]).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
    );
  const temporaryTables = async () =>
    (await cc.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'cartoframes_tmp_%'"))
      .shape[0];

  test("reports a failure during a read instead of returning a short frame", async () => {
    const sql = "SELECT n, repeat('x', 1000) AS t, 1 / (50000 - n) AS q FROM generate_series(1, 60000) n";
    const error = await cc.query(sql).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SqlError);
    expect(error.message).toContain("division by zero");
  });

  test("reports a restart of the database during a read, and the next read works", async () => {
    const reading = cc
      .query(
        "SELECT n, repeat('x', 1000) AS t, pg_sleep(CASE WHEN n = 20000 THEN 60 ELSE 0 END)::text AS s FROM generate_series(1, 40000) n",
      )
      .catch((thrown) => thrown);
    await expect
      .poll(
        async () => (await cc.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).shape[0],
      )
      .toBe(1);
    postgres.restart("fast");
    const error = await reading;
    expect(error).toBeInstanceOf(SqlError);
    expect(error.message).toMatch(/terminating connection due to administrator command/);
    expect((await cc.query("SELECT 1 AS a")).values).toEqual([[1]]);
  });

  test("ends the COPY of a reader that disconnects", async () => {
    const controller = new AbortController();
    const reading = cc.query("SELECT repeat('x', 1000) AS t FROM generate_series(1, 1e9)", {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(new Error("enough")), 500);
    await expect(reading).rejects.toThrow("enough");
    await expect
      .poll(
        async () =>
          (
            await cc.query(
              "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%1e9%' AND pid <> pg_backend_pid() AND state = 'active'",
            )
          ).shape[0],
      )
      .toBe(0);
  });

  test("kill -9 during a write leaves the old table, and after the next start no other", async () => {
    await cc.write(new DataFrame({ a: [1] }), "precious");
    await cc.query("CREATE TABLE cartoframes_tmp_0123456789abcdef (a int)"); // of one that was cut off
    const admin = await postgres.connect(databaseAddress(url).database);
    await admin.query("CREATE TABLE cartoframes_tmp_fedcba9876543210 AS SELECT 1"); // of another machine's write
    const frame = new DataFrame({
      a: Array.from({ length: 300_000 }, (_, i) => i),
      b: Array(300_000).fill("x".repeat(50)),
    });
    for (const afterMs of [50, 400]) {
      const writing = cc.write(frame, "precious", { overwrite: true }).catch(() => "failed");
      await expect.poll(temporaryTables, { interval: 10 }).toBeGreaterThan(1);
      await sleep(afterMs);
      process.kill((await serverOf())!.status.pid, "SIGKILL");
      await writing;
      expect([1, 300_000]).toContain((await cc.read("precious")).shape[0]);
      await expect
        .poll(
          async () =>
            (
              await admin.query(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'cartoframes_tmp_%'",
              )
            ).rows,
        )
        .toEqual([{ relname: "cartoframes_tmp_fedcba9876543210" }]);
    }
    await admin.end();
  });

  test("a read-only user can read, query, list and map; a write names the missing privilege", async () => {
    const admin = await postgres.connect(databaseAddress(url).database);
    await admin.query("CREATE ROLE guest LOGIN");
    const other = await createTestDatabase();
    const owner = await postgres.connect(databaseAddress(other).database);
    await owner.query(`CREATE TABLE spots AS SELECT n, ST_SetSRID(ST_MakePoint(n, n), 4326)::geometry(Point,4326) AS the_geom FROM generate_series(1, 9) n;
      CREATE SCHEMA deep; CREATE TABLE deep.spots AS SELECT 1 AS a; GRANT USAGE ON SCHEMA deep TO guest; GRANT SELECT ON spots, deep.spots TO guest`);
    const guest = new CartoContext({ baseUrl: postgres.url(databaseAddress(other).database, "guest") });
    expect((await guest.read("spots")).shape).toEqual([9, 2]);
    expect((await guest.query("SELECT * FROM deep.spots")).values).toEqual([[1]]);
    expect((await guest.tables()).values.map((row) => (row as unknown[]).slice(0, 3))).toEqual([
      ["spots", "POINT", 9],
    ]);
    expect(inspect(await guest.map({ layers: new Layer("spots"), interactive: false }))).toContain(
      "9 points",
    );
    const error = await guest.write(new DataFrame({ a: [1] }), "mine").catch((thrown) => thrown);
    expect(error.message).toMatch(/^permission denied for (database|schema)/);
    // jobs run, and fail with the reason where CARTO's SQL functions are missing; an import says so, too
    await (await guest.batch("SELECT count(*) FROM spots")).wait();
    const job = await guest.batch("SELECT CDB_CartodbfyTable('spots')");
    await expect(job.wait()).rejects.toThrow(
      /CARTO's SQL functions are not installed, and role "guest" may not/,
    );
    const failed = await guest
      .write(new DataFrame({ a: [1] }), "mine", { typeGuessing: true })
      .catch((thrown) => thrown);
    expect(failed).toBeInstanceOf(ImportError);
    expect(failed.message).toMatch(/permission denied for (database|schema)/);
    await owner.end();
    await admin.end();
  });

  test("no argument, file, output or error contains the password; rejects a wrong one", async () => {
    await postgres.createDatabase("guarded", "keeper");
    await postgres.requirePassword("keeper", PASSWORD);
    const address = (password: string) =>
      postgres.url("guarded", "keeper").replace("keeper@", `keeper:${encodeURIComponent(password)}@`);
    const wrong = await new CartoContext({ baseUrl: address("no") })
      .query("SELECT 1")
      .catch((thrown) => thrown);
    expect(wrong.message).toMatch(/refused "keeper": password authentication failed for user "keeper"/);
    await expect.poll(() => serverOf(address("no"))).toBeUndefined();

    const guarded = new CartoContext({ baseUrl: address(PASSWORD) });
    expect((await guarded.query("SELECT current_user AS who")).values).toEqual([["keeper"]]);
    const failed = await guarded.query("SELECT nothing").catch((thrown) => thrown);
    const { status } = (await serverOf(address(PASSWORD)))!;
    const { dir } = databaseHome(databaseAddress(address(PASSWORD)));
    const texts = [
      inspect(guarded, { depth: 9, showHidden: true }),
      inspect(failed, { depth: 9, showHidden: true }),
      JSON.stringify(status),
      readFileSync(`/proc/${status.pid}/cmdline`, "utf8"),
      readFileSync(`/proc/${status.pid}/environ`, "utf8"),
      (await cli("status")).output,
      ...readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
    ];
    for (const text of texts) {
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain(encodeURIComponent(PASSWORD));
    }
    // A new password: the server that knows the old one makes way.
    const admin = await postgres.connect();
    await admin.query("ALTER ROLE keeper PASSWORD 'another'");
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'");
    await admin.end();
    const now = new CartoContext({ baseUrl: address("another") });
    await expect
      .poll(async () => (await now.query("SELECT 1 AS a").catch(() => null))?.values)
      .toEqual([[1]]);
  });

  test("reports an unreachable database at once and leaves no server running", async () => {
    const baseUrl = "postgres://ana:s3cret@127.0.0.1:1/gis";
    const error = await new CartoContext({ baseUrl }).query("SELECT 1").catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SqlError);
    expect(error.message).toContain("cannot reach the database at 127.0.0.1:1 (ECONNREFUSED)");
    await expect.poll(() => serverOf(baseUrl)).toBeUndefined();
    const logs = await Promise.all(
      (await homesIn()).map(({ logFile }) => readFile(logFile, "utf8").catch(() => "")),
    );
    expect(logs.join()).toContain("ECONNREFUSED");
    expect(logs.join()).not.toContain("s3cret");
  });

  test("serve, status, stop", async () => {
    await cli("stop");
    const serving = spawn(process.execPath, [CLI, "serve", "--database", url]);
    let output = "";
    serving.stdout.on("data", (text) => {
      output += text;
    });
    serving.stderr.on("data", (text) => {
      output += text;
    });
    await expect.poll(() => output).toMatch(/Serving postgres:.* at http/);
    expect((await cc.query("SELECT 1 AS a")).values).toEqual([[1]]);
    const { status } = (await serverOf())!;
    const shown = shownDatabase(databaseAddress(url));
    expect(await cli("status")).toMatchObject({
      code: 0,
      output: expect.stringContaining(`${shown} at http`),
    });
    expect(await cli("stop", "--database", url)).toEqual({ code: 0, output: "Stopped.\n" });
    expect(isAlive(status.pid)).toBe(false);
    expect(await cli("stop")).toEqual({ code: 0, output: "No local server is running.\n" });
    expect(await readdir(join(home, "servers"))).not.toEqual([]);
  });
});
