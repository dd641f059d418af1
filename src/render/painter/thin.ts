import type { PathGeometry } from "../scene";

/** Consecutive vertices within a cell of this many device pixels are merged. */
const CELL_DEVICE_PX = 1;
/** A thinned copy is kept only if it saves at least this share of the vertices. */
const WORTHWHILE = 0.25;

/** The part of a geometry that thinning changes; the number of paths stays the same. */
export type Vertices = Pick<PathGeometry, "xy" | "paths">;

/**
 * Thins the vertices of a geometry to what is visible at a scale. Keeps one copy per zoom step; at scales where thinning
 * saves little, returns the geometry itself.
 */
export class Thinner {
  readonly #geometry: Vertices;
  readonly #levels = new Map<number, Vertices>();
  #fullFrom = Infinity;
  #lastAsked: number | undefined;

  constructor(geometry: Vertices) {
    this.#geometry = geometry;
  }

  /** `worldDevicePx` is the width of the world in device pixels. */
  at(worldDevicePx: number): Vertices {
    this.#lastAsked = Math.ceil(Math.log2(worldDevicePx));
    return this.#level(this.#lastAsked);
  }

  /** Prepares the next zoom steps in and out. */
  warm(): void {
    if (this.#lastAsked === undefined) return;
    for (const step of [1, -1]) this.#level(this.#lastAsked + step);
  }

  #level(level: number): Vertices {
    if (level >= this.#fullFrom) return this.#geometry;
    const known = this.#levels.get(level);
    if (known) return known;
    const thinned = thin(this.#geometry, CELL_DEVICE_PX / 2 ** level);
    if (thinned.xy.length > (1 - WORTHWHILE) * this.#geometry.xy.length) {
      this.#fullFrom = level;
      return this.#geometry;
    }
    this.#levels.set(level, thinned);
    return thinned;
  }
}

/**
 * Replaces each run of vertices in one cell by the midpoint of its first and last vertex, and keeps both ends of a path.
 * The result is the same in either direction, so that neighbours still share their border. `!`: see `PathGeometry`.
 */
function thin({ xy, paths }: Vertices, cell: number): Vertices {
  const kept = new Float64Array(xy.length);
  const starts = new Uint32Array(paths.length);
  let count = 0;
  for (let path = 0; path + 1 < paths.length; path++) {
    starts[path] = count >> 1;
    const [from, end] = [2 * paths[path]!, 2 * paths[path + 1]!];
    for (let first = from; first < end; ) {
      const column = Math.round(xy[first]! / cell);
      const row = Math.round(xy[first + 1]! / cell);
      let next = first + 2;
      while (
        next < end &&
        Math.round(xy[next]! / cell) === column &&
        Math.round(xy[next + 1]! / cell) === row
      )
        next += 2;
      const last = next - 2;
      if (first === from || next === end) {
        // a run that is the whole path keeps both of its ends
        if (first === from) count = keep(kept, count, xy[first]!, xy[first + 1]!);
        if (next === end && last > from) count = keep(kept, count, xy[last]!, xy[last + 1]!);
      } else {
        count = keep(kept, count, (xy[first]! + xy[last]!) / 2, (xy[first + 1]! + xy[last + 1]!) / 2);
      }
      first = next;
    }
  }
  if (starts.length > 0) starts[starts.length - 1] = count >> 1;
  return { xy: kept.slice(0, count), paths: starts };
}

function keep(xy: Float64Array, count: number, x: number, y: number): number {
  xy[count] = x;
  xy[count + 1] = y;
  return count + 2;
}
