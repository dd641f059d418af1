/** The scene's first view as a picture, painted by the painter of the page. */
import { createRequire } from "node:module";
import { inflateSync } from "node:zlib";
import { CartoError } from "../errors";
import { decodeBasemap } from "./basemap-data";
import { built } from "./built";
import { drawAttribution, drawLegends, drawScale, drawTitle } from "./lettering";
import { type BasemapShapes, paint, prepare } from "./painter";
import { viewportOf } from "./projection";
import type { Scene } from "./scene";

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
 * A PNG of exactly the scene's size times `pixelRatio`: basemap, layers, labels, title, legends, scale and attribution. The same scene gives
 * the same bytes. Nothing is fetched, so it has outlines where the page has tiles.
 */
export function renderPng(scene: Scene, { pixelRatio = 1 }: PngOptions = {}): Uint8Array {
  const { createCanvas } = loadSkia();
  const viewport = viewportOf(scene, { pixelRatio });
  const canvas = createCanvas(
    Math.round(scene.widthPx * pixelRatio),
    Math.round(scene.heightPx * pixelRatio),
  );
  const context = canvas.getContext("2d");
  const shapes = scene.basemap.vector ? loadShapes() : undefined;
  paint(context, prepare(scene, { createCanvas, shapes }), viewport);

  context.scale(pixelRatio, pixelRatio);
  if (shapes) drawAttribution(context, scene, { text: "Natural Earth", fonts: FONTS });
  drawScale(context, scene, { viewport, fonts: FONTS });
  const takenPx = drawLegends(context, scene, { fonts: FONTS });
  drawTitle(context, scene, { takenPx, fonts: FONTS });
  return canvas.encodeSync("png");
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
