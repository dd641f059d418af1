/** Sizes of the map's furniture that the page and the image share: the scale bar and the legend's symbols. */
import { lngLatOf, WORLD_M } from "../geometry/mercator";
import type { Legend, LegendItem, Viewport } from "./scene";

const MAX_WIDTH_PX = 120;
/** The bar is hidden if the scale varies by more than this factor across the map. */
const MAX_RATIO = 1.5;
const DEG = Math.PI / 180;

export interface ScaleBar {
  readonly widthPx: number;
  readonly label: string;
}

/** A round distance at the middle of the map; undefined on world maps, where scale varies with latitude. */
export function scaleBarOf({ originY, worldPx, heightPx }: Viewport): ScaleBar | undefined {
  const cosAt = (y: number) => Math.cos(lngLatOf([0, Math.max(0, Math.min(1, y))])[1] * DEG);
  const middle = cosAt(originY + heightPx / 2 / worldPx);
  const scales = [cosAt(originY), cosAt(originY + heightPx / worldPx), middle];
  if (!(Math.max(...scales) <= MAX_RATIO * Math.min(...scales))) return undefined;
  const metresPerPx = (WORLD_M / worldPx) * middle;
  const longest = metresPerPx * MAX_WIDTH_PX;
  const power = 10 ** Math.floor(Math.log10(longest));
  const metres = power * ([5, 2].find((step) => step * power <= longest) ?? 1);
  const label =
    metres >= 1000 ? `${(metres / 1000).toLocaleString("en-US")} km` : `${Number(metres.toPrecision(1))} m`;
  return { widthPx: metres / metresPerPx, label };
}

/** Size of a legend symbol in CSS pixels: points and lines in their own size, limited to what fits a line of text. */
export function legendSymbolSize(
  geometry: Legend["geometry"],
  { sizePx }: LegendItem,
): { readonly width: number; readonly height: number } {
  switch (geometry) {
    case "point": {
      const px = Math.min(40, Math.max(6, sizePx));
      return { width: px, height: px };
    }
    case "line":
      return { width: 18, height: Math.min(10, Math.max(2, sizePx)) };
    case "polygon":
      return { width: 16, height: 12 };
  }
}
