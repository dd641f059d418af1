/** Writes the filters of a map as conditions of SQL. */

import { ident, literal } from "../../sql";
import type { MapFilter } from "../scene";

/**
 * Returns a condition for the rows of a layer that pass its filters, such as `"fare" >= 10 AND "fare" < 20`; an empty string
 * without filters. Classes that are hidden in the legend have no condition.
 * @param timeTexts names of the columns that have times as texts
 */
export function filterSql(
  filters: readonly MapFilter[],
  layer: string,
  timeTexts: ReadonlySet<string> = new Set(),
): string {
  return filters
    .flatMap((filter) =>
      filter.layer === layer && !("without" in filter) ? [conditionOf(filter, timeTexts)] : [],
    )
    .join(" AND ");
}

function conditionOf(
  filter: Exclude<MapFilter, { readonly without: unknown }>,
  timeTexts: ReadonlySet<string>,
): string {
  const column = ident(filter.column);
  if ("values" in filter) return `${column} IN (${filter.values.map(valueSql).join(", ")})`;
  const { from, to, includesTo } = filter;
  const value = timeTexts.has(filter.column) ? `NULLIF(${column}, '')::timestamptz` : column;
  return `${value} >= ${endSql(from)} AND ${value} ${includesTo ? "<=" : "<"} ${endSql(to)}`;
}

const endSql = (end: number | string): string =>
  typeof end === "string" ? literal(endText(end)) : String(end);

/** Writes times before the year 1 and after 9999, which ISO 8601 writes with a sign, as PostgreSQL reads them: year 0 is 1 BC. */
export function endText(end: string): string {
  const [, digits, rest] = /^([+-]\d{6}|0000)(-.*)$/.exec(end) ?? [];
  if (digits === undefined) return end;
  const year = Number(digits);
  return year > 0 ? `${year}${rest}` : `${String(1 - year).padStart(4, "0")}${rest} BC`;
}

const valueSql = (value: string | number | boolean): string =>
  typeof value === "string" ? literal(value) : String(value);
