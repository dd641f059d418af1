import { createRequire } from "node:module";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { DANFO_BUNDLE, danfoBeside } from "./danfo";
import { PAGE_BUNDLES } from "./page";
import { VEGA_BUNDLE } from "./vega";

const ROOT = join(__dirname, "..");
const { dependencies } = createRequire(__filename)("../package.json");

/** Bundles of the package's programs in `dist`. */
export const BUNDLES = {
  entryPoints: {
    index: join(ROOT, "src/index.ts"),
    cli: join(ROOT, "src/cli/index.ts"),
    server: join(ROOT, "src/server/main.ts"),
    "pglite-worker": join(ROOT, "src/server/engine/pglite-worker.ts"),
    "reader-worker": join(ROOT, "src/server/imports/reader/reader-worker.ts"),
    "columnar-worker": join(ROOT, "src/server/imports/columnar/columnar-worker.ts"),
    "gdal-worker": join(ROOT, "src/server/imports/gdal/gdal-worker.ts"),
    "seven-zip-worker": join(ROOT, "src/server/imports/archives/seven-zip-worker.ts"),
  },
  outdir: join(ROOT, "dist"),
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // Dev dependencies are bundled: most of them publish ES modules only, which CommonJS cannot require.
  // A half-megabyte polyfill for something that Node has.
  alias: { "text-encoding": "node:util" },
  // node-postgres loads pg-native, and a proxy agent loads kerberos, only on request.
  external: [...Object.keys(dependencies), "pg-native", "kerberos"],
  loader: { ".sql": "text" },
  plugins: [danfoBeside],
  logLevel: "warning",
} satisfies BuildOptions;

/** Returns the npm packages whose code the bundles contain, sorted. */
export async function bundledPackages(): Promise<string[]> {
  const page = await build({ ...PAGE_BUNDLES, outdir: "dist", write: false, metafile: true });
  const vega = await build({ ...VEGA_BUNDLE, outdir: "dist", write: false, metafile: true });
  const programs = await build({ ...BUNDLES, write: false, metafile: true });
  const danfo = await build({ ...DANFO_BUNDLE, outdir: "dist", write: false, metafile: true });
  const outputs = [programs, page, vega, danfo].flatMap(({ metafile }) => Object.values(metafile.outputs));
  const files = outputs.flatMap(({ inputs }) => Object.keys(inputs));
  const names = files.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}
