import type { PathGeometry } from "../scene";

/** Vertices are moved to a grid of this many device pixels: too little to be seen, and neighbours still meet. */
const GRID_DEVICE_PX = 0.5;
/** A thinned copy must spare at least this share of the vertices to be kept. */
const WORTHWHILE = 0.25;

/** The part of a geometry that thinning changes: `paths` still has one entry per path. */
export type Vertices = Pick<PathGeometry, "xy" | "paths">;

/**
 * A geometry's vertices for a scale, thinned to what can be told apart. One copy is kept per zoom step; from where on
 * thinning does not pay, the geometry itself is used.
 */
export class Thinner {
  readonly #geometry: Vertices;
  readonly #levels = new Map<number, Vertices>();
  #fullFrom = Infinity;

  constructor(geometry: Vertices) {
    this.#geometry = geometry;
  }

  /** `worldDevicePx` is the size of the world in device pixels. */
  at(worldDevicePx: number): Vertices {
    const level = Math.ceil(Math.log2(worldDevicePx));
    if (level >= this.#fullFrom) return this.#geometry;
    const known = this.#levels.get(level);
    if (known) return known;
    const thinned = thin(this.#geometry, GRID_DEVICE_PX / 2 ** level);
    if (thinned.xy.length > (1 - WORTHWHILE) * this.#geometry.xy.length) {
      this.#fullFrom = level;
      return this.#geometry;
    }
    this.#levels.set(level, thinned);
    return thinned;
  }
}

/** Snaps the vertices of each path to a grid and drops those that fall on their predecessor or lie straight ahead. */
function thin({ xy, paths }: Vertices, grid: number): Vertices {
  const snapped = new Float64Array(xy.length);
  const starts = new Uint32Array(paths.length);
  let count = 0;
  for (let path = 0; path + 1 < paths.length; path++) {
    starts[path] = count >> 1;
    let [lastX, lastY, lastDx, lastDy] = [NaN, NaN, NaN, NaN];
    for (let at = 2 * paths[path]!; at < 2 * paths[path + 1]!; at += 2) {
      const x = Math.round(xy[at]! / grid);
      const y = Math.round(xy[at + 1]! / grid);
      const dx = x - lastX;
      const dy = y - lastY;
      if (dx === 0 && dy === 0) continue;
      if (dx === lastDx && dy === lastDy) count -= 2;
      snapped[count++] = x * grid;
      snapped[count++] = y * grid;
      lastX = x;
      lastY = y;
      lastDx = dx;
      lastDy = dy;
    }
  }
  if (starts.length > 0) starts[starts.length - 1] = count >> 1;
  return { xy: snapped.slice(0, count), paths: starts };
}
