import type { DataFrame } from "danfojs-node";
import { ErrorResponse } from "../../api/schemas/sql";
import { copyTo, runSql, type SqlResult } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, SqlError } from "../../errors";
import {
  type Columns,
  columnsFromRows,
  type Field,
  frameFromColumns,
  loadDanfo,
  rowCountOf,
} from "../../frame";
import type { Progress } from "../../kernel/progress";
import { queryText } from "../../sql-lexer";
import { parseJson } from "../../values";
import type { Baselines } from "../tables/baselines";
import { quoted, type TableName } from "../tables/table-name";
import { type DescribeOptions, describe, WEBMERCATOR } from "./describe";
import { estimateRows, fetchColumns } from "./fetch";

export interface ReadOptions {
  /**
   * Adds a column `geometry` with wkx geometries, decoded from `the_geom` or else the first geometry column.
   * @default false
   */
  readonly decodeGeom?: boolean;
  /** Cancels the request, also on the server. */
  readonly signal?: AbortSignal;
}

export interface QueryOptions extends ReadOptions {
  /** Stores the rows as a new table with this name, and returns the stored rows. @default not stored */
  readonly tableName?: string;
  /** With `tableName`, replaces an existing table of that name. @default false */
  readonly overwrite?: boolean;
}

/** A table, or its first `limit` rows. */
export interface TableToRead {
  readonly table: TableName;
  readonly limit?: number;
}

interface Reading extends DescribeOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Set for a statement that changes nothing. It runs again when the connection breaks. @default true for a table */
  readonly repeatable?: boolean;
}

/** @throws InvalidArgumentError for anything but a statement */
export function checkSql(sql: unknown): void {
  if (typeof sql !== "string" || sql.trim() === "")
    throw new InvalidArgumentError("The SQL statement is empty.");
  const command = PSQL_COMMAND.exec(sql)?.[0].trim();
  if (command !== undefined) {
    throw new InvalidArgumentError(
      `${command} is a psql command, not SQL. List the tables with \`await cc.tables()\`, ` +
        "and their columns with SELECT … FROM information_schema.columns.",
    );
  }
}

const PSQL_COMMAND = /^\s*\\\S*/;

/** @throws InvalidArgumentError */
export function checkLimit(limit: unknown): void {
  if (limit === undefined || (Number.isSafeInteger(limit) && (limit as number) >= 0)) return;
  throw new InvalidArgumentError(`\`limit\` must be an integer of 0 or more; got ${String(limit)}.`);
}

/** Reads a table and remembers its state as the baseline of the frame. */
export async function readTable(
  transport: Transport,
  source: TableToRead,
  { baselines, ...options }: ReadOptions & { readonly baselines: Baselines; readonly progress: Progress },
): Promise<DataFrame> {
  let snapshot: string | undefined;
  const onSnapshot = (seen: string) => {
    snapshot = seen;
  };
  const frame = await readFrame(transport, source, { ...options, onSnapshot });
  const rowCount = rowCountOf(frame);
  const partial = rowCount === source.limit;
  if (snapshot !== undefined)
    baselines.remember(frame, { table: quoted(source.table), snapshot, rowCount, partial });
  return frame;
}

/** Reads a table, or runs a statement, and returns the rows as one DataFrame. They are streamed column by column. */
export async function readFrame(
  transport: Transport,
  source: string | TableToRead,
  { decodeGeom, signal, progress, repeatable, onSnapshot }: ReadOptions & Reading,
): Promise<DataFrame> {
  setImmediate(loadDanfo); // while the server works
  const columns = await readColumns(transport, source, {
    ...{ progress, signal, repeatable, onSnapshot },
    isOrdered: true,
  });
  for (const warning of columns.warnings) console.warn(warning);
  return frameFromColumns(columns, { decodeGeom, signal });
}

/**
 * Reads the columns that `choose` selects from a table or a statement. A query is described first and then fetched. A
 * statement that cannot stand in a subquery runs unchanged, and its rows are fetched as JSON. Errors of `choose` are
 * thrown before any row of a query is fetched.
 */
export async function readColumns(
  transport: Transport,
  source: string | TableToRead,
  {
    progress,
    signal,
    repeatable = typeof source !== "string",
    onSnapshot,
    choose = (fields) => fields,
    queryOnly,
    isOrdered = false,
  }: Reading & {
    readonly choose?: (fields: readonly Field[]) => readonly Field[];
    /** Name of the caller that accepts only queries; any other statement is an error and does not run. */
    readonly queryOnly?: string;
    /** True for the rows of a table in the order of `cartodb_id`. PostgreSQL puts short rows where there is room. */
    readonly isOrdered?: boolean;
  },
): Promise<Columns> {
  const sql = typeof source === "string" ? source : tableQuery(source);
  const query = typeof source === "string" ? queryText(source) : sql;
  const estimate = query ? estimateRows(transport, query, signal) : undefined;
  const described = query && (await describe(transport, query, { signal, onSnapshot }));
  if (!query || !described) {
    if (queryOnly !== undefined)
      throw new InvalidArgumentError(
        `${queryOnly} needs a single query that changes nothing, such as a SELECT. Run other statements first with cc.query.`,
      );
    const last = lastRows(await runSql(transport, sql, { signal, skipFields: [WEBMERCATOR] }));
    return columnsFromRows({ rows: last.rows, fields: choose(last.fields) });
  }
  const fields = choose(described);
  if (fields.length === 0) return { rowCount: 0, columns: [], warnings: [] };
  const onRows = (done: number) => progress.update({ done, unit: "rows" });
  const hasId = described.some(({ name }) => name === "cartodb_id");
  const ordered = isOrdered && hasId && typeof source !== "string" ? tableQuery(source, "cartodb_id") : query;
  const wanted = { query: ordered, fields, estimate };
  const options = { signal, onRows, repeatable };
  try {
    return await fetchColumns(transport, wanted, options);
  } catch (error) {
    if (!(error instanceof SqlError) || !/ is ambiguous$/.test(error.message)) throw error;
    const { warnings, ...aliases } = await aliasesOf(transport, query, fields, signal);
    const columns = await fetchColumns(transport, { ...wanted, aliases }, options);
    return { ...columns, warnings: [...columns.warnings, ...warnings] };
  }
}

function tableQuery({ table, limit }: TableToRead, orderBy?: string): string {
  const order = orderBy === undefined ? "" : ` ORDER BY ${orderBy}`;
  return `SELECT * FROM ${quoted(table)}${order}${limit === undefined ? "" : ` LIMIT ${limit}`}`;
}

/**
 * Returns the rows of the last statement. The SQL API sends the rows of all statements, and describes only the last.
 */
function lastRows({ rows, fields, totalRows }: SqlResult): Pick<SqlResult, "rows" | "fields"> {
  return { fields, rows: fields.length === 0 ? [] : rows.slice(rows.length - totalRows) };
}

/**
 * Makes aliases for the columns of a query in which several have the same name, such as `SELECT *` of a join: `all` in
 * order, and the fields under their aliases. Of several columns with the same name the last is kept, as in CARTO's JSON.
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
  const csv = Buffer.concat(chunks).toString("utf8");
  const failed = ErrorResponse.safeParse(parseJson(csv.slice(csv.indexOf('{"error":')))); // in CSV, " is ""
  if (failed.success) throw new SqlError(failed.data.error.join("\n"), { sql: query });
  const names = csvNames(csv);
  const positions = new Map(names.map((name, position) => [name, position]));
  return {
    all: names.map((_, position) => `c${position}`),
    warnings: fields
      .filter(({ name }) => names.indexOf(name) !== names.lastIndexOf(name))
      .map(
        ({ name }) =>
          `Several columns are named "${name}"; only the last is kept. Rename the others with AS.`,
      ),
    fields: fields.map(({ name, pgtype }) => {
      const position = positions.get(name);
      if (position === undefined) throw new InvalidArgumentError(`Rename the column "${name}" with AS.`);
      return { name: `c${position}`, pgtype };
    }),
  };
}

function csvNames(line: string): string[] {
  const cells = line.replace(/\n$/, "").matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g);
  return Array.from(cells, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}
