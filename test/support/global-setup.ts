import { existsSync, mkdtempSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { buildTemplate } from "../../scripts/template";
import { homesIn } from "../../src/local/home";
import { stopServer } from "../../src/local/launcher";

/**
 * Builds the database template if its inputs have changed, and removes what test files shared: servers and folders. Called
 * once for each project of vitest.config.mts.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.CARTOFRAMES_TEST_RUN) return undefined;
  const pipConfig = join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "pip/pip.conf");
  if (existsSync(pipConfig)) process.env.PIP_CONFIG_FILE ??= pipConfig; // where to install JupyterLab from
  const run = mkdtempSync(join(tmpdir(), "cartoframes-test-run-"));
  process.env.CARTOFRAMES_TEST_RUN = run;
  await buildTemplate(join(__dirname, "../../dist/template"));
  return async () => {
    for (const worker of await readdir(run)) {
      for (const home of await homesIn(join(run, worker))) await stopServer(home);
    }
    await rm(run, { recursive: true, force: true });
  };
}
