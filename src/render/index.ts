/**
 * Shows scenes. `scene.ts` defines what can be painted and `painter/` paints it, in the browser and in Node; `page/` is
 * the live map and its HTML, `image/` writes PNG and GIF files, `figure/` combines maps and charts, and `MapView` is what
 * a notebook displays.
 */

export { levelOf } from "./aggregate/lattice";
export { sharedLevels } from "./aggregate/shared";
export { arrowLength } from "./arrow";
export type { Moment } from "./clock";
export { type MapReport, type MapState, type MapViewport, parseReport } from "./explore/state";
export { Figure, FigureCell, type FigureOptions, figure } from "./figure/figure";
export type { RowSource } from "./figure/linked";
export type { StillMap } from "./figure/still-map";
export { missingCharacters } from "./image/fonts";
export type { GifOptions } from "./image/gif";
export {
  decodeTile,
  type TilePicture,
  type TilePictures,
  type TileSheet,
  tilesOf,
} from "./image/raster-tiles";
export { imageViewportOf } from "./image-layout";
export {
  checkScale,
  type MapReports,
  MapView,
  type MapViewOptions,
  type PngViewOptions,
  type RowsToFetch,
  type SelectionOptions,
} from "./map-view";
export { type PackedScene, packScene, withDetail } from "./page/pack";
export { alongCurve } from "./page/pick";
export type { MapFilter, Scene } from "./scene";
