import { DataFrame } from "danfojs-node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { ConflictError, SqlError, TimeoutError } from "../../../src/errors";
import { proxyForTests, type Tampering } from "../../support/proxy";
import { json, serverForTests } from "../../support/server";

/** An account that stops the statement which applies a sync, as CARTO does after some seconds; its jobs may take long. */
const server = serverForTests();
const proxy = proxyForTests(server);

const STOPPED = {
  error: [
    "You are over platform's limits: SQL query timeout error. Refactor your query before running again.",
  ],
  context: "limit",
  detail: "datasource",
};
const stopsApplying: Tampering["before"] = ({ path, sql }, response) => {
  if (path === "/api/v2/sql" && sql.startsWith("LOCK TABLE"))
    response.writeHead(429, { "Content-Type": "application/json" }).end(JSON.stringify(STOPPED));
};
const jobs = () => proxy.asked.filter(({ path, method }) => path === "/api/v2/sql/job" && method === "POST");
const frame = () =>
  new DataFrame(
    { k: [1, 2, 3], kind: ["oak", "elm", "ash"] } as never,
    { dtypes: ["int32", "string"] } as never,
  );
const stored = async () => (await server.sql("SELECT k, kind FROM trees ORDER BY k")).rows;

let cc: CartoContext;
beforeEach(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  proxy.tamper({});
  cc = new CartoContext({ baseUrl: proxy.baseUrl, apiKey: server.key });
  await cc.write(frame(), "trees", { overwrite: true });
  proxy.tamper({ before: stopsApplying });
});
afterEach(async () => {
  vi.restoreAllMocks();
  const { rows } = await server.sql("SELECT relname FROM pg_class WHERE relname LIKE 'cartoframes_tmp_%'");
  expect(rows).toEqual([]);
});

const changed = () =>
  new DataFrame(
    { k: [1, 2, 4], kind: ["oak", "fir", "yew"] } as never,
    { dtypes: ["int32", "string"] } as never,
  );

test("a stopped statement continues as a batch job and reports the same counts", async () => {
  await cc.read("trees");
  expect(await cc.sync(changed(), "trees", { key: "k" })).toEqual({
    inserted: 1,
    updated: 1,
    deleted: 1,
    unchanged: 1,
  });
  expect(jobs()).toHaveLength(1);
  expect(await stored()).toEqual([
    { k: 1, kind: "oak" },
    { k: 2, kind: "fir" },
    { k: 4, kind: "yew" },
  ]);
  // what the job has written is known: it is no change of somebody else's
  expect(await cc.sync(frame(), "trees", { key: "k" })).toMatchObject({
    inserted: 1,
    updated: 1,
    deleted: 1,
  });
  await server.sql("UPDATE trees SET kind = 'other' WHERE k = 1");
  await expect(cc.sync(changed(), "trees", { key: "k" })).rejects.toThrow(ConflictError);
});

test("conflicts and database errors are the same", async () => {
  await cc.read("trees");
  await server.sql("UPDATE trees SET kind = 'other' WHERE k = 3");
  await expect(cc.sync(changed(), "trees", { key: "k" })).rejects.toThrow(ConflictError);
  expect(await stored()).toContainEqual({ k: 3, kind: "other" });
  await server.sql("ALTER TABLE trees ADD CHECK (kind <> 'yew')");
  const error = await cc.sync(changed(), "trees", { key: "k", force: true }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(SqlError);
  expect(error.message).toContain("violates check constraint");
  expect(await stored()).toContainEqual({ k: 3, kind: "other" });
});

test("without jobs, the error gives advice and nothing is written", async () => {
  proxy.tamper({
    before: (asked, response) => {
      stopsApplying(asked, response);
      if (asked.path.startsWith("/api/v2/sql/job"))
        response
          .writeHead(403, { "Content-Type": "application/json" })
          .end('{"error":["permission denied"]}');
    },
  });
  const error = await cc.sync(changed(), "trees", { key: "k" }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error.message).toContain("did not accept it as a batch job");
  expect(error.message).toContain("Nothing was written");
  expect(await stored()).toHaveLength(3);
});

test("an abort cancels the job", async () => {
  const stop = new AbortController();
  const JOBS = "/api/v2/sql/job";
  let first = "";
  proxy.tamper({
    before: async (asked, response) => {
      stopsApplying(asked, response);
      if (asked.path !== JOBS) return;
      // Jobs run one at a time: behind an endless one, that of the sync waits until it is cancelled.
      const answer = await server.ask(JOBS, json({ query: "SELECT pg_sleep(3600)" }));
      first = ((await answer.json()) as { job_id: string }).job_id;
    },
    after: ({ path, method }, body) => {
      if (path.startsWith(`${JOBS}/`) && method === "GET") stop.abort(new Error("enough"));
      if (path.startsWith(`${JOBS}/`) && method === "DELETE")
        void server.ask(`${JOBS}/${first}`, { method: "DELETE" });
      return body;
    },
  });
  await expect(cc.sync(changed(), "trees", { key: "k", signal: stop.signal })).rejects.toThrow("enough");
  expect(await stored()).toContainEqual({ k: 3, kind: "ash" });
});
