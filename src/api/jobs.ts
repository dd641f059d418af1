import { setTimeout as sleep } from "node:timers/promises";
import { JobError, SqlError } from "../errors";
import { JobResponse } from "./schemas/jobs";
import type { ApiRequest, Transport } from "./transport";

/** One query of a job, with what runs after it. */
export interface JobQueryOptions {
  readonly query: string;
  /** Runs when the query is done; `<%= job_id %>` in it becomes the job's id. */
  readonly onsuccess?: string;
  /** Runs when the query has failed; `<%= job_id %>` and `<%= error_message %>` are filled in, unquoted. */
  readonly onerror?: string;
  /** The query may run for that many milliseconds. @default the server's limit, usually 12 hours */
  readonly timeout?: number;
  readonly id?: string;
}

/**
 * What a batch job runs: a statement; a list, in which each is a transaction of its own and nothing follows one that
 * fails; or a list with statements that run after each, or after all.
 */
export type BatchQuery = string | readonly string[] | BatchQueries;

/** A batch job of several queries, with statements that run at its end. */
export interface BatchQueries {
  /** The queries, run in this order. */
  readonly query: readonly JobQueryOptions[];
  /** Statement that runs when all queries are done; sent unchanged. */
  readonly onsuccess?: string;
  /** Statement that runs when a query has failed; sent unchanged. */
  readonly onerror?: string;
}

interface JobOptions {
  readonly signal?: AbortSignal;
}

/** Puts a job into the account's queue. @throws JobError if the server refuses it */
export function createJob(
  transport: Transport,
  query: BatchQuery,
  { signal }: JobOptions = {},
): Promise<JobResponse> {
  const sql = typeof query === "string" ? query : undefined;
  return ask(transport, { path: "/api/v2/sql/job", json: { query }, signal, sql });
}

/** The state of a job. @throws JobError if the server does not know it, or no longer */
export function fetchJob(
  transport: Transport,
  jobId: string,
  { signal }: JobOptions = {},
): Promise<JobResponse> {
  return ask(transport, { path: pathOf(jobId), signal, repeatable: true });
}

/** Ends a job, running or not, and returns its state. @throws JobError if it is finished, or not known */
export function cancelJob(
  transport: Transport,
  jobId: string,
  { signal }: JobOptions = {},
): Promise<JobResponse> {
  return ask(transport, { method: "DELETE", path: pathOf(jobId), signal });
}

/** How often a job is asked for: often at first, for short ones, then as CARTO's own clients do. */
const FIRST_POLL_MS = 250;
const LAST_POLL_MS = 2_000;
const SLOWER = 1.5;

/** Waits for the end of a job. @returns its state then, or at `untilMs` of `performance.now()` */
export async function finishedJob(
  transport: Transport,
  jobId: string,
  {
    signal,
    onState,
    untilMs = Number.POSITIVE_INFINITY,
  }: JobOptions & { readonly onState?: (job: JobResponse) => void; readonly untilMs?: number } = {},
): Promise<JobResponse> {
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * SLOWER, LAST_POLL_MS)) {
    const job = await fetchJob(transport, jobId, { signal });
    onState?.(job);
    const leftMs = untilMs - performance.now();
    if (isOver(job) || leftMs <= 0) return job;
    await sleep(Math.min(pauseMs, leftMs), undefined, { signal }).catch((error) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }
}

/** Whether nothing of a job is to come any more, its last statement included. */
export function isOver({ status, fallback_status }: JobResponse): boolean {
  if (status === "pending" || status === "running") return false;
  const ended = status === "done" || status === "failed";
  return !(ended && (fallback_status === "pending" || fallback_status === "running"));
}

/** CARTO's own server tells the reason of an object's query with that query only. */
export function failureReason({ failed_reason, query }: JobResponse): string {
  const parts = typeof query === "string" ? [] : Array.isArray(query) ? query : query.query;
  const failed = parts.find(({ status }) => status === "failed");
  return failed_reason ?? failed?.failed_reason ?? "the server gives no reason";
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

/** Why a query failed is the database's message, and may quote what was sent. */
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
  return from ? `The job cannot be cancelled: it is ${from[1] ?? "finished"}.` : message;
}
