/**
 * Dataviews of maps, over plain HTTP. The requests and answers up to `of our own` are those of the tests of CARTO's Windshaft
 * (https://github.com/CartoDB/Windshaft-cartodb, `test/acceptance/dataviews`, BSD-3-Clause).
 */
import { beforeAll, describe, expect, test } from "vitest";
import {
  AggregationResult,
  DateHistogramResult,
  FormulaResult,
  HistogramResult,
} from "../../../src/api/schemas/dataviews";
import { decodeMvt } from "../../support/mvt";
import { mulberry32 } from "../../support/seeded";
import { answerOf } from "../../support/server";
import { post, server, useMapServer } from "./setup";

useMapServer();

type Parameters = Readonly<Record<string, string | number>>;

const pathOf = (path: string, query: Parameters) =>
  `${path}?${Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&")}`;

/** A map of one source with one dataview. */
const configOf = (query: string, type: string, options: object) => ({
  version: "1.5.0",
  layers: [
    {
      type: "cartodb",
      options: { source: { id: "a0" }, cartocss: "#points { marker-width: 10; }", cartocss_version: "2.3.0" },
    },
  ],
  dataviews: { d: { source: { id: "a0" }, type, options } },
  analyses: [{ id: "a0", type: "source", params: { query } }],
});

async function ask(config: object, query: Parameters = {}, { filters = "", path = "dataview/d" } = {}) {
  const made = await post(pathOf("/api/v1/map", filters === "" ? {} : { filters }), config);
  if (made.status !== 200) return made;
  return answerOf(await server.ask(pathOf(`/api/v1/map/${made.body.layergroupid}/${path}`, query)));
}

async function result(
  config: object,
  query: Parameters = {},
  more: { filters?: string; path?: string } = {},
) {
  const { status, body } = await ask(config, query, more);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

const SPECIAL = (values: string, mod: number, count: number) =>
  `SELECT NULL::geometry AS the_geom_webmercator, (ARRAY[${values}])[1 + x % ${mod}] AS val, CASE WHEN x % 2 = 0 THEN 'category_1' ELSE 'category_2' END AS cat FROM generate_series(1, ${count}) x`;

describe("a formula", () => {
  test.each([
    ["count", 2],
    ["avg", 7.5],
    ["sum", 15],
    ["min", 5],
    ["max", 10],
  ])("%s leaves out special numbers, and counts them", async (operation, expected) => {
    const query = `SELECT NULL::geometry AS the_geom_webmercator, CASE WHEN x % 5 = 1 THEN 'infinity'::float WHEN x % 5 = 2 THEN '-infinity'::float
      WHEN x % 5 = 3 THEN 'NaN'::float WHEN x % 5 = 4 THEN NULL ELSE x END AS val FROM generate_series(1, 10) x`;
    const body = await result(configOf(query, "formula", { column: "val", operation }));
    expect(body).toEqual({ type: "formula", operation, result: expected, nulls: 2, nans: 2, infinities: 4 });
    expect(FormulaResult.parse(body)).toEqual(body);
  });

  test("counts rows without a column, and has no result without rows", async () => {
    const of = (where: string, options: object) =>
      result(configOf(`SELECT * FROM places WHERE ${where}`, "formula", options));
    expect(await of("true", { operation: "count" })).toEqual({
      type: "formula",
      operation: "count",
      result: 4,
      nulls: 0,
    });
    expect(await of("false", { operation: "sum", column: "n" })).toEqual({
      type: "formula",
      operation: "sum",
      result: null,
      nulls: null,
      nans: null,
      infinities: null,
    });
  });
});

describe("an aggregation", () => {
  const OTHER = `SELECT * FROM (VALUES ('other_a', 1), ('other_a', 2), ('other_a', 3), ('other_b', 4), ('other_b', 5), ('other_b', 6), ('other_c', 7), ('other_c', 8), ('other_c', 9)) AS v (cat, val)
    UNION ALL SELECT 'category_' || c, v FROM generate_series(1, 5) c, generate_series(10, 12) v`;
  const config = (query: string, aggregation: string) =>
    configOf(`SELECT NULL::geometry AS the_geom_webmercator, * FROM (${query}) AS q`, "aggregation", {
      column: "cat",
      aggregation,
      aggregationColumn: "val",
    });

  test.each([
    ["count", 9, 3],
    ["sum", 45, 6],
    ["avg", 5, 2],
    ["max", 9, 3],
    ["min", 1, 1],
  ])("%s has the rest as one category, and finds categories", async (operation, rest, found) => {
    const body = await result(config(OTHER, operation), { own_filter: 0 });
    expect(body).toMatchObject({ categoriesCount: 8, count: 24, nulls: 0 });
    expect(body.categories.filter(({ agg }: { agg: boolean }) => agg)).toEqual([
      { category: "Other", value: rest, agg: true },
    ]);
    expect(AggregationResult.parse(body)).toEqual(body);
    const search = await result(config(OTHER, operation), { q: "OTHER_a" }, { path: "dataview/d/search" });
    expect(search).toEqual({ type: "aggregation", categories: [{ category: "other_a", value: found }] });
  });

  test.each(["count", "sum", "avg", "max", "min"])("%s has no category NULL", async (operation) => {
    const rows = "SELECT * FROM (VALUES ('a', 1), ('b', NULL), ('b', NULL), (NULL, NULL)) AS v (cat, val)";
    const body = await result(config(rows, operation), { own_filter: 0 });
    expect(body).toMatchObject({ categoriesCount: 3, count: 4, nulls: 1 });
    expect(body.categories.map(({ category }: { category: unknown }) => category)).not.toContain(null);
  });

  test.each([
    [
      "floats",
      SPECIAL("'infinity'::float, '-infinity', 'NaN', 501", 4, 1000),
      { infinities: 500, nans: 250 },
      1,
    ],
    ["numerics", SPECIAL("'NaN'::numeric, 1, 2", 3, 1000), { infinities: 0, nans: 333 }, 2],
  ])("counts the special numbers of %s", async (_, query, special, categories) => {
    const options = { column: "cat", aggregation: "avg", aggregationColumn: "val" };
    const body = await result(configOf(query, "aggregation", options));
    expect(body).toMatchObject(special);
    expect(body.categories).toHaveLength(categories);
  });

  test.each([
    [-1, 4],
    [0, 4],
    [1, 1],
    [2, 2],
    [4, 4],
    [5, 4],
  ])("with categories=%i has %i", async (categories, expected) => {
    const query = SPECIAL("1, 2, 3, 4", 4, 1000).replace(/CASE.*END/, "'c' || x % 4");
    const options = { column: "cat", aggregation: "sum", aggregationColumn: "val" };
    const body = await result(configOf(query, "aggregation", options), { categories });
    expect(body.categories).toHaveLength(expected);
  });
});

describe("a histogram", () => {
  const config = configOf(
    "SELECT NULL::geometry AS the_geom_webmercator, x FROM generate_series(0, 1000) x",
    "histogram",
    { column: "x" },
  );

  test.each([
    [{ bins: 3, start: 50, end: 500 }, 3],
    [{ start: 50, end: 500 }, 6],
    [{ bins: 10, start: 1000, end: 0 }, 10],
    [{}, 6],
  ])("with %j has its bins between its ends", async (query: { start?: number; end?: number }, bins) => {
    const body = await result(config, query as Parameters);
    expect([body.bins_count, body.bins.length]).toEqual([bins, bins]);
    const ends = [query.start ?? 0, query.end ?? 1000].sort((a, b) => a - b);
    for (const { min, max } of body.bins) expect(min >= ends[0]! && min <= max && max <= ends[1]!).toBe(true);
    expect(body.bin_width).toBeCloseTo((ends[1]! - ends[0]!) / bins);
    expect(HistogramResult.parse(body)).toEqual(body);
  });

  test("counts special numbers, and has no bins without rows", async () => {
    const special = SPECIAL("'infinity'::float, '-infinity', 'NaN', NULL, 3", 5, 10);
    expect(await result(configOf(special, "histogram", { column: "val" }), { bins: 2 })).toMatchObject({
      nulls: 2,
      infinities: 4,
      nans: 2,
      bins: [{ bin: 0, min: 3, max: 3, avg: 3, freq: 2 }],
    });
    const none = configOf("SELECT * FROM places WHERE false", "histogram", { column: "n" });
    expect(await result(none)).toMatchObject({ bins: [], nulls: 0, nans: 0, infinities: 0, avg: 0 });
  });

  const DAYS =
    "SELECT NULL::geometry AS the_geom_webmercator, date AS d FROM generate_series('2007-02-15 01:00:00+00'::timestamptz, '2008-04-09 01:00:00+00'::timestamptz, '1 day'::interval) date";
  const months = (query: string) =>
    configOf(query, "histogram", { column: "d", aggregation: "month", offset: -14_400 });

  test.each(["timestamptz", "timestamp"])("of %s counts months of another time zone", async (type) => {
    const body = await result(months(DAYS.replace("date AS d", `date::${type} AS d`)));
    const starts = Array.from({ length: 15 }, (_, month) => Date.UTC(2007, 1 + month, 1, 4) / 1000);
    expect(body.bins.map(({ timestamp }: { timestamp: number }) => timestamp)).toEqual(starts);
    expect(body).toMatchObject({
      bins_start: starts[0],
      bins_count: 15,
      aggregation: "month",
      offset: -14_400,
    });
    expect(DateHistogramResult.parse(body)).toEqual(body);
  });

  test.each([
    [{ aggregation: "week" }, 61, 61],
    [{ start: 1_180_659_600, end: 1_193_792_400 }, 6, 6],
    [{ start: -2_145_916_800, end: 1_193_792_400 }, 9, 1271],
    [{ offset: 0, aggregation: "quarter" }, 6, 6],
    [{ offset: 0, aggregation: "quarter", start: 1_167_609_600, end: 1_214_870_399 }, 6, 6],
    [{ offset: 0, aggregation: "quarter", start: 1_167_609_600, end: 1_214_870_400 }, 6, 7],
    [{ aggregation: "auto" }, 61, 61],
  ])("of dates with %j", async (query, bins, count) => {
    const body = await result(months(DAYS), query as Parameters);
    expect([body.bins.length, body.bins_count]).toEqual([bins, count]);
    expect(body.bin_width).toBeGreaterThan(0);
  });

  test.each([
    ["second", "2007-02-15 01:00:00", "2007-02-15 01:00:57", "0.9 second", "2007-02-15T01:00:00Z", 57],
    ["minute", "2007-02-15 01:00:00", "2007-02-15 02:00:57", "75 second", "2007-02-15T01:00:00Z", 49],
    ["decade", "1850-02-15 01:00:00", "2018-04-09 01:00:00", "30 day", "1850-01-01T00:00:00Z", 17],
    ["century", "0650-02-15 01:00:00", "1918-04-09 01:00:00", "6 years", "0601-01-01T00:00:00Z", 14],
    ["millennium", "0005-02-15 01:00:00", "12000-04-09 01:00:00", "72 years", "0001-01-01T00:00:00Z", 12],
  ])("of dates by the %s", async (aggregation, from, to, step, start, bins) => {
    const rows = `SELECT NULL::geometry AS the_geom_webmercator, d FROM generate_series('${from}'::timestamp, '${to}'::timestamp, '${step}'::interval) d`;
    const body = await result(configOf(rows, "histogram", { column: "d", aggregation }), { offset: 0 });
    expect(body.bins).toHaveLength(bins);
    expect(body.bins_start).toBe(Date.parse(start) / 1000);
  });

  test("of dates counts missing and infinite ones in no bin", async () => {
    const rows =
      "SELECT NULL::geometry AS the_geom_webmercator, d FROM (VALUES ('2020-01-05'::date), (NULL), ('infinity')) AS v (d)";
    const body = await result(configOf(rows, "histogram", { column: "d", aggregation: "auto" }));
    expect(body).toMatchObject({ nulls: 1, infinities: 1, bins: [{ bin: 0, freq: 1 }] });
  });
});

describe("areas", () => {
  const POINTS = `SELECT ST_SetSRID(ST_MakePoint(x, x), 4326) AS the_geom, ST_Transform(ST_SetSRID(ST_MakePoint(x, x), 4326), 3857) AS the_geom_webmercator,
    1 + (x + 20) % 4 AS val, 'category_' || 1 + (x + 20) % 4 AS cat FROM generate_series(-10, 10) x`;
  const config = configOf(POINTS, "formula", { operation: "count" });
  const triangle = (points: number[][]) => JSON.stringify({ type: "Polygon", coordinates: [points] });

  test.each([
    [{}, 21],
    [{ bbox: "-5,-5,5,5" }, 11],
    [{ bbox: "355,-5,365,5" }, 11],
    [{ bbox: "5,-90,190,90" }, 6],
    [{ bbox: "-1000,-90,1000,90" }, 21],
    [{ circle: JSON.stringify({ lat: 0, lng: 0, radius: 5000 }) }, 1],
    [
      {
        polygon: triangle([
          [-9.312286, 37.907367],
          [11.969604, 6.487254],
          [-32.217407, 6.957781],
          [-9.312286, 37.907367],
        ]),
      },
      3,
    ],
  ] as [Parameters, number][])("%j", async (query, expected) => {
    expect((await result(config, query)).result).toBe(expected);
  });

  test.each([
    [{ bbox: "1,2,3" }, 'Invalid bbox filter, expected format="west,south,east,north"'],
    [{ bbox: "1,2,3,x) OR true --" }, 'Invalid bbox filter, expected format="west,south,east,north"'],
    [{ bbox: "1,2,3,Infinity" }, 'Invalid bbox filter, expected format="west,south,east,north"'],
    [{ circle: "wadus" }, "Invalid circle parameter. Expected a valid JSON"],
    [
      { circle: '{"lng":0,"radius":5}' },
      'Missing parameter for Circle Filter, expected: "lng", "lat", and "radius"',
    ],
    [{ polygon: "wadus" }, "Invalid polygon parameter. Expected a valid GeoJSON"],
    [
      { polygon: '{"type":"Point","coordinates":[30,10]}' },
      'Invalid type of geometry. Valid ones: "Polygon"',
    ],
  ] as [Parameters, string][])("%j is refused", async (query, message) => {
    expect(await ask(config, query)).toMatchObject({
      status: 400,
      body: { errors: [message], errors_with_context: [{ type: "filter", message }] },
    });
  });
});

describe("filters of an instantiation", () => {
  const config = {
    version: "1.8.0",
    layers: [
      {
        options: {
          sql: "SELECT ST_SetSRID(ST_MakePoint(x, 0), 3857) AS the_geom_webmercator, x, x % 3 AS rest, 'c' || x % 3 AS cat FROM generate_series(1, 30) x",
          widgets: {
            range: { type: "histogram", options: { column: "x" } },
            cats: { type: "aggregation", options: { column: "cat", aggregation: "count" } },
            rests: { type: "aggregation", options: { column: "rest", aggregation: "count" } },
            rows: { type: "formula", options: { operation: "count" } },
          },
        },
      },
    ],
  };
  const filters = JSON.stringify({
    dataviews: { range: { min: 4, max: 12 }, cats: { accept: ["c1", "x'y"] } },
  });
  const count = async (name: string, query: Parameters, more = filters) =>
    (await result(config, query, { filters: more, path: `dataview/${name}` })).bins?.reduce(
      (sum: number, { freq }: { freq: number }) => sum + freq,
      0,
    );

  test("act on the other dataviews, on a dataview itself if it asks for that, and on tiles", async () => {
    expect(await count("range", {})).toBe(10);
    expect(await count("range", { own_filter: 0 })).toBe(10);
    expect(await count("range", { own_filter: 1 })).toBe(3);
    expect(await count("range", { no_filters: 1 })).toBe(30);
    const rows = await result(config, {}, { filters, path: "dataview/rows" });
    expect(rows.result).toBe(3);
    const cats = await result(config, {}, { filters, path: "0/widget/cats" });
    expect(cats).toMatchObject({ count: 9, categoriesCount: 3 });
    const made = await post(pathOf("/api/v1/map", { filters }), config);
    expect(Object.keys(made.body.metadata.dataviews)).toEqual(["range", "cats", "rests", "rows"]);
    const tile = await server.ask(`/api/v1/map/${made.body.layergroupid}/0/0/0.mvt`);
    expect(decodeMvt(new Uint8Array(await tile.arrayBuffer())).layer0?.features).toHaveLength(3);
  });

  test.each([
    [{ dataviews: { rests: { accept: [1, 2] } } }, 20],
    [{ dataviews: { rests: { reject: [0, 1] } } }, 10],
    [{ dataviews: { rests: { accept: [] } } }, 0],
    [{ dataviews: { rests: { reject: [] } } }, 30],
    [{ layers: [{ rests: { accept: [0] } }] }, 10],
    [{ dataviews: { range: { min: 29 }, unknown: { min: 1 } } }, 2],
    [{ dataviews: { cats: { accept: ["c1"], reject: ["c1"] } } }, 0],
    ["no object", 30],
  ])("%j", async (given, expected) => {
    const body = await result(config, {}, { filters: JSON.stringify(given), path: "dataview/rows" });
    expect(body.result).toBe(expected);
  });

  test.each([
    [{ range: { min: "1" } }, "Range filter expect to have at least one value in min or max numeric params"],
    [{ cats: { accept: "c1" } }, "Category filter expects at least one array in accept or reject params"],
    [{ rows: { min: 1 } }, "Unknown filter type: formula"],
  ])("%j is refused", async (dataviews, message) => {
    const answer = await ask(config, {}, { filters: JSON.stringify({ dataviews }) });
    expect(answer).toMatchObject({ status: 400, body: { errors: [message] } });
  });
});

describe("refuses", () => {
  const layers = [{ options: { sql: "SELECT * FROM places" } }];
  const source = { id: "a0", type: "source", params: { query: "SELECT * FROM places" } };
  test.each([
    [{ dataviews: "text" }, '"dataviews" must be a valid JSON object: "string" type found'],
    [{ dataviews: [] }, '"dataviews" must be a valid JSON object: "array" type found'],
    [{ dataviews: { d: { type: "formula" } } }, 'Dataview "d" is missing `source.id` attribute'],
    [{ dataviews: { d: { source: { id: "a0" } } } }, 'Dataview "d" is missing `type` attribute'],
    [
      { dataviews: { d: { type: "formula", source: { id: "no" } } } },
      'Node with `source.id="no"` not found in analyses for dataview "d"',
    ],
    [{ layers: [{ options: { source: { id: "no" } } }] }, 'Missing analysis node.id="no" for layer=0'],
    [
      { analyses: [{ ...source, type: "buffer" }] },
      'Analyses of type "buffer" are not available on this server',
    ],
    [
      { analyses: [{ ...source, params: { query: "DROP TABLE places" } }] },
      'The query of analysis "a0" is not one SELECT',
    ],
  ])("the configuration %j", async (change, message) => {
    const { status, body } = await post("/api/v1/map", { version: "1.8.0", layers, ...change });
    expect([status, body.errors]).toEqual([400, [message]]);
  });

  test.each([
    ["formula", { operation: "evil" }, "Formula does not support 'evil' operation"],
    ["formula", {}, "Formula expects 'operation' in dataview options"],
    ["formula", { operation: "sum" }, "Formula expects 'column' in dataview options"],
    ["aggregation", {}, "Aggregation expects 'column' in dataview options"],
    ["aggregation", { column: "n" }, "Aggregation expects 'aggregation' operation in dataview options"],
    [
      "aggregation",
      { column: "n", aggregation: "sum" },
      "Aggregation 'sum' is missing some options: aggregationColumn",
    ],
    ["histogram", {}, "Histogram expects `column` in widget options"],
    ["list", {}, 'Invalid dataview type: "list"'],
    ["constructor", {}, 'Invalid dataview type: "constructor"'],
  ])("a %s of %j", async (type, options, message) => {
    expect(await ask(configOf("SELECT * FROM places", type, options))).toMatchObject({
      status: 400,
      body: { errors: [message] },
    });
  });

  const histogram = configOf("SELECT * FROM places", "histogram", { column: "n" });
  test.each([
    [
      { bins: "256 AS other, (select 256 * 2) AS bins_number--" },
      /^Invalid number format for parameter 'bins'$/,
    ],
    [{ start: "NaN" }, /^Invalid number format for parameter 'start'$/],
    [{ categories: "1e999" }, /^Invalid number format for parameter 'categories'$/],
    [{ own_filter: 0, no_filters: 0 }, /^Both own_filter and no_filters cannot be sent in the same request$/],
    [{ bins: 2.5 }, /width_bucket/],
    [{ bins: 1e12 }, /width_bucket/],
    [{ aggregation: "fortnight" }, /^Invalid aggregation value. Valid ones: auto, second, minute/],
  ] as [Parameters, RegExp][])("the parameters %j", async (query, message) => {
    const { status, body } = await ask(histogram, query);
    expect([status, body.errors[0]]).toEqual([400, expect.stringMatching(message)]);
  });

  test("a dataview that the map does not have, and a column that its query does not have", async () => {
    expect(await ask(histogram, {}, { path: "dataview/none" })).toMatchObject({
      status: 400,
      body: { errors: ["Dataview 'none' does not exist"] },
    });
    const message = 'column "adm0name" does not exist';
    const missing = configOf("SELECT * FROM places", "aggregation", {
      column: "adm0name",
      aggregation: "count",
    });
    expect(await ask(missing)).toMatchObject({
      status: 404,
      body: { errors: [message], errors_with_context: [{ type: "unknown", message }] },
    });
  });

  test("tables that the key may not read, and tokens of other maps", async () => {
    const config = configOf("SELECT * FROM secret", "formula", { operation: "count" });
    expect((await post("/api/v1/map", config, { key: null })).status).toBe(403);
    const made = await post("/api/v1/map", config);
    const path = `/api/v1/map/${made.body.layergroupid}/dataview/d`;
    expect((await server.ask(path)).status).toBe(200);
    expect((await server.ask(path, { key: null })).status).toBe(403);
    const system = configOf(
      "SELECT usename, NULL::geometry AS the_geom_webmercator FROM pg_user",
      "formula",
      { operation: "count" },
    );
    expect((await post("/api/v1/map", system, { key: null })).status).toBe(403);
  });
});

describe("hostile texts of our own", () => {
  const TEXTS = [
    "it's",
    'say "hi"',
    "a,b",
    "back\\slash",
    "$escape_0$) OR true --",
    "😀",
    "<%= n %>",
    "!bbox!",
    "",
    " ",
    "%",
    "constructor",
    "__proto__",
  ];
  beforeAll(async () => {
    const values = TEXTS.map((text) => `($cf$${text}$cf$)`).join(", ");
    const answer = await server.sql(`CREATE TABLE texts (name text, "Odd ""name"", é" text);
      INSERT INTO texts (name) VALUES ${values}; UPDATE texts SET "Odd ""name"", é" = name`);
    if (answer.error) throw new Error(answer.error[0]);
  });

  test.each(["name", '"Odd ""name"", é"', 'Odd "name", é'])(
    "are categories and filters of %s",
    async (column) => {
      const config = configOf("SELECT NULL::geometry AS the_geom_webmercator, * FROM texts", "aggregation", {
        column,
        aggregation: "count",
      });
      const body = await result(config, { categories: 100 });
      expect(body.categories.map(({ category }: { category: string }) => category).sort()).toEqual(
        [...TEXTS].sort(),
      );
      for (const text of TEXTS) {
        const filters = JSON.stringify({ dataviews: { d: { accept: [text] } } });
        const own = await result(config, { own_filter: 1 }, { filters });
        expect(own.categories).toEqual([{ category: text, value: 1, agg: false }]);
      }
      const found = await result(config, { q: "'s" }, { path: "dataview/d/search" });
      expect(found.categories).toEqual([{ category: "it's", value: 1 }]);
      expect((await ask(config, { q: "\0' OR true" }, { path: "dataview/d/search" })).body).toMatchObject({
        categories: [],
      });
    },
  );

  test("in random places never fail the server", async () => {
    const random = mulberry32(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const evil = [
      ...TEXTS,
      "1; DROP TABLE texts",
      "') --",
      "\0",
      "1e308",
      "-1e308",
      "-0",
      "[]",
      "{}",
      "null",
      "9".repeat(400),
    ];
    const types = ["formula", "aggregation", "histogram", "toString"];
    for (let i = 0; i < 60; i++) {
      const options = {
        column: pick(["name", ...evil]),
        operation: pick(["count", "sum", ...evil]),
        aggregation: pick(["count", "max", ...evil]),
        aggregationColumn: pick(["name", ...evil]),
      };
      const config = configOf(
        "SELECT NULL::geometry AS the_geom_webmercator, name FROM texts",
        pick(types),
        options,
      );
      const names = [
        "bbox",
        "polygon",
        "circle",
        "start",
        "end",
        "bins",
        "categories",
        "offset",
        "own_filter",
        "aggregation",
        "column_type",
      ];
      const query = Object.fromEntries([pick(names), pick(names)].map((name) => [name, pick(evil)]));
      const filters = JSON.stringify({
        dataviews: { d: { [pick(["min", "accept", "reject"])]: pick([evil, 1, null]) } },
      });
      const { status, body } = await ask(config, query, { filters });
      expect([200, 400, 404], JSON.stringify([options, query, filters, body])).toContain(status);
    }
    expect((await server.sql("SELECT count(*) AS n FROM texts")).rows).toEqual([{ n: TEXTS.length }]);
  });
});
