/** What the SQL API tells caches about an answer. */
import { createHash } from "node:crypto";
import type { Engine } from "./engine/engine";
import type { TableName } from "./tables-used";

const YEAR_S = 31_536_000;
/** Where nobody notes the changes of a table, an answer is good for this long, counted on the clock. */
const UNTRACKED_S = 300;
const WRITING = /\b(?:alter|insert|update|delete|create|drop|reindex|truncate|refresh)\b/i;

/**
 * The headers of an answer that depends on these tables. Without them, for they take one more turn of the database to
 * find, nothing is said about a query but that it may change.
 */
export async function cacheHeaders(
  engine: Engine,
  sql: string,
  tables: readonly TableName[] | undefined,
): Promise<Record<string, string>> {
  if (WRITING.test(sql)) return { "Cache-Control": cacheControl(0) };
  // A user's database may not have our functions, and would get them for being asked.
  if (!tables || (await engine.info()).kind !== "pglite") return { "Cache-Control": shortLived() };
  if (tables.length === 0) return { "Cache-Control": cacheControl(YEAR_S) };
  const { isTracked, headers } = await tableChanges(engine, tables);
  return { "Cache-Control": isTracked ? cacheControl(YEAR_S) : shortLived(), ...headers };
}

export interface TableChanges {
  /** Whether the changes of all the tables are noted. */
  readonly isTracked: boolean;
  /** When one of them last changed, in milliseconds since 1970; 0 where nobody knows. */
  readonly changedAt: number;
  /** What caches are told about them. */
  readonly headers: Record<string, string>;
}

/** What is known of the last changes of tables. */
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

/** For what may change at any time without anybody noting it, and for failures. */
export function shortLived(): string {
  return cacheControl(UNTRACKED_S - (Math.floor(Date.now() / 1000) % UNTRACKED_S));
}

function cacheControl(seconds: number): string {
  return `no-cache,max-age=${seconds},must-revalidate,public`;
}

/** The name of the database, and milliseconds since 1970 by `schema.table` of the tables whose changes are noted. */
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

/** Percent signs for what no header can carry, and for commas: a name may have any character. */
function headerText(name: string): string {
  return name.replace(/[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu, encodeURIComponent);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64").slice(0, 6);
}
