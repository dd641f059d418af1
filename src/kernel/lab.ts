import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { CartoError } from "../errors";
import { KERNEL_NAME, tslabCommand, writeKernelSpec } from "./kernelspec";

export interface LabOptions {
  /** Folder that JupyterLab opens. A relative path starts from `projectDir`. */
  readonly notebookDir: string;
  /** Folder whose `node_modules` has tslab. JupyterLab's own files go to its subfolder `.lab`. */
  readonly projectDir: string;
  /** More arguments of `jupyter lab`, such as `--no-browser` or `--port=8889`. */
  readonly args?: readonly string[];
}

const run = promisify(execFile);

const MIN_LAB_MAJOR = 4;
const MIN_PYTHON = [3, 9] as const;
/** Time JupyterLab has to save files and end its kernels. */
const STOP_MS = 10_000;

/**
 * Opens JupyterLab with the TypeScript kernel and waits until it ends. Uses the JupyterLab on PATH, or installs one into
 * `<projectDir>/.lab/venv`. Writes nothing outside `.lab`.
 * @returns JupyterLab's exit code
 * @throws CartoError if the folder, tslab, or Python is missing, before anything is installed
 */
export async function lab({ notebookDir, projectDir, args = [] }: LabOptions): Promise<number> {
  const root = resolve(projectDir, notebookDir);
  if (!existsSync(root))
    throw new CartoError(`The folder ${root} does not exist. Pass the folder of your notebooks.`);
  const argv = tslabCommand(projectDir);
  const labDir = join(projectDir, ".lab");
  mkdirSync(labDir, { recursive: true });
  writeFileSync(join(labDir, ".gitignore"), "*\n");

  const { jupyter, ours } = await findOrInstallJupyter(labDir);
  const dataDir = join(labDir, "jupyter");
  writeKernelSpec(dataDir, { argv });
  const configDir = join(dataDir, "config");
  writeQuietSettings(configDir);

  const env = {
    ...process.env,
    JUPYTER_DATA_DIR: dataDir, // where JupyterLab finds the kernel
    JUPYTER_CONFIG_DIR: configDir,
    JUPYTER_RUNTIME_DIR: join(dataDir, "runtime"),
  };
  const options = [
    `--ServerApp.root_dir=${root}`,
    `--MultiKernelManager.default_kernel_name=${KERNEL_NAME}`,
    // A JupyterLab that this program installed includes a Python kernel, which is not needed.
    ...(ours ? [`--KernelSpecManager.allowed_kernelspecs=${KERNEL_NAME}`] : []),
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ];
  console.error(`Starting JupyterLab on ${root}…`);
  return runUntilStopped(jupyter, ["lab", ...options, ...args], env);
}

/**
 * Checks that `lab` can run, without installing anything.
 * @throws CartoError if tslab is missing, or both JupyterLab and a Python to install it with
 */
export async function checkLab(projectDir: string): Promise<void> {
  tslabCommand(projectDir);
  if ((await installedJupyter(join(projectDir, ".lab"))) === undefined) await findPython();
}

interface Jupyter {
  readonly jupyter: string;
  /** True if it is in `.lab/venv`, where this program installs it. */
  readonly ours: boolean;
}

/** @internal Exported for the test. */
export async function findOrInstallJupyter(labDir: string): Promise<Jupyter> {
  const found = await installedJupyter(labDir);
  if (found) return found;
  const venv = join(labDir, "venv");
  await installLab(venv);
  return { jupyter: venvProgram(venv, "jupyter"), ours: true };
}

async function installedJupyter(labDir: string): Promise<Jupyter | undefined> {
  if (await hasLab("jupyter")) return { jupyter: "jupyter", ours: false };
  const jupyter = venvProgram(join(labDir, "venv"), "jupyter");
  return (await hasLab(jupyter)) ? { jupyter, ours: true } : undefined;
}

async function hasLab(jupyter: string): Promise<boolean> {
  try {
    const { stdout } = await run(jupyter, ["lab", "--version"]);
    return Number.parseInt(stdout, 10) >= MIN_LAB_MAJOR;
  } catch {
    return false; // Jupyter is missing, or has no JupyterLab
  }
}

async function installLab(venv: string): Promise<void> {
  const python = await findPython();
  console.error(`Installing JupyterLab into ${venv} (once, takes about a minute)…`);
  try {
    await run(python, ["-m", "venv", "--clear", venv]);
    await run(venvProgram(venv, "python"), [
      ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
      `jupyterlab>=${MIN_LAB_MAJOR}`,
    ]);
  } catch (error) {
    rmSync(venv, { recursive: true, force: true });
    const output = (error as { stderr?: string }).stderr || String(error);
    const reason = output.trim().split("\n").at(-1);
    throw new CartoError(
      `JupyterLab could not be installed: ${reason}\n` +
        "Install it yourself (`pipx install jupyterlab` or `conda install jupyterlab`) so that `jupyter lab` runs.",
      { cause: error },
    );
  }
}

async function findPython(): Promise<string> {
  const [major, minor] = MIN_PYTHON;
  const wanted = `JupyterLab was not found (no \`jupyter lab\` on PATH), and installing it needs Python ${major}.${minor} or newer`;
  const check = `import sys, ensurepip, venv; sys.exit(0 if sys.version_info >= (${major}, ${minor}) else 3)`;
  let problem = `${wanted}. Install Python (Debian, Ubuntu: \`apt install python3-venv\`), or JupyterLab itself.`;
  for (const python of process.platform === "win32" ? ["py", "python"] : ["python3", "python"]) {
    try {
      await run(python, ["-c", check]);
      return python;
    } catch (error) {
      const { code, stderr = "" } = error as { code?: number | string; stderr?: string };
      if (code === 3)
        problem = `${wanted}, but \`${python}\` is older. Install a newer Python, or JupyterLab itself.`;
      else if (/No module named '?(ensurepip|venv)/.test(stderr)) {
        problem = `${wanted} with its venv module, which \`${python}\` lacks. On Debian and Ubuntu run \`apt install python3-venv\`.`;
      }
    }
  }
  throw new CartoError(problem);
}

function venvProgram(venv: string, name: string): string {
  return process.platform === "win32" ? join(venv, "Scripts", `${name}.exe`) : join(venv, "bin", name);
}

/** Turns off the question about fetching news that JupyterLab asks on its first start. */
function writeQuietSettings(configDir: string): void {
  const dir = join(configDir, "lab", "user-settings", "@jupyterlab", "apputils-extension");
  const file = join(dir, "notification.jupyterlab-settings");
  if (existsSync(file)) return; // the user may have changed it
  mkdirSync(dir, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ fetchNews: "false", checkForUpdates: false }, null, 2)}\n`);
}

/** Runs the server until it ends. Ctrl-C and SIGTERM end it and its kernels, without the confirmation that `jupyter lab` asks for. */
async function runUntilStopped(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  // Runs in a separate process group, so that the terminal's Ctrl-C reaches only this process.
  const child = spawn(command, args, { env, stdio: ["ignore", "inherit", "inherit"], detached: true });
  let forced: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill("SIGTERM");
    forced ??= setTimeout(() => child.kill("SIGKILL"), STOP_MS).unref();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", stop);
  try {
    return await new Promise((done, failed) => {
      child.once("error", failed);
      child.once("exit", (code) => done(forced ? 0 : (code ?? 1)));
    });
  } finally {
    clearTimeout(forced);
    process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", stop);
  }
}
