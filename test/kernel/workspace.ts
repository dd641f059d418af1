import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const MODULES = resolve(__dirname, "../../node_modules");

/** A folder where cells can import `notebook-support` (this folder's `entry.ts`, bundled) and danfo. */
export async function createWorkspace(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "workspace-"));
  await build({
    entryPoints: [join(__dirname, "entry.ts")],
    outfile: join(dir, "node_modules/notebook-support/index.js"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
  });
  for (const name of ["danfojs-node", "wkx"])
    symlinkSync(join(MODULES, name), join(dir, "node_modules", name));
  return dir;
}

export const removeWorkspace = (dir: string) => rmSync(dir, { recursive: true, force: true });
