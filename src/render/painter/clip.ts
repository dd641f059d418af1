import type { Box } from "./box";

/** A path that is being clipped; the array is reused from path to path. */
export interface Trace {
  xy: Float64Array;
  count: number;
}

/**
 * Clips a ring to a box, side by side (Sutherland, Hodgman 1974). Where a ring leaves the box and comes back, the
 * result runs along the box, so the box must lie outside of what is seen by more than an outline's width.
 */
export function clipRing(ring: Trace, spare: Trace, [minX, minY, maxX, maxY]: Box): void {
  clipSide(ring, spare, 0, minX, 1);
  clipSide(spare, ring, 0, maxX, -1);
  clipSide(ring, spare, 1, minY, 1);
  clipSide(spare, ring, 1, maxY, -1);
}

/** Keeps what lies on one side of a line along an axis: above the limit for sign 1, below it for -1. */
function clipSide(from: Trace, to: Trace, axis: 0 | 1, limit: number, sign: 1 | -1): void {
  to.count = 0;
  if (from.count === 0) return;
  reserve(to, 2 * from.count); // a cut side adds at most one vertex per vertex
  const other = 1 - axis;
  let previous = 2 * (from.count - 1);
  let wasInside = (from.xy[previous + axis]! - limit) * sign >= 0;
  for (let at = 0; at < 2 * from.count; at += 2) {
    const isInside = (from.xy[at + axis]! - limit) * sign >= 0;
    if (isInside !== wasInside) {
      const [a, b] = [from.xy[previous + axis]!, from.xy[at + axis]!];
      const share = (limit - a) / (b - a);
      const end = 2 * to.count++;
      to.xy[end + axis] = limit;
      to.xy[end + other] =
        from.xy[previous + other]! + share * (from.xy[at + other]! - from.xy[previous + other]!);
    }
    if (isInside) {
      const end = 2 * to.count++;
      to.xy[end] = from.xy[at]!;
      to.xy[end + 1] = from.xy[at + 1]!;
    }
    previous = at;
    wasInside = isInside;
  }
}

/**
 * The share of a segment, [from, to] between 0 and 1, that lies in a box; nothing if it passes by (Liang, Barsky
 * 1984).
 */
export function clipSegment(
  x: number,
  y: number,
  dx: number,
  dy: number,
  [minX, minY, maxX, maxY]: Box,
): readonly [from: number, to: number] | undefined {
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

/** Makes room for some vertices; what was in there is lost. */
export function reserve(trace: Trace, count: number): void {
  if (trace.xy.length < 2 * count) trace.xy = new Float64Array(4 * count);
}
