import type { Box } from "../geometry/clip";
import { lngLatOf } from "../geometry/mercator";
import type { Bounds, PathGeometry, PointGeometry } from "../render/scene";

/** Number of cells around the world in which occupied longitudes are marked: 0.1° each. */
const CELLS = 3600;
/** Bounds cross the antimeridian if they are at most this share as wide as bounds that do not. */
const MUCH_SHORTER = 0.75;

/**
 * Returns the bounds of geometries in degrees; null if there are none. They cross the antimeridian, with east < west, if
 * that makes them much narrower.
 */
export function boundsOf(geometries: readonly (PointGeometry | PathGeometry)[]): Bounds | null {
  const extent = new Extent();
  for (const geometry of geometries) {
    if (geometry.kind === "point") extent.addPoints(geometry);
    else extent.addPaths(geometry);
  }
  return extent.bounds();
}

/** Returns the box of geometries in world units; null if there are none. */
export function boxOfAll(geometries: readonly (PointGeometry | PathGeometry)[]): Box | null {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const geometry of geometries) {
    const [xs, ys, step] =
      geometry.kind === "point" ? [geometry.x, geometry.y, 1] : [geometry.xy, geometry.xy.subarray(1), 2];
    for (let i = 0; i < xs.length; i += step) {
      const [x, y] = [xs[i]!, ys[i]!]; // `!`: xs and ys have the same length
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
    }
  }
  return minX > maxX ? null : [minX, minY, maxX, maxY];
}

class Extent {
  #minY = Infinity;
  #maxY = -Infinity;
  /** World x of the westernmost and easternmost end of an interval in each cell. */
  readonly #west = new Float64Array(CELLS).fill(Infinity);
  readonly #east = new Float64Array(CELLS).fill(-Infinity);
  readonly #isCovered = new Uint8Array(CELLS);

  addPoints({ x, y }: PointGeometry): void {
    for (let i = 0; i < x.length; i++) {
      const at = x[i]!;
      const cell = at < 1 ? Math.floor(at * CELLS) : CELLS - 1;
      if (at < this.#west[cell]!) this.#west[cell] = at;
      if (at > this.#east[cell]!) this.#east[cell] = at;
      this.#isCovered[cell] = 1;
      this.#addY(y[i]!);
    }
  }

  addPaths({ xy, paths }: PathGeometry): void {
    for (let path = 0; path + 1 < paths.length; path++) {
      let min = Infinity;
      let max = -Infinity;
      for (let i = paths[path]! * 2; i < paths[path + 1]! * 2; i += 2) {
        if (xy[i]! < min) min = xy[i]!;
        if (xy[i]! > max) max = xy[i]!;
        this.#addY(xy[i + 1]!);
      }
      this.#addInterval(min, max);
    }
  }

  bounds(): Bounds | null {
    if (this.#minY > this.#maxY) return null;
    const [, north] = lngLatOf([0, this.#minY]);
    const [, south] = lngLatOf([0, this.#maxY]);
    const [west, east] = this.#sides();
    return [lngLatOf([west, 0])[0], south, lngLatOf([east, 0])[0], north];
  }

  #addY(y: number): void {
    if (y < this.#minY) this.#minY = y;
    if (y > this.#maxY) this.#maxY = y;
  }

  /** Marks an interval, which can extend beyond the antimeridian. */
  #addInterval(min: number, max: number): void {
    const from = min - Math.floor(min);
    const to = from + (max - min);
    if (max - min >= 1) this.#mark(0, 1);
    else if (to <= 1) this.#mark(from, to);
    else {
      this.#mark(from, 1);
      this.#mark(0, to - 1);
    }
  }

  #mark(from: number, to: number): void {
    const first = Math.min(CELLS - 1, Math.floor(from * CELLS));
    const last = Math.min(CELLS - 1, Math.floor(to * CELLS));
    if (from < this.#west[first]!) this.#west[first] = from;
    if (to > this.#east[last]!) this.#east[last] = to;
    this.#isCovered.fill(1, first, last + 1);
  }

  /** Returns world x of the western and the eastern side. */
  #sides(): [west: number, east: number] {
    const west = this.#west[this.#isCovered.indexOf(1)]!;
    const east = this.#east[this.#isCovered.lastIndexOf(1)]!;
    const gap = this.#widestGap();
    if (gap === null) return [west, east];
    const [gapWest, gapEast] = gap;
    const across = 1 - (gapEast - gapWest);
    return across <= MUCH_SHORTER * (east - west) ? [gapEast, gapWest] : [west, east];
  }

  #widestGap(): [west: number, east: number] | null {
    let widest: [number, number] | null = null;
    for (let cell = this.#isCovered.indexOf(1) + 1; cell < CELLS; cell++) {
      if (this.#isCovered[cell] === 1) continue;
      const end = this.#isCovered.indexOf(1, cell);
      if (end === -1) break;
      const gap: [number, number] = [this.#east[cell - 1]!, this.#west[end]!];
      if (widest === null || gap[1] - gap[0] > widest[1] - widest[0]) widest = gap;
      cell = end;
    }
    return widest;
  }
}
