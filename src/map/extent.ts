import { lngLatOf } from "../geometry/mercator";
import type { Bounds, PathGeometry, PointGeometry } from "../render/scene";

/** Cells around the world, in which occupied longitudes are marked: 0.1° each. */
const CELLS = 3600;
/** The way across the antimeridian is taken if it is at most this share of the other one. */
const MUCH_SHORTER = 0.75;

/**
 * The bounds of geometries in degrees, east < west if the data lie on both sides of the antimeridian and are much
 * nearer to each other across it; null where there is no geometry.
 */
export function boundsOf(geometries: readonly (PointGeometry | PathGeometry)[]): Bounds | null {
  const extent = new Extent();
  for (const geometry of geometries) {
    if (geometry.kind === "point") extent.addPoints(geometry);
    else extent.addPaths(geometry);
  }
  return extent.bounds();
}

class Extent {
  private minY = Infinity;
  private maxY = -Infinity;
  /** The westernmost and the easternmost end of an interval in each cell, as world x. */
  private readonly west = new Float64Array(CELLS).fill(Infinity);
  private readonly east = new Float64Array(CELLS).fill(-Infinity);
  private readonly isCovered = new Uint8Array(CELLS);

  addPoints({ x, y }: PointGeometry): void {
    for (let i = 0; i < x.length; i++) {
      const at = x[i]!;
      const cell = at < 1 ? Math.floor(at * CELLS) : CELLS - 1;
      if (at < this.west[cell]!) this.west[cell] = at;
      if (at > this.east[cell]!) this.east[cell] = at;
      this.isCovered[cell] = 1;
      this.addY(y[i]!);
    }
  }

  addPaths({ xy, paths }: PathGeometry): void {
    for (let path = 0; path + 1 < paths.length; path++) {
      let min = Infinity;
      let max = -Infinity;
      for (let i = paths[path]! * 2; i < paths[path + 1]! * 2; i += 2) {
        if (xy[i]! < min) min = xy[i]!;
        if (xy[i]! > max) max = xy[i]!;
        this.addY(xy[i + 1]!);
      }
      this.addInterval(min, max);
    }
  }

  bounds(): Bounds | null {
    if (this.minY > this.maxY) return null;
    const [, north] = lngLatOf([0, this.minY]);
    const [, south] = lngLatOf([0, this.maxY]);
    const [west, east] = this.sides();
    return [lngLatOf([west, 0])[0], south, lngLatOf([east, 0])[0], north];
  }

  private addY(y: number): void {
    if (y < this.minY) this.minY = y;
    if (y > this.maxY) this.maxY = y;
  }

  /** Marks an interval, which may be beyond the world's ends: what is there is on its other side. */
  private addInterval(min: number, max: number): void {
    const from = min - Math.floor(min);
    const to = from + (max - min);
    if (max - min >= 1) this.mark(0, 1);
    else if (to <= 1) this.mark(from, to);
    else {
      this.mark(from, 1);
      this.mark(0, to - 1);
    }
  }

  private mark(from: number, to: number): void {
    const first = Math.min(CELLS - 1, Math.floor(from * CELLS));
    const last = Math.min(CELLS - 1, Math.floor(to * CELLS));
    if (from < this.west[first]!) this.west[first] = from;
    if (to > this.east[last]!) this.east[last] = to;
    this.isCovered.fill(1, first, last + 1);
  }

  /** World x of the western and the eastern side. */
  private sides(): [west: number, east: number] {
    const west = this.west[this.isCovered.indexOf(1)]!;
    const east = this.east[this.isCovered.lastIndexOf(1)]!;
    const gap = this.widestGap();
    if (gap === null) return [west, east];
    const [gapWest, gapEast] = gap;
    const across = 1 - (gapEast - gapWest);
    return across <= MUCH_SHORTER * (east - west) ? [gapEast, gapWest] : [west, east];
  }

  /** The widest interval between two marked ones in which there is nothing. */
  private widestGap(): [west: number, east: number] | null {
    let widest: [number, number] | null = null;
    for (let cell = this.isCovered.indexOf(1) + 1; cell < CELLS; cell++) {
      if (this.isCovered[cell] === 1) continue;
      const end = this.isCovered.indexOf(1, cell);
      if (end === -1) break;
      const gap: [number, number] = [this.east[cell - 1]!, this.west[end]!];
      if (widest === null || gap[1] - gap[0] > widest[1] - widest[0]) widest = gap;
      cell = end;
    }
    return widest;
  }
}
