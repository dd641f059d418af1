/** What the SQL API tells caches about an answer. */
import { createHash } from "node:crypto";
import { literal } from "../sql";
import { scanStatements } from "../sql-lexer";
import type { Engine } from "./engine/engine";
import type { TableName } from "./tables-used";

const YEAR_S = 31_536_000;
/** Where nobody notes the changes of a table, an answer is good for this long, counted on the clock. */
const UNTRACKED_S = 300;
/** Longer statements are not planned once more for the sake of a header. */
export const MAX_PLANNED_CHARS = 16_384;

const WRITING = /\b(?:alter|insert|update|delete|create|drop|reindex|truncate|refresh)\b/i;

/** Whether CARTO takes the text for one that changes something. */
export function mayWrite(sql: string): boolean {
  return WRITING.test(sql);
}

/** Whether looking up the tables of a statement is worth it: one that only reads, and is not huge. */
export function isCacheable(sql: string): boolean {
  return !mayWrite(sql) && sql.length <= MAX_PLANNED_CHARS && scanStatements(sql).length === 1;
}

/** The headers of an answer that depends on these tables; undefined are tables that nobody looked up. */
export async function cacheHeaders(
  engine: Engine,
  sql: string,
  tables: readonly TableName[] | undefined,
): Promise<Record<string, string>> {
  if (mayWrite(sql)) return { "Cache-Control": cacheControl(0) };
  if (!tables) return { "Cache-Control": cacheControl(secondsToNextWindow()) };
  if (tables.length === 0) return { "Cache-Control": cacheControl(YEAR_S) };
  const { database, updated } = await lastChanges(engine, tables);
  const isTracked = updated.length === tables.length;
  const names = tables.map(({ schema, name }) => `${schema}.${name}`);
  return {
    "Cache-Control": cacheControl(isTracked ? YEAR_S : secondsToNextWindow()),
    // Percent signs for what no header can carry: a name may have any character.
    "X-Cache-Channel": `${database}:${names.map(headerText).join(",")}`,
    "Surrogate-Key": names.map((name) => `t:${shortHash(`${database}:${name}`)}`).join(" "),
    ...(updated.length > 0 && { "Last-Modified": new Date(Math.max(...updated)).toUTCString() }),
  };
}

export function cacheControl(seconds: number): string {
  return `no-cache,max-age=${seconds},must-revalidate,public`;
}

export function secondsToNextWindow(): number {
  return UNTRACKED_S - (Math.floor(Date.now() / 1000) % UNTRACKED_S);
}

async function lastChanges(
  engine: Engine,
  tables: readonly TableName[],
): Promise<{ database: string; updated: number[] }> {
  const names = tables.map(({ schema, name }) => `(${literal(schema)}, ${literal(name)})`).join(", ");
  const { statements } = await engine.query(
    `SELECT current_database(), (
       SELECT array_to_string(array_agg(floor(extract(epoch FROM m.updated_at) * 1000)), ' ')
       FROM cartodb.cdb_tablemetadata m
       JOIN pg_catalog.pg_class c ON c.oid = m.tabname
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE (n.nspname, c.relname) IN (${names})
     )`,
  );
  const [database, updated] = statements[0]!.rows[0]!;
  return { database: database!, updated: updated ? updated.split(" ").map(Number) : [] };
}

function headerText(name: string): string {
  return name.replace(/[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu, encodeURIComponent);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64").slice(0, 6);
}
