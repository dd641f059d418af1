/** `npm run lab`: checks that JupyterLab can run, builds what has changed, and opens the notebooks. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { CartoError } from "../src/errors";
import { checkLab } from "../src/kernel/lab";
import { build } from "./build";

const ROOT = join(__dirname, "..");

async function main(): Promise<void> {
  await checkLab(ROOT);
  await build();
  const lab = spawnSync(process.execPath, [join(ROOT, "dist/cli.js"), "lab", ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: "inherit",
  });
  process.exitCode = lab.status ?? 1;
}

main().catch((error) => {
  console.error(error instanceof CartoError ? error.message : error);
  process.exit(1);
});
