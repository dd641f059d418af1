import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { isAlive } from "../../src/local/process";

const ROOT = join(__dirname, "../..");

/** Outcome of a call: its result, or the error that a user would see. */
export type Outcome =
  | { readonly value: unknown; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: { readonly name: string; readonly message: string } };

/** A program that uses the package like a notebook kernel, in a separate process that can be killed. */
export interface KernelProcess {
  readonly pid: number;
  /** Runs the body of an async function with `cc`, a CartoContext, and `DataFrame` in scope. */
  run(code: string): Promise<Outcome>;
  /** Kills the process like `kill -9` and resolves when it has exited. Running calls never settle. */
  kill(): Promise<void>;
}

const PROGRAM = `
  const { CartoContext } = require(process.argv[1]);
  const { DataFrame } = require("danfojs-node");
  const cc = new CartoContext({ baseUrl: process.argv[2] });
  const AsyncFunction = (async () => {}).constructor;
  process.on("message", ({ id, code }) => {
    new AsyncFunction("cc", "DataFrame", code)(cc, DataFrame).then(
      (value) => process.send({ id, value }),
      (error) => process.send({ id, error: { name: error.name, message: error.message } }));
  });
  process.send("ready");`;

/** `home` is the state folder of servers for databases; for the embedded database, the URL names it. */
export async function startKernelProcess(baseUrl: string, home: string): Promise<KernelProcess> {
  const child = spawn(process.execPath, ["-e", PROGRAM, ROOT, baseUrl], {
    cwd: ROOT,
    env: { ...process.env, CARTOFRAMES_HOME: home },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const pid = child.pid!;
  const answers = new Map<number, (outcome: Outcome) => void>();
  let ids = 0;
  await once(child, "message");
  child.on("message", ({ id, ...outcome }: { id: number } & Outcome) => answers.get(id)?.(outcome));
  return {
    pid,
    run: (code) =>
      new Promise((resolve) => {
        const id = ++ids;
        answers.set(id, resolve);
        child.send({ id, code });
      }),
    kill: async () => {
      if (!isAlive(pid)) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
