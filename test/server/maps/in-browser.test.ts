import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "../../support/browser";
import { needs } from "../../support/needs";
import { json, serverForTests } from "../../support/server";

const TOKEN = "t0k3n";
const NAMED = "/api/v1/map/named/frame_map";

needs("browser");
const server = serverForTests();
let notebook: Server;
let browser: Browser;
beforeAll(async () => {
  await server.sql(
    "CREATE TABLE spots AS SELECT 1 AS cartodb_id, ST_SetSRID(ST_MakePoint(10, 10), 4326) AS the_geom; GRANT SELECT ON spots TO publicuser",
  );
  const options = { sql: "SELECT * FROM spots", geom_column: "the_geom" };
  const template = {
    version: "0.0.1",
    name: "frame_map",
    auth: { method: "token", valid_tokens: [TOKEN] },
    layergroup: { version: "1.8.0", layers: [{ options }] },
  };
  const made = await server.ask("/api/v1/map/named", json(template));
  expect(made.status).toBe(200);
  notebook = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(
      '<!doctype html><iframe sandbox="allow-scripts" srcdoc="<!doctype html><p>a map</p>"></iframe>',
    );
  });
  await new Promise<void>((resolve) => notebook.listen(0, "127.0.0.1", resolve));
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  notebook?.close();
});

interface Answer {
  readonly status?: number;
  readonly bytes?: number;
  readonly error?: string;
}

/** What a script in a sandboxed frame of a notebook gets. */
async function ask(page: Page, path: string, init = "{}"): Promise<Answer> {
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame())!;
  return frame.evaluate(`fetch(${JSON.stringify(server.baseUrl + path)}, ${init}).then(
    async (answer) => ({ status: answer.status, bytes: (await answer.arrayBuffer()).byteLength }),
    (error) => ({ error: String(error) }))`);
}

test("a map in a sandboxed frame gets tiles with its token, and nothing else", async () => {
  const page = await browser.newPage();
  const statuses: number[] = [];
  page.on("response", (response) => {
    if (response.url().includes(NAMED)) statuses.push(response.status());
  });
  await page.goto(`http://127.0.0.1:${(notebook.address() as AddressInfo).port}/`);
  const tile = await ask(page, `${NAMED}/all/0/0/0.mvt?auth_token=${TOKEN}`);
  expect(tile).toEqual({ status: 200, bytes: expect.any(Number) });
  expect(tile.bytes).toBeGreaterThan(30);
  expect(await ask(page, `${NAMED}/all/0/0/0.mvt?auth_token=${TOKEN}`)).toEqual(tile);
  expect(await ask(page, `${NAMED}/all/9/0/0.mvt?auth_token=${TOKEN}`)).toEqual({ status: 204, bytes: 0 });
  // a header of its own makes the browser ask first
  const custom = '{ headers: { "X-Requested-With": "a map" } }';
  expect(await ask(page, `${NAMED}/all/0/0/0.mvt?auth_token=${TOKEN}`, custom)).toEqual(tile);
  // why there is none can be told
  expect(await ask(page, `${NAMED}/all/0/0/0.mvt?auth_token=wrong`)).toMatchObject({ status: 403 });
  expect(await ask(page, `/api/v1/map/named/unknown/all/0/0/0.mvt?auth_token=${TOKEN}`)).toMatchObject({
    status: 404,
  });
  const unanswered = { error: "TypeError: Failed to fetch" };
  for (const path of [
    "/api/v2/sql?q=SELECT+1",
    `/api/v2/sql?q=SELECT+1&api_key=${server.key}`,
    `${NAMED}?auth_token=${TOKEN}`,
    `/api/v1/map/named?api_key=${server.key}`,
  ])
    expect(await ask(page, path), path).toEqual(unanswered);
  expect(statuses.slice(0, 3)).toEqual([200, 200, 204]);
  await page.close();
});
