import type { LegendContent } from "../aggregate/legend";
import { pickLayerPoints } from "../page/pick";
import type { PointGeometry, SceneLayer, Viewport } from "../scene";
import type { Canvas2D, Scratch } from "./canvas";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";

type Make = (layer: SceneLayer, geometry: PointGeometry) => LayerPainter | undefined;

/**
 * Filters a layer whose painter cannot do that by itself, such as clusters: a painter of the points that remain replaces the
 * last one. `!` in the loops: indexes are below the number of points.
 */
export class FilteredPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly hasTiles?: true;
  readonly #geometry: PointGeometry;
  readonly #all: LayerPainter;
  readonly #make: Make;
  #painter: LayerPainter;

  constructor(layer: SceneLayer, geometry: PointGeometry, all: LayerPainter, make: Make) {
    this.layer = layer;
    this.#geometry = geometry;
    this.#all = all;
    this.#make = make;
    this.#painter = all;
    if (all.hasTiles) this.hasTiles = true;
  }

  filter(failed: Uint32Array | undefined): void {
    const left = failed && this.#pointsLeft(failed);
    this.#painter = (left && this.#make(left.layer, left.geometry)) ?? this.#all;
  }

  #pointsLeft(failed: Uint32Array): { readonly layer: SceneLayer; readonly geometry: PointGeometry } {
    const { rows, x } = this.#geometry;
    const kept = new Uint32Array(x.length);
    let count = 0;
    for (let i = 0; i < x.length; i++) if (failed[rows ? rows[i]! : i] === 0) kept[count++] = i;
    const layer = pickLayerPoints(this.layer, this.#geometry, kept.subarray(0, count));
    return { layer, geometry: layer.geometry as PointGeometry };
  }

  warm(): void {
    this.#painter.warm();
  }

  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number {
    return this.#painter.paint(target, viewport, scratch, frame);
  }

  hitAll(place: Place, look: Look): Found[] {
    return this.#painter.hitAll(place, look);
  }

  placedIn(viewport: Viewport, frame: number, most: number): Placed[] {
    return this.#painter.placedIn(viewport, frame, most);
  }

  legendAt(worldPx: number): LegendContent | undefined {
    return this.#painter.legendAt?.(worldPx);
  }

  highlight(context: Canvas2D, viewport: Viewport, found: Found, frame: number): void {
    this.#painter.highlight(context, viewport, found, frame);
  }
}
