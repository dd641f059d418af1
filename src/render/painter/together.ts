/** Chooses the painters of layers whose points are drawn together. The page has them only if it needs them. */
import type { PointGeometry, Scene, SceneLayer } from "../scene";
import { CellPainter } from "./cell-painter";
import { ClusterPainter } from "./cluster-painter";
import { DensePainter } from "./dense-painter";
import { FilteredPainter } from "./filtered-painter";
import { HeatmapPainter } from "./heatmap-painter";
import type { LayerPainter } from "./layer-painter";
import type { TileSource } from "./tiled";

/** What a painter depends on besides its layer. */
export interface PainterContext {
  /** Copies of the world on either side of it. */
  readonly copies: number;
  /** CSS list of font families. */
  readonly fonts: string;
  /** Tiles of a layer whose points are an overview. */
  readonly source?: TileSource | undefined;
  /** Painter of the whole layer, if this is a tile of it. */
  readonly whole?: LayerPainter;
}

/** True if a scene has a layer whose points are drawn together, at least at some scales. */
export const drawsTogether = ({ layers }: Scene): boolean =>
  layers.some(({ aggregate, density }) => aggregate || density);

/** Returns the painter of a layer whose points are drawn together; undefined for other layers. */
export function paintTogether(
  layer: SceneLayer,
  geometry: PointGeometry,
  context: PainterContext,
): LayerPainter | undefined {
  const painterOf = (part: SceneLayer, points: PointGeometry) => togetherPainter(part, points, context);
  const painter = painterOf(layer, geometry);
  return layer.explored && painter && !painter.filter
    ? new FilteredPainter(layer, geometry, painter, painterOf)
    : painter;
}

function togetherPainter(
  layer: SceneLayer,
  geometry: PointGeometry,
  { copies, fonts, source, whole }: PainterContext,
): LayerPainter | undefined {
  const { aggregate, density } = layer;
  const isDense = whole instanceof HeatmapPainter || whole instanceof DensePainter;
  const reference = isDense ? whole.heat : undefined;
  switch (aggregate?.as) {
    case "hexbin":
    case "grid":
      return new CellPainter({ ...layer, aggregate }, geometry, { copies, source });
    case "heatmap":
      return new HeatmapPainter({ ...layer, aggregate }, geometry, copies, reference);
    case "cluster":
      return new ClusterPainter({ ...layer, aggregate }, geometry, { copies, fonts, source });
    case undefined:
      return density && new DensePainter({ ...layer, density }, geometry, copies, reference);
  }
}
