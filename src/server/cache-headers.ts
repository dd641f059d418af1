/** Cache headers of the SQL API's answers. */
import { createHash } from "node:crypto";
import type { Engine } from "./engine/engine";
import type { TableName } from "./tables-used";

const YEAR_S = 31_536_000;
/** Answers about tables whose changes are not tracked stay valid until the next multiple of this time on the clock. */
const UNTRACKED_S = 300;
const WRITING = /\b(?:alter|insert|update|delete|create|drop|reindex|truncate|refresh)\b/i;

/**
 * Returns the headers of an answer that depends on `tables`. If the tables are unknown, because finding them takes
 * another turn of the database, the answer is treated as one that may change at any time.
 */
export async function cacheHeaders(
  engine: Engine,
  sql: string,
  tables: readonly TableName[] | undefined,
): Promise<Record<string, string>> {
  if (WRITING.test(sql)) return { "Cache-Control": cacheControl(0) };
  // The lookup would install CARTO's functions in a user's database.
  if (!tables || (await engine.info()).kind !== "pglite") return { "Cache-Control": shortLived() };
  if (tables.length === 0) return { "Cache-Control": cacheControl(YEAR_S) };
  const { isTracked, headers } = await tableChanges(engine, tables);
  return { "Cache-Control": isTracked ? cacheControl(YEAR_S) : shortLived(), ...headers };
}

export interface TableChanges {
  /** True if changes of all the tables are tracked. */
  readonly isTracked: boolean;
  /** Time of the last change of any of them, in milliseconds since 1970; 0 if unknown. */
  readonly changedAt: number;
  /** Cache headers for an answer that depends on them. */
  readonly headers: Record<string, string>;
}

/** Looks up the last changes of tables. */
export async function tableChanges(engine: Engine, tables: readonly TableName[]): Promise<TableChanges> {
  if ((await engine.info()).kind !== "pglite") return { isTracked: false, changedAt: 0, headers: {} };
  const { database, changes: known } = await lastChanges(engine);
  const names = tables.map(({ schema, name }) => `${schema}.${name}`).sort();
  const changes = names.map((name) => known.get(name)).filter((change) => change !== undefined);
  const changedAt = Math.max(0, ...changes);
  return {
    isTracked: changes.length === names.length,
    changedAt,
    headers: {
      "X-Cache-Channel": `${database}:${names.map(headerText).join(",")}`,
      "Surrogate-Key": names.map((name) => `t:${shortHash(`${database}:${name}`)}`).join(" "),
      ...(changes.length > 0 && { "Last-Modified": new Date(changedAt).toUTCString() }),
    },
  };
}

/** Returns the Cache-Control of errors, and of answers about tables whose changes are not tracked. */
export function shortLived(): string {
  return cacheControl(UNTRACKED_S - (Math.floor(Date.now() / 1000) % UNTRACKED_S));
}

function cacheControl(seconds: number): string {
  return `no-cache,max-age=${seconds},must-revalidate,public`;
}

/**
 * Reads the name of the database and, by `schema.table`, the last change of each tracked table in milliseconds since
 * 1970.
 */
async function lastChanges(
  engine: Engine,
): Promise<{ database: string; changes: ReadonlyMap<string, number> }> {
  const { statements } = await engine.query(`
    SELECT current_database();
    SELECT n.nspname, c.relname, floor(extract(epoch FROM m.updated_at) * 1000)
    FROM cartodb.cdb_tablemetadata m
    JOIN pg_catalog.pg_class c ON c.oid = m.tabname
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`);
  const [database, changes] = statements.map(({ rows }) => rows);
  return {
    database: database![0]![0]!,
    changes: new Map(changes!.map(([schema, name, changed]) => [`${schema}.${name}`, Number(changed)])),
  };
}

/** Percent-encodes commas and characters that headers cannot hold. */
function headerText(name: string): string {
  return name.replace(/[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu, encodeURIComponent);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64").slice(0, 6);
}
