/** `npm run build`: everything that the package ships, into `dist`. Only what changed is made again. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { buildTemplate } from "./template";

const ROOT = join(__dirname, "..");
const DIST = join(ROOT, "dist");
const { dependencies, optionalDependencies } = createRequire(__filename)("../package.json");

async function main(): Promise<void> {
  await build({
    entryPoints: {
      index: join(ROOT, "src/index.ts"),
      cli: join(ROOT, "src/cli.ts"),
      server: join(ROOT, "src/server/main.ts"),
      "pglite-worker": join(ROOT, "src/server/engine/pglite-worker.ts"),
    },
    outdir: DIST,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    // Dev dependencies are bundled: most of them publish ES modules only, which CommonJS cannot require.
    external: Object.keys({ ...dependencies, ...optionalDependencies }),
    logLevel: "warning",
  });
  rmSync(join(DIST, "types"), { recursive: true, force: true });
  const tsc = createRequire(__filename).resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(ROOT, "tsconfig.build.json")], { stdio: "inherit" });
  await buildTemplate(join(DIST, "template"));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
