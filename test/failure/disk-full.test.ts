/** A disk that is really full: a small one of its own, in memory, which root may mount. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFrame } from "danfojs-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { databaseAddress } from "../../src/local/database";
import { localHome } from "../../src/local/home";
import { spoolDir } from "../../src/server/engine/data-dir";
import { createTestDatabase, sharedPostgres } from "../support/engine";
import { isRoot } from "../support/machine";
import { needs, skipAll } from "../support/needs";
import { removeHome, runningServer, temporaryHome } from "../support/server";
import { sevenZipOf } from "../support/seven-zip";

const MB = 1024 ** 2;

/** `sudo` only where all tests are wanted (`.ci/run`). */
const asRoot = (program: string, ...args: string[]) => {
  const [file, ...rest] = isRoot || !process.env.CARTOFRAMES_TEST_ALL ? [program] : ["sudo", "-n", program];
  execFileSync(file!, [...rest, ...args], { stdio: "ignore" });
};

/** Where a disk of that size is mounted; undefined where this may not be done. */
function mountDisk(sizeMb: number): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), "cartoframes-disk-"));
  try {
    const options = `size=${sizeMb}m,uid=${process.getuid!()}`;
    asRoot("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir);
    return dir;
  } catch {
    rmSync(dir, { recursive: true });
    return undefined;
  }
}

function unmount(dir: string): void {
  asRoot("umount", "--lazy", dir);
  rmSync(dir, { recursive: true });
}

const [disk, postgresDisk] = [mountDisk(300), mountDisk(40)];
if (!disk || !postgresDisk)
  skipAll({ kind: "full disk", why: "only root on Linux may mount a small disk (run .ci/run, or as root)" });
afterAll(() => {
  for (const dir of [disk, postgresDisk]) if (dir) unmount(dir);
});

const freeMb = (dir: string) => {
  const { bavail, bsize } = statfsSync(dir);
  return (bavail * bsize) / MB;
};
const frame = (rows: number) =>
  new DataFrame({ id: Array.from({ length: rows }, (_, i) => i), v: Array(rows).fill("x".repeat(100)) });
const LARGE_ROWS = 400_000;

beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

const rowsOf = (df: DataFrame) => df.values as unknown[][];
const ENDS: [string, (cc: CartoContext) => Promise<unknown>][] = [
  ["a write", (cc) => cc.write(frame(LARGE_ROWS), "fresh")],
  ["an overwrite", (cc) => cc.write(frame(LARGE_ROWS), "precious", { overwrite: true })],
  ["an import", (cc) => cc.write(frame(LARGE_ROWS), "fresh", { compression: "gzip" })],
  [
    "a statement",
    (cc) => cc.query("CREATE TABLE fresh AS SELECT repeat('x', 100) FROM generate_series(1, 800000)"),
  ],
];

async function expectAsBefore(cc: CartoContext): Promise<void> {
  expect(rowsOf(await cc.query("SELECT count(*)::int, min(id)::int, max(v) FROM precious"))).toEqual([
    [1000, 0, "x".repeat(100)],
  ]);
  const others = "SELECT relname FROM pg_class WHERE relname = 'fresh' OR relname LIKE 'cartoframes_tmp_%'";
  expect((await cc.query(others)).shape[0]).toBe(0);
}

describe("the disk of the embedded database", () => {
  const home = join(disk ?? "", "home");
  const ballast = join(disk ?? "", "ballast");
  let cc: CartoContext;
  let pid: number;
  beforeAll(async () => {
    cc = new CartoContext({ baseUrl: `local:${home}` });
    await cc.write(frame(1000), "precious");
    pid = (await runningServer(home))!.status.pid;
    writeFileSync(ballast, Buffer.alloc(Math.floor(freeMb(disk!) - 50) * MB));
  });
  afterAll(() => removeHome(home));

  test.each(ENDS)("is filled by %s", async (_, run) => {
    const error = await run(cc).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error?.message).toMatch(
      new RegExp(`[Tt]he disk is full: the operation needs more than the \\d+ MB free in ${home}`),
    );
    await expectAsBefore(cc);
    await expect.poll(() => readdirSync(spoolDir(localHome(home).dataDir))).toEqual([]);
    expect(freeMb(disk!)).toBeGreaterThan(25); // what it wrote is gone
  });

  test("is filled by an archive", async () => {
    const bytes = await sevenZipOf({ "zeros.csv": 200 * MB });
    await expect(cc.import({ name: "zeros.7z", bytes }, "fresh")).rejects.toThrow(
      /disk is full.*Free some space/,
    );
    await expectAsBefore(cc);
    expect(freeMb(disk!)).toBeGreaterThan(25);
  });

  test("works again once there is room", async () => {
    rmSync(ballast);
    await cc.write(frame(100_000), "fresh");
    expect((await cc.query("SELECT count(*)::int FROM fresh")).values).toEqual([[100_000]]);
    expect((await runningServer(home))!.status.pid).toBe(pid);
  });

  test("is not filled by an archive", async () => {
    await cc.delete("fresh");
    const bytes = await sevenZipOf({ "zeros.csv": 200 * MB });
    await expect(cc.import({ name: "zeros.7z", bytes }, "fresh")).rejects.toThrow(
      /disk is too full for a file of more than 6\d MB: .* 512 MB of that stay reserved/,
    );
    await expectAsBefore(cc);
  });
});

describe("the disk of a PostgreSQL", () => {
  needs("PostgreSQL");
  let home: string;
  let cc: CartoContext;
  beforeAll(async () => {
    home = await temporaryHome();
    vi.stubEnv("CARTOFRAMES_HOME", home);
    const baseUrl = await createTestDatabase();
    const admin = await (await sharedPostgres()).connect(databaseAddress(baseUrl).database);
    const place = join(postgresDisk!, "tables");
    mkdirSync(place);
    chmodSync(postgresDisk!, 0o755);
    if (isRoot) execFileSync("chown", ["postgres", place]);
    await admin.query(`CREATE TABLESPACE small LOCATION '${place}'`);
    await admin.query(
      "GRANT CREATE ON TABLESPACE small TO carto; ALTER ROLE carto SET default_tablespace = small",
    );
    await admin.end();
    cc = new CartoContext({ baseUrl });
    await cc.write(frame(1000), "precious");
  });
  afterAll(() => removeHome(home));

  test.each(ENDS)("is filled by %s", async (_, run) => {
    const error = await run(cc).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error?.message).toMatch(/[Tt]he disk of the database server is full: .*No space left on device/);
    await expectAsBefore(cc);
    await cc.write(frame(10_000), "fresh"); // there is room for this
    await cc.delete("fresh");
  });
});
