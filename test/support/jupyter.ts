/**
 * A Jupyter client for the real tslab kernel, over ZeroMQ and without Python.
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Dealer, Subscriber } from "zeromq";

/** Outputs as in a notebook file, nbformat 4.5. */
export type Output =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string }
  | { output_type: "display_data"; data: Record<string, unknown>; metadata: Record<string, unknown> };

export interface CellResult {
  readonly status: "ok" | "error" | "abort";
  readonly executionCount: number | null;
  /** In the order of the notebook. A later cell that updates a display updates it here. */
  readonly outputs: readonly Output[];
  readonly stdout: string;
  readonly stderr: string;
  /** Messages as sent, before anything was merged: "stream", "display_data", "update_display_data". */
  readonly messages: readonly string[];
}

export interface KernelOptions {
  /** Working directory of the kernel, where its cells resolve packages. */
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A reply that takes longer is an error. */
  readonly timeoutMs?: number;
}

interface Message {
  readonly type: string;
  readonly parentId: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the shape depends on the type, and tslab is not under test here
  readonly content: any;
}

interface Request {
  readonly onOutput: (message: Message) => void;
  reply?: Message;
  idle: boolean;
  readonly settle: () => void;
}

const DELIMITER = "<IDS|MSG>";
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 3000;
/** For 200 ms after a failed cell tslab refuses others, which drops those queued by "run all". */
const REFUSAL_MS = 250;

export class Kernel {
  private readonly key = randomUUID();
  private readonly session = randomUUID();
  private readonly dir = mkdtempSync(join(tmpdir(), "kernel-"));
  private readonly requests = new Map<string, Request>();
  private readonly displays = new Map<string, Extract<Output, { output_type: "display_data" }>[]>();
  private readonly shell = new Dealer({ linger: 0 });
  private readonly control = new Dealer({ linger: 0 });
  private readonly iopub = new Subscriber({ linger: 0 });
  private readonly process: ChildProcess;
  private readonly timeoutMs: number;
  private printed = "";

  /** Starts a kernel and waits until it answers. End it with `shutdown`. */
  static async start(options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options);
    try {
      await kernel.connect();
      return kernel;
    } catch (error) {
      await kernel.shutdown();
      throw error;
    }
  }

  private constructor({ cwd, env = process.env, timeoutMs = 60_000 }: KernelOptions) {
    this.timeoutMs = timeoutMs;
    const connectionFile = join(this.dir, "connection.json");
    writeFileSync(connectionFile, JSON.stringify(this.connection()));
    const tslab = join(dirname(createRequire(__filename).resolve("tslab/package.json")), "bin", "tslab");
    this.process = spawn(process.execPath, [tslab, "kernel", "--config-path", connectionFile], { cwd, env });
    // Before the first cell tslab prints here, and Node itself when it crashes.
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.printed = (this.printed + text).slice(-4000);
      });
    }
    process.once("exit", this.kill);
  }

  /** Sockets in a folder of our own: no port that another process could take between choosing and binding. */
  private connection() {
    const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
    const signature = { key: this.key, signature_scheme: "hmac-sha256" };
    return { transport: "ipc", ip: join(this.dir, "socket"), ...ports, ...signature };
  }

  private async connect(): Promise<void> {
    const { transport, ip, shell_port, iopub_port, control_port } = this.connection();
    this.iopub.connect(`${transport}://${ip}:${iopub_port}`);
    this.iopub.subscribe();
    this.shell.connect(`${transport}://${ip}:${shell_port}`);
    this.control.connect(`${transport}://${ip}:${control_port}`);
    void this.listen(this.iopub, (message) => this.onIopub(message));
    void this.listen(this.shell, (message) => this.onReply(message));
    void this.listen(this.control, (message) => this.onReply(message));

    // A subscriber misses what is published before it is connected: ask until status messages come through.
    const endMs = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const answered = await this.request("kernel_info_request", {}, { timeoutMs: 1000 }).catch(
        () => undefined,
      );
      if (answered) return;
      if (this.process.exitCode !== null) throw new Error(`The kernel ended at once.\n${this.printed}`);
      if (performance.now() > endMs) throw new Error(`The kernel did not start.\n${this.printed}`);
    }
  }

  /** Runs one cell. Resolves when it has ended, however it ended. */
  async execute(code: string, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<CellResult> {
    const outputs: Output[] = [];
    const messages: string[] = [];
    const onOutput = (message: Message) => {
      messages.push(message.type);
      this.addOutput(outputs, message);
    };
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    const reply = await this.request("execute_request", content, { timeoutMs, onOutput, about: code });
    if (reply.content.status !== "ok") await sleep(REFUSAL_MS);
    const printed = (name: string) =>
      outputs.map((o) => (o.output_type === "stream" && o.name === name ? o.text : "")).join("");
    return {
      status: reply.content.status,
      executionCount: reply.content.execution_count ?? null,
      outputs,
      messages,
      get stdout() {
        return printed("stdout");
      },
      get stderr() {
        return printed("stderr");
      },
    };
  }

  /** Completions at a character of the code. */
  async complete(code: string, cursor = code.length): Promise<string[]> {
    const reply = await this.request("complete_request", { code, cursor_pos: cursor });
    return reply.content.matches;
  }

  /** The help for what stands at a character of the code, if there is any. */
  async inspect(code: string, cursor = code.length): Promise<string | undefined> {
    const content = { code, cursor_pos: cursor, detail_level: 0 };
    const reply = await this.request("inspect_request", content);
    return reply.content.found ? reply.content.data["text/plain"] : undefined;
  }

  /** The stop button. */
  interrupt(): void {
    this.process.kill("SIGINT");
  }

  async shutdown(): Promise<void> {
    process.off("exit", this.kill);
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = new Promise((done) => this.process.once("exit", done));
      const asked = this.request(
        "shutdown_request",
        { restart: false },
        { timeoutMs: STOP_TIMEOUT_MS, on: this.control },
      );
      // tslab answers and closes its sockets, but stays while a timer or a connection of a cell is alive.
      await asked.catch(() => undefined);
      const late = setTimeout(this.kill, 500);
      await exited;
      clearTimeout(late);
    }
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private readonly kill = () => {
    this.process.kill("SIGKILL");
  };

  private async request(
    type: string,
    content: object,
    {
      timeoutMs = this.timeoutMs,
      onOutput = () => {},
      about = type,
      on = this.shell,
    }: { timeoutMs?: number; onOutput?: (message: Message) => void; about?: string; on?: Dealer } = {},
  ): Promise<Message> {
    const id = randomUUID();
    return new Promise<Message>((resolve, reject) => {
      const fail = (what: string) =>
        reject(new Error(`The kernel ${what}: ${about}\n${this.printed}`.trim()));
      const timer = setTimeout(() => fail(`did not answer within ${timeoutMs} ms`), timeoutMs);
      const onExit = () => fail("ended during");
      this.process.once("exit", onExit);
      const request: Request = {
        onOutput,
        idle: false,
        settle: () => {
          if (!request.reply || !request.idle) return;
          clearTimeout(timer);
          this.process.off("exit", onExit);
          resolve(request.reply);
        },
      };
      this.requests.set(id, request);
      on.send(this.signed(id, type, content)).catch(reject);
    });
  }

  private onReply(message: Message): void {
    const request = this.requests.get(message.parentId ?? "");
    if (!request) return;
    request.reply = message;
    request.settle();
  }

  private onIopub(message: Message): void {
    const request = this.requests.get(message.parentId ?? "");
    if (!request) return;
    if (message.type !== "status") {
      request.onOutput(message);
    } else if (message.content.execution_state === "idle") {
      request.idle = true;
      request.settle();
    }
  }

  private addOutput(outputs: Output[], { type, content }: Message): void {
    const id: string | undefined = content.transient?.display_id;
    if (type === "stream") {
      const last = outputs.at(-1);
      if (last?.output_type === "stream" && last.name === content.name) last.text += content.text;
      else outputs.push({ output_type: "stream", name: content.name, text: content.text });
    } else if (type === "display_data") {
      const output = { output_type: type, data: content.data, metadata: content.metadata } as const;
      outputs.push(output);
      if (id) this.displays.set(id, [...(this.displays.get(id) ?? []), output]);
    } else if (type === "update_display_data") {
      for (const output of this.displays.get(id ?? "") ?? []) {
        output.data = content.data;
        output.metadata = content.metadata;
      }
    }
  }

  private async listen(socket: AsyncIterable<Buffer[]>, handle: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      const start = frames.findIndex((frame) => frame.toString() === DELIMITER);
      const [signature, header, parent, metadata, content] = frames.slice(start + 1);
      const signed = [header!, parent!, metadata!, content!];
      if (this.hmac(signed) !== signature!.toString())
        throw new Error("A message of the kernel is not signed.");
      handle({
        type: JSON.parse(header!.toString()).msg_type,
        parentId: JSON.parse(parent!.toString()).msg_id,
        content: JSON.parse(content!.toString()),
      });
    }
  }

  private signed(id: string, type: string, content: object): (string | Buffer)[] {
    const header = {
      msg_id: id,
      msg_type: type,
      session: this.session,
      username: "test",
      date: new Date().toISOString(),
      version: "5.3",
    };
    const parts = [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
    return [DELIMITER, this.hmac(parts), ...parts];
  }

  private hmac(parts: readonly Buffer[]): string {
    const hash = createHmac("sha256", this.key);
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  }
}
