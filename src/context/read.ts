import type { DataFrame } from "danfojs-node";
import { copyTo } from "../api/copy";
import { runSql, type SqlResult } from "../api/sql";
import type { Transport } from "../api/transport";
import { SqlError } from "../errors";
import {
  type Columns,
  columnsFromRows,
  copySelect,
  decodeCopy,
  type Field,
  frameFromColumns,
  loadDanfo,
} from "../frame";
import type { Progress } from "../kernel/progress";

export interface ReadOptions {
  /** Adds a column `geometry` of wkx geometries decoded from `the_geom`. */
  readonly decodeGeom?: boolean;
  /** Cancels the request, on the server too. */
  readonly signal?: AbortSignal;
}

/** Left out of every result: it is `the_geom` again, in Web Mercator. */
const WEBMERCATOR = "the_geom_webmercator";

/** SQLSTATE of "WITH clause containing a data-modifying statement must be at the top level". */
const FEATURE_NOT_SUPPORTED = "0A000";

/** The rows of a statement as one DataFrame, streamed column by column. */
export async function readFrame(
  transport: Transport,
  sql: string,
  { decodeGeom, signal, progress }: ReadOptions & { progress: Progress },
): Promise<DataFrame> {
  loadDanfo().catch(() => {}); // takes a second, while the server works; frameFromColumns reports its failure
  const columns = await readColumns(transport, sql, { progress, signal });
  for (const warning of columns.warnings) console.warn(warning);
  return frameFromColumns(columns, { decodeGeom });
}

/**
 * The rows of a statement by columns; of those that it has, the ones that `choose` takes. What `choose` throws is
 * thrown before a row is fetched.
 */
export async function readColumns(
  transport: Transport,
  sql: string,
  {
    progress,
    signal,
    choose = (fields) => fields,
  }: {
    readonly progress: Progress;
    readonly signal?: AbortSignal;
    readonly choose?: (fields: readonly Field[]) => readonly Field[];
  },
): Promise<Columns> {
  const described = isSelect(sql) ? await describe(transport, sql, signal) : undefined;
  if (!described) {
    // A statement that cannot stand in a subquery is run as it is; its few rows come as JSON.
    const { rows, fields } = await runSql(transport, sql, { signal, skipFields: [WEBMERCATOR] });
    return columnsFromRows({ rows, fields: choose(fields) });
  }
  const fields = choose(described.fields);
  if (fields.length === 0) return { rowCount: 0, columns: [], warnings: [] };
  const copy = `COPY (SELECT ${copySelect(fields)} FROM (\n${subquery(sql)}\n) AS _q) TO STDOUT WITH (FORMAT binary)`;
  const bytes = await copyTo(transport, copy, { signal });
  return decodeCopy(bytes, fields, { signal, onRows: (done) => progress.update({ done, unit: "rows" }) });
}

function isSelect(sql: string): boolean {
  return /^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(select|with|values|table)\b/i.test(sql);
}

/** The columns that a query would have, without running it; undefined if it can only run at the top level. */
async function describe(
  transport: Transport,
  sql: string,
  signal?: AbortSignal,
): Promise<Pick<SqlResult, "fields"> | undefined> {
  try {
    const probe = `SELECT * FROM (\n${subquery(sql)}\n) AS _q LIMIT 0`;
    return await runSql(transport, probe, { signal, skipFields: [WEBMERCATOR], repeatable: true });
  } catch (error) {
    if (error instanceof SqlError && mustRunAtTopLevel(error, sql)) return undefined;
    throw error;
  }
}

function mustRunAtTopLevel({ message, sqlState }: SqlError, sql: string): boolean {
  if (sqlState === FEATURE_NOT_SUPPORTED || message.includes("data-modifying")) return true;
  return /syntax error/.test(message) && (subquery(sql).includes(";") || /\binto\b/i.test(sql));
}

/** A statement that can stand in parentheses: without the semicolons at its end. */
function subquery(sql: string): string {
  return sql.replace(/[;\s]+$/, "");
}
