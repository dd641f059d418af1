/** What the colours of a heatmap depend on: they must not depend on the view. */
import type { LevelScale, Statistic } from "../scene";
import { Bins, type WeightedPoints } from "./bins";
import { latticeAt } from "./lattice";

/** Densities are those of a sample of about this many points. */
const SAMPLE = 50_000;
/** Share of the places that may be denser than the densest ones. */
const DENSER = 0.005;
/** Share of the means that may be smaller or larger. */
const OUTSIDE = 0.02;
/** Width of a cell in standard deviations of the kernel. */
export const CELL_SIGMAS = 2;

/** Returns the scale of a zoom level, found in a sample of the points. */
export function heatScaleOf(
  { geometry, values }: WeightedPoints,
  level: number,
  {
    sigmaPx,
    statistic,
    span: [from, to] = [0, geometry.x.length],
  }: {
    readonly sigmaPx: number;
    readonly statistic: Statistic;
    /** The points of the fullest frame. */
    readonly span?: readonly [from: number, to: number];
  },
): Required<Pick<LevelScale, "densest" | "means">> {
  // the means of a few points vary more than those of all
  const share = statistic === "avg" ? 1 : Math.min(1, SAMPLE / Math.max(1, to - from));
  const bins = new Bins(latticeAt("square", CELL_SIGMAS * sigmaPx, level), values ? statistic : "count");
  bins.add({ geometry, values }, { from, to, share });
  const sorted = Float64Array.from(bins.counts, (_, cell) => bins.valueOf(cell)).sort();
  const counts = statistic === "avg" ? bins.counts.slice().sort() : sorted;
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const densest = counts[Math.max(0, Math.ceil(counts.length * (1 - DENSER)) - 1)] ?? 1;
  return { densest: densest / share, means: [at(OUTSIDE), at(1 - OUTSIDE)] };
}
