import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { tslabCommand, writeKernelSpec } from "../../src/kernel/kernelspec";
import { findOrInstallJupyter } from "../../src/kernel/lab";
import { KernelClient } from "../support/jupyter-client";

const ROOT = resolve(__dirname, "../..");
const TOKEN = "a-token-of-this-test";

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "project-"));
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test("the kernel is registered with absolute paths, in the given folder", () => {
  const dir = mkdtempSync(join(tmpdir(), "jupyter-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = writeKernelSpec(dir, { argv: tslabCommand(project) });
  expect(file).toBe(join(dir, "kernels/tslab/kernel.json"));
  const { argv, ...spec } = JSON.parse(readFileSync(file, "utf8"));
  expect(spec).toEqual({ display_name: "TypeScript", interrupt_mode: "signal", language: "typescript" });
  expect(argv[0]).toBe(process.execPath);
  expect(argv[1]).toBe(resolve(ROOT, "node_modules/tslab/bin/tslab"));
  expect(argv.slice(2)).toEqual(["kernel", "--config-path", "{connection_file}"]);
});

test("JupyterLab runs notebooks with it, and ends with its kernels", { timeout: 300_000 }, async ({
  skip,
}) => {
  // Installed once per checkout, into the folder `npm run lab` uses.
  process.env.PIP_RETRIES ??= "0"; // without a network it is skipped soon
  const jupyter = await findOrInstallJupyter(join(ROOT, ".lab")).catch((error: Error) => error);
  if (jupyter instanceof Error) return skip(jupyter.message.split("\n")[0]!);

  if (jupyter.ours) {
    mkdirSync(join(project, ".lab"));
    symlinkSync(join(ROOT, ".lab/venv"), join(project, ".lab/venv"));
  }
  const { url, stop } = await startLab();
  const api = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const headers = { Authorization: `token ${TOKEN}` };
    const response = await fetch(`${url}/api/${path}`, { ...init, headers });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json() as Promise<T>;
  };
  const offered = await api<{ default: string; kernelspecs: object }>("kernelspecs");
  expect(offered.default).toBe("tslab");
  expect(offered.kernelspecs).toHaveProperty("tslab.spec.display_name", "TypeScript");
  if (jupyter.ours) expect(Object.keys(offered.kernelspecs)).toEqual(["tslab"]);

  const { id } = await api<{ id: string }>("kernels", { method: "POST", body: "{}" });
  const connectionFile = join(project, ".lab/jupyter/runtime", `kernel-${id}.json`);
  const client = new KernelClient(JSON.parse(readFileSync(connectionFile, "utf8")));
  onTestFinished(() => client.close());
  while (!(await client.isReady())) await sleep(200);
  expect((await client.execute("6 * 7")).stdout).toBe("42\n");
  const pid = Number((await client.execute("process.pid")).stdout);
  expect(isAlive(pid)).toBe(true);

  expect(await stop()).toBe(0);
  expect(isAlive(pid)).toBe(false);
  expect(readdirSync(project).sort()).toEqual([".lab", "lab.cjs", "node_modules"]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** `lab()` in a process of its own, as `cartoframes lab` runs it. */
async function startLab() {
  const port = await freePort();
  const program = join(project, "lab.cjs");
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
  const options = JSON.stringify({ notebookDir: ".", projectDir: project, args });
  const child = spawn(process.execPath, [program, options]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  const exited = new Promise<number | null>((done) => child.once("exit", done));
  const stop = () => {
    child.kill("SIGTERM");
    return exited;
  };
  onTestFinished(() => stop().then(() => undefined));

  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/api`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`JupyterLab did not start.\n${printed}`);
    await sleep(200);
  }
  return { url, stop };
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
