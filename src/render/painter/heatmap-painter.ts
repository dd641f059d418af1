import { levelOf } from "../aggregate/lattice";
import type { LegendContent } from "../aggregate/legend";
import { sigmaOf } from "../aggregate/scales";
import { shortNumber } from "../format";
import type { Aggregate, PointGeometry, SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";
import { CellPainter } from "./cell-painter";
import { HeatPainter, type HeatStyle } from "./heat-painter";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";

/** Paints a layer of points as a heatmap. Its features are squares as wide as the kernel's radius. */
export class HeatmapPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly heat: HeatPainter;
  readonly #aggregate: Aggregate;
  readonly #cells: CellPainter;

  /** @param whole painter of the whole layer, if this is a tile of it */
  constructor(
    layer: SceneLayer & { readonly aggregate: Aggregate },
    geometry: PointGeometry,
    copies: number,
    whole?: HeatPainter,
  ) {
    this.layer = layer;
    this.#aggregate = layer.aggregate;
    this.heat = new HeatPainter(layer, geometry, copies, whole);
    this.#cells = new CellPainter(layer, geometry, { copies });
  }

  filter(failed: Uint32Array | undefined): void {
    this.heat.filter(failed);
    this.#cells.filter(failed);
  }

  warm(): void {
    this.heat.warm();
  }

  /** A mean has numbers; a density is only lower or higher. */
  legendAt(worldPx: number): LegendContent {
    const { palette, statistic } = this.#aggregate;
    if (statistic !== "avg") return { items: [], ramp: { colors: palette, from: "low", to: "high" } };
    const { means } = this.heat.scaleAt(levelOf(worldPx), this.#style());
    const [from, to] = means.map(shortNumber) as [string, string];
    return { items: [], ramp: { colors: palette, from: `≤ ${from}`, to: `≥ ${to}` } };
  }

  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number {
    return this.heat.paint(target, viewport, scratch, { style: this.#style(), frame });
  }

  #style(): HeatStyle {
    const { cellPx, palette, statistic, levels } = this.#aggregate;
    const sigmaPx = sigmaOf(cellPx);
    return { sigmaPx, palette, tone: "heat", statistic, levels, opacity: this.layer.opacity };
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
