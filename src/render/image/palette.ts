/// <reference path="./gifenc.d.ts" />
import { type Color, nearestColorIndex, quantize } from "gifenc";

export type { Color };

/** Number of most frequent colours (those of the legend, basemap and layers) that the palette keeps exactly. */
const EXACT_COLORS = 160;

/**
 * Returns a palette of at most `colors` (more than 160) colours: the most frequent ones exactly, and quantized ones for
 * the rest. `counts` is keyed by pixel, 0xAABBGGRR.
 */
export function paletteOf(counts: ReadonlyMap<number, number>, colors: number): Color[] {
  const byCount = [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || a - b)
    .map(([pixel]) => pixel);
  const exact = byCount.slice(0, byCount.length <= colors ? colors : EXACT_COLORS);
  const others = Uint32Array.from(byCount.slice(exact.length));
  const mixed = others.length === 0 ? [] : quantize(new Uint8Array(others.buffer), colors - exact.length);
  return [...exact.map(colorOf), ...mixed.map(([red, green, blue]): Color => [red, green, blue])];
}

export function countPixels(
  pixels: Uint32Array,
  counts: Map<number, number> = new Map(),
): Map<number, number> {
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  return counts;
}

/** Returns a function from pixels to the index of the nearest colour, which searches once for each pixel value. */
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
