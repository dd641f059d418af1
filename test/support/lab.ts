import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import type { TestContext } from "vitest";
import { findOrInstallJupyter } from "../../src/kernel/lab";
import { LockedError, lockDataDir } from "../../src/server/engine/lock";
import { freePort } from "./machine";
import { skipTest } from "./needs";

const ROOT = resolve(__dirname, "../..");
/** The folder in which `npm run lab` installs JupyterLab. */
const LAB_DIR = join(ROOT, ".lab");
const TOKEN = "a-token-of-this-test";

export type Jupyter = Awaited<ReturnType<typeof findOrInstallJupyter>>;

/** Installs JupyterLab once per checkout; skips the test if that is impossible. */
export async function needsJupyter(context: TestContext): Promise<Jupyter> {
  const found = await findJupyter();
  if ("missing" in found) return skipTest(context, { kind: "JupyterLab", why: found.missing });
  return found;
}

/** Installs the program once per checkout; returns a one-line reason if that is impossible. */
export async function findJupyter(): Promise<Jupyter | { readonly missing: string }> {
  process.env.PIP_RETRIES ??= "0"; // fails soon without a network
  const lock = await locked(LAB_DIR); // two test files may call this at once
  try {
    return await findOrInstallJupyter(LAB_DIR);
  } catch (error) {
    return { missing: (error as Error).message.split("\n")[0]! };
  } finally {
    await lock.release();
  }
}

async function locked(dir: string): ReturnType<typeof lockDataDir> {
  for (;;) {
    try {
      return await lockDataDir(join(dir, "install"));
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      await sleep(200);
    }
  }
}

/** Creates a folder whose notebooks can import the built `cartoframes` and its dependencies, and where `lab` finds Jupyter. */
export function makeProject(): string {
  const dir = mkdtempSync(join(tmpdir(), "project-"));
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  mkdirSync(join(dir, ".lab"));
  symlinkSync(join(LAB_DIR, "venv"), join(dir, ".lab/venv")); // dangling if Jupyter is on PATH
  return dir;
}

export const removeProject = (dir: string) => rmSync(dir, { recursive: true, force: true });

export interface LabServer {
  readonly url: string;
  readonly token: string;
  /** Returns the JSON of `/api/…`. */
  api<T>(path: string, init?: RequestInit): Promise<T>;
  /** Stops it like Ctrl-C and returns the exit code. A second call does nothing. */
  stop(): Promise<number | null>;
}

export interface LabServerOptions {
  /** Folder of the project that it opens. */
  readonly notebookDir?: string;
  /** Environment variables of the server and its kernels. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `lab()` in a separate process, as `cartoframes lab` does. */
export async function startLab(
  project: string,
  { notebookDir = ".", env = process.env }: LabServerOptions = {},
): Promise<LabServer> {
  const port = await freePort();
  const program = join(project, ".lab/lab.cjs");
  await build({
    stdin: {
      contents: `import { lab } from "./src/kernel/lab";
        lab(JSON.parse(process.argv[2])).then((code) => { process.exitCode = code; });`,
      resolveDir: ROOT,
    },
    outfile: program,
    bundle: true,
    platform: "node",
    format: "cjs",
  });
  const args = ["--no-browser", `--port=${port}`, "--ip=127.0.0.1", `--IdentityProvider.token=${TOKEN}`];
  const options = JSON.stringify({ notebookDir, projectDir: project, args });
  const child = spawn(process.execPath, [program, options], { env });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  const exited = new Promise<number | null>((done) => child.once("exit", done));
  const stop = () => {
    child.kill("SIGTERM");
    return exited;
  };
  process.once("exit", stop);

  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/api`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`JupyterLab did not start.\n${printed}`);
    await sleep(200);
  }
  const api = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const headers = { Authorization: `token ${TOKEN}` };
    const response = await fetch(`${url}/api/${path}`, { ...init, headers });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json() as Promise<T>;
  };
  return { url, token: TOKEN, api, stop };
}

/** Waits until the notebook that the page shows has its kernel: JupyterLab would ask which one to take before. */
export const waitForKernel = (page: Page): Promise<void> =>
  page.locator(".jp-StatusBar-TextItem", { hasText: "TypeScript | Idle" }).waitFor();
