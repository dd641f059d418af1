import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Connection, KernelClient } from "./jupyter-client";

export type { CellResult, Output } from "./jupyter-client";

export interface KernelOptions {
  /** Working directory of the kernel, from which cells resolve packages. */
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
}

/** A kernel in the folder of the notebooks, which import the built package. Its local server is in `home`. */
export const notebookKernel = (home: string) =>
  Kernel.start({
    cwd: join(__dirname, "../../notebooks"),
    env: { ...process.env, CARTOFRAMES_HOME: home },
  });

const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 3000;
/** Maximum length of the kept output of the process, from its start and its crash. */
const PRINTED_CHARS = 4000;

/** The real tslab kernel as a child process, which never outlives this process. */
export class Kernel extends KernelClient {
  private readonly exited: Promise<void>;
  private running = true;
  private printed = "";

  /** Starts a kernel and waits until it answers. End it with `shutdown`. */
  static async start({ cwd, env = process.env, timeoutMs }: KernelOptions): Promise<Kernel> {
    const dir = mkdtempSync(join(tmpdir(), "kernel-"));
    const connection = connectionIn(dir);
    const connectionFile = join(dir, "connection.json");
    writeFileSync(connectionFile, JSON.stringify(connection));
    const tslab = join(dirname(createRequire(__filename).resolve("tslab/package.json")), "bin", "tslab");
    const child = spawn(process.execPath, [tslab, "kernel", "--config-path", connectionFile], { cwd, env });
    const kernel = new Kernel(dir, child, connection, timeoutMs);

    const endMs = performance.now() + START_TIMEOUT_MS;
    while (!(await kernel.isReady())) {
      if (kernel.running && performance.now() < endMs) continue;
      const what = kernel.running ? "did not start" : "ended at once";
      await kernel.shutdown();
      throw new Error(`The kernel ${what}.\n${kernel.printed}`);
    }
    return kernel;
  }

  private constructor(
    private readonly dir: string,
    private readonly child: ChildProcess,
    connection: Connection,
    timeoutMs?: number,
  ) {
    super(connection, timeoutMs);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.printed = (this.printed + text).slice(-PRINTED_CHARS);
      });
    }
    this.exited = new Promise((done) => {
      child.once("close", () => {
        this.running = false;
        this.failRequests(`ended.\n${this.printed}\nDuring`);
        done();
      });
    });
    process.once("exit", this.kill);
  }

  /** Interrupts the running cell, like the stop button. */
  interrupt(): void {
    this.child.kill("SIGINT");
  }

  async shutdown(): Promise<void> {
    process.off("exit", this.kill);
    if (this.running) {
      // tslab answers and closes its sockets, but keeps running while a cell has timers or connections.
      const options = { timeoutMs: STOP_TIMEOUT_MS, channel: "control" } as const;
      await this.request("shutdown_request", { restart: false }, options).catch(() => undefined);
      const late = setTimeout(this.kill, 500);
      await this.exited;
      clearTimeout(late);
    }
    this.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private readonly kill = () => {
    this.child.kill("SIGKILL");
  };
}

/** Uses Unix sockets in a new folder: another process could take a free port before the kernel binds it. */
function connectionIn(dir: string): Connection {
  const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
  const signature = { key: randomUUID(), signature_scheme: "hmac-sha256" };
  return { transport: "ipc", ip: join(dir, "socket"), ...ports, ...signature };
}
