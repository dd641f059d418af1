/** A column of a result as the SQL API describes it. */
export interface Field {
  readonly name: string;
  /**
   * PostgreSQL's internal type name (`int4`, `timestamptz`, `_int4` for an array), as the SQL API gives it;
   * upper case is tolerated (CARTO writes `JSON`). For geometry and geography, which have no `pgtype`, their
   * type; `unknown` where the server does not know the type (enums, extensions).
   */
  readonly pgtype: string;
}

/** PostgreSQL types that are read in binary. Every other type is read as text, see `copySelect`. */
export type PgType =
  | "bool"
  | "int2"
  | "int4"
  | "int8"
  | "float4"
  | "float8"
  | "numeric"
  | "text"
  | "varchar"
  | "bpchar"
  | "name"
  | "date"
  | "timestamp"
  | "timestamptz"
  | "json"
  | "jsonb"
  | "geometry"
  | "geography";

export type ColumnKind = "number" | "string" | "boolean" | "datetime" | "object" | "geometry";

/**
 * Kind of column by type. If one value does not fit, the whole column becomes strings with PostgreSQL's own text, with
 * a warning:
 *
 * - int8, numeric: if one value cannot be held exactly by a double.
 * - date, timestamp, timestamptz: if one value is ±infinity or outside JavaScript's dates. Otherwise
 *   they are milliseconds since 1970, without microseconds. A timestamp without zone is read as UTC.
 *
 * float4 keeps its exact value: 0.1 arrives as 0.10000000149011612.
 */
export const KINDS = {
  bool: "boolean",
  int2: "number",
  int4: "number",
  int8: "number",
  float4: "number",
  float8: "number",
  numeric: "number",
  text: "string",
  varchar: "string",
  bpchar: "string",
  name: "string",
  date: "datetime",
  timestamp: "datetime",
  timestamptz: "datetime",
  json: "object",
  jsonb: "object",
  geometry: "geometry",
  geography: "geometry",
} as const satisfies Record<PgType, ColumnKind>;

interface ColumnHead extends Field {
  /** 1 for each row that is NULL; absent if no row is. */
  readonly nulls?: Uint8Array;
}

/** NULL is NaN in `values` and marked in `nulls`; a NaN without a mark is PostgreSQL's NaN. */
export interface NumberColumn extends ColumnHead {
  readonly kind: "number";
  readonly values: Float64Array;
}

interface DatetimeColumn extends ColumnHead {
  readonly kind: "datetime";
  /** Whole milliseconds since 1970-01-01T00:00Z; NaN for NULL. */
  readonly values: Float64Array;
}

export interface StringColumn extends ColumnHead {
  readonly kind: "string";
  readonly values: readonly (string | null)[];
}

export interface BooleanColumn extends ColumnHead {
  readonly kind: "boolean";
  readonly values: readonly (boolean | null)[];
}

/** Parsed JSON, or arrays nested like PostgreSQL's dimensions, with null for NULL and Date for times. */
interface ObjectColumn extends ColumnHead {
  readonly kind: "object";
  readonly values: readonly unknown[];
}

export interface GeometryColumn extends ColumnHead {
  readonly kind: "geometry";
  /** EWKB in upper-case hexadecimal, as CARTO writes it. */
  readonly values: readonly (string | null)[];
}

export type Column =
  | NumberColumn
  | DatetimeColumn
  | StringColumn
  | BooleanColumn
  | ObjectColumn
  | GeometryColumn;

/** A result as columns. Every column has `rowCount` values. */
export interface Columns {
  readonly rowCount: number;
  readonly columns: readonly Column[];
  /** One sentence for each column that was read as text because a value did not fit its type. */
  readonly warnings: readonly string[];
}

/** Returns the type as a `PgType`, or null if it is not read in binary. */
export function pgTypeOf(pgtype: string): PgType | null {
  const name = pgtype.toLowerCase();
  return Object.hasOwn(KINDS, name) ? (name as PgType) : null;
}

/** Returns the element type of an array type (`_int4` → `int4`), or null if it is not an array that is read in binary. */
export function elementTypeOf(pgtype: string): PgType | null {
  return pgtype.startsWith("_") ? pgTypeOf(pgtype.slice(1)) : null;
}
