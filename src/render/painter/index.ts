/** Paints a scene on any Canvas 2D context. It runs in a page as it does in Node, and so uses nothing of either. */

export type { Canvas2D, CreateCanvas, Surface } from "./canvas";
export { LABEL_FONT } from "./labels";
export {
  type BasemapShapes,
  type Hit,
  highlight,
  hit,
  type PreparedScene,
  paint,
  paintBasemap,
  paintLayers,
  prepare,
  warm,
} from "./paint";
export { cssColor } from "./style";
export { type LayerTile, needsTiles, type TileId, type TileSource, tileKey } from "./tiled";
