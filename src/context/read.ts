import type { DataFrame } from "danfojs-node";
import { copyTo } from "../api/copy";
import { runSql, type SqlResult } from "../api/sql";
import type { Transport, WrittenSql } from "../api/transport";
import { InvalidArgumentError, SqlError } from "../errors";
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
import { queryText } from "../sql-lexer";

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
const SYNTAX_ERROR = "42601";

/** The rows of a statement as one DataFrame, streamed column by column. */
export async function readFrame(
  transport: Transport,
  sql: string,
  { decodeGeom, signal, progress }: ReadOptions & { progress: Progress },
): Promise<DataFrame> {
  loadDanfo().catch(() => {}); // takes a second, while the server works; frameFromColumns reports its failure
  const columns = await readColumns(transport, sql, { progress, signal });
  for (const warning of columns.warnings) console.warn(warning);
  return frameFromColumns(columns, { decodeGeom, signal });
}

/**
 * The columns of a statement; of those that it has, the ones that `choose` takes. A query is read by binary COPY; a
 * statement that cannot stand in a subquery is run as it is, and its few rows come as JSON. What `choose` throws is
 * thrown before a row of a query is fetched.
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
  const query = queryText(sql);
  const described = query && (await describe(transport, query, signal));
  if (!query || !described) {
    const last = lastRows(await runSql(transport, sql, { signal, skipFields: [WEBMERCATOR] }));
    return columnsFromRows({ rows: last.rows, fields: choose(last.fields) });
  }
  const fields = choose(described);
  if (fields.length === 0) return { rowCount: 0, columns: [], warnings: [] };
  const onRows = (done: number) => progress.update({ done, unit: "rows" });
  const decode = async (select: string, alias: string) => {
    const before = `COPY (SELECT ${select} FROM (\n`;
    const copy = `${before}${query}\n) AS ${alias}) TO STDOUT WITH (FORMAT binary)`;
    const bytes = await copyTo(transport, copy, { signal, written: written(query, before) });
    return decodeCopy(bytes, fields, { signal, onRows });
  };
  try {
    return await decode(copySelect(fields), "_q");
  } catch (error) {
    if (!(error instanceof SqlError) || !/ is ambiguous$/.test(error.message)) throw error;
    const aliases = await aliasesOf(transport, query, fields, signal);
    const columns = await decode(copySelect(aliases.fields), `_q (${aliases.all.join(", ")})`);
    return { ...columns, warnings: [...columns.warnings, ...aliases.warnings] };
  }
}

/** Of several statements the rows of the last one: the SQL API sends those of all, and describes only the last. */
function lastRows({ rows, fields, totalRows }: SqlResult): Pick<SqlResult, "rows" | "fields"> {
  return { fields, rows: fields.length === 0 ? [] : rows.slice(rows.length - totalRows) };
}

/** The columns that a query would have, without running it; undefined if it can only run at the top level. */
async function describe(
  transport: Transport,
  query: string,
  signal?: AbortSignal,
): Promise<readonly Field[] | undefined> {
  const before = "SELECT * FROM (\n";
  try {
    const { fields } = await runSql(transport, `${before}${query}\n) AS _q LIMIT 0`, {
      signal,
      skipFields: [WEBMERCATOR],
      repeatable: true,
      written: written(query, before),
    });
    return fields;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    if (error.sqlState === FEATURE_NOT_SUPPORTED || error.message.includes("data-modifying"))
      return undefined;
    const end = [...query].length + 1;
    if (error.sqlState !== SYNTAX_ERROR || (error.position ?? 0) < end) throw error;
    // it says that it met the parenthesis of ours that follows
    const { sqlState } = error;
    throw new SqlError(
      "syntax error at end of input",
      { sql: query, sqlState, position: end },
      { cause: error },
    );
  }
}

/** For errors in the terms of a query that is sent with something around it. */
function written(query: string, before: string): WrittenSql {
  return { sql: query, offset: [...before].length };
}

/**
 * Another name for every column of a query in which some have the same (`SELECT *` of a join): `all` of them in
 * order, and the fields under their new names. Of several columns with one name the last counts, as in CARTO's JSON.
 */
async function aliasesOf(
  transport: Transport,
  query: string,
  fields: readonly Field[],
  signal?: AbortSignal,
): Promise<{ all: string[]; fields: Field[]; warnings: string[] }> {
  const header = `COPY (SELECT * FROM (\n${query}\n) AS _q LIMIT 0) TO STDOUT WITH (FORMAT csv, HEADER true)`;
  const chunks: Uint8Array[] = [];
  for await (const chunk of await copyTo(transport, header, { signal })) chunks.push(chunk);
  const names = csvNames(Buffer.concat(chunks).toString("utf8"));
  const positions = new Map(names.map((name, position) => [name, position]));
  return {
    all: names.map((_, position) => `c${position}`),
    warnings: fields
      .filter(({ name }) => names.indexOf(name) !== names.lastIndexOf(name))
      .map(
        ({ name }) => `Several columns are called "${name}"; the last one is kept. Name the others with AS.`,
      ),
    fields: fields.map(({ name, pgtype }) => {
      const position = positions.get(name);
      if (position === undefined) throw new InvalidArgumentError(`Name the column "${name}" with AS.`);
      return { name: `c${position}`, pgtype };
    }),
  };
}

/** The names in a line of CSV. */
function csvNames(line: string): string[] {
  const cells = line.replace(/\n$/, "").matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g);
  return Array.from(cells, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}
