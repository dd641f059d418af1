import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { openPglite } from "../../../src/server/engine/pglite";
import { temporaryDir } from "../../support/engine";
import { mulberry32 } from "../../support/seeded";

/** What the writer does after the insert with which number: it is killed in the middle of each. */
const MOMENTS: [what: string, after: (n: number) => boolean][] = [
  ["an insert", (n) => n % 5 > 0 && n % 7 > 0 && n % 11 > 0],
  ["a sort in files", (n) => n % 5 === 0],
  ["a COPY", (n) => n % 7 === 0 && n % 5 > 0],
  ["a checkpoint", (n) => n % 11 === 0 && n % 5 > 0 && n % 7 > 0],
];
const LEAST_INSERTS = 10;
const SEED = 20240607;

const SQL_FILES = resolve(__dirname, "../../../scripts/sql-files.cjs");
const dataDir = join(temporaryDir(), "data");

/** Starts the writer and kills it a little after such an insert was reported. Resolves to the last one reported. */
async function lastAcknowledged(after: (n: number) => boolean, delayMs: number): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--require", SQL_FILES, "--import", "tsx", join(__dirname, "insert-until-killed.ts"), dataDir],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let last = 0;
  let inserts = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") continue;
    last = Number(line);
    if (++inserts >= LEAST_INSERTS && after(last)) setTimeout(() => child.kill("SIGKILL"), delayMs);
  }
  return last;
}

test("kill -9 keeps every acknowledged row and leaves nothing else", async () => {
  const random = mulberry32(SEED);
  for (const [what, after] of MOMENTS) {
    const delayMs = random() * 10;
    const last = await lastAcknowledged(after, delayMs);
    const engine = await openPglite({ dataDir });
    const { statements } = await engine.query(`SELECT count(*), max(n) >= ${last} FROM acked`);
    const [count, hasLast] = statements[0]!.rows[0]!;
    const where = `seed ${SEED}, killed ${delayMs} ms into ${what}`;
    // The one that was under way may be there or not.
    expect(Number(count) - last, where).toBeOneOf([0, 1]);
    expect(hasLast, where).toBe("t");
    await engine.close();
    expect(readdirSync(join(dataDir, "cartoframes_spool")), where).toEqual([]);
    expect(existsSync(join(dataDir, "base", "pgsql_tmp")), where).toBe(false);
  }
});
