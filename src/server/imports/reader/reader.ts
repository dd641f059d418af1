import { ImportFailure } from "../errors";
import { ImportWorker } from "../import-worker";
import { loadTable } from "../load";
import type { ImportState } from "../record";
import type { FileOptions, LayerSource } from "../table-source";
import type { FileToImport } from "../unpack";
import type { Answers, FromReader, TablePlan, ToReader } from "./protocol";

/** Enough for the largest workbook that is read. A file that takes more fails, and the server goes on. */
const MAX_HEAP_MB = 2048;

/** The readers of this project for one import, in a worker thread. The server receives text for COPY. */
export class Reader {
  readonly #worker: ImportWorker<ToReader, FromReader>;
  readonly #enter: (state: ImportState) => Promise<void>;

  constructor(enter: (state: ImportState) => Promise<void>, signal: AbortSignal) {
    this.#enter = enter;
    const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MB };
    this.#worker = new ImportWorker({
      program: "reader-worker.js",
      resourceLimits,
      reader: "the reader",
      signal,
    });
  }

  /** @throws ImportFailure with the code of the format if the file is invalid */
  async open(file: FileToImport, options: FileOptions): Promise<LayerSource[]> {
    const { first, names } = await this.#ask({ kind: "open", file, options });
    return names.map(
      (name, i): LayerSource => ({
        name,
        load: async (engine, table, signal) => {
          const plan = await this.#plan(first + i, options);
          let unusableGeometries = 0;
          const rows = this.#rows(first + i, (count) => {
            unusableGeometries = count;
          });
          await loadTable(engine, table, plan, rows, signal);
          return { rows: plan.rowCount, renamed: plan.renamed, unusableGeometries };
        },
      }),
    );
  }

  async close(): Promise<void> {
    await this.#worker.end();
  }

  /** With content guessing, a table without a geometry gets the geometries of the places that it names. */
  async #plan(at: number, { contentGuessing }: FileOptions): Promise<TablePlan> {
    const plan = await this.#ask({ kind: "plan", at });
    if (!contentGuessing || plan.geometry !== null) return plan;
    await this.#enter("guessing");
    const guessed = await this.#ask({ kind: "guess", at });
    if (guessed) await this.#enter("geocoding");
    await this.#enter("importing");
    return guessed ?? plan;
  }

  /** @param onEnd receives the number of geometries that cannot be used */
  async *#rows(at: number, onEnd: (unusableGeometries: number) => void): AsyncGenerator<Uint8Array> {
    for (;;) {
      const answer = await this.#ask({ kind: "rows", at });
      if (!(answer instanceof Uint8Array)) return onEnd(answer.unusableGeometries);
      yield answer;
    }
  }

  async #ask<R extends ToReader>(request: R): Promise<Answers[R["kind"]]> {
    const answer = await this.#worker.ask(request);
    if (answer.kind === "failed") throw new ImportFailure(answer.code, answer.detail);
    return answer.answer as Answers[R["kind"]];
  }
}
