import { Geodesic } from "geographiclib-geodesic";
import type { MultiPolygon } from "geojson";
import { beforeAll, describe, expect, test } from "vitest";
import { withObservatory } from "../../../src/server/observatory/install";
import { ident, literal } from "../../../src/sql";
import { box, COUNTRY, COUNTY, db, engine, point, rows, STATE, useObservatory, value, values } from "./setup";

useObservatory();

describe("numbers", () => {
  const population = {
    numer_id: "us.census.pep.population",
    geom_id: STATE,
    normalization: "predenominated",
  };

  test("a partition of the country conserves the population", async () => {
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

  test("a slanted partition conserves it, too", async () => {
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

  test("rates are weighted by their denominators, densities by the user's area", async () => {
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

  test("a measure without weights is NULL over polygons, with a notice", async () => {
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

  test("a box across the antimeridian contains all of Fiji", async () => {
    const people = {
      numer_id: "world.gapminder.population",
      geom_id: COUNTRY,
      numer_timespan: "2015",
      normalization: "predenominated",
    };
    const [fiji] = (await values(box(174, -22, 182.5, -12), [people])) as number[];
    expect(fiji).toBeCloseTo(892_145, -1);
  });

  test("no geometry and the sea give no row; invalid geometry is repaired", async () => {
    const bowtie = "ST_GeomFromText('POLYGON((-100 35, -98 37, -98 35, -100 37, -100 35))', 4326)";
    const found = await rows(`SELECT id, (data->0->>'value')::float8 > 1000 FROM OBS_GetData(
      ARRAY[(NULL, 1)::geomval, (${box(-40, 0, -39, 1)}, 2)::geomval, (${bowtie}, 3)::geomval, (ST_GeomFromText('POLYGON EMPTY', 4326), 4)::geomval],
      OBS_GetMeta(NULL, ${literal(JSON.stringify([population]))}))`);
    expect(found).toEqual([["3", "t"]]);
  });

  test("a row of one level keeps its values", async () => {
    const asked = [
      { numer_id: "us.census.pep.population", geom_id: STATE, normalization: "predenominated" },
      { numer_id: "world.gapminder.income", geom_id: COUNTRY },
    ];
    const found = await value(`SELECT d.data FROM OBS_GetData(ARRAY[(${point(2.35, 48.85)}, 1)::geomval],
      OBS_GetMeta(NULL, ${literal(JSON.stringify(asked))})) d`);
    expect(JSON.parse(found!)).toEqual([{ value: null }, { value: 37599 }]);
  });

  test("text is looked up; over several areas the most frequent value is used", async () => {
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
      'No measure is named "shoe size"',
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

  test("a table becomes a level with measures that can be found and used like others", async () => {
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

  test("publishing again replaces it", async () => {
    await publish("my quarters", { ...quarters, measures: quarters.measures.slice(0, 1) });
    expect(await rows("SELECT boundaries, measures FROM OBS_Datasets() WHERE id = 'my-quarters'")).toEqual([
      ["1", "2"],
    ]);
    const tables =
      await rows(`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'observatory'::regnamespace AND relname ~ '^obs_[0-9a-f]{40}$'
      AND NOT EXISTS (SELECT FROM observatory.obs_table t WHERE t.tablename = c.relname)`);
    expect(tables).toEqual([]);
  });

  test("measures can use an existing level", async () => {
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
      /^Other datasets have measures of the boundaries of .*congress/,
    );
    await rows("SELECT OBS_Unpublish('congress')");
    expect(await rows("SELECT * FROM OBS_Search('seats')")).toEqual([]);
  });

  test("a level can be another drawing of the areas of an existing one", async () => {
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
      '1 areas of drawing are not areas of "es.test.quarter", for example "9"',
    );
    const people = { numer_id: "my-quarters.people", normalization: "predenominated" };
    const south = point(-3.8, 39.5);
    expect(await values(south, [{ ...people, geom_id: "es.test.coarse" }])).toEqual([1000]);
    expect(await values(south, [{ ...people, geom_id: "es.test.quarter" }])).toBeNull();
    await expect(rows("SELECT OBS_Unpublish('my-quarters')")).rejects.toThrow("coarse-quarters");
    for (const base of ["es.test.coarse", "none"]) {
      await expect(
        publish("drawing", { ...publication, boundary: { ...boundary, same_areas_as: base } }),
      ).rejects.toThrow(`No boundary level "${base}" exists whose areas "es.test.coarse" could share`);
    }
    await rows("SELECT OBS_Unpublish('coarse-quarters')");
  });

  test.each([
    [{ dataset: "My Quarters" }, '"dataset" is missing or is not a valid id'],
    [{ timespan: "" }, '"timespan" is missing'],
    [{ boundary: { id: "x" } }, '"boundary.id_column" is missing'],
    [
      { boundary: { id: "x", id_column: "mood" } },
      'Column "mood" does not identify the areas: 1 of its values occur more than once or are missing, for example "good"',
    ],
    [{ boundary: { id: "x", id_column: "none" } }, 'has no column "none"'],
    [{ boundary: { id: "x.y", id_column: "code" } }, 'No boundary level is named "x.y"'],
    [{ measures: [{ column: "mood", aggregate: "sum" }] }, 'Column "mood" is text, which has no sum'],
    [
      { measures: [{ column: "rent", aggregate: "total" }] },
      'Aggregate "total" of measure "my-quarters.rent" is unknown',
    ],
    [
      { measures: [{ column: "rent", aggregate: "sum", denominator: "nobody" }] },
      'The denominator "nobody" of measure "my-quarters.rent" is not a published number',
    ],
    [
      { measures: [{ column: "rent", id: "us.noaa.hurricanes" }] },
      '"us.noaa.hurricanes" belongs to dataset "us-states"',
    ],
  ])("rejects %j, and changes nothing", async (change, message) => {
    const before = await rows("SELECT * FROM OBS_Datasets()");
    await expect(publish("my quarters", { ...quarters, ...change })).rejects.toThrow(message);
    expect(await rows("SELECT * FROM OBS_Datasets()")).toEqual(before);
  });

  test("removing leaves nothing", async () => {
    await rows("SELECT OBS_Unpublish('my-quarters')");
    for (const table of ["obs_dataset", "obs_column", "obs_table", "obs_column_table"]) {
      expect(
        await value(`SELECT count(*) FROM observatory.${table} t WHERE t::text ~ 'quarter'`),
        table,
      ).toBe("0");
    }
    await expect(rows("SELECT OBS_Unpublish('my-quarters')")).rejects.toThrow(
      'No dataset is named "my-quarters"',
    );
  });
});

test("functions of another version are replaced, and the data are kept", async () => {
  const before = await rows("SELECT * FROM OBS_Datasets()");
  await engine.query("COMMENT ON SCHEMA cdb_observatory IS 'Data Observatory of cartoframes, older'");
  const { warnings } = await withObservatory(db.get()).query("SELECT OBS_DumpVersion()");
  expect(warnings).toEqual([expect.stringMatching(/^Updated the Data Observatory/)]);
  expect(await rows("SELECT * FROM OBS_Datasets()")).toEqual(before);
});
