import { JobError, SqlError } from "../errors";
import { Pauses } from "./pauses";
import { JobResponse } from "./schemas/jobs";
import type { ApiRequest, Transport } from "./transport";

/** One query of a batch job, with the statements that run after it. */
export interface JobQueryOptions {
  /** The SQL statement. */
  readonly query: string;
  /** Statement that runs when the query is done. `<%= job_id %>` is replaced by the job's id. @default none */
  readonly onsuccess?: string;
  /**
   * Statement that runs when the query has failed. `<%= job_id %>` and `<%= error_message %>` are replaced, without
   * quotes. @default none
   */
  readonly onerror?: string;
  /** Time limit of the query, in milliseconds. @default the server's limit, usually 12 hours */
  readonly timeout?: number;
  /** Name of the query, which the server returns with the state of the job. @default none */
  readonly id?: string;
}

/**
 * Statements of a batch job: one statement; a list, in which each statement is a separate transaction and a failure ends
 * the job; or an object whose queries have statements that run after each of them, or after all.
 */
export type BatchQuery = string | readonly string[] | BatchQueries;

/** A batch job of several queries, with statements that run at its end. */
export interface BatchQueries {
  /** The queries, run in this order. */
  readonly query: readonly JobQueryOptions[];
  /** Statement that runs when all queries are done; sent unchanged. @default none */
  readonly onsuccess?: string;
  /** Statement that runs when a query has failed; sent unchanged. @default none */
  readonly onerror?: string;
}

interface JobOptions {
  readonly signal?: AbortSignal;
}

/** Adds a job to the account's queue. @throws JobError if the server refuses it */
export function createJob(
  transport: Transport,
  query: BatchQuery,
  { signal }: JobOptions = {},
): Promise<JobResponse> {
  const sql = typeof query === "string" ? query : undefined;
  return ask(transport, { path: "/api/v2/sql/job", json: { query }, signal, sql });
}

/** Fetches the state of a job. @throws JobError if the server does not know the job, or has forgotten it */
export function fetchJob(
  transport: Transport,
  jobId: string,
  { signal }: JobOptions = {},
): Promise<JobResponse> {
  return ask(transport, { path: pathOf(jobId), signal, repeatable: true });
}

/** Cancels a job, running or not, and returns its state. @throws JobError if it has ended or is unknown */
export function cancelJob(
  transport: Transport,
  jobId: string,
  { signal }: JobOptions = {},
): Promise<JobResponse> {
  return ask(transport, { method: "DELETE", path: pathOf(jobId), signal });
}

/** Longest pause between requests for the state of a job, as in CARTO's clients. */
const LONGEST_PAUSE_MS = 2_000;

/** Waits until a job has ended, or `performance.now()` reaches `untilMs`, and returns its state. */
export async function finishedJob(
  transport: Transport,
  jobId: string,
  {
    signal,
    onState,
    untilMs = Number.POSITIVE_INFINITY,
  }: JobOptions & { readonly onState?: (job: JobResponse) => void; readonly untilMs?: number } = {},
): Promise<JobResponse> {
  const pauses = new Pauses(LONGEST_PAUSE_MS);
  for (;;) {
    const job = await fetchJob(transport, jobId, { signal });
    onState?.(job);
    const leftMs = untilMs - performance.now();
    if (isOver(job) || leftMs <= 0) return job;
    await pauses.next({ signal, limitMs: leftMs });
  }
}

/** True if a job has ended, including the statements that run after its queries. */
export function isOver({ status, fallback_status }: JobResponse): boolean {
  if (status === "pending" || status === "running") return false;
  const ended = status === "done" || status === "failed";
  return !(ended && (fallback_status === "pending" || fallback_status === "running"));
}

/** Returns the reason why a job failed. For a job with several queries, CARTO's server gives it with the failed query only. */
export function failureReason({ failed_reason, query }: JobResponse): string {
  const parts = typeof query === "string" ? [] : Array.isArray(query) ? query : query.query;
  const failed = parts.find(({ status }) => status === "failed");
  return failed_reason ?? failed?.failed_reason ?? "the server gave no reason";
}

function pathOf(jobId: string): string {
  return `/api/v2/sql/job/${encodeURIComponent(jobId)}`;
}

async function ask(transport: Transport, request: ApiRequest): Promise<JobResponse> {
  const answer = transport.sendForJson(request, JobResponse, "a Batch SQL API").catch((error) => {
    throw error instanceof SqlError ? new JobError(explain(error.message), {}, { cause: error }) : error;
  });
  return withoutSecrets((await answer).value, transport);
}

/** Removes secrets from the reason of a failure, which is a message of the database and may quote the statement. */
function withoutSecrets(job: JobResponse, transport: Transport): JobResponse {
  const redacted = <T extends { failed_reason?: string }>(part: T): T =>
    part.failed_reason === undefined
      ? part
      : { ...part, failed_reason: transport.redact(part.failed_reason) };
  const { query } = job;
  if (typeof query === "string") return redacted(job);
  return redacted({
    ...job,
    query: Array.isArray(query) ? query.map(redacted) : { ...query, query: query.query.map(redacted) },
  });
}

function explain(message: string): string {
  if (/^Job with id .* not found$/.test(message)) {
    return `${message}. A server forgets a job two hours after its end.`;
  }
  const from = /^Cannot set status(?: from (\w+))? to cancelled$/.exec(message);
  return from ? `The job cannot be cancelled, because it is ${from[1] ?? "finished"}.` : message;
}
