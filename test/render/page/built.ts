import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildBasemap } from "../../../scripts/basemap";
import { buildFont } from "../../../scripts/font";
import { buildPage } from "../../../scripts/page";
import { buildVega } from "../../../scripts/vega";

export const DIST = join(__dirname, "../../../dist");

/** The page's program as the sources are now, and the data it needs. */
export async function buildForMaps(): Promise<void> {
  await buildPage(DIST);
  await buildVega(DIST);
  if (!existsSync(join(DIST, "basemap.bin"))) await buildBasemap(join(DIST, "basemap.bin"));
  if (!existsSync(join(DIST, "font-latin.ttf"))) await buildFont(join(DIST, "font.ttf"));
}
