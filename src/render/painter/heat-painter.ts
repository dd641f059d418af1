import type { Box } from "../../geometry/clip";
import { worldPxOf } from "../../geometry/mercator";
import { type WeightedPoints, weightedPoints } from "../aggregate/bins";
import { blurPeak, blurReach, HeatGrid } from "../aggregate/heat";
import { CELL_SIGMAS, heatScaleOf } from "../aggregate/heat-scale";
import { levelOf } from "../aggregate/lattice";
import { fullestSpan } from "../aggregate/levels";
import { generationsAt } from "../clock";
import type { Levels, PointGeometry, Rgba, SceneLayer, Statistic, Viewport } from "../scene";
import { boxAround, contains, copiesOf, movedX } from "./box";
import type { Canvas2D, Scratch } from "./canvas";
import { boxOf, forEachBlock, indexPoints, type PointIndex } from "./point-index";

/** How dense places look. */
export interface HeatStyle {
  /** Standard deviation of the kernel in CSS pixels. */
  readonly sigmaPx: number;
  readonly palette: readonly Rgba[];
  /** A density from faint to opaque, or points, each of which shows. */
  readonly tone: "heat" | "points";
  readonly statistic: Statistic;
  readonly opacity: number;
  /** Scales of zoom levels, if the points are an overview. */
  readonly levels?: Levels | undefined;
}

/** Standard deviation of the kernel in bins, unless bins would be smaller than device pixels. */
const SIGMA_BINS = 2;

/** Steps of the colour ramp. */
const STEPS = 256;

/** Paints the density of points, or the mean of their values around each place. */
export class HeatPainter {
  readonly #layer: SceneLayer;
  readonly #whole: HeatPainter;
  readonly #points: WeightedPoints;
  /** The points that pass filters. Colours depend on all, so that a filter does not change what a colour means. */
  #shown: WeightedPoints;
  readonly #span: readonly [from: number, to: number];
  readonly #box: Box;
  readonly #copies: number;
  #index: PointIndex | undefined;
  readonly #scales = new Map<number, HeatScale>();

  /** @param whole painter of the whole layer, if this is a tile of it: colours depend on the whole */
  constructor(layer: SceneLayer, geometry: PointGeometry, copies: number, whole?: HeatPainter) {
    this.#whole = whole ?? this;
    this.#layer = layer;
    this.#points = weightedPoints(layer, geometry);
    this.#shown = this.#points;
    this.#span = fullestSpan(layer, geometry.x.length);
    this.#box = boxOf(geometry.x, geometry.y);
    this.#copies = copies;
  }

  filter(failed: Uint32Array | undefined): void {
    this.#shown = { ...this.#points, failed };
  }

  warm(): PointIndex {
    const { x, y } = this.#points.geometry;
    this.#index ??= indexPoints(x, y, this.#box);
    return this.#index;
  }

  paint(
    target: Canvas2D,
    viewport: Viewport,
    scratch: Scratch,
    { style, frame }: { readonly style: HeatStyle; readonly frame: number },
  ): number {
    const { originX, originY, worldPx, pixelRatio } = viewport;
    const binPx = Math.max(1, (style.sigmaPx * pixelRatio) / SIGMA_BINS);
    const sigma = (style.sigmaPx * pixelRatio) / binPx;
    const across = Math.max(1, Math.round(worldPxOf(levelOf(worldPx * pixelRatio)) / binPx));
    const reach = blurReach(sigma) + 1;
    const [minX, minY, maxX, maxY] = boxAround(viewport, 0);
    const [column, row] = [Math.floor(minX * across) - reach, Math.floor(minY * across) - reach];
    const [width, height] = [
      Math.ceil(maxX * across) + reach - column,
      Math.ceil(maxY * across) + reach - row,
    ];
    const grid = new HeatGrid({ column, row, width, height, across }, this.#points.values !== undefined);
    const box = [column / across, row / across, (column + width) / across, (row + height) / across] as const;
    if (!this.#addPoints(grid, box, { frame, isMean: style.statistic === "avg" })) return 0;
    grid.blur(sigma);
    const { surface, context } = scratch.surface(width, height);
    const image = scratch.pixels(context, width, height);
    const shown = colorBins(
      image.data,
      grid,
      { ...style, sigma },
      this.#whole.scaleAt(levelOf(worldPx), style),
    );
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
          grid.add(this.#shown, { from, to }, { copy, share: fade, isMean });
      else if (contains(here, this.#box)) grid.add(this.#shown, {}, { copy, isMean });
      else {
        const { order, boxes } = this.warm();
        forEachBlock({ boxes }, count, here, (from, to) =>
          grid.add(this.#shown, { order, from, to }, { copy, isMean }),
        );
      }
    }
    return copies.length > 0;
  }

  /** Returns what colours depend on at a zoom level. */
  scaleAt(level: number, { sigmaPx, statistic, levels }: Omit<HeatStyle, "opacity">): HeatScale {
    const given = levels?.[level];
    if (given?.densest !== undefined && given.means) return { densest: given.densest, means: given.means };
    const known = this.#scales.get(level);
    if (known) return known;
    const made = heatScaleOf(this.#points, level, { sigmaPx, statistic, span: this.#span });
    this.#scales.set(level, made);
    return made;
  }
}

type HeatScale = ReturnType<typeof heatScaleOf>;
/** A style with the standard deviation in bins. */
type BinStyle = HeatStyle & { readonly sigma: number };

/** Colours the bins; returns the number of those that show. `!`: bins and colours are below the lengths. */
function colorBins(
  data: Uint8ClampedArray,
  { counts, sums }: HeatGrid,
  style: BinStyle,
  scale: HeatScale,
): number {
  const ramp = rampOf(style.palette);
  const { shareOf, alphaOf } = toneOf(style, scale);
  const [least, most] = scale.means;
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

function toneOf({ tone, sigma }: BinStyle, { densest }: HeatScale): Tone {
  const most = densest / (CELL_SIGMAS * sigma) ** 2; // per bin
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
