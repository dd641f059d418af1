/** Generates SQL for the attributes of a layer's vector tiles, over the rows `q` of the layer's query. */
import { elementTypeOf, type Field, pgTypeOf } from "../frame/types";
import { tileIdent, tileLiteral } from "../sql";
import { type Classes, firstDouble, stepOf } from "./classify";
import type { NumberStyle } from "./number-format";
import type { ShownColumn } from "./row-columns";
import { timeSql } from "./tile-sql";

/** An attribute of vector tiles, see `DetailSource`. */
export interface TileColumn {
  readonly name: string;
  readonly sql: string;
  /** Format of numbers that the page shows as text. @default all digits */
  readonly format?: string;
}

/** A column that colour or size depends on, with its classes. */
export interface ClassColumn extends Field {
  readonly classes: Classes;
  /** How its numbers are written. */
  readonly style: NumberStyle;
  /** True for times that arrived as text, because some are infinite or not in the range of Date. */
  readonly cameAsText?: boolean | undefined;
}

/** One character more than is shown, which marks longer strings. */
const MAX_CHARACTERS = 1001;
/** Numerics that round to infinity or to zero, which PostgreSQL refuses to cast to float8. */
const ROUNDS_TO_INFINITY = "1.797693134862315807938e308";
const ROUNDS_TO_ZERO = "2.4703282292062327e-324";

/** Lists the classes and values that a layer shows, as the scene has them. Missing values are NULL. */
export function tileColumns({
  color,
  size,
  shown,
}: {
  readonly color?: ClassColumn;
  readonly size?: ClassColumn;
  readonly shown: readonly ShownColumn[];
}): TileColumn[] {
  return [
    ...(color ? [{ name: "k", sql: classSql(color) }] : []),
    ...(size ? [{ name: "s", sql: classSql(size) }] : []),
    ...shown.map((column, i) => ({
      name: `c${i}`,
      sql: shownSql(column),
      ...(column.as === "formatted" && column.format !== undefined && { format: column.format }),
    })),
  ];
}

/** Refers to a column of `q`. */
export function columnSql(name: string): string {
  return `q.${tileIdent(name)}`;
}

/** Computes the class that `classify` finds for the value of a row. */
function classSql({ classes, style, cameAsText = false, ...field }: ClassColumn): string {
  const numbers = style === "date" ? millisecondsSql(field, cameAsText) : numberSql(field);
  if (classes.kind !== "categories") {
    const starts = startsOf(classes);
    // counts the starts that are less than or equal to the value
    return starts ? `width_bucket(${numbers}, '{${starts.join(",")}}'::float8[])` : "NULL::int4";
  }
  const { categories, otherCount } = classes;
  const [first] = categories;
  if (first === undefined) return "NULL::int4";
  const value = typeof first.value === "number" ? numbers : categorySql(field, typeof first.value);
  const cases = categories.map((category, i) => `WHEN ${constantSql(category.value)} THEN ${i}`);
  const other = otherCount > 0 ? ` ELSE CASE WHEN ${value} IS NOT NULL THEN ${categories.length} END` : "";
  return `CASE ${value} ${cases.join(" ")}${other} END`;
}

/** Returns the smallest value of each class but the first; undefined if there are no classes. */
function startsOf(classes: Exclude<Classes, { kind: "categories" }>): number[] | undefined {
  if (classes.kind === "steps") {
    return Array.from({ length: classes.steps - 1 }, (_, i) =>
      firstDouble((value) => stepOf(value, classes) > i),
    );
  }
  const { ranges } = classes;
  if (ranges.length === 0) return undefined;
  // the data have no value between the largest one of a class and its break
  return ranges.slice(0, -1).map(({ upper }) => firstDouble((value) => value > upper));
}

function categorySql(field: Field, type: string): string {
  // compares bytes: the column's collation may treat different strings as equal
  return type === "boolean" ? columnSql(field.name) : `(${textSql(field)} COLLATE "C")`;
}

function constantSql(value: string | number | boolean): string {
  if (typeof value === "number") return `'${value}'::float8`;
  return typeof value === "boolean" ? String(value) : tileLiteral(value);
}

function shownSql(column: ShownColumn): string {
  switch (column.as) {
    case "numbers":
    case "formatted":
      return numberSql(column);
    case "times":
      return timesSql(column);
    case "objects":
      return cut(objectSql(column));
    case "texts":
      return cut(textSql(column));
  }
}

const cut = (text: string) => `left(${text}, ${MAX_CHARACTERS})`;

/** Converts to milliseconds since 1970, rounded down. NULL for times that `isoTimeMs` does not read. */
function millisecondsSql({ name, pgtype }: Field, cameAsText: boolean): string {
  const column = columnSql(name);
  const timestamp = utcSql(column, pgtype);
  const ms = `floor(extract(epoch FROM ${timestamp}) * 1000)::float8`;
  const isRead = `isfinite(${column}) AND ${timestamp} >= '0001-01-01' AND ${timestamp} < '10000-01-01'`;
  return cameAsText ? `CASE WHEN ${isRead} THEN ${ms} END` : ms;
}

/** Casts to float8. NaN becomes NULL. */
export function numberSql({ name, pgtype }: Field): string {
  const column = columnSql(name);
  switch (pgTypeOf(pgtype)) {
    case "float8":
      return `nullif(${column}, 'NaN')`;
    case "float4":
      return `nullif(${column}, 'NaN')::float8`;
    case "numeric":
      return `CASE WHEN ${column} = 'NaN' THEN NULL WHEN abs(${column}) >= ${ROUNDS_TO_INFINITY} THEN sign(${column})::float8 * 'Infinity'::float8 WHEN abs(${column}) <= ${ROUNDS_TO_ZERO} THEN 0 ELSE ${column}::float8 END`;
    default:
      return `${column}::float8`;
  }
}

/** Writes a value as `copySelect` does. */
export function textSql({ name, pgtype }: Field): string {
  const column = columnSql(name);
  if (pgtype === "bytea") return `'\\x' || encode(${column}, 'hex')`;
  // a cast would remove trailing blanks
  if (pgTypeOf(pgtype) === "bpchar") return `textin(bpcharout(${column}))`;
  if (pgTypeOf(pgtype) === "timestamptz") {
    // only columns with infinite times arrive as text
    return `CASE WHEN isfinite(${column}) THEN regexp_replace((${utcSql(column, pgtype)})::text, '( BC)?$', '+00\\1') ELSE ${column}::text END`;
  }
  return `${column}::text`;
}

function timesSql({ name, pgtype, format, cameAsText }: ShownColumn & { readonly as: "times" }): string {
  const column = columnSql(name);
  const timestamp = utcSql(column, pgtype);
  const plain = pgTypeOf(pgtype) === "date" ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S";
  const sql = timeSql(timestamp, format) ?? timeSql(timestamp, plain)!;
  if (!cameAsText) return sql;
  const isOurs = `isfinite(${column}) AND ${timestamp} >= '0001-01-01'`;
  return `CASE WHEN ${isOurs} THEN ${sql} ELSE ${textSql({ name, pgtype })} END`;
}

function utcSql(column: string, pgtype: string): string {
  return pgTypeOf(pgtype) === "timestamptz" ? `${column} AT TIME ZONE 'UTC'` : `${column}::timestamp`;
}

/** Writes JSON without spaces between its parts, as `JSON.stringify` does; a JSON string without its quotes. */
function objectSql({ name, pgtype }: Field): string {
  const column = columnSql(name);
  if (elementTypeOf(pgtype) !== null || pgtype.startsWith("_")) return `to_json(${column})::text`;
  if (pgtype === "bytea") return `to_char(length(${column}), 'FM999,999,999,990') || ' bytes'`;
  const json = `${column}::json`;
  return `CASE json_typeof(${json}) WHEN 'string' THEN ${json} #>> '{}' WHEN 'null' THEN NULL ELSE regexp_replace(${column}::text, '("(?:[^"\\\\]|\\\\.)*")|\\s+', '\\1', 'g') END`;
}
