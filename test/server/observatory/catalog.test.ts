import { describe, expect, test } from "vitest";
import { mentionsObservatory, withObservatory } from "../../../src/server/observatory/install";
import { literal } from "../../../src/sql";
import {
  announced,
  box,
  COUNTRY,
  COUNTY,
  db,
  engine,
  point,
  rows,
  STATE,
  STATE_UNCLIPPED,
  useObservatory,
  value,
  values,
} from "./setup";

useObservatory();

test("is installed once, by the first statement that needs it, with a notice", async () => {
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

test("cannot be read with other keys", async () => {
  await expect(engine.query("SELECT * FROM observatory.obs_column", { role: "public" })).rejects.toThrow(
    /permission denied/,
  );
});

describe("the starter catalog", () => {
  test("every measure has a description, timespan, source and licence", async () => {
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
  test("precomputed properties of boundaries equal computed ones", async () => {
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

  test("sections of cities are not counted twice: Manhattan is the densest county", async () => {
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

  test("has levels from counties to continents, and timespans from 1851 to 2018", async () => {
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
  ])("%s ends in the middle of a lake or at its shore", async (_, fips, totalKm2, landKm2) => {
    const areas = await rows(`SELECT g.id, b.km2 FROM observatory.obs_boundary b
      JOIN observatory.obs_geometry g USING (tablename) WHERE g.id ~ '^us.census.tiger.state' AND b.geomref = ${literal(fips)}`);
    const km2 = Object.fromEntries(areas.map(([id, area]) => [id, Number(area)]));
    expect(Math.abs(km2[STATE_UNCLIPPED]! / totalKm2 - 1)).toBeLessThan(0.003);
    expect(km2[STATE]).toBeGreaterThan(landKm2);
    expect(km2[STATE]).toBeLessThan(km2[STATE_UNCLIPPED]!);
  });

  test("both have the measures of the states; the clipped level is the default", async () => {
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

  test("density is lower if the lake counts; the totals are equal", async () => {
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

  test("no match is NULL, no measure is an error", async () => {
    expect(await value(`SELECT OBS_GetMeta(${box(0, 0, 1, 1)}, '[{"numer_id":"none"}]')`)).toBeNull();
    await expect(rows(`SELECT OBS_GetMeta(${box(0, 0, 1, 1)}, '[{"denom_id":"none"}]')`)).rejects.toThrow(
      "Must pass either numer_id or geom_id to every key in GetMeta",
    );
    expect(await rows("SELECT * FROM OBS_GetData(ARRAY[]::geomval[], '[]')")).toEqual([]);
    expect(await rows("SELECT * FROM OBS_GetData(ARRAY[]::text[], '[]')")).toEqual([]);
  });

  test("max_score_rank returns several levels of a measure, the best first", async () => {
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

  test("validation reports measures that cannot be summed over polygons", async () => {
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
