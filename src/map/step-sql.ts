/**
 * Generates SQL for the steps of widgets' columns, over the rows `q` of a layer's query: the same steps that the scene has, with
 * ends compared as `filterSql` compares them.
 */
import { type Field, pgTypeOf } from "../frame/types";
import { endText } from "../render/explore/filter-sql";
import type { CategoryColumn, RangeColumn, StepColumn } from "../render/scene";
import { tileLiteral } from "../sql";
import { columnSql, numberSql, textSql } from "./tile-columns";

/** Returns the step of a row, an int4; NULL for missing values, and for those that no step holds. */
export function stepSql(column: StepColumn, field: Field): string {
  return column.kind === "range" ? rangeSql(column, field) : categorySql(column, field);
}

function rangeSql({ edges, isTime, isText }: RangeColumn, field: Field): string {
  const { value, type } = comparable(field, { isTime, isText });
  const ends = edges.map((edge) => (isTime ? endText(new Date(edge).toISOString()) : String(edge)));
  const array = `${tileLiteral(`{${ends.map((end) => JSON.stringify(end)).join(",")}}`)}::${type}[]`;
  const end = (text = "") => `${tileLiteral(text)}::${type}`;
  // NaN is larger than all numbers; the last step includes its end
  return `CASE WHEN ${value} >= ${end(ends[0])} AND ${value} <= ${end(ends.at(-1))} THEN least(width_bucket(${value}, ${array}), ${edges.length - 1}) END`;
}

/** Returns a column as its type is compared with numbers or times: integers and numerics exactly. */
function comparable(
  { name, pgtype }: Field,
  { isTime, isText }: Pick<RangeColumn, "isTime" | "isText">,
): { readonly value: string; readonly type: string } {
  const column = columnSql(name);
  if (isText) return { value: `NULLIF(${column}, '')::timestamptz`, type: "timestamptz" };
  const type = pgTypeOf(pgtype);
  if (isTime && type) return { value: column, type };
  return type === "int8" || type === "numeric"
    ? { value: `${column}::numeric`, type: "numeric" }
    : { value: `${column}::float8`, type: "float8" };
}

function categorySql({ texts, type }: CategoryColumn, field: Field): string {
  const other = texts.length + 1;
  if (type === "boolean") {
    const column = columnSql(field.name);
    const stepOf = (text: string) => texts.indexOf(text) + 1 || other;
    return `CASE WHEN ${column} THEN ${stepOf("true")} WHEN NOT ${column} THEN ${stepOf("false")} END`;
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
