/** What the colours of layers that are drawn together depend on, for the overviews of such layers. */

import { zoomOf } from "../../geometry/mercator";
import type { Aggregate, LevelScale, Levels, PointGeometry, SceneLayer } from "../scene";
import { weightedPoints } from "./bins";
import { sampledValues, scaleOfClusters } from "./cluster-scale";
import { heatScaleOf } from "./heat-scale";
import { levelOf } from "./lattice";
import { CellLevels, fullestSpan } from "./levels";

/** Radius of a heatmap's kernel in standard deviations. */
const RADIUS_SIGMAS = 2.5;
/** Standard deviation of the kernel that draws points as a density, in CSS pixels: about the size of a small point. */
export const DENSITY_SIGMA_PX = 0.8;
/** The finest zoom level of a page. */
const FINEST = 20;

/** Returns the standard deviation of a heatmap's kernel in CSS pixels. */
export const sigmaOf = (cellPx: number): number => cellPx / RADIUS_SIGMAS;

/**
 * Adds the scales of a whole layer, from a scale on, to an overview of it, whose points do not tell them.
 * @param exactPx scale up to which the overview has the clusters of all points
 */
export function withScales(
  overview: SceneLayer,
  layer: SceneLayer,
  { worldPx, exactPx }: { readonly worldPx: number; readonly exactPx: number },
): SceneLayer {
  const { geometry, aggregate, density } = layer;
  if (geometry.kind !== "point") return overview;
  if (aggregate?.as === "cluster") {
    const points = weightedPoints(layer, geometry);
    const from = Math.floor(zoomOf(exactPx)) + 1;
    const levels = tableOf(from, (level) =>
      scaleOfClusters(sampledValues(points, aggregate, level), {
        statistic: aggregate.statistic,
        classes: aggregate.palette.length,
      }),
    );
    return { ...overview, aggregate: { ...aggregate, levels } };
  }
  const from = levelOf(worldPx);
  if (aggregate)
    return { ...overview, aggregate: { ...aggregate, levels: levelsOf(layer, geometry, aggregate, from) } };
  if (!density) return overview;
  const style = { sigmaPx: DENSITY_SIGMA_PX, statistic: "count" } as const;
  return {
    ...overview,
    density: { ...density, levels: tableOf(from, (level) => heatScaleOf({ geometry }, level, style)) },
  };
}

function levelsOf(layer: SceneLayer, geometry: PointGeometry, aggregate: Aggregate, from: number): Levels {
  const { as, cellPx, statistic } = aggregate;
  const levels = new CellLevels(layer, geometry, aggregate);
  if (as !== "heatmap") return tableOf(from, (level) => breaksAt(levels, level));
  const style = { sigmaPx: sigmaOf(cellPx), statistic, span: fullestSpan(layer, geometry.x.length) };
  return tableOf(from, (level) => heatScaleOf(levels.points, level, style));
}

function breaksAt(levels: CellLevels, level: number): LevelScale {
  const { breaks, range } = levels.at(level);
  return { breaks, range };
}

function tableOf(from: number, scaleAt: (level: number) => LevelScale): Levels {
  const table: Record<number, LevelScale> = {};
  for (let level = Math.max(0, from); level <= FINEST; level++) table[level] = scaleAt(level);
  return table;
}
