import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { describe } from "../context/read/describe";
import { quoted, tableNamed } from "../context/tables/table-name";
import { InvalidArgumentError } from "../errors";
import type { Field } from "../frame";
import { SRID_LNGLAT } from "../geo";
import { listed } from "../options";
import { ident } from "../sql";

/** A table that the observatory is asked about. */
export interface SourceTable {
  readonly label: string;
  /** Its name in SQL. */
  readonly sql: string;
  /** Without `the_geom_webmercator`. */
  readonly columns: readonly Field[];
}

const GEOM = "the_geom";
const isGeometry = ({ pgtype }: Field) => pgtype === "geometry";

/** @throws TableNotFoundError if there is no such table */
export async function sourceTable(
  name: string,
  { transport, signal }: { readonly transport: Transport; readonly signal?: AbortSignal },
): Promise<SourceTable> {
  const table = await tableNamed(name, { transport, signal });
  const sql = quoted(table);
  const columns = await describe(transport, `SELECT * FROM ${sql}`, { signal });
  return { label: table.label, sql, columns: columns! }; // a SELECT can stand in a subquery
}

/**
 * The column of that name, or `the_geom`, else the only geometry column.
 * @throws InvalidArgumentError if there is none
 */
export function geometryColumn({ label, columns }: SourceTable): string {
  const names = columns.filter(isGeometry).map(({ name }) => name);
  if (names.includes(GEOM)) return GEOM;
  if (names.length === 1) return names[0]!;
  throw new InvalidArgumentError(
    names.length === 0
      ? `Table "${label}" has no geometry column.`
      : `Table "${label}" has several geometry columns, none of them the_geom: ${listed(names)}. Make a table with one of them: cc.query(sql, { tableName }).`,
  );
}

/** By what the rows of a table are found in the observatory. */
export interface How {
  readonly kind: "geometry" | "identifier";
  readonly column: string;
}

/** @throws InvalidArgumentError if the table has no such column, or by default no geometry */
export function howOf(source: SourceTable, how: string | undefined): How {
  const { label, columns } = source;
  if (how === undefined) return { kind: "geometry", column: geometryColumn(source) };
  const column = columns.find(({ name }) => name === how);
  if (column === undefined) {
    throw new InvalidArgumentError(
      `Table "${label}" has no column ${JSON.stringify(how)} to find its rows by. It has ${listed(columns.map(({ name }) => name))}.`,
    );
  }
  return { kind: isGeometry(column) ? "geometry" : "identifier", column: how };
}

/** The geometries of a column in longitude and latitude, in SQL. CARTO's own tables have no others. */
export function lngLatSql(geometry: string, srid: number): string {
  return srid === 0 || srid === SRID_LNGLAT ? geometry : `ST_Transform(${geometry}, ${SRID_LNGLAT})`;
}

/** What a column of geometries holds, and whether its rows can be told apart. */
export interface Geometries {
  readonly points: number;
  readonly areas: number;
  /** Lines, and points that are several in one value. */
  readonly others: number;
  /** In longitude and latitude, in SQL. */
  readonly lngLat: string;
  /** Whether `cartodb_id` numbers the rows, as a key does. In a table that CARTO has not made it need not. */
  readonly isNumbered: boolean;
}

const INTEGERS = new Set(["int2", "int4", "int8"]);

export async function geometriesOf(
  { sql, columns }: SourceTable,
  column: string,
  { transport, signal }: { readonly transport: Transport; readonly signal?: AbortSignal },
): Promise<Geometries> {
  const geometry = ident(column);
  const hasNumber = columns.some(({ name, pgtype }) => name === "cartodb_id" && INTEGERS.has(pgtype));
  // OBS_GetData returns them as int4.
  const isNumbered =
    "count(DISTINCT cartodb_id) = count(*) AND coalesce(max(abs(cartodb_id::numeric)) < 2147483648, true)";
  const { rows } = await runSql(
    transport,
    `SELECT count(*) FILTER (WHERE GeometryType(${geometry}) = 'POINT')::int AS points,
  count(*) FILTER (WHERE ST_Dimension(${geometry}) = 2)::int AS areas, count(${geometry})::int AS all,
  coalesce(max(ST_SRID(${geometry})), 0)::int AS srid, ${hasNumber ? isNumbered : "false"} AS numbered FROM ${sql}`,
    { signal, repeatable: true },
  );
  const { points, areas, all, srid, numbered } = rows[0] as Record<string, number>;
  return {
    points: points!,
    areas: areas!,
    others: all! - points! - areas!,
    lngLat: lngLatSql(geometry, srid!),
    isNumbered: Boolean(numbered),
  };
}
