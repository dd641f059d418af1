import type { DataFrame } from "danfojs-node";
import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { TableNotFoundError } from "../../errors";
import { near } from "../../options";
import { ident, literal, TEMPORARY_TABLE } from "../../sql";
import { readFrame } from "./read";

const NO_TABLES =
  "SELECT NULL::text AS name, NULL::text AS geometry, NULL::int8 AS rows, NULL::int8 AS size, NULL::timestamptz AS updated WHERE false";

/**
 * Reads a frame with one row per table that can be read by its bare name. Tables in other schemas, and those that a
 * `write` is filling, are left out.
 */
export async function readTables(
  transport: Transport,
  options: Parameters<typeof readFrame>[2],
): Promise<DataFrame> {
  const read = async () => readFrame(transport, await tablesQuery(transport, options.signal), options);
  return read().catch((error) => {
    if (!(error instanceof TableNotFoundError)) throw error;
    return read(); // a table was dropped between the two queries
  });
}

/** Maximum time the error for a missing table waits for the names of existing ones, in milliseconds. */
const NAMES_WITHIN_MS = 3_000;

/** Adds the most similar name to the error for a missing table. Returns other errors unchanged. */
export async function withNearTable(
  error: unknown,
  { transport, signal }: { readonly transport: Transport; readonly signal: AbortSignal },
): Promise<unknown> {
  if (!(error instanceof TableNotFoundError) || error.table === undefined) return error;
  const { table, message, cause } = error;
  const tooLong = new AbortController();
  const timer = setTimeout(() => tooLong.abort(), NAMES_WITHIN_MS);
  try {
    const { rows } = await runSql(transport, LIST_SQL, {
      signal: AbortSignal.any([signal, tooLong.signal]),
      whenLimited: "throw",
    });
    const [meant] = near(
      table,
      rows.map(({ name }) => String(name)).filter((name) => name !== table),
    );
    if (meant === undefined) return error;
    const said = `No table is named "${table}".`;
    return new TableNotFoundError(
      message.replace(said, () => `${said} Did you mean "${meant}"?`),
      {
        table,
        cause,
      },
    );
  } catch {
    return error; // without a suggestion
  } finally {
    clearTimeout(timer);
  }
}

/** Builds the query that describes the tables. It counts their rows, so their names have to be known. */
async function tablesQuery(transport: Transport, signal?: AbortSignal): Promise<string> {
  const { rows } = await runSql(transport, LIST_SQL, { signal, repeatable: true });
  const listed = rows.map((row) => oneTable(row as unknown as ListedTable));
  return listed.length === 0 ? NO_TABLES : `${listed.join("\nUNION ALL\n")}\nORDER BY name`;
}

interface ListedTable {
  readonly name: string;
  /** Geometry column: `the_geom`, otherwise the first one. */
  readonly geometry: string | null;
  /** PostgreSQL's estimate of the number of rows. */
  readonly estimate: number;
  /** True if changes are recorded, and this role can read the record. */
  readonly tracked: boolean;
}

/** Tables with more rows are not counted, because that reads all of them. */
const MAX_COUNTED_ROWS = 1_000_000;

/** Lists the tables from PostgreSQL's catalog, because a database may lack CDB_UserTables. */
const LIST_SQL = `SELECT c.relname AS name,
  (SELECT a.attname FROM pg_attribute a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = to_regtype('geometry')
   ORDER BY a.attname = 'the_geom' DESC, a.attnum LIMIT 1) AS geometry,
  c.reltuples::float8 AS estimate,
  coalesce(has_table_privilege(to_regclass('cdb_tablemetadata'), 'SELECT'), false) AS tracked
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cartodb', 'topology', 'tiger', 'observatory')
  AND n.nspname NOT LIKE 'pg\\_temp\\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
  AND c.relname NOT IN ('spatial_ref_sys', 'cdb_tablemetadata', 'cdb_analysis_catalog', 'cdb_conf')
  AND c.relname !~ ${literal(TEMPORARY_TABLE.source)}
  AND has_table_privilege(c.oid, 'SELECT')`;

function oneTable({ name, geometry, estimate, tracked }: ListedTable): string {
  const table = ident(name);
  const kind = geometry
    ? `(SELECT GeometryType(${ident(geometry)}) FROM ${table} WHERE ${ident(geometry)} IS NOT NULL LIMIT 1)`
    : "NULL";
  const count =
    estimate > MAX_COUNTED_ROWS ? `${Math.round(estimate)}::int8` : `(SELECT count(*) FROM ${table})`;
  const updated = tracked
    ? `(SELECT updated_at FROM CDB_TableMetadata WHERE tabname = ${literal(table)}::regclass)`
    : "NULL::timestamptz";
  return `SELECT ${literal(name)}::text AS name, ${kind}::text AS geometry, ${count} AS rows,
  pg_total_relation_size(${literal(table)}::regclass) AS size, ${updated} AS updated`;
}
