import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import writeFileAtomic from "write-file-atomic";

const ROOT = join(__dirname, "..");

/** Bundle of Vega-Lite and Vega for figures, with our canvas and without network access. */
export const VEGA_BUNDLE = {
  entryPoints: { vega: join(ROOT, "src/render/figure/program.ts") },
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  alias: {
    canvas: join(ROOT, "src/render/figure/node-canvas.ts"),
    "node-fetch": join(ROOT, "src/render/figure/no-fetch.ts"),
  },
  external: ["@napi-rs/canvas"],
  legalComments: "none", // they are in THIRD_PARTY_NOTICES.md
  logLevel: "warning",
} satisfies BuildOptions;

/** Writes `vega.js`, atomically because tests run in parallel. */
export async function buildVega(outdir: string): Promise<void> {
  const { outputFiles } = await build({ ...VEGA_BUNDLE, outdir, write: false });
  for (const { path, contents } of outputFiles) {
    await writeFileAtomic(path, Buffer.from(contents));
  }
}

if (require.main === module) {
  buildVega(join(ROOT, "dist")).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
