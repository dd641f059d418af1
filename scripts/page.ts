import { mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type BuildOptions, build, type Plugin, transform } from "esbuild";
import writeFileAtomic from "write-file-atomic";

const ROOT = join(__dirname, "..");

/** Imports style sheets as minified text; the loader "text" by itself keeps comments and spaces. */
const minifiedCss: Plugin = {
  name: "minified CSS",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

/** Bundles of the programs that run in the browser. */
export const PAGE_BUNDLES = {
  entryPoints: {
    page: join(ROOT, "src/render/page/browser/page.ts"),
    "page-together": join(ROOT, "src/render/page/browser/page-together.ts"),
    "page-explore": join(ROOT, "src/render/page/browser/page-explore.ts"),
    "page-figure": join(ROOT, "src/render/page/browser/page-figure.ts"),
    "page-charts": join(ROOT, "src/render/page/browser/page-charts.ts"),
    "page-boot": join(ROOT, "src/render/page/browser/boot.ts"),
  },
  bundle: true,
  minify: true,
  format: "iife",
  platform: "browser",
  target: ["chrome100", "firefox113", "safari16.4"], // the first versions with DecompressionStream, or close to them
  legalComments: "none", // they are in THIRD_PARTY_NOTICES.md
  plugins: [minifiedCss],
  logLevel: "warning",
} satisfies BuildOptions;

/** Writes the programs of pages and `page-boot.js`, atomically because tests run in parallel. */
export async function buildPage(outdir: string): Promise<void> {
  const { outputFiles } = await build({ ...PAGE_BUNDLES, outdir, write: false });
  await mkdir(outdir, { recursive: true });
  for (const { path, text } of outputFiles) {
    if (basename(path) === "page-boot.js" && /<(?:\/script|!--)/i.test(text)) {
      throw new Error("page-boot.js must not contain </script or <!--, because pages inline it.");
    }
    await writeFileAtomic(path, text);
  }
}

if (require.main === module) {
  buildPage(join(ROOT, "dist")).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
