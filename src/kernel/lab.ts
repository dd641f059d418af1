import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { CartoError } from "../errors";
import { KERNEL_NAME, tslabCommand, writeKernelSpec } from "./kernelspec";

export interface LabOptions {
  /** Folder JupyterLab opens; a relative path is one of `projectDir`. */
  readonly notebookDir: string;
  /** Its `node_modules` has the kernel, its `.lab` folder gets all that JupyterLab writes. */
  readonly projectDir: string;
  /** Further arguments of `jupyter lab`: `--no-browser`, `--port=8889`, … */
  readonly args?: readonly string[];
}

const run = promisify(execFile);

const MIN_LAB_MAJOR = 4;
const MIN_PYTHON = [3, 9] as const;
/** What JupyterLab gets to save files and end its kernels. */
const STOP_MS = 10_000;

/**
 * Opens JupyterLab with the TypeScript kernel and waits until it ends; returns its exit code. Uses the
 * JupyterLab on PATH, or installs one into `<projectDir>/.lab/venv`. Nothing is written outside `.lab`.
 */
export async function lab({ notebookDir, projectDir, args = [] }: LabOptions): Promise<number> {
  const root = resolve(projectDir, notebookDir);
  if (!existsSync(root)) throw new CartoError(`There is no folder ${root}.`);
  const labDir = join(projectDir, ".lab");
  mkdirSync(labDir, { recursive: true });
  writeFileSync(join(labDir, ".gitignore"), "*\n");

  const { jupyter, ours } = await findOrInstallJupyter(labDir);
  const dataDir = join(labDir, "jupyter");
  writeKernelSpec(dataDir, { argv: tslabCommand(projectDir) });
  const configDir = join(dataDir, "config");
  writeQuietSettings(configDir);

  const env = {
    ...process.env,
    JUPYTER_DATA_DIR: dataDir, // where the kernel is found
    JUPYTER_CONFIG_DIR: configDir,
    JUPYTER_RUNTIME_DIR: join(dataDir, "runtime"),
  };
  const options = [
    `--ServerApp.root_dir=${root}`,
    `--MultiKernelManager.default_kernel_name=${KERNEL_NAME}`,
    // The Python kernel that comes along with an installation of ours is nobody's wish.
    ...(ours ? [`--KernelSpecManager.allowed_kernelspecs=${KERNEL_NAME}`] : []),
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ];
  return runUntilStopped(jupyter, ["lab", ...options, ...args], env);
}

interface Jupyter {
  readonly jupyter: string;
  /** Installed by us, into `.lab/venv`. */
  readonly ours: boolean;
}

/** @internal Exported for the test. */
export async function findOrInstallJupyter(labDir: string): Promise<Jupyter> {
  if (await hasLab("jupyter")) return { jupyter: "jupyter", ours: false };
  const venv = join(labDir, "venv");
  const jupyter = venvProgram(venv, "jupyter");
  if (!(await hasLab(jupyter))) await installLab(venv);
  return { jupyter, ours: true };
}

async function hasLab(jupyter: string): Promise<boolean> {
  try {
    const { stdout } = await run(jupyter, ["lab", "--version"]);
    return Number.parseInt(stdout, 10) >= MIN_LAB_MAJOR;
  } catch {
    return false; // not there, or there without JupyterLab
  }
}

async function installLab(venv: string): Promise<void> {
  const python = await findPython();
  console.error(`Installing JupyterLab into ${venv} (once, about a minute) …`);
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
        "Install it yourself (pipx install jupyterlab, or conda install jupyterlab), so that `jupyter lab` runs.",
      { cause: error },
    );
  }
}

async function findPython(): Promise<string> {
  const [major, minor] = MIN_PYTHON;
  const wanted = `JupyterLab was not found (no \`jupyter lab\` on PATH), and installing it takes Python ${major}.${minor} or newer`;
  const check = `import sys, ensurepip, venv; sys.exit(0 if sys.version_info >= (${major}, ${minor}) else 3)`;
  let problem = `${wanted}. Install Python (Debian, Ubuntu: apt install python3-venv), or JupyterLab itself.`;
  for (const python of process.platform === "win32" ? ["py", "python"] : ["python3", "python"]) {
    try {
      await run(python, ["-c", check]);
      return python;
    } catch (error) {
      const { code, stderr = "" } = error as { code?: number | string; stderr?: string };
      if (code === 3) problem = `${wanted}; ${python} is older.`;
      else if (/No module named '?(ensurepip|venv)/.test(stderr)) {
        problem = `${wanted} with its venv module, which ${python} lacks. Debian, Ubuntu: apt install python3-venv`;
      }
    }
  }
  throw new CartoError(problem);
}

function venvProgram(venv: string, name: string): string {
  return process.platform === "win32" ? join(venv, "Scripts", `${name}.exe`) : join(venv, "bin", name);
}

/** JupyterLab asks on its first start whether it may fetch news; in a folder of a project it need not. */
function writeQuietSettings(configDir: string): void {
  const dir = join(configDir, "lab", "user-settings", "@jupyterlab", "apputils-extension");
  const file = join(dir, "notification.jupyterlab-settings");
  if (existsSync(file)) return; // the user's by now
  mkdirSync(dir, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ fetchNews: "false", checkForUpdates: false }, null, 2)}\n`);
}

/** Ctrl-C and SIGTERM end the server, which ends its kernels; without asking, unlike Ctrl-C in `jupyter lab`. */
async function runUntilStopped(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  // A process group of its own keeps the terminal's Ctrl-C away from it.
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
