import type { LayerDescription, Unread } from "../../../api/schemas/imports";
import { SRID_LNGLAT } from "../../../geo";
import type { Engine } from "../../engine/engine";
import { crsOfSrid } from "../crs";
import { ImportFailure } from "../errors";
import type { FileToImport } from "../file";
import { ImportWorker, OWN_READER } from "../import-worker";
import { loadTable } from "../load";
import type { ImportState } from "../record";
import type { FileOptions, Layer, LayerSource, LoadedContent } from "../table-source";
import type { Answers, FromReader, TablePlan, ToReader } from "./protocol";

/** The readers of this project for one import, in a worker thread. The server receives text for COPY. */
export class Reader {
  readonly #worker: ImportWorker<ToReader, FromReader>;
  readonly #enter: (state: ImportState) => Promise<void>;

  constructor(enter: (state: ImportState) => Promise<void>, signal: AbortSignal) {
    this.#enter = enter;
    this.#worker = new ImportWorker({ ...OWN_READER, program: "reader-worker.js", signal });
  }

  /** @throws ImportFailure with the code of the format if the file is invalid */
  async open(file: FileToImport, options: FileOptions): Promise<LayerSource[]> {
    const { first, layers } = await this.#ask({ kind: "open", file, options });
    return layers.map((layer, i) => {
      const at = first + i;
      return {
        ...layer,
        describe: async () => described(layer, await this.#ask({ kind: "plan", at })),
        load: (engine, table, signal) => this.#load(at, options, { engine, table, signal }),
      };
    });
  }

  async #load(
    at: number,
    options: FileOptions,
    { engine, table, signal }: { engine: Engine; table: string; signal: AbortSignal },
  ): Promise<LoadedContent> {
    const { crs, encoding, ...read } = await this.#ask({ kind: "plan", at });
    const guessed = await this.#guess(at, options, read);
    const plan = guessed ?? read;
    const unread: Unread[] = [];
    const outside = await loadTable(engine, table, plan, this.#rows(at, unread), signal);
    const renamed = plan.columns
      .filter(({ name, from }) => name !== from)
      .map(({ name, from }) => ({ from, to: name }));
    return {
      rows: plan.rowCount,
      renamed,
      crs: guessed ? crsOfSrid(SRID_LNGLAT) : crs,
      encoding,
      unread: [...unread, ...outside],
    };
  }

  async close(): Promise<void> {
    await this.#worker.end();
  }

  /** With content guessing, a table without a geometry gets the geometries of the places that it names. */
  async #guess(at: number, { contentGuessing }: FileOptions, plan: TablePlan): Promise<TablePlan | null> {
    if (!contentGuessing || plan.geometry !== null) return null;
    await this.#enter("guessing");
    const guessed = await this.#ask({ kind: "guess", at });
    if (guessed) await this.#enter("geocoding");
    await this.#enter("importing");
    return guessed;
  }

  /** Yields text for COPY, and adds the values that cannot be read to `unread`. */
  async *#rows(at: number, unread: Unread[]): AsyncGenerator<Uint8Array> {
    for (;;) {
      const answer = await this.#ask({ kind: "rows", at });
      if (!(answer instanceof Uint8Array)) {
        unread.push(...answer.unread);
        return;
      }
      yield answer;
    }
  }

  async #ask<R extends ToReader>(request: R): Promise<Answers[R["kind"]]> {
    const answer = await this.#worker.ask(request);
    if (answer.kind === "failed") throw new ImportFailure(answer.code, answer.detail);
    return answer.answer as Answers[R["kind"]];
  }
}

function described(
  { layer, file }: Layer,
  { rowCount, columns, geometryTypes: [type, ...others], crs }: Answers["plan"],
): LayerDescription {
  return {
    name: layer,
    file,
    geometry: type === undefined ? null : others.length > 0 ? "GEOMETRY" : type,
    rows: rowCount,
    srid: crs?.srid ?? null,
    columns: columns.map(({ name, type, from }) => ({ name: from || name, type })),
  };
}
