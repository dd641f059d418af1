/** Stands for the package `canvas`, by which Vega measures and paints text in Node: Skia, which the maps have too. */
import { createCanvas, Image } from "@napi-rs/canvas";

/** `new Canvas(1, 1, undefined)` */
function Canvas(width: number, height: number) {
  return createCanvas(Math.max(1, width), Math.max(1, height));
}

export { Canvas, createCanvas, Image };
