import { createRequire } from "node:module";
import { built } from "../../built";
import { CartoError } from "../../errors";

export type Skia = typeof import("@napi-rs/canvas");

/** System fonts for characters that the shipped font lacks. Characters that no font has stay blank. */
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
/** CSS list of font families for text in images. */
export const FONTS = [OWN_FONT, ...FALLBACK_FONTS].map((name) => `"${name}"`).join(", ");

let skia: Skia | undefined;

/**
 * Loads Skia, 30 MB of native code, when the first image is painted.
 * @throws CartoError if @napi-rs/canvas cannot be loaded.
 */
export function loadSkia(): Skia {
  if (skia) return skia;
  try {
    skia = createRequire(__filename)("@napi-rs/canvas") as Skia;
  } catch (cause) {
    throw new CartoError(
      "Images need the package @napi-rs/canvas, which could not be loaded. Reinstall it: npm install @napi-rs/canvas",
      { cause },
    );
  }
  skia.GlobalFonts.register(built("font.ttf"), OWN_FONT);
  return skia;
}
