import { existsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { buildTemplate } from "../../scripts/template";

/** Builds the database template, which takes half a minute, unless `dist/` has one from the same inputs. */
export default async function setup(): Promise<void> {
  const pipConfig = join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "pip/pip.conf");
  if (existsSync(pipConfig)) process.env.PIP_CONFIG_FILE ??= pipConfig; // JupyterLab is installed from where it says
  process.env.XDG_CONFIG_HOME = join(tmpdir(), "cartoframes-test-no-config"); // the developer's account is not for tests
  await buildTemplate(join(__dirname, "../../dist/template"));
}
