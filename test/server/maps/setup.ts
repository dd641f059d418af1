import { afterAll, beforeAll, expect } from "vitest";
import { type DecodedFeature, decodeMvt } from "../../support/mvt";
import { answerOf, json, startTestServer, type TestServer } from "../../support/server";

/** The server of the test file that runs. */
export let server: TestServer;

/** Starts a server with the tables `places` and `secret` for the tests of one file. */
export function useMapServer(): void {
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
}

interface LayerOptions {
  readonly [name: string]: unknown;
}

/** The tile of layers that are queries of one geometry column `g`, or have options of their own. */
export async function tileOf(
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

export async function post(path: string, body: unknown, init: Parameters<TestServer["ask"]>[1] = {}) {
  const given = json(body);
  const headers = { ...given.headers, ...(init.headers as object) };
  const response = await server.ask(path, { ...given, ...init, headers });
  return { headers: response.headers, ...(await answerOf(response)) };
}

/** Where the projection puts a place in a tile of 4096 units. */
export function unitsOf([lng, lat]: readonly [number, number], [z, x, y]: readonly [number, number, number]) {
  const sin = Math.sin((lat * Math.PI) / 180);
  const across = (lng / 360 + 0.5) * 2 ** z - x;
  const down = (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * 2 ** z - y;
  return [Math.round(across * 4096), Math.round(down * 4096)] as const;
}

export function areaOf({ parts }: DecodedFeature): number {
  let area = 0;
  for (const ring of parts)
    for (let i = 1; i < ring.length; i++)
      area += (ring[i - 1]![0] * ring[i]![1] - ring[i]![0] * ring[i - 1]![1]) / 2;
  return area;
}

/** As the detail of a page's overview is asked for, thinned even where rows are few. */
export const DETAIL = { vector_extent: 1024, aggregation: { resolution: 0.5, threshold: 1 } };

export const inside = ({ parts }: DecodedFeature) =>
  parts.flat().filter(([x, y]) => x >= 0 && x <= 4096 && y >= 0 && y <= 4096);
