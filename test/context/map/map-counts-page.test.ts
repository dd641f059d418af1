/** Widgets of a layer with tiles, by pointer in Chromium: their counts come from a local server, and the tiles are filtered. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixedSource } from "../../../src/api/endpoint";
import { Transport } from "../../../src/api/transport";
import { withTiles } from "../../../src/context/map/map-detail";
import { mapScene } from "../../../src/context/map/map-scene";
import { BaseMap, Layer, QueryLayer, type StyleOptions, widget } from "../../../src/map";
import { type MapState, MapView } from "../../../src/render";
import { filterSql } from "../../../src/render/explore/filter-sql";
import { renderPng } from "../../../src/render/image/png";
import { packScene } from "../../../src/render/page/pack";
import { alongCurve } from "../../../src/render/page/pick";
import { newContext, painted, withBrowser } from "../../render/page/browser";
import { decodePng, unlikeWithinAPixel } from "../../render/page/pixels";
import { startTestServer, type TestServer } from "../../support/server";

withBrowser();
let server: TestServer;
let transport: Transport;
const folder = mkdtempSync(join(tmpdir(), "cartoframes-counts-"));
const progress = { isShown: false, update() {}, note() {}, finish() {}, fail() {} };

beforeAll(async () => {
  server = await startTestServer(); // of its own, to be killed
  const { baseUrl, user, key: apiKey } = server;
  const endpoint = { kind: "local", baseUrl, user, apiKey, label: "the local server" } as const;
  transport = new Transport(fixedSource(endpoint));
  const answer = await server.sql(`
    CREATE TABLE trees AS SELECT i AS cartodb_id, (ARRAY['oak', 'elm', 'it''s', NULL])[1 + (i / 7) % 4] AS kind, (i::int8 * 7919) % 100 AS height,
      ST_SetSRID(ST_MakePoint(-10 + 20 * ((i::int8 * 7919 % 100003) / 100003.0), 40 + 10 * ((i::int8 * 104729 % 99991) / 99991.0)), 4326)::geometry(Point, 4326) AS the_geom
      FROM generate_series(1, 30000) AS i`);
  if (answer.error) throw new Error(answer.error[0]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server?.close();
});

const STYLE: StyleOptions = { color: "tomato", size: 8, stroke: false };
const WIDGETS = [
  widget.formula("count"),
  widget.histogram("height", { bins: 10 }),
  widget.category("kind", { viewport: false }),
];
const ALL = "The widgets count all rows, on the server.";

interface Shown {
  readonly page: Page;
  readonly errors: string[];
  readonly requests: string[];
}

/** A saved page whose layer is an overview. */
async function show(): Promise<Shown> {
  const layer = new Layer("trees", { ...STYLE, name: "trees" });
  const layers = [new BaseMap({ source: "none" }), layer];
  const fetched = await mapScene(transport, {
    layers,
    widgets: WIDGETS,
    size: [900, 500],
    projection: "mercator",
    progress,
  });
  const scene = alongCurve(fetched.scene);
  const whole = packScene(scene, Infinity).bytes.length;
  const { packed, warnings } = await withTiles(transport, packScene(scene, 0.15 * whole), fetched);
  expect(warnings).toEqual([]);
  const html = new MapView(scene, { packed }).toHTML();
  expect(html).not.toContain(server.key);
  const file = join(folder, "map.html");
  writeFileSync(file, html);
  const context = await newContext({ viewport: { width: 900, height: 500 } });
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  await painted(page);
  return { page, errors, requests };
}

const noteOf = (page: Page) => page.textContent(".counted");
const countOf = async (page: Page) => Number((await page.textContent(".number output"))?.replaceAll(",", ""));

/** Until the server has counted, and all tiles are there and painted. */
async function atRest(page: Page): Promise<void> {
  await expect.poll(() => noteOf(page), { timeout: 20_000 }).toBe(ALL);
  await expect.poll(() => page.textContent(".notes"), { timeout: 20_000 }).not.toContain("Loading");
  await painted(page);
}

/** Drags over the histogram between shares of its width; `middle` runs while the button is down. */
async function brush(page: Page, from: number, to: number, middle = async () => {}): Promise<void> {
  const box = (await page.locator(".plot").first().boundingBox())!;
  const x = (share: number) => box.x + share * box.width;
  await page.mouse.move(x(from), box.y + 20);
  await page.mouse.down();
  for (let step = 1; step <= 5; step++) await page.mouse.move(x(from + ((to - from) * step) / 5), box.y + 20);
  await middle();
  await page.mouse.up();
}

/** The state in the page's address. */
async function stateOf(page: Page): Promise<Required<Pick<MapState, "view" | "filters">>> {
  return JSON.parse(decodeURIComponent(new URL(page.url()).hash.replace("#map=", "")));
}

async function numberOf(where: string): Promise<number> {
  const { rows, error } = await server.sql(`SELECT count(*)::int AS n FROM trees WHERE ${where || "true"}`);
  if (error) throw new Error(error[0]);
  return Number(rows[0]?.n);
}

const inView = ({ view }: Pick<MapState, "view">) =>
  `ST_Intersects(ST_Transform(the_geom, 3857), ST_Transform(ST_MakeEnvelope(${view?.bounds?.join(", ")}, 4326), 3857))`;

test("counts equal SQL and tiles are filtered, zoomed in, after a brush, a click and their removal", async () => {
  const { page, errors, requests } = await show();
  await atRest(page);
  expect(await countOf(page)).toBe(30_000);
  for (let i = 0; i < 3; i++) {
    await page.click(".leaflet-control-zoom-in");
    await atRest(page);
  }
  await brush(page, 0.2005, 0.4995);
  await atRest(page);
  await page.locator(".list li button", { hasText: "it's" }).click();
  await atRest(page);
  await expect.poll(async () => (await stateOf(page)).filters.length).toBe(2);
  const { view, filters } = await stateOf(page);
  const where = filterSql(filters, "trees");
  expect(where).toMatch(/^"height" >= 20 AND "height" < 50 AND "kind" IN \('it''s'\)$/);
  expect(await countOf(page)).toBe(await numberOf(`${where} AND ${inView({ view })}`));
  // the other widget's filter acts on the list, and not the list's own
  const oaks = await page.locator(".list li", { hasText: "oak" }).locator(".count").textContent();
  expect(Number(oaks?.replaceAll(",", ""))).toBe(
    await numberOf(`"height" >= 20 AND "height" < 50 AND kind = 'oak'`),
  );
  expect(requests.some((url) => /\/map\/local@[0-9a-f@]+:\d+\/layer0\/\d+\/\d+\/\d+\.mvt/.test(url))).toBe(
    true,
  );

  const map = page.locator("#map");
  const { width, height } = (await map.boundingBox())!;
  const filtered = new QueryLayer(`SELECT * FROM trees WHERE ${where}`, STYLE);
  const { scene } = await mapScene(transport, {
    layers: [new BaseMap({ source: "none" }), filtered],
    projection: "mercator",
    progress,
  });
  const expected = await decodePng(
    renderPng({ ...scene, legends: [], widthPx: width, heightPx: height, view: { kind: "center", ...view } }),
  );
  const shown = await decodePng(await page.screenshot({ clip: { x: 0, y: 0, width, height } }));
  const area = { x: 60, y: 20, width: width - 120, height: height - 60 };
  expect(unlikeWithinAPixel(shown, expected, area)).toBeLessThan(0.01);
  expect(unlikeWithinAPixel(expected, shown, area)).toBeLessThan(0.01);

  await page.locator(".chips .clear").click();
  await atRest(page);
  await expect.poll(async () => (await stateOf(page)).filters.length).toBe(0);
  expect(await countOf(page)).toBe(await numberOf(inView(await stateOf(page))));
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a selection counts all rows in its area", async () => {
  const { page, errors } = await show();
  await atRest(page);
  await page.locator("button.box").click();
  await page.mouse.move(200, 150);
  await page.mouse.down();
  await page.mouse.move(400, 300, { steps: 4 });
  await page.mouse.up();
  const selected = page.locator(".selected output");
  await expect.poll(() => selected.textContent()).toMatch(/^[\d,]+ selected$/);
  const { view } = await stateOf(page);
  const [west, south, east, north] = view.bounds!;
  const { width, height } = (await page.locator("#map").boundingBox())!;
  const [y0, y1] = [150 / height, 300 / height];
  const mercator = (lat: number) => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
  const latAt = (share: number) => {
    const at = mercator(north) + (mercator(south) - mercator(north)) * share;
    return (Math.atan(Math.sinh(at)) * 180) / Math.PI;
  };
  const lngAt = (x: number) => west + ((east - west) * x) / width;
  const box = `ST_MakeEnvelope(${lngAt(200)}, ${latAt(y1)}, ${lngAt(400)}, ${latAt(y0)}, 4326)`;
  const expected = await numberOf(`ST_Intersects(the_geom, ${box})`);
  const count = Number((await selected.textContent())?.replace(/\D/g, ""));
  expect(Math.abs(count - expected)).toBeLessThanOrEqual(2); // a row on the edge
  expect(errors).toEqual([]);
  await page.context().close();
});

test("while the server is dead the page counts its overview, and the server again once it is back", async () => {
  const { page, errors } = await show();
  await atRest(page);
  let restarted: Promise<void> | undefined;
  await brush(page, 0.2005, 0.4995, async () => {
    restarted = server.killAndRestart();
    // the overview answers at once, scaled to what the server has counted
    await expect.poll(() => noteOf(page)).not.toBe(ALL);
    expect(Math.abs((await countOf(page)) - 9000)).toBeLessThan(1500);
  });
  await expect.poll(() => noteOf(page), { timeout: 10_000 }).toContain("cannot be reached");
  const ofOverview = await countOf(page);
  expect(ofOverview).toBeGreaterThan(0);
  expect(ofOverview).toBeLessThan(9000);
  await restarted;
  await atRest(page);
  expect(await countOf(page)).toBe(await numberOf(filterSql((await stateOf(page)).filters, "trees")));
  expect(errors.every((text) => text.includes("ERR_"))).toBe(true);
  await page.context().close();
});
