/**
 * Worker thread of the embedded database. Its only request is a simple query, which it answers with the bytes of the
 * protocol. `pglite.ts` does the rest: parsing, queueing, cancelling and spool files.
 */
import { parentPort, workerData } from "node:worker_threads";
import { PGlite, protocol } from "@electric-sql/pglite";
import { postgisFrom } from "./pglite-setup";

export interface WorkerStart {
  readonly dataDir: string;
  readonly bundleUrl: string;
  readonly startParams: readonly string[];
}

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "done" }
  /** The database crashed; the thread ends. */
  | { readonly kind: "fatal"; readonly message: string };

const CHUNK_BYTES = 256 * 1024; // the database writes pieces of 8 KiB, and a message for each would cost more than the data
const EXIT_LONGJMP = 100; // exit status with which PGlite reports an ordinary error of PostgreSQL
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

/**
 * Ends the thread after a crash. PGlite treats every exception from the WebAssembly code as an SQL error and continues;
 * after a trap, a stack overflow or an exit of the backend, its memory may be corrupt and must not be written to disk.
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
  // Compared by name: Node's types lack WebAssembly, and a stack overflow may come from JavaScript or WebAssembly.
  const { name, status } = error as { name?: string; status?: number };
  return (
    name === "RuntimeError" ||
    name === "RangeError" ||
    (name === "ExitStatus" && status !== EXIT_LONGJMP && status !== EXIT_ALIVE)
  );
}

function die(error: unknown): never {
  send({ kind: "fatal", message: error instanceof Error ? error.message : String(error) });
  process.exit(1); // in a worker, ends the thread only
}

class Chunks {
  #pending: Uint8Array[] = [];
  #bytes = 0;

  /** Adds a copy of `bytes`: they are a view of the database's memory, which the next call overwrites. */
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
