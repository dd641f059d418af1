import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { ident, literal } from "../sql";

const NO_TABLES =
  "SELECT NULL::text AS name, NULL::text AS geometry, NULL::int8 AS rows, NULL::int8 AS size, NULL::timestamptz AS updated WHERE false";

/** A query that lists the user's tables; its rows are counted, so it is built from the names there are now. */
export async function tablesQuery(transport: Transport, signal?: AbortSignal): Promise<string> {
  const { rows } = await runSql(
    transport,
    `SELECT t AS name, EXISTS (
       SELECT FROM pg_attribute WHERE attrelid = quote_ident(t)::regclass AND attname = 'the_geom'
     ) AS spatial FROM CDB_UserTables() AS t`,
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
