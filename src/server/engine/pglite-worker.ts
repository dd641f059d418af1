/**
 * The thread in which the embedded database lives. It knows one request, a simple query, and answers with
 * the bytes of the protocol: parsing, turns, cancel and spool files are the other side's (`pglite.ts`).
 */
import { parentPort, workerData } from "node:worker_threads";
import { type Extension, PGlite, protocol } from "@electric-sql/pglite";

export interface WorkerStart {
  readonly dataDir: string;
  readonly bundleUrl: string;
  readonly startParams: readonly string[];
}

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "done" }
  /** The database cannot be used any more; the thread ends. */
  | { readonly kind: "fatal"; readonly message: string };

const CHUNK_BYTES = 256 * 1024; // the database writes pieces of 8 KiB: a message for each would cost more than the data
const EXIT_LONGJMP = 100; // how PGlite's build reports that PostgreSQL raised an ordinary error
const EXIT_ALIVE = 99;

const port = parentPort!;

async function main(): Promise<void> {
  const { dataDir, bundleUrl, startParams } = workerData as WorkerStart;
  const database = await PGlite.create({
    dataDir,
    extensions: { postgis: postgisFrom(new URL(bundleUrl)) },
    startParams: [...PGlite.defaultStartParams, ...startParams],
  });
  dieOnCrash(database);
  port.on("message", (sql: string) => {
    const chunks = new Chunks();
    database
      .execProtocolRawStream(protocol.serialize.query(sql), { onRawData: (bytes) => chunks.add(bytes) })
      .then(() => {
        chunks.flush();
        send({ kind: "done" });
      }, die);
  });
  send({ kind: "ready" });
}

/** PostGIS without raster and topology: half the time to open and 350 MB less memory. */
function postgisFrom(bundlePath: URL): Extension {
  return {
    name: "postgis",
    setup: async (_database, emscriptenOpts) => {
      emscriptenOpts.PGLITE_ENV.PROJ_DATA = "/pglite/share/proj";
      return { emscriptenOpts, bundlePath };
    },
  };
}

/**
 * PGlite takes every exception out of the WebAssembly code for an SQL error and carries on. After a trap, a
 * stack overflow or an exit of the backend the memory is not to be trusted: stop before more is written.
 */
function dieOnCrash(database: PGlite): void {
  const backend = database.Module;
  const loop = backend._PostgresMainLoopOnce;
  backend._PostgresMainLoopOnce = () => {
    try {
      loop();
    } catch (error) {
      if (isCrash(error)) die(error);
      throw error;
    }
  };
}

function isCrash(error: unknown): boolean {
  // By name: Node's types do not know WebAssembly, and a stack overflow may come from either side.
  const { name, status } = error as { name?: string; status?: number };
  return (
    name === "RuntimeError" ||
    name === "RangeError" ||
    (name === "ExitStatus" && status !== EXIT_LONGJMP && status !== EXIT_ALIVE)
  );
}

function die(error: unknown): never {
  send({ kind: "fatal", message: error instanceof Error ? error.message : String(error) });
  process.exit(1); // ends this thread only
}

class Chunks {
  #pending: Uint8Array[] = [];
  #bytes = 0;

  /** `bytes` is a view of the database's memory, which the next call overwrites. */
  add(bytes: Uint8Array): void {
    this.#pending.push(bytes.slice());
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) this.flush();
  }

  flush(): void {
    if (this.#bytes === 0) return;
    const bytes = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pending) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#pending = [];
    this.#bytes = 0;
    port.postMessage({ kind: "data", bytes } satisfies FromWorker, [bytes.buffer]);
  }
}

function send(message: FromWorker): void {
  port.postMessage(message);
}

main().catch(die);
