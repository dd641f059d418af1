import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { ensureDataDir, readTemplate } from "../../../src/server/engine/data-dir";
import { LockedError, lockDataDir } from "../../../src/server/engine/lock";
import { openPglite } from "../../../src/server/engine/pglite";
import { temporaryDir } from "../../support/engine";

const home = temporaryDir();
const template = () => readTemplate(join(__dirname, "../../../dist/template"));

describe("ensureDataDir", () => {
  test("concurrent starts create one complete directory and no leftovers", async () => {
    const dir = join(home, "raced");
    await Promise.all([1, 2, 3].map(async () => ensureDataDir(dir, await template())));
    expect(readFileSync(join(dir, "PG_VERSION"), "utf8")).toBe("18\n");
    expect(readdirSync(home).filter((name) => name.startsWith("raced"))).toEqual(["raced"]);
  });

  test("removes the leftovers of a killed start, but not the files of a running one", async () => {
    const dir = join(home, "abandoned");
    mkdirSync(`${dir}.new-999999999-1`);
    mkdirSync(`${dir}.new-${process.pid}-1`);
    await ensureDataDir(dir, await template());
    expect(readdirSync(home).filter((name) => name.startsWith("abandoned.new"))).toEqual([
      `abandoned.new-${process.pid}-1`,
    ]);
  });

  test("rejects data of another version, naming both", async () => {
    const dir = join(home, "older");
    mkdirSync(dir);
    writeFileSync(join(dir, "cartoframes.json"), '{"magic":"cartoframes-data","version":1,"postgres":"17"}');
    await expect(ensureDataDir(dir, await template())).rejects.toThrow(
      `${dir} has format 1 of PostgreSQL 17, but this release reads format 1 of PostgreSQL 18. Use the release that created it, or choose another directory.`,
    );
  });

  test("rejects a directory with other files", async () => {
    const dir = join(home, "photos");
    mkdirSync(dir);
    writeFileSync(join(dir, "cat.jpg"), "");
    await expect(openPglite({ dataDir: dir })).rejects.toThrow(
      "is not empty and was not created by cartoframes",
    );
    expect(readdirSync(dir)).toEqual(["cat.jpg"]);
  });

  test("a missing template is an error with advice", async () => {
    await expect(openPglite({ dataDir: join(home, "x"), templateDir: home })).rejects.toThrow(
      "npm run build",
    );
  });
});

test("replaces functions of another release on opening, and keeps the data", async () => {
  const dataDir = join(home, "upgraded");
  const first = await openPglite({ dataDir });
  await first.query(`
    CREATE TABLE t (a int); SELECT CDB_CartodbfyTable('t');
    RESET ROLE; COMMENT ON SCHEMA cartodb IS 'CARTO functions, older';
    CREATE OR REPLACE FUNCTION cartodb.CDB_Username() RETURNS text LANGUAGE sql AS $$ SELECT 'older' $$`);
  await first.close();
  const second = await openPglite({ dataDir });
  const { statements } = await second.query("SELECT CDB_Username(); SELECT count(*) FROM t");
  expect(statements.map(({ rows }) => rows[0]![0])).toEqual(["local", "0"]);
  await second.close();
});

describe("lockDataDir", () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  async function start(dir: string): Promise<{ child: ChildProcess; said: string }> {
    const child = spawn(process.execPath, ["--import", "tsx", join(__dirname, "hold-lock.ts"), dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const said = await new Promise<string>((resolve) =>
      createInterface({ input: child.stdout! }).once("line", resolve),
    );
    return { child, said };
  }

  test("admits one holder at a time, and names it to the others", async () => {
    const dir = join(home, "locked");
    const lock = await lockDataDir(dir);
    const error = await lockDataDir(dir).catch((error) => error);
    expect(error).toBeInstanceOf(LockedError);
    expect(error.message).toBe(
      `${dir} is in use by process ${process.pid}. Stop it first: npx cartoframes stop`,
    );
    expect((await start(dir)).said).toBe(error.message);
    await lock.release();
    expect((await start(dir)).said).toBe("held");
  });

  test("of many concurrent starts one gets the lock, also from a killed holder, repeatedly", async () => {
    const dir = join(home, "contended");
    for (let round = 0; round < 3; round++) {
      const starters = await Promise.all(Array.from({ length: 5 }, () => start(dir)));
      const holders = starters.filter(({ said }) => said === "held");
      expect(holders).toHaveLength(1);
      const gone = new Promise((resolve) => holders[0]!.child.once("exit", resolve));
      holders[0]!.child.kill("SIGKILL");
      await gone;
    }
    expect(existsSync(dir)).toBe(false);
    expect(readdirSync(home).filter((name) => name.startsWith("contended"))).toHaveLength(1);
  });

  test("a reused process id does not count as the holder", async () => {
    const dir = join(home, "reused");
    const holder = { pid: process.pid, started: "another boot 1", released: false };
    writeFileSync(`${dir}.lock.7`, JSON.stringify(holder));
    await (await lockDataDir(dir)).release();
    expect(readdirSync(home).filter((name) => name.startsWith("reused"))).toEqual(["reused.lock.8"]);
  });
});
