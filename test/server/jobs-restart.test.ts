import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cancelJob, createJob, fetchJob } from "../../src/api/jobs";
import { runSql } from "../../src/api/sql";
import { Transport } from "../../src/api/transport";
import { endpointSource } from "../../src/context/connection/endpoint";
import { localHome, readState } from "../../src/local/home";
import { findServer, stopServer } from "../../src/local/launcher";
import { isAlive } from "../../src/local/process";
import { mulberry32 } from "../support/seeded";
import { removeHome, temporaryHome } from "../support/server";

const ENDLESS = "SELECT count(*) FROM generate_series(1, 1e11)";

/** One home, whose server runs until a test kills or stops it: each start costs seconds. */
let dir: string;
let transport: Transport;
beforeAll(async () => {
  dir = await temporaryHome();
  transport = new Transport(endpointSource({ baseUrl: `local:${dir}` }));
});
beforeEach(async () => {
  await runSql(transport, "DROP TABLE IF EXISTS log; CREATE TABLE log (n serial, what text)");
  expect((await findServer(home()))!.status).toMatchObject({ waiting: 0 });
});
afterAll(() => removeHome(dir));

const home = () => localHome(dir);
const kill = async () => {
  const { pid } = (await findServer(home()))!.status;
  process.kill(pid, "SIGKILL");
  await expect.poll(() => isAlive(pid)).toBe(false);
};
const stateOf = async (id: string) => (await fetchJob(transport, id)).status;
const becomes = (id: string, status: string) => expect.poll(() => stateOf(id), { interval: 50 }).toBe(status);
const log = async () =>
  (await runSql(transport, "SELECT what FROM log ORDER BY n")).rows.map(({ what }) => what);
const say = (text: string) => `INSERT INTO log (what) VALUES ('${text}')`;

test("after kill -9 the running job has failed with a reason, and waiting jobs run", async () => {
  const running = await createJob(transport, {
    query: [
      { query: say("one") },
      { query: `${say("two")}; ${ENDLESS}`, onerror: say("<%= error_message %>") },
      { query: say("three") },
    ],
    onerror: say("error"),
  });
  const waiting = [
    await createJob(transport, say("four")),
    await createJob(transport, [say("five"), say("six")]),
  ];
  await expect.poll(async () => (await findServer(home()))?.status.busyWith).toContain("two");
  await kill();
  await becomes(waiting[1]!.job_id, "done");
  const job = await fetchJob(transport, running.job_id);
  const reason =
    "the server was killed or crashed while this query ran; it may have taken effect: check before you run it again";
  expect(job).toMatchObject({
    status: "failed",
    failed_reason: reason,
    fallback_status: "done",
    query: {
      query: [
        { status: "done" },
        { status: "failed", failed_reason: reason, fallback_status: "done" },
        { status: "skipped" },
      ],
    },
  });
  expect(await log()).toEqual(["one", reason, "error", "four", "five", "six"]);
});

test("an orderly stop cancels the running job with a reason, and the next server continues the queue", async () => {
  const running = await createJob(transport, `${say("no")}; ${ENDLESS}`);
  const waiting = await createJob(transport, say("later"));
  await becomes(running.job_id, "running");
  await stopServer(home());
  expect((await readState(home()))!.pid).toBeUndefined();
  await becomes(waiting.job_id, "done");
  expect(await fetchJob(transport, running.job_id)).toMatchObject({
    status: "failed",
    failed_reason:
      "the server was stopped while this query ran, which cancelled it; check what it did before you run it again",
  });
  expect(await log()).toEqual(["later"]);
});

test("if the server is killed at any moment, each job runs at most once, in order, and ends", async () => {
  const seed = 4;
  const random = mulberry32(seed);
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 4; n++) {
      const name = `${round}${n}`;
      const job = await createJob(transport, [say(`${name}a`), `SELECT pg_sleep(0.05)`, say(`${name}b`)]);
      ids.push(job.job_id);
    }
    const begun = ids.at(-1 - Math.floor(random() * 4))!;
    await expect.poll(() => stateOf(begun), { interval: 10 }).not.toBe("pending");
    await sleep(random() * 100);
    await kill();
  }
  const last = await createJob(transport, say("end"));
  await becomes(last.job_id, "done");
  const statuses = await Promise.all(ids.map(stateOf));
  expect(new Set([...statuses, "done", "failed"]), `seed ${seed}`).toEqual(new Set(["done", "failed"]));
  expect(statuses.filter((status) => status === "failed").length, `seed ${seed}`).toBeLessThanOrEqual(3);
  const texts = await log();
  expect(texts, `seed ${seed}`).toEqual([...new Set(texts)].sort());
  for (const [at, status] of statuses.entries()) {
    const name = `${Math.floor(at / 4)}${at % 4}`;
    if (status === "done") expect(texts).toEqual(expect.arrayContaining([`${name}a`, `${name}b`]));
  }
});

test("a damaged file does not prevent a start", async () => {
  const { job_id } = await createJob(transport, "SELECT 1");
  await becomes(job_id, "done");
  await stopServer(home());
  const jobs = join(dir, "jobs");
  const before = await readdir(jobs);
  expect(before).toContain(`${job_id}.json`);
  await writeFile(join(jobs, "0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f.json"), "{");
  await writeFile(join(jobs, "notes.txt"), "mine");
  await becomes(job_id, "done");
  expect((await readdir(jobs)).sort()).toEqual(
    [...before, "0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f.json.damaged", "notes.txt"].sort(),
  );
});

test("does not clean up a table that a waiting job will finish", async () => {
  const table = "cartoframes_tmp_0123456789abcdef";
  await runSql(transport, `CREATE TABLE ${table} AS SELECT 1 AS a`);
  await runSql(transport, "CREATE TABLE cartoframes_tmp_0000000000000000 AS SELECT 1 AS a");
  const running = await createJob(transport, ENDLESS);
  const waiting = await createJob(transport, `ALTER TABLE ${table} RENAME TO finished`);
  await becomes(running.job_id, "running");
  await kill();
  await becomes(waiting.job_id, "done");
  const { rows } = await runSql(transport, "SELECT * FROM CDB_UserTables() AS name ORDER BY name");
  expect(rows).toEqual([{ name: "finished" }, { name: "log" }]);
});

test("a server with work to do is not idle", async () => {
  await stopServer(home());
  process.env.CARTOFRAMES_IDLE_STOP_MS = "1500";
  try {
    const first = await createJob(transport, "SELECT pg_sleep(3)");
    const next = await createJob(transport, ENDLESS);
    const { pid } = (await readState(home()))!;
    // Looked up on the disk: a request would be work, too.
    const inFile = async () =>
      JSON.parse(await readFile(join(dir, "jobs", `${next.job_id}.json`), "utf8")).job.status;
    await expect.poll(inFile).toBe("running");
    await sleep(4_000);
    expect(isAlive(pid!)).toBe(true);
    expect(await stateOf(first.job_id)).toBe("done");
    await cancelJob(transport, next.job_id);
    await expect.poll(() => isAlive(pid!)).toBe(false);
  } finally {
    delete process.env.CARTOFRAMES_IDLE_STOP_MS;
  }
});
