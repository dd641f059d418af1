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
  readonly sql?: string;
  /** SQLSTATE, five characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly sqlState?: string;
  /** 1-based character of `sql` at which PostgreSQL stopped. */
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
}

/** `cc.sync` met changes that somebody else made to the table since it was read. Nothing was written. */
export class ConflictError extends CartoError {
  override name = "ConflictError";
}

/** The local server could not be started, reached or kept. */
export class ServerError extends CartoError {
  override name = "ServerError";
}
