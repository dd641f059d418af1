/** Thin diagonal lines over polygons without data, which no colour of a scheme can be mistaken for. */
import type { Canvas2D, Scratch } from "./canvas";

/** Distance between the lines, and their width, in CSS pixels, in the legend; on the map, rounded to device pixels. */
export const HATCH_STEP_PX = 4;
export const HATCH_LINE_PX = 1;

/** Creates the pattern of lines that rise to the right, as fill styles. */
export class Hatching {
  readonly #color: string;
  readonly #patterns = new Map<string, unknown>();

  constructor(color: string) {
    this.#color = color;
  }

  /**
   * @param phase x + y of one of the lines, in device pixels: the same place on the map in every view, so that lines move
   *   with the map, and continue from tile to tile
   */
  at(
    context: Canvas2D,
    scratch: Scratch,
    { pixelRatio, phase }: { readonly pixelRatio: number; readonly phase: number },
  ): unknown {
    const step = Math.round(HATCH_STEP_PX * Math.SQRT2 * pixelRatio); // whole, so that all lines look the same
    const start = ((Math.round(phase) % step) + step) % step;
    const key = `${step} ${start} ${pixelRatio}`;
    const known = this.#patterns.get(key);
    if (known) return known;
    const { surface, context: tile } = scratch.tile(step, step);
    tile.strokeStyle = this.#color;
    tile.lineWidth = HATCH_LINE_PX * pixelRatio;
    tile.beginPath();
    for (let sum = start - step; sum <= 3 * step; sum += step) {
      tile.moveTo(-step, sum + step);
      tile.lineTo(2 * step, sum - 2 * step);
    }
    tile.stroke();
    const pattern = context.createPattern(surface, "repeat");
    this.#patterns.set(key, pattern);
    return pattern;
  }
}
