import { ServerError, SqlError } from "../errors";
import { parseJson } from "../json";
import { SqlResponse } from "./schemas/sql";
import type { Transport, WrittenSql } from "./transport";

/** Rows and column descriptions of a statement, as the SQL API gives them. */
export interface SqlResult {
  readonly rows: Record<string, unknown>[];
  /** In the order of the statement. `pgtype` is the internal type name (`int4`, `_text`, `geometry`). */
  readonly fields: { readonly name: string; readonly pgtype: string }[];
  readonly totalRows: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Columns left out of the answer. */
  readonly skipFields?: readonly string[];
  /** Set for a statement that changes nothing: it is sent again when the connection breaks. */
  readonly repeatable?: boolean;
  /** The user's statement, where `sql` has something around it. */
  readonly written?: WrittenSql;
}

/**
 * Runs SQL over the SQL API and returns its rows. For few rows: it holds all of them, and JSON loses fractions
 * of seconds and digits of large integers. Bulk data goes through `copyTo`.
 * @throws SqlError also when the statement fails after its first rows (a 200 with `error` in it).
 */
export async function runSql(
  transport: Transport,
  sql: string,
  { signal, skipFields = [], repeatable, written }: RunOptions = {},
): Promise<SqlResult> {
  const form = { q: sql, ...(skipFields.length > 0 && { skipfields: skipFields.join(",") }) };
  const text = await transport.sendForText({ path: "/api/v2/sql", form, signal, repeatable, sql, written });
  const parsed = SqlResponse.safeParse(parseJson(text));
  if (!parsed.success)
    throw new ServerError(`The server's answer is not one of a SQL API: ${text.slice(0, 200)}`);
  const { rows, fields, total_rows, error, warnings } = parsed.data;
  for (const warning of warnings) console.warn(warning); // PostgreSQL's, or the server's word on what it has done
  if (error) throw new SqlError(error[0] ?? "the statement failed", { sql: written?.sql ?? sql });
  return {
    rows,
    totalRows: total_rows,
    fields: namesInOrder(fields, text).map((name) => ({ name, pgtype: pgTypeOf(fields[name]!) })),
  };
}

/** An array field of a spatial type has no pgtype either; CARTO names it by its element. */
function pgTypeOf({ type, pgtype }: SqlResponse["fields"][string]): string {
  return pgtype ?? (type === "geometry" || type === "geography" || type === "raster" ? type : "unknown");
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
