import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runSql } from "../../src/api/sql";
import { Transport } from "../../src/api/transport";
import { endpointSource } from "../../src/context/connection/endpoint";
import { localHome } from "../../src/local/home";
import { findServer } from "../../src/local/launcher";
import { literal, TEMPORARY_TABLE } from "../../src/sql";
import { type Kernel, notebookKernel } from "../support/jupyter";
import { removeHome, temporaryHome } from "../support/server";

const LONG = 'await cc.query("SELECT count(*) FROM generate_series(1, 1e10)")';

/** The built package in real kernels, on one home. */
let home: string;
let kernel: Kernel;
beforeAll(async () => {
  home = await temporaryHome();
  kernel = await startKernel();
});
afterAll(async () => {
  await kernel?.shutdown();
  await removeHome(home);
});

const startKernel = async () => {
  const started = await notebookKernel(home);
  await started.execute('import { cc } from "cartoframes";');
  return started;
};
const busyWith = async () => (await findServer(localHome(home)))?.status.busyWith;
/** Seen from beside the kernel, which is busy. */
const temporaryTables = async () => {
  const transport = new Transport(endpointSource({ baseUrl: `local:${home}` }));
  const sql = `SELECT count(*)::int AS n FROM pg_tables WHERE tablename ~ ${literal(TEMPORARY_TABLE.source)}`;
  return (await runSql(transport, sql)).rows[0]!.n;
};
const textOf = ({ outputs }: Awaited<ReturnType<Kernel["execute"]>>) =>
  outputs.map((output) => ("text" in output ? output.text : String(output.data["text/plain"]))).join("\n");

test("the first cell starts the server and shows only its table", async () => {
  const result = await kernel.execute("await cc.query(\"SELECT 1 AS a, 'x' AS b\")");
  expect(result.results).toMatchObject([
    { output_type: "display_data", data: { "text/html": expect.any(String) } },
  ]);
  expect(textOf(result)).toContain("1 row × 2 columns");
});

test("shows an error as its message without a stack", async () => {
  const { status, stderr, stdout } = await kernel.execute(
    'await cc.query("SELECT naem FROM (SELECT 1 AS name) t")',
  );
  expect([status, stdout]).toEqual(["error", ""]);
  expect(stderr).toMatchInlineSnapshot(`
    "SqlError: column "naem" does not exist
      Line 1: SELECT naem FROM (SELECT 1 AS name) t
                     ^
      Hint: Perhaps you meant to reference the column "t.name".
    "
  `);
});

test("shows one progress line, updated in place", async () => {
  const result = await kernel.execute(
    "(await cc.query(\"SELECT i, repeat('x', 200) AS t FROM generate_series(1, 600000) AS i, pg_sleep(1)\")).shape",
  );
  expect(result.status).toBe("ok");
  expect(result.messages.filter((message) => message === "display_data")).toHaveLength(1);
  expect(textOf(result)).toMatch(/^query · 600,000 rows · \d+ s$/m);
  expect(result.stdout).toBe("[ 600000, 2 ]\n");
});

describe("interrupting", () => {
  test("ends the statement on the server, and the kernel keeps running", async () => {
    const running = kernel.execute(LONG);
    await expect.poll(busyWith).toContain("generate_series");
    kernel.interrupt();
    const { status, stderr } = await running;
    expect(status).toBe("error");
    expect(stderr.trim().split("\n").length).toBe(1);
    const next = await kernel.execute('(await cc.query("SELECT 1 AS a")).values');
    expect([next.status, next.stdout]).toEqual(["ok", "[ [ 1 ] ]\n"]);
  });

  test("a write leaves the old table and no other", async () => {
    await kernel.execute(
      'import { DataFrame } from "danfojs-node";\nawait cc.query("CREATE TABLE kept AS SELECT 1 AS a");',
    );
    const running = kernel.execute(
      'await cc.write(new DataFrame({ a: Array.from({ length: 2_000_000 }, (_, i) => i) }), "kept", { overwrite: true });',
    );
    await expect.poll(temporaryTables, { interval: 20 }).toBe(1);
    kernel.interrupt();
    await running;
    const tables =
      "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^(kept|cartoframes_tmp)'";
    await expect
      .poll(async () => (await kernel.execute(`(await cc.query(${JSON.stringify(tables)})).values`)).stdout)
      .toBe("[ [ 'kept' ] ]\n");
  });
});

test("a map is one output with page, image and text", async () => {
  const code = `import { Layer } from "cartoframes";
    await cc.query("CREATE TABLE spots AS SELECT i AS size, ST_SetSRID(ST_MakePoint(i, i), 4326) AS the_geom FROM generate_series(1, 9) i");
    await cc.map({ layers: new Layer("spots", { color: "size" }) })`;
  const { status, results, stdout, stderr } = await kernel.execute(code);
  expect([status, stdout, stderr]).toEqual(["ok", "", ""]);
  expect(results).toMatchObject([
    {
      output_type: "display_data",
      data: {
        "text/html": expect.stringMatching(/<iframe .*srcdoc=.*sandbox="allow-scripts/s),
        "image/png": expect.stringMatching(/^iVBORw0KGgo/),
        "text/plain": "MapView(800×400, 1 layer, 9 points)",
      },
    },
  ]);
  const picture = await kernel.execute('await cc.map({ layers: new Layer("spots"), interactive: false })');
  expect(Object.keys((picture.results[0] as { data: object }).data).sort()).toEqual([
    "image/png",
    "text/plain",
  ]);
});

test("two kernels use the same data at once", async () => {
  const other = await startKernel();
  try {
    const insert = (name: string) =>
      `for (let i = 0; i < 20; i++) await cc.query("INSERT INTO shared VALUES ('${name}', " + i + ")");`;
    await kernel.execute('await cc.query("CREATE TABLE shared (who text, i int)");');
    const results = await Promise.all([kernel.execute(insert("one")), other.execute(insert("two"))]);
    expect(results.map(({ status }) => status)).toEqual(["ok", "ok"]);
    const count = await other.execute(
      '(await cc.query("SELECT who, count(*)::int FROM shared GROUP BY who ORDER BY who")).values',
    );
    expect(count.stdout).toBe("[ [ 'one', 20 ], [ 'two', 20 ] ]\n");
  } finally {
    await other.shutdown();
  }
});

test("restarts a killed server for the next cell", async () => {
  const before = (await findServer(localHome(home)))!;
  process.kill(before.status.pid, "SIGKILL");
  const { status, stdout, stderr } = await kernel.execute(
    '(await cc.query("SELECT count(*)::int FROM shared")).values',
  );
  expect([status, stdout, stderr]).toEqual(["ok", "[ [ 40 ] ]\n", ""]);
});
