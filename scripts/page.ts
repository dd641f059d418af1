import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
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

/** Writes `page.js` and `page-boot.js`. They appear whole: tests run beside each other. */
export async function buildPage(outdir: string): Promise<void> {
  const { outputFiles } = await build({ ...PAGE_BUNDLES, outdir, write: false });
  await mkdir(outdir, { recursive: true });
  for (const { path, text } of outputFiles) {
    if (basename(path) === "page-boot.js" && /<(?:\/script|!--)/i.test(text)) {
      throw new Error("page-boot.js cannot stand in a <script>.");
    }
    const beside = `${path}.${process.pid}`;
    await writeFile(beside, text);
    await rename(beside, path);
  }
}

if (require.main === module) {
  buildPage(join(ROOT, "dist")).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
