/** Paints a scene on any Canvas 2D context, in browsers and in Node, without the DOM and without Node modules. */

export { LABEL_FONT } from "./labels";
export {
  type BasemapShapes,
  filterLayer,
  type Hit,
  highlight,
  hitAll,
  legendsAt,
  type PlacedHit,
  type PreparedScene,
  type PrepareOptions,
  paint,
  paintBasemap,
  paintLayers,
  placedIn,
  prepare,
  warm,
} from "./paint";
export { cssColor } from "./style";
export { type LayerTile, needsTiles, type TileSource, tileKey } from "./tiled";
export { drawsTogether, paintTogether } from "./together";
