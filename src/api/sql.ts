import { statementError, type WrittenSql } from "./errors";
import { SqlResponse } from "./schemas/sql";
import type { ApiRequest, Transport } from "./transport";

/** A column as the SQL API describes it. */
export interface SqlField {
  readonly name: string;
  /** The internal type name (`int4`, `_text`, `geometry`); `unknown` for an enum. */
  readonly pgtype: string;
  /** Set where the server only told the kind, as old ones do: `pgtype` is then a type of that kind. */
  readonly isGuess?: true;
}

/** Rows and column descriptions of a statement, as the SQL API gives them. */
export interface SqlResult {
  readonly rows: Record<string, unknown>[];
  /** In the order of the statement. */
  readonly fields: SqlField[];
  readonly totalRows: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Columns left out of the answer. */
  readonly skipFields?: readonly string[];
  /** Set for a statement that changes nothing: it is sent again when the connection breaks. */
  readonly repeatable?: boolean;
  /** What a "too many requests" does: it is waited for, or thrown at once. @default "wait" */
  readonly whenLimited?: "wait" | "throw";
  /** See `ApiRequest`. */
  readonly effect?: string;
  /** The user's statement, where `sql` has something around it. */
  readonly written?: WrittenSql;
  /** Told PostgreSQL's warnings, and the server's word on what it has done. @default they are printed */
  readonly onWarning?: (warning: string) => void;
}

/**
 * Runs SQL over the SQL API and returns its rows. For few rows: it holds all of them, and JSON loses fractions
 * of seconds and digits of large integers. Bulk data goes through `copyTo`.
 * @throws SqlError also when the statement fails after its first rows (a 200 with `error` in it).
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
    fields: namesInOrder(fields, text).map((name) => ({ name, ...pgTypeOf(fields[name]!) })),
  };
}

/** What the server says that it has installed on the way is no warning. */
function print(warning: string): void {
  if (/^(Installed|Renewed) /.test(warning)) console.log(warning);
  else console.warn(warning);
}

/** For want of a pgtype: a type that holds what the kind may be. Other kinds are names of types themselves. */
const GUESSES: Readonly<Record<string, string>> = {
  number: "float8",
  string: "text",
  boolean: "bool",
  date: "timestamptz",
};

/** A spatial field has no pgtype, nor has an array of them, which CARTO names by its element; an enum has none. */
function pgTypeOf({ type, pgtype }: SqlResponse["fields"][string]): Omit<SqlField, "name"> {
  if (pgtype !== undefined) return { pgtype };
  const [, element, brackets] = /^(.*?)(\[\])?$/.exec(type)!;
  const guess = GUESSES[element!];
  if (guess !== undefined) return { pgtype: brackets ? `_${guess}` : guess, isGuess: true };
  if (brackets) return { pgtype: element!.startsWith("_") ? element! : `_${element}` };
  return { pgtype: type.startsWith("unknown") ? "unknown" : type };
}

/**
 * JavaScript puts members that look like array indices first ("2016" before "name"); the order of the columns
 * is only in the text.
 */
function namesInOrder(fields: SqlResponse["fields"], text: string): string[] {
  const names = Object.keys(fields);
  if (!names.some((name) => /^\d+$/.test(name))) return names;
  const from = text.lastIndexOf('"fields":');
  const positions = new Map(
    names.map((name) => [name, text.indexOf(`${JSON.stringify(name)}:{"type":`, from)]),
  );
  return names.sort((a, b) => positions.get(a)! - positions.get(b)!);
}
