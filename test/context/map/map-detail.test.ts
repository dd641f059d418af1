import { beforeAll, describe, expect, test } from "vitest";
import { fixedSource } from "../../../src/api/endpoint";
import { Transport } from "../../../src/api/transport";
import { makeMap } from "../../../src/context/map/map";
import { detailSources } from "../../../src/context/map/map-detail";
import { resolveLayers } from "../../../src/context/map/map-scene";
import {
  buildScene,
  Layer,
  type LayerOptions,
  QueryLayer,
  type StyleOptions,
  widget,
} from "../../../src/map";
import { formatNumber } from "../../../src/render/format";
import { MISSING_CLASS, type RowColumn, type SceneLayer } from "../../../src/render/scene";
import { ident } from "../../../src/sql";
import { defaultEngine } from "../../support/engine";
import { type DecodedFeature, decodeMvt } from "../../support/mvt";
import { json, serverForTests } from "../../support/server";
import { createKinds, HOSTILE } from "./kinds-table";

const server = serverForTests();
let transport: Transport;
const progress = { isShown: false, update() {}, note() {}, finish() {}, fail() {} };
beforeAll(async () => {
  transport = transportWith(server.key);
  const answer = await server.sql(`${createKinds("kinds")};
    CREATE TABLE other (cartodb_id int, secret text, the_geom geometry); INSERT INTO other VALUES (1, 'secret', 'SRID=4326;POINT(1 1)')`);
  if (answer.error) throw new Error(answer.error[0]);
});

function transportWith(apiKey: string): Transport {
  const { baseUrl, user } = server;
  const endpoint = { kind: "local", baseUrl, user, apiKey, label: "the local server" } as const;
  return new Transport(fixedSource(endpoint));
}

/** The scene of layers, and where their detail is. */
async function detailOf(layers: readonly (Layer | QueryLayer)[], through = transport) {
  const resolved = await resolveLayers(transport, layers, { progress });
  const { scene, tileColumns } = buildScene({ layers: resolved, projection: "mercator" });
  const reduced = layers.map((_, i) => i);
  const details = await detailSources(through, {
    scene,
    layers: resolved,
    tileColumns,
    reduced,
    bufferPx: 4,
  });
  return { scene, ...details };
}

/** What a page without a key gets. */
async function tileOf(urlTemplate: string, [z, x, y]: readonly [number, number, number] = [0, 0, 0]) {
  const url = urlTemplate.replace("{z}", `${z}`).replace("{x}", `${x}`).replace("{y}", `${y}`);
  const response = await fetch(url, { headers: { Origin: "null" } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([200, 204], Buffer.from(bytes).toString().slice(0, 500)).toContain(response.status);
  return decodeMvt(bytes);
}

/** Compares the features of a tile of the world with the rows of the scene, whose first column is cartodb_id. */
function expectSame(
  layer: SceneLayer,
  features: readonly DecodedFeature[],
  formats: Readonly<Record<number, string>>,
) {
  const ids = layer.columns![0] as RowColumn & { kind: "numbers" };
  const expected = Array.from(ids.values, (id, row) => ({
    cartodb_id: id,
    ...classOf("k", layer.color, row),
    ...classOf("s", layer.size, row),
    ...Object.fromEntries(layer.columns!.flatMap((column, i) => readValue(`c${i}`, column, row))),
  }));
  const found = new Map<unknown, Record<string, unknown>>();
  for (const { properties } of features) {
    const read = Object.entries(properties).map(([name, value]) => {
      const i = Number(name.slice(1));
      const isText = name.startsWith("c") && layer.columns![i]?.kind === "texts";
      return [name, isText ? shownText(value, formats[i]) : value];
    });
    const same = found.get(properties.cartodb_id);
    found.set(properties.cartodb_id, Object.fromEntries(read));
    if (same) expect(found.get(properties.cartodb_id)).toEqual(same); // in the buffer of the antimeridian
  }
  expect(layer.rowCount).toBeGreaterThan(0);
  expect([...found.values()].sort((a, b) => Number(a.cartodb_id) - Number(b.cartodb_id))).toEqual(
    expected.sort((a, b) => a.cartodb_id - b.cartodb_id),
  );
}

function classOf(name: string, style: SceneLayer["color"] | SceneLayer["size"], row: number) {
  const index = style.kind === "classes" ? style.classes[row]! : MISSING_CLASS;
  return index === MISSING_CLASS ? {} : { [name]: index };
}

function readValue(name: string, column: RowColumn, row: number): [string, unknown][] {
  if (column.kind === "numbers") {
    const value = column.values[row]!;
    return Number.isNaN(value) ? [] : [[name, value + 0]]; // tiles know no -0… and nobody else
  }
  const code = column.codes[row]!;
  return code === 0 ? [] : [[name, column.texts[code - 1]]];
}

function shownText(value: string | number | boolean, format: string | undefined): string {
  if (typeof value === "number") return formatNumber(value, format);
  const text = String(value);
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
}

async function expectTilesOf(options: LayerOptions & StyleOptions, source?: string) {
  const style = { ...options, tooltip: ["cartodb_id", ...[options.tooltip ?? []].flat()] } as LayerOptions;
  const layer = source === undefined ? new Layer("kinds", style) : new QueryLayer(source, style);
  const { scene, sources, warnings } = await detailOf([layer]);
  expect(warnings).toEqual([]);
  const { urlTemplate, layer: name, formats } = sources.get(0)!;
  const tile = await tileOf(urlTemplate);
  expect(tile[name]!.extent).toBe(1024);
  expectSame(scene.layers[0]!, tile[name]!.features, formats);
}

const NUMBERS = ["small", "whole", "big", "exact", "num", "odd", "real", "f", "narrow", "same", "nothing"];
const CATEGORIES = ["txt", "code", "feel", "id", "ok", HOSTILE];

describe("colour classes equal those of the scene", () => {
  test.each([...NUMBERS, ...CATEGORIES])("categories of %s", async (column) => {
    await expectTilesOf({
      color: { column, method: "category", bins: 3 },
    });
  });
  test("more bins than categories", async () => {
    await expectTilesOf({ color: { column: "feel", bins: 10 } });
  });
  describe.each(["quantiles", "jenks", "equal", "headtails"] as const)("%s", (method) => {
    test.each(NUMBERS)("of %s", async (column) => {
      await expectTilesOf({ color: { column, method, bins: 5 } });
    });
  });
  test.each(NUMBERS)("custom bounds of %s", async (column) => {
    await expectTilesOf({ color: { column, bins: [-3, 0.1, 2, 500] } });
  });
  test.each(NUMBERS)("continuous, of %s", async (column) => {
    await expectTilesOf({ color: { column, method: "continuous" } });
    await expectTilesOf({ color: { column, method: "continuous", domain: [-0.1, 0.30000000000000004] } });
  });

  test("of equal width in the logarithm", async () => {
    await expectTilesOf({ color: { column: "cartodb_id", method: "log" } });
  });
  test.each(["small", "odd", "f"])("around a centre, of %s", async (column) => {
    await expectTilesOf({ color: { column, center: 0.1, method: "equal", bins: 4 } });
    await expectTilesOf({ color: { column, center: 2, method: "continuous", scheme: "temps" } });
  });
  test("categories in an order", async () => {
    await expectTilesOf({
      color: { column: "feel", order: ["nowhere", "so so"], colors: { "!bbox!": "red" }, bins: 3 },
    });
  });
  test.each(["day", "at", "local", "always"])("times, of %s", async (column) => {
    await expectTilesOf({ color: column });
    await expectTilesOf({ color: { column, method: "continuous" } });
    await expectTilesOf({ color: { column, method: "category", bins: 3 } });
    await expectTilesOf({ color: { column, bins: [Date.UTC(2001, 0, 1), Date.UTC(2020, 5, 1)] } });
  });
});

describe("size classes equal those of the scene", () => {
  test.each(NUMBERS)("continuous and in classes, of %s", async (column) => {
    await expectTilesOf({ size: { column, method: "continuous", range: [5, 25] } });
    await expectTilesOf({ color: "txt", size: { column, method: "quantiles", bins: 4 } });
    await expectTilesOf({ size: { column, bins: [0, 1] } });
    await expectTilesOf({ size: column }); // proportional, also below 0
  });
});

describe("strings and numbers equal those of the scene", () => {
  test("of every type", async () => {
    const columns = [
      ...NUMBERS,
      ...CATEGORIES,
      "day",
      "at",
      "local",
      "always",
      "doc",
      "docb",
      "list",
      "words",
      "raw",
    ];
    await expectTilesOf({ tooltip: columns });
    await expectTilesOf({ popup: columns.map((column) => ({ column, title: "x" })) } as never);
  });
  test.each<[string, string | undefined]>([
    ...NUMBERS.map((column): [string, string] => [column, ",.1f"]),
    ["big", undefined],
    ["whole", undefined],
    ["txt", undefined],
    ["ok", undefined],
  ])("labels of %s as %s", async (column, format) => {
    await expectTilesOf({
      label: { column, ...(format !== undefined && { format }) },
      popup: { columns: [{ column, ...(format !== undefined && { format }) }] } as never,
    });
  });
  test.each([
    "%Y-%m-%d %H:%M:%S.%L",
    "%y%m%d %e. %b %B | %a %A | %I:%M %p %j %%",
    "%-d/%-m/%Y %_d %_H %0e %-I %-j %_j",
    'week %V of %G, day %u, "quoted" \\ !bbox! FM YYYY é',
    "%c | %x | %X | %q %f %Z",
    "%e",
  ])("times as %s", async (format) => {
    await expectTilesOf({
      tooltip: ["day", "at", "local", "always"].map((column) => ({ column, format })) as never,
      label: { column: "at", format },
    });
  });
  test("a format that to_char lacks leaves the date unformatted", async () => {
    const { sources } = await detailOf([
      new Layer("kinds", {
        label: { column: "at", format: "%U" },
        tooltip: [{ column: "day", format: "week %W" }] as never,
      }),
    ]);
    const { layer0 } = await tileOf(sources.get(0)!.urlTemplate);
    expect(layer0!.features.find(({ properties }) => properties.cartodb_id === 2)!.properties).toMatchObject({
      c0: "2000-02-06",
      c1: "2020-03-01 23:00:58",
    });
  });
});

describe("geometry", () => {
  test.each([
    ["metres", `SELECT *, ST_Transform(the_geom, 3857) AS k FROM kinds`, "k"],
    ["no SRID", `SELECT cartodb_id, txt, ST_SetSRID(the_geom, 0) AS "k s" FROM kinds`, "k s"],
    ["geography", `SELECT cartodb_id, txt, the_geom::geography AS g FROM kinds`, "g"],
  ])("%s", async (_name, sql, geomCol) => {
    const chosen = `SELECT cartodb_id, txt, ${ident(geomCol)} AS ${ident(`${geomCol}"2`)} FROM (${sql}) AS t -- a comment\n;`;
    await expectTilesOf({ color: "txt" }, chosen);
  });
  test("longitude and latitude", async () => {
    await server.sql(`CREATE TABLE pairs AS SELECT cartodb_id, ST_X(the_geom) AS "lng!", ST_Y(the_geom)::numeric AS lat FROM kinds;
      INSERT INTO pairs VALUES (1001, 'NaN', 1), (1002, 1, NULL), (1003, 'Infinity', 1)`);
    const layer = new Layer("pairs", { lnglat: ["lng!", "lat"], tooltip: "cartodb_id" });
    const { scene, sources, warnings } = await detailOf([layer]);
    expect(warnings).toEqual([]);
    const { layer0 } = await tileOf(sources.get(0)!.urlTemplate);
    const ids = new Set(layer0!.features.map(({ properties }) => properties.cartodb_id));
    expect(ids.size).toBe(228);
    expect(scene.layers[0]!.rowCount).toBe(231);
  });
  test("a table's the_geom_webmercator, and rows without cartodb_id", async () => {
    await server.sql(`CREATE TABLE carto (name text, the_geom geometry); SELECT CDB_CartodbfyTable('carto');
      INSERT INTO carto (name, the_geom) SELECT txt, the_geom FROM kinds; CREATE VIEW numberless AS SELECT name, the_geom FROM carto`);
    for (const table of ["carto", "numberless"]) {
      const { sources, warnings } = await detailOf([new Layer(table, { label: "name" })]);
      expect(warnings).toEqual([]);
      const { layer0 } = await tileOf(sources.get(0)!.urlTemplate);
      const { rows } = await server.sql(
        `SELECT DISTINCT left(name, 1001) AS name FROM carto WHERE name IS NOT NULL`,
      );
      expect(new Set(layer0!.features.map(({ properties }) => properties.c0)).size).toBe(rows.length + 1);
      const { template } = (await (
        await server.ask(new URL(sources.get(0)!.urlTemplate).pathname.split("/all/")[0]!)
      ).json()) as { template: unknown };
      expect(JSON.stringify(template).includes("webmercator")).toBe(table === "carto");
    }
  });
});

describe("the named map", () => {
  const layer = () => new Layer("kinds", { color: "txt", tooltip: "whole" });
  const names = async () =>
    ((await (await server.ask("/api/v1/map/named")).json()) as { template_ids: string[] }).template_ids;
  const templateOf = (urlTemplate: string) => new URL(urlTemplate).pathname.split("/all/")[0]!;

  test("is shared by all layers, and reused when the cell runs again", async () => {
    const layers = [layer(), new QueryLayer("SELECT * FROM other", { label: "secret" })];
    const first = await detailOf(layers);
    const before = await names();
    expect([...first.sources.keys()]).toEqual([0, 1]);
    expect(new Set([...first.sources.values()].map(({ urlTemplate }) => urlTemplate)).size).toBe(1);
    expect(first.sources.get(1)).toMatchObject({ layer: "layer1", formats: {} });
    const again = await detailOf(layers);
    expect(again.sources).toEqual(first.sources);
    expect(await names()).toEqual(before);
    const tile = await tileOf(first.sources.get(0)!.urlTemplate);
    expect(Object.keys(tile)).toEqual(["layer0", "layer1"]);
    expect(tile.layer1!.features.map(({ properties }) => properties)).toEqual([
      { cartodb_id: 1, c0: "secret" },
    ]);
  });

  test("asks a CARTO server to aggregate where it can", async () => {
    await server.sql(`CREATE TABLE thinned (name text, the_geom geometry); SELECT CDB_CartodbfyTable('thinned');
      INSERT INTO thinned (name, the_geom) VALUES ('a', 'SRID=4326;POINT(1 1)')`);
    const { baseUrl, user, key } = server;
    const account = new Transport(
      fixedSource({ kind: "account", baseUrl, user, apiKey: key, label: "an account" }),
    );
    const layers = [
      new Layer("thinned", { tooltip: "name" }),
      new QueryLayer("SELECT * FROM thinned"),
      new Layer("thinned", { as: "hexbin", value: { avg: "cartodb_id" } }),
    ];
    const { sources, warnings } = await detailOf(layers, account);
    expect(warnings).toEqual([]);
    const { urlTemplate } = sources.get(0)!;
    const { template } = (await (await server.ask(templateOf(urlTemplate))).json()) as {
      template: { layergroup: { layers: { options: unknown }[] } };
    };
    expect(template.layergroup.layers.map(({ options }) => options)).toMatchObject([
      { geom_column: "the_geom_webmercator", srid: 3857, aggregation: { resolution: 1 } },
      { geom_column: "the_geom", srid: 4326, aggregation: false },
      {
        sql: expect.stringContaining("WHERE ST_Dimension(the_geom_webmercator) = 0 AND abs(c0)"),
        aggregation: {
          placement: "centroid",
          threshold: 1,
          columns: { c0: { aggregate_function: "avg", aggregated_column: "c0" } },
        },
      },
    ]);
    const tile = await tileOf(urlTemplate);
    expect([tile.layer0, tile.layer1, tile.layer2].map((layer) => layer!.features[0]!.properties)).toEqual([
      { cartodb_id: 1, c0: "a" },
      { cartodb_id: 1 },
      { cartodb_id: 1, c0: 1, _cdb_feature_count: 1 },
    ]);
  });

  test("cells count points with a finite value only, also if rows have other geometries", async () => {
    const source = `SELECT i AS cartodb_id, CASE WHEN i = 3 THEN 'Infinity'::float8 ELSE i END AS v,
      CASE WHEN i = 5 THEN ST_Buffer(p, 0.001) ELSE p END AS the_geom
      FROM (SELECT i, ST_SetSRID(ST_MakePoint(1, 1), 4326) AS p FROM generate_series(1, 100) AS i) AS q`;
    const { sources, warnings } = await detailOf([
      new QueryLayer(source, { as: "hexbin", value: { sum: "v" } }),
    ]);
    expect(warnings).toEqual([]);
    const { urlTemplate, layer: name } = sources.get(0)!;
    const { features } = (await tileOf(urlTemplate))[name]!;
    expect(features.map(({ properties }) => [properties.c0, properties._cdb_feature_count])).toEqual([
      [5042, 98],
    ]);
  });

  test("takes another name if the name belongs to another map or an open one", async () => {
    const { sources } = await detailOf([new Layer("kinds", { color: "ok" })]);
    const path = templateOf(sources.get(0)!.urlTemplate);
    const { template } = (await (await server.ask(path)).json()) as { template: Record<string, unknown> };
    for (const change of [
      { auth: { method: "open" } },
      { layergroup: { version: "1.8.0", layers: [{ options: { sql: "SELECT 1" } }] } },
    ]) {
      const put = await server.ask(path, json({ ...template, ...change }, "PUT"));
      expect(put.status).toBe(200);
      const other = await detailOf([new Layer("kinds", { color: "ok" })]);
      expect(templateOf(other.sources.get(0)!.urlTemplate)).toBe(`${path}_2`);
      expect((await tileOf(other.sources.get(0)!.urlTemplate)).layer0!.features.length).toBeGreaterThan(200);
    }
  });

  test("grants its token access to these columns only", async () => {
    const { sources } = await detailOf([layer()]);
    const { urlTemplate } = sources.get(0)!;
    expect(urlTemplate).toMatch(
      /\/api\/v1\/map\/named\/cartoframes_[0-9a-f]{16}\/all\/\{z\}\/\{x\}\/\{y\}\.mvt\?auth_token=[0-9a-f]{32}$/,
    );
    expect(urlTemplate).not.toContain(server.key);
    const { layer0 } = await tileOf(urlTemplate);
    const attributes = new Set(layer0!.features.flatMap(({ properties }) => Object.keys(properties)));
    expect([...attributes].sort()).toEqual(["c0", "cartodb_id", "k"]);
    const token = new URL(urlTemplate).searchParams.get("auth_token")!;
    const path = templateOf(urlTemplate);
    const asked = async (url: string, init?: RequestInit) => (await fetch(server.baseUrl + url, init)).status;
    expect(await asked(`${path}/all/0/0/0.mvt`)).toBe(403);
    expect(await asked(`${path}?auth_token=${token}`)).toBe(403);
    expect(await asked(`/api/v1/map/named?auth_token=${token}`)).toBe(403);
    for (const parameter of ["auth_token", "api_key"])
      expect(await asked(`/api/v2/sql?q=SELECT+*+FROM+other&${parameter}=${token}`)).toBeGreaterThanOrEqual(
        401,
      );
    const config = encodeURIComponent(
      JSON.stringify({ layers: [{ options: { sql: "SELECT * FROM other" } }] }),
    );
    const withOther = await tileOf(`${urlTemplate}&config=${config}`);
    expect(JSON.stringify(withOther)).not.toContain("secret");
  });
});

describe("without a named map, the page shows an overview and a warning gives the reason", () => {
  const layers = () => [new Layer("kinds", { color: "txt" }), new QueryLayer("SELECT * FROM other")];

  test("default_public, which cannot read the table", async () => {
    const { sources, warnings } = await detailOf(layers(), transportWith("default_public"));
    expect([sources.size, warnings]).toEqual([
      0,
      [expect.stringMatching(/permission denied for table kinds\.$/)],
    ]);
  });

  test.skipIf(defaultEngine() === "postgres")("a key that can read the tables", async () => {
    const key = await regularKey();
    const { sources, warnings } = await detailOf(layers(), transportWith(key));
    expect(sources.size).toBe(0);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The map shows only an overview of "kinds", "SELECT * FROM other", at every zoom, because the named map for its detail could not be created. The API key has no permission for this (Forbidden). Creating a named map requires the account's master key.",
      ]
    `);
    expect(warnings[0]).not.toContain(key);
  });

  test("a query with a duplicate column", async () => {
    const twice = "SELECT a.*, b.secret FROM other a JOIN other b USING (the_geom)";
    const { sources, warnings } = await detailOf([new QueryLayer(twice, { label: "secret" })]);
    const why =
      /overview of "SELECT a\.\*.*, at every zoom, because .*\. column reference "secret" is ambiguous\.$/;
    expect([sources.size, warnings]).toEqual([0, [expect.stringMatching(why)]]);
  });

  test("a frame needs no tiles and no warning", async () => {
    const resolved = await resolveLayers(transport, layers(), { progress });
    const { scene, tileColumns } = buildScene({ layers: resolved });
    const options = {
      scene,
      layers: resolved,
      tileColumns: tileColumns.map(() => undefined),
      reduced: [0, 1],
      bufferPx: 4,
    };
    expect(await detailSources(transport, options)).toEqual({ sources: new Map(), warnings: [] });
  });

  test("an interrupted cell rejects", async () => {
    const resolved = await resolveLayers(transport, layers(), { progress });
    const { scene, tileColumns } = buildScene({ layers: resolved, projection: "mercator" });
    const signal = AbortSignal.abort(new Error("stopped"));
    const options = { scene, layers: resolved, tileColumns, reduced: [0], bufferPx: 4, signal };
    await expect(detailSources(transport, options)).rejects.toThrow("stopped");
  });

  async function regularKey(): Promise<string> {
    const grants = [
      { type: "apis", apis: ["sql", "maps"] },
      {
        type: "database",
        tables: ["kinds", "other"].map((name) => ({ schema: "public", name, permissions: ["select"] })),
      },
    ];
    const response = await server.ask("/api/v3/api_keys", json({ name: "reader", grants }));
    return ((await response.json()) as { token: string }).token;
  }
});

describe("selected rows of a table or query", () => {
  /** What a page reports: everything in a box of world units. */
  const reportOf = (box: readonly [number, number, number, number], filters: readonly object[] = []) => {
    const [west, north, east, south] = box;
    const rings = [[west, north, east, north, east, south, west, south]];
    return JSON.stringify({ filters, selection: { rings, features: [] } });
  };
  const selected = async (layer: Layer | QueryLayer, json: string) => {
    const widgets = [widget.category("txt"), widget.histogram("small", { bins: 7 })];
    const map = await makeMap(transport, { layers: layer, widgets, isPicture: false, progress });
    return map.selection({ json });
  };
  const numberOf = (where: string) => server.sql(`SELECT cartodb_id FROM kinds WHERE ${where} ORDER BY 1`);

  test("have all columns, and are those that pass the filters", async () => {
    const json = reportOf(
      [0, 0, 0.5, 1],
      [
        { layer: "kinds", column: "txt", values: ["elm", HOSTILE] },
        { layer: "kinds", column: "small", from: -2, to: 2 },
      ],
    );
    const rows = await selected(new Layer("kinds"), json);
    const { rows: expected } = await numberOf(
      `ST_X(the_geom) <= 0 AND txt IN ('elm', '${HOSTILE.replaceAll("'", "''").replaceAll("\\", "\\")}') AND small >= -2 AND small < 2`,
    );
    expect(rows.column("cartodb_id").values).toEqual(expected.map(({ cartodb_id }) => cartodb_id));
    expect(rows.shape[0]).toBeGreaterThan(3);
    expect(rows.columns).toContain("docb");
    const query = new QueryLayer("SELECT * FROM kinds", { name: "kinds" });
    expect((await selected(query, json)).column("cartodb_id").values).toEqual(
      rows.column("cartodb_id").values,
    );
  });

  test("are none if nothing is selected", async () => {
    expect((await selected(new Layer("kinds"), "{}")).shape[0]).toBe(0);
  });

  test("of a query without cartodb_id are found by their areas; single ones need it", async () => {
    const query = new QueryLayer("SELECT txt, small, f, the_geom FROM kinds", { name: "kinds" });
    const map = await makeMap(transport, {
      layers: query,
      widgets: [widget.histogram("small", { bins: 7 })],
      projection: "mercator",
      isPicture: false,
      progress,
    });
    const filters = [{ layer: "kinds", column: "small", from: -2, to: 2 }];
    // across the antimeridian, from 0° E to 90° W
    const json = reportOf([0.5, 0, 1.25, 1], filters);
    const { rows } = await server.sql(
      "SELECT f FROM kinds WHERE small >= -2 AND small < 2 AND (ST_X(the_geom) >= 0 OR ST_X(the_geom) <= -90) ORDER BY 1",
    );
    expect(rows.length).toBeGreaterThan(20);
    expect((await map.selection({ json })).shape).toEqual([rows.length, 4]);
    const single = JSON.stringify({ selection: { rings: [], features: [{ layer: 0, feature: 0 }] } });
    await expect(map.selection({ json: single })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: The selected rows of layer "kinds" cannot be fetched: its query has no whole number called cartodb_id. Add it to the query, select only areas, or filter by map.where().]`,
    );
  });
});
