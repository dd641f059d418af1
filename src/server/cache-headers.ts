/** What the SQL API tells caches about an answer. */
import { createHash } from "node:crypto";
import { queryText } from "../sql-lexer";
import type { Engine } from "./engine/engine";
import { explainSql, type TableName, tablesPlanned } from "./tables-used";

const YEAR_S = 31_536_000;
/** Where nobody notes the changes of a table, an answer is good for this long, counted on the clock. */
const UNTRACKED_S = 300;
/** Longer statements are not planned once more for the sake of a header. */
const MAX_PLANNED_CHARS = 16_384;

const WRITING = /\b(?:alter|insert|update|delete|create|drop|reindex|truncate|refresh)\b/i;

/**
 * The headers of an answer. A query that only reads is planned once more to know its tables, unless `tables` says them;
 * that is one more turn of the database, and so about a millisecond.
 */
export async function cacheHeaders(
  engine: Engine,
  sql: string,
  tables?: readonly TableName[],
): Promise<Record<string, string>> {
  if (WRITING.test(sql)) return { "Cache-Control": cacheControl(0) };
  const known = await lookUp(engine, sql, tables);
  if (!known) return { "Cache-Control": shortLived() };
  if (known.tables.length === 0) return { "Cache-Control": cacheControl(YEAR_S) };
  const names = [...new Set(known.tables.map(({ schema, name }) => `${schema}.${name}`))].sort();
  const changes = names.map((name) => known.changes.get(name)).filter((change) => change !== undefined);
  const { database } = known;
  return {
    "Cache-Control": changes.length === names.length ? cacheControl(YEAR_S) : shortLived(),
    "X-Cache-Channel": `${database}:${names.map(headerText).join(",")}`,
    "Surrogate-Key": names.map((name) => `t:${shortHash(`${database}:${name}`)}`).join(" "),
    ...(changes.length > 0 && { "Last-Modified": new Date(Math.max(...changes)).toUTCString() }),
  };
}

/** For what may change at any time without anybody noting it, and for failures. */
export function shortLived(): string {
  return cacheControl(UNTRACKED_S - (Math.floor(Date.now() / 1000) % UNTRACKED_S));
}

function cacheControl(seconds: number): string {
  return `no-cache,max-age=${seconds},must-revalidate,public`;
}

interface Known {
  readonly database: string;
  readonly tables: readonly TableName[];
  /** Milliseconds since 1970 by `schema.table`, of the tables whose changes are noted. */
  readonly changes: ReadonlyMap<string, number>;
}

const CHANGES = `
  SELECT current_database(), n.nspname, c.relname, floor(extract(epoch FROM m.updated_at) * 1000)
  FROM (SELECT) AS one
  LEFT JOIN cartodb.cdb_tablemetadata m ON true
  LEFT JOIN pg_catalog.pg_class c ON c.oid = m.tabname
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`;

/** Undefined for a statement that cannot be looked at, because it is wrong, large, or no single query. */
async function lookUp(
  engine: Engine,
  sql: string,
  tables: readonly TableName[] | undefined,
): Promise<Known | undefined> {
  const query = sql.length <= MAX_PLANNED_CHARS ? queryText(sql) : undefined;
  if (!tables && query === undefined) return undefined;
  const statements = tables ? CHANGES : `${explainSql(query!)};${CHANGES}`;
  const answer = await engine.query(statements).catch(() => undefined);
  if (!answer) return undefined;
  const { rows } = answer.statements.at(-1)!;
  return {
    database: rows[0]![0]!,
    tables: tables ?? [...tablesPlanned(answer.statements[0]!)],
    changes: new Map(rows.map(([, schema, name, changed]) => [`${schema}.${name}`, Number(changed)])),
  };
}

/** Percent signs for what no header can carry, and for commas: a name may have any character. */
function headerText(name: string): string {
  return name.replace(/[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu, encodeURIComponent);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64").slice(0, 6);
}
