import { inspect } from "node:util";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { BatchJobStatus, type JobRef } from "../../../src/context/jobs/batch-job-status";
import { InvalidArgumentError, JobError, TimeoutError } from "../../../src/errors";
import { serverForTests } from "../../support/server";

const server = serverForTests();
let cc: CartoContext;
beforeAll(async () => {
  cc = new CartoContext({ baseUrl: `${server.baseUrl}/user/local`, apiKey: server.key });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ENDLESS = "SELECT count(*) FROM generate_series(1, 1e11)";
const rowsOf = async (sql: string) => (await server.sql(sql)).rows;
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error as JobError,
  );

describe("batch", () => {
  test("runs a statement on the server until wait resolves", async () => {
    const job = await cc.batch("CREATE TABLE one AS SELECT 1 AS a");
    expect(job).toBeInstanceOf(BatchJobStatus);
    expect([job.lastStatus, job.getStatus(), job.createdAt]).toEqual([
      "pending",
      "pending",
      expect.any(Date),
    ]);
    const { status, createdAt, updatedAt } = await job.wait();
    expect([status, createdAt]).toEqual(["done", job.createdAt]);
    expect(updatedAt.getTime()).toBeGreaterThanOrEqual(createdAt.getTime());
    expect(job.getStatus()).toBe("done");
    expect(await rowsOf("SELECT a FROM one")).toEqual([{ a: 1 }]);
  });

  test("accepts a list, and an object with fallback queries", async () => {
    await (
      await cc.batch(["CREATE TABLE steps (n serial, what text)", "INSERT INTO steps (what) VALUES ('a')"])
    ).wait();
    const job = await cc.batch({
      query: [
        {
          query: "INSERT INTO steps (what) VALUES ('b')",
          onsuccess: "INSERT INTO steps (what) VALUES ('<%= job_id %>')",
        },
      ],
      onsuccess: "INSERT INTO steps (what) SELECT 'c' FROM pg_sleep(0.5)",
    });
    await job.wait(); // for the last statement, too
    expect((await rowsOf("SELECT what FROM steps ORDER BY n")).map(({ what }) => what)).toEqual([
      "a",
      "b",
      job.jobId,
      "c",
    ]);
  });

  test.each([[""], [[]], [["SELECT 1", " "]], [{ query: [] }], [{ query: [{ query: "" }] }], [null], [7]])(
    "rejects %j before it is sent",
    async (query) => {
      await expect(cc.batch(query as string)).rejects.toThrow(InvalidArgumentError);
    },
  );

  test("throws JobError if the server rejects the job", async () => {
    const error = await rejection(cc.batch(`SELECT '${"x".repeat(17_000)}'`));
    expect([error.name, error.message]).toEqual([
      "JobError",
      expect.stringContaining("Max size allowed is 16384 bytes"),
    ]);
  });

  test("sends nothing if the signal is aborted", async () => {
    const signal = AbortSignal.abort(new Error("no"));
    await expect(cc.batch("SELECT 1", { signal })).rejects.toThrow("no");
  });
});

describe("BatchJobStatus", () => {
  test("accepts an id, a response or another BatchJobStatus", async () => {
    const job = await cc.batch("SELECT 1");
    await job.wait();
    const byId = new BatchJobStatus(cc, job.jobId);
    expect([byId.jobId, byId.lastStatus, byId.createdAt, byId.getStatus()]).toEqual([
      job.jobId,
      undefined,
      undefined,
      undefined,
    ]);
    expect(await byId.status()).toEqual({
      status: "done",
      createdAt: job.createdAt,
      updatedAt: expect.any(Date),
    });
    expect([byId.lastStatus, byId.createdAt]).toEqual(["done", job.createdAt]);
    const answer = await (await server.ask(`/api/v2/sql/job/${job.jobId}`)).json();
    expect(new BatchJobStatus(cc, answer as JobRef).lastStatus).toBe("done");
    expect(new BatchJobStatus(cc, job)).toMatchObject({ jobId: job.jobId, lastStatus: "done" });
    expect(new BatchJobStatus(cc, { job_id: "abc", status: "canceled" }).getStatus()).toBe("cancelled");
  });

  test.each([[""], ["../../server"], ["a b"], [{}], [null], [7]])("rejects %j as a job", (job) => {
    expect(() => new BatchJobStatus(cc, job as string)).toThrow(InvalidArgumentError);
  });

  test("requires a context", () => {
    expect(() => new BatchJobStatus({} as CartoContext, "abc")).toThrow(
      "The first argument must be a CartoContext, such as cc.",
    );
  });

  test("warns about a failed job in status, and throws in wait", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const job = await cc.batch(["SELECT 1", "SELECT naem FROM (SELECT 1 AS name) t"]);
    const error = await rejection(job.wait());
    expect(warn).not.toHaveBeenCalled();
    expect(error).toBeInstanceOf(JobError);
    expect(error).toMatchObject({
      message: `Job ${job.jobId} failed: column "naem" does not exist`,
      jobId: job.jobId,
      status: "failed",
      failedReason: 'column "naem" does not exist',
    });
    expect((await job.status()).status).toBe("failed");
    expect(warn.mock.calls).toEqual([['Job failed: column "naem" does not exist']]);
    expect(job.getStatus()).toBe("failed");
  });

  test("warns in wait if a fallback query of a finished job failed", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const job = await cc.batch({ query: [{ query: "SELECT 1", onsuccess: "SELECT 1/0" }] });
    expect((await job.wait()).status).toBe("done");
    const last = await cc.batch({ query: [{ query: "SELECT 1" }], onsuccess: "SELECT 1/0" });
    await last.wait();
    const what = "is done, but a statement that ran after it has failed";
    expect(warn.mock.calls).toEqual([
      [`Job ${job.jobId} ${what}: division by zero`],
      [`Job ${last.jobId} ${what}.`],
    ]);
  });

  test("cancel stops the job, rejects wait, and frees the database", async () => {
    const job = await cc.batch(ENDLESS);
    const waiting = rejection(job.wait());
    await expect.poll(() => job.status().then(({ status }) => status)).toBe("running");
    expect((await job.cancel()).status).toBe("cancelled");
    expect(job.getStatus()).toBe("cancelled");
    expect(await waiting).toMatchObject({ message: `Job ${job.jobId} was cancelled.`, status: "cancelled" });
    expect(await rowsOf("SELECT 1 AS a")).toEqual([{ a: 1 }]);
    expect((await rejection(job.cancel())).message).toBe(
      "The job cannot be cancelled, because it is cancelled.",
    );
  });

  test("a signal or timeout ends the wait, not the job", async () => {
    const job = await cc.batch(ENDLESS);
    const controller = new AbortController();
    const aborted = rejection(job.wait({ signal: controller.signal }));
    controller.abort(new Error("enough"));
    expect((await aborted).message).toBe("enough");
    const error = await rejection(job.wait({ timeoutMs: 300 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toMatch(
      /^Job .* is still (pending|running)\. It continues; call wait\(\) again, or cancel\(\)\.$/,
    );
    expect(["pending", "running"]).toContain((await job.status()).status);
    await job.cancel();
  });

  test("reports an unknown job", async () => {
    const job = new BatchJobStatus(cc, "0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f");
    const message =
      "Job with id 0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f not found. A server forgets a job two hours after its end.";
    for (const call of [() => job.status(), () => job.wait(), () => job.cancel()]) {
      expect(await rejection(call())).toMatchObject({ name: "JobError", message });
    }
  });

  test("prints what is known about the job, without a key", async () => {
    const job = await cc.batch("SELECT 1");
    expect(inspect(job)).toBe(
      `BatchJobStatus(jobId='${job.jobId}', lastStatus='pending', createdAt='${job.createdAt!.toISOString()}')`,
    );
    expect(inspect(new BatchJobStatus(cc, "abc"))).toBe("BatchJobStatus(jobId='abc')");
    expect(String(job)).toBe(inspect(job));
    expect(inspect(job, { showHidden: true, depth: 9 })).not.toContain(server.key);
  });
});
