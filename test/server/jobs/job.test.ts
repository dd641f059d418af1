import { describe, expect, test } from "vitest";
import { JobQuery, JobStatus } from "../../../src/api/schemas/jobs";
import {
  begin,
  cancel,
  finish,
  interrupt,
  isFinished,
  isRunning,
  type Job,
  mayBecome,
  newJob,
  nextStep,
  publicJob,
} from "../../../src/server/jobs/job";
import { mulberry32 } from "../../support/seeded";

const ID = "0b9c1f0e-7a4d-4d0e-9a55-2f3b0c1d2e3f";
const CREATED = "2017-03-04T10:11:12.123Z";
const LATER = "2017-03-04T10:11:13.000Z";

const jobOf = (query: unknown) => newJob(JobQuery.parse(query), { id: ID, user: "local", at: CREATED });

/** Runs a job to its end with the outcome of each statement; returns what was sent, and the job. */
function run(query: unknown, fails: Record<string, string> = {}): { sent: string[]; job: Job } {
  const sent: string[] = [];
  let job = jobOf(query);
  for (let step = nextStep(job); step; step = nextStep(job)) {
    sent.push(step.sql);
    job = finish(begin(job, LATER), LATER, fails[step.sql]);
  }
  return { sent, job };
}

/** Statuses in a few letters: of the job, its fallback, its queries and theirs. */
function states({ status, fallback_status, queries }: Job): string {
  const both = (of: { status: string; fallback_status?: string }) =>
    of.fallback_status ? `${of.status}/${of.fallback_status}` : of.status;
  return [both({ status, fallback_status }), ...queries.map(both)].join(" ");
}

// carto-api §4.3
const ALLOWED = {
  pending: ["running", "cancelled", "unknown", "skipped"],
  running: ["done", "failed", "cancelled", "pending", "unknown"],
};

test.each(JobStatus.options)("from %s", (from) => {
  const to = JobStatus.options.filter((to) => mayBecome(from, to));
  expect(to.sort()).toEqual([...(ALLOWED[from as keyof typeof ALLOWED] ?? [])].sort());
});

describe("shapes", () => {
  test("a string", () => {
    const job = jobOf("UPDATE trees SET height=height*2");
    expect(JSON.parse(JSON.stringify(publicJob(job)))).toEqual({
      job_id: ID,
      user: "local",
      query: "UPDATE trees SET height=height*2",
      status: "pending",
      created_at: CREATED,
      updated_at: CREATED,
    });
  });

  test("a list", () => {
    const job = jobOf(["UPDATE a SET x=1", "UPDATE b SET y=2"]);
    expect(JSON.parse(JSON.stringify(publicJob(job)))).toMatchObject({
      query: [
        { query: "UPDATE a SET x=1", status: "pending" },
        { query: "UPDATE b SET y=2", status: "pending" },
      ],
    });
  });

  test("an object with fallback queries, without statuses sent by the client", () => {
    const job = jobOf({
      query: [
        { query: "A", onsuccess: "B", onerror: "C", timeout: 60000, id: "step1", status: "done", more: 1 },
        { query: "D", onerror: null, timeout: "60000" },
      ],
      onsuccess: "E",
      onerror: "F",
    });
    expect(JSON.parse(JSON.stringify(publicJob(job)))).toEqual({
      job_id: ID,
      user: "local",
      query: {
        query: [
          {
            query: "A",
            onsuccess: "B",
            onerror: "C",
            timeout: 60000,
            id: "step1",
            status: "pending",
            fallback_status: "pending",
          },
          { query: "D", status: "pending" },
        ],
        onsuccess: "E",
        onerror: "F",
      },
      status: "pending",
      fallback_status: "pending",
      created_at: CREATED,
      updated_at: CREATED,
    });
  });

  test.each([
    [[]],
    [[1]],
    [["A", null]],
    [[{ query: "A" }]],
    [7],
    [true],
    [{}],
    [{ query: "A" }],
    [{ query: [] }],
    [{ query: ["A"] }],
    [{ query: [{ query: "" }] }],
    [{ query: [{ query: 1 }] }],
    [{ query: [{ query: "A", onerror: 1 }] }],
    [{ query: [{ query: "A" }], onsuccess: ["B"] }],
  ])("rejects %j", (query) => {
    expect(JobQuery.safeParse(query).success).toBe(false);
  });
});

describe("running", () => {
  test("a string is pending, running, done or failed", () => {
    const running = begin(jobOf("A"), LATER);
    expect([states(running), running.updated_at]).toEqual(["running running", LATER]);
    expect(states(finish(running, LATER))).toBe("done done");
    const failed = finish(running, LATER, "no table");
    expect([states(failed), failed.failed_reason]).toEqual(["failed failed", "no table"]);
  });

  test("a list is pending between its queries", () => {
    const between = finish(begin(jobOf(["A", "B"]), LATER), LATER);
    expect(states(between)).toBe("pending done pending");
    expect(run(["A", "B"])).toMatchObject({ sent: ["A", "B"], job: { status: "done" } });
  });

  // What is sent, and the statuses at the end, for every way a query can end.
  const ALL = {
    query: [
      { query: "A", onsuccess: "A+", onerror: "A-" },
      { query: "B", onsuccess: "B+", onerror: "B-" },
    ],
    onsuccess: "+",
    onerror: "-",
  };
  const part = (name: string, only: "onsuccess" | "onerror") => ({
    query: [{ query: "A", [only]: name }, { query: "B" }],
    [only]: "job",
  });
  test.each<[string, unknown, string[], string, string]>([
    ["list: the first fails", ["A", "B", "C"], ["A"], "A", "failed failed pending pending"],
    ["list: the second fails", ["A", "B", "C"], ["B"], "A B", "failed done failed pending"],
    ["object: all done", ALL, [], "A A+ B B+ +", "done/done done/done done/done"],
    ["object: the first fails", ALL, ["A"], "A A- -", "failed/done failed/done skipped/skipped"],
    ["object: the second fails", ALL, ["B"], "A A+ B B- -", "failed/done done/done failed/done"],
    ["object: onsuccess of a query fails", ALL, ["A+"], "A A+ B B+ +", "done/done done/failed done/done"],
    [
      "object: onerror of a query fails",
      ALL,
      ["A", "A-"],
      "A A- -",
      "failed/done failed/failed skipped/skipped",
    ],
    ["object: onsuccess of the job fails", ALL, ["+"], "A A+ B B+ +", "done/failed done/done done/done"],
    [
      "object: onerror of the job fails",
      ALL,
      ["A", "-"],
      "A A- -",
      "failed/failed failed/done skipped/skipped",
    ],
    [
      "onerror is skipped where all is done",
      part("A-", "onerror"),
      [],
      "A B",
      "done/skipped done/skipped done",
    ],
    [
      "onsuccess is skipped after a failure",
      part("A+", "onsuccess"),
      ["A"],
      "A",
      "failed/skipped failed/skipped skipped",
    ],
    [
      "onsuccess is skipped after a later one",
      part("A+", "onsuccess"),
      ["B"],
      "A A+ B",
      "failed/skipped done/done failed",
    ],
  ])("%s", (_, query, failing, sent, expected) => {
    const result = run(query, Object.fromEntries(failing.map((sql) => [sql, `${sql} is bad`])));
    expect([result.sent.join(" "), states(result.job)]).toEqual([sent, expected]);
    const reason = failing.find((sql) => sql === "A" || sql === "B");
    expect(result.job.failed_reason).toBe(reason && `${reason} is bad`);
  });

  test("the fallback of a query runs before the next query, and the job is pending in between", () => {
    let job = finish(begin(jobOf(ALL), LATER), LATER);
    expect([states(job), nextStep(job)?.sql]).toEqual(["pending/pending done/pending pending/pending", "A+"]);
    job = begin(job, LATER);
    expect(states(job)).toBe("running/pending done/running pending/pending");
  });

  test("the fallback of the job runs after the job is done", () => {
    let job = jobOf({ query: [{ query: "A" }], onsuccess: "+" });
    job = finish(begin(job, LATER), LATER);
    expect([states(job), isFinished(job), isRunning(job)]).toEqual(["done/pending done", false, false]);
    job = begin(job, LATER);
    expect([states(job), isFinished(job), isRunning(job)]).toEqual(["done/running done", false, true]);
  });

  test("keeps the times of a query in an object", () => {
    const { job } = run({ query: [{ query: "A" }] });
    expect(job.queries[0]).toMatchObject({ started_at: LATER, ended_at: LATER });
  });
});

describe("templates", () => {
  const sentAfter = (part: object, error?: string) =>
    run({ query: [{ query: "A", ...part }] }, error === undefined ? {} : { A: error }).sent[1];

  test("are replaced in the fallbacks of queries", () => {
    const both = "('<%= job_id %>', '<%=job_id%>', '<%=  error_message  %>')";
    expect(sentAfter({ onsuccess: both })).toBe(`('${ID}', '${ID}', '<%=  error_message  %>')`);
    expect(sentAfter({ onerror: both }, "it's $& bad")).toBe(`('${ID}', '${ID}', 'it's $& bad')`);
  });

  test("are not replaced inside inserted values", () => {
    expect(sentAfter({ onerror: "<%= error_message %>" }, "<%= job_id %>")).toBe("<%= job_id %>");
  });

  test("are not replaced in the fallbacks of the job", () => {
    const onsuccess = "SELECT '<%= job_id %>'";
    expect(run({ query: [{ query: "A" }], onsuccess }).sent).toEqual(["A", onsuccess]);
  });
});

describe("cancelling", () => {
  const OBJECT = {
    query: [
      { query: "A", onsuccess: "A+" },
      { query: "B", onerror: "B-" },
    ],
    onsuccess: "+",
  };
  const after = (query: unknown, steps: number, running: boolean) => {
    let job = jobOf(query);
    for (let step = 0; step < steps; step++) job = finish(begin(job, LATER), LATER);
    return running ? begin(job, LATER) : job;
  };
  test.each<[string, unknown, number, boolean, string]>([
    ["a pending text", "A", 0, false, "cancelled cancelled"],
    ["a running text", "A", 0, true, "cancelled cancelled"],
    ["a pending list", ["A", "B"], 0, false, "cancelled cancelled pending"],
    ["a list between two queries", ["A", "B"], 1, false, "cancelled done cancelled"],
    ["a running list", ["A", "B"], 1, true, "cancelled done cancelled"],
    ["a pending object", OBJECT, 0, false, "cancelled/skipped cancelled/skipped skipped/skipped"],
    ["a running object", OBJECT, 0, true, "cancelled/skipped cancelled/skipped skipped/skipped"],
    ["before the fallback of a query", OBJECT, 1, false, "cancelled/skipped done/cancelled skipped/skipped"],
    ["in the fallback of a query", OBJECT, 1, true, "cancelled/skipped done/cancelled skipped/skipped"],
    ["in the second query", OBJECT, 2, true, "cancelled/skipped done/done cancelled/skipped"],
    ["before the fallback of the job", OBJECT, 3, false, "done/cancelled done/done done/skipped"],
    ["in the fallback of the job", OBJECT, 3, true, "done/cancelled done/done done/skipped"],
  ])("%s", (_, query, steps, running, expected) => {
    const job = cancel(after(query, steps, running), LATER);
    expect([states(job), isFinished(job), nextStep(job)]).toEqual([expected, true, undefined]);
  });

  test.each([
    ["done", "A", {}, "Cannot set status from done to cancelled"],
    ["failed", ["A", "B"], { A: "bad" }, "Cannot set status from failed to cancelled"],
    ["done", { query: [{ query: "A" }] }, {}, "Cannot set status to cancelled"],
  ])("is rejected for a %s job (%j)", (_, query, fails, message) => {
    const { job } = run(query, fails);
    expect(() => cancel(job, LATER)).toThrow(message);
  });

  test("is rejected the second time", () => {
    const job = cancel(jobOf("A"), LATER);
    expect(() => cancel(job, LATER)).toThrow("Cannot set status from cancelled to cancelled");
  });
});

describe("a server that ended during a job", () => {
  const QUERY = {
    query: [{ query: "A", onsuccess: "A+", onerror: "A-" }, { query: "B" }],
    onsuccess: "+",
    onerror: "-",
  };
  test.each<[string, number, string, string | undefined]>([
    ["in a query: its onerror still runs", 0, "pending/pending failed/pending skipped", "A-"],
    ["in the fallback of a query", 1, "failed/pending done/failed skipped", "-"],
    ["in the last query", 2, "failed/pending done/done failed", "-"],
    ["in the fallback of the job", 3, "done/failed done/done done", undefined],
  ])("%s", (_, steps, expected, next) => {
    let job = jobOf(QUERY);
    for (let step = 0; step < steps; step++) job = finish(begin(job, LATER), LATER);
    job = interrupt(begin(job, LATER), LATER, "gone");
    expect([states(job), nextStep(job)?.sql]).toEqual([expected, next]);
  });

  test("a string and a list have failed, with the reason", () => {
    expect(interrupt(begin(jobOf("A"), LATER), LATER, "gone")).toMatchObject({
      status: "failed",
      failed_reason: "gone",
    });
    const list = interrupt(begin(jobOf(["A", "B"]), LATER), LATER, "gone");
    expect([states(list), nextStep(list)]).toEqual(["failed failed pending", undefined]);
  });
});

test("for any sequence of events, every transition is allowed, nothing starts after an end, and all jobs end", () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const random = mulberry32(seed);
    const chance = (share: number) => random() < share;
    const fallbacks = () => ({
      ...(chance(0.5) && { onsuccess: "S" }),
      ...(chance(0.5) && { onerror: "E <%= error_message %>" }),
    });
    const count = 1 + Math.floor(random() * 3);
    const texts = Array.from({ length: count }, (_, i) => `Q${i}`);
    const object = { query: texts.map((query) => ({ query, ...fallbacks() })), ...fallbacks() };
    let job = jobOf([texts[0], texts, object][Math.floor(random() * 3)]);
    const trace: string[] = [];
    for (let changes = 0; !isFinished(job); changes++) {
      const before = job;
      const change = isRunning(job)
        ? chance(0.1)
          ? () => interrupt(job, LATER, "gone")
          : () => finish(job, LATER, chance(0.3) ? "bad" : undefined)
        : () => begin(job, LATER);
      job = chance(0.05) ? cancel(job, LATER) : change();
      trace.push(states(job));
      const where = `seed ${seed}: ${trace.join(" → ")}`;
      for (const [was, is] of [
        [before, job],
        ...before.queries.map((part, at) => [part, job.queries[at]!]),
      ]) {
        for (const member of ["status", "fallback_status"] as const) {
          const [from, to] = [was![member], is![member]];
          if (from === to) continue;
          expect(mayBecome(from!, to!), `${where}: ${member} from ${from} to ${to}`).toBe(true);
        }
      }
      expect(changes, where).toBeLessThan(20);
    }
    expect(nextStep(job), `seed ${seed}`).toBeUndefined();
    expect(isRunning(job), `seed ${seed}`).toBe(false);
    expect(job.status === "failed", `seed ${seed}`).toBe(job.failed_reason !== undefined);
  }
});
