/** Measures the peak memory of writing 1,000,000 rows, above that of the process with the frame in memory. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CartoContext } from "../src/context/carto-context";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { POINTS, quietly } from "./support";

const ROWS = [250_000, 1_000_000];
const SAMPLE_MS = 20;

async function main(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  const cc = new CartoContext({ baseUrl: `local:${home}` });
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  console.log("| operation | before the write | peak | difference |\n| --- | --- | --- | --- |");
  try {
    for (const rowCount of ROWS) {
      const df = await cc.query(
        `SELECT id, name, value, kind, at, ST_X(the_geom) AS lng, ST_Y(the_geom) AS lat, the_geom FROM (${POINTS(rowCount)}) t`,
      );
      for (const [title, options] of [
        ["write", {}],
        ["write with lnglat", { lnglat: ["lng", "lat"] }],
        ["write as gzip to the Import API", { compression: "gzip" }],
      ] as const) {
        collect();
        collect();
        const before = await residentBytes();
        let highest = before;
        const timer = setInterval(async () => {
          highest = Math.max(highest, await residentBytes());
        }, SAMPLE_MS);
        await quietly(async () => (await cc.write(df, "written", { ...options, overwrite: true }))?.wait());
        clearInterval(timer);
        const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
        console.log(
          `| ${title}, ${rowCount.toLocaleString("en-US")} rows | ${mb(before)} | ${mb(highest)} | ${mb(highest - before)} |`,
        );
      }
    }
  } finally {
    await stopServer(localHome(home));
    await rm(home, { recursive: true, force: true });
  }
}

async function residentBytes(): Promise<number> {
  const [, pages] = (await readFile("/proc/self/statm", "utf8")).split(" ");
  return Number(pages) * 4096;
}

main();
