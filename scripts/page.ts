import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const ROOT = join(__dirname, "..");

/** How the programs of the map page are bundled: what runs in the browser. */
export const PAGE_BUNDLES = {
  entryPoints: {
    page: join(ROOT, "src/render/page/browser/main.ts"),
    "page-boot": join(ROOT, "src/render/page/browser/boot.ts"),
  },
  bundle: true,
  minify: true,
  format: "iife",
  platform: "browser",
  target: ["chrome100", "firefox113", "safari16.4"], // the first ones that have DecompressionStream, and around
  legalComments: "none", // THIRD_PARTY_NOTICES.md has them
  loader: { ".css": "text" },
  logLevel: "warning",
} satisfies BuildOptions;

/** Writes `page.js` and `page-boot.js`. */
export async function buildPage(outdir: string): Promise<void> {
  await build({ ...PAGE_BUNDLES, outdir });
  const boot = await readFile(join(outdir, "page-boot.js"), "utf8");
  if (/<(?:\/script|!--)/i.test(boot)) throw new Error("page-boot.js cannot stand in a <script>.");
}

if (require.main === module) {
  buildPage(join(ROOT, "dist")).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
