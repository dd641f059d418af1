import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { CartoError, ConflictError } from "../../../src/errors";
import { frame, rowsOf, values, withContext } from "../../support/context";
import { defaultEngine } from "../../support/engine";
import { mulberry32 } from "../../support/seeded";
import { runningServer, stopServers } from "../../support/server";
import { cities, writeCities } from "./cities";

let cc: CartoContext;
let home: string;
/** Somebody else on the same data. */
let other: CartoContext;
withContext((context) => {
  ({ home, cc } = context);
  other = new CartoContext({ baseUrl: context.baseUrl });
});

describe("conflicts", () => {
  test.each([
    [
      "an update",
      "UPDATE t_ SET people = 9 WHERE cartodb_id = 2",
      /1 row changed or added \("cartodb_id" 2\)\./,
    ],
    ["an insert", "INSERT INTO t_ (city) VALUES ('Rome')", /1 row changed or added \("cartodb_id" 4\)/],
    ["a delete", "DELETE FROM t_ WHERE cartodb_id = 2", /: 1 row deleted\./],
    [
      "both",
      "DELETE FROM t_ WHERE cartodb_id = 2; UPDATE t_ SET people = 9 WHERE cartodb_id = 1",
      /1 row changed .*at least 1 row deleted/,
    ],
    [
      "a replaced table",
      "CREATE TABLE t2_ AS SELECT * FROM t_; DROP TABLE t_; ALTER TABLE t2_ RENAME TO t_",
      /3 rows changed/,
    ],
    ["one's own statement", null, /1 row changed/],
  ])("does not overwrite %s since the table was read", async (_, sql, message) => {
    const df = await writeCities(cc, "t_");
    const derived = df.head(3); // another object of the same data
    rowsOf(derived)[0]![2] = "Madrid, edited";
    if (sql === null) await cc.query("UPDATE t_ SET people = 9 WHERE cartodb_id = 2");
    else await other.query(sql);
    const before = await values("SELECT cartodb_id, city, people FROM t_ ORDER BY 1");
    for (const edited of [derived, df]) {
      rowsOf(edited)[0]![2] = "Madrid, edited";
      const error = await cc.sync(edited, "t_").catch((thrown) => thrown);
      expect(error).toBeInstanceOf(ConflictError);
      expect(error.message).toMatch(message);
    }
    expect(await values("SELECT cartodb_id, city, people FROM t_ ORDER BY 1")).toEqual(before);
    await cc.sync(derived, "t_", { force: true });
    expect(await values("SELECT city, people FROM t_ ORDER BY cartodb_id")).toEqual([
      ["Madrid, edited", 3],
      ["Quito", 2],
      ["Oslo", 1],
    ]);
  });

  test("ignores changes that made the table equal to the frame", async () => {
    const df = await writeCities(cc, "agreed");
    rowsOf(df)[1]![5] = 9;
    await other.query("UPDATE agreed SET people = 9 WHERE cartodb_id = 2");
    expect(await cc.sync(df, "agreed")).toMatchObject({ updated: 0, unchanged: 3 });
  });

  test("ignores the context's own syncs and writes", async () => {
    const df = await writeCities(cc, "mine");
    for (const people of [5, 6, 7]) {
      rowsOf(df)[1]![5] = people;
      expect(await cc.sync(df, "mine")).toMatchObject({ updated: 1, unchanged: 2 });
    }
    const again = cities();
    await cc.write(again, "mine", { lnglat: ["lng", "lat"], overwrite: true });
    rowsOf(again)[0]![3] = 100;
    expect(await cc.sync(again, "mine", { key: "city", lnglat: ["lng", "lat"] })).toMatchObject({
      updated: 1,
    });
  });

  test("ignores a restart of the server", async () => {
    const df = await writeCities(cc, "restarted");
    await stopServers(home);
    rowsOf(df)[1]![5] = 9;
    expect(await cc.sync(df, "restarted")).toMatchObject({ updated: 1 });
    await other.query("UPDATE restarted SET people = 10 WHERE cartodb_id = 2");
    await stopServers(home);
    await expect(cc.sync(df, "restarted")).rejects.toThrow(ConflictError);
  });

  test("rejects a frame that was read with a limit", async () => {
    await writeCities(cc, "limited");
    const some = await cc.read("limited", { limit: 2 });
    await expect(cc.sync(some, "limited")).rejects.toThrow(/only some rows/);
    expect(await values("SELECT count(*)::int FROM limited")).toEqual([[3]]);
  });

  test("of two concurrent syncs, one succeeds and the other throws", async () => {
    const [mine, theirs] = [await writeCities(cc, "raced"), await other.read("raced")];
    rowsOf(mine)[0]![5] = 100;
    rowsOf(theirs)[1]![5] = 200;
    const results = await Promise.allSettled([cc.sync(mine, "raced"), other.sync(theirs, "raced")]);
    const lost = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(lost).toHaveLength(1);
    expect(lost[0]!.reason).toBeInstanceOf(ConflictError);
    const people = (await values("SELECT people FROM raced ORDER BY cartodb_id")).flat();
    expect([
      [100, 2, 1],
      [3, 200, 1],
    ]).toContainEqual(people);
  });
});

/** Statements that the server runs at this moment. */
const statements = async (): Promise<string> =>
  defaultEngine() === "pglite"
    ? ((await runningServer(home))?.status.busyWith ?? "")
    : String(
        await values("SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"),
      );

/** Moments of a sync: it downloads the table, uploads the frame, and applies the changes. */
const STAGES = [/COPY [^;]*stopped/, /COPY [^;]*cartoframes_tmp_/, /LOCK TABLE/];

/** Resolves when the server runs such a statement, or when the call has ended before that was seen. */
async function reached(stage: RegExp, call: Promise<unknown>): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  void call.then(end, end);
  while (!ended && !stage.test(await statements())) await sleep(5);
}

test("an abort at any moment leaves the old table or the frame's, and nothing else", async () => {
  const rows = Array.from({ length: 60_000 }, (_, i) => [i, i]);
  await cc.write(frame(["id", "v"], ...rows), "stopped");
  const edited = frame(["id", "v"], ...rows.map(([id]) => [id, -1]));
  for (const stage of [/^/, ...STAGES]) {
    const controller = new AbortController();
    const options = { key: "id", signal: controller.signal, force: true };
    const synced = cc
      .sync(edited, "stopped", options)
      .catch((error) => expect(error.message, `${stage}`).toBe("stop"));
    await reached(stage, synced);
    controller.abort(new Error("stop"));
    await synced;
    const [[total, minus]] = (await values(
      "SELECT count(*)::int AS total, count(*) FILTER (WHERE v = -1)::int AS minus FROM stopped",
    )) as [[number, number]];
    expect([total, [0, rows.length].includes(minus)], `${stage}`).toEqual([rows.length, true]);
  }
});

test("a server killed at any moment leaves the old table or the frame's, and nothing else", async () => {
  const rows = Array.from({ length: 40_000 }, (_, i) => [i, i]);
  await cc.write(frame(["id", "v"], ...rows), "stopped", { overwrite: true });
  for (const [round, stage] of STAGES.entries()) {
    const edited = frame(["id", "v"], ...rows.map(([id]) => [id, -round]));
    await cc.query("SELECT 1"); // starts one
    const { pid } = (await runningServer(home))!.status;
    const synced = cc
      .sync(edited, "stopped", { key: "id", force: true })
      .catch((error) => expect(error, error.stack).toBeInstanceOf(CartoError));
    await reached(stage, synced);
    process.kill(pid, "SIGKILL");
    await synced;
    const [[total, same]] = (await values(
      `SELECT count(*)::int AS total, count(*) FILTER (WHERE v = ${-round})::int AS same FROM stopped`,
    )) as [[number, number]];
    expect([total, [0, 1, rows.length].includes(same)], `round ${round}`).toEqual([rows.length, true]);
  }
  await stopServers(home); // what is left is dropped at the next start, or when nothing is done for a minute
});

test("random edits of a frame arrive in the table", async () => {
  const seed = 20_240_611;
  const random = mulberry32(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const texts = ["", "a", "it's", '"q"', "\\", "NULL", "é😀", "x;--", "$$", null];
  const numbers = [0, -0, 1.5, -1e300, Number.POSITIVE_INFINITY, Number.NaN, null];
  const shapes = ["POINT(1 2)", "POLYGON((0 0,1 0,1 1,0 0))", "LINESTRING(0 0,1 1)", "POINT EMPTY", null];
  const row = (id: number) => [
    id,
    pick(texts),
    pick(numbers),
    pick([true, false, null]),
    pick([new Date("2020-01-01T00:00:00.001Z"), new Date(-1), null]),
    pick([{ a: [1, "x"] }, [], null]),
    pick(shapes),
  ];
  const columns = ["id", "t", "n", "b", "at", "doc", "geometry"];
  await cc.query(
    "CREATE TABLE random (id int, t text, n float8, b bool, at timestamptz, doc jsonb, the_geom geometry(Geometry,4326))",
  );
  let rows: unknown[][] = Array.from({ length: 30 }, (_, id) => row(id));
  for (let round = 0; round < 25; round++) {
    rows = rows
      .filter(() => random() < 0.9)
      .map((old) =>
        random() < 0.2
          ? row(old[0] as number)
          : old.map((value, i) => (i > 0 && random() < 0.05 ? row(0)[i] : value)),
      );
    const used = new Set(rows.map(([id]) => id));
    for (let n = Math.floor(random() * 4); n > 0; n--) {
      const id = Math.floor(random() * 200);
      if (!used.has(id)) rows.push(row(id));
      used.add(id);
    }
    rows.sort(() => random() - 0.5);
    if (round % 5 === 4) {
      // somebody else's changes, overwritten on purpose
      await other.query(
        "UPDATE random SET t = 'other', n = 'NaN', the_geom = NULL WHERE id % 3 = 0; DELETE FROM random WHERE id % 7 = 0; INSERT INTO random (id) VALUES (999)",
      );
    }
    const where = `seed ${seed}, round ${round}`;
    const counts = await cc.sync(frame(columns, ...rows.map((cells) => [...cells])), "random", {
      key: "id",
      geomCol: "geometry",
      force: true,
    });
    expect(counts.inserted + counts.updated + counts.unchanged, where).toBe(rows.length);
    const expected = new Map(rows.map((cells) => [cells[0], cells.slice(1).map(plain)]));
    const stored = await cc.query("SELECT id, t, n, b, at, doc, ST_AsText(the_geom) FROM random");
    expect(new Map(rowsOf(stored).map((cells) => [cells[0], cells.slice(1).map(plain)])), where).toEqual(
      expected,
    );
    const again = await cc.sync(frame(columns, ...rows), "random", { key: "id", geomCol: "geometry" });
    expect(again, where).toEqual({ inserted: 0, updated: 0, deleted: 0, unchanged: rows.length });
  }
});

describe("large frames, which are compared before the upload", () => {
  const ROWS = 22_000;
  const large = async (name: string) => {
    await cc.query(`DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} AS SELECT i AS v, 'n' || i AS name, i / 7.0::float8 AS f,
      timestamptz '2020-01-01 00:00:00.123456Z' + i * interval '1 s' AS at, jsonb_build_object('i', i) AS doc,
      ST_SetSRID(ST_MakePoint(i % 180, i % 90), 4326) AS the_geom FROM generate_series(1, ${ROWS}) i`);
    await cc.query(`SELECT CDB_CartodbfyTable('${name}')`);
    return cc.read(name);
  };
  const content = (name: string) =>
    cc.query(`SELECT md5(string_agg(t::text, '|' ORDER BY cartodb_id)) AS all FROM ${name} t`);

  test("no change, then edits, deletes, new rows and another order at once", async () => {
    const df = await large("large");
    const before = rowsOf(await content("large"));
    expect(await cc.sync(df, "large")).toEqual({ inserted: 0, updated: 0, deleted: 0, unchanged: ROWS });
    expect(rowsOf(await content("large"))).toEqual(before); // microseconds are still there
    const name = df.columns.indexOf("name");
    const f = df.columns.indexOf("f");
    const seed = 7;
    const random = mulberry32(seed);
    const kept = rowsOf(df).filter((_, i) => i % 100 !== 0);
    for (const [i, row] of kept.entries()) if (i % 1000 === 0) row[name] = `edited ${i}`;
    for (const [i, row] of kept.entries()) if (i % 5000 === 0) row[f] = null;
    const added = Array.from({ length: 50 }, (_, i) =>
      df.columns.map((column) => (column === "v" ? -i : null)),
    );
    const withIds = Array.from({ length: 5 }, (_, i) =>
      df.columns.map((column) =>
        column === "cartodb_id" ? 1_000_000 + i : column === "name" ? `new ${i}` : null,
      ),
    );
    const rows = [...kept, ...added, ...withIds];
    for (let i = rows.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [rows[i], rows[j]] = [rows[j]!, rows[i]!];
    }
    const edited = frame(df.columns, ...rows);
    expect(await cc.sync(edited, "large"), `seed ${seed}`).toEqual({
      inserted: 55,
      updated: 22,
      deleted: 220,
      unchanged: ROWS - 220 - 22,
    });
    const stored = await cc.query("SELECT cartodb_id, v, name, f FROM large WHERE v > 0 OR v IS NULL");
    const at = ["cartodb_id", "v", "name", "f"].map((column) => df.columns.indexOf(column));
    const picked = rows.filter((row) => row[at[0]!] !== null).map((row) => at.map((i) => plain(row[i])));
    const byId = (a: unknown[], b: unknown[]) => Number(a[0]) - Number(b[0]);
    expect(
      rowsOf(stored)
        .map((row) => row.map(plain))
        .sort(byId),
    ).toEqual(picked.sort(byId));
    expect(await cc.sync(await cc.read("large"), "large")).toMatchObject({ unchanged: ROWS - 220 + 55 });
  });

  test("a new column, with and without values", async () => {
    const df = await large("large");
    const wider = frame([...df.columns, "w"], ...rowsOf(df).map((row) => [...row, null]));
    expect(await cc.sync(wider, "large")).toMatchObject({ unchanged: ROWS });
    expect((await cc.read("large", { limit: 1 })).columns).toContain("w");
    const widest = frame(
      [...df.columns, "w", "w2"],
      ...rowsOf(df).map((row, i) => [...row, null, i % 2 ? i : null]),
    );
    expect(await cc.sync(widest, "large")).toMatchObject({ updated: ROWS / 2 });
    expect(await values("SELECT count(w2)::int FROM large")).toEqual([[ROWS / 2]]);
  });

  test("detects changes by others before and during the sync", async () => {
    const df = await large("large");
    rowsOf(df)[0]![df.columns.indexOf("name")] = "mine";
    await other.query("UPDATE large SET name = 'theirs' WHERE cartodb_id = 2");
    await expect(cc.sync(df, "large")).rejects.toThrow(/1 row changed or added \("cartodb_id" 2\)/);
    expect(await cc.sync(df, "large", { force: true })).toMatchObject({ updated: 2 });
    rowsOf(df)[0]![df.columns.indexOf("name")] = "mine again";
    let ended = false;
    const syncing = cc
      .sync(df, "large", { force: true })
      .catch((error: unknown) => error)
      .finally(() => {
        ended = true;
      });
    while (!ended) await other.query("UPDATE large SET name = 'theirs' WHERE cartodb_id = 3");
    const outcome = await syncing;
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ConflictError);
    else expect(await values("SELECT name FROM large WHERE cartodb_id = 1")).toEqual([["mine again"]]);
  });
});

const plain = (value: unknown) =>
  value === undefined || Number.isNaN(value) ? null : Object.is(value, -0) ? 0 : value;
