/** Builds everything that the package ships into `dist`. Usage: `npm run build` */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { buildBasemap } from "./basemap";
import { BUNDLES } from "./bundles";
import { buildFont } from "./font";
import { buildGazetteer } from "./gazetteer";
import { writeNotices } from "./notices";
import { buildStarter } from "./observatory";
import { buildPage } from "./page";
import { buildTemplate } from "./template";
import { buildVega } from "./vega";

const ROOT = join(__dirname, "..");
const DIST = join(ROOT, "dist");

async function main(): Promise<void> {
  await build(BUNDLES);
  await buildPage(DIST);
  await buildVega(DIST);
  await buildBasemap(join(DIST, "basemap.bin"));
  await buildGazetteer(join(DIST, "gazetteer.json.br"));
  await buildFont(join(DIST, "font.ttf"));
  rmSync(join(DIST, "types"), { recursive: true, force: true });
  const tsc = createRequire(__filename).resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(ROOT, "tsconfig.build.json")], { stdio: "inherit" });
  await writeNotices(join(ROOT, "THIRD_PARTY_NOTICES.md"));
  await buildTemplate(join(DIST, "template"));
  await buildStarter(join(DIST, "observatory.json.br"));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
