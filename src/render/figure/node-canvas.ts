/** Replaces the package `canvas`, with which Vega measures and paints text in Node, by Skia, which paints the maps. */
import { createCanvas, Image } from "@napi-rs/canvas";

/** Skia rejects texts that contain this character, which data can contain. */
const NUL = "\0";

/** `new Canvas(1, 1, undefined)` */
function Canvas(width: number, height: number) {
  const canvas = createCanvas(Math.max(1, width), Math.max(1, height));
  const context = canvas.getContext("2d");
  for (const method of ["fillText", "strokeText", "measureText"] as const) {
    const paint = context[method] as (text: string, ...place: unknown[]) => unknown;
    Object.defineProperty(context, method, {
      value: (text: string, ...place: unknown[]) =>
        paint.call(context, String(text).replaceAll(NUL, ""), ...place),
    });
  }
  return canvas;
}

export { Canvas, createCanvas, Image };
