import Supercluster, { type PointFeature } from "supercluster";
import type { Box } from "../../geometry/clip";
import { lngLatOf, worldOf } from "../../geometry/mercator";
import type { Aggregate, Statistic } from "../scene";
import { combined, type Sums, valueOfSums, type WeightedPoints } from "./bins";

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

/** Zoom levels of clusters; beyond the last one, no points are put together. */
export const MAX_ZOOM = 18;

/** Clusters of a layer with few enough points, at all zoom levels. */
export class Clusters {
  readonly #index: Supercluster<Mutable, Mutable>;
  readonly #statistic: Statistic;

  constructor(points: WeightedPoints, { statistic, cellPx }: Aggregate) {
    this.#statistic = statistic;
    this.#index = new Supercluster<Mutable, Mutable>({
      radius: cellPx,
      extent: 256, // pixels of a tile
      maxZoom: MAX_ZOOM,
      map: ({ count, sum }) => ({ count, sum }),
      reduce: (all, { count, sum }) => {
        all.count += count;
        all.sum = combined(statistic, all.sum, sum);
      },
    });
    this.#index.load(featuresOf(points, statistic));
  }

  /** Returns the clusters in a box of the world. */
  in([minX, minY, maxX, maxY]: Box, level: number): Cluster[] {
    const clamp = (value: number) => Math.max(0, Math.min(1, value));
    const [west, north] = lngLatOf([clamp(minX), clamp(minY)]);
    const [east, south] = lngLatOf([clamp(maxX), clamp(maxY)]);
    return this.#index
      .getClusters([west, south, east, north], Math.max(0, Math.min(MAX_ZOOM + 1, level)))
      .map(({ geometry: { coordinates }, properties: sums }) => {
        const [x, y] = worldOf([coordinates[0]!, coordinates[1]!]); // `!`: a position has two coordinates
        return { x, y, count: sums.count, value: valueOfSums(this.#statistic, sums) };
      });
  }
}

/** `!`: points are below the lengths. */
function featuresOf({ geometry, values }: WeightedPoints, statistic: Statistic): PointFeature<Mutable>[] {
  const { x, y, rows, weights } = geometry;
  const features: PointFeature<Mutable>[] = [];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]! + y[i]!)) continue;
    const count = weights?.[i] ?? 1;
    const value = values?.[rows?.[i] ?? i] ?? 0;
    const properties = { count, sum: statistic === "avg" ? value * count : value };
    const coordinates = lngLatOf([x[i]!, y[i]!]);
    features.push({ type: "Feature", geometry: { type: "Point", coordinates }, properties });
  }
  return features;
}
