/**
 * Generalises a layer that is too large for the page. At the scale it is made for, an overview looks like all the data,
 * within a pixel; nothing disappears. `!` in the loops: indexes are below the number of points or features.
 */
import type { Box } from "../../geometry/clip";
import { boxesOfGroups, boxesOfPaths } from "../painter/box";
import type { PathGeometry, PointGeometry, Rgba, SceneLayer } from "../scene";
import { pickFeatures, pickLayerPoints } from "./pick";
import { simplify } from "./simplify";

/** An overview and the scale at which it is exact. */
export interface Overview {
  readonly layer: SceneLayer;
  /** CSS pixels per world unit at which a pixel of the overview is a pixel of the map. */
  readonly worldPx: number;
}

/** Number of layers of a translucent colour after which one more makes no difference in 8 bits. */
const lasting = (alpha: number) => (alpha >= 1 ? 1 : Math.ceil(Math.log(1 / 255) / Math.log(1 - alpha)));

/**
 * Keeps one of the points that share a pixel and look the same: the one that is painted last. Keeps more translucent
 * points, as many as make a difference, and one point per frame in animated layers.
 */
export function overviewOfPoints(layer: SceneLayer, geometry: PointGeometry, worldPx: number): Overview {
  const { x, y, rows } = geometry;
  const lookOf = looks(layer);
  const most = lasting(leastAlpha(layer));
  const cells = new CellCounter(x.length);
  const kept = new Uint8Array(x.length);
  let count = 0;
  forEachFrame(layer, x.length, (from, to, frame) => {
    for (let i = to - 1; i >= from; i--) {
      const look = lookOf(rows === undefined ? i : rows[i]!);
      if (cells.add(Math.floor(x[i]! * worldPx), Math.floor(y[i]! * worldPx), look, frame) > most) continue;
      kept[i] = 1;
      count++;
    }
  });
  return { layer: pickLayerPoints(layer, geometry, marked(kept, count)), worldPx };
}

/**
 * Simplifies outlines to half a pixel; shared outlines stay shared. Keeps one of the features that share a pixel, look the
 * same and are smaller than a pixel: they would be painted as that pixel anyway.
 */
export function overviewOfPaths(layer: SceneLayer, geometry: PathGeometry, worldPx: number): Overview {
  const simple = simplify(geometry, 0.5 / worldPx);
  const { features, paths, xy, rows } = simple;
  const boxes = boxesOfGroups(boxesOfPaths(xy, paths), features);
  const lookOf = looks(layer);
  const cells = new CellCounter(features.length);
  const kept = new Uint8Array(features.length - 1);
  let count = 0;
  for (let feature = features.length - 2; feature >= 0; feature--) {
    const [minX, minY, maxX, maxY] = boxes.subarray(4 * feature, 4 * feature + 4) as unknown as Box;
    const isSmall = (maxX - minX) * worldPx < 1 && (maxY - minY) * worldPx < 1;
    if (isSmall) {
      const [column, row] = [((minX + maxX) / 2) * worldPx, ((minY + maxY) / 2) * worldPx];
      const look = lookOf(rows === undefined ? feature : rows[feature]!);
      if (cells.add(Math.floor(column), Math.floor(row), look) > 1) continue;
    }
    kept[feature] = 1;
    count++;
  }
  const isWhole = count === kept.length;
  const overview = isWhole ? simple : pickFeatures(simple, marked(kept, count));
  return { layer: { ...layer, geometry: overview }, worldPx };
}

/** Returns the colour and size classes of a row as one number. */
function looks({ color, size }: SceneLayer): (row: number) => number {
  const colors = color.kind === "classes" ? color.classes : undefined;
  const sizes = size.kind === "classes" ? size.classes : undefined;
  if (!colors && !sizes) return () => 0;
  return (row) => ((colors?.[row] ?? 0) << 8) | (sizes?.[row] ?? 0);
}

function leastAlpha({ color }: SceneLayer): number {
  const colors: readonly Rgba[] =
    color.kind === "constant" ? [color.color] : [...color.palette, color.missing];
  const alphas = colors.map(([, , , alpha]) => alpha).filter((alpha) => alpha > 0);
  return Math.min(255, ...alphas) / 255;
}

function forEachFrame(
  { time }: SceneLayer,
  count: number,
  work: (from: number, to: number, frame: number) => void,
): void {
  const starts = time?.starts ?? [0, count];
  for (let frame = 0; frame + 1 < starts.length; frame++) work(starts[frame]!, starts[frame + 1]!, frame);
}

function marked(kept: Uint8Array, count: number): Uint32Array {
  const indexes = new Uint32Array(count);
  for (let i = 0, at = 0; i < kept.length; i++) if (kept[i] === 1) indexes[at++] = i;
  return indexes;
}

/** Counts looks per cell and frame, in a hash table with open addressing: ten times as fast as a Map. */
class CellCounter {
  readonly #columns: Int32Array;
  readonly #rows: Int32Array;
  /** Look and frame as one number. */
  readonly #kinds: Int32Array;
  readonly #counts: Uint32Array;

  constructor(most: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * most + 2));
    this.#columns = new Int32Array(slots);
    this.#rows = new Int32Array(slots);
    this.#kinds = new Int32Array(slots);
    this.#counts = new Uint32Array(slots);
  }

  /** Counts a look in a cell, whose column and row are taken modulo 2^32, and returns the new count. */
  add(column: number, row: number, look: number, frame = 0): number {
    const [x, y, kind] = [column | 0, row | 0, look | (frame << 16)];
    const mask = this.#counts.length - 1;
    let hash = Math.imul(x ^ Math.imul(y, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(kind, 0xc2b2ae35);
    hash ^= hash >>> 15;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      if (this.#counts[slot] === 0) {
        this.#columns[slot] = x;
        this.#rows[slot] = y;
        this.#kinds[slot] = kind;
        this.#counts[slot] = 1;
        return 1;
      }
      if (this.#columns[slot] === x && this.#rows[slot] === y && this.#kinds[slot] === kind)
        return ++this.#counts[slot]!;
    }
  }
}
