import { type BatchQuery, cancelJob, failureReason, fetchJob, finishedJob, isOver } from "../../api/jobs";
import { type JobResponse, readStatus } from "../../api/schemas/jobs";
import { InvalidArgumentError, JobError, TimeoutError } from "../../errors";
import type { Progress } from "../../kernel/progress";
import { runInCell } from "../../kernel/run-in-cell";
import { OPTION_NAMES } from "../../option-names";
import { type CallOptions, checkKeys, checkOptions } from "../../options";
import { type ContextLike, transportOf } from "../connection/transport";

/** State of a batch job when the server was asked. */
export interface JobState {
  /** Status; `done`, `failed`, `cancelled` and `unknown` are final. */
  readonly status: "pending" | "running" | "done" | "failed" | "cancelled" | "skipped" | "unknown";
  /** Time of the last change of the status. */
  readonly updatedAt: Date;
  /** Time of the job's creation. */
  readonly createdAt: Date;
}

/** Reference to a batch job: its id, an answer of the Batch SQL API, or another `BatchJobStatus`. */
export type JobRef =
  | string
  | { readonly job_id: string; readonly status?: string; readonly created_at?: string }
  | BatchJobStatus;

export interface WaitOptions {
  /** Stops waiting. The job continues. */
  readonly signal?: AbortSignal;
  /** Maximum time to wait, in milliseconds. The job continues. @default no limit */
  readonly timeoutMs?: number;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

const SHOWN_SQL_CHARS = 60;

/**
 * A batch job on the server. `cc.batch` returns one; `new BatchJobStatus(cc, "0b9c…")` finds an earlier one, also from
 * another notebook. A server forgets a job two hours after its end.
 */
export class BatchJobStatus {
  /** Id of the job. */
  readonly jobId: string;
  readonly #context: ContextLike;
  #status: JobState["status"] | undefined;
  #createdAt: Date | undefined;

  /**
   * Refers to a job without asking the server.
   * @param context a CartoContext, such as `cc`
   * @param job id of the job, an answer of the Batch SQL API, or another `BatchJobStatus`
   * @throws InvalidArgumentError if an argument is invalid
   */
  constructor(context: ContextLike, job: JobRef) {
    transportOf(context);
    this.#context = context;
    if (job instanceof BatchJobStatus) {
      this.jobId = job.jobId;
      this.#status = job.#status;
      this.#createdAt = job.#createdAt;
      return;
    }
    this.jobId = checkJobId(typeof job === "string" ? job : job?.job_id);
    if (typeof job === "string") return;
    this.#status = job.status === undefined ? undefined : readStatus(job.status);
    this.#createdAt = job.created_at === undefined ? undefined : new Date(job.created_at);
  }

  /** Status in the last answer; undefined if the server has not been asked. */
  get lastStatus(): JobState["status"] | undefined {
    return this.#status;
  }

  /** Time of the job's creation; undefined if the server has not been asked. */
  get createdAt(): Date | undefined {
    return this.#createdAt;
  }

  /** Returns the status in the last answer, without asking the server. */
  getStatus(): JobState["status"] | undefined {
    return this.#status;
  }

  /**
   * Asks the server for the state of the job. Prints a warning with the reason if it has failed.
   * @throws JobError if the server does not know the job
   */
  async status(options: CallOptions = {}): Promise<JobState> {
    checkOptions("status", options, OPTION_NAMES.CallOptions);
    const job = await this.#fetch(options.signal);
    if (job.status === "failed") console.warn(`Job failed: ${failureReason(job)}`);
    return stateOf(job);
  }

  /**
   * Waits until the job is done, including its `onsuccess` and `onerror` statements. Prints a warning if one of those has
   * failed. Interrupting the cell stops waiting; the job continues.
   * @throws JobError with the reason if the job fails or is cancelled
   * @throws TimeoutError after `timeoutMs`
   */
  async wait(options: WaitOptions = {}): Promise<JobState> {
    checkOptions("wait", options, OPTION_NAMES.WaitOptions);
    const { signal, timeoutMs = Number.POSITIVE_INFINITY } = options;
    return runInCell({ label: `job ${shortId(this.jobId)}`, signal }, async (signal, progress) => {
      const job = await this.#poll(signal, progress, performance.now() + timeoutMs);
      if (job.status !== "done") throw this.#error(job);
      const { failed } = partsOf(job);
      if (failed)
        console.warn(`Job ${this.jobId} is done, but a statement that ran after it has failed${failed}`);
      showOn(progress, job);
      return stateOf(job);
    });
  }

  /**
   * Cancels the job. A pending job does not run; the query of a running one is stopped and rolled back. Queries of the job
   * that are done keep their effect.
   * @throws JobError if the job has ended
   */
  async cancel(options: CallOptions = {}): Promise<JobState> {
    checkOptions("cancel", options, OPTION_NAMES.CallOptions);
    const { signal } = options;
    return stateOf(this.#remember(await cancelJob(transportOf(this.#context), this.jobId, { signal })));
  }

  async #poll(signal: AbortSignal, progress: Progress, deadlineMs: number): Promise<JobResponse> {
    const onState = (job: JobResponse) => {
      this.#remember(job);
      if (!isOver(job)) showOn(progress, job);
    };
    const transport = transportOf(this.#context);
    const job = await finishedJob(transport, this.jobId, { signal, onState, untilMs: deadlineMs });
    if (isOver(job)) return job;
    throw new TimeoutError(
      `Job ${this.jobId} is still ${job.status}. It continues; call wait() again, or cancel().`,
    );
  }

  async #fetch(signal?: AbortSignal): Promise<JobResponse> {
    return this.#remember(await fetchJob(transportOf(this.#context), this.jobId, { signal }));
  }

  #remember(job: JobResponse): JobResponse {
    this.#status = job.status;
    this.#createdAt = new Date(job.created_at);
    return job;
  }

  #error(job: JobResponse): JobError {
    const { jobId } = this;
    const { status } = job;
    if (status === "cancelled") return new JobError(`Job ${jobId} was cancelled.`, { jobId, status });
    if (status !== "failed")
      return new JobError(`Job ${jobId} ended with status ${status}.`, { jobId, status });
    const failedReason = failureReason(job);
    return new JobError(`Job ${jobId} failed: ${failedReason}`, { jobId, status, failedReason });
  }

  /** Returns the id, the last known status and the time of creation: `BatchJobStatus(jobId='…', lastStatus='done', …)`. */
  toString(): string {
    const known = { jobId: this.jobId, lastStatus: this.#status, createdAt: this.#createdAt?.toISOString() };
    const members = Object.entries(known).filter(([, value]) => value !== undefined);
    return `BatchJobStatus(${members.map(([name, value]) => `${name}='${value}'`).join(", ")})`;
  }

  [INSPECT](): string {
    return this.toString();
  }
}

/** Checks an id, which becomes part of a URL and must not be a path. */
function checkJobId(jobId: unknown): string {
  if (typeof jobId === "string" && /^[\w-]+$/.test(jobId)) return jobId;
  throw new InvalidArgumentError("Expected the id of a job, or an object with the id in `job_id`.");
}

function stateOf({ status, updated_at, created_at }: JobResponse): JobState {
  return { status, updatedAt: new Date(updated_at), createdAt: new Date(created_at) };
}

type Part = { query: string; status?: string; fallback_status?: string; failed_reason?: string };

function partsOf({ query, fallback_status }: JobResponse): { all: readonly Part[]; failed?: string } {
  const all = typeof query === "string" ? [] : Array.isArray(query) ? query : query.query;
  const part = all.find(({ fallback_status }) => fallback_status === "failed");
  if (part) return { all, failed: part.failed_reason ? `: ${part.failed_reason}` : "." };
  return { all, ...(fallback_status === "failed" && { failed: "." }) };
}

function showOn(progress: Progress, job: JobResponse): void {
  const { all } = partsOf(job);
  const done = all.filter(({ status }) => status === "done").length;
  if (all.length > 1) progress.update({ done, total: all.length, unit: "queries" });
  const current =
    typeof job.query === "string" ? job.query : all.find(({ status }) => status === "running")?.query;
  progress.note(
    [job.status, job.status === "running" && current && shortSql(current)].filter(Boolean).join(": "),
  );
}

function shortSql(sql: string): string {
  const line = sql.trim().replace(/\s+/g, " ");
  return line.length > SHOWN_SQL_CHARS ? `${line.slice(0, SHOWN_SQL_CHARS - 1)}…` : line;
}

function shortId(jobId: string): string {
  return jobId.length > 8 ? `${jobId.slice(0, 8)}…` : jobId;
}

/** @throws InvalidArgumentError for anything but one of the three forms of a job, and for an empty statement */
export function checkBatch(query: BatchQuery): void {
  const list = typeof query === "object" && query !== null && "query" in query ? query.query : query;
  const parts: unknown[] = Array.isArray(list) ? list : [list];
  const statements = parts.map((part) => (part as { query?: unknown } | null)?.query ?? part);
  const ok = statements.every((sql) => typeof sql === "string" && sql.trim() !== "");
  if (ok && statements.length > 0) {
    if (list !== query) checkKeys("A job", query as object, OPTION_NAMES.BatchQueries);
    for (const part of parts) {
      if (typeof part === "object") checkOptions("A query of a job", part, OPTION_NAMES.JobQueryOptions);
    }
    return;
  }
  throw new InvalidArgumentError(
    "A job must be a statement, a list of statements, or { query: [{ query, onsuccess, onerror }] }, without empty statements.",
  );
}
