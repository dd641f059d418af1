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
 * What a column of each type becomes. Where values do not fit, the whole column becomes strings with
 * PostgreSQL's own text, and one warning says so:
 *
 * - int8, numeric: if one value is not exact as a double.
 * - date, timestamp, timestamptz: if one value is ±infinity or outside JavaScript's dates. Otherwise
 *   milliseconds since 1970; microseconds are cut, and a timestamp without zone is read as UTC.
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
  /** 1 where the value is NULL; absent where no value is. */
  readonly nulls?: Uint8Array;
}

/** A NULL is NaN here as well as in `nulls`; a NaN that is not in `nulls` is PostgreSQL's NaN. */
export interface NumberColumn extends ColumnHead {
  readonly kind: "number";
  readonly values: Float64Array;
}

export interface DatetimeColumn extends ColumnHead {
  readonly kind: "datetime";
  /** Milliseconds since 1970-01-01T00:00Z, whole; NaN where NULL. */
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

/** Parsed JSON, or arrays: nested as PostgreSQL's dimensions are, NULL elements null, times as Date. */
export interface ObjectColumn extends ColumnHead {
  readonly kind: "object";
  readonly values: readonly unknown[];
}

export interface GeometryColumn extends ColumnHead {
  readonly kind: "geometry";
  /** EWKB in upper case hexadecimal, as CARTO writes it. */
  readonly values: readonly (string | null)[];
}

export type Column =
  | NumberColumn
  | DatetimeColumn
  | StringColumn
  | BooleanColumn
  | ObjectColumn
  | GeometryColumn;

/** A result by columns. Every column has `rowCount` values. */
export interface Columns {
  readonly rowCount: number;
  readonly columns: readonly Column[];
  /** One sentence per column that is not what its type promises. */
  readonly warnings: readonly string[];
}

/** The type as a `PgType`, or null if it is not read in binary. */
export function pgTypeOf(pgtype: string): PgType | null {
  const name = pgtype.toLowerCase();
  return Object.hasOwn(KINDS, name) ? (name as PgType) : null;
}

/** The element type of an array type (`_int4` → `int4`), or null if it is no array read in binary. */
export function elementTypeOf(pgtype: string): PgType | null {
  return pgtype.startsWith("_") ? pgTypeOf(pgtype.slice(1)) : null;
}
