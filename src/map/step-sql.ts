/**
 * Generates SQL for the steps of widgets' columns, over the rows `q` of a layer's query: the same steps that the scene has, with
 * ends compared as `filterSql` compares them.
 */
import { type Field, pgTypeOf } from "../frame/types";
import { endText } from "../render/explore/filter-sql";
import type { CategoryColumn, RangeColumn, StepColumn } from "../render/scene";
import { tileLiteral } from "../sql";
import { columnSql, numberSql, textSql } from "./tile-columns";

/** With more categories than this, a lookup is faster than one comparison after the other. */
const MOST_CASES = 20;

/** Returns the step of a row, an int4; NULL for missing values, and for those that no step holds. */
export function stepSql(column: StepColumn, field: Field): string {
  return column.kind === "range" ? rangeSql(column, field) : categorySql(column, field);
}

function rangeSql(column: RangeColumn, field: Field): string {
  const { value, type, inArray = value } = comparable(field, column);
  const ends = endsOf(column);
  const array = arraySql(ends, column.isTime ? type : "float8");
  const end = (text = "") => `${tileLiteral(text)}::${type}`;
  // NaN is larger than all numbers; the last step includes its end
  return `CASE WHEN ${value} >= ${end(ends[0])} AND ${value} <= ${end(ends.at(-1))} THEN least(width_bucket(${inArray}, ${array}), ${ends.length - 1}) END`;
}

/** A filter by a range of steps, which compares values with the ends of the range: that is faster than to compute steps. */
interface RangeFilter {
  /** The values, as a column of the rows `q`. */
  readonly value: string;
  /** Condition for the rows between two steps. @param name of the column with the values */
  readonly between: (name: string, from: string, to: string) => string;
}

export function rangeFilter(column: RangeColumn, field: Field): RangeFilter {
  const { value, type } = comparable(field, column);
  const ends = endsOf(column);
  const array = `(${arraySql(ends, type)})`;
  const last = ends.length - 1;
  return {
    value,
    between: (name, from, to) =>
      `${name} >= ${array}[${from}] AND (${name} < ${array}[${to} + 1] OR ${to} = ${last} AND ${name} <= ${array}[${last + 1}])`,
  };
}

const endsOf = ({ edges, isTime }: RangeColumn): string[] =>
  edges.map((edge) => (isTime ? endText(new Date(edge).toISOString()) : String(edge)));

const arraySql = (texts: readonly string[], type: string): string =>
  `${tileLiteral(`{${texts.map((text) => JSON.stringify(text)).join(",")}}`)}::${type}[]`;

interface Comparable {
  readonly value: string;
  readonly type: string;
  /** The value between the ends, as it is looked up. @default value */
  readonly inArray?: string;
}

/** Returns a column as it is compared with the ends of a range. Numbers are looked up as doubles: PostgreSQL is slow with others. */
function comparable(
  { name, pgtype }: Field,
  { isTime, isText }: Pick<RangeColumn, "isTime" | "isText">,
): Comparable {
  const column = columnSql(name);
  if (isText) return { value: `NULLIF(${column}, '')::timestamptz`, type: "timestamptz" };
  const type = pgTypeOf(pgtype);
  if (isTime && type) return { value: column, type };
  if (type !== "numeric") return { value: `${column}::float8`, type: "float8" };
  // a cast of the smallest ones fails
  const inArray = `CASE WHEN abs(${column}) < 1e-300 THEN 0 ELSE ${column}::float8 END`;
  return { value: column, type, inArray };
}

function categorySql({ texts, type }: CategoryColumn, field: Field): string {
  const other = texts.length + 1;
  if (type === "boolean") {
    const column = columnSql(field.name);
    const stepOf = (text: string) => texts.indexOf(text) + 1 || other;
    return `CASE WHEN ${column} THEN ${stepOf("true")} WHEN NOT ${column} THEN ${stepOf("false")} END`;
  }
  if (type === "text" && texts.length <= MOST_CASES) {
    const text = textSql(field);
    const cases = texts.map((one, i) => `WHEN ${tileLiteral(one)} THEN ${i + 1}`);
    if (cases.length === 0) return `CASE WHEN ${text} IS NOT NULL THEN ${other} END`;
    return `CASE (${text}) COLLATE "C" ${cases.join(" ")} ELSE CASE WHEN ${text} IS NOT NULL THEN ${other} END END`;
  }
  if (type === "text") {
    // a lookup in an object takes ten comparisons for a thousand categories, a CASE five hundred
    const steps = Object.fromEntries(texts.map((text, i) => [text, i + 1]));
    const text = textSql(field);
    return `CASE WHEN ${text} IS NOT NULL THEN coalesce((${tileLiteral(JSON.stringify(steps))}::jsonb ->> (${text}))::int4, ${other}) END`;
  }
  const value = numberSql(field);
  const sorted = texts.map((text, i) => [Number(text), i + 1] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const numbers = `'{${sorted.map(([number]) => number).join(",")}}'::float8[]`;
  const steps = `'{${sorted.map(([, step]) => step).join(",")}}'::int4[]`;
  const at = `width_bucket(${value}, ${numbers})`;
  return `CASE WHEN (${numbers})[${at}] = ${value} THEN (${steps})[${at}] WHEN ${value} IS NOT NULL THEN ${other} END`;
}
