/** Scales that layers of several maps share, so that a colour means the same in all of these maps. */
import type { Aggregate, LevelScale, Levels, PointGeometry, SceneLayer } from "../scene";
import { MAX_TILE_ZOOM } from "../scene";
import { weightedPoints } from "./bins";
import { breaksOf } from "./breaks";
import { clusterValuesOf } from "./cluster-levels";
import { scaleOfClusters } from "./cluster-scale";
import { heatScaleOf } from "./heat-scale";
import { levelOf } from "./lattice";
import { CellLevels, fullestSpan, rangeOf } from "./levels";
import { sigmaOf } from "./scales";

/** A layer whose points are drawn together, as a map shows it. */
export interface ShownTogether {
  readonly layer: SceneLayer & { readonly aggregate: Aggregate; readonly geometry: PointGeometry };
  /** CSS pixels per world unit of the map. */
  readonly worldPx: number;
}

/** Returns true for a layer whose points are drawn together. */
export const isTogether = (layer: SceneLayer): layer is ShownTogether["layer"] =>
  layer.aggregate !== undefined && layer.geometry.kind === "point";

/**
 * Returns the scale that layers of one kind share, of which there is at least one. Each counts with the cells or clusters that
 * its map shows.
 * @param classes maximum number of classes
 */
export function sharedLevels(shown: readonly ShownTogether[], classes: number): Levels {
  const [{ aggregate }] = shown.map(({ layer }) => layer) as [ShownTogether["layer"]];
  const scale = scaleFunctions[aggregate.as](shown, classes);
  return Object.fromEntries(Array.from({ length: MAX_TILE_ZOOM + 1 }, (_, level) => [level, scale]));
}

type ScaleFunction = (shown: readonly ShownTogether[], classes: number) => LevelScale;

const scaleFunctions: Record<Aggregate["as"], ScaleFunction> = {
  hexbin: cellScale,
  grid: cellScale,
  heatmap: heatScale,
  cluster: clusterScale,
};

function cellScale(shown: readonly ShownTogether[], classes: number): LevelScale {
  const values = joinedNumbers(
    shown.map(({ layer, worldPx }) =>
      new CellLevels(layer, layer.geometry, layer.aggregate).valuesAt(levelOf(worldPx)),
    ),
  );
  const isCount = shown[0]?.layer.aggregate.statistic === "count";
  return { breaks: breaksOf(values, classes, isCount), range: rangeOf(values) };
}

/** The densest place is that of all layers. */
function heatScale(shown: readonly ShownTogether[]): LevelScale {
  const scales = shown.map(({ layer, worldPx }) => {
    const { aggregate, geometry } = layer;
    const { cellPx, statistic } = aggregate;
    const style = { sigmaPx: sigmaOf(cellPx), statistic, span: fullestSpan(layer, geometry.x.length) };
    return heatScaleOf(weightedPoints(layer, geometry), levelOf(worldPx), style);
  });
  return {
    densest: Math.max(...scales.map(({ densest }) => densest)),
    means: [
      Math.min(...scales.map(({ means }) => means[0])),
      Math.max(...scales.map(({ means }) => means[1])),
    ],
  };
}

function clusterScale(shown: readonly ShownTogether[], classes: number): LevelScale {
  const clusters = shown.map(({ layer, worldPx }) =>
    clusterValuesOf(weightedPoints(layer, layer.geometry), layer.aggregate, levelOf(worldPx)),
  );
  const values = joinedNumbers(clusters.map((each) => each.values));
  const singles = clusters.reduce((sum, each) => sum + each.singles, 0);
  const { statistic } = shown[0]!.layer.aggregate; // `!`: there is one
  return scaleOfClusters({ values, singles }, { statistic, classes });
}

/** Joins arrays of numbers into one. */
export function joinedNumbers(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
