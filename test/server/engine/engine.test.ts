import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { DatabaseError } from "../../../src/server/engine/engine";
import { bytesOf, chunksOf, ENGINES, failure, useEngine } from "../../support/engine";

const ENDLESS = "SELECT count(*) FROM generate_series(1, 1e10)";

describe.each(ENGINES)("%s", (kind) => {
  const db = useEngine({ kind, maxResultBytes: 8 * 1024 ** 2 });
  /** With one session: whoever comes second waits. */
  const single = kind === "pglite" ? db : useEngine({ kind, maxConnections: 1 });
  /** Files that a COPY left; only the embedded database has any. */
  const spool = () => (kind === "pglite" ? readdirSync(join(db.dataDir, "cartoframes_spool")) : []);

  describe("query", () => {
    test("returns values as text with their types, per statement", async () => {
      const { statements } = await db.get().query(`
      SELECT 1 AS n, NULL::numeric(6,2) AS amount, '' AS "Empty", 'ñ\u{1f333}' AS t, '\\x00ff'::bytea AS b;
      CREATE TABLE q (a int);
      INSERT INTO q VALUES (1), (2);
      SELECT a FROM q WHERE false;;
      SELECT ST_SetSRID(ST_MakePoint(1, 2), 4326)::geometry(Point,4326) AS g`);
      expect(statements.map(({ command, affectedRows }) => [command, affectedRows])).toEqual([
        ["SELECT 1", 1],
        ["CREATE TABLE", 0],
        ["INSERT 0 2", 2],
        ["SELECT 0", 0],
        ["SELECT 1", 1],
      ]);
      expect(
        statements[0]!.fields!.map(({ name, typeName, typeModifier }) => [name, typeName, typeModifier]),
      ).toEqual([
        ["n", "int4", -1],
        ["amount", "numeric", ((6 << 16) | 2) + 4],
        ["Empty", "text", -1],
        ["t", "text", -1],
        ["b", "bytea", -1],
      ]);
      expect(statements[0]!.rows).toEqual([["1", null, "", "ñ🌳", "\\x00ff"]]);
      expect(statements[1]!.fields).toBeNull();
      expect(statements[3]).toMatchObject({ rows: [], fields: [{ name: "a", typeName: "int4" }] });
      expect(statements[4]!.fields).toMatchObject([
        { typeName: "geometry", typeModifier: expect.any(Number) },
      ]);
    });

    test("an empty string is one empty statement", async () => {
      expect((await db.get().query("")).statements).toEqual([
        { command: "", fields: null, rows: [], affectedRows: 0 },
      ]);
    });

    test("names types created by earlier statements", async () => {
      const { statements } = await db
        .get()
        .query("CREATE TYPE mood AS ENUM ('ok'); SELECT 'ok'::mood AS m, ARRAY['ok'::mood] AS ms");
      expect(statements[1]!.fields!.map((field) => field.typeName)).toEqual(["mood", "_mood"]);
    });

    test("passes on notices and warnings", async () => {
      const { notices, warnings } = await db
        .get()
        .query(
          "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; RAISE INFO 'three'; END $$; DROP TABLE IF EXISTS nowhere",
        );
      expect(notices).toEqual(["one", "three", 'table "nowhere" does not exist, skipping']);
      expect(warnings).toEqual(["two"]);
    });

    test("an error has PostgreSQL's fields", async () => {
      await db.rows("CREATE TABLE named (name text PRIMARY KEY); INSERT INTO named VALUES ('x')");
      expect(await failure(db.rows("SELECT '🌳', naem FROM named"))).toMatchObject({
        message: 'column "naem" does not exist',
        code: "42703",
        severity: "ERROR",
        position: 13,
        hint: 'Perhaps you meant to reference the column "named.name".',
      });
      expect(await failure(db.rows("INSERT INTO named VALUES ('x')"))).toMatchObject({
        code: "23505",
        detail: "Key (name)=(x) already exists.",
        table: "named",
        constraint: "named_pkey",
      });
      expect((await failure(db.rows("DO $$ BEGIN PERFORM 1/0; END $$"))).where).toContain(
        "PL/pgSQL function",
      );
    });

    test("several statements run in one transaction", async () => {
      await failure(db.rows("CREATE TABLE half (a int); SELECT 1/0"));
      expect(await db.rows("SELECT to_regclass('half')")).toEqual([[null]]);
    });

    test("a result beyond the limit fails with advice, and the next query works", async () => {
      const error = await failure(db.rows("SELECT repeat('x', 1000) FROM generate_series(1, 100000)"));
      expect(error).toMatchObject({ code: "54000", message: "the result is larger than 8 MB" });
      expect(await db.rows("SELECT 1")).toEqual([["1"]]);
    });

    test("100,000 rows arrive in order", async () => {
      const rows = await db.rows("SELECT n FROM generate_series(1, 100000) n");
      expect(rows.length).toBe(100_000);
      expect(rows.every(([n], i) => n === String(i + 1))).toBe(true);
    });
  });

  describe("session state does not reach the next call", () => {
    test.each([
      ["a setting", "SET work_mem = '3MB'", "SHOW work_mem", [["4MB"]]],
      [
        "the search path",
        "SET search_path = pg_catalog",
        "SHOW search_path",
        [["public, cartodb, cdb_observatory"]],
      ],
      [
        "an open transaction",
        "BEGIN; CREATE TABLE unfinished (a int)",
        "SELECT to_regclass('unfinished')",
        [[null]],
      ],
      [
        "a temporary table",
        "CREATE TEMP TABLE pretend AS SELECT 1",
        "SELECT to_regclass('pretend')",
        [[null]],
      ],
      ["a role", "SET ROLE publicuser", "SELECT current_user", [["carto"]]],
      ["no role", "RESET ROLE", "SELECT current_user", [["carto"]]],
      [
        "an authorization",
        "RESET ROLE; SET SESSION AUTHORIZATION publicuser",
        "SELECT current_user",
        [["carto"]],
      ],
      ["LISTEN", "LISTEN channel", "SELECT * FROM pg_listening_channels()", []],
      ["a prepared statement", "PREPARE s AS SELECT 1", "SELECT name FROM pg_prepared_statements", []],
      [
        "a cursor",
        "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT",
        "SELECT name FROM pg_cursors",
        [],
      ],
      [
        "an advisory lock",
        "SELECT pg_advisory_lock(1)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
        [["0"]],
      ],
      [
        "a sequence's last value",
        "CREATE SEQUENCE seq; SELECT nextval('seq')",
        "SELECT count(*) FROM pg_class WHERE relname = 'seq'",
        [["1"]],
      ],
    ])("%s", async (_name, leak, probe, clean) => {
      await db.rows(leak).catch(() => {}); // a database of the user's refuses some
      // a session is cleaned after its answer; what others can see of it meanwhile, a lock, is gone soon
      await expect.poll(() => db.rows(probe)).toEqual(clean);
    });

    test("a failed transaction does not either", async () => {
      await failure(db.rows("BEGIN; SELECT 1/0"));
      expect(await db.rows("SELECT 1")).toEqual([["1"]]);
    });
  });

  describe("roles", () => {
    test("publicuser can read only what was granted to it", async () => {
      await db.rows(
        "CREATE TABLE seen (a int); CREATE TABLE unseen (a int); GRANT SELECT ON seen TO publicuser",
      );
      const as = { role: "public" } as const;
      expect(await db.rows("SELECT * FROM seen", as)).toEqual([]);
      expect((await bytesOf((await db.get().copyOut("COPY seen TO STDOUT", as)).stream)).length).toBe(0);
      const refused = [
        "SELECT * FROM unseen",
        "INSERT INTO seen VALUES (1)",
        "SELECT set_config('role', 'postgres', false)",
        "UPDATE pg_settings SET setting = 'postgres' WHERE name = 'role'",
        "RESET ROLE; SELECT * FROM unseen",
        "SELECT query_to_xml('RESET ROLE', true, true, '')",
      ];
      for (const sql of refused) await expect(db.rows(sql, as), sql).rejects.toThrow();
      expect(await failure(db.get().copyOut("COPY unseen TO STDOUT", as))).toMatchObject({
        message: "permission denied for table unseen",
      });
      expect(await failure(db.get().copyIn("COPY seen FROM STDIN", chunksOf("1\n"), as))).toMatchObject({
        code: "42501",
      });
    });
  });

  describe("copyOut", () => {
    test("streams the output of COPY, and keeps no file", async () => {
      const { stream, rows, bytes } = await db
        .get()
        .copyOut("COPY (SELECT n, 'a,b' FROM generate_series(1, 3) n) TO STDOUT WITH (FORMAT csv, HEADER)");
      const data = await bytesOf(stream);
      expect(data.toString()).toBe('n,?column?\n1,"a,b"\n2,"a,b"\n3,"a,b"\n');
      expect([rows, bytes]).toEqual([3, data.length]);
      await expect.poll(spool).toEqual([]);
    });

    test("reports an error midway before the first byte, relative to the statement", async () => {
      const sql = "COPY (SELECT 1 / (5000 - n) FROM generate_series(1, 10000) n) TO STDOUT";
      expect(await failure(db.get().copyOut(sql))).toMatchObject({
        code: "22012",
        message: "division by zero",
      });
      expect(await failure(db.get().copyOut("COPY (SELECT 1) TO STDOUT WITH (FORMAT nope)"))).toMatchObject({
        position: 33,
      });
      expect(spool()).toEqual([]);
    });

    test("a slow reader does not block others; one that disconnects leaves nothing", async () => {
      const { stream } = await db
        .get()
        .copyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT");
      await stream[Symbol.asyncIterator]().next();
      expect(await db.rows("SELECT 1")).toEqual([["1"]]);
      stream.destroy();
      await expect.poll(spool).toEqual([]);
    });

    test("passes 200 MB without buffering them", async () => {
      const rows = 200_000;
      const { stream, bytes } = await db
        .get()
        .copyOut(`COPY (SELECT repeat('x', 1023) FROM generate_series(1, ${rows})) TO STDOUT`);
      if (kind === "pglite") expect(bytes).toBe(rows * 1024); // the other one streams
      let passed = 0;
      let most = 0;
      for await (const chunk of stream) {
        passed += chunk.length;
        most = Math.max(most, stream.readableLength);
      }
      expect(passed).toBe(rows * 1024);
      expect(most).toBeLessThan(8 * 1024 ** 2);
    });
  });

  describe("copyIn", () => {
    test("loads data in chunks of any size", async () => {
      await db.rows("CREATE TABLE loaded (a int, g geometry(Geometry,4326))");
      const { rows } = await db
        .get()
        .copyIn(
          "COPY loaded (a, g) FROM STDIN WITH (FORMAT csv)",
          chunksOf("1,SRID=4326;POI", "NT(1 2)\n2,", "\n3,"),
        );
      expect(rows).toBe(3);
      expect(await db.rows("SELECT a, ST_AsText(g) FROM loaded")).toEqual([
        ["1", "POINT(1 2)"],
        ["2", null],
        ["3", null],
      ]);
      expect(spool()).toEqual([]);
    });

    test("loads no row from no data", async () => {
      expect(await db.get().copyIn("COPY loaded (a) FROM STDIN", chunksOf())).toEqual({ rows: 0 });
    });

    test("loads nothing from bad data or an interrupted sender", async () => {
      await db.rows("CREATE TABLE whole (a int)");
      const bad = await failure(db.get().copyIn("COPY whole FROM STDIN", chunksOf("1\n", "x\n")));
      expect(bad).toMatchObject({
        code: "22P02",
        where: expect.stringContaining('COPY whole, line 2, column a: "x"'),
      });
      async function* breaking() {
        yield Buffer.from("1\n");
        throw new Error("connection lost");
      }
      await expect(db.get().copyIn("COPY whole FROM STDIN", breaking())).rejects.toThrow("connection lost");
      expect(await db.rows("SELECT count(*) FROM whole")).toEqual([["0"]]);
      expect(spool()).toEqual([]);
    });

    test("copies one table into another in binary", async () => {
      await db.rows("CREATE TABLE twin (a int, g geometry(Geometry,4326))");
      const { stream } = await db.get().copyOut("COPY loaded TO STDOUT WITH (FORMAT binary)");
      expect(await db.get().copyIn("COPY twin FROM STDIN WITH (FORMAT binary)", stream)).toEqual({ rows: 3 });
      expect(await db.rows("SELECT * FROM twin EXCEPT SELECT * FROM loaded")).toEqual([]);
    });

    test("a slow sender does not block others, and stops on abort", async () => {
      const controller = new AbortController();
      const never = new Readable({ read() {} });
      never.push("1\n");
      const loading = failure(db.get().copyIn("COPY whole FROM STDIN", never, { signal: controller.signal }));
      expect(await db.rows("SELECT 1")).toEqual([["1"]]);
      controller.abort();
      expect(await loading).toMatchObject({ code: "57014" });
      expect(spool()).toEqual([]);
    });

    test("an upload survives the cancellation of another query", async () => {
      const upload = new Readable({ read() {} });
      upload.push("1\n");
      const loading = db.get().copyIn("COPY whole FROM STDIN", upload);
      await failure(db.rows(ENDLESS, { signal: AbortSignal.timeout(100) }));
      upload.push("2\n");
      upload.push(null);
      expect(await loading).toEqual({ rows: 2 });
    });
  });

  describe("cancel", () => {
    test("ends only the running query; waiting ones run in order", async () => {
      const controller = new AbortController();
      const running = failure(single.rows(ENDLESS, { signal: controller.signal }));
      await expect.poll(() => single.get().activity().running?.sql).toBe(ENDLESS);
      const order: number[] = [];
      const waiting = [1, 2, 3].map((n) => single.rows(`SELECT ${n}`).then(() => order.push(n)));
      expect(single.get().activity().waiting).toBe(3);
      controller.abort();
      expect(await running).toMatchObject({
        code: "57014",
        message: "canceling statement due to user request",
      });
      await Promise.all(waiting);
      expect(order).toEqual([1, 2, 3]);
      expect(single.get().activity()).toEqual({ running: null, waiting: 0 });
    });

    test("reports a timeout", async () => {
      const error = await failure(db.rows(ENDLESS, { signal: AbortSignal.timeout(50) }));
      expect(error).toMatchObject({ code: "57014", message: "canceling statement due to statement timeout" });
    });

    test("a time limit starts with the query", async () => {
      const first = single.rows("SELECT pg_sleep(0.5)");
      expect(await single.rows("SELECT 1", { timeoutMs: 300 })).toEqual([["1"]]);
      await first;
      const error = await failure(single.rows(ENDLESS, { timeoutMs: 50 }));
      expect(error).toMatchObject({ code: "57014", message: "canceling statement due to statement timeout" });
      expect(await single.rows("SELECT pg_sleep(0.2), 1", { timeoutMs: 30_000 })).toEqual([["", "1"]]);
    });

    test("removes a waiting query from the queue", async () => {
      const first = new AbortController();
      const second = new AbortController();
      const running = failure(single.rows(ENDLESS, { signal: first.signal }));
      await expect.poll(() => single.get().activity().running?.sql).toBe(ENDLESS);
      const waiting = failure(single.rows("SELECT 1", { signal: second.signal }));
      second.abort();
      expect(await waiting).toMatchObject({ code: "57014" });
      expect(single.get().activity().waiting).toBe(0);
      first.abort();
      await running;
      await expect(single.rows("SELECT 1", { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "57014",
      });
    });

    test("an interrupted COPY leaves no file and no row", async () => {
      const copy = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1e9)) TO STDOUT";
      const copying = async () => {
        const { stream } = await db.get().copyOut(copy, { signal: AbortSignal.timeout(300) });
        for await (const _ of stream);
      };
      expect(await failure(copying())).toMatchObject({
        code: "57014",
      });
      expect(spool()).toEqual([]);
    });

    test("keeps committed work, and rolls back unfinished work", async () => {
      await db.rows("CREATE TABLE safe (a int); INSERT INTO safe VALUES (1)");
      await failure(
        db.rows(`BEGIN; INSERT INTO safe VALUES (2); ${ENDLESS}; COMMIT`, {
          signal: AbortSignal.timeout(200),
        }),
      );
      expect(await db.rows("SELECT a FROM safe")).toEqual([["1"]]);
    });

    test("at the very end of a query, settles exactly once", async () => {
      for (let i = 0; i < 5; i++) {
        const controller = new AbortController();
        const query = db.rows("SELECT pg_sleep(0.02), 1", { signal: controller.signal });
        setTimeout(() => controller.abort(), 15 + i * 4);
        const result = await query.catch((error: DatabaseError) => error.code);
        expect(result === "57014" || (Array.isArray(result) && result[0][1] === "1")).toBe(true);
      }
      expect(await db.rows("SELECT 1")).toEqual([["1"]]);
    });
  });

  test("infinite recursion is a PostgreSQL error, not a crash", async () => {
    await db.rows(
      "CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deep(n + 1); END $$",
    );
    expect(await failure(db.rows("SELECT deep(1)"))).toMatchObject({ code: "54001" });
  });
});
