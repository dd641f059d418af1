/** Divides the values of cells into classes with round bounds. */
import { formatNumber } from "../format";
import { roundBreaks } from "../round-breaks";

/** Share of the distance to the neighbouring bounds by which rounding may move one. */
const ROUNDING = 0.3;
/** Larger numbers are written in scientific notation. */
const MAX_PLAIN = 1e15;
/** More values are sampled. */
const MAX_VALUES = 100_000;

/**
 * Returns the smallest value of each class but the first: classes hold equal numbers of cells, except that equal values are
 * in one class. There may be fewer classes than `most`.
 * @param isCount values are whole numbers
 */
export function breaksOf(values: Float64Array, most: number, isCount: boolean): number[] {
  const sorted = sampleOf(values).sort();
  const breaks: number[] = [];
  let from = 0;
  for (let left = most; left > 1; left--) {
    let at = from + Math.max(1, Math.round((sorted.length - from) / left));
    while (at < sorted.length && sorted[at] === sorted[at - 1]) at++;
    const start = sorted[at];
    if (start === undefined) break;
    breaks.push(start);
    from = at;
  }
  return roundBreaks(breaks, {
    range: [sorted[0] ?? 0, sorted.at(-1) ?? 0],
    to: "down",
    share: ROUNDING,
  }).map((value) => (isCount ? Math.max(2, Math.ceil(value)) : value));
}

/** Returns the class of a value: the number of breaks that it reaches. */
export function classOf(value: number, breaks: readonly number[]): number {
  let index = 0;
  while (index < breaks.length && value >= breaks[index]!) index++; // `!`: below the length
  return index;
}

/**
 * Labels the classes: `1`, `2 – 9`, `≥ 10` for counts; `< 0.5`, `0.5 – 2`, `≥ 2` for others; the range of a single class.
 * @param fewest the smallest count there can be
 */
export function breakLabels(
  breaks: readonly number[],
  isCount: boolean,
  [least, most]: readonly [least: number, most: number],
  fewest = 1,
): string[] {
  const first = breaks[0];
  if (first === undefined) return [between(least, most)];
  const inner = breaks.slice(1).map((end, i) => between(breaks[i]!, isCount ? end - 1 : end)); // `!`: one shorter
  return [
    isCount ? between(fewest, Math.max(fewest, first - 1)) : `< ${text(first)}`,
    ...inner,
    `≥ ${text(breaks.at(-1)!)}`,
  ];
}

const between = (from: number, to: number) => (from === to ? text(from) : `${text(from)} – ${text(to)}`);
const grouped = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });
const text = (value: number) =>
  (Math.abs(value) < MAX_PLAIN ? grouped.format(value) : formatNumber(value)).replaceAll("-", "−");

function sampleOf(values: Float64Array): Float64Array {
  if (values.length <= MAX_VALUES) return values.slice();
  const step = values.length / MAX_VALUES;
  return Float64Array.from({ length: MAX_VALUES }, (_, i) => values[Math.floor(i * step)]!); // `!`: below the length
}
