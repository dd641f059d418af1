/** Compares `cc.read` from the embedded server with rows from a native one by node-postgres in danfo's constructor. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFrame } from "danfojs-node";
import { CartoContext } from "../src/context/carto-context";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { startPostgres } from "../test/support/postgres";
import { compare, POINTS, printHeader } from "./support";

async function main(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  const cc = new CartoContext({ baseUrl: `local:${home}` });
  const postgres = await startPostgres();
  const client = await postgres.connect();
  try {
    printHeader();
    for (const rowCount of [100_000, 1_000_000]) {
      const table = `points_${rowCount}`;
      await cc.query(`CREATE TABLE ${table} AS ${POINTS(rowCount)}`);
      await client.query(`CREATE TABLE ${table} AS ${POINTS(rowCount)}`);
      const title = `read ${rowCount.toLocaleString("en-US")} rows`;
      await compare(title, async () => expectRows(await cc.read(table), rowCount), {
        name: "`pg` rows into `new DataFrame(rows)`",
        run: async () =>
          expectRows(new DataFrame((await client.query(`SELECT * FROM ${table}`)).rows), rowCount),
      });
    }
  } finally {
    await client.end();
    postgres.stop();
    await stopServer(localHome(home));
    await rm(home, { recursive: true, force: true });
  }
}

function expectRows(frame: { shape: number[] }, rowCount: number): void {
  if (frame.shape[0] !== rowCount) throw new Error(`Expected ${rowCount} rows; got ${frame.shape[0]}.`);
}

main();
