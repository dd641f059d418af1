/** Finds the features at a place, such as under the pointer. `!` in the loops: see `PointGeometry` and `PathGeometry`. */
import type { PathGeometry, PointGeometry } from "../scene";
import type { Place } from "./layer-painter";
import { forEachBlock, type PointIndex } from "./point-index";

/** Lengths in world units. */
interface Reach {
  /** Distance at which a place beside a feature still hits it, if the place is on no feature. */
  readonly slop: number;
  /** Maximum number of features to return, the topmost ones. */
  readonly most: number;
}

/**
 * Returns the points whose discs contain the place, topmost first; if there are none, the one with the nearest disc, at
 * most `slop` away. `maxRadius` is the largest radius.
 */
export function hitPoints(
  { x, y }: PointGeometry,
  { order, boxes }: PointIndex,
  place: Place,
  radiusOf: (point: number) => number,
  { maxRadius, slop, most }: Reach & { readonly maxRadius: number },
): number[] {
  const covering: number[] = [];
  let [nearest, nearestGap] = [-1, slop];
  const reach = maxRadius + slop;
  const around = [place.x - reach, place.y - reach, place.x + reach, place.y + reach] as const;
  forEachBlock({ boxes }, x.length, around, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = order === undefined ? k : order[k]!;
      const [dx, dy] = [x[i]! - place.x, y[i]! - place.y];
      if (!(Math.abs(dx) <= reach && Math.abs(dy) <= reach)) continue;
      const gap = Math.hypot(dx, dy) - radiusOf(i);
      if (gap <= 0) {
        if (covering.push(i) >= 2 * most + 64) keepTopmost(covering, most);
      } else if (gap < nearestGap || (gap === nearestGap && i > nearest)) [nearest, nearestGap] = [i, gap];
    }
  });
  if (covering.length === 0) return nearest >= 0 ? [nearest] : [];
  return keepTopmost(covering, most);
}

function keepTopmost(features: number[], most: number): number[] {
  features.sort((a, b) => b - a);
  features.length = Math.min(features.length, most);
  return features;
}

/** Returns the polygons that contain the place, topmost first; `boxes` are those of the features. */
export function hitPolygons(
  { xy, paths, features }: PathGeometry,
  boxes: Float64Array,
  { x, y }: Place,
  most: number,
): number[] {
  const found: number[] = [];
  for (let feature = features.length - 2; feature >= 0 && found.length < most; feature--) {
    const at = 4 * feature;
    if (!(x >= boxes[at]! && y >= boxes[at + 1]! && x <= boxes[at + 2]! && y <= boxes[at + 3]!)) continue;
    if (isInPolygon({ xy, paths, features }, feature, { x, y })) found.push(feature);
  }
  return found;
}

/** True if a feature contains a place, by the even-odd rule over all of its rings. */
export function isInPolygon(
  { xy, paths, features }: Pick<PathGeometry, "xy" | "paths" | "features">,
  feature: number,
  place: Place,
): boolean {
  let isInside = false;
  for (let path = features[feature]!; path < features[feature + 1]!; path++)
    if (isInRing(xy, place, paths[path]!, paths[path + 1]!)) isInside = !isInside;
  return isInside;
}

/** True if a ring, the pairs `from` to `end` of `xy`, contains a place. */
export function isInRing(xy: Float64Array, { x, y }: Place, from = 0, end = xy.length / 2): boolean {
  let isInside = false;
  for (let i = from, j = end - 1; i < end; j = i++) {
    const [xi, yi, xj, yj] = [xy[2 * i]!, xy[2 * i + 1]!, xy[2 * j]!, xy[2 * j + 1]!];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) isInside = !isInside;
  }
  return isInside;
}

/**
 * Returns the lines whose strokes contain the place, topmost first; if there are none, the nearest line, at most `slop`
 * beside its stroke. `radiusOf` returns half the width of a line.
 */
export function hitLines(
  { xy, paths, features }: PathGeometry,
  boxes: Float64Array,
  { x, y }: Place,
  radiusOf: (feature: number) => number,
  { slop, most }: Reach,
): number[] {
  const covering: number[] = [];
  let [nearest, nearestGap] = [-1, slop];
  for (let feature = features.length - 2; feature >= 0 && covering.length < most; feature--) {
    const at = 4 * feature;
    const radius = radiusOf(feature);
    const reach = radius + (covering.length > 0 ? 0 : nearestGap);
    if (!(x >= boxes[at]! - reach && y >= boxes[at + 1]! - reach)) continue;
    if (!(x <= boxes[at + 2]! + reach && y <= boxes[at + 3]! + reach)) continue;
    let gap = Infinity;
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      for (let i = paths[path]!; i + 1 < paths[path + 1]! && gap > 0; i++)
        gap = Math.min(gap, distanceTo(xy, 2 * i, x, y) - radius);
    }
    if (gap <= 0) covering.push(feature);
    else if (gap < nearestGap || (gap === nearestGap && nearest < 0)) [nearest, nearestGap] = [feature, gap];
  }
  return covering.length === 0 && nearest >= 0 ? [nearest] : covering;
}

/** Returns the distance from (x, y) to the segment that starts at index `at` of `xy`. */
function distanceTo(xy: Float64Array, at: number, x: number, y: number): number {
  const [ax, ay] = [xy[at]!, xy[at + 1]!];
  const [dx, dy] = [xy[at + 2]! - ax, xy[at + 3]! - ay];
  const length2 = dx * dx + dy * dy;
  const share = length2 > 0 ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length2)) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}
