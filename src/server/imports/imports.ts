import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeDataset } from "../datasets";
import { explainFullDisk } from "../disk";
import type { Engine } from "../engine/engine";
import { asFailure, ImportFailure } from "./errors";
import { type ImportRecord, type ImportState, isFinished, isOld, RecordStore } from "./record";
import { type ImportSource, runImport } from "./run-import";

/** Number of imports that run at the same time, as in a CARTO account. */
export const SLOTS = 3;

export type ImportOptions = Pick<
  ImportRecord,
  | "typeGuessing"
  | "quotedFieldsGuessing"
  | "contentGuessing"
  | "createVisualization"
  | "collisionStrategy"
  | "privacy"
  | "reading"
>;

/** Permission to run an import, with a folder for the upload. Release it, or start an import with it. */
export interface Slot {
  readonly dir: string;
  release(): Promise<void>;
}

/**
 * The imports of one server. Their records outlive the server, but not their work: an import that was running when its
 * server ended has failed.
 */
export class Imports {
  readonly #engine: Engine;
  readonly #store: RecordStore;
  readonly #records = new Map<string, ImportRecord>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #stops = new Map<string, AbortController>();
  #isClosed = false;
  #taken = 0;

  /** Use `open`. */
  constructor(engine: Engine, store: RecordStore) {
    this.#engine = engine;
    this.#store = store;
  }

  /** Reads the records that an earlier server left in `dir`, and removes the files of its unfinished imports. */
  static async open(dir: string, engine: Engine): Promise<Imports> {
    const imports = new Imports(engine, new RecordStore(dir));
    for (const record of await imports.#store.open()) {
      imports.#records.set(record.id, record);
      if (!isFinished(record)) await imports.#fail(record, endedError());
    }
    return imports;
  }

  /** True while an upload or an import is running. */
  get busy(): boolean {
    return this.#taken > 0;
  }

  get(id: string): ImportRecord | undefined {
    return this.#records.get(id);
  }

  /** Returns the ids of unfinished imports, newest first. */
  unfinished(): string[] {
    const records = [...this.#records.values()].filter((record) => !isFinished(record));
    return records.map(({ id }) => id).reverse();
  }

  /** Returns a slot, or undefined if all are taken. */
  async slot(): Promise<Slot | undefined> {
    if (this.#taken >= SLOTS || this.#isClosed) return undefined;
    this.#taken++;
    const dir = join(this.#store.dir, `work-${randomUUID()}`);
    let released = false;
    const release = async () => {
      if (released) return;
      released = true;
      await rm(dir, { recursive: true, force: true }).catch(() => {});
      this.#taken--;
    };
    try {
      await mkdir(dir, { mode: 0o700 });
      return { dir, release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Starts an import, which releases the slot when it ends. Returns its id. */
  async start(slot: Slot, source: ImportSource, options: ImportOptions): Promise<string> {
    await this.#forgetOld();
    const record: ImportRecord = {
      id: randomUUID(),
      createdAt: new Date().toISOString(),
      finishedAt: null,
      dataType: source.kind,
      state: "pending",
      displayName: source.displayName,
      originalUrl: source.kind === "url" ? withoutCredentials(source.url) : "",
      ...options,
      tableId: null,
      tables: [],
      errorCode: null,
      errorDetail: "",
      httpStatus: null,
      tooManyTables: false,
      leftOut: [],
      unusableGeometries: 0,
    };
    await this.#store.write(record);
    this.#records.set(record.id, record);
    const stop = new AbortController();
    this.#stops.set(record.id, stop);
    const work = this.#run(record, slot, source, stop.signal).finally(() => {
      this.#stops.delete(record.id);
      this.#running.delete(record.id);
    });
    this.#running.set(record.id, work);
    return record.id;
  }

  /** Stops an import, which then has failed. Resolves when nothing of it is left. A finished one stays as it is. */
  async cancel(id: string): Promise<void> {
    this.#stops.get(id)?.abort(new ImportFailure(6671, "The import was cancelled. Nothing was imported."));
    await this.#running.get(id);
  }

  /** Stops running imports, which then have failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#stops.values()) stop.abort(endedError());
    await Promise.all(this.#running.values());
  }

  async #run(record: ImportRecord, slot: Slot, source: ImportSource, signal: AbortSignal): Promise<void> {
    const enter = async (state: ImportState) => {
      signal.throwIfAborted();
      record.state = state;
      await this.#store.write(record);
    };
    try {
      const done = await runImport({ engine: this.#engine, dir: slot.dir, record, source, enter, signal });
      const [first] = done.tables;
      const dataset = first && (await describeDataset(this.#engine, first.name));
      Object.assign(record, { ...done, tableId: dataset?.id ?? null });
      await slot.release(); // before the state changes: a client that sees it may start the next import
      await this.#finish(record, "complete");
    } catch (error) {
      await slot.release();
      await this.#fail(
        record,
        signal.aborted ? signal.reason : asFailure(await explainFullDisk(error, this.#store.dir)),
      );
    }
  }

  async #fail(record: ImportRecord, { code, detail }: ImportFailure): Promise<void> {
    record.errorCode = code;
    record.errorDetail = detail;
    record.tables = [];
    await this.#finish(record, "failure");
  }

  /** Sets the final state. If it cannot be written to disk, this server still reports it. */
  async #finish(record: ImportRecord, state: "complete" | "failure"): Promise<void> {
    record.finishedAt = new Date().toISOString();
    record.state = state;
    await this.#store
      .write(record)
      .catch((error) => console.error(new Date().toISOString(), "import not recorded:", error));
  }

  async #forgetOld(): Promise<void> {
    for (const record of this.#records.values()) {
      if (!isOld(record)) continue;
      this.#records.delete(record.id);
      await this.#store.remove(record);
    }
  }
}

function endedError(): ImportFailure {
  return new ImportFailure(
    6671,
    "The server stopped while the import was running. Nothing was imported; start the import again.",
  );
}

/** Removes credentials, because the URL is shown to everyone who can see the import. */
function withoutCredentials(address: string): string {
  const url = new URL(address);
  url.username = "";
  url.password = "";
  return url.href;
}
