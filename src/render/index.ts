/**
 * Shows a scene: `scene.ts` says what can be painted, `painter/` paints it in the page and in Node, `page/` is the live
 * map and its embedding, `png.ts` the picture, `MapView` what a notebook gets.
 */
export type { GifOptions } from "./gif";
export { MapView, type MapViewOptions, type PngViewOptions } from "./map-view";
export type { Moment } from "./moment";
export type { Scene } from "./scene";
