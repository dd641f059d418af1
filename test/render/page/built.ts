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

/** Builds a file that is missing or older than the programs that write and read it. */
async function buildData(
  name: string,
  make: (file: string) => Promise<void>,
  programs: readonly string[],
): Promise<void> {
  const since = Math.max(...programs.map((program) => changedAt(join(ROOT, program))));
  if (changedAt(join(DIST, name)) < since) await make(join(DIST, name));
}

/** Builds the program of the page from the current sources, and its data. */
export async function buildForMaps(): Promise<void> {
  const since = sourcesChangedAt();
  if (changedAt(join(DIST, "page.js")) < since) await buildPage(DIST);
  if (changedAt(join(DIST, "vega.js")) < since) await buildVega(DIST);
  await buildData("basemap.bin", buildBasemap, ["scripts/basemap.ts", "src/render/basemap-data.ts"]);
  await buildData("basemap-usa.bin", buildUsaBasemap, ["scripts/basemap.ts", "src/render/basemap-data.ts"]);
  await buildData("names.bin", buildNames, ["scripts/names.ts", "src/render/names-data.ts"]);
  await buildData("city-names.json.zz", buildCityNames, ["scripts/city-names.ts"]);
  if (!existsSync(join(DIST, "font-names.woff2"))) await buildFont(join(DIST, "font.ttf"));
}
