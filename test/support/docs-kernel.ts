import { mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { Kernel } from "./jupyter";

/** Starts a kernel for examples of the documentation: in the folder `notebooks` of a home, beside the installed packages. */
export function kernelForDocs(home: string): Promise<Kernel> {
  const { CARTO_API_KEY, CARTO_BASE_URL, ...env } = process.env;
  const cwd = join(home, "notebooks"); // examples write files
  mkdirSync(cwd);
  symlinkSync(resolve(__dirname, "../../node_modules"), join(home, "node_modules"), "junction");
  return Kernel.start({ cwd, env: { ...env, CARTOFRAMES_HOME: home } });
}
