import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { type SqlAnswer, serverForTests } from "../support/server";

/**
 * The embedded database has one session, a superuser's, and `RESET ROLE` brings it back to whoever has the master
 * key. PostgreSQL runs in WebAssembly, whose file system is its own but for the data folder: no superuser leaves it.
 */
const server = serverForTests({ own: true });

const asSuperuser = async (sql: string): Promise<SqlAnswer> =>
  (
    await server.ask(`/api/v2/sql?q=${encodeURIComponent(`RESET ROLE; ${sql}`)}`)
  ).json() as Promise<SqlAnswer>;
const executed = (sql: string) =>
  `DO $do$ BEGIN EXECUTE 'RESET ROLE'; EXECUTE $sql$${sql}$sql$; END $do$; SELECT 1 AS done`;

test("cannot read a file of this machine", async () => {
  const file = __filename;
  expect(existsSync(file)).toBe(true);
  for (const sql of [
    `SELECT pg_read_file('${file}')`,
    `SELECT lo_import('${file}')`,
    `CREATE TEMP TABLE t (a text); ${executed(`COPY t FROM '${file}'`)}`,
    `SELECT pg_read_file('../../../../../../../../../..${file}')`,
  ]) {
    const { error } = await asSuperuser(sql);
    expect(error, sql).toEqual([expect.stringMatching(/No such file or directory|not allowed/)]);
  }
});

test("cannot write a file of this machine", async () => {
  const file = `/tmp/${`cartoframes-escape-${process.pid}`}`;
  for (const sql of [
    executed(`COPY (SELECT 1) TO '${file}'`),
    `SELECT lo_export(lo_from_bytea(77777, 'x'), '${file}')`,
    executed(`COPY (SELECT 1) TO PROGRAM 'touch ${file}'`),
    `CREATE TEMP TABLE t (a text); ${executed(`COPY t FROM PROGRAM 'touch ${file}; id'`)}`,
  ]) {
    await asSuperuser(sql);
    expect(existsSync(file), sql).toBe(false);
    expect((await server.sql("SELECT 1 AS alive")).rows).toEqual([{ alive: 1 }]);
  }
});

test("a tablespace stays in the sandbox, and no library of the machine can be loaded", async () => {
  await asSuperuser("ALTER ROLE carto SUPERUSER");
  await server.sql("CREATE TABLESPACE outside LOCATION '/tmp'");
  await server.sql("CREATE TABLE there (a text) TABLESPACE outside");
  await server.sql("INSERT INTO there VALUES ('only in memory')");
  const { rows } = await server.sql("SELECT pg_relation_filepath('there') AS path");
  const [, space] = String(rows[0]!.path).match(/^pg_tblspc\/\d+\/(.+)$/)!;
  expect(existsSync(`/tmp/${space}`)).toBe(false);
  for (const sql of ["DROP TABLE there", "DROP TABLESPACE outside", "ALTER ROLE carto NOSUPERUSER"])
    await server.sql(sql);
  for (const library of ["libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6", process.execPath]) {
    const { error } = await asSuperuser(
      `CREATE FUNCTION run(text) RETURNS int AS '${library}', 'system' LANGUAGE c`,
    );
    expect(error, library).toEqual([expect.stringContaining("could not access file")]);
  }
  expect((await asSuperuser("CREATE EXTENSION plpython3u")).error).toEqual([
    expect.stringContaining("not available"),
  ]);
});
