import type { Box } from "../../geometry/clip";

/** Points per block; a million points have 4,000 boxes to test in each frame. */
const BLOCK = 256;
const RADIX_BITS = 11;

/**
 * Points in blocks of neighbours, each block with its bounding box. They keep their own order if neighbours already
 * follow each other; otherwise they are sorted along a Morton curve. `!` in the loops: indexes are below the number of
 * points, and each block has a box of four numbers.
 */
export interface PointIndex {
  /** Point indexes in block order; absent if the points keep their own order. */
  readonly order?: Uint32Array;
  /** minX, minY, maxX, maxY of each block. */
  readonly boxes: Float64Array;
}

/** Returns the box of the points at positions `from` to `to` (excluded) of `order`, without points that are not finite. */
export function boxOf(
  x: Float64Array,
  y: Float64Array,
  { order, from = 0, to = x.length }: { order?: Uint32Array | undefined; from?: number; to?: number } = {},
): Box {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let k = from; k < to; k++) {
    const i = order === undefined ? k : order[k]!;
    const px = x[i]!;
    const py = y[i]!;
    if (!Number.isFinite(px + py)) continue;
    if (px < minX) minX = px;
    if (px > maxX) maxX = px;
    if (py < minY) minY = py;
    if (py > maxY) maxY = py;
  }
  return [minX, minY, maxX, maxY];
}

export function indexPoints(x: Float64Array, y: Float64Array, box: Box): PointIndex {
  const own = blockBoxes(x, y);
  if (isCompact(own, box)) return { boxes: own };
  const order = mortonOrder(x, y, box);
  return { order, boxes: blockBoxes(x, y, order) };
}

/** Calls `visit` with the range of each block that touches the box. */
export function forEachBlock(
  { boxes }: PointIndex,
  count: number,
  [minX, minY, maxX, maxY]: Box,
  visit: (from: number, to: number) => void,
): void {
  for (let block = 0, at = 0; at < boxes.length; block++, at += 4) {
    if (boxes[at]! > maxX || boxes[at + 1]! > maxY || boxes[at + 2]! < minX || boxes[at + 3]! < minY)
      continue;
    visit(block * BLOCK, Math.min(count, (block + 1) * BLOCK));
  }
}

function blockBoxes(x: Float64Array, y: Float64Array, order?: Uint32Array): Float64Array {
  const boxes = new Float64Array(4 * Math.ceil(x.length / BLOCK));
  for (let from = 0, at = 0; from < x.length; from += BLOCK, at += 4) {
    boxes.set(boxOf(x, y, { order, from, to: Math.min(x.length, from + BLOCK) }), at);
  }
  return boxes;
}

/** True if the blocks are small: along a curve, n blocks have sides of about 1/√n of the box; in random order, of 1. */
function isCompact(boxes: Float64Array, [minX, minY, maxX, maxY]: Box): boolean {
  let sum = 0;
  for (let at = 0; at < boxes.length; at += 4) {
    const sides = boxes[at + 2]! - boxes[at]! + boxes[at + 3]! - boxes[at + 1]!;
    if (sides > 0) sum += sides;
  }
  return sum <= 4 * Math.sqrt(boxes.length / 4) * (maxX - minX + maxY - minY);
}

/** Returns the point indexes in the order of a Morton curve over the box, by radix sort. */
function mortonOrder(x: Float64Array, y: Float64Array, [minX, minY, maxX, maxY]: Box): Uint32Array {
  const count = x.length;
  const scaleX = 0xffff / (maxX - minX || 1);
  const scaleY = 0xffff / (maxY - minY || 1);
  let codes = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    codes[i] = spread((x[i]! - minX) * scaleX) | (spread((y[i]! - minY) * scaleY) << 1);
  }
  let order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;

  let nextCodes = new Uint32Array(count);
  let nextOrder = new Uint32Array(count);
  const starts = new Uint32Array(1 << RADIX_BITS);
  const digit = (1 << RADIX_BITS) - 1;
  for (let shift = 0; shift < 32; shift += RADIX_BITS) {
    starts.fill(0);
    for (let i = 0; i < count; i++) starts[(codes[i]! >>> shift) & digit]!++;
    for (let d = 0, sum = 0; d <= digit; d++) {
      const next = sum + starts[d]!;
      starts[d] = sum;
      sum = next;
    }
    for (let i = 0; i < count; i++) {
      const code = codes[i]!;
      const at = starts[(code >>> shift) & digit]!++;
      nextCodes[at] = code;
      nextOrder[at] = order[i]!;
    }
    [codes, nextCodes] = [nextCodes, codes];
    [order, nextOrder] = [nextOrder, order];
  }
  return order;
}

/** Puts a zero bit before each of the 16 bits of a number. */
function spread(value: number): number {
  let bits = value & 0xffff; // NaN becomes 0
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}
