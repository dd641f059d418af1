import { createRequire } from "node:module";
import { built } from "../../built";
import { CartoError } from "../../errors";

export type Skia = typeof import("@napi-rs/canvas");

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
/** A CSS list of font families for the text of pictures. */
export const FONTS = [OWN_FONT, ...FALLBACK_FONTS].map((name) => `"${name}"`).join(", ");

let skia: Skia | undefined;

/** Loaded with the first picture: it is 30 MB of native code. */
export function loadSkia(): Skia {
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
