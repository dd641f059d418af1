import { aboveGround } from "../aggregate/legend";
import type { Legend, PathGeometry, Rgba, Scene, SceneLayer, Viewport } from "../scene";
import { type Canvas2D, type CreateCanvas, Scratch } from "./canvas";
import { type Clearance, LabelPainter, PAGE_FONTS } from "./labels";
import type { Found, LayerPainter, Place } from "./layer-painter";
import { PathPainter } from "./paths";
import { PointPainter } from "./points";
import { cssColor } from "./style";
import { TiledPainter, type TileSource } from "./tiled";
import type { PainterContext, paintTogether } from "./together";

const BORDER_PX = 0.75;
/** Colour of the frames of insets, which lie on the sea. */
const FRAME = { light: [120, 130, 136, 128], dark: [150, 150, 154, 128] } as const;

/** Land and borders of the world, see `decodeBasemap`. */
export interface BasemapShapes {
  readonly land: PathGeometry;
  /** Borders between countries. */
  readonly borders: PathGeometry;
  /** Borders between states. */
  readonly stateBorders: PathGeometry;
  /** Outline of the world on the plane of a projection. */
  readonly outline?: PathGeometry;
  /** Lines of equal longitude and latitude, or the frames of insets. */
  readonly graticule?: PathGeometry;
}

/** A scene with everything that repeated painting reuses. Prepare a changed scene again. */
export interface PreparedScene {
  readonly scene: Scene;
  readonly layers: readonly LayerPainter[];
  readonly basemap: readonly PathPainter[];
  readonly labels: LabelPainter;
  readonly scratch: Scratch;
  /** Layers that are not painted, by index. */
  readonly hidden: Set<number>;
  /** The frame of the scene's clock that is painted, and the view that labels keep clear. */
  readonly now: { frame: number; clear?: Clearance | undefined };
}

/** A feature that was hit. */
export interface Hit extends Found {
  /** Index of the layer. */
  readonly layer: number;
}

export interface PrepareOptions {
  readonly createCanvas: CreateCanvas;
  /** Without them, the basemap is only its background. */
  readonly shapes?: BasemapShapes | undefined;
  /** Tile sources of layers that are overviews, by index. */
  readonly tiles?: ReadonlyMap<number, TileSource>;
  /** CSS list of font families of labels. @default those of a page */
  readonly fonts?: string;
  /** Makes the painters of layers whose points are drawn together, which not every page needs. */
  readonly together?: typeof paintTogether | undefined;
}

/** Prepares a scene for painting. Cheap: `warm` does the slow part. */
export function prepare(
  scene: Scene,
  { createCanvas, shapes, tiles, fonts = PAGE_FONTS, together }: PrepareOptions,
): PreparedScene {
  const copies = copiesIn(scene);
  const layers = scene.layers.map((layer, i) => {
    const source = tiles?.get(i);
    const painter = painterOf(layer, { copies, source, fonts, together });
    if (!source || painter.hasTiles) return painter;
    const painterFor = (tile: SceneLayer) => painterOf(tile, { copies, fonts, together, whole: painter });
    return new TiledPainter(painter, source, { painterFor, createCanvas });
  });
  return {
    scene,
    layers,
    basemap: basemapPainters(scene, shapes),
    labels: new LabelPainter(scene.layers, { tiles, copies, fonts }),
    scratch: new Scratch(createCanvas),
    hidden: new Set(),
    now: { frame: scene.clock?.still ?? 0 },
  };
}

function painterOf(
  layer: SceneLayer,
  { together, ...context }: PainterContext & Pick<PrepareOptions, "together">,
): LayerPainter {
  const { geometry } = layer;
  if (geometry.kind !== "point") return new PathPainter(layer, geometry, context.copies);
  return together?.(layer, geometry, context) ?? new PointPainter(layer, geometry, context.copies);
}

/** Returns the legends of a scene at a scale: those of cells and clusters depend on it. */
export function legendsAt({ scene, layers }: PreparedScene, worldPx: number): Legend[] {
  const { legends, basemap } = scene;
  const ground = basemap.vector?.land ?? basemap.background;
  return legends.map((legend) => {
    const painter = legend.layer === undefined ? undefined : layers[legend.layer];
    const content = painter?.legendAt?.(worldPx);
    return painter && content
      ? { ...legend, ...aboveGround(content, painter.layer.opacity, ground) }
      : legend;
  });
}

/** Number of copies of the world that show on either side of it: Web Mercator repeats, other projections do not. */
const copiesIn = ({ projection }: Scene): number => (projection ? 0 : Infinity);

/**
 * Builds the indexes of points (0.1 s for a million) and thins paths for the next zoom. Call it when the page is idle,
 * after the first frame of each zoom; otherwise the first frame that needs them does it.
 */
export function warm({ layers }: PreparedScene): void {
  for (const layer of layers) layer.warm();
}

/** Paints basemap and layers over whatever the canvas shows. */
export function paint(context: Canvas2D, prepared: PreparedScene, viewport: Viewport): { drawn: number } {
  paintBasemap(context, prepared, viewport);
  return paintLayers(context, prepared, viewport);
}

/** Paints background, land and borders. */
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
 * Paints the layers over whatever the canvas shows; clear it first if there is no basemap. Labels are painted with the
 * last layer. `drawn` counts visible points, and lines and polygons in the view.
 */
export function paintLayers(
  context: Canvas2D,
  { layers, labels, scratch, hidden, now }: PreparedScene,
  viewport: Viewport,
  /* the layers to paint, `to` excluded */
  { from = 0, to = layers.length }: { readonly from?: number; readonly to?: number } = {},
): { drawn: number } {
  let drawn = 0;
  inDevicePixels(context, () => {
    for (const [i, layer] of layers.entries())
      if (i >= from && i < to && !hidden.has(i)) drawn += layer.paint(context, viewport, scratch, now.frame);
    if (to === layers.length) labels.paint(context, viewport, hidden, now);
  });
  return { drawn };
}

/**
 * Returns the features at a pixel of the viewport, topmost first, of the layers for which `wanted` is true: at most
 * `most`. A layer without a feature there contributes the nearest one within `slopPx`, if any.
 */
export function hitAll(
  { layers, hidden, now }: PreparedScene,
  viewport: Viewport,
  [xPx, yPx]: readonly [xPx: number, yPx: number],
  {
    slopPx,
    wanted,
    most,
  }: { readonly slopPx: number; readonly wanted: (layer: number) => boolean; readonly most: number },
): Hit[] {
  const { originX, originY, worldPx } = viewport;
  const place = { x: originX + xPx / worldPx, y: originY + yPx / worldPx };
  const hits: Hit[] = [];
  for (const [layer, painter] of [...layers.entries()].reverse()) {
    if (hits.length >= most) break;
    if (hidden.has(layer) || !wanted(layer)) continue;
    const look = { worldPx, slopPx, frame: now.frame, most: most - hits.length };
    for (const found of painter.hitAll(place, look)) hits.push({ layer, ...found });
  }
  return hits;
}

/** A feature of a layer with its position in world units. */
export interface PlacedHit extends Hit, Place {}

/** Returns features that show in the view, at most `most` of each layer for which `wanted` is true. */
export function placedIn(
  { layers, hidden, now }: PreparedScene,
  viewport: Viewport,
  { wanted, most }: { readonly wanted: (layer: number) => boolean; readonly most: number },
): PlacedHit[] {
  return [...layers.entries()].flatMap(([layer, painter]) =>
    hidden.has(layer) || !wanted(layer)
      ? []
      : painter.placedIn(viewport, now.frame, most).map((placed) => ({ layer, ...placed })),
  );
}

/** Outlines a feature to mark it. */
export function highlight(
  context: Canvas2D,
  { layers, now }: PreparedScene,
  viewport: Viewport,
  found: Hit,
): void {
  inDevicePixels(context, () => layers[found.layer]?.highlight(context, viewport, found, now.frame));
}

function inDevicePixels(context: Canvas2D, work: () => void): void {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  work();
  context.restore();
}

function basemapPainters(scene: Scene, shapes: BasemapShapes | undefined): PathPainter[] {
  const { vector } = scene.basemap;
  if (!vector || !shapes) return [];
  const { land, borders, stateBorders, outline, graticule } = shapes;
  const [red, green, blue, alpha] = vector.border;
  const painter = (geometry: PathGeometry, color: Rgba) => basemapPainter(geometry, color, copiesIn(scene));
  return [
    ...(outline && vector.sea ? [painter(outline, vector.sea)] : []),
    ...(graticule
      ? [painter(graticule, outline ? [red, green, blue, alpha >> 1] : FRAME[scene.basemap.theme])]
      : []),
    painter(land, vector.land),
    painter(stateBorders, [red, green, blue, alpha >> 1]),
    painter(borders, vector.border),
    ...(outline ? [painter({ ...outline, kind: "line" }, vector.border)] : []),
  ];
}

function basemapPainter(geometry: PathGeometry, color: Rgba, copies: number): PathPainter {
  const layer: SceneLayer = {
    geometry,
    rowCount: geometry.features.length - 1,
    color: { kind: "constant", color },
    size: { kind: "constant", px: BORDER_PX },
    ...(geometry.kind === "polygon" && { stroke: { color, widthPx: 0 } }), // land has no seams to close
    opacity: 1,
  };
  return new PathPainter(layer, geometry, copies);
}
