import type { PathGeometry, Rgba, Scene, SceneLayer, Viewport } from "../scene";
import { type Canvas2D, type CreateCanvas, Scratch } from "./canvas";
import { LabelPainter } from "./labels";
import type { Found, LayerPainter } from "./layer-painter";
import { PathPainter } from "./paths";
import { PointPainter } from "./points";
import { cssColor } from "./style";
import { TiledPainter, type TileSource } from "./tiled";

const BORDER_PX = 0.75;

/** Outlines of the world for the vector base, see `decodeBasemap`. */
export interface BasemapShapes {
  readonly land: PathGeometry;
  /** Between countries. */
  readonly borders: PathGeometry;
  /** Between states. */
  readonly stateBorders: PathGeometry;
}

/** A scene with what painting it again and again can reuse. Whoever changes the scene prepares it anew. */
export interface PreparedScene {
  readonly scene: Scene;
  readonly layers: readonly LayerPainter[];
  readonly basemap: readonly PathPainter[];
  readonly labels: LabelPainter;
  readonly scratch: Scratch;
  /** Layers that are not painted. */
  readonly hidden: Set<number>;
  /** The frame of the scene's clock that is painted. */
  readonly now: { frame: number };
}

/** A feature of a layer. */
export interface Hit extends Found {
  readonly layer: number;
}

export interface PrepareOptions {
  readonly createCanvas: CreateCanvas;
  /** Without them the basemap is nothing but its background. */
  readonly shapes?: BasemapShapes | undefined;
  /** Of layers that are overviews, where their tiles are; by index. */
  readonly tiles?: ReadonlyMap<number, TileSource>;
}

/** Cheap; `warm` does what takes longer. */
export function prepare(scene: Scene, { createCanvas, shapes, tiles }: PrepareOptions): PreparedScene {
  const layers = scene.layers.map((layer, i) => {
    const source = tiles?.get(i);
    return source
      ? new TiledPainter(painterFor(layer), source, { painterFor, createCanvas })
      : painterFor(layer);
  });
  return {
    scene,
    layers,
    basemap: basemapPainters(scene, shapes),
    labels: new LabelPainter(scene.layers, tiles),
    scratch: new Scratch(createCanvas),
    hidden: new Set(),
    now: { frame: scene.clock?.still ?? 0 },
  };
}

function painterFor(layer: SceneLayer): LayerPainter {
  const { geometry } = layer;
  return geometry.kind === "point" ? new PointPainter(layer, geometry) : new PathPainter(layer, geometry);
}

/**
 * Builds the indexes of points, 0.1 s for a million, and thins paths for the next zoom. Call it when there is time, after
 * the first frame of each zoom; otherwise the first frame that needs it does.
 */
export function warm({ layers }: PreparedScene): void {
  for (const layer of layers) layer.warm();
}

/** Paints all of the map: basemap and layers, over whatever the canvas shows. */
export function paint(context: Canvas2D, prepared: PreparedScene, viewport: Viewport): { drawn: number } {
  paintBasemap(context, prepared, viewport);
  return paintLayers(context, prepared, viewport);
}

/** Fills the canvas with background, land and borders. */
export function paintBasemap(
  context: Canvas2D,
  { scene, basemap, scratch }: PreparedScene,
  viewport: Viewport,
): void {
  inDevicePixels(context, () => {
    const { widthPx, heightPx, pixelRatio } = viewport;
    context.fillStyle = cssColor(scene.basemap.background);
    context.fillRect(0, 0, Math.round(widthPx * pixelRatio), Math.round(heightPx * pixelRatio));
    for (const painter of basemap) painter.paint(context, viewport, scratch);
  });
}

/**
 * Paints the layers over what is on the canvas, which a caller who paints nothing else clears before. `drawn` counts
 * the points that show and the features in the view. With `from` and `to` only some layers; labels come with the last.
 */
export function paintLayers(
  context: Canvas2D,
  { layers, labels, scratch, hidden, now }: PreparedScene,
  viewport: Viewport,
  { from = 0, to = layers.length }: { readonly from?: number; readonly to?: number } = {},
): { drawn: number } {
  let drawn = 0;
  inDevicePixels(context, () => {
    for (let i = from; i < to; i++)
      if (!hidden.has(i)) drawn += layers[i]!.paint(context, viewport, scratch, now.frame);
    if (to === layers.length) labels.paint(context, viewport, hidden, now.frame);
  });
  return { drawn };
}

/**
 * The topmost feature under a pixel of the viewport, or up to `slopPx` beside it; only of layers that `wanted` takes.
 */
export function hit(
  { layers, hidden, now }: PreparedScene,
  viewport: Viewport,
  [xPx, yPx]: readonly [xPx: number, yPx: number],
  { slopPx, wanted }: { readonly slopPx: number; readonly wanted: (layer: number) => boolean },
): Hit | undefined {
  const { originX, originY, worldPx } = viewport;
  const place = { x: originX + xPx / worldPx, y: originY + yPx / worldPx };
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    if (hidden.has(layer) || !wanted(layer)) continue;
    const found = layers[layer]!.hit(place, worldPx, slopPx, now.frame);
    if (found !== undefined) return { layer, ...found };
  }
  return undefined;
}

/** Outlines a feature, so that people see which one is meant. */
export function highlight(
  context: Canvas2D,
  { layers, now }: PreparedScene,
  viewport: Viewport,
  found: Hit,
): void {
  inDevicePixels(context, () => layers[found.layer]!.highlight(context, viewport, found, now.frame));
}

function inDevicePixels(context: Canvas2D, work: () => void): void {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  work();
  context.restore();
}

function basemapPainters({ basemap: { vector } }: Scene, shapes: BasemapShapes | undefined): PathPainter[] {
  if (!vector || !shapes) return [];
  const { land, borders, stateBorders } = shapes;
  const [red, green, blue, alpha] = vector.border;
  return [
    basemapPainter(land, vector.land),
    basemapPainter(stateBorders, [red, green, blue, alpha >> 1]),
    basemapPainter(borders, vector.border),
  ];
}

function basemapPainter(geometry: PathGeometry, color: Rgba): PathPainter {
  const layer: SceneLayer = {
    geometry,
    rowCount: geometry.features.length - 1,
    color: { kind: "constant", color },
    size: { kind: "constant", px: BORDER_PX },
    opacity: 1,
  };
  return new PathPainter(layer, geometry);
}
