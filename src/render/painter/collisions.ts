/** Keeps labels apart from each other, and clear of what lies on the map. */
import type { Viewport } from "../scene";

/** Cell size of the grid in CSS pixels. */
const CELL_PX = 64;

/** A view, and the places on it that labels must not cover, in CSS pixels from its corner. */
export interface Clearance {
  readonly viewport: Viewport;
  readonly places: readonly Place[];
}

interface Place {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export type Rect = readonly [left: number, top: number, right: number, bottom: number];

/** Rectangles in a grid of cells, on a world that wraps around at the antimeridian. */
export class Collisions {
  readonly #cells = new Map<number, Rect[]>();
  /** Width of the world in CSS pixels, after which it repeats; Infinity if it does not repeat. */
  readonly #periodPx: number;
  readonly #clear: Clearance | undefined;

  constructor(periodPx: number, clear?: Clearance) {
    this.#periodPx = periodPx;
    this.#clear = clear;
  }

  /** Adds a rectangle and returns true, unless it overlaps another, or would be cut or covered in the view to keep clear. */
  add(rect: Rect): boolean {
    if (this.#clear && !isWhole(rect, this.#clear, this.#periodPx)) return false;
    const keys = keysOf(rect);
    if (this.touches(rect, keys)) return false;
    this.take(rect, keys);
    return true;
  }

  /** True if a rectangle overlaps one of those that were added. */
  touches(rect: Rect, keys: readonly number[] = keysOf(rect)): boolean {
    for (const key of keys) {
      for (const [left, top, right, bottom] of this.#cells.get(key) ?? []) {
        if (rect[0] < right && rect[2] > left && rect[1] < bottom && rect[3] > top) return true;
      }
    }
    return false;
  }

  /** Adds a rectangle, whether or not it overlaps another. */
  take(rect: Rect, keys: readonly number[] = keysOf(rect)): void {
    this.#put(rect, keys);
    // what crosses the antimeridian also takes room at the other end of the world
    const period = this.#periodPx;
    for (const move of [rect[0] < 0 ? period : 0, rect[2] > period ? -period : 0]) {
      if (move === 0 || period === Infinity) continue;
      const moved: Rect = [rect[0] + move, rect[1], rect[2] + move, rect[3]];
      this.#put(moved, keysOf(moved));
    }
  }

  /** Returns the rectangles that contain a place. */
  around(x: number, y: number): Rect[] {
    const [key] = keysOf([x, y, x, y]);
    const cell = this.#cells.get(key!) ?? []; // a place has a key
    return cell.filter(([left, top, right, bottom]) => x > left && x < right && y > top && y < bottom);
  }

  #put(rect: Rect, keys: readonly number[]): void {
    for (const key of keys) {
      const cell = this.#cells.get(key);
      if (cell) cell.push(rect);
      else this.#cells.set(key, [rect]);
    }
  }
}

/** Returns false if a rectangle crosses the edge of the view, in the copy of the world nearest to it, or touches a place. */
function isWhole(
  [left, top, right, bottom]: Rect,
  { viewport, places }: Clearance,
  periodPx: number,
): boolean {
  const { originX, originY, worldPx, widthPx, heightPx } = viewport;
  const offCentre = originX * worldPx + widthPx / 2 - (left + right) / 2;
  const copies = periodPx === Infinity ? 0 : Math.round(offCentre / periodPx);
  const x = left - originX * worldPx + copies * worldPx;
  const y = top - originY * worldPx;
  const [endX, endY] = [x + right - left, y + bottom - top];
  if (endX <= 0 || endY <= 0 || x >= widthPx || y >= heightPx) return true; // not in the view
  if (x < 0 || y < 0 || endX > widthPx || endY > heightPx) return false;
  return !places.some(
    (place) => x < place.right && endX > place.left && y < place.bottom && endY > place.top,
  );
}

function keysOf([left, top, right, bottom]: Rect): number[] {
  const keys: number[] = [];
  for (let column = Math.floor(left / CELL_PX); column <= Math.floor(right / CELL_PX); column++) {
    for (let row = Math.floor(top / CELL_PX); row <= Math.floor(bottom / CELL_PX); row++)
      keys.push(column * 2 ** 24 + row);
  }
  return keys;
}
