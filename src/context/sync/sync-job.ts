/** A sync whose statement takes longer than the account allows: the same one as a batch job, which may take hours. */
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
 * Applies what was uploaded as a job, and waits for it. A job gives no rows: its answer goes into a table, in the same
 * transaction, and is read from there. Giving up cancels the job.
 * @throws TimeoutError if the account takes no such job; what the database refuses is a SqlError, as without a job
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
      throw new JobError(`The job ${jobId}, which applies the sync, ended as ${job.status}.`, {
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

/** A key that may not create jobs, a server that has none, a statement of more than 16 kB. */
function isRefusal(error: unknown): boolean {
  const isAnswer = error instanceof ServerError && error.status !== undefined && error.status < 500;
  return error instanceof JobError || error instanceof AuthenticationError || isAnswer;
}

function tooLarge(cause: Error): TimeoutError {
  return new TimeoutError(
    `The account stops statements before the sync of this table is through, and did not take it as a batch job (${cause.message}). ` +
      "Nothing was written. Sync with fewer columns, with a key that may create jobs, or write the frame with { overwrite: true }.",
    { cause },
  );
}
