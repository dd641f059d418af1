/**
 * Divides values into classes. The breaks equal those of CARTO's CDB_QuantileBins, CDB_EqualIntervalBins and
 * CDB_HeadsTailsBins: each is the upper bound of its class and belongs to it.
 *
 * `!`: in the loops below, indexes are less than the length of the array, and classes less than the number of classes.
 */
import { ckmeans } from "simple-statistics";
import { InvalidArgumentError } from "../errors";
import { roundBreaks } from "../render/round-breaks";
import { MISSING_CLASS } from "../render/scene";
import type { NumberMethod } from "./scheme";

const doubleBits = new DataView(new ArrayBuffer(8));
/** Natural breaks of more values are computed from a sample of this size, evenly spaced in ascending order. */
const JENKS_VALUES = 10_000;

/** Range of a class. */
export interface Range {
  /** Bounds. `upper` belongs to the class; `lower` does so unless it is the upper bound of another class. */
  readonly lower: number;
  readonly upper: number;
  /** Smallest and largest value; Infinity and -Infinity if the class is empty. */
  readonly min: number;
  readonly max: number;
  /** Number of rows. */
  readonly count: number;
}

export interface RangeClasses {
  readonly kind: "ranges";
  /** One per row: an index into `ranges`, or MISSING_CLASS. */
  readonly classes: Uint8Array;
  readonly ranges: readonly Range[];
  /** Whether bounds were given, come from a rule such as equal widths, or are the values at the ends of the classes. */
  readonly bounds: "given" | "rule" | "data";
  readonly missingCount: number;
}

interface Category {
  readonly value: string | number | boolean;
  /** Number of rows. */
  readonly count: number;
}

export interface CategoryClasses {
  readonly kind: "categories";
  /** One per row: an index into `categories`, `categories.length` for other values, or MISSING_CLASS. */
  readonly classes: Uint8Array;
  /** The given values, in the given order, then the most frequent ones, in ascending order. */
  readonly categories: readonly Category[];
  /** Number of rows with other values. */
  readonly otherCount: number;
  /** Number of different values. */
  readonly valueCount: number;
  readonly missingCount: number;
}

/** Numbers in equal steps between two ends, too fine to be distinguished. */
export interface StepClasses {
  readonly kind: "steps";
  /** One per row: the number of a step, or MISSING_CLASS. */
  readonly classes: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  /** Smallest and largest finite value; they differ from the ends if these are a given domain. */
  readonly min: number;
  readonly max: number;
  /** Number of rows that have a value. */
  readonly count: number;
  readonly missingCount: number;
}

export type Classes = RangeClasses | CategoryClasses | StepClasses;

/**
 * Divides numbers into at most `bins` classes; fewer if there are fewer distinct values. NaN is missing. With "equal", a
 * class can be empty.
 */
export function classifyNumbers(values: Float64Array, method: NumberMethod, bins: number): RangeClasses {
  const sorted = sortedValues(values);
  if (sorted.length === 0) return assign(values, [], "data", () => []);
  const breaks = breaksOf(sorted, method, bins);
  if (method === "equal" || method === "log")
    return assign(values, breaks, "rule", () => boundedRanges(breaks, sorted[0]!, sorted.at(-1)!));
  return assign(values, breaks, "data", (mins, maxs) =>
    breaks.map((_, i) => ({ lower: mins[i]!, upper: maxs[i]! })),
  );
}

/**
 * Divides numbers into classes that are symmetric about a centre: their bounds are those of the distances from it. An odd
 * number of classes has one around the centre. Classes without values remain, so that colours stay symmetric, too.
 */
export function classifyAround(
  values: Float64Array,
  center: number,
  method: NumberMethod,
  bins: number,
): RangeClasses {
  const distances = sortedValues(values.map((value) => Math.abs(value - center)));
  if (distances.length === 0) return assign(values, [], "data", () => []);
  const reach = distanceBreaks(distances, method, bins);
  const breaks = [
    ...reach.map((distance) => center - distance).reverse(),
    ...(bins % 2 === 0 ? [center] : []),
    ...reach.map((distance) => center + distance),
    Infinity,
  ];
  return assign(values, breaks, "rule", () => boundedRanges(breaks, -Infinity, Infinity));
}

/** Round distances move few rows and read well; they may change by this share of the width of a class. */
const ROUNDING = 0.05;

/** Returns the upper bounds of the distances in each class but the outermost. */
function distanceBreaks(distances: Float64Array, method: NumberMethod, bins: number): number[] {
  const isOdd = bins % 2 === 1;
  const classes = Math.ceil(bins / 2); // the one around the centre is a half on either side
  const most = distances.at(-1)!;
  const breaks =
    method === "equal"
      ? Array.from({ length: classes }, (_, i) => (most * (2 * i + (isOdd ? 1 : 2))) / bins)
      : method === "quantiles"
        ? quantileBreaks(distances, bins).filter((_, i) => i % 2 === (isOdd ? 0 : 1))
        : breaksOf(distances, method, classes);
  // a class around the centre that holds nothing but the centre ends halfway to the next value
  const nearest = distances.find((distance) => distance > 0) ?? 0;
  const inner = isOdd ? nearest / 2 : 0;
  const inside = distinct(breaks.map((distance) => distance || inner)).filter(
    (distance) => distance > 0 && distance < most,
  );
  return method === "equal" || !Number.isFinite(most)
    ? inside
    : roundBreaks(inside, { range: [0, most], to: "up", share: ROUNDING });
}

/** Divides numbers by upper bounds. Values above the last bound get an additional class without an upper bound. */
export function classifyByBounds(values: Float64Array, bounds: readonly number[]): RangeClasses {
  const last = bounds.at(-1)!;
  const breaks = values.some((value) => value > last) ? [...bounds, Infinity] : bounds;
  return assign(values, breaks, "given", () => boundedRanges(breaks, -Infinity, breaks.at(-1)!));
}

/**
 * Divides numbers into equal steps from the smallest to the largest finite one, or over a domain. Values outside of it
 * are in the first or last step.
 */
export function classifySteps(
  values: Float64Array,
  steps: number,
  domain?: readonly [from: number, to: number],
): StepClasses {
  const [min, max] = finiteRangeOf(values);
  const [from, to] = domain ?? (min > max ? [0, 0] : [min, max]);
  const { classes, missingCount } = classesOf(values, (value) => stepOf(value, { from, to, steps }));
  const count = values.length - missingCount;
  return { kind: "steps", classes, from, to, steps, min, max, count, missingCount };
}

/** Returns the smallest and the largest finite value; Infinity and -Infinity if there are none. */
export function finiteRangeOf(values: Float64Array): [min: number, max: number] {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < min && value !== -Infinity) min = value;
    if (value > max && value !== Infinity) max = value;
  }
  return [min, max];
}

/** Puts each number in a class, and NaN in `MISSING_CLASS`. */
function classesOf(values: Float64Array, classOf: (value: number) => number) {
  const classes = new Uint8Array(values.length).fill(MISSING_CLASS);
  let missingCount = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) missingCount++;
    else classes[row] = classOf(value);
  }
  return { classes, missingCount };
}

/** Returns the step of a value, which must not be NaN. */
export function stepOf(
  value: number,
  { from, to, steps }: Pick<StepClasses, "from" | "to" | "steps">,
): number {
  const width = to / 2 - from / 2; // half the width: all of it may exceed the largest double
  const share =
    value <= from
      ? from === to && value === from
        ? 0.5
        : 0
      : value >= to
        ? 1
        : (value / 2 - from / 2) / width;
  return Math.min(steps - 1, Math.floor(share * steps));
}

/**
 * Divides values into categories and all others. null and NaN are missing.
 * @param most number of categories: the most frequent values, in ascending order, so that a value keeps its colour if its
 *   frequency changes
 * @param first categories that come first, whether or not the data have them
 */
export function classifyCategories(
  values: ArrayLike<string | number | boolean | null>,
  most: number,
  first: readonly Category["value"][] = [],
): CategoryClasses {
  const codeOf = new Map<string | number | boolean, number>();
  const counts: number[] = [];
  const codes = new Int32Array(values.length);
  let missingCount = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value === null || Number.isNaN(value)) {
      codes[row] = -1;
      missingCount++;
      continue;
    }
    let code = codeOf.get(value);
    if (code === undefined) {
      code = counts.length;
      codeOf.set(value, code);
      counts.push(0);
    }
    counts[code]!++;
    codes[row] = code;
  }
  const given = first.map((value) => ({ value, code: codeOf.get(value) }));
  const rest = given.length === 0 ? codeOf : new Map(codeOf); // the copy of a million names takes time
  for (const { value } of given) rest.delete(value);
  const frequent = mostFrequent(rest, counts, Math.max(0, most - given.length)).sort((a, b) =>
    compareValues(a.value, b.value),
  );
  const categories = [...given, ...frequent].map(({ value, code }) => ({
    value,
    code,
    count: code === undefined ? 0 : counts[code]!,
  }));
  const classOf = new Uint8Array(counts.length).fill(categories.length);
  for (const [index, { code }] of categories.entries()) if (code !== undefined) classOf[code] = index;
  const classes = new Uint8Array(values.length);
  for (let row = 0; row < codes.length; row++)
    classes[row] = codes[row]! < 0 ? MISSING_CLASS : classOf[codes[row]!]!;
  return {
    kind: "categories",
    classes,
    categories: categories.map(({ value, count }) => ({ value, count })),
    valueCount: counts.length,
    otherCount: values.length - missingCount - categories.reduce((sum, { count }) => sum + count, 0),
    missingCount,
  };
}

interface CodedCategory extends Category {
  readonly code: number;
}

/** Returns the first `most` categories without sorting all of them: a column of names has as many as rows. */
function mostFrequent(
  codeOf: ReadonlyMap<Category["value"], number>,
  counts: readonly number[],
  most: number,
): CodedCategory[] {
  const top: CodedCategory[] = [];
  if (most === 0) return top;
  for (const [value, code] of codeOf) {
    const category = { value, code, count: counts[code]! };
    if (top.length === most && !precedes(category, top.at(-1)!)) continue;
    const at = top.findIndex((other) => precedes(category, other));
    top.splice(at === -1 ? top.length : at, 0, category);
    if (top.length > most) top.pop();
  }
  return top;
}

const collator = new Intl.Collator("en", { numeric: true });

/** Orders numbers by size, text alphabetically with its numbers by size, and false before true. */
function compareValues(a: Category["value"], b: Category["value"]): number {
  if (typeof a === "string" && typeof b === "string") {
    const order = collator.compare(a, b);
    if (order !== 0) return order;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

const precedes = (a: Category, b: Category) =>
  a.count > b.count || (a.count === b.count && a.value < b.value);

function sortedValues(values: Float64Array): Float64Array {
  const sorted = values.slice().sort(); // NaN goes last
  let end = sorted.length;
  while (end > 0 && Number.isNaN(sorted[end - 1])) end--;
  return sorted.subarray(0, end);
}

function breaksOf(sorted: Float64Array, method: NumberMethod, bins: number): number[] {
  if (method === "quantiles") return distinct(quantileBreaks(sorted, bins));
  // widths, means and distances need finite numbers; ±Infinity goes to the outermost classes
  const finite = finiteOf(sorted);
  if (finite.length === 0) return distinct(sorted);
  switch (method) {
    case "equal":
      return distinct(equalBreaks(finite, bins));
    case "log":
      return distinct(logBreaks(finite, bins));
    case "headtails":
      return nonEmpty([...headTailBreaks(finite, bins).slice(0, bins - 1), finite.at(-1)!], finite);
    case "jenks":
      return distinct(jenksBreaks(finite, bins));
  }
}

function finiteOf(sorted: Float64Array): Float64Array {
  let from = 0;
  let to = sorted.length;
  while (from < to && sorted[from] === -Infinity) from++;
  while (to > from && sorted[to - 1] === Infinity) to--;
  return sorted.subarray(from, to);
}

const distinct = (breaks: ArrayLike<number>): number[] => [...new Set(Array.from(breaks))];

/** Drops breaks that have no value between them and the break before. */
function nonEmpty(breaks: readonly number[], sorted: Float64Array): number[] {
  let at = 0;
  return breaks.filter((upper) => {
    const before = at;
    while (at < sorted.length && sorted[at]! <= upper) at++;
    return at > before;
  });
}

/** Equals CDB_QuantileBins: `percentile_disc(i / bins)`, the value at rank ⌈share × count⌉. @internal */
export function quantileBreaks(sorted: Float64Array, bins: number): number[] {
  return Array.from({ length: bins }, (_, i) => {
    const rank = Math.ceil(((i + 1) / bins) * sorted.length);
    return sorted[Math.max(1, rank) - 1]!;
  });
}

/** Equals CDB_EqualIntervalBins: min + i × (max − min) / bins. @internal */
export function equalBreaks(sorted: Float64Array, bins: number): number[] {
  const min = sorted[0]!;
  const max = sorted.at(-1)!;
  const halfWidth = max / bins / 2 - min / bins / 2; // max − min may exceed the largest double
  return Array.from({ length: bins }, (_, i) => (i + 1 === bins ? max : 2 * (min / 2 + (i + 1) * halfWidth)));
}

/** Returns the upper bounds of classes of equal width in the logarithm. */
function logBreaks(sorted: Float64Array, bins: number): number[] {
  const [min, max] = [Math.log(sorted[0]!), Math.log(sorted.at(-1)!)];
  const width = (max - min) / bins;
  return Array.from({ length: bins }, (_, i) =>
    i + 1 === bins ? sorted.at(-1)! : Math.exp(min + (i + 1) * width),
  );
}

/** @throws InvalidArgumentError for numbers that have no logarithm, if the method requires one */
export function checkMethod(method: NumberMethod, values: Float64Array, what: string): void {
  if (method !== "log") return;
  const count = values.reduce((sum, value) => sum + (value <= 0 ? 1 : 0), 0);
  if (count === 0) return;
  throw new InvalidArgumentError(
    `The method "log" requires numbers above 0, but ${count.toLocaleString("en-US")} of ${what} are 0 or less; use the method "quantiles".`,
  );
}

/** Equals CDB_HeadsTailsBins: the mean, the mean of the values above it, and so on. @internal */
export function headTailBreaks(sorted: Float64Array, bins: number): number[] {
  if (sorted.length <= bins) return Array.from(sorted);
  const breaks: number[] = [];
  let from = 0;
  while (breaks.length < bins && from < sorted.length) {
    const mean = meanFrom(sorted, from);
    breaks.push(mean);
    const before = from;
    while (from < sorted.length && sorted[from]! <= mean) from++;
    if (from === before) break; // equal values whose mean was rounded down
  }
  return breaks;
}

function meanFrom(sorted: Float64Array, from: number): number {
  const count = sorted.length - from;
  let sum = 0;
  for (let i = from; i < sorted.length; i++) sum += sorted[i]!;
  if (Number.isFinite(sum)) return sum / count;
  return sorted.subarray(from).reduce((mean, value) => mean + value / count, 0);
}

/** Returns the largest value of each cluster of one-dimensional k-means. */
function jenksBreaks(sorted: Float64Array, bins: number): number[] {
  const sample = sampleOf(sorted, JENKS_VALUES);
  const scale = Math.max(Math.abs(sample[0]!), Math.abs(sample.at(-1)!)) || 1; // squares must stay finite
  const count = Math.min(bins, new Set(sample).size);
  const clusters = ckmeans(
    Array.from(sample, (value) => value / scale),
    count,
  );
  let end = 0;
  return clusters.map(({ length }) => {
    end += length;
    return sample[end - 1]!;
  });
}

function sampleOf(sorted: Float64Array, most: number): Float64Array {
  if (sorted.length <= most) return sorted;
  const step = (sorted.length - 1) / (most - 1);
  return Float64Array.from({ length: most }, (_, i) => sorted[Math.round(i * step)]!);
}

type Bounds = Pick<Range, "lower" | "upper">;

/** Returns the ranges between bounds; the first begins at `lowest`, the last ends at `highest`. */
function boundedRanges(bounds: readonly number[], lowest: number, highest: number): Bounds[] {
  return bounds.map((bound, i) => ({
    lower: i === 0 ? lowest : bounds[i - 1]!,
    upper: i === bounds.length - 1 ? highest : bound,
  }));
}

function assign(
  values: Float64Array,
  breaks: readonly number[],
  bounds: RangeClasses["bounds"],
  rangesOf: (mins: readonly number[], maxs: readonly number[]) => Bounds[],
): RangeClasses {
  const last = breaks.length - 1;
  const counts = breaks.map(() => 0);
  const mins = breaks.map(() => Infinity);
  const maxs = breaks.map(() => -Infinity);
  const { classes, missingCount } = classesOf(values, (value) => {
    let index = 0;
    while (index < last && value > breaks[index]!) index++;
    counts[index]!++;
    if (value < mins[index]!) mins[index] = value;
    if (value > maxs[index]!) maxs[index] = value;
    return index;
  });
  const ranges = rangesOf(mins, maxs).map((range, i) => ({
    ...range,
    min: mins[i]!,
    max: maxs[i]!,
    count: counts[i]!,
  }));
  return { kind: "ranges", classes, ranges, bounds, missingCount };
}

/**
 * Returns the smallest double for which `holds` is true; Infinity if there is none. `holds` must be true for all larger
 * doubles, too. A break found this way classifies every double in SQL as in JavaScript.
 */
export function firstDouble(holds: (value: number) => boolean): number {
  let below = rankOf(-Infinity) - 1n;
  let at = rankOf(Infinity);
  while (at - below > 1n) {
    const middle = below + (at - below) / 2n;
    if (holds(doubleOf(middle))) at = middle;
    else below = middle;
  }
  return doubleOf(at);
}

/** Maps doubles to whole numbers in the same order, and 0 to 0. The bits of doubles from 0 up are in order already. */
function rankOf(value: number): bigint {
  doubleBits.setFloat64(0, Math.abs(value));
  const bits = doubleBits.getBigInt64(0);
  return value < 0 ? -bits : bits;
}

function doubleOf(rank: bigint): number {
  doubleBits.setBigInt64(0, rank < 0n ? -rank : rank);
  const value = doubleBits.getFloat64(0);
  return rank < 0n ? -value : value;
}
