/** A page that carries an overview, and the tiles that it shows where the map is zoomed in: real pages, a real server. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixedSource } from "../../../src/api/endpoint";
import { Transport } from "../../../src/api/transport";
import { withTiles } from "../../../src/context/map/map-detail";
import { mapScene } from "../../../src/context/map/map-scene";
import { lngLatOf, worldOf, worldPxOf } from "../../../src/geometry/mercator";
import { BaseMap, type DataLayer, Layer, QueryLayer } from "../../../src/map";
import { MapView } from "../../../src/render";
import { NearClusters } from "../../../src/render/aggregate/near-clusters";
import { renderPng } from "../../../src/render/image/png";
import { type PackedScene, packScene } from "../../../src/render/page/pack";
import { alongCurve } from "../../../src/render/page/pick";
import { centerOf, viewportOf } from "../../../src/render/projection";
import type { Scene } from "../../../src/render/scene";
import { newContext, painted, withBrowser } from "../../render/page/browser";
import { type Area, decodePng, unlikeWithinAPixel } from "../../render/page/pixels";
import { serverForTests } from "../../support/server";

withBrowser();
const server = serverForTests();
let transport: Transport;
const folder = mkdtempSync(join(tmpdir(), "cartoframes-pages-"));
const progress = { isShown: false, update() {}, note() {}, finish() {}, fail() {} };

/** Edges of discs and strokes that a quarter of a pixel moves. */
const MOST_UNLIKE = 0.01;

beforeAll(async () => {
  const { baseUrl, user, key: apiKey } = server;
  const endpoint = { kind: "local", baseUrl, user, apiKey, label: "the local server" } as const;
  transport = new Transport(fixedSource(endpoint));
  const answer = await server.sql(`
    CREATE TABLE trees AS SELECT i AS cartodb_id, 'tree ' || i AS name, (ARRAY['oak', 'elm', 'ash', NULL])[1 + i % 4] AS kind, i % 97 AS height,
      ST_SetSRID(ST_MakePoint(-10 + 20 * ((i::int8 * 7919 % 100003) / 100003.0), 40 + 10 * ((i::int8 * 104729 % 99991) / 99991.0)), 4326)::geometry(Point, 4326) AS the_geom
      FROM generate_series(1, 60000) AS i;
    CREATE TABLE cells AS SELECT row_number() OVER ()::int AS cartodb_id, 'cell ' || i || ' ' || j AS name, abs(i * 31 + j * 17) % 11 AS class,
      ST_Transform(ST_SetSRID(geom, 3857), 4326) AS the_geom FROM ST_HexagonGrid(3000, ST_MakeEnvelope(-500000, 5000000, 500000, 5700000, 3857));
    CREATE TABLE ways AS SELECT i AS cartodb_id, i % 5 AS width, ST_SetSRID(ST_MakeLine(ARRAY(
        SELECT ST_MakePoint(-5 + (i * 7919 % 10007) / 1000.7 + 0.02 * k, 45 + (i * 104729 % 9973) / 2000.0 + 0.03 * sin(i + k)) FROM generate_series(0, 12) AS k)), 4326) AS the_geom
      FROM generate_series(1, 20000) AS i;
    CREATE TABLE fiji AS SELECT i AS cartodb_id, ST_SetSRID(ST_MakePoint(CASE WHEN x > 180 THEN x - 360 ELSE x END, y), 4326) AS the_geom
      FROM (SELECT i, 170 + 20 * ((i::int8 * 7919 % 100003) / 100003.0) AS x, -20 + 8 * ((i::int8 * 104729 % 99991) / 99991.0) AS y FROM generate_series(1, 60000) AS i) AS p`);
  if (answer.error) throw new Error(answer.error[0]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
});

interface Shown {
  readonly page: Page;
  /** What the console says. */
  readonly errors: string[];
  /** Addresses that the page requested, after its own. */
  readonly requests: string[];
  readonly scene: Scene;
  /** What is in the middle. */
  view: { lng: number; lat: number; zoom: number };
}

/** The map of layers, of which the page carries overviews for want of room. */
async function show(layers: DataLayer[], view: Shown["view"], pixelRatio = 1): Promise<Shown> {
  const basemap = new BaseMap({ source: "none" });
  const fetched = await mapScene(transport, {
    layers: [basemap, ...layers],
    size: [600, 400],
    ...view,
    progress,
  });
  const scene = { ...alongCurve(fetched.scene), legends: [] };
  const { packed, warnings } = await withTiles(transport, packedAsSmallAsPossible(scene), fetched);
  expect(packed.page.overviews.filter((overview) => overview)).toHaveLength(layers.length);
  expect(warnings).toEqual([]);
  const html = new MapView(scene, { packed }).toHTML();
  expect(html).not.toContain(server.key);
  const file = join(folder, "map.html");
  writeFileSync(file, html);
  const context = await newContext({
    viewport: { width: 600, height: 400 },
    deviceScaleFactor: pixelRatio,
  });
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  await painted(page);
  expect(requests.splice(0)).toHaveLength(1); // the file
  return { page, errors, requests, scene, view: centerOf(viewportOf(scene)) };
}

/** With overviews that are little more than what the first view needs. */
function packedAsSmallAsPossible(scene: Scene): PackedScene {
  const { worldPx } = viewportOf(scene);
  let packed = packScene(scene, Infinity);
  const whole = packed.bytes.length;
  for (let [tooLittle, enough] = [0, 1]; enough - tooLittle > 0.1; ) {
    const share = (tooLittle + enough) / 2;
    const next = packScene(scene, share * whole);
    if (next.page.overviews.some((overview) => !overview || overview.worldPx < worldPx)) tooLittle = share;
    else [packed, enough] = [next, share];
  }
  return packed;
}

async function zoomIn(shown: Shown, steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    await shown.page.click(".leaflet-control-zoom-in");
    await shown.page.waitForTimeout(400); // Leaflet's animation
  }
  shown.view = { ...shown.view, zoom: shown.view.zoom + steps };
  await atRest(shown);
}

async function drag(shown: Shown, dx: number, dy: number): Promise<void> {
  const { mouse } = shown.page;
  await mouse.move(300, 200);
  await mouse.down();
  for (let step = 1; step <= 10; step++) await mouse.move(300 + (dx * step) / 10, 200 + (dy * step) / 10);
  await shown.page.waitForTimeout(200);
  await mouse.up();
  const { lng, lat, zoom } = shown.view;
  const [x, y] = worldOf([lng, lat]);
  const [east, south] = lngLatOf([x - dx / worldPxOf(zoom), y - dy / worldPxOf(zoom)]);
  shown.view = { lng: east, lat: south, zoom };
  await atRest(shown);
}

/** Where a place is on the page. */
function pixelOf({ view }: Shown, place: readonly [lng: number, lat: number]): [x: number, y: number] {
  const [x, y] = worldOf(place);
  const [middleX, middleY] = worldOf([view.lng, view.lat]);
  const worldPx = worldPxOf(view.zoom);
  return [300 + (x - middleX) * worldPx, 200 + (y - middleY) * worldPx];
}

/** Until all tiles are there and painted. */
async function atRest({ page }: Shown): Promise<void> {
  await page.waitForTimeout(300);
  await expect.poll(() => page.textContent(".notes")).not.toContain("Loading");
  await page.waitForTimeout(200);
  await painted(page);
}

const INSIDE = { x: 60, y: 12, width: 480, height: 350 };

/** The share of the page that is not what the picture of all data shows. */
async function unlike({ page, scene, view }: Shown, pixelRatio = 1): Promise<number> {
  const shown = await decodePng(await page.screenshot());
  const all = await decodePng(renderPng({ ...scene, view: { kind: "center", ...view } }, { pixelRatio }));
  const area = Object.fromEntries(
    Object.entries(INSIDE).map(([side, px]) => [side, px * pixelRatio]),
  ) as unknown as Area;
  const share = Math.max(unlikeWithinAPixel(shown, all, area), unlikeWithinAPixel(all, shown, area));
  if (share > MOST_UNLIKE && process.env.KEEP_PICTURES) {
    const file = `${process.env.KEEP_PICTURES}/${expect.getState().currentTestName?.replace(/\W+/g, "-")}-${view.zoom}`;
    writeFileSync(`${file}-page.png`, await page.screenshot());
    writeFileSync(
      `${file}-picture.png`,
      renderPng({ ...scene, view: { kind: "center", ...view } }, { pixelRatio }),
    );
  }
  return share;
}

const FRANCE = { lng: 0.3, lat: 44.9, zoom: 5 };
const TABLES: [name: string, layer: DataLayer, view: Shown["view"]][] = [
  [
    "points",
    new Layer("trees", { color: "kind", size: { column: "height", min: 4, max: 14 }, tooltip: "name" }),
    FRANCE,
  ],
  [
    "polygons that share borders",
    new Layer("cells", { color: { column: "class" }, stroke: { color: "black", width: 3 }, popup: "name" }),
    FRANCE,
  ],
  ["translucent polygons", new Layer("cells", { color: "teal", opacity: 0.5, stroke: false }), FRANCE],
  ["lines", new Layer("ways", { color: "tomato", size: { column: "width", min: 1, max: 7 } }), FRANCE],
  [
    "points across the antimeridian",
    new QueryLayer("SELECT * FROM fiji", { size: 9, stroke: false }), // which one is above does not show
    { lng: 179.8, lat: -16, zoom: 5 },
  ],
];

describe.each(TABLES)("%s", (_, layer, view) => {
  test("tiles look like the full data, also across their edges", async () => {
    const shown = await show([layer], view);
    expect(shown.requests).toEqual([]);
    expect(await unlike(shown)).toBeLessThan(MOST_UNLIKE);
    await zoomIn(shown, 3);
    expect(shown.requests.length).toBeGreaterThan(3);
    expect(shown.requests.every((url) => url.startsWith(`${server.baseUrl}/`))).toBe(true);
    expect(await unlike(shown)).toBeLessThan(MOST_UNLIKE);
    await drag(shown, 250, -120);
    expect(await unlike(shown)).toBeLessThan(MOST_UNLIKE);
    expect(shown.errors).toEqual([]);
    await shown.page.context().close();
  });
});

/** Tiles have points in quarters of a pixel, so some are in the neighbouring cell. */
test.each([
  ["hexagons", { as: "hexbin" }, 0.1],
  ["averages in squares", { as: "grid", cell: 16, value: { avg: "height" } }, 0.06],
  ["a heatmap", { as: "heatmap" }, MOST_UNLIKE],
  ["the density of points", { color: "navy" }, MOST_UNLIKE],
] as const)("%s of tiles look like those of the full data", async (_, style, mostUnlike) => {
  const shown = await show([new Layer("trees", style)], FRANCE);
  expect(await unlike(shown)).toBeLessThan(mostUnlike);
  await zoomIn(shown, 2);
  expect(shown.requests.length).toBeGreaterThan(3);
  expect(shown.errors).toEqual([]);
  expect(await unlike(shown)).toBeLessThan(mostUnlike);
  await drag(shown, 250, -120);
  expect(await unlike(shown)).toBeLessThan(mostUnlike);
  expect(shown.errors).toEqual([]);
  await shown.page.context().close();
});

test("clusters of tiles have all points of the full data", async () => {
  const shown = await show([new Layer("trees", { as: "cluster" })], FRANCE);
  await zoomIn(shown, 3);
  expect(shown.requests.length).toBeGreaterThan(3);
  const { rows } = await server.sql("SELECT ST_X(the_geom) AS lng, ST_Y(the_geom) AS lat FROM trees");
  const places = (rows as { lng: number; lat: number }[]).map(({ lng, lat }) => worldOf([lng, lat]));
  const geometry = {
    kind: "point" as const,
    x: Float64Array.from(places, ([x]) => x),
    y: Float64Array.from(places, ([, y]) => y),
  };
  const aggregate = shown.scene.layers[0]!.aggregate!;
  const near = new NearClusters({ version: 0, addIn: (bins) => bins.add({ geometry }) }, aggregate);
  const [x, y] = worldOf([shown.view.lng, shown.view.lat]);
  const worldPx = worldPxOf(shown.view.zoom);
  const [dx, dy] = [300 / worldPx, 200 / worldPx];
  const all = near.in([x - dx, y - dy, x + dx, y + dy], shown.view.zoom, worldPx);
  const nearest = all.sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y))[0]!;
  await shown.page.focus("#map");
  await shown.page.keyboard.press("Enter"); // goes to the cluster nearest to the middle
  const count = Number((await shown.page.textContent(".spoken"))!.replace(/\D/g, ""));
  expect(nearest.count).toBeGreaterThan(10);
  expect(Math.abs(count - nearest.count)).toBeLessThan(3); // tiles have points in quarters of a pixel
  expect(shown.errors).toEqual([]);
  await shown.page.context().close();
});

test("tooltips and popups show rows that the overview leaves out", async () => {
  const tooltip = ["name", { column: "planted", format: "%d %B %Y" }];
  const sql = "SELECT *, date '1990-01-01' + height * 100 AS planted, md5(name) AS hash FROM trees";
  const layer = new QueryLayer(sql, { size: 6, tooltip, popup: ["hash", "name"] });
  const shown = await show([layer], FRANCE);
  await zoomIn(shown, 4);
  const { rows } = await server.sql(
    `SELECT cartodb_id, name, height, ST_X(the_geom) AS lng, ST_Y(the_geom) AS lat, md5(name) AS hash FROM trees
     ORDER BY the_geom <-> ST_SetSRID(ST_MakePoint(0.35, 44.93), 4326) LIMIT 5`,
  );
  for (const row of rows as { name: string; height: number; lng: number; lat: number; hash: string }[]) {
    const [x, y] = pixelOf(shown, [row.lng, row.lat]);
    await shown.page.mouse.move(x, y);
    const planted = new Date(Date.UTC(1990, 0, 1 + 100 * row.height));
    const date = planted.toLocaleDateString("en-GB", {
      day: "2-digit",
      month: "long",
      year: "numeric",
      timeZone: "UTC",
    });
    await expect.poll(() => shown.page.textContent(".tooltip")).toBe(`name${row.name}planted${date}`);
  }
  const last = rows.at(-1) as { name: string; hash: string };
  await shown.page.mouse.down();
  await shown.page.mouse.up();
  await expect.poll(() => shown.page.textContent(".popup dl")).toBe(`hash${last.hash}name${last.name}`);
  await shown.page.context().close();
});

test.each(["name", "cartodb_id"])(
  "labels of %s are at their features, each once, also with two device pixels per pixel",
  async (label) => {
    const layer = new Layer("cells", { color: "#eee", label });
    const shown = await show([layer], { ...FRANCE, zoom: 8 }, 2);
    await zoomIn(shown, 4);
    expect(await unlike(shown, 2)).toBeLessThan(1.5 * MOST_UNLIKE); // Chromium's letters are not quite Skia's
    await shown.page.context().close();
  },
);

test("several layers share their tiles", async () => {
  const trees = new Layer("trees", { color: "kind", size: 7 });
  const moved = "SELECT cartodb_id, ST_Translate(the_geom, 0.03, 0.03) AS the_geom FROM trees";
  const shown = await show(
    [trees, new QueryLayer(moved, { color: "black", size: 3, stroke: false })],
    FRANCE,
  );
  await zoomIn(shown, 3);
  expect(await unlike(shown)).toBeLessThan(MOST_UNLIKE);
  const tiles = shown.requests.map((url) => new URL(url).pathname);
  expect(new Set(tiles).size).toBe(tiles.length);
  await shown.page.context().close();
});

test("without the server the page shows the overview with a note, and recovers", async () => {
  const shown = await show([new Layer("trees", { color: "kind", size: 5 })], FRANCE);
  await shown.page.route(`${server.baseUrl}/**`, (route) => route.abort());
  await zoomIn(shown, 3);
  expect(await shown.page.textContent(".notes")).toMatch(
    /^An overview of ([\d,]+ of )?60,000 points\. The server with the full data cannot be reached\.$/,
  );
  expect(await unlike(shown)).toBeLessThan(0.5); // shown it is
  await shown.page.unroute(`${server.baseUrl}/**`);
  await shown.page.waitForTimeout(5000); // it is not asked all the time
  await drag(shown, 40, 20);
  expect(await shown.page.textContent(".notes")).toBe("");
  expect(await unlike(shown)).toBeLessThan(MOST_UNLIKE);
  await shown.page.context().close();
});
