/**
 * Compares the Data Observatory on the embedded database with baselines: `cc.data` with hand-written joins over the same
 * tables that use planar areas, and the installation of the starter catalog with the start of a new database.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CartoContext } from "../src/context/carto-context";
import { localHome } from "../src/local/home";
import { stopServer } from "../src/local/launcher";
import { compare, median, printHeader, quietly } from "./support";

const COUNTY = "us.census.tiger.county_clipped";
const STATE = "us.census.tiger.state_clipped";
const raw = { normalization: "predenominated" };
const UNEMPLOYMENT = { numer_id: "us.bls.unemployment_rate", geom_id: COUNTY, ...raw };
const CITY_POPULATION = { numer_id: "geonames.city_population", geom_id: COUNTY, ...raw };
const MEASURES = [
  UNEMPLOYMENT,
  CITY_POPULATION,
  { numer_id: "geonames.cities", geom_id: COUNTY, ...raw },
  { numer_id: "us.census.pep.population", geom_id: STATE, ...raw },
  { numer_id: "us.bls.engineers", geom_id: STATE, ...raw },
];
const POINT_COUNT = 10_000;
const POLYGON_COUNT = 1_000;

async function main(): Promise<void> {
  printHeader();
  await firstUse(3);
  await withNewHome(async (cc) => {
    await quietly(() => cc.observatory.list());
    await points(cc);
    await polygons(cc);
  });
}

async function withNewHome<T>(work: (cc: CartoContext) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "cartoframes-bench-"));
  try {
    return await work(new CartoContext({ baseUrl: `local:${home}` }));
  } finally {
    await stopServer(localHome(home));
    await rm(home, { recursive: true, force: true });
  }
}

/** Does not use `compare`, because each round needs a new home folder, which the baseline creates. */
async function firstUse(rounds: number): Promise<void> {
  const [installs, starts]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await withNewHome(async (cc) => {
      const beganMs = performance.now();
      await cc.query("SELECT 1 AS one");
      const startedMs = performance.now();
      await quietly(() => cc.observatory.list());
      starts.push(startedMs - beganMs);
      installs.push(performance.now() - startedMs);
    });
  }
  const seconds = (ms: readonly number[]) => `${(median(ms) / 1000).toFixed(2)} s`;
  const ratio = median(installs.map((ms, i) => ms / starts[i]!));
  console.log(
    `| first use of the observatory | ${seconds(installs)} | first query of a new database ${seconds(starts)} | ${ratio.toFixed(2)} |`,
  );
}

async function points(cc: CartoContext): Promise<void> {
  await cc.query(`CREATE TABLE shops AS SELECT i AS cartodb_id, ST_SetSRID(ST_MakePoint(
    -124 + (i::int8 * 7919 % 5600) / 100.0, 26 + (i::int8 * 104729 % 2300) / 100.0), 4326) AS the_geom
    FROM generate_series(1, ${POINT_COUNT}) i`);
  const [counties, states] = [await levelTable(cc, COUNTY), await levelTable(cc, STATE)];
  const joins = await Promise.all(MEASURES.map((measure) => measureTable(cc, measure)));
  const byHand = `SELECT s.*, ${joins.map(({ column }, i) => `m${i}.${column} AS value_${i}`).join(", ")}
    FROM shops s
    LEFT JOIN ${counties} c ON ST_Intersects(c.the_geom, s.the_geom)
    LEFT JOIN ${states} st ON ST_Intersects(st.the_geom, s.the_geom)
    ${joins.map(({ table }, i) => `LEFT JOIN ${table} m${i} ON m${i}.geoid = ${MEASURES[i]!.geom_id === COUNTY ? "c" : "st"}.geoid`).join("\n")}`;
  await compare(
    `${POINT_COUNT.toLocaleString("en-US")} points × ${MEASURES.length} measures`,
    async () => expectRows(await cc.data("shops", MEASURES), POINT_COUNT),
    {
      name: "hand-written ST_Intersects",
      run: async () => expectRows(await cc.query(byHand), POINT_COUNT),
    },
  );
}

async function polygons(cc: CartoContext): Promise<void> {
  // Diamonds of about 80 km that follow no county border.
  await cc.query(`CREATE TABLE areas AS SELECT i AS cartodb_id, ST_Buffer(ST_SetSRID(ST_MakePoint(
    -122 + (i::int8 * 7919 % 5200) / 100.0, 28 + (i::int8 * 104729 % 2000) / 100.0), 4326), 0.5, 1) AS the_geom
    FROM generate_series(1, ${POLYGON_COUNT}) i`);
  const counties = await levelTable(cc, COUNTY);
  const { table, column } = await measureTable(cc, CITY_POPULATION);
  const byHand = `SELECT a.*, p.people FROM areas a LEFT JOIN (
      SELECT a.cartodb_id, sum(m.${column} * ST_Area(ST_Intersection(a.the_geom, c.the_geom)) / ST_Area(c.the_geom)) AS people
      FROM areas a JOIN ${counties} c ON ST_Intersects(a.the_geom, c.the_geom) JOIN ${table} m USING (geoid) GROUP BY 1
    ) p USING (cartodb_id)`;
  await compare(
    `${POLYGON_COUNT.toLocaleString("en-US")} polygons across counties, a sum and a weighted mean`,
    async () => expectRows(await cc.data("areas", [CITY_POPULATION, UNEMPLOYMENT]), POLYGON_COUNT),
    {
      name: "hand-written ST_Intersection, the sum only",
      run: async () => expectRows(await cc.query(byHand), POLYGON_COUNT),
    },
  );
}

async function levelTable(cc: CartoContext, level: string): Promise<string> {
  const df = await cc.query(`SELECT tablename FROM observatory.obs_geometry WHERE id = '${level}'`);
  return `observatory.${df.values[0]}`;
}

async function measureTable(
  cc: CartoContext,
  { numer_id, geom_id }: { readonly numer_id: string; readonly geom_id: string },
): Promise<{ table: string; column: string }> {
  const df = await cc.query(
    `SELECT numer_tablename, numer_colname FROM observatory.obs_meta WHERE numer_id = '${numer_id}' AND geom_id = '${geom_id}' LIMIT 1`,
  );
  const [table, column] = df.values[0] as string[];
  return { table: `observatory.${table}`, column: column! };
}

function expectRows(frame: { shape: number[] }, rowCount: number): void {
  if (frame.shape[0] !== rowCount) throw new Error(`Expected ${rowCount} rows; got ${frame.shape[0]}.`);
}

main();
