/** Counts of layers with tiles: what a page asks the local server, compared with SQL over the same rows. */
import { inflateSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { fixedSource } from "../../../src/api/endpoint";
import { Transport } from "../../../src/api/transport";
import { withTiles } from "../../../src/context/map/map-detail";
import { mapScene } from "../../../src/context/map/map-scene";
import { lngLatOf, TILE_PX } from "../../../src/geometry/mercator";
import { type DataLayer, Layer, type MapWidget, QueryLayer, widget } from "../../../src/map";
import { Explorer } from "../../../src/render/explore/explorer";
import { filterSql } from "../../../src/render/explore/filter-sql";
import { classItems, filtersOf } from "../../../src/render/explore/filters";
import { ServerLayer } from "../../../src/render/page/browser/explore/server-layer";
import { decodeScene } from "../../../src/render/page/codec";
import { packScene } from "../../../src/render/page/pack";
import { alongCurve } from "../../../src/render/page/pick";
import type { MapFilter, RangeColumn } from "../../../src/render/scene";
import { defaultEngine } from "../../support/engine";
import { decodeMvt } from "../../support/mvt";
import { mulberry32 } from "../../support/seeded";
import { serverForTests } from "../../support/server";
import { createKinds, HOSTILE } from "./kinds-table";

const server = serverForTests();
const progress = { isShown: false, update() {}, note() {}, finish() {}, fail() {} };
const { signal } = new AbortController();
let transport: Transport;
/** The SQL is the same on both engines. */
const ROUNDS = defaultEngine() === "pglite" ? 60 : 15;

beforeAll(async () => {
  const { baseUrl, user, key: apiKey } = server;
  const endpoint = { kind: "local", baseUrl, user, apiKey, label: "the local server" } as const;
  transport = new Transport(fixedSource(endpoint));
  const answer = await server.sql(`${createKinds("counted_kinds")};
    CREATE TABLE counted AS SELECT i AS cartodb_id, (ARRAY['oak', 'elm', 'it''s', 'a,b', 'back\\slash', '<%= w0_from %>', '{1,2}', '!bbox!', '😀', '', NULL])[1 + (i::int8 * i) % 11] AS kind,
      (i::int8 * 7919 % 1009)::numeric / 8 AS price, CASE WHEN i % 17 = 0 THEN NULL WHEN i % 19 = 0 THEN 'NaN' WHEN i % 23 = 0 THEN '-Infinity' ELSE sqrt(i) END::float8 AS size,
      timestamptz '2024-01-01' + (i::int8 * 104729 % 86400) * interval '317 seconds' AS at, i % 5 > 1 AS ok,
      ST_SetSRID(ST_MakePoint(-10 + 20 * ((i::int8 * 7919 % 100003) / 100003.0), 40 + 10 * ((i::int8 * 104729 % 99991) / 99991.0)), 4326)::geometry(Point, 4326) AS the_geom
      FROM generate_series(1, 4000) AS i;
    CREATE TABLE areas AS SELECT row_number() OVER ()::int AS cartodb_id, abs(i * 31 + j * 17) % 7 AS class, i + j / 7.0 AS value,
      ST_Transform(ST_SetSRID(geom, 3857), 4326) AS the_geom FROM ST_HexagonGrid(15000, ST_MakeEnvelope(-500000, 5000000, 500000, 5700000, 3857));
    INSERT INTO areas VALUES (100000, 3, 0, NULL), (100001, 3, 0, 'SRID=4326;POINT(0 45)'), (100002, 3, 0, 'SRID=4326;POLYGON EMPTY')`);
  if (answer.error) throw new Error(answer.error[0]);
});

/** What the page of a map has, with an overview in the place of its layer. */
async function pageOf(layer: DataLayer, widgets: readonly MapWidget[]) {
  const fetched = await mapScene(transport, { layers: layer, widgets, projection: "mercator", progress });
  const whole = packScene(alongCurve(fetched.scene), Infinity).bytes.length;
  const small = packScene(alongCurve(fetched.scene), 0.6 * whole);
  const { packed, warnings } = await withTiles(transport, small, fetched);
  expect(warnings).toEqual([]);
  const { scene, overviews } = decodeScene(inflateSync(packed.bytes));
  const explorer = new Explorer(scene);
  const counts = overviews[0]?.detail?.counts;
  if (!counts) throw new Error("the layer is not an overview with counts");
  return { explorer, counts, layer: new ServerLayer(counts, explorer, 0), fetched };
}

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  const { rows, error } = await server.sql(sql);
  if (error) throw new Error(`${error[0]} in ${sql}`);
  return rows as Record<string, unknown>[];
}

/** The filters of an explorer but for one widget's, and the hidden classes of `classColumn`, as SQL. */
function conditionOf(explorer: Explorer, classColumn: string, without?: number): string {
  const own = without === undefined ? undefined : explorer.columnOf(without)?.name;
  const filters = filtersOf(explorer).filter((filter) => !("column" in filter) || filter.column !== own);
  const hidden = explorer.hiddenClassesOf(0);
  const labels = classItems(explorer, 0).filter(({ one }) => hidden.has(one) && one !== 255);
  const conditions = [
    filterSql(filters, explorer.scene.layers[0]?.name ?? ""),
    labels.length > 0 &&
      `coalesce(${classColumn}::text, 'NULL') NOT IN (${labels.map(({ label }) => `$q$${label}$q$`).join(", ")})`,
    hidden.has(255) && `${classColumn} IS NOT NULL`,
  ];
  return conditions.filter((one) => one !== false && one !== "").join(" AND ") || "true";
}

describe.each([
  {
    table: "counted",
    classes: "ok",
    widgets: [
      widget.histogram("price"),
      widget.timeSeries("at"),
      widget.category("kind", { viewport: false }),
      widget.histogram("size", { bins: 7 }),
      widget.formula("count"),
      widget.formula("sum", "size"),
    ],
  },
  {
    table: "areas",
    classes: "class",
    widgets: [
      widget.category("class"),
      widget.range("value"),
      widget.formula("count"),
      widget.formula("max", "value"),
    ],
  },
])("counts of $table", ({ table, classes, widgets }) => {
  test(`equal SQL for ${ROUNDS} random brushes and views`, async () => {
    const seed = 11;
    const random = mulberry32(seed);
    const { explorer, layer } = await pageOf(
      new Layer(table, { name: "trees", color: { column: classes, scheme: "bold" } as never }),
      widgets,
    );
    const { geometry } = explorer.scene.layers[0]!;
    const [xs, ys] =
      geometry.kind === "point"
        ? [geometry.x, geometry.y]
        : [0, 1].map((odd) => geometry.xy.filter((_, i) => i % 2 === odd));
    const drawn = table === "areas" ? "ST_Dimension(the_geom) = 2 AND NOT ST_IsEmpty(the_geom)" : "true";
    const pick = (values: ArrayLike<number>) => values[Math.floor(random() * values.length)]!;
    let [area, inView] = ["", "true"]; // a view of all rows
    for (let round = 0; round < ROUNDS; round++) {
      const at = `seed ${seed}, round ${round}`;
      brush(explorer, random);
      if (round % 4 === 3) {
        const [x, y, size] = [pick(xs!), pick(ys!), 2 ** -(5 + 7 * random())];
        const [west, north] = lngLatOf([x, y]);
        const [east, south] = lngLatOf([x + size, y + size]);
        const bbox = [west, south, east, north].join(",");
        area = `&bbox=${bbox}`;
        inView = `ST_Intersects(ST_Transform(the_geom, 3857), ST_Transform(ST_MakeEnvelope(${bbox}, 4326), 3857))`;
      }
      await layer.ask(area, signal);
      expect(layer.isKnown(area)).toBe(true);
      const expected: string[] = [];
      const actual: (number | undefined)[] = [];
      for (const [i, { kind, inView: isInView }] of explorer.widgets.entries()) {
        const from = `FROM ${table} WHERE ${drawn} AND ${isInView ? inView : "true"}`;
        if (kind === "formula") {
          const { operation, column } = widgets[i] as { operation: string; column?: string };
          const value =
            column === undefined ? "*" : `CASE WHEN abs(${column}) < 'Infinity'::float8 THEN ${column} END`;
          expected.push(`SELECT ${operation}(${value}) ${from} AND ${conditionOf(explorer, classes)}`);
          actual.push(layer.valueOf(i, area));
          continue;
        }
        const { counts, totals } = layer.stepsOf(i, area);
        const column = explorer.columnOf(i)!;
        const steps = column.kind === "range" ? column.edges.length - 1 : column.texts.length;
        const [first = 1, last = 1] = [random(), random()]
          .map((share) => 1 + Math.floor(share * steps))
          .sort((a, b) => a - b);
        const chosen = chosenSql(
          column.kind === "range"
            ? rangeOf(column, first, last)
            : { values: column.texts.slice(first - 1, last) },
          column.name,
        );
        const passing = `${chosen} AND ${conditionOf(explorer, classes, i)}`;
        expected.push(`SELECT count(*) ${from} AND ${passing}`, `SELECT count(*) ${from} AND ${chosen}`);
        const sum = (of: Uint32Array | undefined) =>
          of?.subarray(first, last + 1).reduce((all, one) => all + one, 0);
        actual.push(sum(counts), sum(totals));
      }
      const [row = {}] = await rowsOf(`SELECT ${expected.map((sql, n) => `(${sql}) AS n${n}`).join(", ")}`);
      for (const [n, sql] of expected.entries()) {
        const value = row[`n${n}`];
        if (value === null) expect(actual[n], `${at}: ${sql}`).toBeNaN();
        else expect(actual[n], `${at}: ${sql}`).toBeCloseTo(Number(value), 6);
      }
    }
  });

  test("and its tiles have the rows that pass", async () => {
    const random = mulberry32(5);
    const { explorer, layer } = await pageOf(
      new Layer(table, { name: "trees", color: { column: classes, scheme: "bold" } as never }),
      widgets,
    );
    const drawn = table === "areas" ? "ST_Dimension(the_geom) = 2 AND NOT ST_IsEmpty(the_geom)" : "true";
    for (let round = 0; round < 5; round++) {
      brush(explorer, random);
      const url = (await layer.tilesUrl(signal)).replace("{z}/{x}/{y}", "10/512/352");
      const response = await fetch(url, { headers: { Origin: "null" } });
      const { layer0 } = decodeMvt(new Uint8Array(await response.arrayBuffer()));
      const ids = (layer0?.features ?? []).map(({ properties }) => properties.cartodb_id);
      const box = `ST_Expand(ST_TileEnvelope(10, 512, 352), ${40_075_016.68 / 2 ** 10 / TILE_PX})`;
      const expected = await rowsOf(
        `SELECT cartodb_id FROM ${table} WHERE ${drawn} AND ${conditionOf(explorer, classes)} AND ST_Intersects(ST_Transform(the_geom, 3857), ${box})`,
      );
      for (const { cartodb_id } of expected) expect(ids).toContain(cartodb_id);
    }
  });
});

const rangeOf = ({ edges, isTime }: RangeColumn, first: number, last: number) => {
  const [from, to] = [edges[first - 1]!, edges[last]!].map((edge) =>
    isTime ? new Date(edge).toISOString() : edge,
  );
  return { from: from!, to: to!, ...(last === edges.length - 1 && { includesTo: true as const }) };
};

const chosenSql = (filter: object, column: string): string =>
  filterSql([{ layer: "l", column, ...filter } as MapFilter], "l");

/** Sets or removes some filters. */
function brush(explorer: Explorer, random: () => number): void {
  for (const i of explorer.widgets.keys()) {
    const column = explorer.columnOf(i);
    if (!column || random() < 0.4) continue;
    if (random() < 0.3) explorer.filter(i, undefined);
    else if (column.kind === "range") {
      const steps = column.edges.length - 1;
      const range = [random(), random()].map((share) => 1 + Math.floor(share * steps)).sort((a, b) => a - b);
      explorer.filter(i, { kind: "range", range: range as unknown as readonly [number, number] });
    } else {
      const chosen = column.texts.flatMap((_, at) => (random() < 0.4 ? [at + 1] : []));
      explorer.filter(i, chosen.length > 0 ? { kind: "steps", steps: new Set(chosen) } : undefined);
    }
  }
  const classes = classItems(explorer, 0).flatMap(({ one }) => (random() < 0.2 ? [one] : []));
  explorer.hideClasses(0, new Set(classes));
}

test("columns of every type have the steps of the scene", async () => {
  const ranges = [
    "small",
    "whole",
    "big",
    "exact",
    "num",
    "real",
    "f",
    "narrow",
    "same",
    "day",
    "at",
    "local",
  ];
  const categories = ["txt", "code", "feel", "id", "ok", "small", "big", "f", "odd", HOSTILE];
  for (const [make, names] of [
    [widget.range, ranges],
    [widget.category, categories],
  ] as const) {
    const { explorer, layer, fetched } = await pageOf(
      new Layer("counted_kinds", { name: "kinds" }),
      names.map((name) => make(name)),
    );
    await layer.ask("", signal);
    const ofScene = new Explorer(fetched.scene);
    for (const [i, name] of names.entries()) {
      const { totals } = ofScene.ownStepsOf(i);
      expect([...layer.stepsOf(i, "").totals!].slice(1), name).toEqual([...totals].slice(1));
      expect(explorer.columnOf(i)?.name).toBe(name);
    }
  }
});

test("100,000 categories, one row and no row are counted", async () => {
  const many = new QueryLayer(
    "SELECT i AS cartodb_id, CASE WHEN i % 10 = 0 THEN 'often' ELSE md5(i::text) END AS name, i % 100 AS part, ST_SetSRID(ST_MakePoint(i % 360 - 180, i / 1500.0 - 40), 4326) AS the_geom FROM generate_series(1, 100000) i",
    { name: "many" },
  );
  const { explorer, layer } = await pageOf(many, [
    widget.category("name"),
    widget.histogram("part", { bins: 100 }),
  ]);
  const count = async () => {
    await layer.ask("", signal);
    return layer.stepsOf(0, "").counts!;
  };
  const all = await count();
  expect([all[1], all.reduce((sum, one) => sum + one, 0)]).toEqual([10_000, 100_000]);
  explorer.filter(1, { kind: "range", range: [2, 2] });
  const one = await count();
  expect([one[1], one.reduce((sum, rows) => sum + rows, 0)]).toEqual([0, 1000]);
  explorer.filter(1, { kind: "range", range: [11, 11] });
  expect([...(await count())].filter((rows) => rows > 0)).toEqual([1000]);
  explorer.filter(0, { kind: "steps", steps: new Set([2]) });
  await layer.ask("", signal);
  expect(layer.stepsOf(1, "").counts!.reduce((sum, rows) => sum + rows, 0)).toBe(1);
});

test("the server counts the rows in an area, as SQL does", async () => {
  const { explorer, layer } = await pageOf(new Layer("counted", { name: "trees" }), [
    widget.histogram("price"),
  ]);
  explorer.filter(0, { kind: "range", range: [3, 9] });
  // it crosses itself
  const ring = [
    [-5, 42],
    [5, 48],
    [5, 42],
    [-5, 48],
    [-5, 42],
  ] as const;
  const polygon = `ST_MakeValid(ST_GeomFromText('POLYGON((${ring.map((at) => at.join(" ")).join(", ")}))', 4326))`;
  const [expected] = await rowsOf(
    `SELECT count(*) AS n FROM counted WHERE ${conditionOf(explorer, "ok")} AND ST_Intersects(ST_Transform(the_geom, 3857), ST_Transform(${polygon}, 3857))`,
  );
  expect(await layer.countIn(ring, signal)).toBe(Number(expected?.n));
});

test("a page can only choose filters, and gets no other map", async () => {
  const { counts } = await pageOf(new Layer("counted", { name: "trees" }), [
    widget.histogram("price"),
    widget.category("kind"),
  ]);
  const post = (body: object, url = counts.instanceUrl) =>
    fetch(url, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", Origin: "null" },
    });
  for (const body of [
    { w0_from: "1; DROP TABLE counted" },
    { w0_from: "1) OR (1=1" },
    { w1: "{1} OR true" },
    { w1: "'" },
    { w1: "{}'::int4[]) OR true --" },
    { w1: ["{}"], w0_to: null },
  ]) {
    const response = await post(body);
    expect(response.status, JSON.stringify(body)).toBe(400);
    expect(((await response.json()) as { errors: string[] }).errors).toHaveLength(1);
  }
  expect((await post({ w1: "{1,2}", w0_from: 1, w0_to: 2, unknown: "x" })).status).toBe(200);
  expect((await post({}, counts.instanceUrl.replace(/auth_token=.*/, "auth_token=wrong"))).status).toBe(403);
  const { layergroupid } = (await (await post({})).json()) as { layergroupid: string };
  const without = counts.urlTemplate.replace(/\?.*/, "").replace("{path}", `${layergroupid}/dataview/w0`);
  expect((await fetch(without, { headers: { Origin: "null" } })).status).toBe(403);
});
