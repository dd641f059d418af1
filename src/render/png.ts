/** The scene's first view as a picture, painted by the painter of the page. */
import { inflateSync } from "node:zlib";
import type { Canvas } from "@napi-rs/canvas";
import { decodeBasemap } from "./basemap-data";
import { built } from "./built";
import { drawAttribution, drawLegends, drawScale, drawTitle } from "./lettering";
import { type BasemapShapes, paintBasemap, paintLayers, prepare } from "./painter";
import { viewportOf } from "./projection";
import type { Scene } from "./scene";
import { FONTS, loadSkia } from "./skia";
import { drawTiles, type TilePictures } from "./tiles";

export interface PngOptions {
  /** Pixels of the picture per pixel of the scene. @default 1 */
  readonly pixelRatio?: number;
  /** The basemap's tiles; without them land and borders are outlines. */
  readonly tiles?: TilePictures | undefined;
}

/** A PNG of exactly the scene's size times `pixelRatio`. The same scene gives the same bytes. Nothing is fetched. */
export function renderPng(scene: Scene, options: PngOptions = {}): Uint8Array {
  return renderCanvas(scene, options).encodeSync("png");
}

/** Basemap, layers, labels, title, legends, scale and attribution. */
export function renderCanvas(scene: Scene, { pixelRatio = 1, tiles }: PngOptions = {}): Canvas {
  const { createCanvas } = loadSkia();
  const viewport = viewportOf(scene, { pixelRatio });
  const canvas = createCanvas(
    Math.round(scene.widthPx * pixelRatio),
    Math.round(scene.heightPx * pixelRatio),
  );
  const context = canvas.getContext("2d");
  const shapes = scene.basemap.vector ? loadShapes() : undefined;
  const prepared = prepare(scene, { createCanvas, shapes });
  paintBasemap(context, prepared, viewport);
  if (tiles) drawTiles(context, viewport, tiles.ground);
  paintLayers(context, prepared, viewport);
  if (tiles) drawTiles(context, viewport, tiles.labels);

  context.scale(pixelRatio, pixelRatio);
  const attribution = tiles ? plainText(scene.basemap.tiles?.attribution) : shapes && "Natural Earth";
  if (attribution) drawAttribution(context, scene, { text: attribution, fonts: FONTS });
  drawScale(context, scene, { viewport, fonts: FONTS });
  const takenPx = drawLegends(context, scene, { fonts: FONTS });
  drawTitle(context, scene, { takenPx, fonts: FONTS });
  return canvas;
}

/** A picture has no links. */
const plainText = (attribution = ""): string => attribution.replace(/\[([^\]]*)\]\([^\s)]*\)/g, "$1").trim();

let shapes: BasemapShapes | undefined;

function loadShapes(): BasemapShapes {
  shapes ??= decodeBasemap(inflateSync(built("basemap.bin")));
  return shapes;
}
