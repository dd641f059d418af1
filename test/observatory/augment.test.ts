import { DataFrame } from "danfojs-node";
import { describe, expect, test, vi } from "vitest";
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
import type { Tampering } from "../support/proxy";
import {
  account,
  asked,
  COUNTY,
  cc,
  column,
  distinct,
  log,
  POPULATION,
  proxy,
  rowsOf,
  STATE,
  server,
  sum,
  UNEMPLOYMENT,
  unnumbered,
  useObservatory,
  warnings,
} from "./setup";

useObservatory();

describe("data", () => {
  test("points get the value of their area; points outside keep their row", async () => {
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

  test("accepts metadata from discovery; renames and reports collisions", async () => {
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

  test("names that occur twice, are too long, or are given", async () => {
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
      `${long} was augmented as ${short}, because names are limited to 63 bytes.`,
      `${long}y was augmented as _${short.slice(1)}, because names are limited to 63 bytes.`,
    ]);
  });

  test("persistAs stores the rows as a CARTO table", async () => {
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

  test("dataAugment works in place, and warns once that it is deprecated", async () => {
    await server.sql("CREATE TABLE augmented AS SELECT * FROM places");
    const df = await cc.dataAugment("augmented", [UNEMPLOYMENT]);
    await cc.dataAugment("augmented", [UNEMPLOYMENT]);
    expect(warnings.filter((text) => text.startsWith("cc.dataAugment is deprecated"))).toHaveLength(1);
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
      'NULL in every row: total_pop_2016. No value of "fips" identifies one of these boundaries. Identifiers are texts such as "06059"; set geom_id to choose their level.',
    ]);
  });

  test("a table with another geometry column, without cartodb_id, or with duplicate ids", async () => {
    for (const how of [undefined, "shape"]) {
      const df = await cc.data("other", [POPULATION], { how });
      expect(rowsOf(df).map((row) => row[2])).toEqual([5_540_545, 19_745_289]);
    }
  });

  test("rows with duplicate cartodb_id get the value of their own place", async () => {
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

  test("transforms a table in another SRID", async () => {
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

  test("geometries of boundaries can be measures", async () => {
    const df = await cc.data("places", [{ geom_id: STATE }]);
    expect(df.columns.at(-1)).toBe("us_states_2017");
    await cc.map({ layers: new Layer(df, { geomCol: "us_states_2017" }), interactive: false });
  });

  test("text measures", async () => {
    const df = await cc.data("places", [{ numer_id: "countries_list.capital" }]);
    expect(column(df, df.columns.at(-1)!)).toContain("Washington D.C.");
  });

  test("a grid over the country conserves the population of the states", async () => {
    const df = await cc.data("grid", [POPULATION, { numer_id: "us.bls.engineers", geom_id: STATE }]);
    const total = sum(column(df, "total_pop_2016"));
    expect(Math.abs(total / 326_538_820 - 1)).toBeLessThan(1e-6);
    expect(df.shape[0]).toBe(40 * 13);
  });

  test("a thousand polygons across counties conserve sums, and means stay in range", async () => {
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

  test("an empty table stays empty; one outside the coverage warns", async () => {
    const none = await cc.data("empty", [POPULATION]);
    expect(none.shape[0]).toBe(0);
    expect(none.columns).toContain("total_pop_2016");
    await server.sql("CREATE TABLE sea AS SELECT * FROM places WHERE name = 'at sea'");
    const found = await cc.dataDiscovery("USA", { keywords: "unemployment" });
    await cc.data("sea", found.iloc({ rows: [0] }));
    expect(warnings).toEqual([
      "NULL in every row: unemployment_rate_2009. No row lies where the observatory has data.",
    ]);
  });

  test("reports measures that are not found, and adds the others", async () => {
    const df = await cc.data("places", [POPULATION, { numer_id: "us.nothing" }]);
    expect(df.columns).toContain("_total_pop_2016");
    expect(warnings[0]).toMatch(/has no data for "us\.nothing" at the location of the table/);
  });

  test("warns that polygons get no mean without weights", async () => {
    const frame = new DataFrame({ fips: ["08", "36"], age: [30, 40] });
    await cc.observatory.publish(frame, {
      name: "Ages",
      timespan: "2024",
      boundary: { id: STATE, idColumn: "fips" },
      measures: [{ column: "age", aggregate: "average" }],
    });
    await cc.data("grid", [{ numer_id: "ages.age" }]);
    expect(warnings).toEqual([
      "ages.age of 2024 is NULL for polygons: its aggregate is average, not sum, and the observatory has no weights for a mean.",
    ]);
    await cc.observatory.remove("ages");
  });

  const fifty = (count: number) => Array.from({ length: count }, () => UNEMPLOYMENT);
  test("accepts fifty measures at most", async () => {
    const df = await cc.data("places", fifty(50));
    expect(df.columns).toHaveLength(54);
    expect(new Set(df.columns).size).toBe(54);
  });

  test("names the measures that are near to an id that does not exist", async () => {
    await expect(cc.data("places", [{ numer_id: "population" }])).rejects.toThrow(
      /No measure has the id "population"\. Did you mean ".*population.*" \(.*\)/i,
    );
    await expect(cc.data("places", [{ numer_id: "us.bls.engineer" }])).rejects.toThrow(
      /Did you mean "us\.bls\.engineers" \(/,
    );
    await cc.data("places", [POPULATION, { numer_id: "unemploymnt rate" }]);
    expect(vi.mocked(console.warn).mock.calls.flat().join("\n")).toMatch(
      /are left out.*No measure has the id "unemploymnt rate"\. Did you mean ".*unemployment/s,
    );
  });

  test.each<[string, unknown, object, RegExp]>([
    ["places", fifty(51), {}, /`metadata` must have at most 50 entries; got 51/],
    ["places", [], {}, /no valid metadata entries/],
    ["places", [{ numer_id: "us.nothing" }], {}, /no valid metadata entries/],
    ["places", [{ numer_id: "us.nothing" }], {}, /^(?!.*Did you mean)/s],
    ["places", [{}], {}, /`metadata\[0\]` must have a numer_id/],
    ["places", ["us.bls.engineers"], {}, /`metadata\[0\]` must be an object; got string/],
    ["places", "us.bls.engineers", {}, /`metadata` must be a DataFrame from cc\.dataDiscovery, or a list/],
    ["places", new DataFrame({ a: [1] }), {}, /`metadata` must be a DataFrame/],
    ["places", [{ numerId: "x" }], {}, /no option "numerId"\. Did you mean "numer_id"/],
    [
      "places",
      [{ ...POPULATION, normalization: "per head" }],
      {},
      /normalization` must be "predenominated", .* got "per head"/,
    ],
    [
      "places",
      [{ ...POPULATION, normalization: "denominated" }],
      {},
      /has no denominator.*"predenominated" or "area"/,
    ],
    ["places", [POPULATION], { persistas: "x" }, /data has no option "persistas"\. Did you mean "persistAs"/],
    ["places", [POPULATION], { how: "fips" }, /`how` names column "fips", which/],
    ["places", [POPULATION], { how: 1 }, /`how` must be the name of a column/],
    ["mixed", [POPULATION], {}, /has both points and polygons/],
    ["roads", [POPULATION], {}, /lines or multipoints/],
  ])("rejects %s, %j, %j", async (table, metadata, options, message) => {
    const refused = cc.data(table, metadata as [], options);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });

  test("a missing table", async () => {
    await expect(cc.data("nothing", [POPULATION])).rejects.toThrow(TableNotFoundError);
  });

  test("treats hostile metadata as text", async () => {
    const found = await cc.dataDiscovery("USA", { keywords: "unemployment" });
    const types = found.copy();
    types.addColumn(
      "numer_type",
      column(found, "numer_type").map(() => "text); DROP TABLE places; --") as string[],
      {
        inplace: true,
      },
    );
    await expect(cc.data("places", types)).rejects.toThrow(/is not a PostgreSQL type/);
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

describe("an account", () => {
  const refusing = (pattern: RegExp, status: number, body: object): Tampering => ({
    before: ({ sql }, response) => {
      if (!pattern.test(sql)) return;
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    },
  });

  test("receives the same SQL as from cartoframes for Python", async () => {
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

  test("returns the same frames as the local server", async () => {
    const meta = await account.dataDiscovery("USA", { keywords: "unemployment" });
    expect(unnumbered(meta)).toEqual(unnumbered(await cc.dataDiscovery("USA", { keywords: "unemployment" })));
    expect(rowsOf(await account.data("places", meta))).toEqual(rowsOf(await cc.data("places", meta)));
  });

  test("reports an account without data services", async () => {
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
      /^This server has no Data Observatory .*ask its administrator to enable data services/s,
    );
    await expect(account.data("places", [POPULATION])).rejects.toThrow(
      /^This server has no Data Observatory/,
    );
    await expect(account.dataBoundaries()).rejects.toThrow(/^This server has no Data Observatory/);
  });

  test("does not accept published data, and is not sent any", async () => {
    proxy.tamper(refusing(/OBS_Datasets/, 400, { error: ["function obs_datasets() does not exist"] }));
    const options = {
      name: "x",
      timespan: "2024",
      boundary: { id: "x", idColumn: "a" },
      measures: [{ column: "b" }],
    };
    const refused = account.observatory.publish(new DataFrame({ a: ["x"], b: [1] }), options);
    await expect(refused).rejects.toThrow(
      /^Your own data cannot be published to the Data Observatory of an account/,
    );
    expect(proxy.asked.some(({ path }) => path.endsWith("/copyfrom"))).toBe(false);
    await expect(account.observatory.list()).rejects.toThrow(
      /cannot be published to the Data Observatory of an account/,
    );
  });

  test("quotas and time limits have their error classes", async () => {
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

  test("a cancelled call rejects", async () => {
    const error = await cc.data("many", [UNEMPLOYMENT], { signal: AbortSignal.abort() }).catch((e) => e);
    expect(error).toMatchObject({ name: "AbortError" });
    expect(error).not.toBeInstanceOf(CartoError);
  });
});
