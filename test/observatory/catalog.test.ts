import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import type { CartoContext } from "../../src/context/carto-context";
import { InvalidArgumentError, TableNotFoundError } from "../../src/errors";
import { Layer } from "../../src/map";
import { READABLE_COLUMNS } from "../../src/observatory/metadata";
import { regionNamed } from "../../src/observatory/regions";
import {
  COUNTY,
  cc,
  column,
  distinct,
  log,
  rowsOf,
  STATE,
  server,
  UNCLIPPED,
  unnumbered,
  useObservatory,
  warnings,
} from "./setup";

useObservatory();

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
    expect(found.columns).toEqual(READABLE_COLUMNS);
    expect(found.columns.slice(0, 6)).toEqual([
      "numer_name",
      "numer_description",
      "geom_name",
      "numer_timespan",
      "suggested_name",
      "numer_aggregate",
    ]);
    expect(found.columns.at(-1)).toBe("denom_type");
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
  ])("accepts %s for %s, in any letter case", (tag, spellings) => {
    for (const spelling of spellings.split(", ")) {
      for (const written of [
        spelling,
        spelling.toUpperCase(),
        ` ${spelling[0]!.toUpperCase()}${spelling.slice(1)}`,
      ])
        expect(regionNamed(written)?.tag, written).toBe(tag);
    }
  });

  test("lists each measure predenominated and with its default normalization, in a fixed order", async () => {
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

  test("a table and a bounding box select the best level", async () => {
    const table = await cc.dataDiscovery("places", { keywords: "people in cities" });
    expect(table.shape[0]).toBeGreaterThan(0);
    const box = await cc.dataDiscovery([-74.5, 40.4, -73.5, 41], { keywords: "unemployment" });
    expect(distinct(box, "geom_id")).toEqual([COUNTY]);
    const fiji = await cc.dataDiscovery([176, -20, 184, -15], { boundaries: "naturalearth.country" });
    expect(fiji.shape[0]).toBeGreaterThan(0);
  });

  test("without a match, says which filters to relax", async () => {
    const none = await cc.dataDiscovery("Spain", { keywords: "zzz", time: "1800", boundaries: STATE });
    expect(none.shape[0]).toBe(0);
    expect([...none.columns].sort()).toEqual([...READABLE_COLUMNS].sort());
    expect(warnings).toEqual([
      "The Data Observatory has no matching measure for Spain. Try other keywords, or leaving out `time`, or leaving out `boundaries` (await cc.dataBoundaries({ region }) lists the available ones), or a box instead of the region's name.",
    ]);
  });

  test.each<[unknown, object | undefined, RegExp]>([
    [
      "Sapin",
      {},
      /^No region or table is named "Sapin"\. Did you mean "Spain"\? Available regions: "Australia", /,
    ],
    ["x'; DROP TABLE places --", {}, /^No region or table is named/],
    ["empty", {}, /Table "empty" has no geometries/],
    [[1, 2, 3], {}, /must be four numbers.*\[west, south, east, north\]/],
    [["1", "2", "3", "4"], {}, /must be four numbers/],
    [[1, Number.NaN, 3, 4], {}, /must be four numbers/],
    [[10, 45, 5, 47], {}, /^west must be less than east.* got 10 and 5\..*beyond 180/],
    [[5, 47, 10, 45], {}, /^south must be less than north.* got 47 and 45\./],
    [undefined, {}, /`region` is missing/],
    [42, {}, /`region` must be the name/],
    ["", {}, /`region` must be the name/],
    ["USA", { keyword: "x" }, /dataDiscovery has no option "keyword"\. Did you mean "keywords"\?/],
    ["USA", { keywords: [] }, /`keywords` must be .* empty/],
    ["USA", { time: 2016 }, /`time` must be a string/],
    ["USA", { boundaries: [1] }, /`boundaries` must be a string/],
    ["USA", { regex: "(" }, /`regex` "\(" is invalid: invalid regular expression/],
    ["USA", { regex: /x/ }, /`regex` must be a string/],
    ["USA", { includeQuantiles: "yes" }, /`includeQuantiles` must be true or false/],
  ])("rejects %j with %j", async (region, options, message) => {
    const refused = cc.dataDiscovery(region as string, options as object);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });
});

describe("dataBoundaries", () => {
  test("lists levels everywhere and in a region", async () => {
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

  test("lists unclipped Census levels on request", async () => {
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

  test("returns the geometries of a level for a box, points and polygons, to write and map", async () => {
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

  test("returns an empty frame without a match", async () => {
    const none = await cc.dataBoundaries({ boundary: COUNTY, region: [2, 47, 3, 48] });
    expect(none.shape[0]).toBe(0);
    expect(warnings).toEqual([
      `The Data Observatory has no boundaries of ${COUNTY} in this region. Try a larger region.`,
    ]);
  });

  test.each<[object, RegExp]>([
    [
      { boundary: "us.census.tiger.county" },
      /No boundary level is named "us\.census\.tiger\.county"\. Did you mean "us\.census\.tiger\.county_clipped"/,
    ],
    [{ region: "Atlantis" }, /No region or table is named "Atlantis"/],
    [{ region: [1, 2] }, /must be four numbers/],
    [{ region: 5 }, /`region` must be/],
    [{ decodeGeom: true }, /Pass `boundary` as well/],
    [{ boundary: STATE, includeNonClipped: true }, /Did you mean "includeNonclipped"/],
    [{ boundary: 7 }, /`boundary` must be a non-empty string/],
  ])("rejects %j", async (options, message) => {
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

  test("publishes, finds, uses, describes and removes a frame", async () => {
    const tables = async () => column(await cc.tables(), "name");
    const before = await tables();
    expect(await cc.observatory.publish(quarters(), publication)).toEqual({
      dataset: "my-quarters",
      boundary: "es.mine.quarter",
      timespan: "2024",
      measures: 2,
      outside: 0,
    });
    expect(log).toEqual(['Published 2 measures of es.mine.quarter for 2024 as dataset "my-quarters".']);
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
    await expect(cc.observatory.remove("my-quarters")).rejects.toThrow(/No dataset is named "my-quarters"\./);
  });

  test("publishes a table with measures of existing states", async () => {
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
    [{ name: undefined }, /publish needs `name`/],
    [{ timespan: undefined }, /publish needs `timespan`/],
    [{ timespan: 2024 }, /`timespan` of publish must be a non-empty string/],
    [{ titel: "x" }, /publish has no option "titel"/],
    [{ boundary: undefined }, /publish needs `boundary`/],
    [
      { boundary: { id: "x", idColum: "Code" } },
      /boundary has no option "idColum"\. Did you mean "idColumn"/,
    ],
    [{ boundary: { id: "x", idColumn: "code" } }, /The frame has no column "code"\. Did you mean "Code"/],
    [{ region: "Atlantis" }, /No region is named "Atlantis"/],
    [{ measures: "people" }, /`measures` must be a list/],
    [{ measures: [{ column: "peeple" }] }, /no column "peeple"\. Did you mean "people"/],
    [{ measures: [{ column: "people", agregate: "sum" }] }, /A measure has no option "agregate"/],
    [{ geometry: undefined, measures: [] }, /Nothing to publish/],
    [{ name: "日本" }, /Pass `dataset`/],
  ])("rejects %j", async (change, message) => {
    const refused = cc.observatory.publish(quarters(), { ...publication, ...change } as typeof publication);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
  });

  test("rejects invalid identifiers, and replaces a dataset that is published again", async () => {
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

  test("concurrent publications of the same dataset publish it once", async () => {
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

  test("a column can be two measures; zero and missing denominators give no rate", async () => {
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

  test("repairs polygons; leaves out and counts other geometry", async () => {
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

  test("a cancelled publication leaves nothing", async () => {
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

  test("database errors do not show internal names", async () => {
    const twice = new DataFrame({ Code: ["a", "a"], people: [1, 2], shape: [square(0, 0), square(2, 0)] });
    const options = {
      ...publication,
      boundary: { id: "x.y", idColumn: "Code" },
      measures: [{ column: "people" }],
    };
    await expect(cc.observatory.publish(twice, options)).rejects.toThrow(
      /^Column "code" does not identify the areas: 1 of its values occur more than once/,
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
      "Cannot publish: rowless has no rows",
    );
    const points = new DataFrame({ Code: ["a"], people: [1], shape: ["POINT(0 0)"] });
    await expect(cc.observatory.publish(points, options)).rejects.toThrow("has no polygons");
    const same = { ...options, measures: [{ column: "people" }, { column: "people" }] };
    await expect(cc.observatory.publish(quarters(), same)).rejects.toThrow(
      'Two measures have the id "my-quarters.people"',
    );
    await expect(cc.observatory.info("us-stat")).rejects.toThrow(
      /No dataset is named "us-stat"\. Did you mean "us-states"/,
    );
  });
});
