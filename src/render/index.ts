/**
 * Shows a scene: `scene.ts` says what can be painted, `painter/` paints it in the page and in Node, `page/` is the live
 * map and its embedding, `png.ts` the picture, `MapView` what a notebook gets; `figure/` puts maps and charts together.
 */
export { Figure, FigureCell, type FigureOptions, figure } from "./figure/figure";
export type { GifOptions } from "./gif";
export { checkScale, MapView, type MapViewOptions, type PngViewOptions } from "./map-view";
export type { Moment } from "./moment";
export { alongCurve } from "./page/curve";
export { type PackedScene, packScene, withDetail } from "./page/pack";
export { viewportOf } from "./projection";
export type { Scene } from "./scene";
export { decodeTile, type TilePicture, type TilePictures, type TileSheet, tilesOf } from "./tiles";
