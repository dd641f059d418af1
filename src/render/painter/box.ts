import type { Box } from "../../geometry/clip";
import type { Viewport } from "../scene";

/** Returns the box of a viewport, grown by `aroundPx` CSS pixels on each side. */
export function boxAround({ originX, originY, worldPx, widthPx, heightPx }: Viewport, aroundPx: number): Box {
  const around = aroundPx / worldPx;
  return [
    originX - around,
    originY - around,
    originX + widthPx / worldPx + around,
    originY + heightPx / worldPx + around,
  ];
}

/**
 * Returns the copies of the world in which a box touches the view, as offsets in x: -1 and 0 at the antimeridian. There are
 * `most` copies on either side of the world.
 */
export function copiesOf(box: Box, view: Box, most: number): number[] {
  if (!(box[0] <= box[2]) || box[1] > view[3] || box[3] < view[1]) return [];
  const copies: number[] = [];
  const last = Math.min(most, Math.floor(view[2] - box[0]));
  for (let copy = Math.max(-most, Math.ceil(view[0] - box[2])); copy <= last; copy++) copies.push(copy);
  return copies;
}

export const movedX = ([minX, minY, maxX, maxY]: Box, x: number): Box => [minX + x, minY, maxX + x, maxY];

export const contains = (outer: Box, inner: Box): boolean =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

/** Returns minX, minY, maxX and maxY of each path. `!`: `paths` are indexes of pairs in `xy`, the last one its end. */
export function boxesOfPaths(xy: Float64Array, paths: Uint32Array): Float64Array {
  const boxes = emptyBoxes(paths.length - 1);
  for (let path = 0, box = 0; path + 1 < paths.length; path++, box += 4) {
    for (let at = 2 * paths[path]!; at < 2 * paths[path + 1]!; at += 2) {
      grow(boxes, box, xy[at]!, xy[at + 1]!, xy[at]!, xy[at + 1]!);
    }
  }
  return boxes;
}

/** Returns the box of each group: group g has the boxes `starts[g]` to `starts[g + 1]`. `!`: as for paths. */
export function boxesOfGroups(parts: Float64Array, starts: Uint32Array): Float64Array {
  const boxes = emptyBoxes(starts.length - 1);
  for (let group = 0, box = 0; group + 1 < starts.length; group++, box += 4) {
    for (let at = 4 * starts[group]!; at < 4 * starts[group + 1]!; at += 4) {
      grow(boxes, box, parts[at]!, parts[at + 1]!, parts[at + 2]!, parts[at + 3]!);
    }
  }
  return boxes;
}

function emptyBoxes(count: number): Float64Array {
  const boxes = new Float64Array(4 * Math.max(0, count));
  for (let at = 0; at < boxes.length; at++) boxes[at] = at & 2 ? -Infinity : Infinity;
  return boxes;
}

/** Grows box `at / 4`. NaN changes nothing, because comparisons with it are false. `!`: `at` is the start of a box. */
function grow(boxes: Float64Array, at: number, minX: number, minY: number, maxX: number, maxY: number): void {
  if (minX < boxes[at]!) boxes[at] = minX;
  if (minY < boxes[at + 1]!) boxes[at + 1] = minY;
  if (maxX > boxes[at + 2]!) boxes[at + 2] = maxX;
  if (maxY > boxes[at + 3]!) boxes[at + 3] = maxY;
}
