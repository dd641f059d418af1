import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { begin, newJob } from "../../../src/server/jobs/job";
import { openJobQueue } from "../../../src/server/jobs/queue";
import { openJobStore } from "../../../src/server/jobs/store";
import { temporaryDir } from "../../support/engine";
import { isRoot } from "../../support/machine";

const root = temporaryDir();
let dir: string;
let rounds = 0;
beforeEach(() => {
  dir = join(root, String(++rounds));
});

const AT = "2017-03-04T10:11:12.123Z";
const ids = ["0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f", "1b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f"] as const;
const jobs = [
  newJob("SELECT 'é \u2028 \"'", { id: ids[0], user: "local", at: AT }),
  newJob(
    { query: [{ query: "A", onsuccess: "B", onerror: undefined }], onsuccess: undefined, onerror: "C" },
    {
      id: ids[1],
      user: "local",
      at: AT,
    },
  ),
];
const open = async () => {
  const reports: string[] = [];
  return { ...(await openJobStore(dir, ({ message }) => reports.push(message))), reports };
};

test("reads the written jobs in the order of their numbers", async () => {
  const { store } = await open();
  await store.write({ number: 10, job: jobs[0]! });
  await store.write({ number: 9, job: jobs[1]! });
  await store.write({ number: 9, job: begin(jobs[1]!, AT) });
  const again = await open();
  expect(again.jobs.map(({ number }) => number)).toEqual([9, 10]);
  expect(JSON.stringify(again.jobs.map(({ job }) => job.status))).toBe('["running","pending"]');
  expect(again.jobs[1]!.job).toEqual(jobs[0]);
  await store.remove(ids[0]);
  await store.remove(ids[0]);
  expect((await open()).jobs.length).toBe(1);
});

test("a file truncated at any byte is a complete job or set aside, and the others are read", async () => {
  const { store } = await open();
  await store.write({ number: 1, job: jobs[0]! });
  await store.write({ number: 2, job: jobs[1]! });
  const file = join(dir, `${ids[0]}.json`);
  const whole = await readFile(file);
  for (let bytes = 0; bytes < whole.length - 1; bytes += 7) {
    await writeFile(file, whole.subarray(0, bytes));
    const { jobs, reports } = await open();
    expect(jobs.map(({ job }) => job.job_id)).toEqual([ids[1]]);
    expect(reports).toEqual([expect.stringContaining(`${file} is damaged and was renamed`)]);
    expect(await readFile(`${file}.damaged`)).toEqual(whole.subarray(0, bytes));
  }
});

test.each([
  ["another job's name", (text: string) => text.replace(ids[0], ids[1])],
  ["an id that is a path", (text: string) => text.replace(ids[0], "../../server")],
  ["an invalid status", (text: string) => text.replace('"pending"', '"finished"')],
  ["a later version", (text: string) => text.replace('"version":1', '"version":2')],
  ["no queries", (text: string) => text.replace(/"queries":\[.*?\]/s, '"queries":[]')],
])("sets aside a file with %s", async (_, change) => {
  const { store } = await open();
  await store.write({ number: 1, job: jobs[0]! });
  const file = join(dir, `${ids[0]}.json`);
  const text = await readFile(file, "utf8");
  await writeFile(file, change(text));
  expect(change(text)).not.toBe(text);
  const { jobs: left, reports } = await open();
  expect([left, reports.length]).toEqual([[], 1]);
  expect(await readdir(dir)).toEqual([`${ids[0]}.json.damaged`]);
});

test("ignores a state that was being written when the process ended", async () => {
  const { store } = await open();
  await store.write({ number: 1, job: jobs[0]! });
  await writeFile(join(dir, `${ids[0]}.json.new`), "{");
  expect((await open()).jobs[0]!.job).toEqual(jobs[0]);
  expect(await readdir(dir)).toEqual([`${ids[0]}.json`]);
});

test("removes only finished jobs after a time", async () => {
  const queue = await openJobQueue({ dir, report: () => {}, keepFinishedMs: 0 });
  const finished = await queue.create("SELECT 1");
  const waiting = await queue.create("SELECT 2");
  await queue.cancel(finished.job_id);
  expect(() => queue.get(finished.job_id)).toThrow(`Job with id ${finished.job_id} not found`);
  expect(queue.get(waiting.job_id)).toEqual(waiting);
  await expect.poll(() => readdir(dir)).toEqual([`${waiting.job_id}.json`]);
});

test("reports a disk error to the creator, and runs nothing that is not stored", async () => {
  const NOBODY = 65534; // root may write anywhere, so it becomes somebody else meanwhile
  await refusedTest(
    async () => {
      await chmod(dir, 0o500);
      if (isRoot) process.seteuid!(NOBODY);
    },
    async () => {
      if (isRoot) process.seteuid!(0);
      await chmod(dir, 0o700);
    },
  );
});

test("reports a missing folder to the creator, and runs nothing that is not stored", async () => {
  const { rm, mkdir } = await import("node:fs/promises");
  await refusedTest(
    () => rm(dir, { recursive: true }),
    () => mkdir(dir).then(() => {}),
  );
});

async function refusedTest(refuse: () => Promise<void>, accept: () => Promise<void>): Promise<void> {
  const reports: unknown[] = [];
  const sent: string[] = [];
  const queue = await openJobQueue({ dir, report: (error) => reports.push(error) });
  const { job_id } = await queue.create("SELECT 1");
  await refuse();
  await expect(queue.create("SELECT 2")).rejects.toThrow(/ENOENT|EACCES/);
  queue.start({
    query: async (sql) => {
      sent.push(sql);
      return { statements: [], notices: [], warnings: [] };
    },
  });
  await expect
    .poll(() => queue.get(job_id))
    .toMatchObject({
      status: "failed",
      failed_reason: expect.stringMatching(
        /^the server could not record the start of the query: (ENOENT|EACCES)/,
      ),
    });
  expect([sent, reports.length > 0]).toEqual([[], true]);
  await accept();
  const next = await queue.create("SELECT 3");
  await expect.poll(() => queue.get(next.job_id).status).toBe("done");
  expect(sent).toEqual([`/* ${next.job_id} */ SELECT 3`]);
  await queue.stop();
}
