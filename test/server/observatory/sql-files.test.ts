import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createTestDatabase, useEngine } from "../../support/engine";
import { postgresBin } from "../../support/machine";
import { needs } from "../../support/needs";

const DIR = resolve(__dirname, "../../../src/server/observatory/sql");
const PATH = "search_path=observatory,cdb_observatory,public";
const text = (file: string) => readFileSync(join(DIR, file), "utf8");
/** The order that the comment in the first file tells administrators to use. */
const FILES = [...text("schemas.sql").matchAll(/-f (\S+\.sql)/g)].map(([, file]) => file!);

test("the documented order includes every file", () => {
  expect([...FILES].sort()).toEqual(readdirSync(DIR).sort());
});

describe("the embedded database", () => {
  const db = useEngine({ kind: "pglite" });

  test.each(FILES)("runs %s alone", async (file) => {
    const run = () => db.rows(`SET ${PATH}; ${text(file)}; SELECT 'done'`);
    expect(await run()).toEqual([["done"]]);
    if (file !== "schemas.sql") expect(await run(), "again").toEqual([["done"]]);
  });

  test("then has the functions", async () => {
    expect(await db.rows(`SELECT cdb_observatory.OBS_DumpVersion()`)).toEqual([["cartoframes"]]);
    expect(
      await db.rows(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'cdb_observatory'::regnamespace AND proname ~ '^obs_' AND proconfig IS NULL",
      ),
    ).toEqual([["0"]]);
  });
});

describe("a native PostgreSQL", () => {
  needs("PostgreSQL");

  test("psql runs them", async () => {
    const url = await createTestDatabase();
    const psql = (...args: string[]) =>
      promisify(execFile)(join(postgresBin!, "psql"), ["-qAt", "-v", "ON_ERROR_STOP=1", ...args, url], {
        cwd: DIR,
        env: { ...process.env, PGOPTIONS: `-c ${PATH}` },
      });
    await psql("-1", ...FILES.flatMap((file) => ["-f", file]));
    await psql("-1", ...FILES.slice(1).flatMap((file) => ["-f", file]));
    const { stdout } = await psql("-c", "SELECT count(*) FROM cdb_observatory.OBS_GetAvailableGeometries()");
    expect(stdout.trim()).toBe("0");
  });
});
