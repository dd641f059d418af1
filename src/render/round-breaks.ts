const MOST_DIGITS = 12;

/**
 * Rounds each break between `least` and `most` to as few digits as possible, but by no more than a share of the distance to
 * its neighbours. Equal breaks become one.
 */
export function roundBreaks(
  breaks: readonly number[],
  [least, most]: readonly [least: number, most: number],
  share: number,
): number[] {
  const round = (value: number, i: number) => {
    const below = value - (breaks[i - 1] ?? least);
    const above = (breaks[i + 1] ?? most) - value;
    const room = share * Math.min(below, above > 0 ? above : below);
    for (let digits = 1; digits < MOST_DIGITS; digits++) {
      const candidate = Number(value.toPrecision(digits));
      if (Math.abs(candidate - value) <= room) return candidate;
    }
    return value;
  };
  return [...new Set(breaks.map(round))];
}
