import type { DataFrame } from "danfojs-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { startProxy, type TestProxy } from "../support/proxy";
import { startTestServer, type TestServer } from "../support/server";

export const STATE = "us.census.tiger.state_clipped";
export const UNCLIPPED = "us.census.tiger.state";
export const COUNTY = "us.census.tiger.county_clipped";
export const POPULATION = {
  numer_id: "us.census.pep.population",
  geom_id: STATE,
  normalization: "predenominated",
};
export const UNEMPLOYMENT = {
  numer_id: "us.bls.unemployment_rate",
  geom_id: COUNTY,
  normalization: "predenominated",
};

/** The local server of the test file that runs, which has the starter catalog. */
export let server: TestServer;
/** The same server, reached as an account would be: what is asked of it can be read and changed. */
export let proxy: TestProxy;
export let cc: CartoContext;
export let account: CartoContext;
/** What the running test has printed with `console.warn`. */
export let warnings: string[];
/** What the running test has printed with `console.log`, without the installation of the catalog. */
export let log: string[];

/** Starts a server with the observatory and the tables that these tests augment. */
export function useObservatory(): void {
  beforeAll(async () => {
    server = await startTestServer({ own: true });
    proxy = await startProxy(server);
    cc = new CartoContext({ baseUrl: server.baseUrl, apiKey: server.key });
    account = new CartoContext({ baseUrl: proxy.baseUrl, apiKey: server.key });
    const made = await server.sql(`
    CREATE TABLE places (cartodb_id serial PRIMARY KEY, name text, total_pop_2016 int, the_geom geometry(Point, 4326));
    INSERT INTO places (name, the_geom) VALUES
      ('Brooklyn', ST_SetSRID(ST_MakePoint(-73.95, 40.65), 4326)), ('Denver', ST_SetSRID(ST_MakePoint(-104.99, 39.74), 4326)),
      ('at sea', ST_SetSRID(ST_MakePoint(-40, 30), 4326)), ('nowhere', NULL);
    CREATE TABLE grid AS SELECT row_number() OVER ()::int AS cartodb_id,
      ST_MakeEnvelope(x, y, x + 9, y + 7, 4326) AS the_geom
      FROM generate_series(-180, 171, 9) x, generate_series(-15, 69, 7) y;
    CREATE TABLE codes (id int, fips varchar(5), the_geom geometry(Point, 4326));
    INSERT INTO codes (id, fips) VALUES (1, '06'), (2, '36'), (3, '99'), (4, NULL), (5, '06');
    CREATE TABLE empty (cartodb_id int, the_geom geometry(Point, 4326));
    CREATE TABLE other (id int, shape geometry(Point, 4326));
    INSERT INTO other VALUES (7, ST_SetSRID(ST_MakePoint(-104.99, 39.74), 4326)), (7, ST_SetSRID(ST_MakePoint(-73.95, 40.65), 4326));
    CREATE TABLE mixed AS SELECT 1 AS cartodb_id, ST_SetSRID(ST_MakePoint(-100, 40), 4326) AS the_geom
      UNION ALL SELECT 2, ST_MakeEnvelope(-100, 40, -99, 41, 4326);
    CREATE TABLE roads AS SELECT 1 AS cartodb_id, ST_MakeLine(ST_SetSRID(ST_MakePoint(-100, 40), 4326), ST_SetSRID(ST_MakePoint(-99, 41), 4326)) AS the_geom;`);
    expect(made.error).toBeUndefined();
    await server.sql("SELECT OBS_DumpVersion()"); // tells that it is installed
  }, 180_000);
  afterAll(async () => {
    await proxy?.close();
    await server?.close();
  });

  beforeEach(() => {
    warnings = [];
    log = [];
    vi.spyOn(console, "warn").mockImplementation((text) => void warnings.push(String(text)));
    vi.spyOn(console, "log").mockImplementation((text) => {
      if (!/^Installed /.test(String(text))) log.push(String(text));
    });
    proxy.tamper({});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
}

/** Rows in which what is missing is null. */
export const rowsOf = (df: DataFrame) =>
  (df.values as unknown[][]).map((row) => row.map((value) => (Number.isNaN(value) ? null : value)));
export const column = (df: DataFrame, name: string) => rowsOf(df).map((row) => row[df.columns.indexOf(name)]);
/** Without the numbers of the entries, which no order is promised of. */
export const unnumbered = (df: DataFrame) => rowsOf(df.drop({ columns: ["id"] }) as DataFrame);
export const distinct = (df: DataFrame, name: string) => [...new Set(column(df, name))].sort();
export const sum = (values: readonly unknown[]) =>
  values.reduce<number>((total, value) => total + Number(value ?? 0), 0);
/** What was asked of the account's SQL API, without what asks who it is. */
export const asked = () =>
  proxy.asked.map(({ sql }) => sql.replace(/\s+/g, " ")).filter((sql) => /OBS_/.test(sql));
