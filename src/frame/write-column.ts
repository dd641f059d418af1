import type { SRID_LNGLAT } from "../geo";
import { ident } from "../sql";

/** PostgreSQL types that frames are written as. */
export type WriteType =
  | "bool"
  | "int4"
  | "int8"
  | "float8"
  | "numeric"
  | "text"
  | "timestamptz"
  | "jsonb"
  | "bytea"
  | "geometry";

/**
 * A column to be written. null, undefined and NaN are NULL. Other values are, by type:
 * bool boolean · int4, float8 number · int8 number or bigint · numeric decimal text · text string ·
 * timestamptz milliseconds since 1970 · jsonb JSON text · bytea bytes · geometry EWKB, bytes or hexadecimal.
 */
export interface ValuesColumn {
  readonly name: string;
  readonly pgtype: WriteType;
  readonly values: ArrayLike<unknown>;
  /** SRID of a geometry column; undefined if its values have several. */
  readonly srid?: number;
  /** True for a geometry column without Z and M. */
  readonly flat?: boolean;
}

/** Points that are made while they are written. A point is NULL if lng or lat is NaN. */
export interface PointsColumn {
  readonly name: string;
  readonly pgtype: "geometry";
  readonly lng: Float64Array;
  readonly lat: Float64Array;
  readonly srid: typeof SRID_LNGLAT;
  readonly flat: true;
}

export type WriteColumn = ValuesColumn | PointsColumn;

const SQL_TYPES = {
  bool: "boolean",
  int4: "integer",
  int8: "bigint",
  float8: "double precision",
  numeric: "numeric",
  text: "text",
  timestamptz: "timestamptz",
  jsonb: "jsonb",
  bytea: "bytea",
  geometry: "geometry",
} as const satisfies Record<WriteType, string>;

/**
 * Returns the column definitions of a CREATE TABLE: `"name" type, …`. A geometry column is `geometry(Geometry, srid)`,
 * or plain `geometry` if its values have Z, M or several SRIDs.
 */
export function createTableColumns(columns: readonly WriteColumn[]): string {
  return columns.map((column) => `${ident(column.name)} ${columnType(column)}`).join(", ");
}

/** Returns the type a column is created with. */
export function columnType({ pgtype, srid, flat }: WriteColumn): string {
  return pgtype === "geometry" && flat && srid !== undefined
    ? `geometry(Geometry,${srid})`
    : SQL_TYPES[pgtype];
}
