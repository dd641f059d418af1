import { levelOf } from "../aggregate/lattice";
import type { LegendContent } from "../aggregate/legend";
import { shortNumber } from "../format";
import type { Aggregate, PointGeometry, SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";
import { CellPainter } from "./cell-painter";
import { HeatPainter, type HeatStyle } from "./heat-painter";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";

/** Bins per radius of the kernel, and the radius in standard deviations. */
const BINS_PER_RADIUS = 5;
const RADIUS_IN_SIGMAS = 2.5;

/** Paints a layer of points as a heatmap. Its features are squares as wide as the kernel's radius. */
export class HeatmapPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly heat: HeatPainter;
  readonly #reference: HeatPainter;
  readonly #aggregate: Aggregate;
  readonly #cells: CellPainter;

  /** @param reference painter of the whole layer, if this is a tile of it */
  constructor(
    layer: SceneLayer & { readonly aggregate: Aggregate },
    geometry: PointGeometry,
    copies: number,
    reference?: HeatPainter,
  ) {
    this.layer = layer;
    this.#aggregate = layer.aggregate;
    this.heat = new HeatPainter(layer, geometry, copies);
    this.#reference = reference ?? this.heat;
    this.#cells = new CellPainter(layer, geometry, { copies });
  }

  warm(): void {
    this.heat.warm();
  }

  /** A mean has numbers; a density is only lower or higher. */
  legendAt(worldPx: number): LegendContent {
    const { palette, statistic } = this.#aggregate;
    if (statistic !== "avg") return { items: [], ramp: { colors: palette, from: "low", to: "high" } };
    const { means } = this.heat.referenceAt(levelOf(worldPx), this.#styleAt(1));
    const [from, to] = means.map(shortNumber) as [string, string];
    return { items: [], ramp: { colors: palette, from: `≤ ${from}`, to: `≥ ${to}` } };
  }

  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number {
    const style = this.#styleAt(viewport.pixelRatio);
    return this.heat.paint(target, viewport, scratch, { style, frame, reference: this.#reference });
  }

  #styleAt(pixelRatio: number): HeatStyle {
    const { cellPx, palette, statistic } = this.#aggregate;
    const binPx = Math.max(1, (cellPx * pixelRatio) / BINS_PER_RADIUS);
    const sigma = (cellPx * pixelRatio) / RADIUS_IN_SIGMAS / binPx;
    return { binPx, sigma, palette, tone: "heat", statistic, opacity: this.layer.opacity };
  }

  hitAll(place: Place, look: Look): Found[] {
    return this.#cells.hitAll(place, look);
  }

  placedIn(viewport: Viewport, frame: number, most: number): Placed[] {
    return this.#cells.placedIn(viewport, frame, most);
  }

  highlight(context: Canvas2D, viewport: Viewport, found: Found): void {
    this.#cells.highlight(context, viewport, found);
  }
}
