import { zoomOf } from "../../geometry/mercator";
import { aboveGround } from "../aggregate/legend";
import type { PlaceName } from "../names-data";
import type { Legend, PathGeometry, Rgba, Scene, SceneLayer, Viewport } from "../scene";
import { type Canvas2D, type CreateCanvas, Scratch } from "./canvas";
import type { Clearance } from "./collisions";
import { paintGrid } from "./grid";
import { LabelPainter, PAGE_FONTS } from "./labels";
import type { Found, LayerPainter, Place } from "./layer-painter";
import { NamePainter } from "./names";
import { PathPainter } from "./paths";
import { PointPlaces } from "./point-places";
import { PointPainter } from "./points";
import { cssColor } from "./style";
import { TiledPainter, type TileSource } from "./tiled";
import type { PainterContext, paintTogether } from "./together";

const BORDER_PX = 0.75;
/** Colour of the frames of insets, which lie on the sea. */
const FRAME = { light: [120, 130, 136, 128], dark: [150, 150, 154, 128] } as const;
const RIVER_PX = 0.9;
/** Rivers and borders of states show from these zooms on. */
const RIVERS_ZOOM = 2.5;
const STATES_ZOOM = 2;

/** Land and borders of the world, see `decodeBasemap`. */
export interface BasemapShapes {
  readonly land: PathGeometry;
  /** Borders between countries. */
  readonly borders: PathGeometry;
  /** Borders between states. */
  readonly stateBorders: PathGeometry;
  readonly lakes: PathGeometry;
  readonly rivers: PathGeometry;
  /** Outline of the world on the plane of a projection. */
  readonly outline?: PathGeometry;
  /** Lines of equal longitude and latitude, or the frames of insets. */
  readonly graticule?: PathGeometry;
}

/** A scene with everything that repeated painting reuses. Prepare a changed scene again. */
export interface PreparedScene {
  readonly scene: Scene;
  readonly layers: readonly LayerPainter[];
  readonly basemap: readonly { readonly painter: PathPainter; readonly zoom: number }[];
  readonly labels: LabelPainter;
  /** Names of the basemap; absent if it has none. */
  readonly names: NamePainter | undefined;
  readonly points: PointPlaces;
  readonly fonts: string;
  readonly scratch: Scratch;
  /** Layers that are not painted, by index. */
  readonly hidden: Set<number>;
  /** Not 0 for each row that fails filters, by the index of its layer, for layers with filters. */
  readonly failed: Map<number, Uint32Array>;
  /**
   * The frame of the scene's clock that is painted, the views that labels and names of places keep clear, and whether these
   * names are hidden, because raster tiles with names of their own cover the basemap.
   */
  readonly now: {
    frame: number;
    clear?: Clearance | undefined;
    namesClear?: Clearance | undefined;
    hidesNames?: boolean;
  };
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
  /** Place names of the basemap, the most important ones first. */
  readonly names?: readonly PlaceName[] | undefined;
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
  { createCanvas, shapes, names = [], tiles, fonts = PAGE_FONTS, together }: PrepareOptions,
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
    names:
      names.length > 0
        ? new NamePainter(names, { basemap: scene.basemap, layers: scene.layers, copies, fonts })
        : undefined,
    points: new PointPlaces(scene.layers),
    fonts,
    scratch: new Scratch(createCanvas),
    hidden: new Set(),
    failed: new Map(),
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

/** Hides the rows of a layer that fail filters, those with another number than 0; without `failed`, none. */
export function filterLayer(
  { layers, labels, failed: failedIn }: PreparedScene,
  layer: number,
  failed: Uint32Array | undefined,
): void {
  if (failed) failedIn.set(layer, failed);
  else failedIn.delete(layer);
  layers[layer]?.filter?.(failed);
  labels.filter(layer, failed);
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

/** Paints background, land, water and borders, and the names below the data. */
export function paintBasemap(context: Canvas2D, prepared: PreparedScene, viewport: Viewport): void {
  const { scene, basemap, scratch, fonts } = prepared;
  inDevicePixels(context, () => {
    const { widthPx, heightPx, pixelRatio } = viewport;
    context.fillStyle = cssColor(scene.basemap.background);
    context.fillRect(0, 0, Math.round(widthPx * pixelRatio), Math.round(heightPx * pixelRatio));
    const zoomNow = zoomOf(viewport.worldPx);
    for (const { painter, zoom } of basemap) if (zoomNow >= zoom) painter.paint(context, viewport, scratch);
    if (!scene.projection && basemap.length > 0) paintGrid(context, viewport, scene.basemap, fonts);
    paintNames(context, prepared, viewport, "back");
  });
}

/**
 * Paints the names of the basemap if they are below or above the data. Labels of the data above it take their place: two
 * sets of labels above the data would be too many.
 */
function paintNames(
  context: Canvas2D,
  { scene, names, labels, points, hidden, now }: PreparedScene,
  viewport: Viewport,
  placement: "back" | "front",
): void {
  if (!names || now.hidesNames || scene.basemap.names?.placement !== placement) return;
  const isLabelled = scene.layers.some(({ label }, i) => label && !hidden.has(i));
  if (isLabelled && placement === "front") return;
  names.paint(context, viewport, {
    labels: labels.rectsAt(context, viewport.worldPx, hidden, now),
    points: points.rectsAt(viewport.worldPx, hidden),
    hidden,
    clear: now.namesClear,
  });
}

/**
 * Paints the layers over whatever the canvas shows; clear it first if there is no basemap. Labels are painted with the
 * last layer. `drawn` counts visible points, and lines and polygons in the view.
 */
export function paintLayers(
  context: Canvas2D,
  prepared: PreparedScene,
  viewport: Viewport,
  /* the layers to paint, `to` excluded */
  { from = 0, to = prepared.layers.length }: { readonly from?: number; readonly to?: number } = {},
): { drawn: number } {
  const { layers, labels, scratch, hidden, now } = prepared;
  let drawn = 0;
  inDevicePixels(context, () => {
    for (const [i, layer] of layers.entries())
      if (i >= from && i < to && !hidden.has(i)) drawn += layer.paint(context, viewport, scratch, now.frame);
    if (to < layers.length) return;
    paintNames(context, prepared, viewport, "front");
    labels.paint(context, viewport, hidden, now);
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

function basemapPainters(scene: Scene, shapes: BasemapShapes | undefined): PreparedScene["basemap"] {
  const { vector } = scene.basemap;
  if (!vector || !shapes) return [];
  const { land, borders, stateBorders, lakes, rivers, outline, graticule } = shapes;
  const [red, green, blue, alpha] = vector.border;
  const water = vector.sea ?? scene.basemap.background;
  const copies = copiesIn(scene);
  const painter = (geometry: PathGeometry, color: Rgba, { px = BORDER_PX, zoom = -Infinity } = {}) => ({
    painter: basemapPainter(geometry, color, px, copies),
    zoom,
  });
  return [
    ...(outline && vector.sea ? [painter(outline, vector.sea)] : []),
    ...(graticule
      ? [painter(graticule, outline ? [red, green, blue, alpha >> 1] : FRAME[scene.basemap.theme])]
      : []),
    painter(land, vector.land),
    painter(rivers, water, { px: RIVER_PX, zoom: RIVERS_ZOOM }),
    painter(lakes, water),
    painter(stateBorders, [red, green, blue, alpha >> 1], { zoom: STATES_ZOOM }),
    painter(borders, vector.border),
    ...(outline ? [painter({ ...outline, kind: "line" }, vector.border)] : []),
  ];
}

function basemapPainter(geometry: PathGeometry, color: Rgba, px: number, copies: number): PathPainter {
  const layer: SceneLayer = {
    geometry,
    rowCount: geometry.features.length - 1,
    color: { kind: "constant", color },
    size: { kind: "constant", px },
    ...(geometry.kind === "polygon" && { stroke: { color, widthPx: 0 } }), // land has no seams to close
    opacity: 1,
  };
  return new PathPainter(layer, geometry, copies);
}
