import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CartoError } from "../errors";

/** Name of the kernel in notebooks (`metadata.kernelspec.name`), the same as that of `tslab install`. */
export const KERNEL_NAME = "tslab";

export interface KernelSpec {
  readonly displayName?: string;
  /** Command that starts the kernel. Jupyter fills in `{connection_file}`. */
  readonly argv: readonly string[];
}

/**
 * Returns the command that starts the tslab kernel installed in `projectDir`, or else the one this package finds.
 * @throws CartoError if tslab is not installed
 */
export function tslabCommand(projectDir: string): string[] {
  // Absolute paths, because Jupyter may start with a different PATH and in any folder.
  return [process.execPath, tslabProgram(projectDir), "kernel", "--config-path", "{connection_file}"];
}

/**
 * Registers the kernel in a Jupyter data folder.
 * @returns the path of the only file it writes, `<dataDir>/kernels/tslab/kernel.json`
 */
export function writeKernelSpec(dataDir: string, { displayName = "TypeScript", argv }: KernelSpec): string {
  const file = join(dataDir, "kernels", KERNEL_NAME, "kernel.json");
  const spec = { argv, display_name: displayName, language: "typescript", interrupt_mode: "signal" };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(spec, null, 2)}\n`);
  return file;
}

/** Returns the folder where Jupyter looks for a user's kernels: https://docs.jupyter.org/en/latest/use/jupyter-directories.html */
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
    `tslab, the TypeScript kernel, is not installed in ${projectDir}. Run \`npm install tslab\` there.`,
  );
}
