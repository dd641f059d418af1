import { cancelJob, failureReason, fetchJob, finishedJob, isOver } from "../../api/jobs";
import { type JobResponse, readStatus } from "../../api/schemas/jobs";
import { InvalidArgumentError, JobError, TimeoutError } from "../../errors";
import type { Progress } from "../../kernel/progress";
import { runInCell } from "../../kernel/run-in-cell";
import { OPTION_NAMES } from "../../option-names";
import { type CallOptions, checkOptions } from "../../options";
import { type ContextLike, transportOf } from "../connection/transport";

/** State of a batch job at one moment. */
export interface JobState {
  /** `done`, `failed`, `cancelled` and `unknown` are final. */
  readonly status: "pending" | "running" | "done" | "failed" | "cancelled" | "skipped" | "unknown";
  readonly updatedAt: Date;
  readonly createdAt: Date;
}

/** A job: its id, the answer of a Batch SQL API, or another `BatchJobStatus`. */
export type JobRef =
  | string
  | { readonly job_id: string; readonly status?: string; readonly created_at?: string }
  | BatchJobStatus;

export interface WaitOptions {
  /** Ends the waiting, not the job. */
  readonly signal?: AbortSignal;
  /** Ends the waiting, not the job, after so long. @default for ever */
  readonly timeoutMs?: number;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

const SHOWN_SQL_CHARS = 60;

/**
 * A batch job on the server: `cc.batch` returns one, and `new BatchJobStatus(cc, "0b9c…")` finds one again, from
 * another notebook, too. A server forgets a job two hours after its end.
 */
export class BatchJobStatus {
  readonly jobId: string;
  readonly #context: ContextLike;
  #status: JobState["status"] | undefined;
  #createdAt: Date | undefined;

  /** @throws InvalidArgumentError for what is no context or no job */
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

  /** The status that was last heard of; undefined if the server was not asked yet. */
  get lastStatus(): JobState["status"] | undefined {
    return this.#status;
  }

  /** When the job was created; undefined if the server was not asked yet. */
  get createdAt(): Date | undefined {
    return this.#createdAt;
  }

  /** The status that was last heard of, without asking the server. */
  getStatus(): JobState["status"] | undefined {
    return this.#status;
  }

  /**
   * Asks the server, and warns with the reason if the job has failed.
   * @throws JobError if the server does not know the job
   */
  async status(options: CallOptions = {}): Promise<JobState> {
    checkOptions("status", options, OPTION_NAMES.CallOptions);
    const job = await this.#fetch(options.signal);
    if (job.status === "failed") console.warn(`Job failed: ${failureReason(job)}`);
    return stateOf(job);
  }

  /**
   * Waits until the job, with what it runs after its end, is done. Interrupting the cell ends the waiting; the job
   * goes on. Warns if a statement of `onsuccess` or `onerror` has failed.
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
      if (failed) console.warn(`Job ${this.jobId} is done, but what was to run after it failed${failed}`);
      showOn(progress, job);
      return stateOf(job);
    });
  }

  /**
   * Ends the job: one that waits is not run, the query of one that runs is stopped and rolled back. Queries of the
   * job that were done before keep their effect.
   * @throws JobError if the job has ended already
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
      `Job ${this.jobId} is still ${job.status}. It goes on; wait() again, or cancel() it.`,
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
    if (status !== "failed") return new JobError(`Job ${jobId} ended as ${status}.`, { jobId, status });
    const failedReason = failureReason(job);
    return new JobError(`Job ${jobId} failed: ${failedReason}`, { jobId, status, failedReason });
  }

  [INSPECT](): string {
    const known = { jobId: this.jobId, lastStatus: this.#status, createdAt: this.#createdAt?.toISOString() };
    const members = Object.entries(known).filter(([, value]) => value !== undefined);
    return `BatchJobStatus(${members.map(([name, value]) => `${name}='${value}'`).join(", ")})`;
  }
}

/** It becomes part of an address, so it must not be a path. */
function checkJobId(jobId: unknown): string {
  if (typeof jobId === "string" && /^[\w-]+$/.test(jobId)) return jobId;
  throw new InvalidArgumentError("A job is given by its id, or as an object with its id in job_id.");
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
