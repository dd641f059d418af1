import { lngLatOf, WORLD_M } from "../geometry/mercator";
import type { Viewport } from "./scene";

const MAX_WIDTH_PX = 120;
/** Where the scale at one edge of the map is so many times that at the other, one bar for all would mislead. */
const MAX_RATIO = 1.5;
const DEG = Math.PI / 180;

export interface ScaleBar {
  readonly widthPx: number;
  readonly label: string;
}

/** A round distance in the middle of the map; none where the map has no one scale, as the world has not. */
export function scaleBarOf({ originY, worldPx, heightPx }: Viewport): ScaleBar | undefined {
  const cosAt = (y: number) => Math.cos(lngLatOf([0, Math.max(0, Math.min(1, y))])[1] * DEG);
  const edges = [
    cosAt(originY),
    cosAt(originY + heightPx / worldPx),
    cosAt(originY + heightPx / 2 / worldPx),
  ];
  if (!(Math.max(...edges) <= MAX_RATIO * Math.min(...edges))) return undefined;
  const metresPerPx = (WORLD_M / worldPx) * edges[2]!;
  const longest = metresPerPx * MAX_WIDTH_PX;
  const power = 10 ** Math.floor(Math.log10(longest));
  const metres = power * [5, 2, 1].find((step) => step * power <= longest)!;
  const label =
    metres >= 1000 ? `${(metres / 1000).toLocaleString("en-US")} km` : `${Number(metres.toPrecision(1))} m`;
  return { widthPx: metres / metresPerPx, label };
}
