const MOST_DIGITS = 15;

interface Rounding {
  /** Smallest and largest value. */
  readonly range: readonly [least: number, most: number];
  /** "down" if breaks are the smallest values of their classes, "up" if they are the largest. */
  readonly to: "down" | "up";
  /** Share of the distance to the next break in that direction by which a break may move. */
  readonly share: number;
}

/** Rounds ascending breaks to as few digits as possible. No class loses the value that its break is. */
export function roundBreaks(
  breaks: readonly number[],
  { range: [least, most], to, share }: Rounding,
): number[] {
  return breaks.map((value, i) => {
    const next = to === "down" ? (breaks[i - 1] ?? least) : (breaks[i + 1] ?? most);
    const room = share * Math.abs(value - next);
    for (let digits = 1; digits < MOST_DIGITS; digits++) {
      const candidate = roundedTo(value, digits, to);
      if (Math.abs(candidate - value) <= room) return candidate;
    }
    return value;
  });
}

function roundedTo(value: number, digits: number, to: "down" | "up"): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.floor(Math.log10(Math.abs(value))) - digits + 1;
  const unit = Number(`1e${exponent}`);
  const steps = Number((value / unit).toPrecision(MOST_DIGITS)); // the division may have been rounded
  return Number(`${to === "down" ? Math.floor(steps) : Math.ceil(steps)}e${exponent}`);
}
