/**
 * Generalises a layer that is too large for the page. At the scale it is made for, an overview looks like all the data,
 * within a pixel; nothing disappears. `!` in the loops: indexes are below the number of points or features.
 */
import type { Box } from "../../geometry/clip";
import { zoomOf } from "../../geometry/mercator";
import { Bins, weightedPoints } from "../aggregate/bins";
import { CellIndex } from "../aggregate/cell-index";
import { latticeAt, middleOf } from "../aggregate/lattice";
import { GROUPS_PER_CELL } from "../aggregate/near-clusters";
import { boxesOfGroups, boxesOfPaths } from "../painter/box";
import type { Aggregate, PathGeometry, PointGeometry, Rgba, SceneLayer } from "../scene";
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
 * points, as many as make a difference, and one point per frame in animated layers. The points of layers that are drawn
 * together are merged.
 */
export function overviewOfPoints(layer: SceneLayer, geometry: PointGeometry, worldPx: number): Overview {
  if (layer.aggregate?.as === "cluster") {
    const groupPx = layer.aggregate.cellPx / GROUPS_PER_CELL;
    return { layer: mergedPoints(layer, geometry, layer.aggregate, worldPx / groupPx), worldPx };
  }
  if (layer.aggregate) return { layer: mergedPoints(layer, geometry, layer.aggregate, worldPx), worldPx };
  const { x, y, rows, weights } = geometry;
  const lookOf = looks(layer);
  const most = lasting(leastAlpha(layer));
  const cells = new CellIndex();
  const keptOf = new Uint32Array(x.length); // per cell
  const weighed = layer.density && {
    cellOf: new Uint32Array(x.length),
    weightOf: new Float64Array(x.length),
  };
  const kept = new Uint8Array(x.length);
  let count = 0;
  forEachFrame(layer, x.length, (from, to, frame) => {
    for (let i = to - 1; i >= from; i--) {
      const kind = lookOf(rows === undefined ? i : rows[i]!) | (frame << 16);
      const cell = cells.numberOf(Math.floor(x[i]! * worldPx), Math.floor(y[i]! * worldPx), kind);
      if (weighed) {
        weighed.cellOf[i] = cell;
        weighed.weightOf[cell]! += weights?.[i] ?? 1;
      }
      if (++keptOf[cell]! > most) continue;
      kept[i] = 1;
      count++;
    }
  });
  const indexes = marked(kept, count);
  const picked = pickLayerPoints(layer, geometry, indexes);
  if (!weighed) return { layer: picked, worldPx };
  const shares = Float64Array.from(indexes, (i) => {
    const cell = weighed.cellOf[i]!;
    return weighed.weightOf[cell]! / Math.min(most, keptOf[cell]!);
  });
  return { layer: withWeights(picked, shares), worldPx };
}

function withWeights(layer: SceneLayer, weights: Float64Array): SceneLayer {
  const { geometry } = layer;
  return geometry.kind === "point" ? { ...layer, geometry: { ...geometry, weights } } : layer;
}

/** Merges the points of each pixel and frame: they have the sum of the weights, and the statistic of the values. */
function mergedPoints(
  layer: SceneLayer,
  geometry: PointGeometry,
  { statistic }: Aggregate,
  worldPx: number,
): SceneLayer {
  const points = weightedPoints(layer, geometry);
  const lattice = latticeAt("square", 1, zoomOf(worldPx));
  const parts: Bins[] = [];
  forEachFrame(layer, geometry.x.length, (from, to) => {
    const bins = new Bins(lattice, statistic);
    bins.add(points, { from, to });
    parts.push(bins);
  });
  const starts = Uint32Array.from([0, ...parts.map(({ cells }) => cells.count)]);
  for (let part = 1; part < starts.length; part++) starts[part]! += starts[part - 1]!;
  const total = starts.at(-1)!;
  const column = () => new Float64Array(total);
  const [x, y, weights, values] = [column(), column(), column(), column()];
  for (const [part, bins] of parts.entries()) {
    const { columns, rows } = bins.cells;
    for (let cell = 0, at = starts[part]!; cell < columns.length; cell++, at++) {
      [x[at], y[at]] = middleOf(lattice, { column: columns[cell]!, row: rows[cell]! });
      weights[at] = bins.counts[cell]!;
      values[at] = bins.valueOf(cell);
    }
  }
  const { time } = layer;
  const { explored: _, ...rest } = layer; // merged points have no rows to count
  return {
    ...rest,
    geometry: { kind: "point", x, y, weights },
    rowCount: total,
    ...(points.values && { columns: [{ kind: "numbers", values }] }),
    ...(time && { time: { ...time, starts } }),
  };
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
  const cells = new CellIndex();
  const kept = new Uint8Array(features.length - 1);
  let count = 0;
  for (let feature = features.length - 2; feature >= 0; feature--) {
    const [minX, minY, maxX, maxY] = boxes.subarray(4 * feature, 4 * feature + 4) as unknown as Box;
    const isSmall = (maxX - minX) * worldPx < 1 && (maxY - minY) * worldPx < 1;
    if (isSmall) {
      const [column, row] = [((minX + maxX) / 2) * worldPx, ((minY + maxY) / 2) * worldPx];
      const look = lookOf(rows === undefined ? feature : rows[feature]!);
      const before = cells.count;
      if (cells.numberOf(Math.floor(column), Math.floor(row), look) < before) continue;
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
