/** The scene's first view as a picture, painted by the painter of the page. */
import type { Canvas } from "@napi-rs/canvas";
import { worldOutlines } from "../assets";
import { momentText } from "../clock";
import { type PreparedScene, paintBasemap, paintLayers, prepare } from "../painter";
import { viewportOf } from "../projection";
import type { Scene, Viewport } from "../scene";
import { encodePng } from "./encode-png";
import { drawAttribution, drawLegends, drawScale, drawTime, drawTitle } from "./lettering";
import { drawTiles, type TilePictures } from "./raster-tiles";
import { FONTS, loadSkia } from "./skia";

export interface PngOptions {
  /** Pixels of the picture per pixel of the scene. @default 1 */
  readonly pixelRatio?: number;
  /** The basemap's tiles; without them land and borders are outlines. */
  readonly tiles?: TilePictures | undefined;
}

/**
 * A PNG of exactly the scene's size times `pixelRatio`: basemap, layers, labels, title, legends, scale, attribution and,
 * of a scene with a clock, its still and what time that is. The same scene gives the same bytes. Nothing is fetched, so
 * it has outlines where the page has tiles.
 */
export function renderPng(scene: Scene, options?: PngOptions): Uint8Array {
  return encodePng(renderCanvas(scene, options));
}

/** What `renderPng` encodes. */
export function renderCanvas(scene: Scene, options?: PngOptions): Canvas {
  return new PicturePainter(scene, options).paint(scene.clock?.still ?? 0);
}

/** Paints pictures of a scene, one frame of its clock after the other. */
export class PicturePainter {
  readonly #scene: Scene;
  readonly #pixelRatio: number;
  readonly #tiles: TilePictures | undefined;
  readonly #viewport: Viewport;
  readonly #canvas: Canvas;
  /** What is the same in all frames, below the layers. */
  readonly #ground: Canvas;
  readonly #prepared: PreparedScene;

  constructor(scene: Scene, { pixelRatio = 1, tiles }: PngOptions = {}) {
    const { createCanvas } = loadSkia();
    this.#scene = scene;
    this.#pixelRatio = pixelRatio;
    this.#tiles = tiles;
    this.#viewport = viewportOf(scene, { pixelRatio });
    const [width, height] = [Math.round(scene.widthPx * pixelRatio), Math.round(scene.heightPx * pixelRatio)];
    this.#canvas = createCanvas(width, height);
    this.#ground = createCanvas(width, height);
    const shapes = scene.basemap.vector ? worldOutlines() : undefined;
    this.#prepared = prepare(scene, { createCanvas, shapes });
    const ground = this.#ground.getContext("2d");
    paintBasemap(ground, this.#prepared, this.#viewport);
    if (tiles) drawTiles(ground, this.#viewport, tiles.ground);
  }

  /** The canvas, on which the next frame will be painted too. */
  paint(frame: number): Canvas {
    const [scene, viewport] = [this.#scene, this.#viewport];
    const { clock } = scene;
    const context = this.#canvas.getContext("2d");
    context.drawImage(this.#ground, 0, 0);
    this.#prepared.now.frame = frame;
    paintLayers(context, this.#prepared, viewport);
    if (this.#tiles) drawTiles(context, viewport, this.#tiles.labels);

    context.save();
    context.scale(this.#pixelRatio, this.#pixelRatio);
    const { vector, tiles } = scene.basemap;
    const attribution = this.#tiles ? plainText(tiles?.attribution) : vector && "Natural Earth";
    const takenBelowPx = attribution
      ? drawAttribution(context, scene, { text: attribution, fonts: FONTS })
      : 0;
    drawScale(context, scene, { viewport, takenPx: takenBelowPx, fonts: FONTS });
    if (clock) {
      const share = (frame + 1) / clock.frames;
      drawTime(context, scene, { text: momentText(clock, frame), share, fonts: FONTS });
    }
    const takenPx = drawLegends(context, scene, { fonts: FONTS });
    drawTitle(context, scene, { takenPx, fonts: FONTS });
    context.restore();
    return this.#canvas;
  }
}

/** A picture has no links. */
const plainText = (attribution = ""): string => attribution.replace(/\[([^\]]*)\]\([^\s)]*\)/g, "$1").trim();
