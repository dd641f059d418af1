/** Finds the feature at a place, such as under the pointer. `!` in the loops: see `PointGeometry` and `PathGeometry`. */
import type { PathGeometry, PointGeometry } from "../scene";
import type { Place } from "./layer-painter";
import { forEachBlock, type PointIndex } from "./point-index";

/**
 * Returns the topmost point whose disc contains the place; otherwise the one with the nearest disc, at most `slop` away.
 * All lengths are in world units; `maxRadius` is the largest radius.
 */
export function hitPoint(
  { x, y }: PointGeometry,
  { order, boxes }: PointIndex,
  place: Place,
  radiusOf: (point: number) => number,
  { maxRadius, slop }: { readonly maxRadius: number; readonly slop: number },
): number | undefined {
  let [topmost, nearest, nearestGap] = [-1, -1, slop];
  const reach = maxRadius + slop;
  const around = [place.x - reach, place.y - reach, place.x + reach, place.y + reach] as const;
  forEachBlock({ boxes }, x.length, around, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = order === undefined ? k : order[k]!;
      const [dx, dy] = [x[i]! - place.x, y[i]! - place.y];
      if (!(Math.abs(dx) <= reach && Math.abs(dy) <= reach)) continue;
      const gap = Math.hypot(dx, dy) - radiusOf(i);
      if (gap <= 0) {
        if (i > topmost) topmost = i;
      } else if (gap < nearestGap || (gap === nearestGap && i > nearest)) [nearest, nearestGap] = [i, gap];
    }
  });
  const hit = topmost >= 0 ? topmost : nearest;
  return hit >= 0 ? hit : undefined;
}

/** Returns the topmost polygon that contains the place; `boxes` are those of the features. */
export function hitPolygon(
  { xy, paths, features }: PathGeometry,
  boxes: Float64Array,
  { x, y }: Place,
): number | undefined {
  for (let feature = features.length - 2; feature >= 0; feature--) {
    const at = 4 * feature;
    if (!(x >= boxes[at]! && y >= boxes[at + 1]! && x <= boxes[at + 2]! && y <= boxes[at + 3]!)) continue;
    let isInside = false;
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const [from, end] = [paths[path]!, paths[path + 1]!];
      for (let i = from, j = end - 1; i < end; j = i++) {
        const [xi, yi, xj, yj] = [xy[2 * i]!, xy[2 * i + 1]!, xy[2 * j]!, xy[2 * j + 1]!];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) isInside = !isInside;
      }
    }
    if (isInside) return feature;
  }
  return undefined;
}

/** Returns the line nearest to the place, at most its reach away; the topmost if several are equally near. */
export function hitLine(
  { xy, paths, features }: PathGeometry,
  boxes: Float64Array,
  { x, y }: Place,
  reachOf: (feature: number) => number,
): number | undefined {
  let hit: number | undefined;
  let nearest = Infinity;
  for (let feature = features.length - 2; feature >= 0; feature--) {
    const at = 4 * feature;
    const reach = Math.min(reachOf(feature), nearest);
    if (!(x >= boxes[at]! - reach && y >= boxes[at + 1]! - reach)) continue;
    if (!(x <= boxes[at + 2]! + reach && y <= boxes[at + 3]! + reach)) continue;
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      for (let i = paths[path]!; i + 1 < paths[path + 1]!; i++) {
        const distance = distanceTo(xy, 2 * i, x, y);
        if (distance > reachOf(feature) || distance >= nearest) continue;
        [hit, nearest] = [feature, distance];
      }
    }
  }
  return hit;
}

/** Returns the distance from (x, y) to the segment that starts at index `at` of `xy`. */
function distanceTo(xy: Float64Array, at: number, x: number, y: number): number {
  const [ax, ay] = [xy[at]!, xy[at + 1]!];
  const [dx, dy] = [xy[at + 2]! - ax, xy[at + 3]! - ay];
  const length2 = dx * dx + dy * dy;
  const share = length2 > 0 ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length2)) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}
