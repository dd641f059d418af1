/** Clipping of lines and rings to squares. `!`: all indexes stay below the length of the coordinates. */
import type { Coordinates } from "./twkb";

/** Returns the pieces of a line inside `[min, max]²`. */
export function clipLine(line: Coordinates, min: number, max: number): Coordinates[] {
  return clipLineAlong(line, 0, min, max).flatMap((piece) => clipLineAlong(piece, 1, min, max));
}

/** Clips a ring to `[min, max]²` (Sutherland and Hodgman). Parts outside are replaced by the border. */
export function clipRing(ring: Coordinates, min: number, max: number): Coordinates {
  let clipped = ring;
  for (const axis of [0, 1] as const) {
    clipped = clipRingAt(clipped, axis, min, 1);
    clipped = clipRingAt(clipped, axis, max, -1);
  }
  return clipped;
}

/** Clips each segment of the line (Liang and Barsky, one axis at a time). */
function clipLineAlong(line: Coordinates, axis: 0 | 1, min: number, max: number): Coordinates[] {
  const pieces: Coordinates[] = [];
  let piece: Coordinates = [];
  for (let i = 0; i + 3 < line.length; i += 2) {
    const a = line[i + axis]!;
    const b = line[i + 2 + axis]!;
    if ((a < min && b < min) || (a > max && b > max)) {
      piece = [];
      continue;
    }
    const starts = a < min ? at(line, i, axis, min) : a > max ? at(line, i, axis, max) : undefined;
    if (starts || piece.length === 0) {
      piece = [...(starts ?? [line[i]!, line[i + 1]!])];
      pieces.push(piece);
    }
    const ends = b < min ? at(line, i, axis, min) : b > max ? at(line, i, axis, max) : undefined;
    piece.push(...(ends ?? [line[i + 2]!, line[i + 3]!]));
    if (ends) piece = [];
  }
  return pieces;
}

function clipRingAt(ring: Coordinates, axis: 0 | 1, border: number, sign: 1 | -1): Coordinates {
  const clipped: Coordinates = [];
  for (let i = 0; i + 3 < ring.length; i += 2) {
    const isIn = (ring[i + axis]! - border) * sign >= 0;
    const isNextIn = (ring[i + 2 + axis]! - border) * sign >= 0;
    if (isIn) clipped.push(ring[i]!, ring[i + 1]!);
    if (isIn !== isNextIn) clipped.push(...at(ring, i, axis, border));
  }
  if (clipped.length > 0) clipped.push(clipped[0]!, clipped[1]!);
  return clipped;
}

/** Returns the point where the segment from `i` crosses `border`. */
function at(line: Coordinates, i: number, axis: 0 | 1, border: number): [number, number] {
  const other = 1 - axis;
  const [a, b] = [line[i + axis]!, line[i + 2 + axis]!];
  const along = (border - a) / (b - a);
  const crossing = Math.round(line[i + other]! + along * (line[i + 2 + other]! - line[i + other]!));
  return axis === 0 ? [border, crossing] : [crossing, border];
}
