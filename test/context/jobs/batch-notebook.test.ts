import { afterAll, beforeAll, expect, test } from "vitest";
import { localHome } from "../../../src/local/home";
import { findServer } from "../../../src/local/launcher";
import { type CellResult, type Kernel, notebookKernel } from "../../support/jupyter";
import { removeHome, sharedHome } from "../../support/server";

const ENDLESS = "SELECT count(*) FROM generate_series(1, 1e11)";

/** The built package in a real kernel. */
let home: string;
let kernel: Kernel;
beforeAll(async () => {
  home = await sharedHome();
  kernel = await notebookKernel(home);
  await kernel.execute(
    'import { BatchJobStatus, cc, JobError } from "cartoframes"; await cc.query("SELECT 1");',
  );
});
afterAll(async () => {
  await kernel?.shutdown();
  await removeHome(home);
});

const busyWith = async () => (await findServer(localHome(home)))?.status.busyWith;
const textOf = ({ outputs }: Pick<CellResult, "outputs">) =>
  outputs.map((output) => ("text" in output ? output.text : String(output.data["text/plain"]))).join("\n");

test("shows a job as one line, and waiting as one progress line", async () => {
  const created = await kernel.execute(
    'const job = await cc.batch("CREATE TABLE made AS SELECT 1 AS a"); job',
  );
  expect(created.stdout).toMatch(
    /^BatchJobStatus\(jobId='[0-9a-f-]{36}', lastStatus='pending', createdAt='\d{4}-.*Z'\)\n$/,
  );
  const waited = await kernel.execute(
    'const slow = await cc.batch(["SELECT pg_sleep(1)", "SELECT pg_sleep(2)"]);\n(await slow.wait()).status',
  );
  expect(textOf(waited)).toMatch(/^job [0-9a-f]{8}… · 2 queries · \d+ s$/m);
  expect([waited.status, waited.stdout, waited.stderr]).toEqual(["ok", "done\n", ""]);
});

test("shows a failed job's reason without a stack", async () => {
  const { status, stderr } = await kernel.execute(
    'const bad = await cc.batch("SELECT 1/0");\nawait bad.wait();',
  );
  expect([status, stderr]).toEqual([
    "error",
    expect.stringMatching(/^JobError: Job [0-9a-f-]{36} failed: division by zero\n$/),
  ]);
});

test("says that a call waits for a job only if it does", async () => {
  const job = await kernel.execute(`const long = await cc.batch("${ENDLESS}"); long.jobId`);
  const id = job.stdout.replace(/'/g, "").trim();
  await expect.poll(busyWith).toContain("generate_series");
  const shown: string[] = [];
  const waiting = kernel.execute('await cc.query("SELECT 1 AS a, pg_sleep(5)")', {
    onOutputs: (outputs) => shown.push(textOf({ outputs })),
  });
  const line = `waiting for batch job ${id.slice(0, 8)}…: ${ENDLESS}`;
  await expect.poll(() => shown.join("\n")).toContain(line);
  const server = (await findServer(localHome(home)))!;
  const headers = { Authorization: `Basic ${btoa(`${server.user}:${server.key}`)}` };
  const seen = shown.length;
  await fetch(`${server.baseUrl}/api/v2/sql/job/${id}`, { method: "DELETE", headers });
  const { status } = await waiting;
  expect(status).toBe("ok");
  // Asked again while its own statement sleeps, it waits for nobody.
  expect(shown.slice(seen).filter((text) => /query · \d+ s$/.test(text)).length).toBeGreaterThan(0);
  expect(shown.slice(seen).join("\n")).not.toMatch(/waiting for (?!batch job)/);
});

test("interrupting ends the wait, not the job", async () => {
  await kernel.execute(`const job2 = await cc.batch("${ENDLESS}");`);
  let shown = "";
  const waiting = kernel.execute("await job2.wait();", {
    onOutputs: (outputs) => {
      shown = textOf({ outputs });
    },
  });
  await expect.poll(() => shown).toContain(`running: ${ENDLESS}`);
  kernel.interrupt();
  const { status, stderr } = await waiting;
  expect([status, stderr.trim().split("\n").length]).toEqual(["error", 1]);
  expect(await busyWith()).toContain("batch job");
  const cancelled = await kernel.execute("(await job2.cancel()).status");
  expect(cancelled.stdout).toBe("cancelled\n");
});
