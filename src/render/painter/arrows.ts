/** Arrowheads at the ends of lines. `!` in the loops: see `PathGeometry`. */
import { reserve, type Trace } from "../../geometry/clip";
import { HALF_WIDTH, TRIMMED } from "../arrow";
import type { PathGeometry } from "../scene";
import type { Canvas2D } from "./canvas";

/** Smaller heads cannot be recognised. */
const LEAST_CSS_PX = 3;
/** A head takes at most this share of its line. */
const MAX_SHARE = 0.5;

/** An arrowhead in world units: its tip, and the middle of its base. */
export interface Head {
  readonly tip: Vertex;
  readonly base: Vertex;
}

type Vertex = readonly [x: number, y: number];

/** Returns true if the path ends where it has been cut, see `PathGeometry`. */
export function isCutAtEnd(
  { xy, paths }: Pick<PathGeometry, "xy" | "paths">,
  path: number,
  lastPath: number,
): boolean {
  if (path + 1 >= lastPath) return false;
  const [from, end] = [2 * paths[path + 1]!, 2 * paths[path + 2]!];
  return end - from < 4 || (end - from === 4 && xy[from] === xy[from + 2] && xy[from + 1] === xy[from + 3]);
}

/**
 * Returns the head of a line from vertex `from` to `end`, and writes the line to `trimmed` without the part that the head
 * covers. On short lines heads are smaller.
 * @param length of the head in world units
 * @param cssPx world units per CSS pixel
 * @returns undefined if the head would be too small
 */
export function headOf(
  xy: Float64Array,
  [from, end]: readonly [from: number, end: number],
  { length, cssPx }: { readonly length: number; readonly cssPx: number },
  trimmed: Trace,
): Head | undefined {
  const size = Math.min(length, MAX_SHARE * lengthUpTo(xy, from, end, length / MAX_SHARE));
  if (!(size >= LEAST_CSS_PX * cssPx)) return undefined;
  const base = placeBefore(xy, from, end, size);
  const cut = placeBefore(xy, from, end, size * TRIMMED);
  const count = cut.before - from + 1;
  reserve(trimmed, count + 1);
  trimmed.xy.set(xy.subarray(2 * from, 2 * (cut.before + 1)));
  trimmed.xy.set(cut.at, 2 * count);
  trimmed.count = count + 1;
  return { tip: [xy[2 * end - 2]!, xy[2 * end - 1]!], base: base.at };
}

/** Fills an arrowhead. */
export function fillHead(
  context: Canvas2D,
  { tip, base }: Head,
  { scale, shiftX, shiftY }: { readonly scale: number; readonly shiftX: number; readonly shiftY: number },
): void {
  const [x, y] = [(tip[0] + shiftX) * scale, (tip[1] + shiftY) * scale];
  const [backX, backY] = [(base[0] + shiftX) * scale, (base[1] + shiftY) * scale];
  const [acrossX, acrossY] = [(backY - y) * HALF_WIDTH, (x - backX) * HALF_WIDTH];
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(backX + acrossX, backY + acrossY);
  context.lineTo(backX - acrossX, backY - acrossY);
  context.closePath();
  context.fill("evenodd");
}

/** Returns the length of a path, or a length that is at least `most`. */
function lengthUpTo(xy: Float64Array, from: number, end: number, most: number): number {
  let length = 0;
  for (let i = end - 1; i > from && length < most; i--) length += edgeBefore(xy, i);
  return length;
}

/** Returns the place that is `distance` before the end of a path that is longer, and the last vertex before it. */
function placeBefore(
  xy: Float64Array,
  from: number,
  end: number,
  distance: number,
): { readonly at: Vertex; readonly before: number } {
  let left = distance;
  for (let i = end - 1; i > from; i--) {
    const edge = edgeBefore(xy, i);
    if (edge >= left && edge > 0) {
      const share = left / edge;
      const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
      return { at: [x + (xy[2 * i - 2]! - x) * share, y + (xy[2 * i - 1]! - y) * share], before: i - 1 };
    }
    left -= edge;
  }
  return { at: [xy[2 * from]!, xy[2 * from + 1]!], before: from };
}

/** Returns the length of the edge that ends at a vertex. */
const edgeBefore = (xy: Float64Array, i: number): number =>
  Math.hypot(xy[2 * i]! - xy[2 * i - 2]!, xy[2 * i + 1]! - xy[2 * i - 1]!);
