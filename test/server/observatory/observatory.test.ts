import { Geodesic } from "geographiclib-geodesic";
import type { MultiPolygon } from "geojson";
import { beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../../src/server/engine/engine";
import { mentionsObservatory, withObservatory } from "../../../src/server/observatory/install";
import { ident, literal } from "../../../src/sql";
import { useEngine } from "../../support/engine";

const db = useEngine();
let engine: Engine;
let announced: readonly string[];

const STATE = "us.census.tiger.state_clipped";
const STATE_UNCLIPPED = "us.census.tiger.state";
const COUNTY = "us.census.tiger.county_clipped";
const COUNTRY = "naturalearth.country";

beforeAll(async () => {
  engine = withObservatory(db.get());
  const isThere = async () =>
    (await db.rows("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'observatory'"))[0]![0];
  expect(await isThere()).toBe("0");
  await expect(
    engine.query("SELECT OBS_DumpVersion()", { role: "public" }),
    "who may not install gets what there is: nothing",
  ).rejects.toThrow();
  expect(await isThere()).toBe("0");
  const answers = await Promise.all([
    engine.query("SELECT OBS_DumpVersion()"),
    engine.query("SELECT count(*) FROM observatory.obs_table"),
  ]);
  announced = answers.flatMap(({ warnings }) => warnings);
});

async function rows(sql: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await engine.query(sql)).statements.at(-1)!.rows;
}

async function value(sql: string): Promise<string | null> {
  return (await rows(sql))[0]?.[0] ?? null;
}

/** Values of measures for one geometry, as the client asks for them. */
async function values(geometry: string, entries: object[]): Promise<unknown[] | null> {
  const meta = await value(`SELECT OBS_GetMeta(${geometry}, ${literal(JSON.stringify(entries))}, 1, 1, 500)`);
  const data = await value(
    `SELECT data FROM OBS_GetData(ARRAY[(${geometry}, 1)::geomval], ${literal(meta!)}::json)`,
  );
  return data === null ? null : JSON.parse(data).map((entry: { value: unknown }) => entry.value);
}

const point = (lng: number, lat: number) => `ST_SetSRID(ST_MakePoint(${lng}, ${lat}), 4326)`;
const box = (...edges: number[]) => `ST_MakeEnvelope(${edges.join(", ")}, 4326)`;

test("it is installed by the first statement that needs it, once, and told", async () => {
  expect(announced).toHaveLength(2);
  expect(announced[0]).toMatch(
    /^Installed the Data Observatory in schemas "observatory" and "cdb_observatory"/,
  );
  expect(announced[1]).toMatch(/^Installed its starter catalog: us-boundaries, /);
  const again = withObservatory(db.get());
  expect((await again.query("SELECT OBS_DumpVersion()")).warnings).toEqual([]);
});

test.each([
  ["SELECT OBS_GetMeta(NULL, '[]')", true],
  ['select cdb_observatory . "obs_getmeta"(null, null)', true],
  ["SELECT * FROM observatory.obs_table", true],
  ["SELECT * FROM obs_table", false],
  ["SELECT observatory FROM telescopes", false],
])("%s needs it: %s", (sql, expected) => {
  expect(mentionsObservatory(sql)).toBe(expected);
});

test("everybody else may not read it", async () => {
  await expect(engine.query("SELECT * FROM observatory.obs_column", { role: "public" })).rejects.toThrow(
    /permission denied/,
  );
});

describe("the starter catalog", () => {
  test("every measure says what it is, of when, from whom and under which licence", async () => {
    const measures = await rows(
      `SELECT numer_id, numer_name, numer_description, numer_type, numer_aggregate, numer_extra->>'source',
         numer_extra->>'license', array_to_string(timespans, '|'),
         CASE WHEN numer_type = 'Numeric' THEN numer_extra->>'unit' ELSE 'none' END
       FROM observatory.obs_meta_numer`,
    );
    expect(measures.length).toBeGreaterThanOrEqual(35);
    for (const measure of measures) expect(measure, measure[0]!).not.toContain(null);
  });

  // But for the last digits, which are not the same on all processors and in all versions of PostGIS.
  test("what was computed of the boundaries when they were packed is what would be computed of them", async () => {
    const levels = await rows("SELECT id, tablename FROM observatory.obs_geometry");
    for (const [level, table] of levels) {
      const path = "SET search_path = cdb_observatory, observatory, public";
      const [wrong] = await rows(`${path}; SELECT count(*) FILTER (WHERE NOT (
          ST_IsValid(o.the_geom) AND ST_XMin(o.the_geom) >= -180 AND ST_XMax(o.the_geom) <= 180
          AND ST_AsEWKB(_obs_area(o.the_geom)) = ST_AsEWKB(o.the_geom)
          AND ST_Area(ST_SymDifference(b.footprint, _obs_footprint(o.the_geom))) < 1e-9
          AND abs(b.deg2 / ST_Area(o.the_geom) - 1) < 1e-9
          AND abs(b.km2 / (ST_Area(ST_Transform(o.the_geom, 6933)) / 1e6) - 1) < 1e-9)),
        count(*) FILTER (WHERE b.geomref IS NULL)
        FROM ${table} o LEFT JOIN obs_boundary b ON b.tablename = '${table}' AND b.geomref = o.geoid`);
      expect(wrong, level!).toEqual(["0", "0"]);
      const [covered] = await rows(
        `${path}; SELECT ST_Area(ST_SymDifference(the_geom, _obs_coverage('${table}'))) < 1e-9 FROM obs_table WHERE tablename = '${table}'`,
      );
      expect(covered, level!).toEqual(["t"]);
    }
  });

  test("cities are not counted again by their sections: Manhattan is the densest county, as it is", async () => {
    const densest = await rows(`SELECT geomref, people / km2 BETWEEN 15000 AND 30000 FROM (
        SELECT b.geomref, b.km2, OBS_GetMeasureById(b.geomref, 'geonames.city_population', ${literal(COUNTY)}) AS people
        FROM observatory.obs_boundary b JOIN observatory.obs_geometry g USING (tablename)
        WHERE g.id = ${literal(COUNTY)} AND b.km2 < 200
      ) small ORDER BY people / km2 DESC LIMIT 1`);
    expect(
      densest,
      "27,000 people live on a square kilometre of it, a bit fewer on one of its outline",
    ).toEqual([["36061", "t"]]);
    const usa = await value(
      `SELECT OBS_GetMeasureById('USA', 'geonames.city_population', ${literal(COUNTRY)})`,
    );
    expect(Number(usa), "four in five of 320 million").toBeGreaterThan(240e6);
    expect(Number(usa)).toBeLessThan(260e6);
  });

  test("there are levels from counties to continents, and timespans from 1851 to 2018", async () => {
    expect(
      await rows(
        "SELECT geom_id, (SELECT count(*) FROM observatory.obs_boundary b JOIN observatory.obs_geometry g USING (tablename) WHERE g.id = geom_id) FROM OBS_GetAvailableGeometries() ORDER BY 2 DESC, 1",
      ),
    ).toMatchInlineSnapshot(`
      [
        [
          "us.census.tiger.county_clipped",
          "3230",
        ],
        [
          "naturalearth.country",
          "241",
        ],
        [
          "us.census.tiger.state",
          "56",
        ],
        [
          "us.census.tiger.state_clipped",
          "56",
        ],
        [
          "us.census.tiger.division_clipped",
          "9",
        ],
        [
          "naturalearth.continent",
          "7",
        ],
        [
          "us.census.tiger.region_clipped",
          "4",
        ],
      ]
    `);
    expect(await rows("SELECT timespan_id FROM OBS_GetAvailableTimespans()")).toHaveLength(19);
  });

  test.each([
    ["us.census.pep.population", STATE, "06", null, "39250017"],
    ["us.census.pep.population", "us.census.tiger.region_clipped", "1", null, "56209510"],
    ["us.bls.unemployment_rate", COUNTY, "01001", null, "0.097"],
    ["us.cdc.obesity_rate", STATE, "01", null, "0.187"],
    ["us.census.acs.households", STATE, "01", null, "1837292"],
    ["us.noaa.hurricanes", STATE, "12", null, "110"],
    ["world.gapminder.population", COUNTRY, "AFG", "1955", "7971931"],
    ["world.gapminder.population", COUNTRY, "AFG", "2015", "32526562"],
    ["world.gapminder.life_expectancy", COUNTRY, "ALB", "2015", "76"],
  ])("%s of %s %s in %s is %s", async (measure, level, geoid, timespan, expected) => {
    const time = timespan === null ? "NULL" : literal(timespan);
    expect(
      await value(
        `SELECT OBS_GetMeasureById(${literal(geoid)}, ${literal(measure)}, ${literal(level)}, ${time})`,
      ),
    ).toBe(expected);
  });
});

describe("clipped and unclipped boundaries", () => {
  // Census Bureau, State Area Measurements (2010): total area with inland and Great Lakes waters, and the land alone.
  test.each([
    ["Michigan", "26", 250_487, 146_435],
    ["Wisconsin", "55", 169_635, 140_268],
    ["Minnesota", "27", 225_163, 206_232],
    ["Ohio", "39", 116_098, 105_829],
    ["Illinois", "17", 149_995, 143_793],
    ["Pennsylvania", "42", 119_280, 115_883],
    ["Indiana", "18", 94_326, 92_789],
  ])("%s ends in the middle of a lake, or at its shore", async (_, fips, totalKm2, landKm2) => {
    const areas = await rows(`SELECT g.id, b.km2 FROM observatory.obs_boundary b
      JOIN observatory.obs_geometry g USING (tablename) WHERE g.id ~ '^us.census.tiger.state' AND b.geomref = ${literal(fips)}`);
    const km2 = Object.fromEntries(areas.map(([id, area]) => [id, Number(area)]));
    expect(Math.abs(km2[STATE_UNCLIPPED]! / totalKm2 - 1)).toBeLessThan(0.003);
    expect(km2[STATE]).toBeGreaterThan(landKm2);
    expect(km2[STATE]).toBeLessThan(km2[STATE_UNCLIPPED]!);
  });

  test("both have the measures of the states; which is meant is the clipped, unless the other is named", async () => {
    const lakeMichigan = point(-87, 43.5);
    const population = { numer_id: "us.census.pep.population", normalization: "predenominated" };
    expect(await values(lakeMichigan, [{ ...population, geom_id: STATE_UNCLIPPED }])).toEqual([9_928_300]);
    expect(await values(lakeMichigan, [{ ...population, geom_id: STATE }])).toBeNull();
    const best = await value(
      `SELECT OBS_GetMeta(${box(-180, -85, 180, 85)}, '[{"numer_id":"us.census.pep.population","max_score_rank":9}]', 9, 9, 500)`,
    );
    expect(JSON.parse(best!).map(({ geom_id }: { geom_id: string }) => geom_id)).toEqual([
      STATE,
      "us.census.tiger.division_clipped",
      "us.census.tiger.region_clipped",
    ]);
    expect(
      await value(`SELECT OBS_GetMeasureById('26', 'us.census.pep.population', ${literal(STATE_UNCLIPPED)})`),
    ).toBe("9928300");
  });

  test("people per square kilometre are fewer where the lake counts, and as many in all", async () => {
    const lakeState = `OBS_GetBoundaryById('26', ${literal(STATE_UNCLIPPED)})`;
    const density = { numer_id: "us.census.pep.population", normalization: "area" };
    const [clipped, unclipped] = (await values(
      `ST_PointOnSurface(OBS_GetBoundaryById('26', ${literal(STATE)}))`,
      [
        { ...density, geom_id: STATE },
        { ...density, geom_id: STATE_UNCLIPPED },
      ],
    )) as number[];
    expect(unclipped! / clipped!).toBeCloseTo(151_252 / 250_257, 3);
    const [people] = (await values(lakeState, [
      { ...density, normalization: "predenominated", geom_id: STATE_UNCLIPPED },
    ])) as number[];
    expect(Math.abs(people! / 9_928_300 - 1)).toBeLessThan(1e-5);
  });
});

describe("the SQL that clients send", () => {
  const COLUMNS = `denom_aggregate text, denom_colname text, denom_description text, denom_geomref_colname text,
    denom_id text, denom_name text, denom_reltype text, denom_t_description text, denom_tablename text,
    denom_type text, geom_colname text, geom_description text, geom_geomref_colname text, geom_id text,
    geom_name text, geom_t_description text, geom_tablename text, geom_timespan text, geom_type text, id numeric,
    max_score_rank text, max_timespan_rank text, normalization text, num_geoms numeric, numer_aggregate text,
    numer_colname text, numer_description text, numer_geomref_colname text, numer_id text, numer_name text,
    numer_t_description text, numer_tablename text, numer_timespan text, numer_type text, score numeric,
    score_rank numeric, score_rownum numeric, suggested_name text, target_area text, target_geoms text,
    timespan_rank numeric, timespan_rownum numeric`;

  test("discovery finds measures by region, keyword, boundary and time", async () => {
    const found = await rows(`
      WITH envelope AS (SELECT ST_MakeEnvelope(-180.0, -85.0, 180.0, 85.0, 4326) AS env, 500::int AS cnt),
      numers AS (
        SELECT numer_id, ${literal(STATE)} AS geom_id, '2016' AS numer_timespan, 'predenominated' AS normalization
        FROM OBS_GetAvailableNumerators((SELECT env FROM envelope), '{section/tags.united_states}', null, ${literal(STATE)}, '2016')
        WHERE (numer_description ILIKE '%engineers%' OR numer_name ILIKE '%engineers%') AND valid_geom AND valid_timespan
        UNION
        SELECT numer_id, ${literal(STATE)} AS geom_id, '2016' AS numer_timespan, null AS normalization
        FROM OBS_GetAvailableNumerators((SELECT env FROM envelope), '{section/tags.united_states}', null, ${literal(STATE)}, '2016')
        WHERE (numer_description ILIKE '%engineers%' OR numer_name ILIKE '%engineers%') AND valid_geom AND valid_timespan
      )
      SELECT suggested_name, normalization FROM json_to_recordset((
        SELECT OBS_GetMeta(envelope.env, json_agg(numers), 10, 10, envelope.cnt) AS meta
        FROM numers, envelope GROUP BY env, cnt
      )) AS data(${COLUMNS}) WHERE numer_aggregate <> 'quantile' ORDER BY suggested_name, normalization`);
    expect(found).toEqual([
      ["engineers_2016", "predenominated"],
      ["engineers_2016_by_total_pop", "denominated"],
      ["engineers_share_2016", "predenominated"],
      ["engineers_share_2016", "prenormalized"],
    ]);
  });

  test("data enriches a table by geometry and by identifier", async () => {
    await engine.query(`CREATE TABLE "a ""place" AS SELECT * FROM (VALUES
      (1, '06', ${point(-119, 37)}), (2, '48', ${point(-99, 31)}), (3, NULL, ${point(-40, 0)}), (4, 'none', NULL)
    ) AS t(cartodb_id, geoid, the_geom)`);
    const meta = await value(
      `SELECT OBS_GetMeta((SELECT ST_SetSRID(ST_Extent(the_geom), 4326) FROM "a ""place"),
        ('[{"numer_id":"us.census.pep.population","normalization":"predenominated","geom_id":"${STATE}"},{"numer_id":"us.bls.engineers","geom_id":"${STATE}"}]')::json, 10, 1, 4)`,
    );
    const columns = `(data->0->>'value')::Numeric AS total_pop_2016, round((data->1->>'value')::Numeric, 6) AS engineers`;
    const byGeometry = await rows(`SELECT t.cartodb_id, ${columns} FROM OBS_GetData(
      (SELECT array_agg((the_geom, cartodb_id)::geomval) FROM "a ""place"), (SELECT ${literal(meta!)}::json)) AS m,
      "a ""place" AS t WHERE t."cartodb_id" = m.id`);
    expect(byGeometry).toEqual([
      ["1", "39250017", "0.007126"],
      ["2", "27862596", "0.004320"],
    ]);
    const byId = await rows(`SELECT t.cartodb_id, ${columns} FROM OBS_GetData(
      (SELECT array_agg(geoid) FROM "a ""place"), (SELECT ${literal(meta!)}::json)) AS m,
      "a ""place" AS t WHERE t."geoid" = m.id`);
    expect(byId).toEqual(byGeometry);
  });

  test("boundaries are listed for a region and returned for a box", async () => {
    const listed = await rows(`SELECT geom_id FROM OBS_GetAvailableGeometries(${box(-180, -85, 180, 85)})
      WHERE (geom_id ~ '^us\\.census\\..*_clipped$' OR geom_id !~ '^us\\.census\\..*') AND "geom_tags"::text ilike '%section/tags.united_states%'`);
    expect(listed).toHaveLength(6);
    const spain = await rows(
      `SELECT geom_id FROM OBS_GetAvailableGeometries(${box(-9, 36, 3, 43)}) ORDER BY 1`,
    );
    expect(spain, "Alaska's islands reach around the world, but not to Spain").toEqual([
      ["naturalearth.continent"],
      [COUNTRY],
    ]);
    const inBox = await rows(
      `SELECT the_geom, geom_refs FROM OBS_GetBoundariesByGeometry(${box(-110, 36, -108, 38)}, ${literal(STATE)}, null)`,
    );
    expect(inBox.map(([, id]) => id)).toEqual(["04", "08", "35", "49"]);
    expect(
      await rows(`SELECT * FROM OBS_GetBoundariesByGeometry(${box(0, 0, 1, 1)}, 'none', '2015')`),
    ).toEqual([]);
  });

  test("nothing to find is NULL, nothing to ask is an error", async () => {
    expect(await value(`SELECT OBS_GetMeta(${box(0, 0, 1, 1)}, '[{"numer_id":"none"}]')`)).toBeNull();
    await expect(rows(`SELECT OBS_GetMeta(${box(0, 0, 1, 1)}, '[{"denom_id":"none"}]')`)).rejects.toThrow(
      "Must pass either numer_id or geom_id to every key in GetMeta",
    );
    expect(await rows("SELECT * FROM OBS_GetData(ARRAY[]::geomval[], '[]')")).toEqual([]);
    expect(await rows("SELECT * FROM OBS_GetData(ARRAY[]::text[], '[]')")).toEqual([]);
  });

  test("more levels of one measure come with max_score_rank, the best first", async () => {
    const meta = async (rank: number | null) => {
      const asked = JSON.stringify([{ numer_id: "geonames.cities", max_score_rank: rank }]);
      return JSON.parse(
        (await value(`SELECT OBS_GetMeta(${box(-125, 25, -67, 49)}, ${literal(asked)}, 10, 10, 50)`))!,
      );
    };
    const best = await meta(null);
    expect(best.map(({ geom_id }: { geom_id: string }) => geom_id)).toEqual([STATE]);
    const three = await meta(3);
    expect(three.map(({ score_rank }: { score_rank: number }) => score_rank)).toEqual([1, 2, 3]);
    expect(three[0].score).toBeGreaterThan(three[1].score);
  });

  test("validation says what cannot be summed over polygons", async () => {
    const checked = async (kind: string, normalization: string) =>
      (
        await rows(`SELECT * FROM OBS_MetadataValidation(${box(-125, 25, -67, 49)}, ${literal(kind)},
        '[{"numer_id":"us.bls.unemployment_rate","normalization":"${normalization}"}]', 500)`)
      )[0];
    expect(await checked("ST_Polygon", "prenormalized")).toEqual(["t", "{}"]);
    expect(await checked("ST_Point", "area")).toEqual(["t", "{}"]);
    expect((await checked("ST_MultiPolygon", "area"))![0]).toBe("f");
  });
});

describe("numbers", () => {
  const population = {
    numer_id: "us.census.pep.population",
    geom_id: STATE,
    normalization: "predenominated",
  };

  test("people are neither lost nor doubled when the country is cut again", async () => {
    const total = Number(
      await value(`SELECT sum((d.data->0->>'value')::float8) FROM OBS_GetData(
      (SELECT array_agg(b.geom_refs) FROM OBS_GetBoundariesByGeometry(${box(-180, -90, 180, 90)}, ${literal(STATE)}) b),
      OBS_GetMeta(NULL, ${literal(JSON.stringify([population]))})) d`),
    );
    expect(total, "the sum of the file, with Puerto Rico").toBe(326_538_820);
    const grid = `SELECT array_agg((ST_MakeEnvelope(x * 7.3 - 180, y * 5.1 - 15, least(x * 7.3 - 172.7, 180), y * 5.1 - 9.9, 4326), x * 100 + y)::geomval)
      FROM generate_series(0, 49) x, generate_series(0, 17) y`;
    const cut = Number(
      await value(`SELECT sum((d.data->0->>'value')::float8) FROM OBS_GetData((${grid}),
      OBS_GetMeta(NULL, ${literal(JSON.stringify([population]))})) d`),
    );
    expect(Math.abs(cut / total - 1)).toBeLessThan(1e-6);
  });

  test("a slanted cut conserves, too", async () => {
    const colorado = `OBS_GetBoundaryById('08', ${literal(STATE)})`;
    const triangle = "ST_GeomFromText('POLYGON((-120 30, -95 30, -95 45, -120 30))', 4326)";
    const [whole, one, other] = await Promise.all([
      values(colorado, [population]),
      values(`ST_Intersection(${colorado}, ${triangle})`, [population]),
      values(`ST_Difference(${colorado}, ${triangle})`, [population]),
    ]);
    const sum = Number(one![0]) + Number(other![0]);
    expect(Number(one![0])).toBeGreaterThan(1e5);
    expect(Math.abs(sum / 5_540_545 - 1)).toBeLessThan(1e-5);
    expect(Math.abs(Number(whole![0]) / 5_540_545 - 1)).toBeLessThan(1e-4); // and a bit of its neighbours' edges
  });

  test("rates are weighted by what they are rates of, densities by the user's own area", async () => {
    const two = `(SELECT ST_Union(the_geom) FROM OBS_GetBoundariesByGeometry(${box(-109, 33, -105, 39)}, ${literal(STATE)}) WHERE geom_refs IN ('08', '35'))`;
    const [share, density, bare] = (await values(two, [
      { numer_id: "us.bls.engineers_share", geom_id: STATE, normalization: "prenormalized" },
      { numer_id: "us.census.pep.population", geom_id: STATE, normalization: "area" },
      { numer_id: "us.bls.engineers_share", geom_id: STATE, normalization: "area" },
    ])) as number[];
    const [colorado, newMexico] = [5_540_545, 2_081_015];
    expect(share).toBeCloseTo((0.008087652 * colorado + 0.001883696 * newMexico) / (colorado + newMexico), 5);
    expect(
      Math.abs(density! / ((colorado + newMexico) / (269_601 + 314_917)) - 1),
      "published total areas",
    ).toBeLessThan(0.01);
    expect(bare).not.toBeNull();
  });

  test("a measure that has no weights over polygons is NULL, with a notice", async () => {
    const meta = [{ numer_id: "us.bls.engineers_share", geom_id: STATE, normalization: "something" }];
    const { statements, notices } = await engine.query(`SELECT d.data->0->>'value' FROM OBS_GetData(
      ARRAY[(${box(-109, 33, -105, 39)}, 1)::geomval], OBS_GetMeta(NULL, ${literal(JSON.stringify(meta))})) d`);
    expect(statements[0]!.rows).toEqual([[null]]);
    expect(notices.join()).toContain(
      "Cannot perform calculation over polygon for us.bls.engineers_share/us.census.pep.population/",
    );
  });

  test.each([
    ["a hole", COUNTRY, "ZAF"],
    ["islands", COUNTRY, "IDN"],
    ["islands on both sides of the antimeridian", COUNTRY, "FJI"],
    ["the antimeridian", COUNTRY, "RUS"],
    ["the pole", COUNTRY, "ATA"],
    ["Alaska", STATE, "02"],
    ["a county", COUNTY, "06037"],
    ["a small one", COUNTY, "36061"],
  ])("areas of %s (%s %s) are geodesic", async (_, level, id) => {
    const json = await value(
      `SELECT ST_AsGeoJSON(OBS_GetBoundaryById(${literal(id)}, ${literal(level)}), 12)`,
    );
    const { coordinates } = JSON.parse(json!) as MultiPolygon;
    let areaM2 = 0;
    for (const rings of coordinates) {
      for (const [at, ring] of rings.entries()) {
        const polygon = Geodesic.WGS84.Polygon(false);
        for (const [lng, lat] of ring.slice(1)) polygon.AddPoint(lat!, lng!);
        areaM2 += (at === 0 ? 1 : -1) * Math.abs(polygon.Compute(false, true).area!);
      }
    }
    const own =
      await value(`SELECT b.km2 FROM observatory.obs_boundary b JOIN observatory.obs_geometry g USING (tablename)
      WHERE g.id = ${literal(level)} AND b.geomref = ${literal(id)}`);
    expect(Math.abs(Number(own) / (areaM2 / 1e6) - 1)).toBeLessThan(0.001);
  });

  test.each([
    ["in the hole: Lesotho, not South Africa", point(28.2, -29.5), "LSO"],
    ["beyond the antimeridian, as it is", point(-179.5, 66.5), "RUS"],
    ["beyond the antimeridian, counted on", point(180.5, 66.5), "RUS"],
    ["counted on to the west", point(-181.5, 66.5), "RUS"],
    ["in Web Mercator", `ST_Transform(${point(2.35, 48.85)}, 3857)`, "FRA"],
    ["in the sea", point(-40, 0), null],
  ])("a point %s", async (_, geometry, expected) => {
    expect(await value(`SELECT OBS_GetBoundaryId(${geometry}, ${literal(COUNTRY)})`)).toBe(expected);
  });

  test("a box across the antimeridian holds all of Fiji", async () => {
    const people = {
      numer_id: "world.gapminder.population",
      geom_id: COUNTRY,
      numer_timespan: "2015",
      normalization: "predenominated",
    };
    const [fiji] = (await values(box(174, -22, 182.5, -12), [people])) as number[];
    expect(fiji).toBeCloseTo(892_145, -1);
  });

  test("without a geometry, in the sea and invalid: no row, no row, mended", async () => {
    const bowtie = "ST_GeomFromText('POLYGON((-100 35, -98 37, -98 35, -100 37, -100 35))', 4326)";
    const found = await rows(`SELECT id, (data->0->>'value')::float8 > 1000 FROM OBS_GetData(
      ARRAY[(NULL, 1)::geomval, (${box(-40, 0, -39, 1)}, 2)::geomval, (${bowtie}, 3)::geomval, (ST_GeomFromText('POLYGON EMPTY', 4326), 4)::geomval],
      OBS_GetMeta(NULL, ${literal(JSON.stringify([population]))}))`);
    expect(found).toEqual([["3", "t"]]);
  });

  test("who has one level only keeps the values of it", async () => {
    const asked = [
      { numer_id: "us.census.pep.population", geom_id: STATE, normalization: "predenominated" },
      { numer_id: "world.gapminder.income", geom_id: COUNTRY },
    ];
    const found = await value(`SELECT d.data FROM OBS_GetData(ARRAY[(${point(2.35, 48.85)}, 1)::geomval],
      OBS_GetMeta(NULL, ${literal(JSON.stringify(asked))})) d`);
    expect(JSON.parse(found!)).toEqual([{ value: null }, { value: 37599 }]);
  });

  test("texts are looked up; of several areas the most frequent counts", async () => {
    const asked = [{ numer_id: "countries_list.continent" }];
    expect(await values(point(2.35, 48.85), asked)).toEqual(["Europe"]);
    expect(await values(box(-10, 36, 30, 55), asked)).toEqual(["Europe"]);
  });

  test("the functions for single places", async () => {
    const newYork = point(-73.95, 40.7);
    expect(
      await rows(`SELECT OBS_GetMeasure(${newYork}, 'us.bls.unemployment_rate'), OBS_GetCategory(${newYork}, 'countries_list.capital'),
        OBS_GetBoundaryId(${newYork}, ${literal(COUNTY)}), OBS_GetUSCensusMeasure(${newYork}, 'unemployment rate')`),
    ).toEqual([["0.11", "Washington D.C.", "36047", "0.11"]]);
    expect(
      Number(await value(`SELECT OBS_GetPopulation(${box(-180, -85, 180, 85)})`)),
      "of the world, of 187 countries",
    ).toBeGreaterThan(7e9);
    await expect(value(`SELECT OBS_GetBoundary(${box(0, 0, 1, 1)}, ${literal(COUNTRY)})`)).rejects.toThrow(
      "Invalid geometry type (ST_Polygon), expecting 'ST_Point'",
    );
    await expect(value(`SELECT OBS_GetUSCensusMeasure(${newYork}, 'shoe size')`)).rejects.toThrow(
      'There is no measure named "shoe size"',
    );
    expect(await rows(`SELECT count(*) > 10 FROM OBS_GetDemographicSnapshot(${newYork})`)).toEqual([["t"]]);
    expect(await value(`SELECT OBS_GetSegmentSnapshot(${newYork})`)).toContain("Kings");
  });
});

describe("publishing", () => {
  const publish = async (table: string, publication: object) =>
    engine.query(`SELECT OBS_Publish(${literal(ident(table))}, ${literal(JSON.stringify(publication))})`);
  const quarters = {
    dataset: "my-quarters",
    name: "Quarters",
    source: "own survey",
    license: "CC0",
    timespan: "2024",
    sections: { "tags.spain": "Spain" },
    boundary: {
      id: "es.test.quarter",
      name: "Quarters",
      id_column: "code",
      name_column: 'na"me',
      geometry_column: "the_geom",
    },
    measures: [
      { column: "people", name: "People", aggregate: "sum", unit: "people" },
      {
        column: "rent",
        id: "es.test.rent",
        name: "Rent",
        aggregate: "average",
        universe: "people",
        unit: "€",
      },
      { column: "owners", name: "Owners", aggregate: "sum", denominator: "people" },
      { column: "mood", name: "Mood", aggregate: "mode" },
    ],
  };

  beforeAll(async () => {
    await engine.query(`CREATE TABLE "my quarters" (code int, "na""me" text, the_geom geometry, people int, rent numeric, owners int, mood text);
      INSERT INTO "my quarters" VALUES (1, 'West', ${box(-4, 40, -3.5, 41)}, 1000, 10, 500, 'good'),
        (2, 'East', ${box(-3.5, 40, -3, 41)}, 3000, 20, NULL, 'good'), (3, 'Nowhere', NULL, 5, 5, 5, 'bad')`);
  });

  test("a table becomes a level with measures that are found and used like all others", async () => {
    const { warnings, notices } = await publish("my quarters", quarters);
    expect([...warnings, ...notices].join()).toContain("1 rows of");
    expect(
      await rows(
        "SELECT id, boundaries, measures, timespans, license FROM OBS_Datasets() WHERE id = 'my-quarters'",
      ),
    ).toEqual([["my-quarters", "1", "5", "2024", "CC0"]]);
    const found = await rows(
      `SELECT numer_id FROM OBS_GetAvailableNumerators(${box(-4, 40, -3, 41)}, '{section/tags.spain}', null, 'es.test.quarter') WHERE valid_geom`,
    );
    expect(found.map(([id]) => id)).toEqual([
      "es.test.quarter_geoname",
      "es.test.rent",
      "my-quarters.mood",
      "my-quarters.owners",
      "my-quarters.people",
    ]);
    const halves = box(-3.75, 40, -3.25, 41);
    expect(
      await values(halves, [
        { numer_id: "my-quarters.people", normalization: "predenominated" },
        { numer_id: "es.test.rent" },
        { numer_id: "es.test.rent", normalization: "prenormalized" },
        { numer_id: "my-quarters.owners" },
        { numer_id: "my-quarters.mood" },
      ]),
    ).toEqual([
      expect.closeTo(2000, 6),
      expect.closeTo(17.5, 6),
      expect.closeTo(17.5, 6),
      expect.closeTo(0.5, 6),
      "good",
    ]);
  });

  test("published again it is replaced, not doubled", async () => {
    await publish("my quarters", { ...quarters, measures: quarters.measures.slice(0, 1) });
    expect(await rows("SELECT boundaries, measures FROM OBS_Datasets() WHERE id = 'my-quarters'")).toEqual([
      ["1", "2"],
    ]);
    const tables =
      await rows(`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'observatory'::regnamespace AND relname ~ '^obs_[0-9a-f]{40}$'
      AND NOT EXISTS (SELECT FROM observatory.obs_table t WHERE t.tablename = c.relname)`);
    expect(tables).toEqual([]);
  });

  test("measures may be of a level that is there", async () => {
    await engine.query(
      "CREATE TABLE seats AS SELECT * FROM (VALUES ('06', 53), ('48', 36), ('99', 1)) t(fips, seats)",
    );
    const { warnings, notices } = await publish("seats", {
      dataset: "congress",
      timespan: "2011 - 2020",
      boundary: { id: STATE, id_column: "fips" },
      measures: [{ column: "seats", aggregate: "sum" }],
    });
    expect([...warnings, ...notices].join()).toContain("1 rows of");
    expect(
      await values(point(-119, 37), [{ numer_id: "congress.seats", normalization: "predenominated" }]),
    ).toEqual([53]);
    await expect(rows("SELECT OBS_Unpublish('us-boundaries')")).rejects.toThrow(
      /has the boundaries of other datasets: .*congress/,
    );
    await rows("SELECT OBS_Unpublish('congress')");
    expect(await rows("SELECT * FROM OBS_Search('seats')")).toEqual([]);
  });

  test("a level may be another drawing of the areas of one that is there", async () => {
    await engine.query(
      `CREATE TABLE drawing AS SELECT * FROM (VALUES ('1', ${box(-4, 39, -3.5, 41)}), ('9', ${box(0, 0, 1, 1)})) t(code, the_geom)`,
    );
    const boundary = { id: "es.test.coarse", id_column: "code", geometry_column: "the_geom" };
    const publication = { dataset: "coarse-quarters", timespan: "2020", measures: [] };
    const { warnings, notices } = await publish("drawing", {
      ...publication,
      boundary: { ...boundary, same_areas_as: "es.test.quarter" },
    });
    expect([...warnings, ...notices].join()).toContain(
      '1 areas of drawing are not among those of "es.test.quarter", for example "9"',
    );
    const people = { numer_id: "my-quarters.people", normalization: "predenominated" };
    const south = point(-3.8, 39.5);
    expect(await values(south, [{ ...people, geom_id: "es.test.coarse" }])).toEqual([1000]);
    expect(await values(south, [{ ...people, geom_id: "es.test.quarter" }])).toBeNull();
    await expect(rows("SELECT OBS_Unpublish('my-quarters')")).rejects.toThrow("coarse-quarters");
    for (const base of ["es.test.coarse", "none"]) {
      await expect(
        publish("drawing", { ...publication, boundary: { ...boundary, same_areas_as: base } }),
      ).rejects.toThrow(`There is no boundary level "${base}" whose areas "es.test.coarse" could have`);
    }
    await rows("SELECT OBS_Unpublish('coarse-quarters')");
  });

  test.each([
    [{ dataset: "My Quarters" }, '"dataset" is missing or no plain name'],
    [{ timespan: "" }, '"timespan" is missing'],
    [{ boundary: { id: "x" } }, '"boundary.id_column" is missing'],
    [
      { boundary: { id: "x", id_column: "mood" } },
      'Column "mood" does not identify the areas: 1 of its values are there more than once or missing, for example "good"',
    ],
    [{ boundary: { id: "x", id_column: "none" } }, 'has no column "none"'],
    [{ boundary: { id: "x.y", id_column: "code" } }, 'There is no boundary level "x.y"'],
    [{ measures: [{ column: "mood", aggregate: "sum" }] }, 'Column "mood" is text, which has no sum'],
    [
      { measures: [{ column: "rent", aggregate: "total" }] },
      'Aggregate "total" of measure "my-quarters.rent" is not known',
    ],
    [
      { measures: [{ column: "rent", aggregate: "sum", denominator: "nobody" }] },
      'The denominator "nobody" of measure "my-quarters.rent" is no number that is published',
    ],
    [
      { measures: [{ column: "rent", id: "us.noaa.hurricanes" }] },
      '"us.noaa.hurricanes" belongs to dataset "us-states"',
    ],
  ])("%j is refused, and leaves what was there", async (change, message) => {
    const before = await rows("SELECT * FROM OBS_Datasets()");
    await expect(publish("my quarters", { ...quarters, ...change })).rejects.toThrow(message);
    expect(await rows("SELECT * FROM OBS_Datasets()")).toEqual(before);
  });

  test("removed, it leaves nothing", async () => {
    await rows("SELECT OBS_Unpublish('my-quarters')");
    for (const table of ["obs_dataset", "obs_column", "obs_table", "obs_column_table"]) {
      expect(
        await value(`SELECT count(*) FROM observatory.${table} t WHERE t::text ~ 'quarter'`),
        table,
      ).toBe("0");
    }
    await expect(rows("SELECT OBS_Unpublish('my-quarters')")).rejects.toThrow(
      'There is no dataset "my-quarters"',
    );
  });
});

test("the functions of another version are renewed, and the data stay", async () => {
  const before = await rows("SELECT * FROM OBS_Datasets()");
  await engine.query("COMMENT ON SCHEMA cdb_observatory IS 'Data Observatory of cartoframes, older'");
  const { warnings } = await withObservatory(db.get()).query("SELECT OBS_DumpVersion()");
  expect(warnings).toEqual([expect.stringMatching(/^Renewed the Data Observatory/)]);
  expect(await rows("SELECT * FROM OBS_Datasets()")).toEqual(before);
});
