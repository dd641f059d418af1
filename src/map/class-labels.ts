/**
 * Writes the labels of classes. Each label is true for all rows of its class: neighbours share a bound that lies between the
 * largest value of the lower class and the smallest one of the upper class, and it is the roundest number there. Differences
 * below a trillionth of the largest value are errors of rounding, not values.
 *
 * `!` in this file: indexes are less than the number of ranges.
 */
import { utcFormat } from "d3-time-format";
import type { Range, RangeClasses, StepClasses } from "./classify";
import { formatOf, type NumberStyle, roundedEnd } from "./number-format";
import { rounded, roundest } from "./round-numbers";

export interface Labelled {
  readonly label: string;
  readonly count: number;
}

/** A bound that two neighbouring classes share. */
interface Border {
  readonly value: number;
  /** True if rows with this value are in the lower class. */
  readonly isInLower: boolean;
}

/** From coarse to fine. */
const DATE_FORMATS = [
  "%Y",
  "%Y-%m",
  "%Y-%m-%d",
  "%Y-%m-%d %H:%M",
  "%Y-%m-%d %H:%M:%S",
  "%Y-%m-%d %H:%M:%S.%L",
];
const DAY_MS = 86_400_000;
/** Digits that the numbers of a column are taken to have. */
const EXACT_DIGITS = 12;
/** Classes of one value with more digits are labelled with bounds. */
const MAX_DIGITS = 8;
/** Bounds of classes of equal width may be rounded by this share of their width. */
const ROUNDING = 0.04;

/** Labels the classes that have rows. */
export function rangeLabels(classes: RangeClasses, style: NumberStyle): Labelled[] {
  const texts =
    style === "date"
      ? dateTexts(classes.ranges)
      : style === "count" && classes.bounds === "data"
        ? countTexts(classes.ranges)
        : numberTexts(classes, style);
  return classes.ranges.map(({ count }, i) => ({ label: texts[i]!, count }));
}

/** Labels the ends of a ramp; values beyond its ends make them open. */
export function endLabels(
  { from, to, min, max }: StepClasses,
  style: NumberStyle,
): readonly [from: string, to: string] {
  const ends = [from, to].map((value) => roundedEnd(value, from, to));
  const write = style === "date" ? dayOrTime([from, to]) : formatOf(ends, style);
  const [low, high] = (style === "date" ? [from, to] : ends).map(write) as [string, string];
  return [min < from ? `≤ ${low}` : low, max > to ? `≥ ${high}` : high];
}

/** Formats dates without their times, unless one has a time. */
export function dayOrTime(dates: readonly number[]): (ms: number) => string {
  const write = utcFormat(dates.every((ms) => ms % DAY_MS === 0) ? "%Y-%m-%d" : "%Y-%m-%d %H:%M");
  return (ms) => write(new Date(ms));
}

/**
 * Rounds away what sums and differences of decimals leave behind: 0.3 − 0.1 is 0.19999999999999998. Digits count from the
 * largest value, as errors do.
 */
function withoutNoise(ranges: readonly Range[]): Range[] {
  const sizes = ranges.flatMap(({ min, max }) => [Math.abs(min), Math.abs(max)]).filter(Number.isFinite);
  const decimals = EXACT_DIGITS - 1 - Math.floor(Math.log10(Math.max(...sizes)));
  if (!(decimals >= 0 && decimals <= 100)) return [...ranges];
  const clean = (value: number) => (Number.isFinite(value) ? Number(value.toFixed(decimals)) : value);
  return ranges.map((range) => ({
    ...range,
    min: clean(range.min),
    max: clean(range.max),
    upper: clean(range.upper),
  }));
}

function numberTexts({ ranges: exact, bounds }: RangeClasses, style: NumberStyle): string[] {
  const ranges = bounds === "given" ? exact : withoutNoise(exact);
  const filled = ranges.filter(({ count }) => count > 0);
  const first = filled[0];
  if (bounds !== "given" && filled.length === 1 && first !== undefined) {
    const [min, max] = [roundedDown(first), roundedUp(first)];
    const write = formatOf([min, max], style);
    return ranges.map(() => (min === max ? write(min) : `${write(min)} – ${write(max)}`));
  }
  const borders = bordersOf({ ranges, bounds });
  const single = (range: Range) => bounds === "data" && isSingle(range);
  const used = ranges.flatMap((range, i) =>
    single(range)
      ? [range.min]
      : [borders[i - 1]?.value, borders[i]?.value].filter((value) => value !== undefined),
  );
  const write = formatOf(used, style);
  return ranges.map((range, i) => {
    if (single(range)) return write(range.min);
    const [below, above] = [borders[i - 1], borders[i]];
    if (below && above) return `${write(below.value)} – ${write(above.value)}`;
    if (below) return `${below.isInLower ? ">" : "≥"} ${write(below.value)}`;
    return above ? `${above.isInLower ? "≤" : "<"} ${write(above.value)}` : write(range.upper);
  });
}

/** Returns the border above each class: those of the last class are not needed, unless its upper bound was given. */
function bordersOf({ ranges, bounds }: Pick<RangeClasses, "ranges" | "bounds">): Border[] {
  if (bounds === "given")
    return ranges.flatMap(({ upper }) => (upper === Infinity ? [] : [{ value: upper, isInLower: true }]));
  return ranges.slice(0, -1).map((range, i) => {
    const next = ranges[i + 1]!;
    if (bounds === "data") {
      const value = roundest({
        from: range.max,
        to: next.min,
        // a class of one value is labelled with it; its neighbours must not seem to include it
        isFromExcluded: isSingle(range),
        isToExcluded: isSingle(next) && !isSingle(range),
      });
      return { value, isInLower: value < next.min };
    }
    const below = Math.max(...ranges.slice(0, i + 1).map(({ max }) => max));
    const above = Math.min(...ranges.slice(i + 1).map(({ min }) => min));
    const most = Math.min(range.upper - range.lower, next.upper - next.lower) * ROUNDING;
    const isNear = (other: number) => Math.abs(other - range.upper) <= most && most < Infinity;
    const value = rounded(range.upper, (other) => other >= below && other < above && isNear(other));
    return { value, isInLower: value < above };
  });
}

/** True for a class of one value that is short enough to be its label. */
const isSingle = ({ min, max }: Range) => min === max && Number(min.toPrecision(MAX_DIGITS)) === min;

const roundedDown = ({ min, max }: Range) =>
  min === max ? min : roundest({ from: min - (max - min) / 100, to: min });
const roundedUp = ({ min, max }: Range) =>
  min === max ? max : -roundest({ from: -(max + (max - min) / 100), to: -max });

/** Labels classes of whole numbers, each up to the one before the next class: every number is in one of them. */
function countTexts(ranges: readonly Range[]): string[] {
  const filled = ranges.filter(({ count }) => count > 0);
  const endOf = (range: Range) => {
    const next = filled[filled.indexOf(range) + 1];
    return next === undefined ? range.max : next.min - 1;
  };
  const write = formatOf(
    filled.flatMap((range) => [range.min, endOf(range)]),
    "grouped",
  );
  return ranges.map((range) => {
    const [from, to] = [write(range.min), write(endOf(range))];
    if (range === filled.at(-1) && filled.length > 1) return `≥ ${from}`;
    return from === to ? from : `${from} – ${to}`;
  });
}

/** Writes dates as coarsely as tells the classes apart. */
function dateTexts(ranges: readonly Range[]): string[] {
  const filled = ranges.filter(({ count }) => count > 0);
  if (filled.length === 1 && filled[0]!.min === filled[0]!.max)
    return ranges.map(({ min }) => dayOrTime([min])(min));
  const writers = DATE_FORMATS.map((specifier) => {
    const write = utcFormat(specifier);
    return (ms: number) => write(new Date(ms));
  });
  const tellsApart = (write: (ms: number) => string) =>
    filled.length > 1
      ? filled.slice(1).every(({ min }, i) => write(filled[i]!.max) !== write(min))
      : filled.every(({ min, max }) => write(min) !== write(max));
  const write = writers.find(tellsApart) ?? writers.at(-1)!;
  return ranges.map(({ min, max }) => {
    const [from, to] = [write(min), write(max)];
    return from === to ? from : `${from} – ${to}`;
  });
}
