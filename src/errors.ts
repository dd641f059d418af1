const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Base class of every error this package throws on purpose: `catch (e) { if (e instanceof CartoError) … }`.
 * The message says what happened and what to do next, and never contains an API key. In a notebook the
 * message is shown instead of a stack; the stack and the cause stay on `error.stack` and `error.cause`.
 */
export class CartoError extends Error {
  override name = "CartoError";

  [INSPECT](): string {
    return `${this.name}: ${this.message}`;
  }
}

/** An argument or an option has a value that cannot be used. */
export class InvalidArgumentError extends CartoError {
  override name = "InvalidArgumentError";
}

/** The server refused the API key, or the key lacks a right. */
export class AuthenticationError extends CartoError {
  override name = "AuthenticationError";
}

/** What PostgreSQL says about a failed statement, as far as the server passed it on. */
export interface SqlErrorDetails {
  /** The statement, as the user wrote it. */
  readonly sql?: string;
  /** SQLSTATE, five characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly sqlState?: string;
  /** Character of `sql`, from 1, at which PostgreSQL stopped; the message shows its line. */
  readonly position?: number;
  readonly hint?: string;
  readonly detail?: string;
}

/** The database refused a statement. */
export class SqlError extends CartoError {
  override name = "SqlError";
  readonly sql?: string;
  readonly sqlState?: string;
  readonly position?: number;
  readonly hint?: string;
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

/** `cc.write` without `overwrite` met a table of that name. */
export class TableExistsError extends CartoError {
  override name = "TableExistsError";
}

/** There is no table of that name. */
export class TableNotFoundError extends CartoError {
  override name = "TableNotFoundError";
  /** The name that was looked for. */
  readonly table?: string;

  constructor(message: string, { table, ...options }: ErrorOptions & { table?: string } = {}) {
    super(message, options);
    this.table = table;
  }
}

/** `cc.sync` met changes that somebody else made to the table since it was read. Nothing was written. */
export class ConflictError extends CartoError {
  override name = "ConflictError";
}

/** An import of a file failed; nothing of it is left. */
export class ImportError extends CartoError {
  override name = "ImportError";
  /** CARTO's number for what went wrong, such as 8001 for a full account. */
  readonly code: number;
  /** For questions to who runs the server. */
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

/** The account takes no more requests of this kind for now. Nothing of the refused one was done. */
export class RateLimitError extends CartoError {
  override name = "RateLimitError";
  /** Seconds until it may be asked again, where the server said so. */
  readonly retryAfterS?: number;

  constructor(message: string, { retryAfterS, ...options }: ErrorOptions & { retryAfterS?: number } = {}) {
    super(message, options);
    this.retryAfterS = retryAfterS;
  }
}

/** The account's storage, or another quota of it, is used up. */
export class QuotaError extends CartoError {
  override name = "QuotaError";
}

/** A statement ran longer than the account allows, or a connection or an answer took too long. */
export class TimeoutError extends CartoError {
  override name = "TimeoutError";
}

/** What is known of a job that did not end as it should. */
export interface JobErrorDetails {
  readonly jobId?: string;
  readonly status?: string;
  /** Why it failed: the database's message. */
  readonly failedReason?: string;
}

/** A batch job failed or was cancelled, or the server refused it. */
export class JobError extends CartoError {
  override name = "JobError";
  readonly jobId?: string;
  readonly status?: string;
  readonly failedReason?: string;

  constructor(message: string, details: JobErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.jobId = details.jobId;
    this.status = details.status;
    this.failedReason = details.failedReason;
  }
}

/** A server could not be started, reached or kept, or its answer is none that this package understands. */
export class ServerError extends CartoError {
  override name = "ServerError";
  /** HTTP status of the answer, where there was one. */
  readonly status?: number;

  constructor(message: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** What is shown of a line on either side of the place. */
const EXCERPT_CHARS = 50;

/** The line of a statement that a position is in, with a mark under it, as psql shows it. */
function excerpt(sql: string, position: number): string {
  const characters = [...sql]; // PostgreSQL counts characters, not UTF-16 units
  const at = Math.min(position - 1, characters.length);
  const before = characters.slice(0, at).join("").split(/\r?\n/);
  const left = before.at(-1)!;
  const right = characters.slice(at).join("").split(/\r?\n/, 1)[0]!;
  const start = left.length > EXCERPT_CHARS ? `…${left.slice(-EXCERPT_CHARS)}` : left;
  const end = right.length > EXCERPT_CHARS ? `${right.slice(0, EXCERPT_CHARS)}…` : right;
  const label = `  Line ${before.length}: `;
  return `${label}${start}${end}\n${`${label}${start}`.replace(/[^\t]/g, " ")}^`;
}
