import { type ResourceLimits, Worker } from "node:worker_threads";
import { builtPath } from "../../built";
import { ImportFailure } from "./errors";

/** Longest time for one request, such as listing the layers of a file or reading one of them. */
const MAX_MS = 30 * 60_000;

/** Enough for the largest workbook that is read. A file that takes more fails, and the server goes on. */
const MAX_HEAP_MB = 2048;

/** Options of the threads of this project's own readers. */
export const OWN_READER = {
  resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  reader: "the reader",
} as const;

interface WorkerOptions {
  /** File name of the thread's program in `dist`. */
  readonly program: string;
  readonly workerData?: unknown;
  readonly resourceLimits?: ResourceLimits;
  /** Name of the reader in error messages. */
  readonly reader: string;
  /** Ends the thread. Requests then fail with the reason. */
  readonly signal: AbortSignal;
}

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Worker thread that reads files for one import, so that the server answers meanwhile. It starts with the first request
 * and answers one request after the other. `end` gives its memory back.
 */
export class ImportWorker<Request, Answer> {
  readonly #options: WorkerOptions;
  #worker: Worker | null = null;
  #pending: Pending<Answer> | null = null;
  #ended: Error | null = null;
  #last: Promise<unknown> = Promise.resolve();
  readonly #onAbort = () => void this.end(this.#options.signal.reason as Error);

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** @throws ImportFailure 2001 if the thread crashes, 6666 if it takes too much memory, 6667 if it takes too long */
  ask(request: Request): Promise<Answer> {
    const answer = this.#last.then(() => this.#request(request));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #request(request: Request): Promise<Answer> {
    this.#options.signal.throwIfAborted();
    if (this.#ended) throw this.#ended;
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const limit = setTimeout(() => void this.end(tooSlow()), MAX_MS);
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#pending = { resolve, reject };
        worker.postMessage(request);
      });
    } finally {
      clearTimeout(limit);
    }
  }

  #start(): Worker {
    const { program, workerData, resourceLimits, signal } = this.#options;
    const worker = new Worker(builtPath(program), { workerData, resourceLimits });
    signal.addEventListener("abort", this.#onAbort);
    worker.on("message", (answer: Answer) => {
      this.#pending?.resolve(answer);
      this.#pending = null;
    });
    worker.on("error", (error) => void this.end(this.#crashed(error)));
    worker.on("exit", (code) => {
      void this.end(this.#crashed(new Error(`its thread exited with code ${code}`)));
    });
    return worker;
  }

  /** Ends the thread, and a request that it has not answered, with `reason`. */
  async end(reason: Error = new Error(`${this.#options.reader} was closed`)): Promise<void> {
    this.#ended ??= reason;
    this.#pending?.reject(this.#ended);
    this.#pending = null;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    await this.#worker?.terminate();
  }

  /** A damaged file can make a reader crash, and a very large one can take more memory than there is. */
  #crashed(cause: Error): ImportFailure {
    const { reader } = this.#options;
    return /memory|allocat/i.test(cause.message)
      ? new ImportFailure(6666, `The file takes more memory than ${reader} can use. Split it.`, { cause })
      : new ImportFailure(2001, `${reader} crashed while reading the file: ${cause.message}.`, { cause });
  }
}

function tooSlow(): ImportFailure {
  return new ImportFailure(
    6667,
    `Reading the file took longer than ${MAX_MS / 60_000} minutes. Split it, or convert it to GeoPackage or CSV.`,
  );
}
