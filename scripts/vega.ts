import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const ROOT = join(__dirname, "..");

/** How the program of figures is bundled: Vega-Lite and Vega, with our canvas and without a network. */
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
  legalComments: "none", // THIRD_PARTY_NOTICES.md has them
  logLevel: "warning",
} satisfies BuildOptions;

/** Writes `vega.js`. It appears whole: tests run beside each other. */
export async function buildVega(outdir: string): Promise<void> {
  const { outputFiles } = await build({ ...VEGA_BUNDLE, outdir, write: false });
  for (const { path, contents } of outputFiles) {
    const beside = `${path}.${process.pid}`;
    await writeFile(beside, contents);
    await rename(beside, path);
  }
}

if (require.main === module) {
  buildVega(join(ROOT, "dist")).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
