import { statementError, type WrittenSql } from "./errors";
import { CopyFromResponse, SqlResponse } from "./schemas/sql";
import type { ApiRequest, Transport } from "./transport";

/** A column as the SQL API describes it. */
export interface SqlField {
  readonly name: string;
  /** The internal type name (`int4`, `_text`, `geometry`); `unknown` for an enum. */
  readonly pgtype: string;
  /** Set if the server, like old ones, only gives the kind of type: `pgtype` is then a type of that kind. */
  readonly isGuess?: true;
}

/** Rows and column descriptions of a statement, as the SQL API returns them. */
export interface SqlResult {
  readonly rows: Record<string, unknown>[];
  /** Columns in the order of the statement. */
  readonly fields: SqlField[];
  readonly totalRows: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Names of columns to leave out of the answer. */
  readonly skipFields?: readonly string[];
  /** Set for a statement that changes nothing. It is sent again when the connection breaks. */
  readonly repeatable?: boolean;
  /** Waits when the account's rate limit is reached, or throws at once. @default "wait" */
  readonly whenLimited?: "wait" | "throw";
  /** See `ApiRequest.effect`. */
  readonly effect?: string;
  /** The user's statement, if `sql` has more SQL around it. */
  readonly written?: WrittenSql;
  /** Called with PostgreSQL's warnings and the server's notes on what it has installed. @default prints them */
  readonly onWarning?: (warning: string) => void;
}

/**
 * Runs SQL through the SQL API and returns its rows. Use it for few rows: all of them are held in memory, and JSON loses
 * fractions of seconds and digits of large integers. Use `copyTo` for bulk data.
 * @throws SqlError if the statement fails, also after its first rows (status 200 with `error`)
 */
export async function runSql(
  transport: Transport,
  sql: string,
  { skipFields = [], onWarning = print, ...options }: RunOptions = {},
): Promise<SqlResult> {
  const form = { q: sql, ...(skipFields.length > 0 && { skipfields: skipFields.join(",") }) };
  const request: ApiRequest = { ...options, path: "/api/v2/sql", form, sql };
  const { value, text } = await transport.sendForJson(request, SqlResponse, "a SQL API");
  const { rows, fields, total_rows, error, hint, detail, warnings } = value;
  for (const warning of warnings) onWarning(transport.redact(warning));
  if (error)
    throw statementError(error[0] ?? "the statement failed", {
      sql: options.written?.sql ?? sql,
      hint,
      detail,
    });
  return {
    rows,
    totalRows: total_rows,
    fields: inOrder(fields, text).map(([name, field]) => ({ name, ...pgTypeOf(field) })),
  };
}

/**
 * Runs `COPY (…) TO STDOUT …` and returns its bytes as they arrive. A statement that fails midway changes the bytes,
 * not the status, so the reader has to check that they end as the format requires.
 */
export async function copyTo(
  transport: Transport,
  sql: string,
  options: Pick<ApiRequest, "signal" | "repeatable" | "whenLimited" | "written"> = {},
): Promise<AsyncIterable<Uint8Array>> {
  return transport.sendForBytes({ path: "/api/v2/sql/copyto", form: { q: sql }, sql, ...options });
}

/** Streams bytes into `COPY … FROM STDIN …` and returns the number of rows that were loaded. */
export async function copyFrom(
  transport: Transport,
  sql: string,
  bytes: () => AsyncIterable<Uint8Array>,
  options: Pick<ApiRequest, "signal" | "effect"> = {},
): Promise<number> {
  const request = { path: "/api/v2/sql/copyfrom", query: { q: sql }, body: bytes, sql, ...options };
  const { value } = await transport.sendForJson(request, CopyFromResponse, "copyfrom");
  return value.total_rows;
}

/** Prints a warning, or as plain output a note that the server has installed something. */
function print(warning: string): void {
  if (/^(Installed|Renewed|Updated) /.test(warning)) console.log(warning);
  else console.warn(warning);
}

/** Type that holds the values of each kind, for answers without `pgtype`. Other kinds are names of types. */
const GUESSES: Readonly<Record<string, string>> = {
  number: "float8",
  string: "text",
  boolean: "bool",
  date: "timestamptz",
};

/** Returns the type of a field. Spatial fields and enums have no `pgtype`; CARTO names their arrays by the element. */
function pgTypeOf({ type, pgtype }: SqlResponse["fields"][string]): Omit<SqlField, "name"> {
  if (pgtype !== undefined) return { pgtype };
  const [, element = type, brackets] = /^(.*?)(\[\])?$/.exec(type) ?? [];
  const guess = GUESSES[element];
  if (guess !== undefined) return { pgtype: brackets ? `_${guess}` : guess, isGuess: true };
  if (brackets) return { pgtype: element.startsWith("_") ? element : `_${element}` };
  return { pgtype: type.startsWith("unknown") ? "unknown" : type };
}

/**
 * Returns the columns in the order of the statement. JavaScript puts members that look like array indices first ("2016"
 * before "name"), so the order has to be read from the text.
 */
function inOrder<T>(fields: Readonly<Record<string, T>>, text: string): [string, T][] {
  const entries = Object.entries(fields);
  if (!entries.some(([name]) => /^\d+$/.test(name))) return entries;
  const from = text.lastIndexOf('"fields":');
  const position = (name: string) => text.indexOf(`${JSON.stringify(name)}:{"type":`, from);
  return entries.sort(([a], [b]) => position(a) - position(b));
}
