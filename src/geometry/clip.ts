/** Clips to boxes, for the painter (floating-point pixels) and for vector tiles (a grid of whole numbers). */

/** Bounds in any unit; inverted (Infinity first) if empty. */
export type Box = readonly [minX: number, minY: number, maxX: number, maxY: number];

/** A ring that is being clipped: x and y in turn. The array is reused, so only the first `count` vertices are valid. */
export interface Trace {
  xy: Float64Array;
  count: number;
}

/**
 * Clips a ring to a box, one side after the other (Sutherland and Hodgman 1974). Where a ring leaves the box, the result
 * runs along the box, which must therefore exceed the visible area by more than the width of an outline.
 *
 * @param isGrid rounds new vertices to whole numbers, for vector tiles
 */
export function clipRing(ring: Trace, spare: Trace, box: Box, isGrid = false): void {
  const [minX, minY, maxX, maxY] = box;
  clipSide(ring, spare, 0, minX, 1, isGrid);
  clipSide(spare, ring, 0, maxX, -1, isGrid);
  clipSide(ring, spare, 1, minY, 1, isGrid);
  clipSide(spare, ring, 1, maxY, -1, isGrid);
}

/**
 * Keeps the part of a ring on one side of a line along an axis: above the limit for sign 1, below it for -1.
 * `!`: all indices are below 2 × count.
 */
function clipSide(from: Trace, to: Trace, axis: 0 | 1, limit: number, sign: 1 | -1, isGrid: boolean): void {
  to.count = 0;
  if (from.count === 0) return;
  reserve(to, 2 * from.count); // a cut side adds at most one vertex per vertex
  const other = 1 - axis;
  const length = 2 * from.count;
  let isInside = (from.xy[axis]! - limit) * sign >= 0;
  for (let at = 0; at < length; at += 2) {
    const next = at + 2 < length ? at + 2 : 0;
    const isNextInside = (from.xy[next + axis]! - limit) * sign >= 0;
    if (isInside) {
      const end = 2 * to.count++;
      to.xy[end] = from.xy[at]!;
      to.xy[end + 1] = from.xy[at + 1]!;
    }
    if (isInside !== isNextInside) {
      const [a, b] = [from.xy[at + axis]!, from.xy[next + axis]!];
      const [c, d] = [from.xy[at + other]!, from.xy[next + other]!];
      const crossing = c + ((limit - a) / (b - a)) * (d - c);
      const end = 2 * to.count++;
      to.xy[end + axis] = limit;
      to.xy[end + other] = isGrid ? Math.round(crossing) : crossing;
    }
    isInside = isNextInside;
  }
}

/**
 * Returns the part of a segment that lies in a box, as start and end between 0 and 1; undefined if the segment misses the
 * box (Liang and Barsky 1984).
 */
export function clipSegment(
  x: number,
  y: number,
  dx: number,
  dy: number,
  [minX, minY, maxX, maxY]: Box,
): readonly [from: number, to: number] | undefined {
  const [toX, toY] = [x + dx, y + dy];
  if ((x < minX && toX < minX) || (x > maxX && toX > maxX)) return undefined;
  if ((y < minY && toY < minY) || (y > maxY && toY > maxY)) return undefined;
  let [from, to] = [0, 1];
  for (const [delta, room] of [
    [-dx, x - minX],
    [dx, maxX - x],
    [-dy, y - minY],
    [dy, maxY - y],
  ] as const) {
    if (delta === 0) {
      if (room < 0) return undefined;
    } else if (delta < 0) from = Math.max(from, room / delta);
    else to = Math.min(to, room / delta);
  }
  return from <= to ? [from, to] : undefined;
}

/** Makes room for a number of vertices, and discards the existing ones. */
export function reserve(trace: Trace, count: number): void {
  if (trace.xy.length < 2 * count) trace.xy = new Float64Array(4 * count);
}
