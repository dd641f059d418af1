import type { Box } from "../../geometry/clip";
import { worldPxOf } from "../../geometry/mercator";
import type { Aggregate } from "../scene";
import type { Bins, WeightedPoints } from "./bins";
import {
  type ClusterScale,
  type ClusterValues,
  sampledValues,
  scaleOfClusters,
  valuesOfClusters,
} from "./cluster-scale";
import { type Cluster, Clusters } from "./clusters";
import { levelOf } from "./lattice";
import { NearClusters, type NearPoints } from "./near-clusters";

/** Of more points than these, the clusters of all levels take too long to make before the first is shown. */
const MAX_POINTS = 100_000;
/** Layers of at most this area in square CSS pixels have the clusters of a level made at once. */
const MAX_AREA = 2 ** 21;
const WORLD: Box = [0, 0, 1, 1];

/** Points of which clusters are made. */
export interface ClusteredPoints extends NearPoints {
  readonly points: WeightedPoints;
  readonly box: Box;
  /** True if the points are groups of neighbours that are too large for a scale, where `addIn` has better ones. */
  isCoarse(worldPx: number): boolean;
}

/** The clusters of a layer: of all levels at once, or of what is near the view if there are too many points. */
export class ClusterLevels {
  readonly #placed: ClusteredPoints;
  readonly #aggregate: Aggregate;
  readonly #near: NearClusters;
  readonly #wholes = new Map<number, readonly Cluster[]>();
  readonly #scales = new Map<number, ClusterScale>();
  #clusters: Clusters | undefined;

  constructor(placed: ClusteredPoints, aggregate: Aggregate) {
    this.#placed = placed;
    this.#aggregate = aggregate;
    this.#near = new NearClusters(placed, aggregate);
  }

  /** Makes the clusters of all levels, unless there are too many points. */
  warm(): void {
    if (!this.#isLarge) this.#all();
  }

  /** Returns the clusters in a box of the world. */
  in(box: Box, worldPx: number): readonly Cluster[] {
    const level = levelOf(worldPx);
    if (this.#placed.isCoarse(worldPx)) return this.#near.in(box, level, worldPx);
    if (!this.#isLarge) return this.#all().in(box, level);
    return this.#wholeAt(level)?.filter(isIn(box)) ?? this.#near.in(box, level, worldPx);
  }

  /** Returns the classes of clusters by their value: the smallest of each but the first, and the range. */
  scaleAt(level: number): ClusterScale {
    const known = this.#scales.get(level);
    if (known) return known;
    const { breaks, range, count, singles } = this.#aggregate.levels?.[level] ?? {};
    const isGiven = breaks && range && count !== undefined && singles !== undefined;
    const { statistic, palette } = this.#aggregate;
    const scale = isGiven
      ? { breaks, range, count, singles }
      : scaleOfClusters(this.valuesAt(level), { statistic, classes: palette.length });
    this.#scales.set(level, scale);
    return scale;
  }

  /** Returns the values of the clusters of a level. */
  valuesAt(level: number): ClusterValues {
    if (!this.#isLarge) return valuesOfClusters(this.#all().in(WORLD, level));
    const whole = this.#wholeAt(level);
    return whole ? valuesOfClusters(whole) : sampledValues(this.#placed.points, this.#aggregate, level);
  }

  get #isLarge(): boolean {
    return this.#placed.points.geometry.x.length > MAX_POINTS;
  }

  #all(): Clusters {
    this.#clusters ??= new Clusters(this.#placed.points, this.#aggregate);
    return this.#clusters;
  }

  /** Returns all clusters of a level, unless the layer is too large on the screen. */
  #wholeAt(level: number): readonly Cluster[] | undefined {
    const known = this.#wholes.get(level);
    if (known) return known;
    const { box } = this.#placed;
    const worldPx = worldPxOf(level);
    if ((box[2] - box[0]) * (box[3] - box[1]) * worldPx ** 2 > MAX_AREA) return undefined;
    const whole = this.#near.clustersIn(box, level, worldPx);
    this.#wholes.set(level, whole);
    return whole;
  }
}

/** Returns the values of the clusters of points at a level. */
export function clusterValuesOf(points: WeightedPoints, aggregate: Aggregate, level: number): ClusterValues {
  const addIn = (bins: Bins) => bins.add(points);
  const placed = { points, box: WORLD, addIn, isCoarse: () => false, version: 0 };
  return new ClusterLevels(placed, aggregate).valuesAt(level);
}

const isIn =
  ([minX, minY, maxX, maxY]: Box) =>
  ({ x, y }: Cluster) =>
    x >= minX && x <= maxX && y >= minY && y <= maxY;
