import { DENSITY_SIGMA_PX } from "../aggregate/scales";
import { countInView, MOST_POINTS } from "../point-size";
import type { Density, PointGeometry, SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";
import { HeatPainter, type HeatStyle } from "./heat-painter";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";
import { PointPainter } from "./points";

/** Paints points, or their density at scales where a view holds so many that they would cover each other. */
export class DensePainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly heat: HeatPainter;
  readonly #density: Density;
  readonly #points: PointPainter;

  /** @param whole painter of the whole layer, if this is a tile of it */
  constructor(
    layer: SceneLayer & { readonly density: Density },
    geometry: PointGeometry,
    copies: number,
    whole?: HeatPainter,
  ) {
    this.layer = layer;
    this.#density = layer.density;
    this.heat = new HeatPainter(layer, geometry, copies, whole);
    this.#points = new PointPainter(layer, geometry, copies);
  }

  filter(failed: Uint32Array | undefined): void {
    this.heat.filter(failed);
    this.#points.filter(failed);
  }

  warm(): void {
    this.#points.warm();
  }

  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number {
    const { palette, spread, levels } = this.#density;
    if (countInView(spread, viewport.worldPx) <= MOST_POINTS)
      return this.#points.paint(target, viewport, scratch, frame);
    const style: HeatStyle = {
      sigmaPx: DENSITY_SIGMA_PX,
      levels,
      palette,
      tone: "points",
      statistic: "count",
      opacity: this.layer.opacity,
    };
    return this.heat.paint(target, viewport, scratch, { style, frame });
  }

  hitAll(place: Place, look: Look): Found[] {
    return this.#points.hitAll(place, look);
  }

  placedIn(viewport: Viewport, frame: number, most: number): Placed[] {
    return this.#points.placedIn(viewport, frame, most);
  }

  highlight(context: Canvas2D, viewport: Viewport, found: Found, frame: number): void {
    this.#points.highlight(context, viewport, found, frame);
  }
}
