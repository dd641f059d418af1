/** Sums of points on a fine grid, blurred: an estimate of their density by a Gaussian kernel. */
import type { Range, WeightedPoints } from "./bins";

/** A rectangle of square bins, counted from the corner of the world. The world is `across` bins wide. */
export interface BinFrame {
  readonly column: number;
  readonly row: number;
  readonly width: number;
  readonly height: number;
  readonly across: number;
}

/** Number of box blurs whose result is almost a Gaussian: http://blog.ivank.net/fastest-gaussian-blur.html */
const PASSES = 3;

export class HeatGrid {
  readonly frame: BinFrame;
  /** Number of points per bin. */
  readonly counts: Float32Array;
  /** Sum of the values per bin, if points have values. */
  readonly sums: Float32Array | undefined;

  constructor(frame: BinFrame, hasValues: boolean) {
    this.frame = frame;
    this.counts = new Float32Array(frame.width * frame.height);
    this.sums = hasValues ? new Float32Array(this.counts.length) : undefined;
  }

  /** Adds the points in a range that lie in the frame, in a copy of the world; `share` of each. `!`: as in `Bins`. */
  add(
    { geometry: { x, y, rows, weights }, values, failed }: WeightedPoints,
    { order, from = 0, to = x.length }: Range = {},
    { copy = 0, share = 1, isMean = false } = {},
  ): void {
    const { column, row, width, height, across } = this.frame;
    const [left, top] = [column - copy * across, row];
    for (let k = from; k < to; k++) {
      const i = order === undefined ? k : order[k]!;
      const atX = Math.floor(x[i]! * across) - left;
      const atY = Math.floor(y[i]! * across) - top;
      if (!(atX >= 0 && atX < width && atY >= 0 && atY < height)) continue; // skips NaN, too
      if (failed !== undefined && failed[rows === undefined ? i : rows[i]!] !== 0) continue;
      const weight = share * (weights === undefined ? 1 : weights[i]!);
      const bin = atY * width + atX;
      this.counts[bin]! += weight;
      if (this.sums && values)
        this.sums[bin]! += (isMean ? weight : share) * values[rows === undefined ? i : rows[i]!]!;
    }
  }

  /** Spreads each bin over its neighbours with a standard deviation of `sigma` bins. */
  blur(sigma: number): void {
    for (const radius of boxRadii(sigma)) {
      blurBins(this.counts, this.frame, radius);
      if (this.sums) blurBins(this.sums, this.frame, radius);
    }
  }
}

/** Returns how far a blur reaches, in bins. */
export const blurReach = (sigma: number): number => boxRadii(sigma).reduce((sum, radius) => sum + radius, 0);

/** Returns the value in the middle of a single point after the blur. */
export function blurPeak(sigma: number): number {
  const side = 2 * blurReach(sigma) + 1;
  const grid = new HeatGrid({ column: 0, row: 0, width: side, height: side, across: 1 }, false);
  grid.counts[(side * side - 1) / 2] = 1;
  grid.blur(sigma);
  return grid.counts[(side * side - 1) / 2]!;
}

/** Returns the radii of boxes that together have the variance of the Gaussian. */
function boxRadii(sigma: number): number[] {
  const ideal = Math.sqrt((12 * sigma * sigma) / PASSES + 1);
  const lower = Math.max(0, Math.floor((ideal - 1) / 2));
  const width = 2 * lower + 1;
  const narrow = Math.round(
    (12 * sigma * sigma - PASSES * width * width - 4 * PASSES * width - 3 * PASSES) / (-4 * width - 4),
  );
  return Array.from({ length: PASSES }, (_, i) => (i < narrow ? lower : lower + 1));
}

/** Averages each bin with those up to `radius` beside it, along rows, then along columns. */
function blurBins(bins: Float32Array, { width, height }: BinFrame, radius: number): void {
  if (radius === 0) return;
  const line = new Float32Array(Math.max(width, height));
  for (let row = 0; row < height; row++) blurLine(bins, row * width, 1, width, radius, line);
  for (let column = 0; column < width; column++) blurLine(bins, column, width, height, radius, line);
}

/** A running sum; outside the line there are no points. */
function blurLine(
  bins: Float32Array,
  start: number,
  step: number,
  length: number,
  radius: number,
  line: Float32Array,
): void {
  let sum = 0;
  for (let i = 0; i < Math.min(radius, length); i++) sum += bins[start + i * step]!;
  const share = 1 / (2 * radius + 1);
  for (let i = 0; i < length; i++) {
    if (i + radius < length) sum += bins[start + (i + radius) * step]!;
    if (i - radius > 0) sum -= bins[start + (i - radius - 1) * step]!;
    line[i] = Math.max(0, sum) * share; // a sum of floats may end below 0
  }
  for (let i = 0; i < length; i++) bins[start + i * step] = line[i]!;
}
