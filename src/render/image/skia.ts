import { createRequire } from "node:module";
import { built } from "../../built";
import { CartoError } from "../../errors";

export type Skia = typeof import("@napi-rs/canvas");

/** The shipped font, which covers Latin, Greek and Cyrillic. */
export const OWN_FONT = "cartoframes";

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
