/** Sizes of layers whose `size` is not set. */
import { boxOf } from "../render/painter/point-index";
import { LARGEST_POINT_PX, sizeOfMany } from "../render/point-size";
import type { PathGeometry, PointGeometry, SizeStyle, Spread } from "../render/scene";

const EVENT_PX = 4;
const LINE_PX = 1.5;

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

function spreadOf({ x, y }: PointGeometry): Spread {
  const [minX, minY, maxX, maxY] = boxOf(x, y);
  return { count: x.length, area: maxX > minX ? (maxX - minX) * (maxY - minY) : 0 };
}
