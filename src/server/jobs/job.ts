/**
 * A batch job as a value, and everything that may happen to it. Pure: the time is passed in, and each change
 * returns a new job. The three shapes of a request are one here, and told apart again in `publicJob`.
 */
import type { JobQuery, JobStatus } from "../../api/schemas/jobs";

const TRANSITIONS = {
  pending: ["running", "cancelled", "unknown", "skipped"],
  running: ["done", "failed", "cancelled", "pending", "unknown"],
  done: [],
  failed: [],
  cancelled: [],
  skipped: [],
  unknown: [],
} satisfies Record<JobStatus, readonly JobStatus[]>;

/** One query of a job. */
export interface QueryPart {
  readonly query: string;
  readonly onsuccess?: string;
  readonly onerror?: string;
  readonly timeout?: number;
  readonly id?: string;
  readonly status: JobStatus;
  /** Of `onsuccess` and `onerror`, of which at most one runs; absent where there is neither. */
  readonly fallback_status?: JobStatus;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly failed_reason?: string;
}

export interface Job {
  readonly job_id: string;
  readonly user: string;
  /** What the request's `query` was: a text, a list of texts, or an object with a list of objects. */
  readonly shape: "text" | "list" | "object";
  readonly queries: readonly QueryPart[];
  readonly onsuccess?: string;
  readonly onerror?: string;
  readonly status: JobStatus;
  readonly fallback_status?: JobStatus;
  readonly failed_reason?: string;
  /** ISO 8601 with milliseconds, as all times here. */
  readonly created_at: string;
  readonly updated_at: string;
}

/** What runs next for a job. */
export interface Step {
  /** A query; its `onsuccess` or `onerror`; or those of the job. */
  readonly kind: "query" | "query fallback" | "job fallback";
  /** Which query; 0 for those of the job. */
  readonly index: number;
  readonly sql: string;
  /** The limit the request asked for. */
  readonly timeoutMs?: number;
}

/** A request about a job that is answered with 400. */
export class JobRefused extends Error {
  readonly statusCode = 400;
}

export function mayBecome(from: JobStatus, to: JobStatus): boolean {
  return (TRANSITIONS[from] as readonly JobStatus[]).includes(to);
}

export function isFinal(status: JobStatus | undefined): boolean {
  return status === undefined || TRANSITIONS[status].length === 0;
}

/** Whether nothing of a job will run any more. */
export function isFinished(job: Job): boolean {
  return isFinal(job.status) && isFinal(job.fallback_status);
}

/** A new job, all of it pending. */
export function newJob(
  query: JobQuery,
  { id, user, at }: { readonly id: string; readonly user: string; readonly at: string },
): Job {
  const base = { job_id: id, user, status: "pending", created_at: at, updated_at: at } as const;
  if (typeof query === "string") return { ...base, shape: "text", queries: [{ query, status: "pending" }] };
  if (Array.isArray(query)) {
    return { ...base, shape: "list", queries: query.map((text) => ({ query: text, status: "pending" })) };
  }
  const { onsuccess, onerror } = query;
  return {
    ...base,
    shape: "object",
    queries: query.query.map((part) => ({ ...part, ...pendingFallback(part), status: "pending" })),
    onsuccess,
    onerror,
    ...pendingFallback(query),
  };
}

function pendingFallback({ onsuccess, onerror }: { onsuccess?: string; onerror?: string }): {
  fallback_status?: JobStatus;
} {
  return onsuccess || onerror ? { fallback_status: "pending" } : {};
}

/** What is to run next for a job, or is running; undefined if nothing of it is left. */
export function nextStep(job: Job): Step | undefined {
  if (!isFinal(job.status)) return nextOfQueries(job);
  const fallback = fallbackAfter(job);
  // Sent as it was written: CARTO fills in templates for the fallbacks of queries only.
  return fallback && !isFinal(job.fallback_status)
    ? { kind: "job fallback", index: 0, sql: fallback }
    : undefined;
}

function nextOfQueries({ queries, job_id, shape }: Job): Step | undefined {
  for (const [index, part] of queries.entries()) {
    if (!isFinal(part.status)) {
      return { kind: "query", index, sql: part.query, timeoutMs: part.timeout };
    }
    const fallback = fallbackAfter(part);
    if (fallback && !isFinal(part.fallback_status)) {
      return { kind: "query fallback", index, sql: filledIn(fallback, part, job_id) };
    }
    if (shape === "list" && part.status === "failed") return undefined; // the others stay pending for ever
  }
  return undefined;
}

function fallbackAfter({ status, onsuccess, onerror }: Job | QueryPart): string | undefined {
  if (status === "done") return onsuccess;
  return status === "failed" ? onerror : undefined;
}

/** Templates become plain text, not SQL literals: as CARTO does it, quoting is up to who writes the fallback. */
function filledIn(sql: string, { status, failed_reason = "" }: QueryPart, jobId: string): string {
  const withId = sql.replace(/<%=\s*job_id\s*%>/g, () => jobId);
  return status === "failed" ? withId.replace(/<%=\s*error_message\s*%>/g, () => failed_reason) : withId;
}

/** The job once its next step has begun. */
export function begin(job: Job, at: string): Job {
  const step = nextStep(job);
  if (!step) throw new JobRefused(`Cannot set status from ${job.status} to running`);
  if (step.kind === "job fallback") return { ...job, fallback_status: "running", updated_at: at };
  const started: Partial<QueryPart> =
    step.kind === "query" ? { status: "running", started_at: at } : { fallback_status: "running" };
  return { ...withPart(job, step.index, started), status: "running", updated_at: at };
}

/** The job once its running step has ended; with the database's message if it failed. */
export function finish(job: Job, at: string, error?: string): Job {
  const step = nextStep(job);
  const status = error === undefined ? "done" : "failed";
  if (step?.kind === "job fallback") return { ...job, fallback_status: status, updated_at: at };
  const part = step && job.queries[step.index]!;
  if (!part || job.status !== "running") {
    throw new JobRefused(`Cannot set status from ${job.status} to ${status}`);
  }
  if (step.kind === "query fallback") {
    const reason = error === undefined ? {} : { failed_reason: part.failed_reason ?? error };
    return settled(withPart(job, step.index, { fallback_status: status, ...reason }), at);
  }
  const ended = {
    ...part,
    status,
    ended_at: at,
    ...(error !== undefined && { failed_reason: error }),
  } as const;
  const after = withPart(job, step.index, withoutUselessFallback(ended));
  return settled(error === undefined ? after : skipAfter(after, step.index), at);
}

/** The status of a job after one of its queries or their fallbacks has ended. */
function settled(job: Job, at: string): Job {
  if (nextOfQueries(job)) return { ...job, status: "pending", updated_at: at };
  const failed = job.queries.find(({ status }) => status === "failed");
  return withoutUselessFallback({
    ...job,
    status: failed ? "failed" : "done",
    updated_at: at,
    ...(failed && { failed_reason: failed.failed_reason }),
  });
}

/**
 * The job once somebody has cancelled it.
 * @throws JobRefused if nothing of it runs or waits any more.
 */
export function cancel(job: Job, at: string): Job {
  if (isFinished(job)) {
    const from = job.shape === "object" ? "" : ` from ${job.status}`;
    throw new JobRefused(`Cannot set status${from} to cancelled`);
  }
  if (isFinal(job.status)) return { ...job, fallback_status: "cancelled", updated_at: at };
  const { kind, index } = nextOfQueries(job)!;
  const stopped =
    kind === "query"
      ? withoutUselessFallback({ ...job.queries[index]!, status: "cancelled", ended_at: at } as const)
      : ({ fallback_status: "cancelled" } as const);
  return withoutUselessFallback({
    ...skipAfter(withPart(job, index, stopped), index),
    status: "cancelled",
    updated_at: at,
  });
}

/**
 * The job once the server that ran it has ended under it: failed, whatever was running. What a failed query
 * asks to be run after it still will be.
 */
export function interrupt(job: Job, at: string, reason: string): Job {
  const step = nextStep(job);
  if (step?.kind !== "query fallback") return finish(job, at, reason);
  const { index } = step;
  const part = job.queries[index]!;
  const failed = { fallback_status: "failed", failed_reason: part.failed_reason ?? reason } as const;
  return withoutUselessFallback({
    ...skipAfter(withPart(job, index, failed), index),
    status: "failed",
    failed_reason: failed.failed_reason,
    updated_at: at,
  });
}

/** Whether a step of the job is with the database, as far as the job knows. */
export function isRunning({ status, fallback_status }: Job): boolean {
  return status === "running" || fallback_status === "running";
}

function withPart(job: Job, index: number, change: Partial<QueryPart>): Job {
  return {
    ...job,
    queries: job.queries.map((part, at) => (at === index ? { ...part, ...change } : part)),
  };
}

/** The queries after a failed or cancelled one: skipped, but in a list they stay pending, as CARTO leaves them. */
function skipAfter(job: Job, index: number): Job {
  if (job.shape === "list") return job;
  const queries = job.queries.map((part, at) =>
    at > index ? withoutUselessFallback({ ...part, status: "skipped" }) : part,
  );
  return { ...job, queries };
}

/** Of something that has ended: a fallback that is not for this end is skipped. */
function withoutUselessFallback<T extends Job | QueryPart>(ended: T): T {
  const useless = ended.fallback_status === "pending" && !fallbackAfter(ended);
  return useless ? { ...ended, fallback_status: "skipped" } : ended;
}

/** The job as the API shows it: `query` in the form it came in. */
export function publicJob({ shape, queries, onsuccess, onerror, ...job }: Job): object {
  const { job_id, user, status, created_at, updated_at, failed_reason, fallback_status } = job;
  const forms = {
    text: () => queries[0]!.query,
    list: () => queries.map(({ query, status, failed_reason }) => ({ query, status, failed_reason })),
    object: () => ({ query: queries, onsuccess, onerror }),
  };
  const query = forms[shape]();
  return { job_id, user, query, status, created_at, updated_at, failed_reason, fallback_status };
}
