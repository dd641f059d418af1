/** What a layer's vector tiles tell of its features, as SQL over the rows `q` of the layer's query. */
import { elementTypeOf, type Field, pgTypeOf } from "../frame/types";
import { type Classes, firstDouble, stepOf } from "./classify";
import type { ShownColumn } from "./row-columns";
import { tileIdent, tileLiteral, timeSql } from "./tile-sql";

/** An attribute of the tiles, see `DetailSource`. */
export interface TileColumn {
  readonly name: string;
  readonly sql: string;
  /** Of numbers that are shown as texts; absent where they have as many digits as they have. */
  readonly format?: string;
}

/** A column whose classes decide the colour or the size. */
export interface ClassColumn extends Field {
  readonly classes: Classes;
}

/** One character more than is shown, which tells that there are more. */
const MAX_CHARACTERS = 1001;
/** What rounds to infinity, and what to zero: PostgreSQL refuses to make doubles of such numerics. */
const ROUNDS_TO_INFINITY = "1.797693134862315807938e308";
const ROUNDS_TO_ZERO = "2.4703282292062327e-324";

/** The classes and values that a layer shows, each as the scene has it. A missing one is NULL. */
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

/** A column of `q`. */
export function columnSql(name: string): string {
  return `q.${tileIdent(name)}`;
}

/** The class that `classify` finds for the value of a row. */
function classSql({ classes, ...field }: ClassColumn): string {
  if (classes.kind !== "categories") {
    const starts = startsOf(classes);
    // counts the starts that are not above the value
    return starts ? `width_bucket(${numberSql(field)}, '{${starts.join(",")}}'::float8[])` : "NULL::int4";
  }
  const { categories, otherCount } = classes;
  if (categories.length === 0) return "NULL::int4";
  const value = categorySql(field, typeof categories[0]!.value);
  const cases = categories.map((category, i) => `WHEN ${constantSql(category.value)} THEN ${i}`);
  const other = otherCount > 0 ? ` ELSE CASE WHEN ${value} IS NOT NULL THEN ${categories.length} END` : "";
  return `CASE ${value} ${cases.join(" ")}${other} END`;
}

/** The smallest value of each class but the first; undefined if there is no class. */
function startsOf(classes: Exclude<Classes, { kind: "categories" }>): number[] | undefined {
  if (classes.kind === "steps") {
    return Array.from({ length: classes.steps - 1 }, (_, i) =>
      firstDouble((value) => stepOf(value, classes) > i),
    );
  }
  const { ranges } = classes;
  if (ranges.length === 0) return undefined;
  // no value lies between the largest one of a class and the break that made it
  return ranges.slice(0, -1).map(({ upper }) => firstDouble((value) => value > upper));
}

function categorySql(field: Field, type: string): string {
  if (type === "number") return numberSql(field);
  // whatever the column's collation takes for equal
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

/** As a double; NaN is missing. */
function numberSql({ name, pgtype }: Field): string {
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

/** As `copySelect` has it read. */
function textSql({ name, pgtype }: Field): string {
  const column = columnSql(name);
  if (pgtype === "bytea") return `'\\x' || encode(${column}, 'hex')`;
  // a cast would take the blanks from its end
  if (pgTypeOf(pgtype) === "bpchar") return `textin(bpcharout(${column}))`;
  if (pgTypeOf(pgtype) === "timestamptz") {
    // only columns with infinite times are texts
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

/** JSON without spaces between its parts, as `JSON.stringify` writes it; a text in JSON is that text. */
function objectSql({ name, pgtype }: Field): string {
  const column = columnSql(name);
  if (elementTypeOf(pgtype) !== null || pgtype.startsWith("_")) return `to_json(${column})::text`;
  if (pgtype === "bytea") return `to_char(length(${column}), 'FM999,999,999,990') || ' bytes'`;
  const json = `${column}::json`;
  return `CASE json_typeof(${json}) WHEN 'string' THEN ${json} #>> '{}' WHEN 'null' THEN NULL ELSE regexp_replace(${column}::text, '("(?:[^"\\\\]|\\\\.)*")|\\s+', '\\1', 'g') END`;
}
