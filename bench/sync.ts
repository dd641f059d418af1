/** Compares `cc.sync` of 1,000,000 rows, 1,000 of them changed, with overwriting the table. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CartoContext } from "../src/context/carto-context";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { compare, POINTS, printHeader, quietly } from "./support";

const ROWS = 1_000_000;
const CHANGED = 1_000;

async function main(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  const cc = new CartoContext({ baseUrl: `local:${home}` });
  try {
    printHeader();
    await quietly(async () => cc.write(await cc.query(POINTS(ROWS)), "synced"));
    const df = await cc.read("synced");
    const rows = (df as unknown as { $data: unknown[][] }).$data;
    const value = df.columns.indexOf("value");
    let round = 0;
    const ours = async () => {
      round++;
      for (let i = 0; i < CHANGED; i++) rows[i * (ROWS / CHANGED)]![value] = round;
      const { updated } = await cc.sync(df, "synced");
      if (updated !== CHANGED) throw new Error(`Expected ${CHANGED} updated rows; got ${updated}.`);
    };
    const rewrite = () => quietly(() => cc.write(df, "written", { overwrite: true }));
    await compare("sync 1,000 of 1,000,000 rows", ours, { name: "cc.write, overwrite", run: rewrite }, 3);
  } finally {
    await stopServer(localHome(home));
    await rm(home, { recursive: true, force: true });
  }
}

main();
