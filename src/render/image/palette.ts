/// <reference path="./gifenc.d.ts" />
import { type Color, nearestColorIndex, quantize } from "gifenc";

export type { Color };

/** Colours that many pixels have exactly are in the palette exactly: those of the legend, of basemap and layers. */
const EXACT_COLORS = 160;

/**
 * At most so many colours, more than 160: the most frequent ones as they are, and what stands best for the others.
 * `counts` is by pixel, 0xAABBGGRR.
 */
export function paletteOf(counts: ReadonlyMap<number, number>, colors: number): Color[] {
  const byCount = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || a - b);
  const exact = byCount.slice(0, byCount.length <= colors ? colors : EXACT_COLORS);
  const others = Uint32Array.from(byCount.slice(exact.length));
  const mixed = others.length === 0 ? [] : quantize(new Uint8Array(others.buffer), colors - exact.length);
  return [...exact.map(colorOf), ...mixed.map(([red, green, blue]): Color => [red, green, blue])];
}

/** Adds how often each pixel is there. */
export function countPixels(
  pixels: Uint32Array,
  counts: Map<number, number> = new Map(),
): Map<number, number> {
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  return counts;
}

/** Pixels as indexes of the nearest colours. Each colour is looked for once. */
export function indexer(palette: readonly Color[]): (pixel: number) => number {
  const known = new Map<number, number>();
  return (pixel) => {
    let index = known.get(pixel);
    if (index === undefined) {
      index = nearestColorIndex(palette, colorOf(pixel));
      known.set(pixel, index);
    }
    return index;
  };
}

const colorOf = (pixel: number): Color => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
