import { createRequire } from "node:module";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { DANFO_BUNDLE, danfoBeside } from "./danfo";
import { PAGE_BUNDLES } from "./page";
import { VEGA_BUNDLE } from "./vega";

const ROOT = join(__dirname, "..");
const { dependencies } = createRequire(__filename)("../package.json");

/** How the package's programs are bundled into `dist`. */
export const BUNDLES = {
  entryPoints: {
    index: join(ROOT, "src/index.ts"),
    cli: join(ROOT, "src/cli/index.ts"),
    server: join(ROOT, "src/server/main.ts"),
    "pglite-worker": join(ROOT, "src/server/engine/pglite-worker.ts"),
  },
  outdir: join(ROOT, "dist"),
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // Dev dependencies are bundled: most of them publish ES modules only, which CommonJS cannot require.
  // A polyfill of half a megabyte for what Node has.
  alias: { "text-encoding": "node:util" },
  // node-postgres asks for pg-native, and an agent for kerberos, only where they are told to use them.
  external: [...Object.keys(dependencies), "pg-native", "kerberos"],
  loader: { ".sql": "text" },
  plugins: [danfoBeside],
  logLevel: "warning",
} satisfies BuildOptions;

/** The npm packages whose code ends up in the bundles, sorted. */
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
