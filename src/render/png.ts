/** The scene's first view as a picture, painted by the painter of the page. */
import { createRequire } from "node:module";
import { inflateSync } from "node:zlib";
import type { Canvas } from "@napi-rs/canvas";
import { CartoError } from "../errors";
import { decodeBasemap } from "./basemap-data";
import { built } from "./built";
import { momentText } from "./clock";
import { drawAttribution, drawLegends, drawScale, drawTime, drawTitle } from "./lettering";
import { type BasemapShapes, type PreparedScene, paintBasemap, paintLayers, prepare } from "./painter";
import { viewportOf } from "./projection";
import type { Scene, Viewport } from "./scene";

type Skia = typeof import("@napi-rs/canvas");

/** For characters that the shipped font lacks, if the system has one of these; others stay blank. */
const FALLBACK_FONTS = [
  "Noto Sans",
  "DejaVu Sans",
  "Segoe UI",
  "Arial Unicode MS",
  "Noto Sans CJK SC",
  "PingFang SC",
  "Microsoft YaHei",
  "Hiragino Sans",
  "Malgun Gothic",
  "Apple Color Emoji",
  "Segoe UI Emoji",
  "Noto Color Emoji",
];
const OWN_FONT = "cartoframes";
const FONTS = [OWN_FONT, ...FALLBACK_FONTS].map((name) => `"${name}"`).join(", ");

export interface PngOptions {
  /** Pixels of the picture per pixel of the scene. @default 1 */
  readonly pixelRatio?: number;
}

/**
 * A PNG of exactly the scene's size times `pixelRatio`: basemap, layers, labels, title, legends, scale, attribution and,
 * of a scene with a clock, its still and what time that is. The same scene gives the same bytes. Nothing is fetched, so
 * it has outlines where the page has tiles.
 */
export function renderPng(scene: Scene, { pixelRatio = 1 }: PngOptions = {}): Uint8Array {
  return new PicturePainter(scene, pixelRatio).paint(scene.clock?.still ?? 0).encodeSync("png");
}

/** Paints pictures of a scene, one frame of its clock after the other. */
export class PicturePainter {
  readonly #scene: Scene;
  readonly #pixelRatio: number;
  readonly #viewport: Viewport;
  readonly #canvas: Canvas;
  /** What is the same in all frames, below the layers. */
  readonly #ground: Canvas;
  readonly #prepared: PreparedScene;

  constructor(scene: Scene, pixelRatio = 1) {
    const { createCanvas } = loadSkia();
    this.#scene = scene;
    this.#pixelRatio = pixelRatio;
    this.#viewport = viewportOf(scene, { pixelRatio });
    const [width, height] = [Math.round(scene.widthPx * pixelRatio), Math.round(scene.heightPx * pixelRatio)];
    this.#canvas = createCanvas(width, height);
    this.#ground = createCanvas(width, height);
    const shapes = scene.basemap.vector ? loadShapes() : undefined;
    this.#prepared = prepare(scene, { createCanvas, shapes });
    paintBasemap(this.#ground.getContext("2d"), this.#prepared, this.#viewport);
  }

  /** The canvas, on which the next frame will be painted too. */
  paint(frame: number): Canvas {
    const [scene, viewport] = [this.#scene, this.#viewport];
    const { clock } = scene;
    const context = this.#canvas.getContext("2d");
    context.drawImage(this.#ground, 0, 0);
    this.#prepared.now.frame = frame;
    paintLayers(context, this.#prepared, viewport);

    context.save();
    context.scale(this.#pixelRatio, this.#pixelRatio);
    if (scene.basemap.vector) drawAttribution(context, scene, { text: "Natural Earth", fonts: FONTS });
    drawScale(context, scene, { viewport, fonts: FONTS });
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

let skia: Skia | undefined;

/** Loaded with the first picture: it is 30 MB of native code. */
function loadSkia(): Skia {
  if (skia) return skia;
  try {
    skia = createRequire(__filename)("@napi-rs/canvas") as Skia;
  } catch (cause) {
    throw new CartoError(
      "Pictures need the package @napi-rs/canvas, which cannot be loaded here. Install it again: npm install @napi-rs/canvas",
      { cause },
    );
  }
  skia.GlobalFonts.register(built("font.ttf"), OWN_FONT);
  return skia;
}

let shapes: BasemapShapes | undefined;

function loadShapes(): BasemapShapes {
  shapes ??= decodeBasemap(inflateSync(built("basemap.bin")));
  return shapes;
}
