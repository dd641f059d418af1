/** What the colours of clusters depend on. */
import type { Aggregate, LevelScale, Statistic } from "../scene";
import { Bins, type WeightedPoints } from "./bins";
import { breaksOf } from "./breaks";
import type { Cluster } from "./clusters";
import { latticeAt } from "./lattice";
import { rangeOf } from "./levels";

/** A cluster takes the points of about 1.5 cells as wide as the distance between clusters: as many as a wider cell. */
const WIDER = 1.22;
/** Share of the cells to look at first, and the number of them that is enough. */
const SHARE = 1 / 32;
const ENOUGH = 1000;
/** Number of points of the smallest cluster. */
export const FEWEST = 2;

export type ClusterScale = Required<Pick<LevelScale, "breaks" | "range" | "count" | "singles">>;

/** Values of clusters, and the number of points that are in none. */
export interface ClusterValues {
  readonly values: Float64Array;
  readonly singles: number;
}

/**
 * Returns the scale of clusters with these values.
 * @param classes maximum number of classes
 */
export function scaleOfClusters(
  { values, singles }: ClusterValues,
  { statistic, classes }: { readonly statistic: Statistic; readonly classes: number },
): ClusterScale {
  const isCount = statistic === "count";
  const breaks = breaksOf(values, classes, isCount);
  return {
    // the first class starts with the smallest cluster
    breaks: isCount ? breaks.filter((value) => value > FEWEST) : breaks,
    range: rangeOf(values),
    count: values.length,
    singles,
  };
}

/** Returns the values of clusters. */
export function valuesOfClusters(clusters: readonly Cluster[]): ClusterValues {
  const values = Float64Array.from(clusters.flatMap(({ count, value }) => (count >= FEWEST ? [value] : [])));
  return { values, singles: clusters.length - values.length };
}

/**
 * Returns about the values that the clusters of very many points have at a level: those of cells about as large, or of a
 * sample of these if they are many.
 */
export function sampledValues(
  points: WeightedPoints,
  { statistic, cellPx }: Aggregate,
  level: number,
): ClusterValues {
  const lattice = latticeAt("square", WIDER * cellPx, level);
  const binsOf = (isWithin?: (x: number, y: number) => boolean) => {
    const bins = new Bins(lattice, statistic);
    bins.add(points, {}, isWithin);
    return bins;
  };
  const isSampled = (x: number, y: number) => {
    const column = Math.floor(x / lattice.width);
    const row = Math.floor(y / lattice.width);
    const hash = Math.imul(column ^ Math.imul(row, 0x9e3779b1), 0x85ebca6b);
    return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32 < SHARE;
  };
  const sample = binsOf(isSampled);
  const bins = sample.cells.count >= ENOUGH ? sample : binsOf();
  const values: number[] = [];
  let singles = 0;
  for (const [cell, count] of bins.counts.entries()) {
    if (count < FEWEST) singles++;
    else values.push(bins.valueOf(cell));
  }
  return { values: Float64Array.from(values), singles };
}
