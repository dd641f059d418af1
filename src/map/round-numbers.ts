/** Finds round numbers for the labels of classes. */

/** Digits beyond which doubles cannot be told apart. */
const MAX_DIGITS = 17;

interface Gap {
  readonly from: number;
  readonly to: number;
  /** True if `from` or `to` must not be chosen. */
  readonly isFromExcluded?: boolean;
  readonly isToExcluded?: boolean;
}

/**
 * Returns the roundest number of a gap: the smallest multiple of the largest power of ten, or half of one, that lies in it.
 * An infinite end is ignored.
 */
export function roundest({ from, to, isFromExcluded = false, isToExcluded = false }: Gap): number {
  if (!Number.isFinite(from)) return to;
  if (!Number.isFinite(to)) return from;
  const isInside = (value: number) =>
    (isFromExcluded ? value > from : value >= from) && (isToExcluded ? value < to : value <= to);
  if (isInside(0)) return 0;
  for (const step of stepsDown(Math.max(Math.abs(from), Math.abs(to)))) {
    const first = Math.ceil(from / step.size);
    // the division may have been rounded, and `from` may be excluded
    for (const times of [first - 1, first, first + 1]) {
      const value = multiple(times, step);
      if (isInside(value)) return value;
    }
  }
  return isFromExcluded ? to : from;
}

/** Rounds a number as coarsely as `isAllowed` permits; returns it unchanged if no rounding is allowed. */
export function rounded(value: number, isAllowed: (rounded: number) => boolean): number {
  if (!Number.isFinite(value) || value === 0) return value;
  for (const step of stepsDown(Math.abs(value))) {
    const candidate = multiple(Math.round(value / step.size), step);
    if (isAllowed(candidate)) return candidate;
  }
  return value;
}

/** `digit × 10^exponent`, and its nearest double. */
interface Step {
  readonly digit: 1 | 5;
  readonly exponent: number;
  readonly size: number;
}

/** Lists 1, 5 and 10 times the powers of ten, from above a size down to the limit of doubles. */
function* stepsDown(size: number): Generator<Step> {
  const top = Math.ceil(Math.log10(size)) + 1;
  for (let exponent = top; exponent > top - MAX_DIGITS - 1; exponent--) {
    yield { digit: 5, exponent, size: Number(`5e${exponent}`) };
    yield { digit: 1, exponent, size: Number(`1e${exponent}`) };
  }
}

/** Multiplies in decimal digits: 3 × 0.1 is 0.3. */
const multiple = (times: number, { digit, exponent }: Step): number =>
  Number(`${(times + 0) * digit}e${exponent}`);
