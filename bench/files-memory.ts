/** Measures the peak memory of the server, and its slowest answer, during imports of files of about 100 MB and of a larger one. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CartoContext } from "../src/context/carto-context";
import { homesIn, readState } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { startPostgres } from "../test/support/postgres";
import { POINTS, POLYGONS, quietly } from "./support";

const run = promisify(execFile);
const ASK_EVERY_MS = 20;
/** Time for threads to end. */
const REST_MS = 3_000;

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  process.env.CARTOFRAMES_HOME = dir;
  const postgres = await startPostgres();
  const cc = new CartoContext({ baseUrl: await postgres.createDatabase("bench", "ana") });
  const address = `host=${postgres.dir} user=ana dbname=bench`;
  try {
    await cc.query("SELECT 1");
    const { port, pid } = (await readState((await homesIn(dir)).at(-1)!)) ?? {};
    if (port === undefined || pid === undefined) throw new Error("The server does not run.");
    const server = { port, pid };
    console.log(
      "| file | time | peak memory of the server | afterwards | slowest answer |\n| --- | --- | --- | --- | --- |",
    );
    for (const rows of [1_200_000, 12_000_000]) {
      const path = join(dir, "points.csv");
      const sql = `SELECT id, name, value, kind, at, ST_X(the_geom) AS lng, ST_Y(the_geom) AS lat FROM (${POINTS(rows)}) t`;
      await run("psql", [
        "-X",
        "-q",
        "-d",
        address,
        "-c",
        `\\copy (${sql.replaceAll("\n", " ")}) TO '${path}' WITH (FORMAT csv, HEADER)`,
      ]);
      await measure(cc, path, server);
    }
    for (const rows of [110_000, 460_000]) {
      const path = join(dir, `polygons${rows}.gpkg`);
      await cc.query(`DROP TABLE IF EXISTS polygons; CREATE TABLE polygons AS ${POLYGONS(rows)}`);
      await run("ogr2ogr", ["-f", "GPKG", path, `PG:${address}`, "polygons"]);
      await measure(cc, path, server);
    }
  } finally {
    await Promise.all((await homesIn(dir)).map(stopServer));
    postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(
  cc: CartoContext,
  path: string,
  { pid, port }: { pid: number; port: number },
): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5"); // resets the peak
  const started = performance.now();
  let isOver = false;
  let slowestMs = 0;
  const asking = async () => {
    for (; !isOver; await sleep(ASK_EVERY_MS)) {
      const asked = performance.now();
      await (await fetch(`http://127.0.0.1:${port}/api/v1/version`)).text();
      slowestMs = Math.max(slowestMs, performance.now() - asked);
    }
  };
  const asked = asking();
  await quietly(() => cc.import(path, "imported", { overwrite: true }));
  const seconds = (performance.now() - started) / 1000;
  isOver = true;
  await asked;
  const peak = await megabytes(pid, "VmHWM");
  await sleep(REST_MS);
  const size = Math.round((await stat(path)).size / 1e6);
  const kind = path.replace(/.*\./, "").toUpperCase();
  console.log(
    `| ${kind} of ${size} MB | ${seconds.toFixed(0)} s | ${peak} MB | ${await megabytes(pid, "VmRSS")} MB | ${slowestMs.toFixed(0)} ms |`,
  );
}

async function megabytes(pid: number, field: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1]) / 1024);
}

main();
