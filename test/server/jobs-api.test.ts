import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ServerStatus } from "../../src/local/home";
import { defaultEngine } from "../support/engine";
import { json, serverForTests, type TestServer } from "../support/server";

const server = serverForTests();
beforeAll(async () => {
  await server.sql("CREATE TABLE log (n serial, what text)");
});
beforeEach(() => server.sql("TRUNCATE log"));
afterEach(async () => {
  // A test that failed in the middle must not leave its endless job to the next one.
  const { local = [] } = (await (await server.ask("/api/v2/jobs-wip")).json()) as { local?: string[] };
  for (const id of local) await cancel(id);
});

type Answer = Record<string, unknown> & { job_id: string; status: string; error?: string[] };

const JOBS = "/api/v2/sql/job";
/** Runs for minutes, in one expression that only ending the database's thread can stop. */
const ENDLESS = "SELECT count(*) FROM generate_series(1, 1e11)";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Init = Parameters<TestServer["ask"]>[1];
const ask = async (path: string, init?: Init): Promise<[number, Answer]> => {
  const response = await server.ask(path, init);
  return [response.status, (await response.json()) as Answer];
};
const create = async (query: unknown) => (await ask(JOBS, json({ query })))[1];
const get = async (id: string) => (await ask(`${JOBS}/${id}`))[1];
const cancel = (id: string) => ask(`${JOBS}/${id}`, { method: "DELETE" });
const log = async () => (await server.sql("SELECT what FROM log ORDER BY n")).rows.map(({ what }) => what);

const isOver = ({ status, fallback_status }: Answer) =>
  !["pending", "running"].includes(status) && !["pending", "running"].includes(String(fallback_status));
/** The job at its end, or once it has that status. */
async function until(id: string, wanted = isOver): Promise<Answer> {
  for (;;) {
    const job = await get(id);
    if (wanted(job)) return job;
    await sleep(30);
  }
}
const running = (id: string) => until(id, ({ status }) => status === "running");

describe("a job", () => {
  test("is created, runs and finishes", async () => {
    const [status, job] = await ask(JOBS, json({ query: "INSERT INTO log (what) VALUES ('ran')" }));
    expect([status, job]).toEqual([
      201,
      {
        job_id: expect.stringMatching(UUID),
        user: "local",
        query: "INSERT INTO log (what) VALUES ('ran')",
        status: "pending",
        created_at: expect.stringMatching(ISO_MS),
        updated_at: job.created_at,
      },
    ]);
    const done = await until(job.job_id);
    expect(done).toEqual({ ...job, status: "done", updated_at: expect.stringMatching(ISO_MS) });
    expect(await log()).toEqual(["ran"]);
  });

  test("keeps the database's message if it fails", async () => {
    const { job_id } = await create("SELECT naem FROM (SELECT 1 AS name) t");
    expect(await until(job_id)).toMatchObject({
      status: "failed",
      failed_reason: 'column "naem" does not exist',
    });
  });

  test.each([
    ["COPY log TO STDOUT", "COPY TO STDOUT is not possible in a query"],
    ["COPY log FROM '/etc/passwd'", "COPY to or from a file on the server is not allowed"],
  ])("%s fails", async (query, reason) => {
    expect(await until((await create(query)).job_id)).toMatchObject({
      status: "failed",
      failed_reason: reason,
    });
  });

  test("prefixes its statements with its id", async () => {
    const { job_id } = await create("INSERT INTO log (what) SELECT current_query()");
    await until(job_id);
    expect(await log()).toEqual([`/* ${job_id} */ INSERT INTO log (what) SELECT current_query()`]);
  });

  test("runs each query of a list in its own transaction, until one fails", async () => {
    const insert = (text: string) => `INSERT INTO log (what) VALUES ('${text}')`;
    const queries = [insert("one"), `${insert("rolled back")}; SELECT 1/0`, insert("never")];
    const job = await until((await create(queries)).job_id);
    expect(job).toMatchObject({
      status: "failed",
      failed_reason: "division by zero",
      query: [
        { query: queries[0], status: "done" },
        { query: queries[1], status: "failed", failed_reason: "division by zero" },
        { query: queries[2], status: "pending" },
      ],
    });
    expect(await log()).toEqual(["one"]);
  });

  test("can run statements that are not allowed in a transaction", async () => {
    expect(await until((await create("VACUUM log")).job_id)).toMatchObject({ status: "done" });
  });

  test("runs fallback queries with the id and message inserted", async () => {
    const say = (text: string) => `INSERT INTO log (what) VALUES ('${text}')`;
    const job = await create({
      query: [
        {
          query: "SELECT 1",
          onsuccess: say("ok <%= job_id %>"),
          onerror: say("no"),
          timeout: 60000,
          id: "step1",
        },
        { query: "SELECT 1/0", onsuccess: say("no"), onerror: say("<%= error_message %> <%=job_id%>") },
        { query: say("no") },
      ],
      onsuccess: say("no"),
      onerror: say("<%= job_id %>"),
    });
    const id = job.job_id;
    const over = await until(id);
    expect(over).toMatchObject({
      status: "failed",
      fallback_status: "done",
      failed_reason: "division by zero",
      query: {
        query: [
          { id: "step1", timeout: 60000, status: "done", fallback_status: "done" },
          { status: "failed", fallback_status: "done", failed_reason: "division by zero" },
          { status: "skipped" },
        ],
      },
    });
    const first = (over.query as { query: Record<string, string>[] }).query[0]!;
    expect([first.started_at, first.ended_at]).toEqual([
      expect.stringMatching(ISO_MS),
      expect.stringMatching(ISO_MS),
    ]);
    expect(await log()).toEqual([`ok ${id}`, `division by zero ${id}`, "<%= job_id %>"]);
  });

  test("a message with a quotation mark breaks only the statement that contains it", async () => {
    const { job_id } = await create({
      query: [
        {
          query: `SELECT 1::"it's"`,
          onerror: "INSERT INTO log (what) VALUES ('<%= error_message %>')",
        },
      ],
      onerror: "INSERT INTO log (what) VALUES ('after')",
    });
    expect(await until(job_id)).toMatchObject({ status: "failed", fallback_status: "done" });
    expect(await log()).toEqual(["after"]);
  });

  test("limits the run time of a query, without the time it waits", async () => {
    const holding = server.sql("SELECT pg_sleep(1.5)");
    await expect.poll(busyWith).toContain("pg_sleep(1.5)");
    const quick = await create({
      query: [{ query: "INSERT INTO log (what) VALUES ('quick')", timeout: 1000 }],
    });
    const slow = await create({ query: [{ query: ENDLESS, timeout: 300.5 }, { query: "SELECT 1" }] });
    expect(await until(quick.job_id)).toMatchObject({ status: "done" });
    expect(await until(slow.job_id)).toMatchObject({
      status: "failed",
      failed_reason: "canceling statement due to statement timeout",
    });
    await holding;
  });
});

const statusOf = async () => (await (await server.ask("/cartoframes/status")).json()) as ServerStatus;
const busyWith = async () => (await statusOf()).busyWith;

describe("the queue", () => {
  test("runs jobs one after the other, in order", async () => {
    const say = (text: string) => `INSERT INTO log (what) SELECT '${text}' FROM pg_sleep(0.05)`;
    const jobs = [];
    for (const name of ["a", "b", "c", "d"]) {
      jobs.push(
        await create({
          query: [{ query: say(`${name}1`), onsuccess: say(`${name}2`) }],
          onsuccess: say(`${name}3`),
        }),
      );
    }
    await until(jobs.at(-1)!.job_id);
    expect(await log()).toEqual("a1 a2 a3 b1 b2 b3 c1 c2 c3 d1 d2 d3".split(" "));
  });

  test("accepts 64 jobs, which can be cancelled separately", async () => {
    const first = await create(ENDLESS);
    await running(first.job_id);
    const waiting = [];
    for (let i = 0; i < 64; i++) waiting.push(await create(`INSERT INTO log (what) VALUES ('${i}')`));
    expect(await ask(JOBS, json({ query: "SELECT 1" }))).toEqual([
      400,
      { error: ["Failed to create job. Max number of jobs (64) queued reached"] },
    ]);
    for (const { job_id } of waiting.slice(1)) {
      expect(await cancel(job_id)).toMatchObject([200, { job_id, status: "cancelled" }]);
    }
    expect((await create("SELECT 1")).status).toBe("pending");
    await cancel(first.job_id);
    await until(waiting[0]!.job_id);
    expect(await log()).toEqual(["0"]);
  });

  test("lists running jobs by user", async () => {
    const { job_id } = await create(ENDLESS);
    await running(job_id);
    expect(await ask("/api/v2/jobs-wip")).toEqual([200, { local: [job_id] }]);
    await cancel(job_id);
    expect(await ask("/api/v2/jobs-wip")).toEqual([200, {}]);
  });

  test("requests run between two queries of a job", async () => {
    const { job_id } = await create(["SELECT pg_sleep(1)", ENDLESS]);
    await running(job_id);
    expect((await server.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
    await cancel(job_id);
  });
});

describe("cancelling", () => {
  test("stops the running query and frees the database", async () => {
    const { job_id } = await create([
      `INSERT INTO log (what) VALUES ('kept')`,
      `${ENDLESS}; INSERT INTO log (what) VALUES ('no')`,
    ]);
    const shown = `batch job ${job_id.slice(0, 8)}…: ${ENDLESS}; INSERT INTO`;
    await expect.poll(busyWith).toMatch(new RegExp(`^${shown.replace(/[()*.]/g, "\\$&")}.*…$`));
    const [status, job] = await cancel(job_id);
    expect([status, job.status]).toEqual([200, "cancelled"]);
    expect(job.query).toMatchObject([{ status: "done" }, { status: "cancelled" }]);
    expect(await busyWith()).toBeUndefined();
    expect(await log()).toEqual(["kept"]);
    expect(await get(job_id)).toEqual(job);
  });

  test("stops a sleeping query, also when requested twice at once", async () => {
    const { job_id } = await create("SELECT pg_sleep(600)");
    await running(job_id);
    const answers = await Promise.all([cancel(job_id), cancel(job_id)]);
    // The second may arrive when the job has ended: that is refused, as in CARTO.
    const refused = { error: ["Cannot set status from cancelled to cancelled"] };
    for (const [status, job] of answers)
      expect(job).toMatchObject(status === 200 ? { status: "cancelled" } : refused);
    expect(answers.map(([status]) => status)).toContain(200);
    expect((await server.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
  });

  test("keeps a waiting job from running", async () => {
    const first = await create(ENDLESS);
    const second = await create("INSERT INTO log (what) VALUES ('no')");
    expect(await cancel(second.job_id)).toMatchObject([200, { status: "cancelled" }]);
    expect(await cancel(first.job_id)).toMatchObject([200, { status: "cancelled" }]);
    expect(await log()).toEqual([]);
  });

  // PostgreSQL runs statements side by side: there no turn has to come
  test.runIf(defaultEngine() === "pglite")("a job that still waits for the database", async () => {
    const holding = server.sql("SELECT pg_sleep(1.5)");
    await expect.poll(busyWith).toContain("pg_sleep(1.5)");
    const { job_id } = await create("INSERT INTO log (what) VALUES ('no')");
    expect(await cancel(job_id)).toMatchObject([200, { status: "cancelled" }]);
    expect((await holding).error).toBeUndefined();
    expect(await log()).toEqual([]);
  });

  test("stops a fallback query of a query; the others are skipped", async () => {
    const { job_id } = await create({
      query: [{ query: "SELECT 1", onsuccess: ENDLESS }, { query: "INSERT INTO log (what) VALUES ('no')" }],
    });
    await expect.poll(busyWith).toContain(ENDLESS);
    expect(await cancel(job_id)).toMatchObject([
      200,
      {
        status: "cancelled",
        query: { query: [{ status: "done", fallback_status: "cancelled" }, { status: "skipped" }] },
      },
    ]);
    expect(await log()).toEqual([]);
  });

  test("during the fallback query of the job leaves it done", async () => {
    const { job_id } = await create({ query: [{ query: "SELECT 1" }], onsuccess: ENDLESS });
    await expect.poll(busyWith).toContain(ENDLESS);
    expect(await get(job_id)).toMatchObject({ status: "done", fallback_status: "running" });
    expect(await cancel(job_id)).toMatchObject([200, { status: "done", fallback_status: "cancelled" }]);
  });

  test.each([
    ["SELECT 1", "Cannot set status from done to cancelled"],
    [["SELECT 1/0"], "Cannot set status from failed to cancelled"],
    [{ query: [{ query: "SELECT 1" }] }, "Cannot set status to cancelled"],
  ])("rejects a finished job: %j", async (query, message) => {
    const { job_id } = await create(query);
    await until(job_id);
    expect(await cancel(job_id)).toEqual([400, { error: [message] }]);
  });
});

describe("requests", () => {
  test.each([
    ["no query", {}, "You must indicate a valid SQL"],
    ["q", { q: "SELECT 1" }, "You must indicate a valid SQL"],
    ["an empty query", { query: "" }, "You must indicate a valid SQL"],
    ["null", { query: null }, "You must indicate a valid SQL"],
    ["a number", { query: 7 }, "there is no job class for the provided query"],
    ["an object", { query: { q: "SELECT 1" } }, "there is no job class for the provided query"],
    ["a list of numbers", { query: [1, 2] }, "there is no job class for the provided query"],
    ["a text as body", "SELECT 1", "You must indicate a valid SQL"],
    ["a list as body", ["SELECT 1"], "You must indicate a valid SQL"],
    ["null as body", null, "You must indicate a valid SQL"],
  ])("%s", async (_, body, message) => {
    expect(await ask(JOBS, json(body))).toEqual([400, { error: [message] }]);
  });

  test.each([
    ["no body", { method: "POST" }, 400],
    ["an empty JSON body", { ...json({}), body: "" }, 400],
    ["half a JSON body", { ...json({}), body: '{"query":' }, 400],
    ["an unknown type", { method: "POST", body: "x", headers: { "Content-Type": "text/x-sql" } }, 415],
    ["a prototype", { ...json({}), body: '{"__proto__":{"query":"SELECT 1"}}' }, 400],
  ])("%s", async (_, init, expected) => {
    const [status, body] = await ask(JOBS, init as Init);
    expect([status, body]).toEqual([expected, { error: [expect.any(String)] }]);
  });

  test("accepts a form, and parameters in the URL", async () => {
    const form = await ask(JOBS, { method: "POST", body: new URLSearchParams({ query: "SELECT 1" }) });
    const twice = new URLSearchParams([
      ["query", "SELECT 1"],
      ["query", "SELECT 2"],
    ]);
    const list = await ask(JOBS, { method: "POST", body: twice });
    const address = await ask(`${JOBS}?query=SELECT+3`, { method: "POST" });
    expect([form, list, address]).toMatchObject([
      [201, { query: "SELECT 1" }],
      [201, { query: [{ query: "SELECT 1" }, { query: "SELECT 2" }] }],
      [201, { query: "SELECT 3" }],
    ]);
  });

  test.each(["", "/user/local", "/u/local"])("trailing slashes are accepted, at %s/", async (prefix) => {
    const [created, { job_id }] = await ask(`${prefix}/api/v1/sql/job/`, json({ query: "SELECT 1" }));
    const [shown, job] = await ask(`${prefix}${JOBS}/${job_id}/`);
    expect([created, shown, job.job_id]).toEqual([201, 200, job_id]);
    await until(job_id);
    expect((await ask(`${prefix}${JOBS}/${job_id}/`, { method: "DELETE" }))[0]).toBe(400);
  });

  test("returns client as a header", async () => {
    const response = await server.ask(`${JOBS}?client=cps-1.11.3`, json({ query: "SELECT 1" }));
    expect(response.headers.get("carto-client")).toBe("cps-1.11.3");
  });

  test("accepts a DELETE with a JSON content type and no body", async () => {
    const { job_id } = await create(ENDLESS);
    const headers = { "Content-Type": "application/json" };
    expect((await ask(`${JOBS}/${job_id}`, { method: "DELETE", headers }))[0]).toBe(200);
  });

  test.each([
    ["GET", JOBS],
    ["GET", `${JOBS}/`],
    ["DELETE", JOBS],
    ["PUT", JOBS],
    ["PUT", `${JOBS}/0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f`],
    ["POST", `${JOBS}/%3Cscript%3E`],
  ])("%s %s returns a 404 page", async (method, path) => {
    const response = await server.ask(path, { method });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      404,
      "text/html; charset=utf-8",
    ]);
    expect(await response.text()).toContain(`<pre>Cannot ${method} ${path}</pre>`);
  });

  test.each([
    "irrelevantJob",
    "0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f",
    "..%2F..%2Fserver",
    "..%2Fserver.json",
    "__proto__",
    "%00",
    "%22%3E%3Cscript%3E",
  ])("rejects %s as a job", async (id) => {
    const message = `Job with id ${decodeURIComponent(id)} not found`;
    expect(await ask(`${JOBS}/${id}`)).toEqual([400, { error: [message] }]);
    expect(await cancel(id)).toEqual([400, { error: [message] }]);
  });

  test("does not follow an id that is a path", async () => {
    const { port } = new URL(server.baseUrl);
    const headers = { Authorization: `Basic ${btoa(`local:${server.key}`)}` };
    const status = await new Promise((resolve, reject) => {
      const path = `${JOBS}/../../../server.json`;
      httpRequest({ host: "127.0.0.1", port, path, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(404);
  });

  test.each([
    ["no key", null, 403, "permission denied"],
    ["everybody's key", "default_public", 403, "permission denied"],
    ["a wrong key", "wrong", 401, "Unauthorized"],
  ])("rejects %s for every request", async (_, key, status, error) => {
    const { job_id } = await create("SELECT 1");
    for (const [path, init] of [
      [JOBS, json({ query: "SELECT 1" })],
      [`${JOBS}/${job_id}`, {}],
      [`${JOBS}/${job_id}`, { method: "DELETE" }],
    ] as const) {
      expect(await ask(path, { ...init, key })).toEqual([status, { error: [error] }]);
    }
    expect(await ask("/api/v2/jobs-wip", { key })).toEqual([401, { error: ["Unauthorized"] }]);
  });

  test("rejects another account", async () => {
    const [status, { error }] = await ask(`/user/bob${JOBS}`, json({ query: "SELECT 1" }));
    expect([status, error]).toEqual([404, [expect.stringMatching(/^Sorry, we can't find CARTO user 'bob'/)]]);
  });

  test("accepts the key in the URL and in both kinds of body", async () => {
    const query = "SELECT 1";
    const answers = await Promise.all([
      ask(`${JOBS}?api_key=${server.key}`, { ...json({ query }), key: null }),
      ask(JOBS, { ...json({ query, api_key: server.key }), key: null }),
      ask(JOBS, { method: "POST", body: new URLSearchParams({ query, api_key: server.key }), key: null }),
      ask(JOBS, { ...json({ query, api_key: "wrong" }), key: null }),
    ]);
    expect(answers.map(([status]) => status)).toEqual([201, 201, 201, 401]);
    expect(JSON.stringify(answers)).not.toContain(server.key);
  });
});

const tooLarge = (size: number) => ({
  error: [
    `Your payload is too large: ${size} bytes. Max size allowed is 16384 bytes (16kb). Are you trying to import data?. Please, check out import api http://docs.cartodb.com/cartodb-platform/import-api/`,
  ],
});

describe("size", () => {
  const MAX = 16_384;
  /** A body whose JSON has exactly that many characters. */
  const sized = (chars: number, more: object = {}) => {
    const body = (query: string) => ({ query, ...more });
    const empty = JSON.stringify(body("SELECT ''")).length;
    return body(`SELECT '${"x".repeat(chars - empty)}'`);
  };

  test("accepts 16,384 characters, rejects one more", async () => {
    expect((await ask(JOBS, json(sized(MAX))))[0]).toBe(201);
    expect(await ask(JOBS, json(sized(MAX + 1)))).toEqual([400, tooLarge(MAX + 1)]);
  });

  test("includes the key in the body, but not spaces and escapes", async () => {
    const withKey = { api_key: server.key };
    expect((await ask(JOBS, { ...json(sized(MAX, withKey)), key: null }))[0]).toBe(201);
    expect(await ask(JOBS, { ...json(sized(MAX + 1, withKey)), key: null })).toEqual([
      400,
      tooLarge(MAX + 1),
    ]);
    const spaced = `${" ".repeat(MAX)}${JSON.stringify({ query: "SELECT 1" })}`;
    expect((await ask(JOBS, { ...json({}), body: spaced }))[0]).toBe(201);
    const escaped = JSON.stringify({ query: `SELECT '${"é".repeat(16_000)}'` }).replaceAll("é", "\\u00e9");
    expect((await ask(JOBS, { ...json({}), body: escaped }))[0]).toBe(201);
  });

  test("measures a form as its JSON", async () => {
    const form = new URLSearchParams(sized(MAX + 1) as Record<string, string>);
    expect(await ask(JOBS, { method: "POST", body: form })).toEqual([400, tooLarge(MAX + 1)]);
  });

  test("rejects megabytes unread, and survives deep nesting", async () => {
    const body = JSON.stringify(sized(2_000_000));
    expect(await ask(JOBS, { ...json({}), body })).toEqual([400, tooLarge(body.length)]);
    for (const depth of [5_000, 100_000]) {
      const nested = `{"query":${"[".repeat(depth)}${"]".repeat(depth)}}`;
      const [status, { error }] = await ask(JOBS, { ...json({}), body: nested });
      expect([status, error![0]]).toEqual([
        400,
        expect.stringMatching(/^(there is no job class|Your payload)/),
      ]);
    }
    expect((await server.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
  });
});

test("answers a client that is still sending a body that is too large", async () => {
  const { host, port } = new URL(server.baseUrl);
  const socket = connect(Number(port), "127.0.0.1");
  const credentials = Buffer.from(`local:${server.key}`).toString("base64");
  const head = [
    `POST ${JOBS} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Basic ${credentials}`,
    "Content-Type: application/json",
    "Content-Length: 2000000",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  let received = "";
  socket.on("data", (chunk) => (received += chunk));
  await once(socket, "data");
  socket.write("x".repeat(2_000_000));
  socket.end(`GET ${JOBS}/none?api_key=${server.key} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, "close");
  expect(received).toContain(tooLarge(2_000_000).error[0]);
  expect(received).toContain("Job with id none not found");
});

test("stores jobs without the key in files that only their owner can read", async () => {
  const { job_id } = await create("SELECT 'secret'");
  await until(job_id);
  const dir = join((await statusOf()).dataDir, "jobs");
  const file = join(dir, `${job_id}.json`);
  expect([(await stat(dir)).mode & 0o777, (await stat(file)).mode & 0o777]).toEqual([0o700, 0o600]);
  expect(await readFile(file, "utf8")).not.toContain(server.key);
  expect((await readdir(dir)).filter((name) => !name.endsWith(".json"))).toEqual([]);
});
