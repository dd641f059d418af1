/** Advice for classes that show little of a column. */
import { shown } from "./check";
import { type CategoryClasses, finiteRangeOf } from "./classify";
import type { StyleColumn } from "./layer-data";
import type { BinMethod } from "./scheme";

/** Numbers are skewed if this share of them lies in this share of their range, at one of its ends. */
const SKEWED_SHARE = 0.9;
const END_SHARE = 0.2;
/** Fewer values are not worth advice. */
const LEAST_VALUES = 20;
/** Text with more different values hardly suits as categories. */
const MOST_CATEGORIES = 20;

/** Suggests another method for skewed numbers in classes of equal width; undefined for other numbers and methods. */
export function skewAdvice(
  column: StyleColumn,
  method: BinMethod | "bounds",
  label: string,
): string | undefined {
  if (column.kind !== "number" || column.isTime || (method !== "equal" && method !== "continuous"))
    return undefined;
  const [min, max] = finiteRangeOf(column.values);
  const [lowEnd, highEnd] = [min + (max - min) * END_SHARE, max - (max - min) * END_SHARE];
  let [low, high, count] = [0, 0, 0];
  for (const value of column.values) {
    if (!Number.isFinite(value)) continue;
    count++;
    if (value <= lowEnd) low++;
    if (value >= highEnd) high++;
  }
  const share = Math.max(low, high) / count;
  if (count < LEAST_VALUES || min === max || share < SKEWED_SHARE) return undefined;
  const better = min > 0 && low > high ? '`method: "log"` or "quantiles"' : '`method: "quantiles"`';
  return (
    `${percent(share)} of the values of column ${shown(column.name)} of ${label} lie in the ${low > high ? "lowest" : "highest"} fifth of their range ` +
    `and have nearly the same colour or size. Use ${better} to tell them apart.`
  );
}

/** Suggests what to do about a column of very many texts; undefined for others. */
export function categoryAdvice(
  { kind, name }: StyleColumn,
  { valueCount, otherCount, classes, missingCount }: CategoryClasses,
  label: string,
): string | undefined {
  if (kind !== "string" || valueCount <= MOST_CATEGORIES || otherCount === 0) return undefined;
  return (
    `Column ${shown(name)} of ${label} has ${valueCount.toLocaleString("en-US")} values: ${percent(otherCount / (classes.length - missingCount))} of the rows are "Other". ` +
    "Style by another column, list the categories to show as `color.order`, or group them in a query."
  );
}

const percent = (share: number) => `${Math.floor(share * 100)} %`;
