import type { DataFrame } from "danfojs-node";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { TableNotFoundError } from "../errors";
import { ident, literal } from "../sql";
import { readFrame } from "./read";

const NO_TABLES =
  "SELECT NULL::text AS name, NULL::text AS geometry, NULL::int8 AS rows, NULL::int8 AS size, NULL::timestamptz AS updated WHERE false";

/**
 * A frame with one row per table that can be read by its bare name: those of other schemas and those that a
 * `write` is filling now are left out.
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

/** A query that lists the user's tables; its rows are counted, so it is built from the names there are now. */
async function tablesQuery(transport: Transport, signal?: AbortSignal): Promise<string> {
  const { rows } = await runSql(
    transport,
    `SELECT DISTINCT t AS name, EXISTS (
       SELECT FROM pg_attribute
       WHERE attrelid = to_regclass(quote_ident(t)) AND attname = 'the_geom' AND atttypid = to_regtype('geometry')
     ) AS spatial
     FROM CDB_UserTables() AS t
     WHERE to_regclass(quote_ident(t)) IS NOT NULL AND t !~ '^cartoframes_tmp_[0-9a-f]{16}$'`,
    { signal, repeatable: true },
  );
  const listed = rows.map(({ name, spatial }) => oneTable(String(name), spatial === true));
  return listed.length === 0 ? NO_TABLES : `${listed.join("\nUNION ALL\n")}\nORDER BY name`;
}

function oneTable(name: string, spatial: boolean): string {
  const table = ident(name);
  const geometry = spatial
    ? `(SELECT GeometryType(the_geom) FROM ${table} WHERE the_geom IS NOT NULL LIMIT 1)`
    : "NULL";
  return `SELECT ${literal(name)}::text AS name, ${geometry}::text AS geometry,
  (SELECT count(*) FROM ${table}) AS rows, pg_total_relation_size(${literal(table)}::regclass) AS size,
  (SELECT updated_at FROM CDB_TableMetadata WHERE tabname = ${literal(table)}::regclass) AS updated`;
}
