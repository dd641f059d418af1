/**
 * Finds the features that touch an area: the view, a box or a lasso. `!` in the loops: see `PathGeometry`; indexes are below
 * the number of points or features.
 */
import { type Box, clipSegment } from "../../geometry/clip";
import { boxesOfGroups, boxesOfPaths, copiesOf, movedX } from "../painter/box";
import { isInPolygon, isInRing } from "../painter/hit";
import { boxOf } from "../painter/point-index";
import type { PathGeometry, PointGeometry } from "../scene";

/** A polygon without holes in world units, x and y in turn, in any copy of the world; a box if it has no `ring`. */
export interface Area {
  readonly box: Box;
  readonly ring?: Float64Array;
}

/** Returns the area inside a ring. */
export function areaOf(ring: Float64Array): Area {
  const [x, y] = [ring.filter((_, i) => i % 2 === 0), ring.filter((_, i) => i % 2 === 1)];
  return { box: boxOf(x, y), ring };
}

/** The boxes of the features of a layer, which are found once. */
export class FeatureFinder {
  readonly #geometry: PointGeometry | PathGeometry;
  /** Copies of the world on either side of it. */
  readonly #copies: number;
  readonly #box: Box;
  /** Four numbers for each feature of lines and polygons. */
  readonly #boxes: Float64Array | undefined;

  constructor(geometry: PointGeometry | PathGeometry, copies: number) {
    this.#geometry = geometry;
    this.#copies = copies;
    if (geometry.kind === "point") {
      this.#box = boxOf(geometry.x, geometry.y);
      return;
    }
    this.#boxes = boxesOfGroups(boxesOfPaths(geometry.xy, geometry.paths), geometry.features);
    const all = boxesOfGroups(this.#boxes, Uint32Array.of(0, this.#boxes.length / 4));
    this.#box = [all[0]!, all[1]!, all[2]!, all[3]!];
  }

  /** True if a box contains all features with a margin, in the world of longitude 0. */
  isWithin([west, north, east, south]: Box, margin: number): boolean {
    const [left, top, right, bottom] = this.#box;
    return (
      left - margin >= west && right + margin <= east && top - margin >= north && bottom + margin <= south
    );
  }

  /** Sets the item of each feature that touches an area to 1. */
  mark(area: Area, found: Uint8Array): void {
    for (const copy of copiesOf(this.#box, area.box, this.#copies)) {
      const moved: Area = {
        box: movedX(area.box, -copy),
        ...(area.ring && { ring: area.ring.map((value, i) => (i % 2 === 0 ? value - copy : value)) }),
      };
      if (this.#geometry.kind === "point") markPoints(this.#geometry, moved, found);
      else this.#markPaths(this.#geometry, moved, found);
    }
  }

  #markPaths(geometry: PathGeometry, area: Area, found: Uint8Array): void {
    const boxes = this.#boxes!;
    const [west, north, east, south] = area.box;
    for (let feature = 0; feature < found.length; feature++) {
      const at = 4 * feature;
      const [left, top, right, bottom] = [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
      if (found[feature] === 1 || !(left <= east && right >= west && top <= south && bottom >= north))
        continue;
      const isWithin = left >= west && right <= east && top >= north && bottom <= south;
      if ((isWithin && !area.ring) || touches(geometry, feature, area)) found[feature] = 1;
    }
  }
}

function markPoints({ x, y }: PointGeometry, { box, ring }: Area, found: Uint8Array): void {
  const [west, north, east, south] = box;
  for (let i = 0; i < x.length; i++) {
    const [px, py] = [x[i]!, y[i]!];
    if (px >= west && px <= east && py >= north && py <= south && (!ring || isInRing(ring, { x: px, y: py })))
      found[i] = 1;
  }
}

/** True if a line or polygon has a point in an area. */
function touches({ kind, xy, paths, features }: PathGeometry, feature: number, { box, ring }: Area): boolean {
  const around = ring ?? ringOf(box);
  const isInside = (x: number, y: number) =>
    ring ? isInRing(ring, { x, y }) : x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
  for (let path = features[feature]!; path < features[feature + 1]!; path++)
    for (let i = paths[path]!; i < paths[path + 1]!; i++) {
      const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
      if (isInside(x, y)) return true;
      // rings may be open: the last vertex of a polygon connects to its first one
      const isLast = i + 1 === paths[path + 1];
      if (isLast && kind === "line") continue;
      const next = isLast ? paths[path]! : i + 1;
      const [dx, dy] = [xy[2 * next]! - x, xy[2 * next + 1]! - y];
      if (clipSegment(x, y, dx, dy, box) && crosses(around, x, y, dx, dy)) return true;
    }
  // otherwise a polygon contains all of the area, or misses it
  return (
    kind === "polygon" && isInPolygon({ xy, paths, features }, feature, { x: around[0]!, y: around[1]! })
  );
}

const ringOf = ([west, north, east, south]: Box): Float64Array =>
  Float64Array.of(west, north, east, north, east, south, west, south);

/** True if a segment crosses a side of a ring. */
function crosses(ring: Float64Array, x: number, y: number, dx: number, dy: number): boolean {
  const sideOf = (ax: number, ay: number, bx: number, by: number, px: number, py: number) =>
    Math.sign((bx - ax) * (py - ay) - (by - ay) * (px - ax));
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [ax, ay, bx, by] = [ring[j]!, ring[j + 1]!, ring[i]!, ring[i + 1]!];
    const apart = sideOf(ax, ay, bx, by, x, y) !== sideOf(ax, ay, bx, by, x + dx, y + dy);
    if (apart && sideOf(x, y, x + dx, y + dy, ax, ay) !== sideOf(x, y, x + dx, y + dy, bx, by)) return true;
  }
  return false;
}
