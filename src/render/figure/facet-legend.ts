/** Draws the legend that the maps of `facet` share. */
import type { Canvas } from "@napi-rs/canvas";
import { fontsFor } from "../image/fonts";
import { drawParts } from "../image/legend-strip";
import { THEMES } from "../image/lettering";
import { loadSkia } from "../image/skia";
import { stripOf } from "../legend-strip";
import type { FacetLegend } from "../page/figure-layout";

export function legendImage(
  { legends }: FacetLegend,
  { widthPx, scale }: { readonly widthPx: number; readonly scale: number },
): { readonly canvas: Canvas; readonly widthPx: number; readonly heightPx: number } {
  const strip = stripOf(legends, widthPx);
  const { heightPx } = strip;
  const canvas = loadSkia().createCanvas(Math.round(widthPx * scale), Math.round(heightPx * scale));
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const texts = legends.flatMap(({ title, items }) => [title, ...items.map(({ label }) => label)]);
  // on the figure, whose ground is white whatever the theme of its maps is
  drawParts(context, strip, { theme: THEMES.light, fonts: fontsFor(texts).families });
  return { canvas, widthPx, heightPx };
}
