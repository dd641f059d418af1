/** What only a user's own PostgreSQL has: other roles, restarts, several readers; all else is in engine.test.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { databaseAddress } from "../../../src/local/database";
import type { Engine } from "../../../src/server/engine/engine";
import { openPostgres, type PostgresOptions } from "../../../src/server/engine/postgres";
import { FUNCTIONS_VERSION } from "../../../src/server/sql/functions";
import { bytesOf, chunksOf, createTestDatabase, failure, sharedPostgres } from "../../support/engine";
import { needs } from "../../support/needs";
import type { TestPostgres } from "../../support/postgres";

let postgres: TestPostgres;
let url: string;
const engines: Engine[] = [];

async function open(address = url, options?: PostgresOptions): Promise<Engine> {
  const engine = await openPostgres(databaseAddress(address), options);
  engines.push(engine);
  return engine;
}
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

const rowsOf = async (engine: Engine, sql: string) => (await engine.query(sql)).statements.at(-1)!.rows;
async function admin<T>(
  work: (run: (sql: string) => Promise<{ rows: T[] }>) => Promise<void>,
): Promise<void> {
  const client = await postgres.connect(databaseAddress(url).database);
  await work((sql) => client.query(sql) as never);
  await client.end();
}
const roleUrl = (user: string) => postgres.url(databaseAddress(url).database, user);
const ENDLESS = "SELECT count(*) FROM generate_series(1, 1e10)";
/** Long enough that an answer has begun when it breaks off. */
const LONG = "SELECT n, repeat('x', 1000) FROM generate_series(1, 1000000) n";

describe("a user's database", () => {
  needs("PostgreSQL");
  beforeAll(async () => {
    postgres = await sharedPostgres();
    url = await createTestDatabase();
    await admin(async (run) => {
      await run(
        `CREATE ROLE reader LOGIN; CREATE TABLE owned AS SELECT 1 AS a; GRANT SELECT ON owned TO reader`,
      );
    });
  });

  describe("restarted", () => {
    test.each(["fast", "immediate"] as const)(
      "%s: running statements fail with a reason, the next one works",
      async (mode) => {
        const engine = await open();
        await engine.query(`CREATE TABLE kept_${mode} AS SELECT 1 AS a`);
        const { stream } = await engine.copyOut(`COPY (${LONG}) TO STDOUT`);
        const reading = failure(bytesOf(stream));
        const running = failure(engine.query(ENDLESS));
        await sleep(300);
        postgres.restart(mode);
        for (const error of [await reading, await running]) {
          expect(error.name).toBe("DatabaseError");
          expect(error.message).toMatch(/terminating connection|was lost/);
          expect(error.hint).toMatch(
            /next statement reconnects|[Cc]heck before you run it again|In a moment/,
          );
        }
        expect(await rowsOf(engine, `SELECT a FROM kept_${mode}`)).toEqual([["1"]]);
      },
    );

    test("does not reuse connections that were closed while idle", async () => {
      const engine = await open();
      await Promise.all([1, 2, 3].map(() => engine.query("SELECT pg_sleep(0.1)")));
      await sleep(100);
      postgres.restart("immediate");
      const answers = await Promise.all([1, 2, 3, 4].map((n) => rowsOf(engine, `SELECT ${n}`)));
      expect(answers).toEqual([[["1"]], [["2"]], [["3"]], [["4"]]]);
    });

    test("a statement during the restart waits briefly", async () => {
      const engine = await open();
      postgres.halt();
      const waiting = rowsOf(engine, "SELECT 1");
      await sleep(500);
      postgres.start();
      expect(await waiting).toEqual([["1"]]);
    });
  });

  test("50 concurrent readers each get their own rows", async () => {
    const engine = await open();
    const sums = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const copy = `COPY (SELECT ${i}, repeat('x', 100) FROM generate_series(1, 20000)) TO STDOUT`;
        const { stream } = await engine.copyOut(copy);
        const lines = (await bytesOf(stream)).toString().trimEnd().split("\n");
        expect(new Set(lines.map((line) => line.split("\t")[0]))).toEqual(new Set([String(i)]));
        return lines.length;
      }),
    );
    expect(sums).toEqual(Array(50).fill(20_000));
    const backends = await rowsOf(
      engine,
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
    );
    expect(Number(backends[0]![0])).toBeLessThanOrEqual(21);
  });

  test("slow readers do not block others", async () => {
    const engine = await open();
    const streams = await Promise.all(
      Array.from({ length: 10 }, async () => (await engine.copyOut(`COPY (${LONG}) TO STDOUT`)).stream),
    );
    expect(await rowsOf(engine, "SELECT 1")).toEqual([["1"]]);
    for (const stream of streams) stream.destroy();
    await expect
      .poll(async () =>
        rowsOf(engine, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'"),
      )
      .toEqual([["0"]]);
  });

  test("a failure during a long COPY ends the stream with the error", async () => {
    const engine = await open();
    const { stream, bytes } = await engine.copyOut(
      "COPY (SELECT repeat('x', 1000), 1 / (5000 - n) FROM generate_series(1, 9000) n) TO STDOUT",
    );
    expect(bytes).toBeUndefined();
    expect(await failure(bytesOf(stream))).toMatchObject({ message: "division by zero", code: "22012" });
    expect(await rowsOf(engine, "SELECT 1")).toEqual([["1"]]);
  });

  test("stops the sender of a COPY as soon as the database rejects it", async () => {
    const engine = await open();
    await engine.query("CREATE TABLE picky (a int)");
    let sent = 0;
    async function* endless() {
      for (;;) {
        yield Buffer.from(sent++ === 5 ? "x\n" : "1\n".repeat(10_000));
        await sleep(1);
      }
    }
    expect(await failure(engine.copyIn("COPY picky FROM STDIN", endless()))).toMatchObject({ code: "22P02" });
    expect(await rowsOf(engine, "SELECT count(*) FROM picky")).toEqual([["0"]]);
    expect(await engine.copyIn("COPY picky FROM STDIN", chunksOf("1\n2\n"))).toEqual({ rows: 2 });
  });

  test("a statement_timeout of the database is a PostgreSQL error", async () => {
    const engine = await open(`${url}&options=${encodeURIComponent("-c statement_timeout=200ms")}`);
    expect(await failure(engine.query(ENDLESS))).toMatchObject({
      code: "57014",
      message: "canceling statement due to statement timeout",
    });
    expect(await failure(engine.query(`SET statement_timeout = '100ms'; ${ENDLESS}`))).toMatchObject({
      code: "57014",
    });
    expect(await rowsOf(engine, "SHOW statement_timeout")).toEqual([["200ms"]]);
  });

  describe("search_path", () => {
    test("is that of the role, followed by the functions", async () => {
      await admin(async (run) => {
        await run(`CREATE ROLE ana LOGIN; CREATE SCHEMA ana AUTHORIZATION ana; CREATE ROLE gis LOGIN; CREATE SCHEMA gis AUTHORIZATION gis;
          ALTER ROLE gis SET search_path = gis, public`);
      });
      const path = async (address: string) => (await rowsOf(await open(address), "SHOW search_path"))[0]![0];
      expect([await path(url), await path(roleUrl("ana")), await path(roleUrl("gis"))]).toEqual([
        "public, cartodb, cdb_observatory",
        "ana, public, cartodb, cdb_observatory",
        "gis, public, cartodb, cdb_observatory",
      ]);
      const gis = await open(roleUrl("gis"));
      await gis.query("CREATE TABLE trees (a int)");
      expect(
        await rowsOf(gis, "SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'trees'"),
      ).toEqual([["gis"]]);
    });

    test("finds PostGIS in its own schema, and the functions", async () => {
      const other = await createTestDatabase();
      const client = await postgres.connect(databaseAddress(other).database);
      await client.query(
        "DROP EXTENSION postgis; CREATE SCHEMA gis_ext; CREATE EXTENSION postgis SCHEMA gis_ext; GRANT USAGE ON SCHEMA gis_ext TO PUBLIC",
      );
      await client.end();
      const engine = await open(other);
      await engine.query(
        `CREATE SCHEMA own; CREATE TABLE own."My trees" (name text, the_geom geometry); INSERT INTO own."My trees" VALUES ('elm', 'POINT(1 2)')`,
      );
      const { warnings } = await engine.query(`SELECT CDB_CartodbfyTable('own', 'own."My trees"')`);
      expect(warnings).toEqual([expect.stringMatching(/^Installed CARTO's SQL functions/)]);
      expect(
        await rowsOf(
          engine,
          `SELECT cartodb_id, ST_AsEWKT(the_geom), ST_SRID(the_geom_webmercator) FROM own."My trees"`,
        ),
      ).toEqual([["1", "SRID=4326;POINT(1 2)", "3857"]]);
    });
  });

  describe("the functions", () => {
    test("are installed once, when a statement first needs them, with a message", async () => {
      url = await createTestDatabase();
      const engine = await open();
      await engine.query("SELECT 1; CREATE TABLE my_cdb_table AS SELECT 'cartodb' AS name");
      expect(await failure(engine.query("SELECT * FROM cdb_mine, obs_2020"))).toMatchObject({
        code: "42P01",
      });
      expect(await rowsOf(engine, "SELECT to_regnamespace('cartodb')")).toEqual([[null]]);
      const results = await Promise.all(
        [1, 2, 3, 4].map((n) => engine.query(`SELECT ST_X(CDB_LatLng(${n}, 2))`)),
      );
      expect(results.map(({ statements }) => statements[0]!.rows)).toEqual(Array(4).fill([["2"]]));
      const said = results.flatMap(({ warnings }) => warnings);
      expect(said).toEqual([expect.stringContaining('in schema "cartodb" of database')]);
      expect((await engine.query("SELECT CDB_LatLng(1, 2)")).warnings).toEqual([]);
    });

    test("are updated from an older version by the first statement that uses one", async () => {
      const engine = await open();
      await engine.query("COMMENT ON SCHEMA cartodb IS 'CARTO functions, older'");
      const other = await open();
      expect((await other.query("SELECT 1")).warnings).toEqual([]);
      expect((await other.query("SELECT CDB_Username()")).warnings).toEqual([
        expect.stringMatching(/^Updated/),
      ]);
      expect(await rowsOf(other, "SELECT obj_description('cartodb'::regnamespace)")).toEqual([
        [FUNCTIONS_VERSION],
      ]);
    });

    test("do not make a statement with effects run twice", async () => {
      url = await createTestDatabase();
      const engine = await open();
      await engine.query("CREATE TABLE counted (a int)");
      const sql = "BEGIN; INSERT INTO counted VALUES (1); COMMIT; SELECT CDB_LatLng(1, 2)";
      expect(await failure(engine.query(sql))).toMatchObject({
        code: "42883",
        hint: expect.stringMatching(
          /^Installed .* Run the statement again; what it committed before it failed is kept\.$/,
        ),
      });
      expect(await rowsOf(engine, "SELECT count(*) FROM counted")).toEqual([["1"]]);
      const whole = "INSERT INTO counted VALUES (2); SELECT CDB_LatLng(1, 2)";
      await engine.query(whole);
      expect(await rowsOf(engine, "SELECT count(*) FROM counted")).toEqual([["2"]]);
    });

    test("are also found by COPY", async () => {
      url = await createTestDatabase();
      const engine = await open();
      const { stream } = await engine.copyOut("COPY (SELECT ST_Y(CDB_LatLng(1, 2))) TO STDOUT");
      expect((await bytesOf(stream)).toString()).toBe("1\n");
    });

    test("do not touch another program's schema cartodb", async () => {
      url = await createTestDatabase();
      await admin(async (run) => {
        await run(
          "CREATE SCHEMA cartodb; CREATE FUNCTION cartodb.theirs() RETURNS int LANGUAGE sql AS 'SELECT 7'; GRANT USAGE ON SCHEMA cartodb TO PUBLIC",
        );
      });
      const engine = await open();
      expect(await rowsOf(engine, "SELECT theirs()")).toEqual([["7"]]);
      expect(await failure(engine.query("SELECT CDB_LatLng(1, 2)"))).toMatchObject({
        message: "function cdb_latlng(integer, integer) does not exist",
        hint: expect.stringContaining("was not created by cartoframes, so it is left unchanged"),
      });
      expect(
        await rowsOf(engine, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'cartodb'::regnamespace"),
      ).toEqual([["1"]]);
    });

    test("are optional for a role that cannot create them, which can still read and query and gets advice", async () => {
      url = await createTestDatabase();
      await admin(async (run) => {
        await run("CREATE TABLE owned AS SELECT 1 AS a; GRANT SELECT ON owned TO reader");
      });
      const engine = await open(roleUrl("reader"));
      expect(await rowsOf(engine, "SELECT a FROM owned")).toEqual([["1"]]);
      const error = await failure(engine.query("SELECT CDB_LatLng(1, 2)"));
      expect([error.message.replace(/test \d+/, "test"), error.code, error.hint]).toEqual([
        `permission denied for database test: CARTO's SQL functions are not installed, and role "reader" may not create them`,
        "42501",
        'A database administrator can run: CREATE SCHEMA cartodb AUTHORIZATION "reader". Reading tables, queries and maps work without them.',
      ]);
      await admin(async (run) => void (await run("CREATE SCHEMA cartodb AUTHORIZATION reader")));
      expect(await rowsOf(engine, "SELECT ST_X(CDB_LatLng(1, 2))")).toEqual([["2"]]);
      // and what one role installed serves the others, whose triggers need them
      expect(await rowsOf(await open(), "SELECT ST_X(CDB_LatLng(1, 2))")).toEqual([["2"]]);
    });

    test("are optional without PostGIS, with an error that says what they need", async () => {
      const client = await postgres.connect();
      await client.query("CREATE DATABASE plain TEMPLATE template0 OWNER carto");
      await client.end();
      const engine = await open(postgres.url("plain", "carto"));
      expect(await engine.info()).toMatchObject({ kind: "postgres", postgis: null });
      expect(await failure(engine.query("SELECT CDB_LatLng(1, 2)"))).toMatchObject({
        message: `CARTO's SQL functions need PostGIS, which database "plain" does not have`,
        hint: expect.stringContaining("CREATE EXTENSION postgis"),
      });
    });
  });

  describe("publicuser", () => {
    test("is rejected if the role cannot be assumed", async () => {
      const engine = await open(roleUrl("reader"));
      expect(await failure(engine.query("SELECT 1", { role: "public" }))).toMatchObject({
        code: "42501",
        message: expect.stringMatching(
          /"reader" may not SET ROLE publicuser, so this server accepts only the master key$/,
        ),
      });
    });

    test.each([
      "SELECT pg_catalog.set_config('role', 'none', false)",
      "SELECT 1; SELECT 2",
      `SELECT U&"set\\005fconfig"('role', 'none', false)`,
      "SELECT query_to_xml('RESET' || ' ROLE', true, true, '')",
      "COPY (SELECT set_config('role', 'none', false)) TO STDOUT",
    ])("cannot leave its role: %s", async (sql) => {
      const engine = await open();
      const as = { role: "public" } as const;
      const error = await failure(sql.startsWith("COPY") ? engine.copyOut(sql, as) : engine.query(sql, as));
      expect(error).toMatchObject({
        code: "42501",
        message: expect.stringMatching(/^permission denied for /),
      });
    });
  });

  describe("names a database that cannot be opened, without the password", () => {
    test.each([
      [
        "nobody listens",
        "postgres://ana:s3cret@127.0.0.1:1/gis",
        /^cannot reach the database at 127\.0\.0\.1:1 \(ECONNREFUSED\)$/,
      ],
      [
        "no such host",
        "postgres://ana:s3cret@db.invalid/gis",
        /^cannot reach the database at db\.invalid:5432 \(E\w+\)$/,
      ],
      [
        "no such socket",
        "postgres://ana:s3cret@/gis?host=/nowhere",
        /^cannot reach the database at \/nowhere, port 5432 \(ENOENT\)$/,
      ],
    ])("%s", async (_, address, message) => {
      const error = await failure(openPostgres(databaseAddress(address)));
      expect(error.message).toMatch(message);
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain("s3cret");
    });

    test("a missing database, a missing role", async () => {
      expect(
        (await failure(openPostgres(databaseAddress(postgres.url("nowhere", "carto"))))).message,
      ).toMatch(/cannot be used: database "nowhere" does not exist$/);
      expect((await failure(openPostgres(databaseAddress(roleUrl("nobody"))))).message).toMatch(
        /^the database at .* refused "nobody": role "nobody" does not exist$/,
      );
    });
  });
});
