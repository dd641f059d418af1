import { inflateSync } from "node:zlib";
import { built } from "../built";
import { decodeBasemap } from "./basemap-data";
import type { BasemapShapes } from "./painter";

let outlines: BasemapShapes | undefined;

/** Land and borders of the whole world. Read when the first map is shown. */
export function worldOutlines(): BasemapShapes {
  outlines ??= decodeBasemap(inflateSync(built("basemap.bin")));
  return outlines;
}
