import { type Box, clipSegment, clipRing as clipTrace, reserve, type Trace } from "../../geometry/clip";
import type { Coordinates } from "./twkb";

const trace: Trace = { xy: new Float64Array(0), count: 0 };
const spare: Trace = { xy: new Float64Array(0), count: 0 };

/** Clips a line to a box. Returns its pieces in whole numbers. */
export function clipLine(line: Coordinates, box: Box): Coordinates[] {
  const pieces: Coordinates[] = [];
  let piece: Coordinates | undefined;
  for (let i = 0; i + 3 < line.length; i += 2) {
    const [x, y, toX, toY] = [line[i]!, line[i + 1]!, line[i + 2]!, line[i + 3]!]; // `!`: i + 3 < length
    const [dx, dy] = [toX - x, toY - y];
    const part = clipSegment(x, y, dx, dy, box);
    if (part === undefined) {
      piece = undefined;
      continue;
    }
    const [start, stop] = part;
    if (piece === undefined) {
      piece = [Math.round(x + start * dx), Math.round(y + start * dy)];
      pieces.push(piece);
    }
    piece.push(Math.round(x + stop * dx), Math.round(y + stop * dy));
    if (stop < 1) piece = undefined;
  }
  return pieces;
}

/** Clips a closed ring to a box. The result is closed, in whole numbers, and runs along the box where the ring is outside. */
export function clipRing(ring: Coordinates, box: Box): Coordinates {
  trace.count = ring.length / 2 - 1; // without the vertex that closes it
  reserve(trace, trace.count);
  trace.xy.set(ring.slice(0, -2));
  clipTrace(trace, spare, box, true);
  const clipped = Array.from(trace.xy.subarray(0, 2 * trace.count));
  return clipped.length === 0 ? clipped : [...clipped, ...clipped.slice(0, 2)];
}
