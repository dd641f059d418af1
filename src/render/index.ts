/**
 * Shows a scene: `scene.ts` says what can be painted, `painter/` paints it in the page and in Node, `page/` is the live
 * map and its embedding, `png.ts` the picture, `MapView` what a notebook gets; `figure/` puts maps and charts together.
 */

export type { Moment } from "./clock";
export { Figure, FigureCell, type FigureOptions, figure } from "./figure";
export type { GifOptions } from "./image/gif";
export {
  decodeTile,
  type TilePicture,
  type TilePictures,
  type TileSheet,
  tilesOf,
} from "./image/raster-tiles";
export { checkScale, MapView, type MapViewOptions, type PngViewOptions } from "./map-view";
export { viewportOf } from "./projection";
export type { Scene } from "./scene";
