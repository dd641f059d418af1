/**
 * `npm run notebooks [files…]`: runs the example notebooks in the real kernel and writes their outputs, as JupyterLab
 * would. Leaves a notebook unchanged if one of its cells fails or prints to stderr. The tests compare the outputs.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { notebookFiles, runNotebook } from "../test/support/notebooks";

const ROOT = resolve(__dirname, "..");

async function main(): Promise<void> {
  const named = process.argv.slice(2).map((file) => resolve(file));
  const home = process.env.CARTOFRAMES_HOME ?? temporaryHome();
  for (const path of named.length > 0 ? named : notebookFiles()) {
    const { problems, file } = await runNotebook(path, home);
    if (problems.length === 0) writeFileSync(path, file);
    else process.exitCode = 1;
    console.log(`${problems.length === 0 ? "ok    " : "FAILED"}  ${basename(path)}`);
    for (const problem of problems) console.error(problem);
  }
}

/** Creates a home folder for this run, which is removed with its server when the process ends. */
function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "cartoframes-home-"));
  process.once("exit", () => {
    spawnSync(process.execPath, [join(ROOT, "dist/cli.js"), "stop", "--home", home]);
    rmSync(home, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  return home;
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => process.exit());
