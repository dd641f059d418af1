/** Sizes of layers whose `size` is not set. */
import type { Box } from "../geometry/clip";
import { boxOf } from "../render/painter/point-index";
import { LARGEST_POINT_PX, MOST_POINTS, sizeOfMany } from "../render/point-size";
import type { PathGeometry, PointGeometry, SizeStyle, Spread } from "../render/scene";

const EVENT_PX = 4;
const LINE_PX = 1.5;

/** Cells on each side of a grid that shows where. */
const GRID = 64;

/** Returns the size of lines, of events, or of points, which grow while fewer of them are in the view. */
export function defaultSize(
  geometry: PointGeometry | PathGeometry,
  { isTimed }: { readonly isTimed: boolean },
): Extract<SizeStyle, { kind: "constant" }> {
  // the size of polygons is unused
  if (geometry.kind !== "point")
    return { kind: "constant", px: geometry.kind === "line" ? LINE_PX : LARGEST_POINT_PX };
  if (isTimed) return { kind: "constant", px: EVENT_PX };
  return { kind: "constant", px: sizeOfMany(geometry.x.length), spread: spreadOf(geometry) };
}

/** Returns the diameter of the largest point, or the width of the widest line, at any zoom, in CSS pixels. */
export function largestPx(size: SizeStyle): number {
  if (size.kind === "classes") return Math.max(size.missingPx, ...size.px);
  return size.spread ? LARGEST_POINT_PX : size.px;
}

/** Returns the number of points and the area of their bounds; of many points, the area in which most of them are. */
function spreadOf({ x, y }: PointGeometry): Spread {
  const box = boxOf(x, y);
  const [minX, minY, maxX, maxY] = box;
  if (!(maxX > minX)) return { count: x.length, area: 0 };
  const area = (maxX - minX) * (maxY - minY);
  return { count: x.length, area: x.length > MOST_POINTS ? area * filledShare(x, y, box) : area };
}

/**
 * Returns the share of a box in which an even spread would be as dense as the points are around a typical point:
 * (Σn)² / Σn² cells of a grid.
 */
function filledShare(x: Float64Array, y: Float64Array, [minX, minY, maxX, maxY]: Box): number {
  const counts = new Float64Array(GRID * GRID);
  const cellOf = (value: number, min: number, max: number) =>
    max > min ? Math.min(GRID - 1, Math.floor(((value - min) / (max - min)) * GRID)) : 0;
  // `!`: x and y have the same length, and cells are in the grid
  for (let i = 0; i < x.length; i++)
    if (Number.isFinite(x[i]! + y[i]!))
      counts[cellOf(y[i]!, minY, maxY) * GRID + cellOf(x[i]!, minX, maxX)]! += 1;
  const [sum, squares] = counts.reduce(([all, sq], n) => [all + n, sq + n * n], [0, 0]);
  return squares > 0 ? (sum * sum) / squares / counts.length : 1;
}
