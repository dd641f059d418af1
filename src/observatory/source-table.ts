import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { describe } from "../context/read/describe";
import { quoted, tableNamed } from "../context/tables/table-name";
import { InvalidArgumentError } from "../errors";
import type { Field } from "../frame";
import { SRID_LNGLAT } from "../geo";
import { listed } from "../options";
import { ident } from "../sql";

/** A table to augment, or to look up a place with. */
export interface SourceTable {
  readonly label: string;
  /** Quoted name, for SQL. */
  readonly sql: string;
  /** Columns except `the_geom_webmercator`. */
  readonly columns: readonly Field[];
}

const GEOM = "the_geom";
const isGeometry = ({ pgtype }: Field) => pgtype === "geometry";

/** @throws TableNotFoundError if the table does not exist */
export async function sourceTable(
  name: string,
  { transport, signal }: { readonly transport: Transport; readonly signal?: AbortSignal },
): Promise<SourceTable> {
  const table = await tableNamed(name, { transport, signal });
  const sql = quoted(table);
  const columns = await describe(transport, `SELECT * FROM ${sql}`, { signal });
  return { label: table.label, sql, columns: columns ?? [] }; // a SELECT always has columns
}

/**
 * Returns `the_geom`, or else the only geometry column.
 * @throws InvalidArgumentError if the table has no geometry column, or several without `the_geom`
 */
export function geometryColumn({ label, columns }: SourceTable): string {
  const names = columns.filter(isGeometry).map(({ name }) => name);
  if (names.includes(GEOM)) return GEOM;
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw new InvalidArgumentError(
    names.length === 0
      ? `Table "${label}" has no geometry column.`
      : `Table "${label}" has several geometry columns and none is named the_geom: ${listed(names)}. Make a table with one of them: cc.query(sql, { tableName }).`,
  );
}

/** The column by which rows are located, and what it holds. */
export interface How {
  readonly kind: "geometry" | "identifier";
  readonly column: string;
}

/** @throws InvalidArgumentError if the table does not have the column, or without `how`, a geometry column */
export function howOf(source: SourceTable, how: string | undefined): How {
  const { label, columns } = source;
  if (how === undefined) return { kind: "geometry", column: geometryColumn(source) };
  const column = columns.find(({ name }) => name === how);
  if (column === undefined) {
    throw new InvalidArgumentError(
      `\`how\` names column ${JSON.stringify(how)}, which table "${label}" does not have. Its columns are ${listed(columns.map(({ name }) => name))}.`,
    );
  }
  return { kind: isGeometry(column) ? "geometry" : "identifier", column: how };
}

/** SQL expression for the geometries of a column in longitude and latitude. Tables that CARTO created have only those. */
export function lngLatSql(geometry: string, srid: number): string {
  return srid === 0 || srid === SRID_LNGLAT ? geometry : `ST_Transform(${geometry}, ${SRID_LNGLAT})`;
}

/** The contents of a geometry column, counted. */
export interface Geometries {
  readonly points: number;
  readonly areas: number;
  /** Number of lines and multipoints. */
  readonly others: number;
  /** SQL expression for the geometries in longitude and latitude. */
  readonly lngLat: string;
  /** True if `cartodb_id` is unique. In a table that CARTO did not create, it need not be. */
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
  const { points = 0, areas = 0, all = 0, srid = 0, numbered } = (rows[0] ?? {}) as Record<string, number>;
  return {
    points,
    areas,
    others: all - points - areas,
    lngLat: lngLatSql(geometry, srid),
    isNumbered: Boolean(numbered),
  };
}
