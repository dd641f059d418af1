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
export type BatchQuery =
  | string
  | readonly string[]
  | {
      readonly query: readonly JobQueryOptions[];
      /** Runs when all queries are done; sent as it is. */
      readonly onsuccess?: string;
      /** Runs when one has failed; sent as it is. */
      readonly onerror?: string;
    };

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
