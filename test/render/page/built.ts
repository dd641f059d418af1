import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildBasemap, buildUsaBasemap } from "../../../scripts/basemap";
import { buildCityNames } from "../../../scripts/city-names";
import { buildFont } from "../../../scripts/font";
import { buildNames } from "../../../scripts/names";
import { buildPage } from "../../../scripts/page";
import { buildVega } from "../../../scripts/vega";

const ROOT = join(__dirname, "../../..");
export const DIST = join(ROOT, "dist");

const changedAt = (file: string) => (existsSync(file) ? statSync(file).mtimeMs : 0);

/** When the last of the sources changed that programs in pages are built from. */
const sourcesChangedAt = () =>
  Math.max(
    ...["src", "scripts"].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) =>
        changedAt(join(ROOT, folder, name)),
      ),
    ),
  );

/** Builds the program of the page from the current sources, and its data. */
export async function buildForMaps(): Promise<void> {
  const since = sourcesChangedAt();
  if (changedAt(join(DIST, "page.js")) < since) await buildPage(DIST);
  if (changedAt(join(DIST, "vega.js")) < since) await buildVega(DIST);
  if (!existsSync(join(DIST, "basemap.bin"))) await buildBasemap(join(DIST, "basemap.bin"));
  if (!existsSync(join(DIST, "basemap-usa.bin"))) await buildUsaBasemap(join(DIST, "basemap-usa.bin"));
  if (!existsSync(join(DIST, "city-names.json.zz"))) await buildCityNames(join(DIST, "city-names.json.zz"));
  if (!existsSync(join(DIST, "names.bin"))) await buildNames(join(DIST, "names.bin"));
  if (!existsSync(join(DIST, "font-latin.ttf"))) await buildFont(join(DIST, "font.ttf"));
}
