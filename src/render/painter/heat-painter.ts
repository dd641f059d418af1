import type { Box } from "../../geometry/clip";
import { worldPxOf } from "../../geometry/mercator";
import { Bins, type WeightedPoints } from "../aggregate/bins";
import { blurPeak, blurReach, HeatGrid } from "../aggregate/heat";
import { latticeAt, levelOf } from "../aggregate/lattice";
import { generationsAt } from "../clock";
import type { PointGeometry, Rgba, SceneLayer, Statistic, Viewport } from "../scene";
import { boxAround, contains, copiesOf, movedX } from "./box";
import type { Canvas2D, Scratch } from "./canvas";
import { boxOf, forEachBlock, indexPoints, type PointIndex } from "./point-index";

/** How dense places look. */
export interface HeatStyle {
  /** Width of a bin in device pixels, and standard deviation of the kernel in bins. */
  readonly binPx: number;
  readonly sigma: number;
  readonly palette: readonly Rgba[];
  /** A density from faint to opaque, or points, each of which shows. */
  readonly tone: "heat" | "points";
  readonly statistic: Statistic;
  readonly opacity: number;
}

/** Reference values of a zoom level, which colours depend on: they must not depend on the view. */
interface Reference {
  /** Density of the densest places, in points per bin. */
  readonly most: number;
  /** Smallest and largest mean, without outliers. */
  readonly means: readonly [least: number, most: number];
}

/** Reference values are those of a sample of this many points. */
const SAMPLE = 100_000;
/** Share of the places that may be denser than the reference. */
const DENSER = 0.005;
/** Steps of the colour ramp. */
const STEPS = 256;

/** Paints the density of points, or the mean of their values around each place. */
export class HeatPainter {
  readonly #layer: SceneLayer;
  readonly #points: WeightedPoints;
  readonly #box: Box;
  readonly #copies: number;
  #index: PointIndex | undefined;
  readonly #references = new Map<string, Reference>();

  constructor(layer: SceneLayer, geometry: PointGeometry, copies: number) {
    this.#layer = layer;
    const values = layer.aggregate && layer.columns?.[0];
    this.#points = { geometry, values: values?.kind === "numbers" ? values.values : undefined };
    this.#box = boxOf(geometry.x, geometry.y);
    this.#copies = copies;
  }

  warm(): PointIndex {
    const { x, y } = this.#points.geometry;
    this.#index ??= indexPoints(x, y, this.#box);
    return this.#index;
  }

  /** Paints a view; `reference` is the painter of the whole layer, if this is a tile of it. */
  paint(
    target: Canvas2D,
    viewport: Viewport,
    scratch: Scratch,
    { style, frame, reference = this }: { style: HeatStyle; frame: number; reference?: HeatPainter },
  ): number {
    const { originX, originY, worldPx, pixelRatio } = viewport;
    const level = levelOf(worldPx * pixelRatio);
    const across = Math.max(1, Math.round(worldPxOf(level) / style.binPx));
    const reach = blurReach(style.sigma) + 1;
    const [minX, minY, maxX, maxY] = boxAround(viewport, 0);
    const [column, row] = [Math.floor(minX * across) - reach, Math.floor(minY * across) - reach];
    const [width, height] = [
      Math.ceil(maxX * across) + reach - column,
      Math.ceil(maxY * across) + reach - row,
    ];
    const grid = new HeatGrid({ column, row, width, height, across }, this.#points.values !== undefined);
    const box = [column / across, row / across, (column + width) / across, (row + height) / across] as const;
    if (!this.#addPoints(grid, box, { frame, isMean: style.statistic === "avg" })) return 0;
    grid.blur(style.sigma);
    const { surface, context } = scratch.surface(width, height);
    const image = scratch.pixels(context, width, height);
    const shown = colorBins(image.data, grid, style, reference.referenceAt(level, style));
    context.putImageData(image, 0, 0);
    const scale = (worldPx * pixelRatio) / across;
    target.globalAlpha = style.opacity;
    target.drawImage(
      surface,
      (column / across - originX) * worldPx * pixelRatio,
      (row / across - originY) * worldPx * pixelRatio,
      width * scale,
      height * scale,
    );
    target.globalAlpha = 1;
    return shown;
  }

  /** Returns false if there are no points in the box. */
  #addPoints(grid: HeatGrid, box: Box, { frame, isMean }: { frame: number; isMean: boolean }): boolean {
    const { time } = this.#layer;
    const count = this.#points.geometry.x.length;
    const copies = copiesOf(this.#box, box, this.#copies);
    for (const copy of copies) {
      const here = movedX(box, -copy);
      if (time)
        for (const { from, to, fade } of generationsAt(time, frame))
          grid.add(this.#points, { from, to }, { copy, share: fade, isMean });
      else if (contains(here, this.#box)) grid.add(this.#points, {}, { copy, isMean });
      else {
        const { order, boxes } = this.warm();
        forEachBlock({ boxes }, count, here, (from, to) =>
          grid.add(this.#points, { order, from, to }, { copy, isMean }),
        );
      }
    }
    return copies.length > 0;
  }

  /** Returns the values at a zoom level that colours depend on. */
  referenceAt(level: number, style: Omit<HeatStyle, "opacity">): Reference {
    const key = `${level} ${style.binPx} ${style.sigma}`;
    const known = this.#references.get(key);
    if (known) return known;
    const made = referenceOf(this.#points, level, style);
    this.#references.set(key, made);
    return made;
  }
}

/** Bins a regular sample of the points in cells as large as the kernel. */
function referenceOf(
  { geometry, values }: WeightedPoints,
  level: number,
  { binPx, sigma, statistic }: Omit<HeatStyle, "opacity">,
): Reference {
  const step = Math.max(1, Math.ceil(geometry.x.length / SAMPLE));
  const cellBins = Math.max(1, 2 * sigma);
  const bins = new Bins(latticeAt("square", cellBins * binPx, level), values ? statistic : "count");
  bins.add({ geometry, values }, { step });
  const perBin =
    values && statistic !== "avg" ? Array.from(bins.counts, (_, i) => bins.valueOf(i)) : bins.counts;
  const sorted = Float64Array.from(perBin).sort();
  const densest = sorted[Math.max(0, Math.ceil(sorted.length * (1 - DENSER)) - 1)] ?? 1;
  const means =
    values && statistic === "avg" ? Float64Array.from(bins.counts, (_, i) => bins.valueOf(i)).sort() : sorted;
  const at = (share: number) => means[Math.round(share * (means.length - 1))] ?? 0;
  return { most: (densest * step) / cellBins ** 2, means: [at(0.02), at(0.98)] };
}

/** Colours the bins; returns the number of those that show. `!`: bins and colours are below the lengths. */
function colorBins(
  data: Uint8ClampedArray,
  { counts, sums }: HeatGrid,
  style: HeatStyle,
  reference: Reference,
): number {
  const ramp = rampOf(style.palette);
  const { shareOf, alphaOf } = toneOf(style, reference);
  const [least, most] = reference.means;
  const isMean = style.statistic === "avg";
  let shown = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const density = sums && !isMean ? sums[bin]! : counts[bin]!;
    const alpha = density > 0 ? alphaOf(density) : 0;
    if (alpha <= 0) continue;
    const share =
      sums && isMean
        ? most > least
          ? (sums[bin]! / counts[bin]! - least) / (most - least)
          : 0.5
        : shareOf(density);
    const at = 4 * Math.max(0, Math.min(STEPS - 1, Math.floor(share * STEPS)));
    data[4 * bin] = ramp[at]!;
    data[4 * bin + 1] = ramp[at + 1]!;
    data[4 * bin + 2] = ramp[at + 2]!;
    data[4 * bin + 3] = ramp[at + 3]! * alpha;
    shown++;
  }
  return shown;
}

interface Tone {
  /** Place of a density on the colour ramp, 0 to 1. */
  readonly shareOf: (density: number) => number;
  /** Its opacity, 0 to 1. */
  readonly alphaOf: (density: number) => number;
}

function toneOf({ tone, sigma }: HeatStyle, { most }: Reference): Tone {
  if (tone === "heat") {
    return {
      shareOf: (density) => Math.sqrt(density / most),
      alphaOf: (density) => Math.min(1, Math.max(0, 3.5 * Math.sqrt(density / most) - 0.25)),
    };
  }
  // each point shows; from there, equal factors of the density have equal distances on the ramp
  const single = blurPeak(sigma);
  const range = Math.log(Math.max(2, most / single));
  return {
    shareOf: (density) => Math.log(Math.max(1, density / single)) / range,
    alphaOf: (density) => Math.min(1, density / single),
  };
}

/** Returns red, green, blue and alpha of `STEPS` colours. `!`: places are below the number of colours. */
function rampOf(palette: readonly Rgba[]): Uint8ClampedArray {
  const ramp = new Uint8ClampedArray(4 * STEPS);
  for (let step = 0; step < STEPS; step++) {
    const place = (step / (STEPS - 1)) * (palette.length - 1);
    const [from, to] = [palette[Math.floor(place)]!, palette[Math.ceil(place)]!];
    for (let part = 0; part < 4; part++)
      ramp[4 * step + part] = from[part]! + (to[part]! - from[part]!) * (place % 1);
  }
  return ramp;
}
