import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { builtPath } from "../../built";
import { DatabaseError } from "./engine";
import { optimizeLate } from "./pglite-setup";
import type { FromWorker, WorkerStart } from "./pglite-worker";
import { ResultReader, tooLarge } from "./result-reader";

// Large enough that PostgreSQL reaches its own limit (max_stack_depth) first, which is an error instead of a crash.
const STACK_MB = 64;

export interface SessionOptions {
  readonly dataDir: string;
  readonly postgisBundle: string;
  readonly startParams: readonly string[];
  readonly maxResultBytes: number;
}

/** Session of an embedded database, which runs in a worker thread. Create one with `PgliteSession.open`. */
export class PgliteSession {
  readonly #worker: Worker;
  readonly #maxResultBytes: number;
  #pending: { reader: ResultReader; resolve: () => void; reject: (error: Error) => void } | null = null;
  #ended: Error | null = null;
  /** True if the session is inside a transaction, including a failed one. */
  inTransaction = false;

  constructor(worker: Worker, maxResultBytes: number) {
    this.#worker = worker;
    this.#maxResultBytes = maxResultBytes;
  }

  static async open({ maxResultBytes, ...options }: SessionOptions): Promise<PgliteSession> {
    const worker = startWorker(options);
    const session = new PgliteSession(worker, maxResultBytes);
    await new Promise<void>((resolve, reject) => {
      session.#pending = { reader: new ResultReader(), resolve, reject };
      worker.on("message", (message: FromWorker) => session.#receive(message));
      worker.on("error", (error) => session.#end(crashed(error.message, error)));
      worker.on("exit", (code) => session.#end(crashed(`its thread exited with code ${code}`)));
    });
    return session;
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  /**
   * Runs `sql`; an error of the statement is in the reader. Rejects only if the session has ended, with the reason
   * passed to `kill` or the reason of the crash.
   */
  async run(sql: string): Promise<ResultReader> {
    if (this.#ended) throw this.#ended;
    const reader = new ResultReader();
    await new Promise<void>((resolve, reject) => {
      this.#pending = { reader, resolve, reject };
      this.#worker.postMessage(sql);
    });
    this.inTransaction = reader.status !== "I";
    return reader;
  }

  /** Ends the thread at once. Committed data is safe. */
  async kill(reason: Error): Promise<void> {
    this.#end(reason);
    await this.#worker.terminate();
  }

  #receive(message: FromWorker): void {
    const pending = this.#pending;
    if (!pending) return;
    switch (message.kind) {
      case "data":
        pending.reader.push(message.bytes);
        if (pending.reader.bytes > this.#maxResultBytes) void this.kill(tooLarge(this.#maxResultBytes));
        return;
      case "ready":
      case "done":
        this.#pending = null;
        pending.resolve();
        return;
      case "fatal":
        this.#end(crashed(message.message));
    }
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    this.#pending?.reject(this.#ended);
    this.#pending = null;
  }
}

function startWorker(options: Omit<SessionOptions, "maxResultBytes">): Worker {
  const workerData: WorkerStart = {
    dataDir: options.dataDir,
    bundleUrl: pathToFileURL(options.postgisBundle).href,
    startParams: options.startParams,
  };
  optimizeLate();
  return new Worker(builtPath("pglite-worker.js"), { workerData, resourceLimits: { stackSizeMb: STACK_MB } });
}

function crashed(what: string, cause?: unknown): DatabaseError {
  return new DatabaseError(
    `the database crashed during the statement: ${what}`,
    {
      severity: "FATAL",
      code: "57P02",
      hint: "Committed data is safe; the next statement reopens the database.",
    },
    { cause },
  );
}
