/** What only the embedded database has; all else is in engine.test.ts. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bytesOf, failure, useEngine } from "../../support/engine";

const db = useEngine();

test("master owns the data but is not a superuser", async () => {
  await db.rows(
    "CREATE SCHEMA own; CREATE TABLE own.t (a int); INSERT INTO spatial_ref_sys (srid) VALUES (990000); DROP SCHEMA own CASCADE",
  );
  for (const sql of [
    "SELECT pg_read_file('PG_VERSION')",
    "DO $$ BEGIN COPY (SELECT 1) TO '/pglite/data/x'; END $$",
    "CREATE ROLE r SUPERUSER",
  ]) {
    expect(await failure(db.rows(sql)), sql).toMatchObject({ code: "42501" });
  }
});

test("frees the space of the unfinished table, and keeps the others", async () => {
  await db.get().query("CREATE TABLE full_of AS SELECT repeat('x', 500) AS t FROM generate_series(1, 10000)");
  const bytes = () => {
    const base = readdirSync(join(db.dataDir, "base"), { recursive: true, withFileTypes: true });
    const sizes = base
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  const before = bytes();
  for (const kind of ["", "TEMP"]) {
    const filling = `CREATE ${kind} TABLE filling AS SELECT repeat('x', 500) AS t, generate_series(1, 10000000) AS i`;
    const { code } = await failure(db.get().query(filling, { signal: AbortSignal.timeout(1500) }));
    expect(code).toBe("57014");
    expect(await db.rows("SELECT count(*), sum(length(t)) FROM full_of")).toEqual([["10000", "5000000"]]);
    expect(bytes() - before, kind).toBeLessThan(3e6);
  }
});

test("a crash of the database fails only that statement", async () => {
  await db.rows("CREATE TABLE kept AS SELECT 1 AS a");
  expect(await failure(db.rows("SELECT repeat('[', 1000000)::json"))).toMatchObject({
    code: "57P02",
    severity: "FATAL",
    hint: expect.stringContaining("the next statement reopens the database"),
  });
  expect(await db.rows("SELECT a FROM kept")).toEqual([["1"]]);
});

test("info names engine and versions", async () => {
  expect(await db.get().info()).toEqual({
    kind: "pglite",
    location: db.dataDir,
    postgres: expect.stringMatching(/^18\./),
    postgis: expect.stringMatching(/^3\./),
  });
});

test("master owns what a function in a COPY creates", async () => {
  await db.rows("CREATE TABLE made_by_copy (a int)");
  const { stream } = await db.get().copyOut("COPY (SELECT CDB_CartodbfyTable('made_by_copy')) TO STDOUT");
  await bytesOf(stream);
  expect(await db.rows("SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_copy'")).toEqual([
    ["carto"],
  ]);
  expect(await db.rows("SELECT a FROM made_by_copy")).toEqual([]);
});
