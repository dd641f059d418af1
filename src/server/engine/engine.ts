import type { Readable } from "node:stream";
import { ServerError } from "../../errors";

/**
 * Role with whose rights a statement runs. `master` owns the data but is not a superuser; `public` is `publicuser`,
 * which may read what was granted to it; the role of a key may also do what was granted to that key.
 */
export type Role = "master" | "public" | KeyRole;

/** The database role of a regular API key. */
export type KeyRole = `cartoframes_key_${string}`;

/** True for the role of a regular key, which may own tables and views. */
export function isKeyRole(role: Role): role is KeyRole {
  return role !== "master" && role !== "public";
}

const ROLE_NAMES = new Map<Role, string>([
  ["master", "carto"],
  ["public", "publicuser"],
]);

/** Returns the role that runs a statement on the embedded database, whose session belongs to a superuser. */
export function roleName(role: Role): string {
  return ROLE_NAMES.get(role) ?? role;
}

export interface StatementOptions {
  /**
   * Cancels the statement, waiting or running, with SQLSTATE 57014. A signal of `AbortSignal.timeout` is reported as a
   * statement timeout, any other signal as a cancel.
   */
  readonly signal?: AbortSignal;
  /** Maximum duration in milliseconds. The time a statement waits for others does not count. */
  readonly timeoutMs?: number;
  /** Role that runs the statement. @default "master" */
  readonly role?: Role;
}

export interface ResultField {
  readonly name: string;
  readonly typeOid: number;
  /** `pg_type.typname`; null if the type no longer exists after the statement. */
  readonly typeName: string | null;
  /** Type modifier from the protocol, or -1. For a geometry it holds geometry type, dimensions and SRID. */
  readonly typeModifier: number;
}

export interface StatementResult {
  /** Command tag, such as `SELECT 3`, `INSERT 0 3` or `CREATE TABLE`; empty for an empty statement. */
  readonly command: string;
  /** Null if the statement does not return rows. */
  readonly fields: readonly ResultField[] | null;
  /** Values in PostgreSQL's text format. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Row count in the command tag, or 0. */
  readonly affectedRows: number;
}

export interface QueryResult {
  readonly statements: readonly StatementResult[];
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
}

/** Returns the rows of the last statement. */
export function lastRows({ statements }: Pick<QueryResult, "statements">): StatementResult["rows"] {
  return statements.at(-1)?.rows ?? [];
}

export interface CopyOutResult {
  /**
   * Bytes of the COPY. Errors before the first byte are thrown by the call; later errors, possible if `bytes` and
   * `rows` are absent, end the stream. Destroy the stream to cancel the COPY.
   */
  readonly stream: Readable;
  readonly bytes?: number;
  readonly rows?: number;
}

export interface EngineInfo {
  readonly kind: "pglite" | "postgres";
  readonly postgres: string;
  /** Null if PostGIS is not installed. */
  readonly postgis: string | null;
  /** Directory of the data, or URL of the database with credentials removed. */
  readonly location: string;
}

/** Current work of the engine, which explains why a statement waits. */
export interface EngineActivity {
  readonly running: { readonly sql: string; readonly startedAt: Date } | null;
  readonly waiting: number;
}

/**
 * A PostgreSQL database with PostGIS and the functions of `../sql`. Calls may overlap, and never see each other's
 * session state (settings, temporary tables, open transactions). Statements fail with `DatabaseError`.
 */
export interface Engine {
  /** Runs one or more statements with the simple query protocol; several form one implicit transaction. */
  query(sql: string, options?: StatementOptions): Promise<QueryResult>;
  /** Runs `COPY … TO STDOUT …`. Resolves when the first bytes, or all of them, have arrived. */
  copyOut(sql: string, options?: StatementOptions): Promise<CopyOutResult>;
  /** Runs `COPY … FROM STDIN …` with `data`. If it fails, no row is kept. */
  copyIn(sql: string, data: AsyncIterable<Uint8Array>, options?: StatementOptions): Promise<{ rows: number }>;
  info(): Promise<EngineInfo>;
  activity(): EngineActivity;
  close(): Promise<void>;
}

/** Thrown if a statement fails, or the database itself (SQLSTATE classes 57 and 58): PostgreSQL's ErrorResponse. */
export class DatabaseError extends Error {
  override name = "DatabaseError";
  readonly severity: string;
  /** SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly code: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Position in the statement as it was passed in, in characters from 1. */
  readonly position?: number;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;

  constructor(message: string, fields: DatabaseErrorFields, options?: ErrorOptions) {
    super(message, options);
    Object.assign(this, fields);
    this.severity = fields.severity ?? "ERROR";
    this.code = fields.code;
  }

  /** Returns the error with some other fields. */
  with(fields: Partial<DatabaseErrorFields>, message = this.message): DatabaseError {
    return new DatabaseError(message, { ...this, ...fields }, { cause: this });
  }
}

type DatabaseErrorFields = Pick<DatabaseError, "code"> & Partial<Omit<DatabaseError, keyof Error | "with">>;

/** Returns the error of a statement whose signal fired, with PostgreSQL's own message and code. */
export function canceledError(signal: AbortSignal): DatabaseError {
  const timedOut = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  const why = timedOut ? "statement timeout" : "user request";
  return new DatabaseError(`canceling statement due to ${why}`, { code: "57014" }, { cause: signal.reason });
}

export const closedError = () => new ServerError("The database is closed.");

const SHOWN_SQL_LENGTH = 120;

/** Shortens a statement to one line, for `EngineActivity`. */
export function shownSql(sql: string): string {
  const line = sql.trim().replace(/\s+/g, " ");
  return line.length > SHOWN_SQL_LENGTH ? `${line.slice(0, SHOWN_SQL_LENGTH - 1)}…` : line;
}
