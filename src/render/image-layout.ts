/** Where the legend of an image lies: in a corner of the map, or in a strip below a narrow one. */
import { legendStripOf } from "./legend-strip";
import { dataBoxOf, hiddenIn, legendCornerOf, type ViewportOptions, viewportOf } from "./projection";
import type { LegendCorner, Scene, Viewport } from "./scene";

/** A map whose data are at least this much larger is worth a strip. */
const GAIN = 1.1;
/** A strip that makes the data smaller than this is worth it only if it uncovers this share of them. */
const LOSS = 0.6;
const MUCH = 0.15;

/**
 * Decides the place of the legends once, so that it is the same in the page, in the image and at any size: the corner where
 * they cover least, and for narrow images below the map if they hide data or make the map smaller in every corner.
 * @param asked corner that the user chose
 */
export function withLegendPlace(scene: Scene, asked: LegendCorner | undefined): Scene {
  const { legendBelow: _, legendCorner: __, ...free } = scene;
  if (scene.legends.length === 0) return asked ? { ...free, legendCorner: asked } : free;
  const placed = { ...free, legendCorner: asked ?? legendCornerOf(free) };
  return !asked && isBetterBelow(placed) ? { ...placed, legendBelow: true } : placed;
}

function isBetterBelow(scene: Scene): boolean {
  const map = aboveStrip(scene);
  if (!map) return false;
  const box = dataBoxOf(scene);
  const [inCorner, below] = [hiddenIn(scene, box), hiddenIn(map, box)];
  const gain = viewportOf(map).worldPx / viewportOf(scene).worldPx;
  if (below >= inCorner) return below === inCorner && gain > GAIN;
  return gain > LOSS || inCorner - below > MUCH;
}

/** Returns the part of an image that is map: without the strip of the legends, if there is one. */
export function mapPartOf(scene: Scene): Scene {
  return (scene.legendBelow && aboveStrip(scene)) || scene;
}

function aboveStrip(scene: Scene): Scene | undefined {
  const strip = legendStripOf(scene);
  return strip && { ...scene, heightPx: scene.heightPx - strip.heightPx, legends: [] };
}

/** Returns the viewport of the map in an image of a scene. */
export const imageViewportOf = (scene: Scene, options?: Pick<ViewportOptions, "pixelRatio">): Viewport =>
  viewportOf(mapPartOf(scene), options);
