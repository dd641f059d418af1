const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Base class of the errors that this package throws: `catch (e) { if (e instanceof CartoError) … }`. The message says
 * what happened and what to do next, and never contains an API key. A notebook shows the message without the stack;
 * the stack and the cause are in `error.stack` and `error.cause`. Errors of danfo.js and the reason of your own signal
 * are thrown unchanged. The class itself is thrown if a part of the installation is missing, such as JupyterLab.
 */
export class CartoError extends Error {
  override name = "CartoError";

  [INSPECT](): string {
    return `${this.name}: ${this.message}`;
  }
}

/** An argument or option has an invalid value. */
export class InvalidArgumentError extends CartoError {
  override name = "InvalidArgumentError";
}

/** The server refused the API key, or the key lacks a permission. */
export class AuthenticationError extends CartoError {
  override name = "AuthenticationError";
}

/** PostgreSQL's report on a failed statement, as far as the server passed it on. */
export type SqlErrorDetails = Pick<SqlError, "sql" | "sqlState" | "position" | "hint" | "detail">;

/** The database refused a statement. */
export class SqlError extends CartoError {
  override name = "SqlError";
  /** The statement as the user wrote it. */
  readonly sql?: string;
  /** SQLSTATE, five characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly sqlState?: string;
  /** Position of the error in `sql`, in characters from 1. The message shows its line. */
  readonly position?: number;
  /** PostgreSQL's hint. */
  readonly hint?: string;
  /** PostgreSQL's detail. */
  readonly detail?: string;

  constructor(message: string, details: SqlErrorDetails = {}, options?: ErrorOptions) {
    const advice = [
      details.sql !== undefined && details.position && excerpt(details.sql, details.position),
      details.detail && `  Detail: ${details.detail}`,
      details.hint && `  Hint: ${details.hint}`,
    ];
    super([message, ...advice.filter(Boolean)].join("\n"), options);
    this.sql = details.sql;
    this.sqlState = details.sqlState;
    this.position = details.position;
    this.hint = details.hint;
    this.detail = details.detail;
  }
}

/** A table with that name exists, and `overwrite` was not set. */
export class TableExistsError extends CartoError {
  override name = "TableExistsError";
}

/** No table with that name exists. The message suggests the most similar name. */
export class TableNotFoundError extends CartoError {
  override name = "TableNotFoundError";
  /** Name of the missing table. */
  readonly table?: string;

  constructor(message: string, { table, ...options }: ErrorOptions & { table?: string } = {}) {
    super(message, options);
    this.table = table;
  }
}

/** Somebody else changed the table after `cc.sync`'s frame was read. Nothing was written. */
export class ConflictError extends CartoError {
  override name = "ConflictError";
}

/** The import of a file failed. No table was created or changed. */
export class ImportError extends CartoError {
  override name = "ImportError";
  /** CARTO's error code, such as 8001 for a full account. */
  readonly code: number;
  /** Id of the import, for questions to the administrator of the server. */
  readonly importId?: string;

  constructor(
    message: string,
    { code, importId }: { code: number; importId?: string },
    options?: ErrorOptions,
  ) {
    super(`${message} (code ${code})`, options);
    this.code = code;
    this.importId = importId;
  }
}

/**
 * The account has reached its rate limit for this kind of request, even after up to 90 seconds of waiting. The request
 * had no effect.
 */
export class RateLimitError extends CartoError {
  override name = "RateLimitError";
  /** Seconds until the request may be repeated, if the server said so. */
  readonly retryAfterS?: number;

  constructor(message: string, { retryAfterS, ...options }: ErrorOptions & { retryAfterS?: number } = {}) {
    super(message, options);
    this.retryAfterS = retryAfterS;
  }
}

/** The account's storage or another quota is used up. */
export class QuotaError extends CartoError {
  override name = "QuotaError";
}

/**
 * A statement ran longer than the account allows, a connection or an answer took too long, or a job did not end within
 * `timeoutMs`.
 */
export class TimeoutError extends CartoError {
  override name = "TimeoutError";
}

/** Details of a batch job that failed or was cancelled. */
export type JobErrorDetails = Pick<JobError, "jobId" | "status" | "failedReason">;

/** A batch job failed or was cancelled, or the server refused it. */
export class JobError extends CartoError {
  override name = "JobError";
  /** Id of the job, if it was created. */
  readonly jobId?: string;
  /** Status of the job. */
  readonly status?: string;
  /** The database's message about the failure. */
  readonly failedReason?: string;

  constructor(message: string, details: JobErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.jobId = details.jobId;
    this.status = details.status;
    this.failedReason = details.failedReason;
  }
}

/**
 * A server could not be started or reached, the connection to it broke, or its answer was not understood.
 * `npx cartoframes status` names the log of the local server.
 */
export class ServerError extends CartoError {
  override name = "ServerError";
  /** HTTP status of the answer, if there was one. */
  readonly status?: number;

  constructor(message: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** Number of characters shown on either side of the position. */
const EXCERPT_CHARS = 50;

/** Returns the line of a statement that contains a position, with a mark under it, as psql shows it. */
function excerpt(sql: string, position: number): string {
  const characters = [...sql]; // PostgreSQL counts characters, not UTF-16 units
  const at = Math.min(position - 1, characters.length);
  const before = characters.slice(0, at).join("").split(/\r?\n/);
  const left = before.at(-1) ?? "";
  const [right = ""] = characters.slice(at).join("").split(/\r?\n/, 1);
  const start = left.length > EXCERPT_CHARS ? `…${left.slice(-EXCERPT_CHARS)}` : left;
  const end = right.length > EXCERPT_CHARS ? `${right.slice(0, EXCERPT_CHARS)}…` : right;
  const label = `  Line ${before.length}: `;
  return `${label}${start}${end}\n${`${label}${start}`.replace(/[^\t]/g, " ")}^`;
}
