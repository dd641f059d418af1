import Supercluster, { type PointFeature } from "supercluster";
import type { Box } from "../../geometry/clip";
import { lngLatOf, worldOf } from "../../geometry/mercator";
import type { Aggregate, LevelScale, Statistic } from "../scene";
import { Bins, combined, type Sums, valueOfSums, type WeightedPoints } from "./bins";
import { breaksOf } from "./breaks";
import { latticeAt, middleOf } from "./lattice";
import { rangeOf } from "./levels";

/** Points that are close to each other at a zoom level; a single point if `count` is 1. */
export interface Cluster {
  /** World units. */
  readonly x: number;
  readonly y: number;
  readonly count: number;
  readonly value: number;
}

/** Supercluster adds to the sums of a cluster. */
type Mutable = { -readonly [K in keyof Sums]: Sums[K] };

type ClusterScale = Required<Pick<LevelScale, "breaks" | "range" | "count" | "singles">>;

/** Zoom levels of clusters; beyond the last one, no points are put together. */
const MAX_ZOOM = 18;
/** All points are in one pixel at this level. */
const COARSEST = -8;
/** Of more points than these, neighbours are put together first, on the finest grid that has at most `MAX_CELLS`. */
const MAX_POINTS = 100_000;
const MAX_CELLS = 30_000;
/** Points to add between two looks at the number of cells. */
const CHUNK = 20_000;
const WORLD: Box = [0, 0, 1, 1];

/** Clusters of a layer at all zoom levels. */
export class Clusters {
  readonly #index: Supercluster<Mutable, Mutable>;
  /** The last level at which points are put together. */
  readonly #finest: number;
  readonly #statistic: Statistic;
  readonly #classes: number;
  readonly #levels: Aggregate["levels"];
  readonly #scales = new Map<number, ClusterScale>();

  constructor(points: WeightedPoints, { statistic, cellPx, palette, levels }: Aggregate) {
    this.#levels = levels;
    this.#statistic = statistic;
    this.#classes = palette.length;
    const { features, finest } = featuresOf(points, { statistic, cellPx });
    this.#finest = finest;
    this.#index = new Supercluster<Mutable, Mutable>({
      radius: cellPx,
      extent: 256, // pixels of a tile
      maxZoom: finest,
      map: ({ count, sum }) => ({ count, sum }),
      reduce: (all, { count, sum }) => {
        all.count += count;
        all.sum = combined(statistic, all.sum, sum);
      },
    });
    this.#index.load(features);
  }

  /** Returns the clusters in a box of the world. */
  in([minX, minY, maxX, maxY]: Box, level: number): Cluster[] {
    const clamp = (value: number) => Math.max(0, Math.min(1, value));
    const [west, north] = lngLatOf([clamp(minX), clamp(minY)]);
    const [east, south] = lngLatOf([clamp(maxX), clamp(maxY)]);
    return this.#index
      .getClusters([west, south, east, north], Math.max(0, Math.min(this.#finest + 1, level)))
      .map(({ geometry: { coordinates }, properties: sums }) => {
        const [x, y] = worldOf([coordinates[0]!, coordinates[1]!]); // `!`: a position has two coordinates
        return { x, y, count: sums.count, value: valueOfSums(this.#statistic, sums) };
      });
  }

  /** Returns the classes of clusters by their value: the smallest of each but the first, and the range. */
  scaleAt(level: number): ClusterScale {
    const known = this.#scales.get(level);
    if (known) return known;
    const { breaks, range, count, singles } = this.#levels?.[level] ?? {};
    const isGiven = breaks && range && count !== undefined && singles !== undefined;
    const scale = isGiven ? { breaks, range, count, singles } : this.#scaleOf(this.valuesAt(level));
    this.#scales.set(level, scale);
    return scale;
  }

  #scaleOf({ values, singles }: ReturnType<Clusters["valuesAt"]>): ClusterScale {
    const breaks = breaksOf(values, this.#classes, this.#statistic === "count");
    return { breaks, range: rangeOf(values), count: values.length, singles };
  }

  /** Returns the values of all clusters of a level, and the number of single points. */
  valuesAt(level: number): { readonly values: Float64Array; readonly singles: number } {
    const all = this.in(WORLD, level);
    const values = Float64Array.from(all.flatMap(({ count, value }) => (count > 1 ? [value] : [])));
    return { values, singles: all.length - values.length };
  }
}

/** Returns the points to put together, and the last level at which some are. `!`: points are below the lengths. */
function featuresOf(
  points: WeightedPoints,
  { statistic, cellPx }: Pick<Aggregate, "statistic" | "cellPx">,
): { readonly features: PointFeature<Mutable>[]; readonly finest: number } {
  const { geometry, values } = points;
  const { x, y, rows, weights } = geometry;
  if (x.length > MAX_POINTS) {
    const { bins, level } = finestBins(points, statistic);
    // the middles of the cells are a pixel apart at their level, and further apart than `cellPx` from this one on
    const apart = level + Math.ceil(Math.log2(cellPx)) + 1;
    return { features: featuresOfBins(bins), finest: Math.max(0, Math.min(MAX_ZOOM, apart)) };
  }
  const features: PointFeature<Mutable>[] = [];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]! + y[i]!)) continue;
    const count = weights?.[i] ?? 1;
    const value = values?.[rows?.[i] ?? i] ?? 0;
    features.push(featureAt([x[i]!, y[i]!], { count, sum: statistic === "avg" ? value * count : value }));
  }
  return { features, finest: MAX_ZOOM };
}

/** `!`: cells have columns and rows. */
function featuresOfBins(bins: Bins): PointFeature<Mutable>[] {
  const { columns, rows } = bins.cells;
  return Array.from(columns, (column, cell) =>
    featureAt(middleOf(bins.lattice, { column, row: rows[cell]! }), bins.sumsOf(cell)),
  );
}

const featureAt = (place: readonly [x: number, y: number], properties: Sums): PointFeature<Mutable> => ({
  type: "Feature",
  geometry: { type: "Point", coordinates: lngLatOf(place) },
  properties,
});

/** Returns bins of the finest grid with at most `MAX_CELLS` cells, found by bisection, and its level. */
function finestBins(points: WeightedPoints, statistic: Statistic): { bins: Bins; level: number } {
  let [level, tooFine] = [COARSEST, MAX_ZOOM + 1];
  let bins = binsAt(level, points, statistic);
  while (tooFine - level > 1) {
    const middle = (level + tooFine) >> 1;
    const finer = binsAt(middle, points, statistic);
    if (finer.cells.count > MAX_CELLS) tooFine = middle;
    else [level, bins] = [middle, finer];
  }
  return { bins, level };
}

/** Returns bins of one pixel at a level, incomplete if they are more than `MAX_CELLS`. */
function binsAt(level: number, points: WeightedPoints, statistic: Statistic): Bins {
  const bins = new Bins(latticeAt("square", 1, level), statistic);
  const { length } = points.geometry.x;
  for (let from = 0; from < length && bins.cells.count <= MAX_CELLS; from += CHUNK)
    bins.add(points, { from, to: Math.min(length, from + CHUNK) });
  return bins;
}
