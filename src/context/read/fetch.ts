import { copyTo } from "../../api/copy";
import { failureOf } from "../../api/retry";
import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { RateLimitError, ServerError, SqlError, TimeoutError } from "../../errors";
import { type Columns, columnsFromRows, copySelect, decodeCopy, type Field, jsonSelect } from "../../frame";
import { written } from "./describe";

/** A query and what is known of it. */
export interface Source {
  readonly query: string;
  readonly fields: readonly Field[];
  /** Other names for all of its columns, and of these the ones of `fields`, where several have one name. */
  readonly aliases?: { readonly all: readonly string[]; readonly fields: readonly Field[] };
  /** How many rows an account expects; see `estimateRows`. */
  readonly estimate?: Promise<number | undefined>;
}

export interface FetchOptions {
  readonly signal?: AbortSignal;
  readonly onRows?: (rows: number) => void;
  /** Set where the query changes nothing: it is run again when the connection breaks. */
  readonly repeatable?: boolean;
}

/** Up to here an account is not asked for one of its few COPYs: JSON costs about the same. */
const SMALL_ROWS = 10_000;
/** Up to here JSON is better than waiting for the next COPY; beyond, it takes much memory. */
const JSON_ROWS = 100_000;
const COPY_ATTEMPTS = 2;

/**
 * The rows of a query, each in one statement, so that they belong to one moment. The local server gives them by
 * binary COPY. An account allows few COPYs, one a minute on small plans: small results, and those that meet that
 * limit, come as JSON, with the types that JSON spoils as text; the columns are the same.
 */
export async function fetchColumns(
  transport: Transport,
  source: Source,
  options: FetchOptions = {},
): Promise<Columns> {
  const copy = (whenLimited?: "throw") => byCopy(transport, source, { ...options, whenLimited });
  const json = (limit?: number) => byJson(transport, source, options, limit);
  if (transport.kind === "local") return (await copy()) ?? (await json())!;
  const rows = (await source.estimate) ?? 0;
  const small = rows <= SMALL_ROWS && (await json(SMALL_ROWS));
  if (small) return small;
  try {
    return (await copy("throw")) ?? (await json())!;
  } catch (error) {
    if (!(error instanceof RateLimitError)) throw error;
    const medium = rows <= JSON_ROWS && (await json(JSON_ROWS));
    return medium || (await copy()) || (await json())!;
  }
}

/** How many rows PostgreSQL expects of a query, without running it; undefined if the server does not say. */
export async function estimateRows(
  transport: Transport,
  query: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  if (transport.kind === "local") return undefined; // it makes no difference there
  try {
    const { rows } = await runSql(transport, `EXPLAIN ${query}`, { signal, repeatable: true });
    const estimate = /\brows=(\d+)/.exec(String(Object.values(rows[0] ?? {})[0]))?.[1];
    return estimate === undefined ? undefined : Number(estimate);
  } catch {
    return undefined; // what is wrong shows where it matters
  }
}

/** Undefined if there are more rows than `limit`, or the statement is stopped because it takes too long. */
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
    return undefined; // COPY may take hours where a query may take seconds
  }
}

/** Undefined if the server has no binary COPY. */
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

/** What a query is called in the statement around it. */
function nameOf(aliases: Source["aliases"]): string {
  return aliases ? `_q (${aliases.all.join(", ")})` : "_q";
}

/** Whether a server refuses COPY itself, be it that it does not know the address or the format. */
function lacksCopy(error: unknown): boolean {
  if (error instanceof ServerError) return [400, 404, 405, 410, 501].includes(error.status ?? 0);
  return error instanceof SqlError && /\b(copy|binary|format)\b/i.test(error.message);
}
