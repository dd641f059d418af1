import { mkdir, statfs } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { builtPath } from "../../../built";
import { KEEP_FREE_BYTES } from "../../disk";
import { ImportFailure } from "../errors";
import type { GdalStart } from "./gdal-worker";
import type { FromWorker, Layer, ToWorker, WriteOptions } from "./layer";

/** Longest time for listing the layers of a file, and for reading one layer. */
const MAX_MS = 30 * 60_000;
const LOOK_AT_DISK_EVERY_MS = 1000;

/** GDAL cannot read a file. */
export class GdalError extends Error {
  override name = "GdalError";
}

interface Pending {
  readonly resolve: (answer: FromWorker) => void;
  readonly reject: (error: Error) => void;
}

/**
 * GDAL for one import, in a worker thread that starts with the first file. `close` ends the thread and gives its memory
 * back.
 */
export class Gdal {
  /** Folder of the files that GDAL may read, and of its output. */
  readonly dir: string;
  readonly #signal: AbortSignal;
  #worker: Worker | null = null;
  #pending: Pending | null = null;
  #ended: Error | null = null;
  #last: Promise<unknown> = Promise.resolve();
  readonly #onAbort = () => void this.#end(this.#signal.reason as Error);

  constructor(dir: string, signal: AbortSignal) {
    this.dir = dir;
    this.#signal = signal;
  }

  /**
   * Returns the layers of a file in `dir`.
   * @param drivers GDAL's names of the formats that the file may have
   * @throws GdalError
   */
  async layers(path: string, drivers: readonly string[]): Promise<readonly Layer[]> {
    const answer = await this.#ask({ kind: "list", path, drivers });
    return answer.kind === "layers" ? answer.layers : [];
  }

  /**
   * Writes a layer of a file that `layers` has listed to files in `dir`.
   * @throws GdalError
   */
  async write(path: string, layer: Layer, options: WriteOptions): Promise<void> {
    await this.#ask({ kind: "write", path, layer, ...options });
  }

  async close(): Promise<void> {
    await this.#end(new Error("GDAL was closed"));
  }

  /** Asks the worker, which answers one request after the other. */
  #ask(request: ToWorker): Promise<FromWorker> {
    const answer = this.#last.then(() => this.#request(request));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #request(request: ToWorker): Promise<FromWorker> {
    this.#signal.throwIfAborted();
    if (this.#ended) throw this.#ended;
    this.#worker ??= await this.#start();
    const worker = this.#worker;
    const limit = setTimeout(() => void this.#end(tooSlow()), MAX_MS);
    const disk = setInterval(() => void this.#checkDisk(), LOOK_AT_DISK_EVERY_MS);
    try {
      const answer = await new Promise<FromWorker>((resolve, reject) => {
        this.#pending = { resolve, reject };
        worker.postMessage(request);
      });
      if (answer.kind === "failed") throw new GdalError(answer.message.trim());
      return answer;
    } finally {
      clearTimeout(limit);
      clearInterval(disk);
    }
  }

  async #start(): Promise<Worker> {
    await mkdir(this.dir, { recursive: true });
    this.#signal.throwIfAborted();
    const workerData: GdalStart = { dir: this.dir };
    const worker = new Worker(builtPath("gdal-worker.js"), { workerData });
    this.#signal.addEventListener("abort", this.#onAbort);
    worker.on("message", (answer: FromWorker) => {
      this.#pending?.resolve(answer);
      this.#pending = null;
    });
    worker.on("error", (error) => void this.#end(crashed(error)));
    worker.on("exit", (code) => void this.#end(crashed(new Error(`its thread exited with code ${code}`))));
    return worker;
  }

  async #checkDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(this.dir);
    if (bavail * bsize < KEEP_FREE_BYTES) await this.#end(diskFull());
  }

  async #end(reason: Error): Promise<void> {
    this.#ended ??= reason;
    this.#pending?.reject(this.#ended);
    this.#pending = null;
    this.#signal.removeEventListener("abort", this.#onAbort);
    await this.#worker?.terminate();
  }
}

function tooSlow(): ImportFailure {
  return new ImportFailure(
    6667,
    `Reading the file took longer than ${MAX_MS / 60_000} minutes. Split it, or convert it to GeoPackage or CSV.`,
  );
}

function diskFull(): ImportFailure {
  return new ImportFailure(
    6666,
    `The disk is too full to convert the file: ${KEEP_FREE_BYTES / 1024 ** 2} MB must stay free. Free some space and import again.`,
  );
}

/** A damaged file can make GDAL crash, and a very large one can take more memory than WebAssembly has. */
function crashed(cause: Error): ImportFailure {
  const outOfMemory = /memory|allocat/i.test(cause.message);
  return outOfMemory
    ? new ImportFailure(6666, "The file takes more memory than GDAL can use. Split it.", { cause })
    : new ImportFailure(2001, `GDAL crashed while reading the file: ${cause.message}.`, { cause });
}
