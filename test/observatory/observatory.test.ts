import { DataFrame } from "danfojs-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import {
  CartoError,
  InvalidArgumentError,
  QuotaError,
  SqlError,
  TableExistsError,
  TableNotFoundError,
  TimeoutError,
} from "../../src/errors";
import { Layer } from "../../src/map";
import { META_COLUMNS } from "../../src/observatory/metadata";
import { regionNamed } from "../../src/observatory/regions";
import { startProxy, type Tampering, type TestProxy } from "../support/proxy";
import { startTestServer, type TestServer } from "../support/server";

const STATE = "us.census.tiger.state_clipped";
const UNCLIPPED = "us.census.tiger.state";
const COUNTY = "us.census.tiger.county_clipped";
const POPULATION = { numer_id: "us.census.pep.population", geom_id: STATE, normalization: "predenominated" };
const UNEMPLOYMENT = {
  numer_id: "us.bls.unemployment_rate",
  geom_id: COUNTY,
  normalization: "predenominated",
};

let server: TestServer;
let proxy: TestProxy;
let cc: CartoContext;
let account: CartoContext;
beforeAll(async () => {
  server = await startTestServer();
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

let warnings: string[];
let log: string[];
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

/** Rows in which what is missing is null. */
const rowsOf = (df: DataFrame) =>
  (df.values as unknown[][]).map((row) => row.map((value) => (Number.isNaN(value) ? null : value)));
const column = (df: DataFrame, name: string) => rowsOf(df).map((row) => row[df.columns.indexOf(name)]);
/** Without the numbers of the entries, which no order is promised of. */
const unnumbered = (df: DataFrame) => rowsOf(df.drop({ columns: ["id"] }) as DataFrame);
const distinct = (df: DataFrame, name: string) => [...new Set(column(df, name))].sort();
const sum = (values: readonly unknown[]) =>
  values.reduce<number>((total, value) => total + Number(value ?? 0), 0);
/** What was asked of the account's SQL API, without what asks who it is. */
const asked = () => proxy.asked.map(({ sql }) => sql.replace(/\s+/g, " ")).filter((sql) => /OBS_/.test(sql));

describe("dataDiscovery", () => {
  test.each([
    ["United States", "us.bls.engineers"],
    ["usa", "us.bls.engineers"],
    ["U.S.A.", "us.bls.engineers"],
    ["united states of america", "us.bls.engineers"],
    ["Australia", "world.gapminder.population"],
    ["brasil", "world.gapminder.population"],
    ["CANADA", "world.gapminder.population"],
    ["e.u.", "world.gapminder.population"],
    ["european union", "world.gapminder.population"],
    ["France", "world.gapminder.population"],
    ["méjico", "world.gapminder.population"],
    ["me\u0301xico", "world.gapminder.population"],
    ["españa", "world.gapminder.population"],
    ["espana", "world.gapminder.population"],
    [" U.K. ", "world.gapminder.population"],
  ])("knows the region %s", async (region, measure) => {
    const found = await cc.dataDiscovery(region);
    expect(distinct(found, "numer_id")).toContain(measure);
    expect(found.columns).toEqual(META_COLUMNS);
    expect(found.columns).toHaveLength(42);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["tags.au", "australia"],
    ["tags.br", "brazil, brasil"],
    ["tags.ca", "canada"],
    ["tags.eu", "european union, eu, e.u."],
    ["tags.fr", "france"],
    ["tags.mx", "mexico, méxico, méjico"],
    ["tags.spain", "spain, espana, españa"],
    ["tags.uk", "uk, u.k., united kingdom"],
    ["tags.united_states", "united states, united states of america, us, usa, u.s., u.s.a."],
  ])("%s is %s, in any letter case", (tag, spellings) => {
    for (const spelling of spellings.split(", ")) {
      for (const written of [
        spelling,
        spelling.toUpperCase(),
        ` ${spelling[0]!.toUpperCase()}${spelling.slice(1)}`,
      ])
        expect(regionNamed(written)?.tag, written).toBe(tag);
    }
  });

  test("each measure is there as it is and as it is normalized by default, in one order", async () => {
    const found = await cc.dataDiscovery("USA", { keywords: "engineers" });
    const seen = ["numer_id", "normalization", "suggested_name", "geom_id"].map((name) =>
      column(found, name),
    );
    expect(seen).toEqual([
      ["us.bls.engineers", "us.bls.engineers", "us.bls.engineers_share", "us.bls.engineers_share"],
      expect.arrayContaining(["denominated", "predenominated", "prenormalized"]),
      expect.arrayContaining(["engineers_2016", "engineers_2016_by_total_pop"]),
      [STATE, STATE, STATE, STATE],
    ]);
    expect(unnumbered(await cc.dataDiscovery("USA", { keywords: ["engineers"] }))).toEqual(unnumbered(found));
  });

  test("keywords and regex, times and boundaries", async () => {
    const ids = async (options: Parameters<CartoContext["dataDiscovery"]>[1]) =>
      distinct(await cc.dataDiscovery("USA", options), "numer_id");
    expect(await ids({ keywords: ["hurricane", "obes"] })).toEqual([
      "us.cdc.obesity_rate",
      "us.noaa.hurricanes",
    ]);
    expect(await ids({ keywords: "hurricane", regex: "^share of eng|obes" })).toEqual(
      expect.arrayContaining(["us.cdc.obesity_rate", "us.noaa.hurricanes"]),
    );
    expect(await ids({ regex: "^unemployment" })).toEqual(["us.bls.unemployment_rate"]);
    expect(await ids({ keywords: "100%_" })).toEqual([]);
    expect(await ids({ keywords: "it's \\" })).toEqual([]);
    expect(await ids({ keywords: "total population", time: "2016" })).toEqual(["us.census.pep.population"]);
    const two = await cc.dataDiscovery("USA", {
      keywords: "population",
      time: ["2016", "1995"],
      boundaries: [STATE, "us.census.tiger.region_clipped"],
    });
    expect(distinct(two, "geom_id")).toEqual(["us.census.tiger.region_clipped", STATE]);
    expect(distinct(two, "numer_timespan")).toEqual(["1995", "2016"]);
  });

  test("a table and a box choose the level that fits them", async () => {
    const table = await cc.dataDiscovery("places", { keywords: "people in cities" });
    expect(table.shape[0]).toBeGreaterThan(0);
    const box = await cc.dataDiscovery([-74.5, 40.4, -73.5, 41], { keywords: "unemployment" });
    expect(distinct(box, "geom_id")).toEqual([COUNTY]);
    const fiji = await cc.dataDiscovery([176, -20, 184, -15], { boundaries: "naturalearth.country" });
    expect(fiji.shape[0]).toBeGreaterThan(0);
  });

  test("nothing found says what to loosen", async () => {
    const none = await cc.dataDiscovery("Spain", { keywords: "zzz", time: "1800", boundaries: STATE });
    expect(none.shape[0]).toBe(0);
    expect(none.columns).toEqual(META_COLUMNS);
    expect(warnings).toEqual([
      "The Data Observatory has no such measure for Spain. Try other keywords, or none; no time; no boundaries (await cc.dataBoundaries({ region }) has those that there are); a box instead of the region's name.",
    ]);
  });

  test.each<[unknown, object | undefined, RegExp]>([
    [
      "Sapin",
      {},
      /neither a region nor a table "Sapin"\. Did you mean "Spain"\? The available regions are "Australia", /,
    ],
    ["x'; DROP TABLE places --", {}, /neither a region nor a table/],
    ["empty", {}, /Table "empty" has no geometries/],
    [[1, 2, 3], {}, /not of four numbers.*\[west, south, east, north\]/],
    [["1", "2", "3", "4"], {}, /not of four numbers/],
    [[1, Number.NaN, 3, 4], {}, /not of four numbers/],
    [[10, 45, 5, 47], {}, /longitude 10 to 5.*beyond 180/],
    [[5, 47, 10, 45], {}, /latitude 47 to 45/],
    [undefined, {}, /region is missing/],
    [42, {}, /region must be the name/],
    ["", {}, /region must be the name/],
    ["USA", { keyword: "x" }, /dataDiscovery has no option "keyword"\. Did you mean "keywords"\?/],
    ["USA", { keywords: [] }, /keywords must be .* empty/],
    ["USA", { time: 2016 }, /time must be a text/],
    ["USA", { boundaries: [1] }, /boundaries must be a text/],
    ["USA", { regex: "(" }, /regex "\(" is refused: invalid regular expression/],
    ["USA", { regex: /x/ }, /regex must be a text/],
    ["USA", { includeQuantiles: "yes" }, /includeQuantiles must be true or false/],
  ])("refuses %j with %j", async (region, options, message) => {
    const refused = cc.dataDiscovery(region as string, options as object);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });
});

describe("data", () => {
  test("points get the value of the area they lie in; others keep their row", async () => {
    const df = await cc.data("places", [UNEMPLOYMENT, { ...POPULATION, normalization: "area" }]);
    expect(df.columns).toEqual([
      "cartodb_id",
      "name",
      "total_pop_2016",
      "the_geom",
      "unemployment_rate_2009",
      "total_pop_per_sq_km_2016",
    ]);
    const [brooklyn, denver, sea, nowhere] = rowsOf(df).sort((a, b) => Number(a[0]) - Number(b[0]));
    expect(brooklyn![4]).toBe(0.11);
    expect(brooklyn![5]).toBeGreaterThan(100);
    expect(denver![4]).toBeGreaterThan(0);
    expect([sea!.slice(4), nowhere!.slice(4)]).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(warnings).toEqual([]);
  });

  test("metadata of discovery is taken as it is; collisions are renamed and told", async () => {
    const found = await cc.dataDiscovery("USA", {
      keywords: "total population",
      time: "2016",
      boundaries: STATE,
    });
    const raw = found.query(column(found, "normalization").map((how) => how === "predenominated"));
    expect(column(raw, "suggested_name")).toEqual(["total_pop_2016"]);
    const df = await cc.data("places", raw);
    expect(df.columns.slice(-2)).toEqual(["the_geom", "_total_pop_2016"]);
    expect(warnings).toEqual(["total_pop_2016 was augmented as _total_pop_2016 because of name collision."]);
    expect(column(df, "_total_pop_2016")).toContain(19_745_289);
    const part = await cc.data("places", raw.loc({ columns: ["numer_id", "normalization", "geom_id"] }));
    expect(rowsOf(part), "completed from what is left").toEqual(rowsOf(df));
  });

  test("names: the same twice, too long, one's own", async () => {
    const long = "x".repeat(70);
    const df = await cc.data("places", [
      { ...UNEMPLOYMENT, suggested_name: "rate" },
      { ...UNEMPLOYMENT, suggested_name: "rate" },
      { ...UNEMPLOYMENT, suggested_name: 'the "rate"' },
      { ...UNEMPLOYMENT, suggested_name: long },
      { ...UNEMPLOYMENT, suggested_name: `${long}y` },
    ]);
    const short = "x".repeat(63);
    expect(df.columns.slice(4)).toEqual(["rate", "_rate", 'the "rate"', short, `_${short.slice(1)}`]);
    expect(warnings).toEqual([
      "rate was augmented as _rate because of name collision.",
      `${long} was augmented as ${short}, because a name has at most 63 bytes.`,
      `${long}y was augmented as _${short.slice(1)}, because a name has at most 63 bytes.`,
    ]);
  });

  test("persistAs keeps the rows as a CARTO table", async () => {
    const df = await cc.data("places", [UNEMPLOYMENT], { persistAs: "Kept Places" });
    expect(log).toEqual([
      'The table is named "kept_places".',
      expect.stringMatching(/^Wrote 4 rows to "kept_places"/),
    ]);
    const { rows } = await server.sql("SELECT * FROM kept_places ORDER BY cartodb_id");
    expect(rows.map(({ unemployment_rate_2009: rate }) => rate)).toEqual(
      column(df, "unemployment_rate_2009"),
    );
    expect(rows[0]).toHaveProperty("the_geom_webmercator");
    await expect(cc.data("places", [UNEMPLOYMENT], { persistAs: "kept_places" })).rejects.toThrow(
      TableExistsError,
    );
  });

  test("dataAugment keeps them in place, and warns once that it is deprecated", async () => {
    await server.sql("CREATE TABLE augmented AS SELECT * FROM places");
    const df = await cc.dataAugment("augmented", [UNEMPLOYMENT]);
    await cc.dataAugment("augmented", [UNEMPLOYMENT]);
    expect(warnings.filter((text) => text.startsWith("dataAugment is deprecated"))).toHaveLength(1);
    expect(df.columns).toContain("unemployment_rate_2009");
    const { fields, total_rows } = await server.sql("SELECT * FROM augmented");
    expect(Object.keys(fields)).toEqual(
      expect.arrayContaining(["unemployment_rate_2009", "_unemployment_rate_2009"]),
    );
    expect(total_rows).toBe(4);
    await server.sql("DROP TABLE augmented");
  });

  test("by a column of identifiers", async () => {
    const df = await cc.data("codes", [POPULATION, { ...POPULATION, normalization: "area" }], {
      how: "fips",
    });
    const byId = rowsOf(df).sort((a, b) => Number(a[0]) - Number(b[0]));
    expect(byId.map((row) => row[3])).toEqual([39_250_017, 19_745_289, null, null, 39_250_017]);
    expect(Number(byId[0]![4])).toBeCloseTo(39_250_017 / 423_970, -1); // published total area, km²
    await cc.query("CREATE TABLE wrong AS SELECT 6 AS fips");
    await cc.data("wrong", [POPULATION], { how: "fips" });
    expect(warnings).toEqual([
      'total_pop_2016: NULL in every row. No "fips" is an identifier of these boundaries; they are texts such as "06059", and geom_id says of which level.',
    ]);
  });

  test("a table that is not CARTO's: another geometry column, no cartodb_id, ids that are not unique", async () => {
    for (const how of [undefined, "shape"]) {
      const df = await cc.data("other", [POPULATION], { how });
      expect(rowsOf(df).map((row) => row[2])).toEqual([5_540_545, 19_745_289]);
    }
  });

  test("rows whose cartodb_id does not tell them apart get the value of their own place", async () => {
    const at = (lng: number, lat: number) => `ST_SetSRID(ST_MakePoint(${lng}, ${lat}), 4326)`;
    await server.sql(`CREATE TABLE joined (cartodb_id bigint, city text, the_geom geometry(Point, 4326));
      INSERT INTO joined VALUES (1, 'Denver', ${at(-104.99, 39.74)}), (1, 'Brooklyn', ${at(-73.95, 40.65)}),
        (NULL, 'Chicago', ${at(-87.65, 41.88)}), (5000000000, 'Austin', ${at(-97.74, 30.27)})`);
    const df = await cc.data("joined", [POPULATION]);
    const people = new Map(rowsOf(df).map((row) => [row[1], row[3]]));
    expect(Object.fromEntries(people)).toEqual({
      Denver: 5_540_545,
      Brooklyn: 19_745_289,
      Chicago: 12_801_539,
      Austin: 27_862_596,
    });
    expect(df.columns).toEqual(["cartodb_id", "city", "the_geom", "total_pop_2016"]);
  });

  test("a table in another SRID lies where it lies", async () => {
    await server.sql(`CREATE TABLE metres AS SELECT 1 AS cartodb_id,
      ST_Transform(ST_SetSRID(ST_MakePoint(-104.99, 39.74), 4326), 26913) AS the_geom`);
    expect(column(await cc.data("metres", [{ numer_id: "us.bls.unemployment_rate" }]), "cartodb_id")).toEqual(
      [1],
    );
    expect(warnings).toEqual([]);
    const found = await cc.dataDiscovery("metres", { keywords: "unemployment" });
    expect(distinct(found, "geom_id")).toEqual([COUNTY]);
    const states = await cc.dataBoundaries({ boundary: STATE, region: "metres" });
    expect(column(states, "geom_refs")).toEqual(["08"]);
  });

  test("geometries of boundaries are measures, too", async () => {
    const df = await cc.data("places", [{ geom_id: STATE }]);
    expect(df.columns.at(-1)).toBe("us_states_2017");
    await cc.map({ layers: new Layer(df, { geomCol: "us_states_2017" }), interactive: false });
  });

  test("texts", async () => {
    const df = await cc.data("places", [{ numer_id: "countries_list.capital" }]);
    expect(column(df, df.columns.at(-1)!)).toContain("Washington D.C.");
  });

  test("a grid over the country conserves the population of the states", async () => {
    const df = await cc.data("grid", [POPULATION, { numer_id: "us.bls.engineers", geom_id: STATE }]);
    const total = sum(column(df, "total_pop_2016"));
    expect(Math.abs(total / 326_538_820 - 1)).toBeLessThan(1e-6);
    expect(df.shape[0]).toBe(40 * 13);
  });

  test("a thousand polygons that cut across counties conserve their sums, and a mean stays among its values", async () => {
    await server.sql(`CREATE TABLE tiles AS SELECT row_number() OVER ()::int AS cartodb_id,
      ST_MakeEnvelope(x, y, x + 1.6, y + 0.9, 4326) AS the_geom
      FROM generate_series(-125.3, -66.1, 1.6) x, generate_series(24.2, 49.4, 0.9) y`);
    const cities = { numer_id: "geonames.city_population", geom_id: COUNTY, normalization: "predenominated" };
    const df = await cc.data("tiles", [cities, UNEMPLOYMENT]);
    expect(df.shape[0]).toBeGreaterThan(1000);
    const states = await cc.dataBoundaries({ boundary: COUNTY, region: [-125.3, 24.2, -66, 50] });
    await cc.write(states, "lower_48", { overwrite: true });
    const exact = await cc.data("lower_48", [cities, UNEMPLOYMENT], { how: "geom_refs" });
    const contiguous = rowsOf(exact).filter(
      (row) => !/^(02|15|72)/.test(String(row[exact.columns.indexOf("geom_refs")])),
    );
    const people = sum(contiguous.map((row) => row[exact.columns.indexOf("city_population_2018")]));
    expect(people).toBeGreaterThan(230e6);
    expect(Math.abs(sum(column(df, "city_population_2018")) / people - 1)).toBeLessThan(1e-6);
    const rates = column(df, "unemployment_rate_2009").filter((rate) => rate !== null) as number[];
    expect(rates.length).toBeGreaterThan(500);
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(0.012);
    expect(Math.max(...rates)).toBeLessThanOrEqual(0.301);
  });

  test("10,000 points and five measures", { timeout: 120_000 }, async () => {
    await server.sql(`CREATE TABLE many AS SELECT i AS cartodb_id,
      ST_SetSRID(ST_MakePoint(-125 + (i % 100) * 0.58, 25 + (i / 100) * 0.24), 4326) AS the_geom FROM generate_series(0, 9999) i`);
    const df = await cc.data("many", [
      UNEMPLOYMENT,
      POPULATION,
      { ...POPULATION, normalization: "area" },
      { numer_id: "us.bls.engineers", geom_id: STATE },
      { numer_id: "us.cdc.obesity_rate", geom_id: STATE, normalization: "predenominated" },
    ]);
    expect(df.shape).toEqual([10_000, 7]);
    const { rows } =
      await server.sql(`SELECT m.cartodb_id, OBS_GetMeasure(m.the_geom, 'us.bls.unemployment_rate', 'predenominated', '${COUNTY}')::float8 AS rate
      FROM many m WHERE cartodb_id % 997 = 0 ORDER BY 1`);
    const rates = new Map(rowsOf(df).map((row) => [row[0], row[2]]));
    expect(rows.map(({ cartodb_id }) => rates.get(cartodb_id))).toEqual(rows.map(({ rate }) => rate));
    expect(rows.some(({ rate }) => rate !== null)).toBe(true);
  });

  test("an empty table stays empty, and one outside of the coverage says so", async () => {
    const none = await cc.data("empty", [POPULATION]);
    expect(none.shape[0]).toBe(0);
    expect(none.columns).toContain("total_pop_2016");
    await server.sql("CREATE TABLE sea AS SELECT * FROM places WHERE name = 'at sea'");
    const found = await cc.dataDiscovery("USA", { keywords: "unemployment" });
    await cc.data("sea", found.iloc({ rows: [0] }));
    expect(warnings).toEqual([
      "unemployment_rate_2009: NULL in every row. No row lies where the observatory has a value.",
    ]);
  });

  test("what is not found is told, and the rest augmented", async () => {
    const df = await cc.data("places", [POPULATION, { numer_id: "us.nothing" }]);
    expect(df.columns).toContain("_total_pop_2016");
    expect(warnings[0]).toMatch(/has nothing for "us\.nothing" where the table is/);
  });

  test("polygons get no mean without weights, and that is told", async () => {
    const frame = new DataFrame({ fips: ["08", "36"], age: [30, 40] });
    await cc.observatory.publish(frame, {
      name: "Ages",
      timespan: "2024",
      boundary: { id: STATE, idColumn: "fips" },
      measures: [{ column: "age", aggregate: "average" }],
    });
    await cc.data("grid", [{ numer_id: "ages.age" }]);
    expect(warnings).toEqual([
      "ages.age of 2024 is NULL for polygons: it is no sum, and the observatory has no weights for a mean (its aggregate is average).",
    ]);
    await cc.observatory.remove("ages");
  });

  const fifty = (count: number) => Array.from({ length: count }, () => UNEMPLOYMENT);
  test("fifty measures, and no more", async () => {
    const df = await cc.data("places", fifty(50));
    expect(df.columns).toHaveLength(54);
    expect(new Set(df.columns).size).toBe(54);
  });

  test.each<[string, unknown, object, RegExp]>([
    ["places", fifty(51), {}, /metadata entries exceeds 50: there are 51/],
    ["places", [], {}, /no valid metadata entries/],
    ["places", [{ numer_id: "us.nothing" }], {}, /no valid metadata entries/],
    ["places", [{}], {}, /Entry 0 of metadata has neither a numer_id/],
    ["places", ["us.bls.engineers"], {}, /Entry 0 of metadata is no object/],
    ["places", "us.bls.engineers", {}, /metadata must be a DataFrame of cc\.dataDiscovery, or a list/],
    ["places", new DataFrame({ a: [1] }), {}, /metadata must be a DataFrame/],
    ["places", [{ numerId: "x" }], {}, /no option "numerId"\. Did you mean "numer_id"/],
    [
      "places",
      [{ ...POPULATION, normalization: "per head" }],
      {},
      /normalization "per head"; expected "predenominated"/,
    ],
    [
      "places",
      [{ ...POPULATION, normalization: "denominated" }],
      {},
      /has no denominator.*"predenominated" or "area"/,
    ],
    ["places", [POPULATION], { persistas: "x" }, /data has no option "persistas"\. Did you mean "persistAs"/],
    ["places", [POPULATION], { how: "fips" }, /no column "fips"/],
    ["places", [POPULATION], { how: 1 }, /how must be the name of a column/],
    ["mixed", [POPULATION], {}, /has points and polygons/],
    ["roads", [POPULATION], {}, /lines or multipoints/],
  ])("refuses %s, %j, %j", async (table, metadata, options, message) => {
    const refused = cc.data(table, metadata as [], options);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });

  test("a table that is not there", async () => {
    await expect(cc.data("nothing", [POPULATION])).rejects.toThrow(TableNotFoundError);
  });

  test("hostile metadata stays text", async () => {
    const found = await cc.dataDiscovery("USA", { keywords: "unemployment" });
    const types = found.copy();
    types.addColumn(
      "numer_type",
      column(found, "numer_type").map(() => "text); DROP TABLE places; --") as string[],
      {
        inplace: true,
      },
    );
    await expect(cc.data("places", types)).rejects.toThrow(/is no type of PostgreSQL/);
    const names = await cc.dataDiscovery("USA", { keywords: "unemployment" });
    names.addColumn(
      "suggested_name",
      column(found, "numer_id").map((_, i) => `a" ${i}, (SELECT 1) "b'; --`) as string[],
      {
        inplace: true,
      },
    );
    expect((await cc.data("places", names)).columns).toContain(`a" 0, (SELECT 1) "b'; --`);
  });
});

describe("dataBoundaries", () => {
  test("the catalog of levels, everywhere and in a region", async () => {
    const world = distinct(await cc.dataBoundaries(), "geom_id");
    expect(world).toEqual(expect.arrayContaining(["naturalearth.country", STATE]));
    expect(distinct(await cc.dataBoundaries({ region: "Spain" }), "geom_id")).toEqual([
      "naturalearth.continent",
      "naturalearth.country",
    ]);
    expect(
      distinct(await cc.dataBoundaries({ region: [-110, 35, -100, 40], timespan: "2009" }), "geom_id"),
    ).toEqual([COUNTY]);
  });

  test("those of the Census that are not clipped to the shore come when they are asked for", async () => {
    for (const region of ["USA", "places", [-90, 40, -80, 45]]) {
      const clipped = distinct(await cc.dataBoundaries({ region }), "geom_id");
      const all = distinct(await cc.dataBoundaries({ region, includeNonclipped: true }), "geom_id");
      expect(clipped).toContain(STATE);
      expect(all).toEqual([...clipped, UNCLIPPED].sort());
    }
    const lake = [-87.2, 43.4, -86.8, 43.6];
    const states = async (boundary: string) =>
      distinct(await cc.dataBoundaries({ boundary, region: lake }), "geom_refs");
    expect(await states(UNCLIPPED), "Michigan and Wisconsin meet there").toEqual(["26", "55"]);
    expect(await states(STATE)).toEqual([]);
    const found = await cc.dataDiscovery(lake, { keywords: "total population", boundaries: UNCLIPPED });
    expect(distinct(found, "geom_id")).toEqual([UNCLIPPED]);
    await server.sql(
      "CREATE TABLE buoys AS SELECT 1 AS cartodb_id, ST_SetSRID(ST_MakePoint(-87, 43.5), 4326) AS the_geom",
    );
    const df = await cc.data(
      "buoys",
      found.query(column(found, "normalization").map((how) => how === "predenominated")),
    );
    expect(column(df, "total_pop_2016")).toEqual([9_928_300]);
  });

  test("the geometries of one: of a box, a table of points, one of polygons; for write and map", async () => {
    const box = await cc.dataBoundaries({
      boundary: STATE,
      region: [-109, 37.5, -103, 40.5],
      decodeGeom: true,
    });
    expect(box.columns).toEqual(["the_geom", "geom_refs", "geometry"]);
    expect(distinct(box, "geom_refs")).toContain("08");
    const points = await cc.dataBoundaries({ boundary: STATE, region: "other" });
    expect(points.shape[0], "all states between New York and Denver").toBeGreaterThan(5);
    const polygons = await cc.dataBoundaries({ boundary: "naturalearth.country", region: "grid" });
    expect(distinct(polygons, "geom_refs")).toContain("USA");
    await cc.write(box, "some_states");
    const { rows } = await server.sql(
      "SELECT count(*)::int AS n, min(GeometryType(the_geom)) AS kind FROM some_states",
    );
    expect(rows).toEqual([{ n: box.shape[0], kind: "MULTIPOLYGON" }]);
    const view = await cc.map({ layers: new Layer(box), interactive: false });
    expect(view.toPNG().length).toBeGreaterThan(1000);
    const all = await cc.dataBoundaries({ boundary: STATE, region: "USA", timespan: "2017" });
    expect(all.shape).toEqual([56, 2]);
  });

  test("nothing there", async () => {
    const none = await cc.dataBoundaries({ boundary: COUNTY, region: [2, 47, 3, 48] });
    expect(none.shape[0]).toBe(0);
    expect(warnings).toEqual([
      `The Data Observatory has nothing of ${COUNTY} in this region. Try a larger region.`,
    ]);
  });

  test.each<[object, RegExp]>([
    [
      { boundary: "us.census.tiger.county" },
      /no boundary "us\.census\.tiger\.county"\. Did you mean "us\.census\.tiger\.county_clipped"/,
    ],
    [{ region: "Atlantis" }, /neither a region nor a table "Atlantis"/],
    [{ region: [1, 2] }, /not of four numbers/],
    [{ region: 5 }, /region must be/],
    [{ decodeGeom: true }, /name a boundary, too/],
    [{ boundary: STATE, includeNonClipped: true }, /Did you mean "includeNonclipped"/],
    [{ boundary: 7 }, /boundary must be a text/],
  ])("refuses %j", async (options, message) => {
    const refused = cc.dataBoundaries(options);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });
});

describe("observatory", () => {
  const square = (west: number, south: number) =>
    `POLYGON((${west} ${south}, ${west + 1} ${south}, ${west + 1} ${south + 1}, ${west} ${south + 1}, ${west} ${south}))`;
  const quarters = () =>
    new DataFrame({
      Code: ["a", "b"],
      "Quarter Name": ["West", "East"],
      people: [100, 300],
      "Median Rent": [500, 900],
      shape: [square(-4, 40), square(-3, 40)],
    });
  const publication = {
    name: "My quarters",
    timespan: "2024",
    region: "Spain",
    source: "own survey",
    license: "CC0",
    boundary: { id: "es.mine.quarter", idColumn: "Code", nameColumn: "Quarter Name", name: "Quarters" },
    geometry: "shape",
    measures: [
      { column: "people", name: "People", unit: "people", aggregate: "sum" },
      { column: "Median Rent", name: "Rent", unit: "€", aggregate: "median", universe: "people" },
    ],
  } as const;

  test("a frame is published, found, used, described and removed", async () => {
    const tables = async () => column(await cc.tables(), "name");
    const before = await tables();
    expect(await cc.observatory.publish(quarters(), publication)).toEqual({
      dataset: "my-quarters",
      boundary: "es.mine.quarter",
      timespan: "2024",
      measures: 2,
      outside: 0,
    });
    expect(log).toEqual(["Dataset my-quarters has 2 measures of es.mine.quarter of 2024."]);
    expect(await tables(), "nothing is left behind").toEqual(before);
    const found = await cc.dataDiscovery("Spain", { keywords: "rent", boundaries: "es.mine.quarter" });
    expect(distinct(found, "numer_id")).toContain("my-quarters.median_rent");
    await cc.query(
      `CREATE TABLE quarters AS SELECT 1 AS cartodb_id, ST_MakeEnvelope(-4, 40, -2, 41, 4326) AS the_geom`,
    );
    const df = await cc.data("quarters", [
      { numer_id: "my-quarters.people", normalization: "predenominated" },
      { numer_id: "my-quarters.median_rent", normalization: "predenominated" },
    ]);
    expect(rowsOf(df)[0]!.slice(2).map(Number)).toEqual([expect.closeTo(400, 6), expect.closeTo(800, 6)]);
    const areas = await cc.dataBoundaries({ boundary: "es.mine.quarter", region: "Spain" });
    expect(distinct(areas, "geom_refs")).toEqual(["a", "b"]);
    expect(column(await cc.observatory.list(), "id")).toContain("my-quarters");
    const info = await cc.observatory.info("my-quarters");
    expect(info).toMatchObject({
      id: "my-quarters",
      name: "My quarters",
      source: "own survey",
      license: "CC0",
    });
    expect(info.measures.map(({ unit }) => unit)).toEqual(expect.arrayContaining(["€", "people"]));
    await cc.observatory.remove("my-quarters");
    expect(column(await cc.observatory.list(), "id")).not.toContain("my-quarters");
    await expect(cc.observatory.remove("my-quarters")).rejects.toThrow(/There is no dataset "my-quarters"\./);
  });

  test("a table is published with measures of states that are there", async () => {
    await server.sql(
      "CREATE TABLE museums AS SELECT * FROM (VALUES ('08', 5), ('36', 9), ('ZZ', 1)) v(fips, museums)",
    );
    const options = {
      name: "Museums",
      timespan: "2024",
      region: ["USA"],
      boundary: { id: STATE, idColumn: "fips" },
      measures: [{ column: "museums", aggregate: "sum" }],
    } as const;
    expect(await cc.observatory.publish("museums", options)).toMatchObject({
      dataset: "museums",
      outside: 1,
    });
    expect(warnings.join()).toMatch(/1 rows of museums belong to no area/);
    const df = await cc.data("other", [{ numer_id: "museums.museums", normalization: "predenominated" }]);
    expect(rowsOf(df).map((row) => row[2])).toEqual([5, 9]);
    await cc.observatory.remove("museums");
    warnings.length = 0;
    const frame = new DataFrame({ fips: ["08", "XX"], museums: [1, 2] });
    await cc.observatory.publish(frame, options);
    expect(warnings.join(), "no name of ours").toMatch(/^1 rows of the frame belong to no area/);
    await cc.observatory.remove("museums");
  });

  test.each<[object, RegExp]>([
    [{ name: undefined }, /publish needs name/],
    [{ timespan: undefined }, /publish needs timespan/],
    [{ timespan: 2024 }, /timespan of publish must be a text/],
    [{ titel: "x" }, /publish has no option "titel"/],
    [{ boundary: undefined }, /publish needs boundary/],
    [
      { boundary: { id: "x", idColum: "Code" } },
      /boundary has no option "idColum"\. Did you mean "idColumn"/,
    ],
    [{ boundary: { id: "x", idColumn: "code" } }, /The frame has no column "code"\. Did you mean "Code"/],
    [{ region: "Atlantis" }, /There is no region "Atlantis"/],
    [{ measures: "people" }, /measures must be a list/],
    [{ measures: [{ column: "peeple" }] }, /no column "peeple"\. Did you mean "people"/],
    [{ measures: [{ column: "people", agregate: "sum" }] }, /A measure has no option "agregate"/],
    [{ geometry: undefined, measures: [] }, /nothing to publish/],
    [{ name: "日本" }, /Pass dataset/],
  ])("refuses %j", async (change, message) => {
    const refused = cc.observatory.publish(quarters(), { ...publication, ...change } as typeof publication);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });

  test("names that are no identifiers, and published twice", async () => {
    const id = 'id"; DROP TABLE places; --';
    const options = {
      name: "O'Hara's \"$$\"; DROP TABLE places; --",
      timespan: "2024'",
      source: "'; --",
      boundary: { id: "x.odd", idColumn: id, name: "N'; --" },
      geometry: "shape",
      measures: [
        { column: "select", name: "S$q$", unit: "'; --", aggregate: "sum" },
        { column: "日本", aggregate: "sum" },
      ],
    } as const;
    const frame = (ids: string[]) =>
      new DataFrame({ [id]: ids, select: [1, 2], 日本: [3, 4], shape: [square(0, 0), square(1, 0)] });
    for (const ids of [
      ["a'b", 'c"d'],
      ["a'b", "z"],
    ]) {
      await cc.observatory.publish(frame(ids), options);
      const areas = await cc.dataBoundaries({ boundary: "x.odd", region: [0, 0, 2, 1] });
      expect(distinct(areas, "geom_refs")).toEqual([...ids].sort());
    }
    const dataset = "o-hara-s-drop-table-places";
    expect(column(await cc.observatory.list(), "id").filter((name) => name === dataset)).toHaveLength(1);
    expect(await cc.observatory.info(dataset)).toMatchObject({ name: options.name, source: options.source });
    await server.sql(
      "CREATE TABLE odd AS SELECT 1 AS cartodb_id, ST_SetSRID(ST_MakePoint(0.5, 0.5), 4326) AS the_geom",
    );
    const found = await cc.dataDiscovery("odd", { boundaries: "x.odd" });
    const df = await cc.data(
      "odd",
      found.query(column(found, "normalization").map((how) => how === "predenominated")),
    );
    expect(rowsOf(df)[0]!.slice(2).sort()).toEqual([1, 3]);
    await cc.observatory.remove(dataset);
    expect((await server.sql("SELECT count(*)::int AS n FROM places")).rows).toEqual([{ n: 4 }]);
  });

  test("two who publish the same at once publish it once", async () => {
    const publish = (people: number) =>
      cc.observatory.publish(new DataFrame({ code: ["a"], people: [people], shape: [square(0, 0)] }), {
        ...publication,
        name: "Race",
        boundary: { id: "x.race", idColumn: "code" },
        measures: [{ column: "people" }],
      });
    await Promise.all([publish(1), publish(2)]);
    const { measures, boundaries } = await cc.observatory.info("race");
    expect([measures.length, boundaries.length]).toEqual([1, 1]);
    await cc.observatory.remove("race");
  });

  test("one column may be two measures, and zero and missing denominators give no rate", async () => {
    const frame = new DataFrame({
      code: ["a", "b", "c"],
      sick: [1, 2, 3],
      people: [0, null as unknown as number, 6],
      shape: [square(0, 0), square(1, 0), square(2, 0)],
    });
    await cc.observatory.publish(frame, {
      ...publication,
      name: "Zero",
      boundary: { id: "x.zero", idColumn: "code" },
      measures: [
        { column: "sick", id: "zero.cases", aggregate: "sum" },
        { column: "sick", id: "zero.rate", aggregate: "sum", denominator: "people" },
        { column: "people", aggregate: "sum" },
      ],
    });
    await server.sql(`CREATE TABLE patients AS SELECT i AS cartodb_id, ST_SetSRID(ST_MakePoint(i - 0.5, 0.5), 4326) AS the_geom
      FROM generate_series(1, 3) i`);
    const df = await cc.data("patients", [
      { numer_id: "zero.rate", geom_id: "x.zero", suggested_name: "rate" },
      { numer_id: "zero.cases", geom_id: "x.zero", normalization: "predenominated", suggested_name: "cases" },
    ]);
    expect(column(df, "rate")).toEqual([null, null, 0.5]);
    expect(column(df, "cases")).toEqual([1, 2, 3]);
    await cc.observatory.remove("zero");
  });

  test("polygons are mended, what is none is left out and counted", async () => {
    const bowtie = "POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))";
    const frame = new DataFrame({
      code: ["bowtie", "point", "line", "nothing"],
      people: [100, 2, 3, 4],
      shape: [bowtie, "POINT(1 1)", "LINESTRING(0 0, 1 1)", null as unknown as string],
    });
    const options = {
      ...publication,
      name: "Mended",
      boundary: { id: "x.mended", idColumn: "code" },
      measures: [{ column: "people", aggregate: "sum" }],
    } as const;
    expect(await cc.observatory.publish(frame, options)).toMatchObject({ outside: 3 });
    expect(warnings).toEqual([
      '3 rows of the frame have no polygon and are left out, for example "line"',
      '3 rows of the frame belong to no area of "x.mended"',
    ]);
    await server.sql(
      "CREATE TABLE halves AS SELECT 1 AS cartodb_id, ST_MakeEnvelope(0, 0, 2, 1, 4326) AS the_geom",
    );
    const df = await cc.data("halves", [
      { numer_id: "mended.people", geom_id: "x.mended", normalization: "predenominated" },
    ]);
    expect(Number(rowsOf(df)[0]![2])).toBeCloseTo(50, 1);
    await cc.observatory.remove("mended");
  });

  test("a publication that is cancelled leaves nothing", async () => {
    const cancel = new AbortController();
    const cancelled = cc.observatory.publish(quarters(), {
      ...publication,
      name: "Cancelled",
      signal: cancel.signal,
    });
    setTimeout(() => cancel.abort(), 30);
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    await expect
      .poll(
        async () => (await server.sql("SELECT relname FROM pg_class WHERE relname ~ 'cartoframes_tmp'")).rows,
      )
      .toEqual([]);
  });

  test("what the database refuses is said without names of ours", async () => {
    const twice = new DataFrame({ Code: ["a", "a"], people: [1, 2], shape: [square(0, 0), square(2, 0)] });
    const options = {
      ...publication,
      boundary: { id: "x.y", idColumn: "Code" },
      measures: [{ column: "people" }],
    };
    await expect(cc.observatory.publish(twice, options)).rejects.toThrow(
      /^Column "code" does not identify the areas: 1 of its values are there more than once/,
    );
    const bad = { ...options, measures: [{ column: "people", aggregate: "total" as "sum" }] };
    await expect(cc.observatory.publish(quarters(), bad)).rejects.toThrow(/Aggregate "total"/);
    const { rows } = await server.sql("SELECT relname FROM pg_class WHERE relname ~ 'cartoframes_tmp'");
    expect(rows).toEqual([]);
    await expect(cc.observatory.publish("nothing", publication)).rejects.toThrow(TableNotFoundError);
    const none = quarters().query([false, false]);
    await expect(cc.observatory.publish(none, publication)).rejects.toThrow(/the frame has no rows/);
    await server.sql(
      'CREATE TABLE rowless ("Code" text, "Quarter Name" text, people int, "Median Rent" int, shape geometry)',
    );
    await expect(cc.observatory.publish("rowless", publication)).rejects.toThrow(
      "There is nothing to publish: rowless has no rows",
    );
    const points = new DataFrame({ Code: ["a"], people: [1], shape: ["POINT(0 0)"] });
    await expect(cc.observatory.publish(points, options)).rejects.toThrow("has no polygons");
    const same = { ...options, measures: [{ column: "people" }, { column: "people" }] };
    await expect(cc.observatory.publish(quarters(), same)).rejects.toThrow(
      'Two measures have the id "my-quarters.people"',
    );
    await expect(cc.observatory.info("us-stat")).rejects.toThrow(
      /no dataset "us-stat"\. Did you mean "us-states"/,
    );
  });
});

describe("an account", () => {
  const refusing = (pattern: RegExp, status: number, body: object): Tampering => ({
    before: ({ sql }, response) => {
      if (!pattern.test(sql)) return;
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    },
  });

  test("is asked what CARTO's own client asks it", async () => {
    await account.dataDiscovery("USA", { keywords: ["pop"], regex: "^p", time: "2016", boundaries: STATE });
    expect(asked().at(-1)).toContain(
      "WITH envelope AS (SELECT ST_MakeEnvelope(-180.0, -85.0, 180.0, 85.0, 4326) AS env, 500::int AS cnt), numers AS (" +
        ` SELECT numer_id, '${STATE}' AS geom_id, '2016' AS numer_timespan, 'predenominated' AS normalization` +
        ` FROM OBS_GetAvailableNumerators((SELECT env FROM envelope), '{section/tags.united_states}', null, '${STATE}', '2016')` +
        " WHERE (numer_description ILIKE '%pop%' OR numer_name ILIKE '%pop%' OR numer_description ~* '^p' OR numer_name ~* '^p')" +
        ` AND valid_geom AND valid_timespan UNION SELECT numer_id, '${STATE}' AS geom_id, '2016' AS numer_timespan, null AS normalization`,
    );
    expect(asked().at(-1)).toContain(
      "SELECT * FROM json_to_recordset((SELECT OBS_GetMeta(envelope.env, json_agg(numers), 10, 10, envelope.cnt) AS meta" +
        " FROM numers, envelope GROUP BY env, cnt)) AS data(denom_aggregate text, denom_colname text, ",
    );
    expect(asked().at(-1)).toContain(
      "timespan_rank numeric, timespan_rownum numeric) WHERE numer_aggregate ",
    );

    proxy.tamper({});
    await account.dataDiscovery("places");
    expect(asked().at(-1)).toContain(
      'SELECT ST_SetSRID(ST_Extent("the_geom")::geometry, 4326) AS env, count(*)::int AS cnt FROM "places"',
    );

    proxy.tamper({});
    await account.data("places", [POPULATION]);
    expect(asked()[0]).toContain(
      `OBS_GetMeta(envelope.env, ('[{"numer_id":"us.census.pep.population","geom_id":"${STATE}"`,
    );
    expect(asked()[0]).toContain("::json, 10, 1, envelope.cnt) AS meta FROM envelope");
    expect(asked().at(-1)).toMatch(
      /t\."the_geom", \(m\.data->0->>'value'\)::Numeric AS "_total_pop_2016" FROM "places" AS t LEFT JOIN OBS_GetData\(\(SELECT array_agg\(\("the_geom", cartodb_id\)::geomval\) FROM "places"\), \(SELECT '\[\{.*\}\]'::json\)\) AS m ON t\."cartodb_id" = m\.id/,
    );
    expect(asked().at(-1), "descriptions are not needed").not.toContain("_description");
    expect(
      asked().filter((sql) => sql.includes("OBS_GetData")).length,
      "described, estimated and run",
    ).toBeLessThanOrEqual(3);

    proxy.tamper({});
    await account.data("codes", [POPULATION], { how: "fips" });
    expect(asked().at(-1)).toContain(`OBS_GetData((SELECT array_agg("fips"::text) FROM "codes")`);
    expect(asked().at(-1)).toContain(`AS m ON t."fips"::text = m.id`);

    proxy.tamper({});
    await account.dataBoundaries({ region: "France" });
    expect(asked().at(-1)).toContain(
      "SELECT * FROM OBS_GetAvailableGeometries(ST_MakeEnvelope(-180.0, -85.0, 180.0, 85.0, 4326))" +
        ` WHERE "geom_tags"::text ILIKE '%section/tags.fr%' AND (geom_id ~ '^us\\.census\\..*_clipped$' OR geom_id !~ '^us\\.census\\..*')`,
    );
    proxy.tamper({});
    await account.dataBoundaries({ boundary: STATE, region: "places", timespan: "2017" });
    expect(asked().at(-1)).toContain(
      `SELECT the_geom, geom_refs FROM OBS_GetBoundariesByGeometry((SELECT ST_ConvexHull(ST_Collect("the_geom")) FROM "places"), '${STATE}', '2017')`,
    );
    proxy.tamper({});
    await account.dataBoundaries({ boundary: STATE, region: [-110, 35, -100, 40] });
    expect(asked().at(-1)).toContain(
      `OBS_GetBoundariesByGeometry(ST_MakeEnvelope(-110, 35, -100, 40, 4326), '${STATE}', null)`,
    );
  });

  test("the same frames as from the local server", async () => {
    const meta = await account.dataDiscovery("USA", { keywords: "unemployment" });
    expect(unnumbered(meta)).toEqual(unnumbered(await cc.dataDiscovery("USA", { keywords: "unemployment" })));
    expect(rowsOf(await account.data("places", meta))).toEqual(rowsOf(await cc.data("places", meta)));
  });

  test("an account without data services says so", async () => {
    proxy.tamper(
      refusing(/OBS_/, 400, {
        error: [
          "function obs_getavailablenumerators(geometry, unknown, unknown, unknown, unknown) does not exist",
        ],
        hint: "No function matches the given name and argument types. You might need to add explicit type casts.",
      }),
    );
    const refused = account.dataDiscovery("USA");
    await expect(refused).rejects.toThrow(SqlError);
    await expect(refused).rejects.toThrow(
      /^This server has no Data Observatory .*data services may not be enabled/s,
    );
    await expect(account.data("places", [POPULATION])).rejects.toThrow(
      /^This server has no Data Observatory/,
    );
    await expect(account.dataBoundaries()).rejects.toThrow(/^This server has no Data Observatory/);
  });

  test("own data cannot be published to an account, and no frame is sent for it", async () => {
    proxy.tamper(refusing(/OBS_Datasets/, 400, { error: ["function obs_datasets() does not exist"] }));
    const options = {
      name: "x",
      timespan: "2024",
      boundary: { id: "x", idColumn: "a" },
      measures: [{ column: "b" }],
    };
    const refused = account.observatory.publish(new DataFrame({ a: ["x"], b: [1] }), options);
    await expect(refused).rejects.toThrow(/^The Data Observatory of an account takes no data of one's own/);
    expect(proxy.asked.some(({ path }) => path.endsWith("/copyfrom"))).toBe(false);
    await expect(account.observatory.list()).rejects.toThrow(/takes no data of one's own/);
  });

  test("quotas and time limits have their classes", async () => {
    proxy.tamper(refusing(/OBS_GetData/, 400, { error: ["You have reached the limit of your quota"] }));
    await expect(account.data("places", [POPULATION])).rejects.toThrow(QuotaError);
    proxy.tamper(
      refusing(/OBS_GetData/, 429, {
        error: [
          "You are over platform's limits: SQL query timeout error. Refactor your query before running again.",
        ],
        context: "limit",
        detail: "datasource",
      }),
    );
    const slow = account.data("places", [POPULATION]);
    await expect(slow).rejects.toThrow(TimeoutError);
    await expect(slow).rejects.toThrow(/Augment fewer rows at a time/);
    await expect(account.data("places", [POPULATION], { persistAs: "never" })).rejects.toThrow(
      /Augment fewer rows/,
    );
  });

  test("a call that is cancelled ends", async () => {
    const error = await cc.data("many", [UNEMPLOYMENT], { signal: AbortSignal.abort() }).catch((e) => e);
    expect(error).toMatchObject({ name: "AbortError" });
    expect(error).not.toBeInstanceOf(CartoError);
  });
});
