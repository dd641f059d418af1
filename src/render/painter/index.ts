/** Paints a scene on any Canvas 2D context. It runs in a page as it does in Node, and so uses nothing of either. */
export type { Canvas2D, CreateCanvas, Surface } from "./canvas";
export {
  type BasemapShapes,
  type PreparedScene,
  paint,
  paintBasemap,
  paintLayers,
  prepare,
  warm,
} from "./paint";
