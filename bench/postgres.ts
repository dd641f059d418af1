/** Compares `cc.read` and `cc.write` on a user's PostgreSQL with psql's COPY and with node-postgres. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DataFrame } from "danfojs-node";
import { CartoContext } from "../src/context/carto-context";
import { homesIn } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { startPostgres } from "../test/support/postgres";
import { compare, POINTS, printHeader, quietly } from "./support";

const ROWS = Number(process.env.BENCH_ROWS) || 1_000_000;

async function main(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  process.env.CARTOFRAMES_HOME = home;
  const postgres = await startPostgres();
  const cc = new CartoContext({ baseUrl: await postgres.createDatabase("bench", "ana") });
  const client = await postgres.connect("bench");
  console.warn = () => {};
  const psql = (sql: string) =>
    promisify(execFile)("psql", [
      "-X",
      "-q",
      "-h",
      postgres.dir,
      "-U",
      "ana",
      "-d",
      "bench",
      "-v",
      "ON_ERROR_STOP=1",
      "-c",
      sql,
    ]);
  try {
    printHeader();
    await cc.query(`CREATE TABLE points AS ${POINTS(ROWS)}`);
    await cc.query("ANALYZE points; SELECT CDB_LatLng(1, 2)");
    const count = ROWS.toLocaleString("en-US");
    const read = async () => expectRows(await cc.read("points"));
    await compare(`read ${count} rows from PostgreSQL`, read, {
      name: "`psql`, the same COPY to /dev/null",
      run: () => psql("\\copy points TO /dev/null WITH (FORMAT binary)"),
    });
    await compare(
      `read ${count} rows from PostgreSQL`,
      read,
      {
        name: "`pg` rows into `new DataFrame(rows)`",
        run: async () => expectRows(new DataFrame((await client.query("SELECT * FROM points")).rows)),
      },
      3,
    );
    const df = await cc.query(
      "SELECT id, name, value, kind, at, ST_X(the_geom) AS lng, ST_Y(the_geom) AS lat FROM points",
    );
    const csv = join(postgres.dir, "points.csv");
    await psql(
      `\\copy (SELECT the_geom, id, name, value, kind, at, ST_X(the_geom), ST_Y(the_geom) FROM points) TO '${csv}' WITH (FORMAT csv)`,
    );
    await compare(
      `write ${count} rows into PostgreSQL`,
      () =>
        quietly(() =>
          cc.write(df, "written", { lnglat: ["lng", "lat"], overwrite: true }).then((job) => job?.wait()),
        ),
      { name: "`psql \\copy` of CSV and the same indexes", run: () => copyCsv(psql, csv) },
      3,
    );
  } finally {
    await client.end();
    await Promise.all((await homesIn(home)).map(stopServer));
    postgres.stop();
    await rm(home, { recursive: true, force: true });
  }
}

/** Creates the same table as `cc.write`, with both geometries, the key and the indexes. */
async function copyCsv(psql: (sql: string) => Promise<unknown>, csv: string): Promise<void> {
  await psql(`DROP TABLE IF EXISTS by_psql; CREATE TABLE by_psql (cartodb_id bigserial, the_geom geometry(Geometry,4326),
    the_geom_webmercator geometry(Geometry,3857) GENERATED ALWAYS AS (ST_Transform(the_geom, 3857)) STORED,
    id int, name text, value float8, kind text, at timestamptz, lng float8, lat float8)`);
  await psql(
    `\\copy by_psql (the_geom, id, name, value, kind, at, lng, lat) FROM '${csv}' WITH (FORMAT csv)`,
  );
  await psql(`ALTER TABLE by_psql ADD PRIMARY KEY (cartodb_id); CREATE INDEX ON by_psql USING gist (the_geom);
    CREATE INDEX ON by_psql USING gist (the_geom_webmercator); ANALYZE by_psql`);
}

function expectRows(frame: { shape: number[] }): void {
  if (frame.shape[0] !== ROWS) throw new Error(`Expected ${ROWS} rows; got ${frame.shape[0]}.`);
}

main();
