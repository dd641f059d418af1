import type { Canvas } from "@napi-rs/canvas";
import type { SceneChange } from "../scene-change";
import type { LiveMap } from "./linked";

/** An image of a map for a figure. @internal */
export interface StillMap {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly description: string;
  /** Paints the map with at least `scale` pixels per CSS pixel, with another view, legend corner or title if they are given. */
  canvas(scale: number, change?: SceneChange): Canvas;
  /** The live map, for a figure whose views are linked. */
  readonly live?: LiveMap;
}
