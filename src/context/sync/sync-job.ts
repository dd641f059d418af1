/** Runs the statement of a sync as a batch job, if it takes longer than the account allows for a statement. */
import { statementError } from "../../api/errors";
import { cancelJob, createJob, failureReason, finishedJob } from "../../api/jobs";
import { runSql, type SqlResult } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { AuthenticationError, JobError, ServerError, TimeoutError } from "../../errors";
import type { Progress } from "../../kernel/progress";
import { quoted, type TableName, temporaryTable } from "../tables/table-name";
import { dropTemporary } from "../write/new-table";
import { type Apply, applySql } from "./sync-sql";

/**
 * Applies the uploaded rows in a batch job, and waits for it. A job returns no rows, so the answer is stored in a table in
 * the same transaction, and read from there. An abort cancels the job.
 * @throws TimeoutError if the account does not accept the job
 * @throws SqlError if the statement fails, as without a job
 */
export async function applyByJob(
  transport: Transport,
  apply: Apply,
  uploaded: TableName,
  { signal, progress }: { readonly signal?: AbortSignal; readonly progress: Progress },
): Promise<Pick<SqlResult, "rows">> {
  const answer = await temporaryTable({ transport, signal });
  const query = applySql({ ...apply, answer: quoted(answer) });
  const onerror = `DROP TABLE IF EXISTS ${quoted(uploaded)}`;
  const { job_id: jobId } = await createJob(transport, { query: [{ query, onerror }] }, { signal }).catch(
    (error) => {
      throw isRefusal(error) ? tooLarge(error) : error;
    },
  );
  try {
    const onState = ({ status }: { status: string }) => progress.note(`applying, as a job: ${status}`);
    const job = await finishedJob(transport, jobId, { signal, onState });
    if (job.status === "failed") throw statementError(failureReason(job));
    if (job.status !== "done") {
      throw new JobError(`The batch job ${jobId} that applies the sync ended with status ${job.status}.`, {
        jobId,
        status: job.status,
      });
    }
    return await runSql(transport, `SELECT * FROM ${quoted(answer)}`, { signal, repeatable: true });
  } catch (error) {
    if (signal?.aborted) await cancelJob(transport, jobId).catch(() => {}); // it may be over
    throw error;
  } finally {
    await dropTemporary(transport, answer);
  }
}

/** True if the key or the server does not support jobs, or the statement is larger than 16 kB. */
function isRefusal(error: unknown): boolean {
  const isAnswer = error instanceof ServerError && error.status !== undefined && error.status < 500;
  return error instanceof JobError || error instanceof AuthenticationError || isAnswer;
}

function tooLarge(cause: Error): TimeoutError {
  return new TimeoutError(
    `The sync of this table takes longer than the account allows for a statement, and the account did not accept it as a batch job (${cause.message}). ` +
      "Nothing was written. Sync fewer columns, use a key that can create jobs, or write the frame with { overwrite: true }.",
    { cause },
  );
}
