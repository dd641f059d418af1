const view = new DataView(new ArrayBuffer(8));

/**
 * The smallest double for which `holds` is true, which it is for all larger ones, too; Infinity if for none.
 * Between two doubles there is no value that SQL could put into another class than JavaScript.
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

/** Doubles in ascending order are whole numbers in ascending order, 0 is 0: the bits of what is not negative already are. */
function rankOf(value: number): bigint {
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigInt64(0);
  return value < 0 ? -bits : bits;
}

function doubleOf(rank: bigint): number {
  view.setBigInt64(0, rank < 0n ? -rank : rank);
  const value = view.getFloat64(0);
  return rank < 0n ? -value : value;
}
