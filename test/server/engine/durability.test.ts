import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { openPglite } from "../../../src/server/engine/pglite";
import { temporaryDir } from "../../support/engine";
import { mulberry32 } from "../../support/seeded";

const ROUNDS = 8;
const SEED = 20240607;

const SQL_FILES = resolve(__dirname, "../../../scripts/sql-files.cjs");
const dataDir = join(temporaryDir(), "data");

/** Starts the writer, kills it some time after its first insert, and resolves to the last number it reported. */
async function lastAcknowledged(afterMs: number): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--require", SQL_FILES, "--import", "tsx", join(__dirname, "insert-until-killed.ts"), dataDir],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") setTimeout(() => child.kill("SIGKILL"), afterMs);
    else last = Number(line);
  }
  return last;
}

test("every acknowledged row is there after kill -9, and nothing else is left", {
  timeout: 240_000,
}, async () => {
  const random = mulberry32(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const afterMs = Math.round(50 + random() * 1500);
    const last = await lastAcknowledged(afterMs);
    const engine = await openPglite({ dataDir });
    const { statements } = await engine.query(`SELECT count(*), max(n) >= ${last} FROM acked`);
    const [count, hasLast] = statements[0]!.rows[0]!;
    const where = `seed ${SEED}, round ${round}, killed after ${afterMs} ms`;
    // The one that was under way may be there or not.
    expect(Number(count) - last, where).toBeOneOf([0, 1]);
    expect(hasLast, where).toBe(last > 0 ? "t" : null);
    await engine.close();
    expect(readdirSync(join(dataDir, "cartoframes_spool")), where).toEqual([]);
    expect(existsSync(join(dataDir, "base", "pgsql_tmp")), where).toBe(false);
  }
});
