/**
 * Compares `cc.import` into a user's PostgreSQL, and into the embedded one, with `\copy`, ogr2ogr and geopandas into the same
 * PostgreSQL, all including the key and both spatial indexes. geopandas is measured if `BENCH_PYTHON` names a Python that has it.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CartoContext } from "../src/context/carto-context";
import { homesIn } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { startPostgres } from "../test/support/postgres";
import { compare, POINTS, POLYGONS, printHeader, quietly } from "./support";

const POINT_ROWS = Number(process.env.BENCH_ROWS) || 1_000_000;
const POLYGON_ROWS = POINT_ROWS / 5;
const run = promisify(execFile);

const FINISH = (table: string, geometry: string) => `ALTER TABLE ${table} ADD COLUMN the_geom_webmercator
    geometry(Geometry,3857) GENERATED ALWAYS AS (ST_Transform(${geometry}, 3857)) STORED;
  CREATE INDEX ON ${table} USING gist (the_geom_webmercator); ANALYZE ${table}`;

/** What geopandas 1.2 does in `to_postgis`, without its SQLAlchemy. */
const TO_POSTGIS = `
import csv, io, sys, geopandas, psycopg2, shapely
path, address = sys.argv[1:]
frame = geopandas.read_parquet(path)
frame["the_geom"] = shapely.to_wkb(shapely.set_srid(frame["the_geom"].values, 4326), hex=True, include_srid=True)
rows = io.StringIO()
csv.writer(rows).writerows(frame.itertuples(index=False))
rows.seek(0)
with psycopg2.connect(address) as connection, connection.cursor() as cursor:
    cursor.execute("""DROP TABLE IF EXISTS by_geopandas; CREATE TABLE by_geopandas
      (id int, name text, value float8, kind text, at timestamptz, the_geom geometry(Geometry,4326))""")
    names = ", ".join(name for name in frame.columns if name != "cartodb_id")
    cursor.copy_expert(f"COPY by_geopandas ({names}) FROM STDIN WITH (FORMAT csv)", rows)
    cursor.execute("ALTER TABLE by_geopandas ADD COLUMN cartodb_id bigserial PRIMARY KEY; CREATE INDEX ON by_geopandas USING gist (the_geom)")
`;

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  process.env.CARTOFRAMES_HOME = dir;
  const postgres = await startPostgres();
  const native = new CartoContext({ baseUrl: await postgres.createDatabase("bench", "ana") });
  const embedded = new CartoContext({ baseUrl: `local:${join(dir, "embedded")}` });
  const address = `host=${postgres.dir} user=ana dbname=bench`;
  const psql = (sql: string) =>
    run("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", sql]).then(() => {});
  const ogr = (...args: string[]) => run("ogr2ogr", args).then(() => {});
  try {
    await native.query(`CREATE TABLE points AS SELECT id, name, value, kind, at, the_geom AS geom FROM (${POINTS(POINT_ROWS)}) t;
      CREATE TABLE polygons AS ${POLYGONS(POLYGON_ROWS)}`);
    await embedded.query("SELECT 1");
    const csv = join(dir, "points.csv");
    await psql(
      `\\copy (SELECT id, name, value, kind, at, ST_X(geom) AS lng, ST_Y(geom) AS lat FROM points) TO '${csv}' WITH (FORMAT csv, HEADER)`,
    );
    printHeader();
    const pair = async (file: string, name: string, reference: () => Promise<void>) => {
      const size = `${Math.round((await stat(file)).size / 1e6)} MB`;
      const title = file.replace(/.*\./, "").toUpperCase();
      for (const [engine, cc] of [
        ["PostgreSQL", native],
        ["the embedded database", embedded],
      ] as const) {
        await compare(
          `${title} of ${size} into ${engine}`,
          () => quietly(() => cc.import(file, "imported", { overwrite: true })),
          { name, run: reference },
          3,
        );
      }
    };
    await pair(csv, "`psql \\copy` and the same indexes", () => copyCsv(psql, csv));
    for (const [extension, driver] of [
      ["gpkg", "GPKG"],
      ["fgb", "FlatGeobuf"],
      ["shp", "ESRI Shapefile"],
    ] as const) {
      const file = join(dir, `polygons.${extension}`);
      await ogr("-f", driver, file, `PG:${address}`, "polygons");
      await pair(file, "`ogr2ogr` and the same indexes", async () => {
        await ogr(
          "-overwrite",
          "-nln",
          "by_ogr",
          "-nlt",
          "PROMOTE_TO_MULTI",
          "-f",
          "PostgreSQL",
          `PG:${address}`,
          file,
        );
        await psql(FINISH("by_ogr", extension === "gpkg" ? "geom" : "wkb_geometry"));
      });
    }
    const python = process.env.BENCH_PYTHON;
    if (!python)
      return console.log("\nGeoParquet was not measured: BENCH_PYTHON names no Python with geopandas.");
    const parquet = join(dir, "points.parquet");
    await quietly(() =>
      native.export("SELECT id, name, value, kind, at, geom AS the_geom FROM points", parquet),
    );
    await pair(parquet, "geopandas with the COPY of `to_postgis`, and the same indexes", async () => {
      await run(python, ["-c", TO_POSTGIS, parquet, address]);
      await psql(FINISH("by_geopandas", "the_geom"));
    });
  } finally {
    await Promise.all((await homesIn(dir)).map(stopServer));
    await Promise.all((await homesIn(join(dir, "embedded"))).map(stopServer));
    postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Creates the same table as `cc.import`, with both geometries, the key and the indexes. */
async function copyCsv(psql: (sql: string) => Promise<void>, csv: string): Promise<void> {
  const point = "ST_SetSRID(ST_MakePoint(lng, lat), 4326)";
  await psql(`DROP TABLE IF EXISTS by_psql; CREATE TABLE by_psql (cartodb_id bigserial,
    the_geom geometry(Geometry,4326) GENERATED ALWAYS AS (${point}) STORED,
    the_geom_webmercator geometry(Geometry,3857) GENERATED ALWAYS AS (ST_Transform(${point}, 3857)) STORED,
    id int, name text, value float8, kind text, at timestamptz, lng float8, lat float8)`);
  await psql(`\\copy by_psql (id, name, value, kind, at, lng, lat) FROM '${csv}' WITH (FORMAT csv, HEADER)`);
  await psql(`ALTER TABLE by_psql ADD PRIMARY KEY (cartodb_id); CREATE INDEX ON by_psql USING gist (the_geom);
    CREATE INDEX ON by_psql USING gist (the_geom_webmercator); ANALYZE by_psql`);
}

main();
