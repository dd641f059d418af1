/** Compares `cc.write` to the embedded server with multi-row INSERTs into a native one, both including the indexes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataFrame } from "danfojs-node";
import type { Client } from "pg";
import { CartoContext } from "../src/context/carto-context";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { startPostgres } from "../test/support/postgres";
import { compare, POINTS, printHeader, quietly } from "./support";

const ROWS_PER_INSERT = 1000;

async function main(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  const cc = new CartoContext({ baseUrl: `local:${home}` });
  const postgres = await startPostgres();
  const client = await postgres.connect();
  console.warn = () => {};
  try {
    printHeader();
    for (const rowCount of [100_000, 1_000_000]) {
      const df = await cc.query(
        `SELECT id, name, value, kind, at, ST_X(the_geom) AS lng, ST_Y(the_geom) AS lat FROM (${POINTS(rowCount)}) t`,
      );
      const title = `write ${rowCount.toLocaleString("en-US")} rows`;
      const ours = () =>
        quietly(() =>
          cc.write(df, "written", { lnglat: ["lng", "lat"], overwrite: true }).then((job) => job?.wait()),
        );
      await compare(title, ours, { name: "multi-row INSERTs by `pg`", run: () => insertRows(client, df) }, 3);
    }
  } finally {
    await client.end();
    postgres.stop();
    await stopServer(localHome(home));
    await rm(home, { recursive: true, force: true });
  }
}

/** Creates the same table as `cc.write`, filled by INSERTs. */
async function insertRows(client: Client, df: DataFrame): Promise<void> {
  const rows = df.values as unknown[][];
  await client.query("DROP TABLE IF EXISTS written");
  await client.query(`CREATE TABLE written (cartodb_id bigserial PRIMARY KEY, the_geom geometry(Geometry,4326),
    the_geom_webmercator geometry(Geometry,3857), id int, name text, value float8, kind text, at timestamptz, lng float8, lat float8)`);
  await client.query("BEGIN");
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const batch = rows.slice(from, from + ROWS_PER_INSERT);
    const values = batch.map((_, i) => `(${[1, 2, 3, 4, 5, 6, 7].map((n) => `$${i * 7 + n}`).join(",")})`);
    await client.query(
      `INSERT INTO written (id, name, value, kind, at, lng, lat) VALUES ${values.join(",")}`,
      batch.flat(),
    );
  }
  await client.query(`UPDATE written SET the_geom = ST_SetSRID(ST_MakePoint(lng, lat), 4326),
    the_geom_webmercator = ST_Transform(ST_SetSRID(ST_MakePoint(lng, lat), 4326), 3857)`);
  await client.query("CREATE INDEX ON written USING gist (the_geom)");
  await client.query("CREATE INDEX ON written USING gist (the_geom_webmercator)");
  await client.query("COMMIT");
}

main();
