import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CartoContext } from "../../src/context/carto-context";
import { runningServer, startTestServer, type TestServer } from "../support/server";

let server: TestServer;
let cc: CartoContext;
let log: string[];

beforeEach(async () => {
  log = [];
  vi.spyOn(console, "log").mockImplementation((text) => void log.push(String(text)));
  server = await startTestServer({ own: true });
  cc = new CartoContext({ baseUrl: `local:${server.home}` }); // finds the server again after a restart
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.close();
});

/** Until the progress of the cell can say so. */
async function installs(): Promise<void> {
  const status = async () => (await runningServer(server.home))?.status ?? {};
  const busy = {
    busyWith: "the installation of the Data Observatory",
    waiting: expect.toSatisfy((requests: number) => requests > 0),
  };
  await expect.poll(status, { interval: 20 }).toMatchObject(busy);
}

/** Tables of data that the catalog does not know, and those that are used on the way. */
async function leftOver(): Promise<unknown> {
  const { rows } = await server.sql(`SELECT count(*)::int AS n FROM pg_class c
    WHERE c.relnamespace = 'observatory'::regnamespace AND c.relkind = 'r'
      AND (c.relname ~ '^obs_[0-9a-f]{40}$' OR c.relname ~ 'staging')
      AND NOT EXISTS (SELECT FROM observatory.obs_table t WHERE t.tablename = c.relname)`);
  return rows[0]!.n;
}

test("killing the server during the installation leaves nothing, and the call is repeated", async () => {
  const cut = cc.observatory.list();
  await installs();
  await server.killAndRestart();
  expect((await cut).shape[0]).toBe(7);
  expect(log.filter((text) => text.startsWith("Installed the Data Observatory"))).toHaveLength(1);
  expect(await leftOver()).toBe(0);
});

test("after the first call was interrupted, the second finds everything installed", async () => {
  const interrupt = new AbortController();
  const first = cc.observatory.list({ signal: interrupt.signal });
  const refused = expect(first).rejects.toThrow();
  await installs();
  interrupt.abort();
  await refused;
  expect((await cc.observatory.list()).shape[0]).toBe(7);
  expect(await leftOver()).toBe(0);
});
