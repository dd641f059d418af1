/**
 * A batch job as an immutable value, and its state transitions. All functions are pure: the time is passed in, and each
 * change returns a new job. The three shapes of a request are stored alike; `publicJob` restores them.
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

/** A query of a job. */
interface QueryPart {
  readonly query: string;
  readonly onsuccess?: string;
  readonly onerror?: string;
  readonly timeout?: number;
  readonly id?: string;
  readonly status: JobStatus;
  /** Status of `onsuccess` or `onerror`, of which at most one runs; absent if the query has neither. */
  readonly fallback_status?: JobStatus;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly failed_reason?: string;
}

export interface Job {
  readonly job_id: string;
  readonly user: string;
  /** Shape of `query` in the request: a text, a list of texts, or an object with a list of objects. */
  readonly shape: "text" | "list" | "object";
  readonly queries: readonly QueryPart[];
  readonly onsuccess?: string;
  readonly onerror?: string;
  readonly status: JobStatus;
  readonly fallback_status?: JobStatus;
  readonly failed_reason?: string;
  /** ISO 8601 with milliseconds, like all times of a job. */
  readonly created_at: string;
  readonly updated_at: string;
}

/** A statement that a job runs: a query, the `onsuccess` or `onerror` of a query, or that of the job. */
export type Step =
  | QueryStep
  | { readonly kind: "job fallback"; readonly sql: string; readonly timeoutMs?: number };

interface QueryStep {
  readonly kind: "query" | "query fallback";
  readonly index: number;
  readonly part: QueryPart;
  readonly sql: string;
  /** Maximum duration from the request. */
  readonly timeoutMs?: number;
}

/** Refuses a request about a job, with HTTP status 400. */
export class JobRefused extends Error {
  readonly statusCode = 400;
}

export function mayBecome(from: JobStatus, to: JobStatus): boolean {
  return (TRANSITIONS[from] as readonly JobStatus[]).includes(to);
}

function isFinal(status: JobStatus | undefined): boolean {
  return status === undefined || TRANSITIONS[status].length === 0;
}

/** True if no step of the job is left to run. */
export function isFinished(job: Job): boolean {
  return isFinal(job.status) && isFinal(job.fallback_status);
}

/** Creates a job whose steps are all pending. */
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

/** Returns the step that is running or runs next; undefined if none is left. */
export function nextStep(job: Job): Step | undefined {
  if (!isFinal(job.status)) return nextOfQueries(job);
  const fallback = fallbackAfter(job);
  // Sent unchanged: CARTO fills in templates only in the fallbacks of queries.
  return fallback && !isFinal(job.fallback_status) ? { kind: "job fallback", sql: fallback } : undefined;
}

function nextOfQueries({ queries, job_id, shape }: Job): QueryStep | undefined {
  for (const [index, part] of queries.entries()) {
    if (!isFinal(part.status)) {
      return { kind: "query", index, part, sql: part.query, timeoutMs: part.timeout };
    }
    const fallback = fallbackAfter(part);
    if (fallback && !isFinal(part.fallback_status)) {
      return { kind: "query fallback", index, part, sql: filledIn(fallback, part, job_id) };
    }
    if (shape === "list" && part.status === "failed") return undefined; // the others stay pending forever
  }
  return undefined;
}

function fallbackAfter({ status, onsuccess, onerror }: Job | QueryPart): string | undefined {
  if (status === "done") return onsuccess;
  return status === "failed" ? onerror : undefined;
}

/** Fills in templates as plain text, not as SQL literals, as CARTO does: the author of the fallback adds the quotes. */
function filledIn(sql: string, { status, failed_reason = "" }: QueryPart, jobId: string): string {
  const withId = sql.replace(/<%=\s*job_id\s*%>/g, () => jobId);
  return status === "failed" ? withId.replace(/<%=\s*error_message\s*%>/g, () => failed_reason) : withId;
}

/** Returns the job after its next step has started. */
export function begin(job: Job, at: string): Job {
  const step = nextStep(job);
  if (!step) throw new JobRefused(`Cannot set status from ${job.status} to running`);
  if (step.kind === "job fallback") return { ...job, fallback_status: "running", updated_at: at };
  const started: Partial<QueryPart> =
    step.kind === "query" ? { status: "running", started_at: at } : { fallback_status: "running" };
  return { ...withPart(job, step.index, started), status: "running", updated_at: at };
}

/** Returns the job after its running step has ended. @param error message of the database if the step failed */
export function finish(job: Job, at: string, error?: string): Job {
  const step = nextStep(job);
  const status = error === undefined ? "done" : "failed";
  if (step?.kind === "job fallback") return { ...job, fallback_status: status, updated_at: at };
  if (!step || job.status !== "running") {
    throw new JobRefused(`Cannot set status from ${job.status} to ${status}`);
  }
  const { part } = step;
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

/** Updates the status of a job after a query or the fallback of a query has ended. */
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
 * Returns the cancelled job.
 * @throws JobRefused if the job is finished
 */
export function cancel(job: Job, at: string): Job {
  if (isFinished(job)) {
    const from = job.shape === "object" ? "" : ` from ${job.status}`;
    throw new JobRefused(`Cannot set status${from} to cancelled`);
  }
  const step = nextOfQueries(job);
  if (isFinal(job.status) || !step) return { ...job, fallback_status: "cancelled", updated_at: at };
  const { kind, index, part } = step;
  const stopped =
    kind === "query"
      ? withoutUselessFallback({ ...part, status: "cancelled", ended_at: at } as const)
      : ({ fallback_status: "cancelled" } as const);
  return withoutUselessFallback({
    ...skipAfter(withPart(job, index, stopped), index),
    status: "cancelled",
    updated_at: at,
  });
}

/**
 * Returns the job after its server has ended during a step: the step has failed. The `onerror` of a failed query still
 * runs.
 */
export function interrupt(job: Job, at: string, reason: string): Job {
  const step = nextStep(job);
  if (step?.kind !== "query fallback") return finish(job, at, reason);
  const { index, part } = step;
  const failed = { fallback_status: "failed", failed_reason: part.failed_reason ?? reason } as const;
  return withoutUselessFallback({
    ...skipAfter(withPart(job, index, failed), index),
    status: "failed",
    failed_reason: failed.failed_reason,
    updated_at: at,
  });
}

/** True if a step of the job is running, according to its status. */
export function isRunning({ status, fallback_status }: Job): boolean {
  return status === "running" || fallback_status === "running";
}

function withPart(job: Job, index: number, change: Partial<QueryPart>): Job {
  return {
    ...job,
    queries: job.queries.map((part, at) => (at === index ? { ...part, ...change } : part)),
  };
}

/** Skips the queries after a failed or cancelled one. In a list they stay pending, as in CARTO. */
function skipAfter(job: Job, index: number): Job {
  if (job.shape === "list") return job;
  const queries = job.queries.map((part, at) =>
    at > index ? withoutUselessFallback({ ...part, status: "skipped" }) : part,
  );
  return { ...job, queries };
}

/** Skips the fallback of an ended job or query if it does not apply to this outcome. */
function withoutUselessFallback<T extends Job | QueryPart>(ended: T): T {
  const useless = ended.fallback_status === "pending" && !fallbackAfter(ended);
  return useless ? { ...ended, fallback_status: "skipped" } : ended;
}

/** Returns the job as the API shows it, with `query` in the shape of the request. */
export function publicJob({ shape, queries, onsuccess, onerror, ...job }: Job): object {
  const { job_id, user, status, created_at, updated_at, failed_reason, fallback_status } = job;
  const forms = {
    text: () => queries[0]?.query,
    list: () => queries.map(({ query, status, failed_reason }) => ({ query, status, failed_reason })),
    object: () => ({ query: queries, onsuccess, onerror }),
  };
  const query = forms[shape]();
  return { job_id, user, query, status, created_at, updated_at, failed_reason, fallback_status };
}
