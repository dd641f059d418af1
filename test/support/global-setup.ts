import { existsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { buildTemplate } from "../../scripts/template";

/** The database template takes half a minute to build and is kept in `dist/` until one of its inputs changes. */
export default async function setup(): Promise<void> {
  const pipConfig = join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "pip/pip.conf");
  if (existsSync(pipConfig)) process.env.PIP_CONFIG_FILE ??= pipConfig; // JupyterLab is installed from where it says
  process.env.XDG_CONFIG_HOME = join(tmpdir(), "cartoframes-test-no-config"); // the developer's account is not for tests
  await buildTemplate(join(__dirname, "../../dist/template"));
}
