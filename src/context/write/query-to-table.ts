import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, SqlError } from "../../errors";
import { normalizeColumnNames } from "../../frame";
import type { Progress } from "../../kernel/progress";
import { ident } from "../../sql";
import { isWord, queryText, scanStatements, type Token } from "../../sql-lexer";
import { newTableNamed, quoted, type TableName, temporaryTable } from "../tables/table-name";
import { dropTemporary, explainRegistering, refuseExisting, register } from "./new-table";
import { applyPrivacy, privacyOf } from "./privacy";

export interface QueryToTableOptions {
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

export interface QueryToTableReport {
  readonly table: TableName;
  readonly hasGeometry: boolean;
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
}

/**
 * Stores the rows of a query as a table on the server; its rows are not downloaded. The statement runs once, after the
 * name was found to be free. The table becomes visible at the end.
 */
export async function queryToTable(
  transport: Transport,
  sql: string,
  tableName: string,
  { overwrite = false, signal, progress }: QueryToTableOptions,
): Promise<QueryToTableReport> {
  const { before, opening, query, closing } = splitQuery(sql);
  const table = await newTableNamed(tableName, { transport, signal });
  if (!overwrite) await refuseExisting(transport, table, signal);
  const privacy = overwrite ? await privacyOf(transport, table, signal) : undefined;
  const temporary = await temporaryTable({ transport, signal });
  const run: Parameters<typeof register>[0] = (text, known) => runSql(transport, text, { signal, ...known });
  let renamed: QueryToTableReport["renamed"];
  let hasGeometry: boolean;
  try {
    const ours = `CREATE TABLE ${quoted(temporary)} AS\n${opening}`;
    const isAlone = scanStatements(before).length === 0; // otherwise the error may be in an earlier statement
    await runSql(transport, `${before}${ours}${query}${closing}`, {
      signal,
      ...(isAlone && { written: { sql, offset: ours.length } }),
    }).catch((error) => {
      throw explainQuery(error);
    });
    const { fields } = await run(`SELECT * FROM ${quoted(temporary)} LIMIT 0`);
    const names = fields.map(({ name }) => name);
    renamed = newNames(names);
    hasGeometry = names.includes("the_geom");
    if (renamed.length > 0) await run(renames(temporary, renamed));
    progress.update({ done: 0, unit: "rows", note: "indexing" });
    await register(run, temporary, table, overwrite);
  } catch (error) {
    await dropTemporary(transport, temporary);
    throw explainRegistering(error, table);
  }
  if (privacy !== undefined) await applyPrivacy(transport, table, privacy, signal);
  return { table, hasGeometry, renamed };
}

/** Name in `WITH name AS (…)` for the rows of a statement such as INSERT … RETURNING. */
const RESULT = "cartoframes_result";

/** Splits the text into the statements before the last, and the last one as a query for CREATE TABLE AS. */
function splitQuery(sql: string): { before: string; opening: string; query: string; closing: string } {
  const last = scanStatements(sql).at(-1) ?? [];
  const [first] = last;
  if (first === undefined) throw new InvalidArgumentError("The SQL statement is empty.");
  const text = sql.slice(first.start, last.at(-1)?.end);
  const before = sql.slice(0, first.start);
  if (queryText(text) !== undefined) return { before, opening: "", query: text, closing: "" };
  if (last.some((token) => isWord(token, "RETURNING") && token.depth === 0)) {
    const opening = `WITH ${RESULT} AS (\n`;
    return { before, opening, query: text, closing: `\n) SELECT * FROM ${RESULT}` };
  }
  throw new InvalidArgumentError(
    `\`tableName\` stores the rows of a query as a table, but ${inWords(last)} returns no rows. ` +
      "Leave out `tableName`, or end with a SELECT.",
  );
}

function inWords([first, ...rest]: readonly Token[]): string {
  const isInto = isWord(first, "SELECT") && rest.some((token) => token.depth === 0 && isWord(token, "INTO"));
  return isInto ? "SELECT … INTO" : `a statement that begins with ${first?.text.slice(0, 20)}`;
}

/** SQLSTATE of two columns with the same name. */
const DUPLICATE_COLUMN = "42701";

function explainQuery(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  if (error.sqlState !== DUPLICATE_COLUMN && !/^column ".*" specified more than once/s.test(error.message))
    return error;
  return new SqlError(
    error.message,
    { ...error, hint: "Each column of a table needs a different name. Rename them in the query with AS." },
    { cause: error },
  );
}

function newNames(names: readonly string[]): { from: string; to: string }[] {
  const normalized = normalizeColumnNames(names);
  return names.map((from, i) => ({ from, to: normalized[i] ?? from })).filter(({ from, to }) => from !== to);
}

/** SQL that renames the columns, in two steps because a new name may be the old name of another column. */
function renames(table: TableName, renamed: readonly { from: string; to: string }[]): string {
  const rename = (from: string, to: string) =>
    `ALTER TABLE ${quoted(table)} RENAME COLUMN ${ident(from)} TO ${ident(to)}`;
  const between = (i: number) => `cartoframes_column_${i}`;
  return [
    ...renamed.map(({ from }, i) => rename(from, between(i))),
    ...renamed.map(({ to }, i) => rename(between(i), to)),
  ].join(";\n");
}
