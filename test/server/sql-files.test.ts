/** The .sql files are plain SQL: each runs as it is, after those before it, and can be run again. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../support/engine";
import { postgresBin } from "../support/machine";
import { needs } from "../support/needs";
import { createPostgis } from "../support/pglite";

const DIR = resolve(__dirname, "../../src/server/sql");
const FUNCTIONS = "metadata geometry catalog quota statistics queries cartodbfy tables";
const EMBEDDED_ONLY = "roles";
const files = (names: string) => names.split(" ").map((name) => join(DIR, `${name}.sql`));

const psql = join(postgresBin ?? "", "psql");

test("tests every file of the folder", () => {
  const names = readdirSync(DIR).filter((name) => name.endsWith(".sql"));
  expect(
    files(`${FUNCTIONS} ${EMBEDDED_ONLY}`)
      .map((file) => basename(file))
      .sort(),
  ).toEqual(names.sort());
});

test("on the embedded database", async () => {
  const pg = await createPostgis();
  for (const file of [...files(FUNCTIONS), ...files(EMBEDDED_ONLY), ...files(FUNCTIONS)]) {
    await pg.exec(readFileSync(file, "utf8"));
  }
  const { rows } = await pg.query(
    "SELECT cartodb.CDB_Username() AS name, cartodb.CDB_XYZ_Resolution(0) AS m",
  );
  expect(rows).toEqual([{ name: "local", m: expect.closeTo(156543.03, 2) }]);
  await pg.close();
});

describe("on a native PostgreSQL, as the database owner without superuser", () => {
  needs("PostgreSQL");
  test("run as queries", async () => {
    const client = new Client(await createTestDatabase());
    await client.connect();
    for (const file of [...files(FUNCTIONS), ...files(FUNCTIONS)]) {
      await client.query(readFileSync(file, "utf8"));
    }
    const { rows } = await client.query("SELECT cartodb.CDB_Username() AS name");
    expect(rows).toEqual([{ name: "carto" }]);
    await client.end();
  });

  test("run with psql -f", async () => {
    const url = await createTestDatabase();
    for (const file of files(FUNCTIONS)) {
      execFileSync(psql, ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, url], { stdio: "pipe" });
    }
    const said = execFileSync(psql, ["-X", "-A", "-t", "-c", "SELECT cartodb.CDB_Username()", url]);
    expect(said.toString().trim()).toBe("carto");
  });
});
