/** Clusters of the points near a view, for layers with too many points for `Clusters`, which holds those of all levels. */
import type { Box } from "../../geometry/clip";
import { worldPxOf } from "../../geometry/mercator";
import type { Aggregate } from "../scene";
import { Bins, combined, valueOfSums } from "./bins";
import { type Cluster, MAX_ZOOM } from "./clusters";
import { latticeAt } from "./lattice";

/** Groups of points are this many times smaller than the distance between clusters. */
export const GROUPS_PER_CELL = 5;
/** Clusters around a view are found with it, in CSS pixels: a view that is moved shows the same ones. */
const AROUND_PX = 160;

/** What clusters are made of. */
export interface NearPoints {
  /** Adds points to bins, so that those in a box are complete. */
  addIn(bins: Bins, box: Box, worldPx: number): void;
  /** Changes whenever there are other points. */
  readonly version: number;
}

interface Region {
  readonly level: number;
  readonly version: number;
  readonly box: Box;
  readonly clusters: readonly Cluster[];
}

/** Clusters of the last view, made again when the map shows others. */
export class NearClusters {
  readonly #near: NearPoints;
  readonly #aggregate: Aggregate;
  #region: Region | undefined;

  constructor(near: NearPoints, aggregate: Aggregate) {
    this.#near = near;
    this.#aggregate = aggregate;
  }

  /** Returns the clusters in a box of the world, at the level of a scale. */
  in(box: Box, level: number, worldPx: number): Cluster[] {
    const [minX, minY, maxX, maxY] = box;
    const { clusters } = this.#regionAround(box, level, worldPx);
    return clusters.filter(({ x, y }) => x >= minX && x <= maxX && y >= minY && y <= maxY);
  }

  #regionAround(box: Box, level: number, worldPx: number): Region {
    const known = this.#region;
    const { version } = this.#near;
    if (known && known.level === level && known.version === version && isInside(box, known.box)) return known;
    const around = AROUND_PX / worldPx;
    // a view that moves on by less than a margin has this region, too
    const grown = snapped([box[0] - around, box[1] - around, box[2] + around, box[3] + around], around);
    const half = around / 2;
    const inner: Box = [grown[0] + half, grown[1] + half, grown[2] - half, grown[3] - half];
    this.#region = { level, version, box: inner, clusters: this.clustersIn(grown, level, worldPx) };
    return this.#region;
  }

  /** Returns the clusters of the points in a box, and of some others. */
  clustersIn(box: Box, level: number, worldPx: number): readonly Cluster[] {
    const { cellPx, statistic } = this.#aggregate;
    const lattice = latticeAt("square", cellPx / GROUPS_PER_CELL, level);
    const bins = new Bins(lattice, statistic, { hasCentroids: true });
    this.#near.addIn(bins, box, worldPx);
    return clustersOf(bins, level > MAX_ZOOM ? 0 : cellPx / worldPxOf(level), statistic);
  }
}

const isInside = (a: Box, b: Box) => a[0] >= b[0] && a[1] >= b[1] && a[2] <= b[2] && a[3] <= b[3];
const snapped = ([minX, minY, maxX, maxY]: Box, step: number): Box => [
  Math.floor(minX / step) * step,
  Math.floor(minY / step) * step,
  Math.ceil(maxX / step) * step,
  Math.ceil(maxY / step) * step,
];

/** Orders groups of equal size, from 0 to 1, whatever other groups there are. */
function placeHash(row: number, column: number): number {
  const hash = Math.imul(column ^ Math.imul(row, 0x9e3779b1), 0x85ebca6b);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/**
 * Puts groups of points together: from the largest group to the smallest, each takes those that are left within a radius in
 * world units. The order depends on nothing else, so that a part of the world has its clusters whatever is around it, but for
 * chains of groups.
 */
export function clustersOf(bins: Bins, radius: number, statistic: Aggregate["statistic"]): Cluster[] {
  const { cells, counts, lattice } = bins;
  const { columns, rows } = cells;
  // `!` below: cells are below the lengths
  const keys = Float64Array.from(counts, (count, cell) => placeHash(rows[cell]!, columns[cell]!) - count);
  const order = Uint32Array.from(counts.keys()).sort((a, b) => keys[a]! - keys[b]!);
  const reach = Math.floor(radius / lattice.width) + 1;
  const isTaken = new Uint8Array(counts.length);
  const clusters: Cluster[] = [];
  for (const seed of order) {
    if (isTaken[seed] === 1) continue;
    isTaken[seed] = 1;
    const [seedX, seedY] = bins.centroidOf(seed);
    let { count, sum } = bins.sumsOf(seed);
    let [x, y] = [count * seedX, count * seedY];
    for (let row = rows[seed]! - reach; row <= rows[seed]! + reach; row++)
      for (let column = columns[seed]! - reach; column <= columns[seed]! + reach; column++) {
        const other = cells.find(column, row);
        if (other === undefined || isTaken[other] === 1) continue;
        const [otherX, otherY] = bins.centroidOf(other);
        if (Math.hypot(otherX - seedX, otherY - seedY) > radius) continue;
        isTaken[other] = 1;
        const sums = bins.sumsOf(other);
        x += sums.count * otherX;
        y += sums.count * otherY;
        count += sums.count;
        sum = combined(statistic, sum, sums.sum);
      }
    clusters.push({ x: x / count, y: y / count, count, value: valueOfSums(statistic, { count, sum }) });
  }
  return clusters;
}
