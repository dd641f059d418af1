/**
 * A client for Jupyter's messages over ZeroMQ, without Python.
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Dealer, Subscriber } from "zeromq";
import { PROGRESS_METADATA } from "../../src/kernel/progress";

/** Contents of a connection file. */
export interface Connection {
  readonly transport: "tcp" | "ipc";
  readonly ip: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  readonly key: string;
  readonly signature_scheme: string;
}

/** Outputs as in a notebook file, nbformat 4.5. */
export type Output =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string }
  | { output_type: "display_data"; data: Record<string, unknown>; metadata: Record<string, unknown> };

export interface CellResult {
  readonly status: "ok" | "error";
  readonly executionCount: number | null;
  /** Outputs in notebook order. A display that a later cell updates is updated here. */
  readonly outputs: readonly Output[];
  /** The outputs without progress lines, which depend on the speed of the machine. */
  readonly results: readonly Output[];
  readonly stdout: string;
  readonly stderr: string;
  /** The messages as sent, before outputs are merged: "stream", "display_data", "update_display_data". */
  readonly messages: readonly string[];
}

interface Message {
  readonly type: string;
  readonly parentId: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the shape depends on the type, and tslab is not under test here
  readonly content: any;
}

interface Request {
  readonly onOutput: (message: Message) => void;
  readonly settle: () => void;
  readonly fail: (what: string) => void;
  reply?: Message;
  idle: boolean;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly onOutput?: (message: Message) => void;
  /** Name of the request in error messages. */
  readonly about?: string;
  readonly channel?: "shell" | "control";
}

const DELIMITER = "<IDS|MSG>";
const TIMEOUT_MS = 300_000;

const isResult = (output: Output) =>
  output.output_type === "stream" || JSON.stringify(output.metadata) !== JSON.stringify(PROGRESS_METADATA);

/** Talks to a running kernel, without starting or ending it. */
export class KernelClient {
  private readonly session = randomUUID();
  /** Cells, including finished ones, whose output may arrive late. */
  private readonly requests = new Map<string, Request>();
  private readonly displays = new Map<string, Extract<Output, { output_type: "display_data" }>[]>();
  private readonly shell = new Dealer({ linger: 0 });
  private readonly control = new Dealer({ linger: 0 });
  private readonly iopub = new Subscriber({ linger: 0 });

  constructor(
    private readonly connection: Connection,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    const { transport, ip, shell_port, iopub_port, control_port } = connection;
    this.iopub.connect(`${transport}://${ip}:${iopub_port}`);
    this.iopub.subscribe();
    this.shell.connect(`${transport}://${ip}:${shell_port}`);
    this.control.connect(`${transport}://${ip}:${control_port}`);
    void this.listen(this.iopub, (message) => this.onIopub(message));
    void this.listen(this.shell, (message) => this.onReply(message));
    void this.listen(this.control, (message) => this.onReply(message));
  }

  /** Resolves to true once the kernel answers on all channels. */
  async isReady(): Promise<boolean> {
    // A subscriber misses messages that are published before it is connected, such as the status of this request.
    const answer = this.request("kernel_info_request", {}, { timeoutMs: 1000 });
    return answer.then(
      () => true,
      () => false,
    );
  }

  /** Runs a cell and resolves when it has finished or failed; `onOutputs` receives its outputs meanwhile. */
  async execute(
    code: string,
    {
      timeoutMs,
      onOutputs,
    }: { readonly timeoutMs?: number; readonly onOutputs?: (outputs: readonly Output[]) => void } = {},
  ): Promise<CellResult> {
    const outputs: Output[] = [];
    const messages: string[] = [];
    const onOutput = (message: Message) => {
      messages.push(message.type);
      this.addOutput(outputs, message);
      onOutputs?.(outputs);
    };
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    const ask = () => this.request("execute_request", content, { timeoutMs, onOutput, about: code });
    let reply = await ask();
    // For 200 ms after a failed cell, tslab refuses others, so that those queued by "run all" are dropped.
    while (reply.content.status === "abort") {
      await sleep(50);
      reply = await ask();
    }
    const printed = (name: string) =>
      outputs.map((o) => (o.output_type === "stream" && o.name === name ? o.text : "")).join("");
    return {
      status: reply.content.status,
      executionCount: reply.content.execution_count ?? null,
      outputs,
      messages,
      get results() {
        return outputs.filter(isResult);
      },
      get stdout() {
        return printed("stdout");
      },
      get stderr() {
        return printed("stderr");
      },
    };
  }

  /** Returns the completions at a position in the code. */
  async complete(code: string, cursor = code.length): Promise<string[]> {
    const reply = await this.request("complete_request", { code, cursor_pos: cursor });
    return reply.content.matches;
  }

  /** Returns the hover help at a position in the code, if any. */
  async inspect(code: string, cursor = code.length): Promise<string | undefined> {
    const content = { code, cursor_pos: cursor, detail_level: 0 };
    const reply = await this.request("inspect_request", content);
    return reply.content.found ? reply.content.data["text/plain"] : undefined;
  }

  async request(
    type: string,
    content: object,
    { timeoutMs = this.timeoutMs, onOutput = () => {}, about = type, channel = "shell" }: RequestOptions = {},
  ): Promise<Message> {
    const id = randomUUID();
    return new Promise<Message>((resolve, reject) => {
      const fail = (what: string) => {
        clearTimeout(timer);
        reject(new Error(`The kernel ${what}: ${about}`));
      };
      const timer = setTimeout(() => fail(`did not answer within ${timeoutMs} ms`), timeoutMs);
      const request: Request = {
        onOutput,
        idle: false,
        fail,
        settle: () => {
          if (!request.reply || !request.idle) return;
          clearTimeout(timer);
          resolve(request.reply);
        },
      };
      this.requests.set(id, request);
      this[channel].send(this.signed(id, type, content)).catch(reject);
    });
  }

  /** Rejects all pending requests. */
  failRequests(what: string): void {
    for (const request of this.requests.values()) request.fail(what);
  }

  close(): void {
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
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
    const hash = createHmac("sha256", this.connection.key);
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  }
}
