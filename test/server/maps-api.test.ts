import { stat } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultEngine } from "../support/engine";
import { type DecodedFeature, decodeMvt } from "../support/mvt";
import { startTestServer, type TestServer } from "../support/server";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const answer = await server.sql(`
    CREATE TABLE places (cartodb_id int PRIMARY KEY, name text, n numeric, big int8, ok bool, day date, the_geom geometry(Geometry, 4326), the_geom_webmercator geometry(Geometry, 3857));
    INSERT INTO places (cartodb_id, name, n, big, ok, day, the_geom) VALUES
      (1, 'Madrid', 1.5, 9007199254740993, true, '2020-01-02', 'SRID=4326;POINT(-3.7 40.4)'),
      (2, 'é "quoted"', NULL, -5, false, NULL, 'SRID=4326;POINT(151.2 -33.9)'),
      (3, 'nowhere', 3, 0, NULL, NULL, NULL),
      (4, 'empty', 4, 0, NULL, NULL, 'SRID=4326;POINT EMPTY');
    UPDATE places SET the_geom_webmercator = ST_Transform(the_geom, 3857);
    CREATE TABLE secret (cartodb_id int, the_geom_webmercator geometry(Point, 3857));
    INSERT INTO secret VALUES (1, ST_SetSRID(ST_MakePoint(0, 0), 3857)), (2, ST_SetSRID(ST_MakePoint(1e6, 1e6), 3857))`);
  if (answer.error) throw new Error(answer.error[0]);
});
afterAll(() => server?.close());

interface LayerOptions {
  readonly [name: string]: unknown;
}

/** The tile of layers that are queries of one geometry column `g`, or have options of their own. */
async function tileOf(
  [z, x, y]: readonly [number, number, number],
  options: LayerOptions | string,
  config: object = {},
) {
  const layer = typeof options === "string" ? { sql: options, geom_column: "g" } : options;
  const made = await post("/api/v1/map", { version: "1.8.0", layers: [{ options: layer }], ...config });
  expect(made.body, JSON.stringify(made.body)).toHaveProperty("layergroupid");
  const response = await server.ask(`/api/v1/map/${made.body.layergroupid}/${z}/${x}/${y}.mvt`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([200, 204], Buffer.from(bytes).toString().slice(0, 500)).toContain(response.status);
  return { status: response.status, bytes, features: decodeMvt(bytes).layer0?.features ?? [] };
}

async function post(path: string, body: unknown, init: Parameters<TestServer["ask"]>[1] = {}) {
  const response = await server.ask(path, {
    method: "POST",
    body: JSON.stringify(body),
    ...init,
    headers: { "Content-Type": "application/json", ...(init.headers as object) },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
}

/** Where the projection puts a place in a tile of 4096 units. */
function unitsOf([lng, lat]: readonly [number, number], [z, x, y]: readonly [number, number, number]) {
  const sin = Math.sin((lat * Math.PI) / 180);
  const across = (lng / 360 + 0.5) * 2 ** z - x;
  const down = (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * 2 ** z - y;
  return [Math.round(across * 4096), Math.round(down * 4096)] as const;
}

function areaOf({ parts }: DecodedFeature): number {
  let area = 0;
  for (const ring of parts)
    for (let i = 1; i < ring.length; i++)
      area += (ring[i - 1]![0] * ring[i]![1] - ring[i]![0] * ring[i - 1]![1]) / 2;
  return area;
}

/** As the detail of a page's overview is asked for, thinned even where rows are few. */
const DETAIL = { vector_extent: 1024, aggregation: { resolution: 0.5, threshold: 1 } };

const inside = ({ parts }: DecodedFeature) =>
  parts.flat().filter(([x, y]) => x >= 0 && x <= 4096 && y >= 0 && y <= 4096);

describe("an anonymous map", () => {
  test("tells where its tiles are, and they hold the columns", async () => {
    const { status, headers, body } = await post("/user/local/api/v1/map", {
      version: "1.8.0",
      layers: [
        { type: "mapnik", id: "towns", options: { sql: "SELECT * FROM places", dates_as_numbers: true } },
      ],
    });
    expect(status).toBe(200);
    expect(body.layergroupid).toMatch(/^[0-9a-f]{32}:\d+$/);
    expect(headers.get("x-layergroup-id")).toBe(body.layergroupid);
    expect(body.metadata.layers).toMatchObject([
      { type: "mapnik", id: "towns", meta: { aggregation: { mvt: false } } },
    ]);
    const url = body.metadata.url.vector.urlTemplate;
    expect(url).toBe(
      `${server.baseUrl.replace(/\/user\/local\/?$/, "")}/user/local/api/v1/map/${body.layergroupid}/{z}/{x}/{y}.mvt`,
    );
    const response = await server.ask(`/api/v1/map/${body.layergroupid}/towns/0/0/0.mvt`);
    expect(response.headers.get("content-type")).toBe("application/x-protobuf");
    const { towns } = decodeMvt(new Uint8Array(await response.arrayBuffer()));
    expect(towns!.extent).toBe(4096);
    const shown = towns!.features.filter((feature) => inside(feature).length > 0);
    expect(shown.map(({ properties }) => properties)).toEqual([
      { cartodb_id: 1, name: "Madrid", n: 1.5, big: 9007199254740992, ok: true, day: 1577923200 },
      { cartodb_id: 2, name: 'é "quoted"', big: -5, ok: false },
    ]);
    expect(shown.map(({ parts }) => parts[0]![0])).toEqual([
      unitsOf([-3.7, 40.4], [0, 0, 0]),
      unitsOf([151.2, -33.9], [0, 0, 0]),
    ]);
  });

  test.each([
    ["the index", "0"],
    ["the type", "mapnik"],
    ["all", "all"],
    ["ids", "layer1,layer0"],
  ])("its layers by %s", async (_name, filter) => {
    const options = { sql: "SELECT * FROM places" };
    const { body } = await post("/api/v1/map", { version: "1.0.1", layers: [{ options }, { options }] });
    const response = await server.ask(`/api/v1/map/${body.layergroupid}/${filter}/0/0/0.mvt`);
    expect(Object.keys(decodeMvt(new Uint8Array(await response.arrayBuffer())))).toEqual(
      filter === "0" ? ["layer0"] : ["layer0", "layer1"],
    );
  });

  test.each<[string, string, unknown, number, string | RegExp]>([
    ["no layers", "/api/v1/map", {}, 400, /Missing layers/],
    [
      "a version",
      "/api/v1/map",
      { version: "9.9.9", layers: [{ options: {} }] },
      400,
      "Unsupported layergroup configuration version 9.9.9",
    ],
    [
      "no options",
      "/api/v1/map",
      { layers: [{ type: "mapnik" }] },
      400,
      "Missing options from layer 0 of layergroup config",
    ],
    [
      "two statements",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT 1; DROP TABLE secret" } }] },
      400,
      /not one SELECT/,
    ],
    [
      "a write",
      "/api/v1/map",
      { layers: [{ options: { sql: "DELETE FROM secret RETURNING *" } }] },
      400,
      /not one SELECT/,
    ],
    [
      "an unknown column",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT nam FROM places" } }] },
      400,
      'column "nam" does not exist',
    ],
    [
      "no geometry",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT 1 AS a" } }] },
      400,
      'column "the_geom_webmercator" does not exist',
    ],
    [
      "dataviews",
      "/api/v1/map",
      { dataviews: { a: {} }, layers: [{ options: { sql: "SELECT * FROM places" } }] },
      400,
      "Maps with dataviews are not available on this server",
    ],
    [
      "an unknown table",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT * FROM nothing" } }] },
      404,
      'relation "nothing" does not exist',
    ],
    ["torque", "/api/v1/map", { layers: [{ type: "torque", options: { sql: "SELECT 1" } }] }, 400, /torque/],
    [
      "a resolution",
      "/api/v1/map",
      { layers: [{ options: { sql: "SELECT * FROM places", aggregation: { resolution: -1 } } }] },
      400,
      "Invalid resolution, should be a number greather than 0",
    ],
    [
      "extents",
      "/api/v1/map",
      {
        layers: [
          { options: { sql: "SELECT * FROM places", vector_extent: 512 } },
          { options: { sql: "SELECT * FROM places" } },
        ],
      },
      400,
      /^Multiple extent values in mapConfig/,
    ],
  ])("is refused for %s", async (_name, path, config, status, message) => {
    const answer = await post(path, config);
    expect([answer.status, answer.body.errors[0]]).toEqual([status, expect.stringMatching(message)]);
    expect(answer.body.errors_with_context[0]).toMatchObject({ message: answer.body.errors[0] });
  });

  test.each([
    ["nonsense/0/0/0.mvt", 400, /^Invalid or nonexistent map configuration token/],
    ["..%2F..%2Fserver/0/0/0.mvt", 400, /^Invalid or nonexistent/],
    [`${"0".repeat(32)}:0/0/0/0.mvt`, 400, /^Invalid or nonexistent/],
    ["TOKEN/a/0/0.mvt", 400, /^Invalid zoom value \(a\)/],
    ["TOKEN/0/x/0.mvt", 400, /^Invalid coodinate 'x' value/],
    ["TOKEN/0/0/-1.mvt", 400, /^Invalid coodinate 'y' value/],
    ["TOKEN/0/0/0.png", 400, /'cartocss' option is missing for png/],
    ["TOKEN/0/0/0/0.torque.json", 400, /^Unsupported format torque.json/],
    ["TOKEN/7/0/0/0.mvt", 400, /^Invalid layer filtering/],
    ["static/center/TOKEN/0/0/0/100/100.gif", 400, /^Unsupported image format "gif"/],
  ])("%s is refused", async (path, status, message) => {
    const { body } = await post("/api/v1/map", { layers: [{ options: { sql: "SELECT * FROM places" } }] });
    const response = await server.ask(`/api/v1/map/${path.replace("TOKEN", body.layergroupid)}`);
    const { errors } = (await response.json()) as { errors: string[] };
    expect([response.status, errors[0]]).toEqual([status, expect.stringMatching(message)]);
  });

  test("a key reads what it may read, and nobody else's map shows more", async () => {
    const config = { layers: [{ options: { sql: "SELECT * FROM secret" } }] };
    expect((await post("/api/v1/map", config, { key: null } as object)).status).toBe(403);
    const { body } = await post("/api/v1/map", config);
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    expect((await server.ask(path)).status).toBe(200);
    expect((await server.ask(path, { key: null })).status).toBe(403);
    expect((await server.ask(path, { key: "default_public" })).status).toBe(403);
    expect((await server.ask(path, { key: "nonsense" })).status).toBe(401);
  });

  test("an empty tile has no content", async () => {
    expect((await tileOf([5, 0, 16], { sql: "SELECT * FROM places" })).status).toBe(204);
  });

  test("attributes of one feature", async () => {
    const attributes = { id: "cartodb_id", columns: ["name", "day"] };
    const { body } = await post("/api/v1/map", {
      layers: [{ options: { sql: "SELECT * FROM places", attributes } }],
    });
    const base = `/api/v1/map/${body.layergroupid}/0/attributes`;
    expect(await (await server.ask(`${base}/1`)).json()).toEqual({ name: "Madrid", day: "2020-01-02" });
    const missing = await server.ask(`${base}/9`);
    expect([missing.status, ((await missing.json()) as { errors: string[] }).errors]).toEqual([
      404,
      ["Multiple features (0) identified by 'cartodb_id' = 9 in layer 0"],
    ]);
    expect((await server.ask(`${base}/${encodeURIComponent("1' OR true --")}`)).status).toBe(404);
  });
});

describe("geometry", () => {
  const at = (lng: number, lat: number) =>
    `SELECT 1 AS id, ST_SetSRID(ST_MakePoint(${lng}, ${lat}), 4326) AS g`;

  test("a point on an edge is in the buffers of both tiles", async () => {
    for (const [tile, expected] of [
      [
        [1, 0, 0],
        [4096, 2048],
      ],
      [
        [1, 1, 0],
        [0, 2048],
      ],
    ] as const) {
      const lat = (Math.atan(Math.sinh(Math.PI / 2)) * 180) / Math.PI;
      const { features } = await tileOf(tile, at(0, lat));
      expect(features.map(({ parts }) => parts[0]![0])).toEqual([expected]);
    }
  });

  test("the buffer is as wide as asked for", async () => {
    const x = (179 / 360) * 2 ** 1; // a degree from the middle, in the west
    expect(x).toBeLessThan(1);
    const near = await tileOf([1, 1, 0], at(-1, 40), { buffersize: { mvt: 1 } });
    const far = await tileOf([1, 1, 0], at(-1, 40), { buffersize: { mvt: 2 } });
    expect([near.status, far.status]).toEqual([204, 200]); // 1° is 1.42 pixels there
    expect(far.features[0]!.parts[0]![0]).toEqual(unitsOf([-1, 40], [1, 1, 0]));
  });

  test.each<[string, number, [number, number, number], [number, number]]>([
    ["in the east seen from the west", 179.9, [4, 0, 7], [-0.1, 10]],
    ["in the west seen from the east", -179.9, [4, 15, 7], [0.1, 10]],
    ["beyond it", 190, [4, 0, 7], [10, 10]],
    ["beyond it the other way", -190, [4, 15, 7], [-10, 10]],
  ])("a point at the antimeridian, %s", async (_name, lng, tile, [east]) => {
    const { features } = await tileOf(tile, at(lng, 10));
    const from = tile[1] === 0 ? -180 : 180;
    expect(features.map(({ parts }) => parts[0]![0])).toEqual([unitsOf([from + east, 10], tile)]);
    const thinned = await tileOf(tile, { sql: at(lng, 10), geom_column: "g", ...DETAIL });
    const [x, y] = unitsOf([from + east, 10], tile);
    expect(thinned.features.map(({ parts }) => parts[0]![0])).toEqual([
      [expect.closeTo(x / 4, -0.5), expect.closeTo(y / 4, -0.5)],
    ]);
  });

  test("a line over the antimeridian goes through both tiles, whichever way its numbers count", async () => {
    for (const wkt of ["LINESTRING(170 10,190 10)", "LINESTRING(-190 10,-170 10)"]) {
      for (const config of [{}, DETAIL]) {
        const sql = `SELECT 'SRID=4326;${wkt}'::geometry AS g`;
        for (const [x, from, to] of [
          [15, 170, 180],
          [0, -180, -170],
        ] as const) {
          const { features } = await tileOf([4, x, 7], { sql, geom_column: "g", ...config });
          const units = config === DETAIL ? 4 : 1;
          const xs = features.flatMap(({ parts }) => parts.flat().map(([px]) => px * units));
          const [west, east] = [from, to].map((lng) => unitsOf([lng, 10], [4, x, 7])[0]);
          const beyond = x === 15 ? 1024 : 0; // the buffer
          expect(Math.abs(Math.max(...xs) - east! - beyond), wkt).toBeLessThanOrEqual(units);
          expect(Math.abs(Math.min(...xs) - west! + 1024 - beyond), wkt).toBeLessThanOrEqual(units);
        }
      }
    }
  });

  test("a polygon over the antimeridian is on both sides of it", async () => {
    const sql = "SELECT 'SRID=4326;POLYGON((170 0,190 0,190 20,170 20,170 0))'::geometry AS g";
    for (const tile of [
      [4, 15, 7],
      [4, 0, 7],
    ] as const) {
      const { features } = await tileOf(tile, sql, { buffersize: { mvt: 0 } });
      const [west, east] = tile[1] === 0 ? [-180, -170] : [170, 180];
      const [left] = unitsOf([west!, 10], tile);
      const [right, bottom] = unitsOf([east!, 0], tile);
      const height = bottom - Math.max(unitsOf([0, 20], tile)[1], 0);
      expect(features).toHaveLength(1);
      expect(Math.abs(areaOf(features[0]!) - (right - left) * height)).toBeLessThan(4096 * 20);
    }
  });

  test.each<[number, number]>([
    [90, 0],
    [-90, 4096],
    [95, 0],
    [88.5, 0],
  ])("a point at latitude %d is at the edge of the world", async (lat, y) => {
    for (const sql of [at(20, lat), `SELECT cdb_transformtowebmercator(g) AS g FROM (${at(20, lat)}) t`]) {
      if (sql.includes("cdb") && Math.abs(lat) > 88.9) continue; // the function cuts there
      const { features } = await tileOf([0, 0, 0], sql);
      expect(features.flatMap(inside), sql).toEqual([[unitsOf([20, 0], [0, 0, 0])[0], y]]);
    }
  });

  test("a polygon to the pole ends at the edge of the world and its buffer", async () => {
    const { features } = await tileOf(
      [2, 1, 3],
      "SELECT 'SRID=4326;POLYGON((-180 -90,180 -90,180 -70,-180 -70,-180 -90))'::geometry AS g",
    );
    const ys = features[0]!.parts.flat().map(([, y]) => y);
    expect([Math.min(...ys), Math.max(...ys)]).toEqual([unitsOf([0, -70], [2, 1, 3])[1], 4096 + 1024]);
  });

  test.each<[string, string, number[]]>([
    [
      "a collection",
      "GEOMETRYCOLLECTION(POINT(10 10),LINESTRING(10 10,40 40),POLYGON((0 0,20 0,20 20,0 0)))",
      [1, 2, 3],
    ],
    ["an empty collection", "GEOMETRYCOLLECTION EMPTY", []],
    ["a nested collection", "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT EMPTY),MULTIPOINT(1 1,2 2))", [1]],
    ["many points", "MULTIPOINT(10 10,20 20)", [1]],
    ["many lines", "MULTILINESTRING((0 0,10 10),(20 20,30 10))", [2]],
    ["many polygons", "MULTIPOLYGON(((0 0,20 0,20 20,0 0)),((30 0,50 0,50 20,30 0)))", [3]],
    ["Z and M", "POLYGON ZM((0 0 1 2,20 0 3 4,20 20 5 6,0 0 1 2))", [3]],
    ["a point with Z", "POINT Z(1 2 3)", [1]],
    ["a bow tie", "POLYGON((0 0,20 20,20 0,0 20,0 0))", [3]],
    ["a line of one place", "LINESTRING(3 3,3 3)", [2]],
    ["a polygon of one place", "POLYGON((3 3,3 3,3 3,3 3))", [3]],
    ["a tiny polygon", "POLYGON((3 3,3.0001 3,3.0001 3.0001,3 3))", [3]],
    ["a hairline polygon", "POLYGON((0 0,40 30,40 30.0001,0 0.0001,0 0))", [3]],
    ["a curve", "CIRCULARSTRING(0 0,10 10,20 0)", [2]],
    ["a round polygon", "CURVEPOLYGON(CIRCULARSTRING(0 0,10 10,20 0,10 -10,0 0))", [3]],
    ["triangles", "TIN(((0 0 0,0 20 1,20 0 0,0 0 0)))", [3]],
    ["a surface", "POLYHEDRALSURFACE(((0 0 0,0 20 1,20 0 0,0 0 0)))", [3]],
  ])("%s", async (_name, wkt, types) => {
    for (const config of [{}, { vector_extent: 4096 }, DETAIL]) {
      const cell = config === DETAIL ? 2 : 16;
      const sql = `SELECT ST_GeomFromText('${wkt}', 4326) AS g`;
      const { features } = await tileOf([1, 1, 0], { sql, geom_column: "g", ...config });
      expect(features.map(({ type }) => type).sort()).toEqual(types);
      for (const feature of features) {
        if (feature.type === 3) expect(areaOf(feature)).toBeGreaterThanOrEqual(cell * cell);
        if (feature.type === 2) expect(new Set(feature.parts[0]!.map(String)).size).toBeGreaterThan(1);
      }
    }
  });

  test("a bow tie has the area of its two wings, a hole is a hole", async () => {
    const area = async (wkt: string) =>
      areaOf((await tileOf([1, 1, 0], `SELECT ST_GeomFromText('${wkt}', 3857) AS g`)).features[0]!);
    const unit = 20037508.342789244 / 4096;
    expect((await area("POLYGON((0 0,8e6 8e6,8e6 0,0 8e6,0 0))")) * unit ** 2).toBeCloseTo(32e12, -11.5);
    expect(
      (await area(
        "POLYGON((1e6 1e6,9e6 1e6,9e6 9e6,1e6 9e6,1e6 1e6),(2e6 2e6,2e6 8e6,8e6 8e6,8e6 2e6,2e6 2e6))",
      )) *
        unit ** 2,
    ).toBeCloseTo(28e12, -11.5);
  });

  test.each([
    ["stored without saying its SRID", "SELECT ST_SetSRID(the_geom, 0) AS g FROM places", { srid: 4326 }],
    ["UTM", "SELECT ST_Transform(the_geom, 32630) AS g FROM places WHERE cartodb_id = 1", {}],
    ["polar", "SELECT ST_Transform(the_geom, 3035) AS g FROM places WHERE cartodb_id = 1", {}],
    ["other degrees", "SELECT ST_Transform(the_geom, 4258) AS g FROM places WHERE cartodb_id = 1", {}],
  ])("%s", async (_name, sql, options) => {
    for (const tile of [
      [0, 0, 0],
      [8, 125, 96],
    ] as const) {
      const [x, y] = unitsOf([-3.7, 40.4], tile);
      for (const config of [{}, DETAIL]) {
        const { features } = await tileOf(tile, { sql, geom_column: "g", ...options, ...config });
        const units = config === DETAIL ? 4 : 1;
        const shown = features.flatMap(inside).map(([px, py]) => [px * units, py * units] as const);
        expect(
          shown.some(([px, py]) => Math.abs(px - x) <= units && Math.abs(py - y) <= units),
          String(shown),
        ).toBe(true);
      }
    }
  });

  test("a projection over the antimeridian stays in one piece", async () => {
    const sql =
      "SELECT ST_Transform(ST_ShiftLongitude('SRID=4326;POLYGON((178 -18,182 -18,182 -16,178 -16,178 -18))'::geometry), 3460) AS g";
    const { features } = await tileOf([4, 15, 8], sql, { buffersize: { mvt: 0 } });
    const xs = features.flatMap(({ parts }) => parts.flat().map(([x]) => x));
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([
      expect.closeTo(unitsOf([178, 0], [4, 15, 8])[0], -1),
      4096,
    ]);
  });

  test("clipped and generalised polygons cover what PostGIS' intersection covers", async () => {
    await server.sql(`CREATE TABLE blobs AS
      SELECT i AS cartodb_id, ST_Buffer(ST_SetSRID(ST_MakePoint((i * 7919 % 1000 - 500) * 3e4, (i * 104729 % 1000 - 500) * 3e4), 3857), 2e5 + i * 5e4, 16) AS the_geom_webmercator
      FROM generate_series(1, 60) AS i`);
    for (const [z, x, y] of [
      [0, 0, 0],
      [2, 1, 1],
      [3, 5, 3],
      [5, 16, 15],
    ] as const) {
      const { features } = await tileOf(
        [z, x, y],
        { sql: "SELECT * FROM blobs" },
        { buffersize: { mvt: 0 } },
      );
      const { rows } = await server.sql(`
        SELECT cartodb_id, ST_Area(ST_Intersection(the_geom_webmercator, e)) / ST_Area(e) * 4096 * 4096 AS area, ST_Perimeter(ST_Intersection(the_geom_webmercator, e)) / ST_Perimeter(e) * 4 * 4096 AS around
        FROM blobs, ST_TileEnvelope(${z}, ${x}, ${y}) AS e WHERE ST_Area(ST_Intersection(the_geom_webmercator, e)) > 0 ORDER BY 1`);
      const areas = new Map(features.map((feature) => [feature.properties.cartodb_id, areaOf(feature)]));
      for (const { cartodb_id, area, around } of rows as {
        cartodb_id: number;
        area: number;
        around: number;
      }[]) {
        const difference = Math.abs((areas.get(cartodb_id) ?? 0) - area);
        expect(
          difference,
          `${z}/${x}/${y} ${cartodb_id}: ${areas.get(cartodb_id)} ${area}`,
        ).toBeLessThanOrEqual(around * 8 + 256); // half a pixel
      }
    }
  });

  test("neighbouring tiles have the same corners where both of them show a polygon", async () => {
    const sql = `SELECT i AS cartodb_id, ST_Buffer(ST_SetSRID(ST_MakePoint(sin(i) * 4e5, i * 3.1e4), 3857), 2.5e5, 5) AS g FROM generate_series(-30, 30) AS i`;
    const bufferPx = 24;
    const config = { buffersize: { mvt: bufferPx } };
    const layer = { sql, geom_column: "g", ...DETAIL };
    // of corners on the border of the buffer nobody knows whether they are any
    const reach = bufferPx * 4 - 1;
    const cornersOf = async (x: number, at: number) => {
      const { features } = await tileOf([5, x, 15], layer, config);
      return features.map(
        ({ properties, parts }) =>
          [
            properties.cartodb_id,
            parts
              .flat()
              .filter(([px, py]) => Math.abs(px - at) < reach && py > -reach && py < 1024 + reach)
              .map(([px, py]) => `${px - at} ${py}`)
              .sort(),
          ] as const,
      );
    };
    const west = new Map(await cornersOf(15, 1024));
    const east = new Map((await cornersOf(16, 0)).filter(([, corners]) => corners.length > 0));
    expect(east.size).toBeGreaterThan(20);
    for (const [id, corners] of east) expect([id, west.get(id)]).toEqual([id, corners]);
  });

  test("borders stay shared where the grid is asked to be the only generalisation", async () => {
    const sql = `SELECT i, ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[
      ST_MakePoint(i * 1e5, 0), ST_MakePoint(i * 1e5 + 7e4, 5e5), ST_MakePoint(i * 1e5 + 3e4, 1e6), ST_MakePoint((i + 1) * 1e5 + 3e4, 1e6),
      ST_MakePoint((i + 1) * 1e5 + 7e4, 5e5), ST_MakePoint((i + 1) * 1e5, 0), ST_MakePoint(i * 1e5, 0)])), 3857) AS g FROM generate_series(0, 9) AS i`;
    const { features } = await tileOf([1, 1, 0], { sql, geom_column: "g", vector_extent: 1024 });
    const all = features.reduce((sum, feature) => sum + areaOf(feature), 0);
    const unit = 20037508.342789244 / 1024;
    expect(features).toHaveLength(10);
    const [width, height] = [Math.round(1e6 / unit), Math.round(1e6 / unit)];
    expect(Math.abs(all - width * height)).toBeLessThan(height); // no slivers, no overlaps: only the outline is rounded
  });
});

describe("large tables", () => {
  beforeAll(async () => {
    await server.sql(`
      CREATE TABLE million AS SELECT i AS cartodb_id, 'kind ' || i % 7 AS kind, i % 100 AS n,
        ST_SetSRID(ST_MakePoint((((i::int8 * 7919) % 1000003) / 1000003.0 - 0.5) * 4e7, (((i::int8 * 104729) % 999983) / 999983.0 - 0.5) * (i % 10) * 4e6), 3857)::geometry(Point, 3857) AS the_geom_webmercator
      FROM generate_series(1, 1000000) AS i`);
  });

  const CELL = `floor(ST_X(the_geom_webmercator) / (40075016.685578488 / 256))`;
  const ROW = `floor(ST_Y(the_geom_webmercator) / (40075016.685578488 / 256))`;

  test("1,000,000 points: a small tile paints every pixel that they paint", async () => {
    const { bytes, features } = await tileOf([0, 0, 0], {
      sql: "SELECT cartodb_id, the_geom_webmercator FROM million",
    });
    const { rows } = await server.sql(
      `SELECT ${CELL} AS x, ${ROW} AS y, min(cartodb_id) AS id, count(*) AS n FROM million GROUP BY 1, 2`,
    );
    const painted = new Map<string, DecodedFeature>();
    for (const feature of features) {
      const [x, y] = feature.parts[0]![0]!;
      if (x < 0 || x > 4096 || y < 0 || y > 4096) continue;
      painted.set(String(feature.properties.cartodb_id), feature);
    }
    expect(rows.length).toBeGreaterThan(20_000);
    let total = 0;
    for (const { x, y, id, n } of rows as Record<string, number>[]) {
      const feature = painted.get(String(id));
      expect(feature, `cell ${x}, ${y}`).toBeDefined();
      expect(feature!.properties._cdb_feature_count).toBe(n);
      const [ux, uy] = feature!.parts[0]![0]!;
      expect(Math.abs(ux / 16 - 128 - x! - 0.5)).toBeLessThanOrEqual(0.54);
      expect(Math.abs(128 - uy / 16 - y! - 0.5)).toBeLessThanOrEqual(0.54);
      total += n!;
    }
    expect(total).toBe(1_000_000);
    expect(bytes.length).toBeLessThan(2_500_000);
  });

  test("aggregation by columns, and none on demand", async () => {
    const aggregation = {
      placement: "centroid",
      columns: { total: { aggregate_function: "sum", aggregated_column: "n" } },
      dimensions: { kind: "kind" },
      resolution: 32,
      filters: { kind: [{ in: ["kind 1", "kind 2' OR true --"] }] },
    };
    const { features } = await tileOf(
      [0, 0, 0],
      { sql: "SELECT * FROM million", aggregation },
      { buffersize: { mvt: 0 } },
    );
    const sum = features.reduce((all, { properties }) => all + Number(properties.total), 0);
    const { rows } = await server.sql("SELECT sum(n) AS n FROM million WHERE kind = 'kind 1'");
    expect([sum, new Set(features.map(({ properties }) => properties.kind))]).toEqual([
      rows[0]!.n,
      new Set(["kind 1"]),
    ]);
    const sql = "SELECT * FROM million WHERE cartodb_id <= 300";
    const all = await tileOf([0, 0, 0], { sql, aggregation: false }, { buffersize: { mvt: 0 } });
    expect(all.features).toHaveLength(300);
  });

  test("rows without a number are thinned, too", async () => {
    const { features } = await tileOf(
      [0, 0, 0],
      { sql: "SELECT kind, the_geom_webmercator FROM million" },
      { buffersize: { mvt: 0 } },
    );
    const { rows } = await server.sql(
      `SELECT count(*) AS n FROM (SELECT FROM million GROUP BY ${CELL}, ${ROW}) AS cells`,
    );
    expect(features).toHaveLength(Number(rows[0]!.n));
  });

  test("rows are in the order of their numbers in each tile, whether they are thinned or not", async () => {
    for (const aggregation of [false, { threshold: 1 }]) {
      const { features } = await tileOf([3, 4, 3], {
        sql: "SELECT * FROM million WHERE cartodb_id % 50 = 0",
        aggregation,
      });
      const ids = features.map(({ properties }) => Number(properties.cartodb_id));
      expect(ids.length).toBeGreaterThan(100);
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
  });

  test("rows that share a number, or have none, are thinned by their places alone", async () => {
    for (const id of ["7", "NULL::int", "nullif(i % 3, 0)"]) {
      const sql = `SELECT ${id} AS cartodb_id, ST_SetSRID(ST_MakePoint((i % 40) * 1e5 + (i % 3), (i / 400) * 1e5), 3857) AS the_geom_webmercator FROM generate_series(0, 7999) AS i`;
      const { features } = await tileOf(
        [2, 2, 1],
        { sql, aggregation: { threshold: 1 } },
        { buffersize: { mvt: 0 } },
      );
      const { rows } = await server.sql(
        `SELECT count(DISTINCT floor(ST_X(g) / p)::text || ' ' || floor(ST_Y(g) / p)) AS n FROM (SELECT the_geom_webmercator AS g, 40075016.685578488 / 1024 AS p FROM (${sql}) AS t) AS t`,
      );
      const places = new Set(
        features.map(({ parts }) => String(parts[0]![0]!.map((unit) => Math.floor(unit / 16)))),
      );
      expect(rows[0]!.n).toBeGreaterThan(500);
      expect(places.size, id).toBe(rows[0]!.n);
      expect(features.length).toBeLessThanOrEqual(8000);
    }
  });

  test("a mesh of polygons smaller than a pixel covers what it covers", async () => {
    await server.sql(`CREATE TABLE mesh AS SELECT x * 1000 + y AS cartodb_id, ST_MakeEnvelope(x * 1.2e5, y * 1.1e5, (x + 1) * 1.2e5, (y + 1) * 1.1e5, 3857) AS the_geom_webmercator
      FROM generate_series(0, 149) AS x, generate_series(0, 149) AS y; ANALYZE mesh`);
    const aggregation = { threshold: 1000 };
    const { bytes, features } = await tileOf(
      [0, 0, 0],
      { sql: "SELECT * FROM mesh", aggregation },
      { buffersize: { mvt: 0 } },
    );
    const unit = 40075016.685578488 / 4096;
    const covered = features.reduce((sum, feature) => sum + areaOf(feature), 0);
    const whole = ((150 * 1.2e5) / unit) * ((150 * 1.1e5) / unit);
    expect(Math.abs(covered - whole) / whole).toBeLessThan(0.02); // a pixel around it
    expect(features.length).toBeLessThan(150 * 150);
    expect(bytes.length).toBeLessThan(600_000);
  });
});

describe("a named map", () => {
  const template = {
    version: "0.0.1",
    name: "secret_map",
    auth: { method: "token", valid_tokens: ["t0k3n"] },
    placeholders: {
      name: { type: "sql_literal", default: "Madrid" },
      column: { type: "sql_ident", default: "cartodb_id" },
      min: { type: "number", default: 0 },
      color: { type: "css_color", default: "#f00" },
    },
    layergroup: {
      version: "1.8.0",
      layers: [
        {
          options: {
            sql: `SELECT cartodb_id, '<%= name %>'::text AS "<%= column %> label", the_geom_webmercator FROM secret WHERE cartodb_id > <%= min %>`,
            cartocss: "#l { marker-fill: <%= color %>; }",
            cartocss_version: "2.1.1",
          },
        },
      ],
    },
  };
  beforeAll(async () => {
    expect(await post("/api/v1/map/named", template)).toMatchObject({
      status: 200,
      body: { template_id: "secret_map" },
    });
  });

  const instance = (parameters: object, query = "auth_token=t0k3n", key: string | null = null) =>
    post(`/api/v1/map/named/secret_map?${query}`, parameters, { key } as object);
  const tile = (path: string, init: Parameters<TestServer["ask"]>[1] = {}) =>
    server.ask(path, { key: null, ...init });

  test("is made, listed, shown, changed and deleted with the master key", async () => {
    expect((await post("/api/v1/map/named", template)).body.errors).toEqual([
      "Template 'secret_map' of user 'local' already exists",
    ]);
    const other = { ...template, name: "other" };
    expect((await post("/api/v1/map/named", other)).status).toBe(200);
    expect(await (await server.ask("/api/v1/map/named")).json()).toEqual({
      template_ids: ["secret_map", "other"],
    });
    expect(await (await server.ask("/api/v1/map/named/local@other")).json()).toEqual({ template: other });
    const changed = { ...other, auth: { method: "open" } };
    expect((await post("/api/v1/map/named/other", changed, { method: "PUT" })).body).toEqual({
      template_id: "other",
    });
    expect((await post("/api/v1/map/named/other", template, { method: "PUT" })).body.errors).toEqual([
      "Cannot update name of a map template ('other' != 'secret_map')",
    ]);
    expect((await server.ask("/api/v1/map/named/other", { method: "DELETE" })).status).toBe(204);
    expect((await server.ask("/api/v1/map/named/other", { method: "DELETE" })).status).toBe(404);
    expect((await server.ask("/api/v1/map/named/other")).status).toBe(404);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/secret_map"],
      ["DELETE", "/secret_map"],
    ] as const) {
      for (const key of [null, "default_public"]) {
        expect((await server.ask(`/api/v1/map/named${path}`, { method, key })).status).toBe(403);
      }
    }
    if (defaultEngine() === "postgres") return; // its home has another name
    expect((await stat(join(server.home, "named-maps.json"))).mode & 0o777).toBe(0o600);
  });

  test.each<[string, object, RegExp]>([
    ["a name", { name: "../x" }, /Invalid characters in template name/],
    ["a version", { version: "2" }, /version/],
    ["no default", { placeholders: { a: { type: "number" } } }, /^Missing default for placeholder 'a'$/],
    ["no type", { placeholders: { a: { default: 1 } } }, /^Missing type for placeholder 'a'$/],
    ["no tokens", { auth: { method: "token", valid_tokens: [] } }, /valid_tokens/],
    ["no layers", { layergroup: { layers: [] } }, /layers/],
  ])("is refused for %s", async (_name, change, message) => {
    const { status, body } = await post("/api/v1/map/named", { ...template, name: "wrong", ...change });
    expect([status, body.errors[0]]).toEqual([400, expect.stringMatching(message)]);
  });

  test("needs its token, for the map and for each tile", async () => {
    for (const query of ["", "auth_token=wrong", "auth_token=t0k3", "auth_token="]) {
      expect(await instance({}, query)).toMatchObject({
        status: 403,
        body: { errors: ["Unauthorized template instantiation"] },
      });
    }
    const { body } = await instance({});
    expect(body.layergroupid).toMatch(/^local@[0-9a-f]{8}@[0-9a-f]{32}:\d+$/);
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    expect((await tile(path)).status).toBe(403);
    expect((await tile(path, { key: server.key })).status).toBe(403);
    const shown = await tile(`${path}?auth_token=t0k3n`);
    expect(shown.status).toBe(200);
    const { layer0 } = decodeMvt(new Uint8Array(await shown.arrayBuffer()));
    expect(layer0!.features.map(({ properties }) => properties)).toEqual([
      { cartodb_id: 1, "cartodb_id label": "Madrid" },
      { cartodb_id: 2, "cartodb_id label": "Madrid" },
    ]);
    const anonymous = body.layergroupid.split("@").at(-1);
    expect((await tile(`/api/v1/map/${anonymous}/0/0/0.mvt`)).status).toBe(400);
  });

  test.each<[string, object, string | undefined, Record<string, unknown> | undefined]>([
    [
      "a quote",
      { name: "O'Hara'; DROP TABLE secret; --" },
      undefined,
      { "cartodb_id label": "O'Hara'; DROP TABLE secret; --" },
    ],
    ["a backslash", { name: "\\' OR 1=1 --" }, undefined, { "cartodb_id label": "\\' OR 1=1 --" }],
    ["another placeholder", { name: "<%= min %>" }, undefined, { "cartodb_id label": "<%= min %>" }],
    ["a replacement pattern", { name: "$&$'$1" }, undefined, { "cartodb_id label": "$&$'$1" }],
    ["a quoted name", { column: 'x" FROM places --' }, undefined, { 'x" FROM places -- label': "Madrid" }],
    [
      "no number",
      { min: "0 OR true" },
      "Invalid number value for template parameter 'min': 0 OR true",
      undefined,
    ],
    [
      "a fraction as a text",
      { min: "12.5" },
      "Invalid number value for template parameter 'min': 12.5",
      undefined,
    ],
    ["a list", { min: [1] }, "Invalid number value for template parameter 'min': [1]", undefined],
    [
      "a color",
      { color: "rgb(1,2,3)" },
      "Invalid css_color value for template parameter 'color': rgb(1,2,3)",
      undefined,
    ],
    ["a number", { min: "1e0" }, undefined, { cartodb_id: 2 }],
    ["an inherited name", { __proto__: null, constructor: "x" }, undefined, { cartodb_id: 1 }],
  ])("placeholders: %s", async (_name, parameters, error, properties) => {
    const { body } = await instance(parameters);
    if (error) return expect(body.errors).toEqual([error]);
    const response = await tile(`/api/v1/map/${body.layergroupid}/0/0/0.mvt?auth_token=t0k3n`);
    const { layer0 } = decodeMvt(new Uint8Array(await response.arrayBuffer()));
    expect(layer0!.features[0]!.properties).toMatchObject(properties!);
    expect((await server.sql("SELECT count(*) AS n FROM secret")).rows).toEqual([{ n: 2 }]);
  });

  test("tiles by the name alone, without instantiating", async () => {
    const config = encodeURIComponent(JSON.stringify({ min: 1 }));
    const response = await tile(
      `/api/v1/map/named/secret_map/all/0/0/0.mvt?auth_token=t0k3n&config=${config}`,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(decodeMvt(new Uint8Array(await response.arrayBuffer())).layer0!.features).toHaveLength(1);
    expect((await tile("/api/v1/map/named/secret_map/all/0/0/0.mvt")).status).toBe(403);
    expect((await tile("/api/v1/map/named/secret_map/all/0/0/0.mvt?auth_token=t0k3n&config={")).status).toBe(
      400,
    );
  });

  test("jsonp answers 200", async () => {
    const answer = async (path: string) => (await tile(`/api/v1/map/named/secret_map/jsonp?${path}`)).text();
    expect(await answer("callback=cb&auth_token=t0k3n")).toMatch(/cb\(\{"layergroupid":"local@/);
    expect(await answer("callback=cb")).toMatch(/cb\(\{"errors":\["Unauthorized/);
    expect((await tile("/api/v1/map/named/secret_map/jsonp?auth_token=t0k3n")).status).toBe(400);
  });

  test("a page of another site reads tiles with their token, and reaches nothing else", async () => {
    const { body } = await instance({});
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    const pages: Record<string, string>[] = [
      { Origin: "null", "Sec-Fetch-Site": "cross-site" },
      { Origin: "https://evil.example" },
    ];
    for (const headers of pages) {
      const preflight = await tile(path, {
        method: "OPTIONS",
        headers: { ...headers, "Access-Control-Request-Method": "GET" },
      });
      expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
      for (const url of [
        `${path}?auth_token=t0k3n`,
        "/api/v1/map/named/secret_map/0/0/0/0.mvt?auth_token=t0k3n",
      ]) {
        const response = await tile(url, { headers });
        expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
      }
      expect((await tile(path, { headers })).status).toBe(403);
      const refused: [string, RequestInit][] = [
        ["/api/v2/sql?q=SELECT+1", {}],
        [`/api/v2/sql?q=SELECT+1&api_key=${server.key}`, {}],
        ["/api/v2/sql", { method: "OPTIONS" }],
        ["/api/v1/map/named", {}],
        ["/api/v1/map/named/secret_map?auth_token=t0k3n", { method: "POST", body: "{}" }],
        [`/api/v1/map/${body.layergroupid}/0/attributes/1?auth_token=t0k3n`, {}],
        [`/api/v1/map?config={}`, {}],
      ];
      for (const [url, init] of refused) {
        const response = await tile(url, { ...init, headers });
        expect([response.status, response.headers.get("access-control-allow-origin")], url).toEqual([
          403,
          null,
        ]);
      }
    }
  });

  test("an open map and an anonymous one are not for pages of other sites, whatever their key", async () => {
    const headers = { Origin: "null" };
    await post("/api/v1/map/named", { ...template, name: "open_map", auth: { method: "open" } });
    expect((await tile("/api/v1/map/named/open_map/0/0/0/0.mvt")).status).toBe(200);
    expect((await tile("/api/v1/map/named/open_map/0/0/0/0.mvt", { headers })).status).toBe(403);
    const { body } = await post("/api/v1/map", { layers: [{ options: { sql: "SELECT * FROM secret" } }] });
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt?api_key=${server.key}`;
    expect([(await tile(path)).status, (await tile(path, { headers })).status]).toEqual([200, 403]);
  });

  test("a name that was bound to this machine is refused with the token, too", async () => {
    const { port } = new URL(server.baseUrl);
    const path = "/api/v1/map/named/secret_map/0/0/0/0.mvt?auth_token=t0k3n";
    const status = await new Promise((resolve, reject) => {
      httpRequest(
        { host: "127.0.0.1", port, path, headers: { Host: `evil.example:${port}` } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("maps outlive the server; a template that was changed or deleted takes its tiles along", async () => {
    const { body } = await instance({});
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt?auth_token=t0k3n`;
    await server.killAndRestart();
    expect((await tile(path)).status).toBe(200);
    await post(
      "/api/v1/map/named/secret_map",
      { ...template, auth: { method: "token", valid_tokens: ["new"] } },
      { method: "PUT" },
    );
    expect((await tile(path)).status).toBe(400);
    expect((await tile("/api/v1/map/named/secret_map/0/0/0/0.mvt?auth_token=t0k3n")).status).toBe(403);
    await server.ask("/api/v1/map/named/secret_map", { method: "DELETE" });
    expect((await tile(path)).status).toBe(400);
  });
});

describe("caches", () => {
  test("a tile is known until its table changes", async () => {
    await server.sql(`CREATE TABLE changing (name text, the_geom geometry); SELECT CDB_CartodbfyTable('changing');
      INSERT INTO changing (name, the_geom) VALUES ('a', 'SRID=4326;POINT(1 1)')`);
    const config = { layers: [{ options: { sql: "SELECT * FROM changing" } }] };
    const { body } = await post("/api/v1/map", config);
    const path = `/api/v1/map/${body.layergroupid}/0/0/0.mvt`;
    const first = await server.ask(path);
    const etag = first.headers.get("etag")!;
    const isTracked = defaultEngine() === "pglite";
    expect(first.headers.get("cache-control")).toBe(
      isTracked ? "public,max-age=31536000" : "public,max-age=300",
    );
    if (isTracked) expect(first.headers.get("x-cache-channel")).toMatch(/:public\.changing$/);
    expect((await server.ask(path, { headers: { "If-None-Match": etag } })).status).toBe(304);
    await server.sql("INSERT INTO changing (name, the_geom) VALUES ('b', 'SRID=4326;POINT(2 2)')");
    const second = await server.ask(path, { headers: { "If-None-Match": etag } });
    expect(second.status).toBe(200);
    expect(decodeMvt(new Uint8Array(await second.arrayBuffer())).layer0!.features).toHaveLength(2);
    if (isTracked) {
      expect(second.headers.get("cache-control")).toBe("no-cache");
      expect((await post("/api/v1/map", config)).body.layergroupid).not.toBe(body.layergroupid);
    }
  });
});
