/** Two kernels, processes of their own, that change the same table at the same time. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { runSql } from "../../src/api/sql";
import { Transport } from "../../src/api/transport";
import { endpointSource } from "../../src/context/connection/endpoint";
import { type KernelProcess, type Outcome, startKernelProcess } from "../support/kernel-process";
import { removeHome, temporaryHome, testAddress } from "../support/server";

const ROWS = 30_000;
const ROUNDS = 3;

let home: string;
let transport: Transport;
let kernels: KernelProcess[] = [];
beforeAll(async () => {
  home = await temporaryHome();
  const baseUrl = await testAddress(home);
  transport = new Transport(endpointSource({ baseUrl }));
  await runSql(transport, "SELECT 1");
  kernels = await Promise.all([1, 2].map(() => startKernelProcess(baseUrl, home)));
});
afterAll(async () => {
  await Promise.all(kernels.map((kernel) => kernel.kill()));
  await removeHome(home);
});

/** A frame whose rows all carry the mark. */
const frame = (mark: string, rows = ROWS) =>
  `new DataFrame({ id: Array.from({ length: ${rows} }, (_, i) => i), mark: Array(${rows}).fill("${mark}") })`;

/** Both start at the same time; each gets a piece of code that has its frame. */
const both = (...codes: [string, string]) => Promise.all(kernels.map((kernel, i) => kernel.run(codes[i]!)));

const errors = (outcomes: Outcome[]) => outcomes.flatMap(({ error }) => (error ? [error] : []));

/** The marks of the table's rows: one, if it is one frame. */
async function marks(rows = ROWS): Promise<string[]> {
  const found = await runSql(
    transport,
    "SELECT mark, count(*)::int AS n, count(DISTINCT id)::int AS ids FROM shared GROUP BY mark",
  );
  for (const { n, ids } of found.rows) expect([n, ids]).toEqual([rows, rows]);
  return found.rows.map(({ mark }) => String(mark));
}

beforeEach(async () => {
  await runSql(transport, "DROP TABLE IF EXISTS shared");
  return async () => {
    const left = await runSql(
      transport,
      "SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%'",
    );
    expect(left.rows).toEqual([]);
  };
});

test("both write a new table: one succeeds, the other throws TableExistsError", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const write = (mark: string) => `await cc.write(${frame(mark)}, "shared")`;
    const outcomes = await both(write("one"), write("two"));
    expect(errors(outcomes)).toEqual([
      {
        name: "TableExistsError",
        message: 'Table "shared" already exists. Pass { overwrite: true } to replace it.',
      },
    ]);
    expect(await marks()).toEqual([outcomes[0]!.error ? "two" : "one"]);
    await runSql(transport, "DROP TABLE shared");
  }
});

test("both replace it: the table equals one of the frames", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const write = (mark: string) => `await cc.write(${frame(mark)}, "shared", { overwrite: true })`;
    expect(errors(await both(write("one"), write("two")))).toEqual([]);
    expect(await marks()).toHaveLength(1);
  }
});

test("both sync what they read: one succeeds, the other throws ConflictError", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    expect(
      (await kernels[0]!.run(`await cc.write(${frame("old")}, "shared", { overwrite: true })`)).error,
    ).toBeUndefined();
    const read = 'globalThis.df = await cc.read("shared")';
    expect(errors(await both(read, read))).toEqual([]);
    const sync = (mark: string) =>
      `df.addColumn("mark", Array(${ROWS}).fill("${mark}"), { inplace: true }); await cc.sync(df, "shared")`;
    const outcomes = await both(sync("one"), sync("two"));
    expect(errors(outcomes)).toEqual([
      { name: "ConflictError", message: expect.stringMatching(/"shared" .*changed/) },
    ]);
    expect(await marks()).toEqual([outcomes[0]!.error ? "two" : "one"]);
  }
});

test("both sync by force: the table equals one of the frames", async () => {
  expect((await kernels[0]!.run(`await cc.write(${frame("old")}, "shared")`)).error).toBeUndefined();
  for (let round = 0; round < ROUNDS; round++) {
    const sync = (mark: string) =>
      `await cc.sync(${frame(`${mark} ${round}`)}, "shared", { key: "id", force: true })`;
    expect(errors(await both(sync("one"), sync("two")))).toEqual([]);
    expect(await marks()).toHaveLength(1);
  }
});

test("one replaces it while the other syncs: the table equals one of the frames, or the sync throws", async () => {
  expect((await kernels[0]!.run(`await cc.write(${frame("old")}, "shared")`)).error).toBeUndefined();
  for (let round = 0; round < ROUNDS; round++) {
    const outcomes = await both(
      `await cc.write(${frame(`one ${round}`)}, "shared", { overwrite: true })`,
      `await cc.sync(${frame(`two ${round}`)}, "shared", { key: "id", force: true })`,
    );
    expect(outcomes[0]!.error).toBeUndefined();
    const found = await marks();
    if (outcomes[1]!.error) expect(found).toEqual([`one ${round}`]);
    else expect([[`one ${round}`], [`two ${round}`]]).toContainEqual(found);
  }
});
