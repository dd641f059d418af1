import { failureOf } from "../../api/retry";
import { copyTo, runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { RateLimitError, ServerError, SqlError, TimeoutError } from "../../errors";
import { type Columns, columnsFromRows, copySelect, decodeCopy, type Field, jsonSelect } from "../../frame";
import { written } from "./describe";

/** A query with its description. */
export interface Source {
  readonly query: string;
  readonly fields: readonly Field[];
  /** Aliases for all columns, and for those in `fields`, if several columns have the same name. */
  readonly aliases?: { readonly all: readonly string[]; readonly fields: readonly Field[] };
  /** Estimated number of rows; see `estimateRows`. */
  readonly estimate?: Promise<number | undefined>;
}

export interface FetchOptions {
  readonly signal?: AbortSignal;
  readonly onRows?: (rows: number) => void;
  /** Set for a query that changes nothing. It runs again when the connection breaks. */
  readonly repeatable?: boolean;
}

/**
 * Results of up to this many rows are fetched from an account as JSON, which costs about the same as one of its few
 * COPYs.
 */
const SMALL_ROWS = 10_000;
/**
 * Results of up to this many rows are fetched as JSON when the limit of COPYs is reached. Larger ones would take too
 * much memory.
 */
const JSON_ROWS = 100_000;
const COPY_ATTEMPTS = 2;

/**
 * Fetches the rows of a query in one statement, so that all of them show the same state. The local server is asked for
 * a binary COPY. An account allows few COPYs, one per minute on small plans, so small results, and those that exceed
 * this limit, are fetched as JSON. Types that JSON would damage travel as text; the columns are the same.
 */
export async function fetchColumns(
  transport: Transport,
  source: Source,
  options: FetchOptions = {},
): Promise<Columns> {
  const copy = (whenLimited?: "throw") => byCopy(transport, source, { ...options, whenLimited });
  const json = () => byJson(transport, source, options);
  const jsonUpTo = (limit: number) => byJson(transport, source, options, limit);
  if (transport.kind === "local") return (await copy()) ?? json();
  const rows = (await source.estimate) ?? 0;
  const small = rows <= SMALL_ROWS && (await jsonUpTo(SMALL_ROWS));
  if (small) return small;
  try {
    return (await copy("throw")) ?? (await json());
  } catch (error) {
    if (!(error instanceof RateLimitError)) throw error;
    const medium = rows <= JSON_ROWS && (await jsonUpTo(JSON_ROWS));
    return medium || (await copy()) || json();
  }
}

/**
 * Returns PostgreSQL's estimate of the number of rows, without running the query; undefined if the server gives none.
 */
export async function estimateRows(
  transport: Transport,
  query: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  try {
    if (transport.kind === "local") return undefined; // not needed there
    const { rows } = await runSql(transport, `EXPLAIN ${query}`, { signal, repeatable: true });
    const estimate = /\brows=(\d+)/.exec(String(Object.values(rows[0] ?? {})[0]))?.[1];
    return estimate === undefined ? undefined : Number(estimate);
  } catch {
    return undefined; // the query itself will show the error
  }
}

/** Fetches rows as JSON. Returns undefined if there are more than `limit`, or the statement reaches its time limit. */
function byJson(transport: Transport, source: Source, options: FetchOptions): Promise<Columns>;
function byJson(
  transport: Transport,
  source: Source,
  options: FetchOptions,
  limit: number,
): Promise<Columns | undefined>;
async function byJson(
  transport: Transport,
  { query, fields, aliases }: Source,
  { signal, onRows, repeatable }: FetchOptions,
  limit?: number,
): Promise<Columns | undefined> {
  const before = `SELECT ${jsonSelect(aliases?.fields ?? fields)} FROM (\n`;
  const sql = `${before}${query}\n) AS ${nameOf(aliases)}${limit === undefined ? "" : ` LIMIT ${limit + 1}`}`;
  try {
    const { rows } = await runSql(transport, sql, { signal, repeatable, written: written(query, before) });
    if (limit !== undefined && rows.length > limit) return undefined;
    onRows?.(rows.length);
    return columnsFromRows({ rows, fields, keys: aliases?.fields.map(({ name }) => name) });
  } catch (error) {
    if (limit === undefined || !(error instanceof TimeoutError)) throw error;
    return undefined; // COPY has a time limit of hours, a query one of seconds
  }
}

/** Fetches rows by binary COPY. Returns undefined if the server does not support it. */
async function byCopy(
  transport: Transport,
  { query, fields, aliases }: Source,
  { signal, onRows, repeatable, whenLimited }: FetchOptions & { readonly whenLimited?: "throw" },
): Promise<Columns | undefined> {
  const before = `COPY (SELECT ${copySelect(aliases?.fields ?? fields)} FROM (\n`;
  const sql = `${before}${query}\n) AS ${nameOf(aliases)}) TO STDOUT WITH (FORMAT binary)`;
  const options = { signal, repeatable, whenLimited, written: written(query, before) };
  for (let attempt = 1; ; attempt++) {
    let bytes: AsyncIterable<Uint8Array>;
    try {
      bytes = await copyTo(transport, sql, options);
    } catch (error) {
      if (lacksCopy(error)) return undefined;
      throw error;
    }
    try {
      return await decodeCopy(bytes, fields, { signal, onRows, sql: query });
    } catch (error) {
      const isBroken = failureOf(error)?.kind === "connection";
      if (!isBroken || !repeatable || attempt >= COPY_ATTEMPTS) throw error;
    }
  }
}

/** Returns the alias of the query in the statement around it. */
function nameOf(aliases: Source["aliases"]): string {
  return aliases ? `_q (${aliases.all.join(", ")})` : "_q";
}

/** True if the server does not support COPY: it does not know the path or the format. */
function lacksCopy(error: unknown): boolean {
  if (error instanceof ServerError) return [400, 404, 405, 410, 501].includes(error.status ?? 0);
  return error instanceof SqlError && /\b(copy|binary|format)\b/i.test(error.message);
}
