import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { tslabCommand, writeKernelSpec } from "../../src/kernel/kernelspec";
import { KernelClient } from "../support/jupyter-client";
import { makeProject, needsJupyter, removeProject, startLab } from "../support/lab";

const ROOT = resolve(__dirname, "../..");

let project: string;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => removeProject(project));

test("registers the kernel with absolute paths in the given folder", () => {
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

test("JupyterLab runs notebooks with it, and stops its kernels when it ends", async (context) => {
  const jupyter = await needsJupyter(context);

  const { api, stop } = await startLab(project);
  onTestFinished(() => stop().then(() => undefined));
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
  expect(readdirSync(project).sort()).toEqual([".lab", "node_modules"]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
