import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildBasemap } from "../../../scripts/basemap";
import { buildFont } from "../../../scripts/font";
import { buildPage } from "../../../scripts/page";
import { buildVega } from "../../../scripts/vega";

export const DIST = join(__dirname, "../../../dist");

/** Builds the program of the page from the current sources, and its data. */
export async function buildForMaps(): Promise<void> {
  await buildPage(DIST);
  await buildVega(DIST);
  if (!existsSync(join(DIST, "basemap.bin"))) await buildBasemap(join(DIST, "basemap.bin"));
  if (!existsSync(join(DIST, "font-latin.ttf"))) await buildFont(join(DIST, "font.ttf"));
}
