import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CartoError } from "../errors";

/** Name of the kernel in notebooks (`metadata.kernelspec.name`), the one `tslab install` uses too. */
export const KERNEL_NAME = "tslab";

export interface KernelSpec {
  readonly displayName?: string;
  /** Command that starts the kernel; `{connection_file}` is filled in by Jupyter. */
  readonly argv: readonly string[];
}

/** The command of a tslab kernel: the one installed in `projectDir`, else the one this package finds. */
export function tslabCommand(projectDir: string): string[] {
  // Absolute paths: Jupyter may be started with another PATH, and from any folder.
  return [process.execPath, tslabProgram(projectDir), "kernel", "--config-path", "{connection_file}"];
}

/**
 * Registers the kernel in a Jupyter data folder, as `<dataDir>/kernels/tslab/kernel.json`, and nowhere else.
 * Returns the path of that file.
 */
export function writeKernelSpec(dataDir: string, { displayName = "TypeScript", argv }: KernelSpec): string {
  const file = join(dataDir, "kernels", KERNEL_NAME, "kernel.json");
  const spec = { argv, display_name: displayName, language: "typescript", interrupt_mode: "signal" };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(spec, null, 2)}\n`);
  return file;
}

/** Where Jupyter looks for the kernels of a user: https://docs.jupyter.org/en/latest/use/jupyter-directories.html */
export function userDataDir(): string {
  const { JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME } = process.env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter");
  if (process.platform === "win32" && APPDATA) return join(APPDATA, "jupyter");
  return join(XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
}

function tslabProgram(projectDir: string): string {
  for (const from of [join(projectDir, "package.json"), __filename]) {
    try {
      return join(dirname(createRequire(from).resolve("tslab/package.json")), "bin", "tslab");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new CartoError(
    `tslab, the TypeScript kernel, is not installed in ${projectDir}. Run: npm install tslab`,
  );
}
