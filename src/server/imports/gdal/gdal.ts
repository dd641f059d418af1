import { mkdir } from "node:fs/promises";
import { freeBytes, KEEP_FREE_BYTES } from "../../disk";
import { ImportFailure } from "../errors";
import { ImportWorker } from "../import-worker";
import type { GdalStart } from "./gdal-worker";
import type { FromWorker, Layer, ToWorker, WriteOptions } from "./layer";
import { keepProgram } from "./program";

const LOOK_AT_DISK_EVERY_MS = 1000;

/** GDAL cannot read a file. */
export class GdalError extends Error {
  override name = "GdalError";
}

/** GDAL for one import, in a worker thread. */
export class Gdal {
  /** Folder of the files that GDAL may read, and of its output. */
  readonly dir: string;
  readonly #worker: ImportWorker<ToWorker, FromWorker>;

  constructor(dir: string, signal: AbortSignal) {
    this.dir = dir;
    const workerData: GdalStart = { dir };
    this.#worker = new ImportWorker({ program: "gdal-worker.js", workerData, reader: "GDAL", signal });
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

  /**
   * Converts a virtual dataset in `dir` to files in `dir` named `output`.
   * @param options options of ogr2ogr
   * @throws GdalError
   */
  async convert(path: string, options: readonly string[], output: string): Promise<void> {
    await this.#ask({ kind: "convert", path, options, output });
  }

  async close(): Promise<void> {
    await this.#worker.end();
  }

  async #ask(request: ToWorker): Promise<FromWorker> {
    await mkdir(this.dir, { recursive: true });
    keepProgram();
    const disk = setInterval(() => void this.#checkDisk(), LOOK_AT_DISK_EVERY_MS);
    try {
      const answer = await this.#worker.ask(request);
      if (answer.kind === "failed") throw new GdalError(answer.message.trim());
      return answer;
    } finally {
      clearInterval(disk);
    }
  }

  async #checkDisk(): Promise<void> {
    if ((await freeBytes(this.dir)) < KEEP_FREE_BYTES) await this.#worker.end(diskFull());
  }
}

function diskFull(): ImportFailure {
  return new ImportFailure(
    6666,
    `The disk is too full to convert the file: ${KEEP_FREE_BYTES / 1024 ** 2} MB must stay free. Free some space and import again.`,
  );
}
