import type { Readable } from "node:stream";

/**
 * Whose rights a statement has: `master` is the owner of the data and not a superuser, `public` is
 * `publicuser`, who may read what was granted to it, a key's role may do in addition what was granted to the key.
 */
export type Role = "master" | "public" | KeyRole;

/** The database role of a regular API key. */
export type KeyRole = `cartoframes_key_${string}`;

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
   * Ends the statement, waiting or running, with SQLSTATE 57014. A signal of `AbortSignal.timeout` is
   * reported as a statement timeout, any other as a cancel.
   */
  readonly signal?: AbortSignal;
  /** Ends the statement as a statement timeout, so long after it began; the time it waited for others is not counted. */
  readonly timeoutMs?: number;
  /** Default `master`. */
  readonly role?: Role;
}

export interface ResultField {
  readonly name: string;
  readonly typeOid: number;
  /** `pg_type.typname`; null for a type that did not outlive the statement. */
  readonly typeName: string | null;
  /** As the protocol sends it: -1 is none, for a geometry it holds kind, dimensions and SRID. */
  readonly typeModifier: number;
}

export interface StatementResult {
  /** The command tag: `SELECT 3`, `INSERT 0 3`, `CREATE TABLE`; empty for an empty statement. */
  readonly command: string;
  /** Null for a statement that returns no rows by nature. */
  readonly fields: readonly ResultField[] | null;
  /** Values in PostgreSQL's text format. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The count in the command tag, 0 without one. */
  readonly affectedRows: number;
}

export interface QueryResult {
  readonly statements: readonly StatementResult[];
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
}

export interface CopyOutResult {
  /**
   * The bytes of the COPY. Errors before the first of them were thrown; where they are not complete yet, because
   * `bytes` and `rows` are missing, a later one ends the stream with that error. Destroy it to stop.
   */
  readonly stream: Readable;
  readonly bytes?: number;
  readonly rows?: number;
}

export interface EngineInfo {
  readonly kind: "pglite" | "postgres";
  readonly postgres: string;
  /** Null where it is not installed. */
  readonly postgis: string | null;
  /** Where the data lives: a directory or a URL without credentials. */
  readonly location: string;
}

/** What keeps a waiting statement waiting. */
export interface EngineActivity {
  readonly running: { readonly sql: string; readonly startedAt: Date } | null;
  readonly waiting: number;
}

/**
 * A PostgreSQL database with PostGIS and the functions of `../sql`. Calls may overlap; a call never sees
 * session state (settings, temporary tables, open transactions) of another one. Statements fail with
 * `DatabaseError`.
 */
export interface Engine {
  /** Runs one or more statements by the simple query protocol: several are one implicit transaction. */
  query(sql: string, options?: StatementOptions): Promise<QueryResult>;
  /** Runs `COPY … TO STDOUT …`. Resolves when its first bytes are there, or all of them. */
  copyOut(sql: string, options?: StatementOptions): Promise<CopyOutResult>;
  /** Runs `COPY … FROM STDIN …` with `data`, whole or not at all. */
  copyIn(sql: string, data: AsyncIterable<Uint8Array>, options?: StatementOptions): Promise<{ rows: number }>;
  info(): Promise<EngineInfo>;
  activity(): EngineActivity;
  close(): Promise<void>;
}

/** The fields of PostgreSQL's ErrorResponse that a caller can use. */
export interface DatabaseErrorFields {
  readonly severity?: string;
  /** SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly code: string;
  readonly detail?: string;
  readonly hint?: string;
  /** 1-based character (not byte) of the statement text as it was passed in. */
  readonly position?: number;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
}

/** A statement failed in the database, or the database itself did (class 57 and 58 codes). */
export class DatabaseError extends Error {
  override name = "DatabaseError";
  readonly severity: string;
  readonly code: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: number;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;

  constructor(message: string, fields: DatabaseErrorFields, options?: ErrorOptions) {
    super(message, options);
    this.severity = fields.severity ?? "ERROR";
    this.code = fields.code;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.position = fields.position;
    this.where = fields.where;
    this.schema = fields.schema;
    this.table = fields.table;
    this.column = fields.column;
    this.constraint = fields.constraint;
  }
}

/** The error of a statement whose signal fired; message and code are PostgreSQL's own. */
export function canceledError(signal: AbortSignal): DatabaseError {
  const timedOut = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  const why = timedOut ? "statement timeout" : "user request";
  return new DatabaseError(`canceling statement due to ${why}`, { code: "57014" }, { cause: signal.reason });
}

const SHOWN_SQL_LENGTH = 120;

/** A statement as `EngineActivity` shows it. */
export function shownSql(sql: string): string {
  const line = sql.trim().replace(/\s+/g, " ");
  return line.length > SHOWN_SQL_LENGTH ? `${line.slice(0, SHOWN_SQL_LENGTH - 1)}…` : line;
}
