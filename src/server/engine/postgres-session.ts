import { Readable } from "node:stream";
import type { Connection, Submittable } from "pg";
import { serialize } from "pg-protocol";
import type { DatabaseAddress } from "../../local/database";
import { CopyDataScanner } from "./copy-data";
import { DatabaseError } from "./engine";
import { type Connected, cancel, connect } from "./postgres-connection";
import { ResultReader, tooLarge } from "./result-reader";

/** Bytes that a COPY out buffers for its reader, and reads before it resolves. */
const COPY_AHEAD_BYTES = 256 * 1024;
const CANCEL_GRACE_MS = 5_000;
const CONNECTION_EXCEPTION = "08006";
/** The message `ReadyForQuery` outside a transaction, which hands the connection back to node-postgres. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

export interface CopyOutStart {
  readonly stream: Readable;
  /** Present if the whole COPY has arrived already. */
  readonly complete?: { readonly bytes: number; readonly rows: number };
  /** Resolves when the session is free again, even if the COPY failed. */
  readonly done: Promise<void>;
}

/**
 * Session of a user's database. Create one with `PostgresSession.open`. node-postgres connects and authenticates.
 * Results are read by `ResultReader`, as with the embedded database, because node-postgres exposes neither the raw text
 * of every type nor the end of a COPY.
 */
export class PostgresSession {
  readonly #address: DatabaseAddress;
  readonly #connected: Connected;
  readonly #maxResultBytes: number;
  #isLost = false;
  /** True if the session is inside a transaction, including a failed one. */
  inTransaction = false;

  constructor(address: DatabaseAddress, connected: Connected, maxResultBytes: number) {
    this.#address = address;
    this.#connected = connected;
    this.#maxResultBytes = maxResultBytes;
    const lose = () => {
      this.#isLost = true;
    };
    connected.client.once("error", lose);
    connected.client.once("end", lose);
    connected.client.connection.stream.once("end", lose); // one turn of the event loop before the client's event
  }

  static async open(address: DatabaseAddress, maxResultBytes: number): Promise<PostgresSession> {
    return new PostgresSession(address, await connect(address), maxResultBytes);
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Runs `sql`; an error of the statement is in the reader. Rejects only if the connection is lost. */
  async run(sql: string): Promise<ResultReader> {
    const reader = new ResultReader();
    const exchange = this.#exchange(sql, (chunk) => {
      reader.push(chunk);
      // Until the cancel arrives, the rest is read and discarded.
      if (reader.bytes > this.#maxResultBytes) exchange.lose(tooLarge(this.#maxResultBytes));
      else if (reader.status !== null) exchange.finish();
    });
    await this.#settled(exchange, reader);
    return reader;
  }

  /**
   * Runs a COPY … TO STDOUT. Resolves when its first bytes, or all of them, have arrived. An earlier error rejects, a
   * later one ends the stream. Destroying the stream cancels the COPY.
   */
  async copyOut(sql: string): Promise<CopyOutStart> {
    const reader = new ResultReader();
    const scanner = new CopyDataScanner((bytes) => reader.push(bytes));
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const stream = new Readable({
      highWaterMark: COPY_AHEAD_BYTES,
      read: () => exchange.resume(),
      destroy: (error, callback) => {
        exchange.lose(new DatabaseError("the result is no longer read", { code: "57014" }));
        callback(error);
      },
    });
    stream.on("error", () => {}); // an early error is thrown, and a reader receives later ones
    let bytes = 0;
    const exchange = this.#exchange(sql, (chunk) => {
      const data = scanner.push(chunk);
      bytes += data.length;
      if (data.length > 0 && !stream.push(data)) {
        exchange.pause();
        begin();
      }
      if (reader.status !== null) exchange.finish();
    });
    const done = this.#settled(exchange, reader).then(() => {
      if (reader.error) throw reader.error;
      stream.push(null);
    });
    const ended = done.then(begin, (error: Error) => {
      if (!stream.destroyed) stream.destroy(error);
    });
    await Promise.race([begun, done]);
    const isComplete = stream.readableLength === bytes && reader.status !== null;
    const complete = isComplete ? { bytes, rows: reader.affectedRows } : undefined;
    return { stream, complete, done: ended };
  }

  /** Runs a COPY … FROM STDIN. `data` is not read before the server asks for it. */
  async copyIn(sql: string, data: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ResultReader> {
    const reader = new ResultReader();
    let wanted = () => {};
    const isWanted = new Promise<"wanted">((resolve) => {
      wanted = () => resolve("wanted");
    });
    const exchange = this.#exchange(sql, (chunk) => {
      reader.push(chunk);
      if (reader.wantsData) wanted();
      if (reader.status !== null) exchange.finish();
    });
    const settled = this.#settled(exchange, reader);
    settled.catch(() => {}); // awaited below in every case
    if ((await Promise.race([isWanted, settled])) !== "wanted") return reader;
    try {
      await sendAll(exchange, data, settled, signal);
    } catch (error) {
      exchange.write(serialize.copyFail("the data ended unexpectedly"));
      await settled;
      throw error;
    }
    await settled;
    return reader;
  }

  /**
   * Cancels the running statement, within seconds even if the server does not react. The session cannot be used again.
   */
  async cancel(): Promise<void> {
    const { client } = this.#connected;
    const timer = setTimeout(() => this.destroy(), CANCEL_GRACE_MS);
    client.once("end", () => clearTimeout(timer));
    await cancel(this.#connected, this.#address);
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#isLost = true;
    void this.#connected.client.end().catch(() => {});
  }

  #exchange(sql: string, onBytes: (chunk: Buffer) => void): Exchange {
    if (this.#isLost) throw lostError(this.#address);
    const exchange = new Exchange(sql, onBytes);
    this.#connected.client.query(exchange);
    return exchange;
  }

  async #settled(exchange: Exchange, reader: ResultReader): Promise<void> {
    try {
      await exchange.done;
    } catch (error) {
      this.#isLost = true;
      if (error instanceof DatabaseError) {
        await this.cancel();
        this.destroy();
        throw error;
      }
      // A server that shuts down sends an error before it closes the connection.
      throw reader.error ? shutDownError(reader.error) : lostError(this.#address, error as Error);
    }
    this.inTransaction = reader.status !== "I";
  }
}

/** Sends one statement and receives the bytes of its result, bypassing node-postgres' own reader. */
class Exchange implements Submittable {
  readonly done: Promise<void>;
  readonly #sql: string;
  readonly #onBytes: (chunk: Buffer) => void;
  #connection: Connection | undefined;
  #listeners: ((chunk: Buffer) => void)[] = [];
  #resolve = () => {};
  #reject = (_: Error) => {};
  isOver = false;

  constructor(sql: string, onBytes: (chunk: Buffer) => void) {
    this.#sql = sql;
    this.#onBytes = onBytes;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => {}); // it may fail before it is awaited
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    this.#connection = connection;
    this.#listeners = stream.listeners("data") as ((chunk: Buffer) => void)[];
    stream.on("data", this.#onBytes);
    for (const listener of this.#listeners) stream.off("data", listener);
    connection.query(this.#sql);
  }

  get #stream() {
    if (!this.#connection) throw new Error("The exchange has not been submitted.");
    return this.#connection.stream;
  }

  write(bytes: Uint8Array): boolean {
    return this.isOver || this.#stream.write(bytes);
  }

  /** Writes both as one packet; returns false if the caller should wait for `drained`. */
  writeBoth(first: Uint8Array, second: Uint8Array): boolean {
    if (this.isOver) return true;
    const stream = this.#stream;
    stream.cork();
    stream.write(first);
    const goOn = stream.write(second);
    stream.uncork();
    return goOn;
  }

  async drained(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.once("drain", resolve));
  }

  pause(): void {
    if (!this.isOver) this.#connection?.stream.pause();
  }

  resume(): void {
    if (!this.isOver) this.#connection?.stream.resume();
  }

  /** Ends the exchange: the result is complete. */
  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    const stream = this.#stream;
    stream.off("data", this.#onBytes);
    for (const listener of this.#listeners) {
      stream.on("data", listener);
      listener(READY);
    }
    stream.resume();
    this.#resolve();
  }

  /** Ends the exchange before its result is complete. The connection cannot be used again. */
  lose(reason: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    const stream = this.#stream;
    stream.off("data", this.#onBytes);
    stream.on("data", () => {});
    stream.resume();
    this.#reject(reason);
  }

  /** Called by node-postgres when the connection breaks. */
  handleError(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#reject(error);
  }

  handleReadyForQuery(): void {}
}

/**
 * Sends the chunks as fast as the server accepts them, until the data end, the server answers, or the signal aborts.
 */
async function sendAll(
  exchange: Exchange,
  data: AsyncIterable<Uint8Array>,
  settled: Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const chunks = data[Symbol.asyncIterator]();
  let isOver = signal?.aborted ?? false;
  let interrupt = () => {};
  const stop = () => {
    isOver = true;
    interrupt();
  };
  settled.then(stop, stop);
  signal?.addEventListener("abort", stop, { once: true });
  // Promise.race would keep memory of every round until the last one.
  const unlessOver = <T>(promise: Promise<T>) =>
    new Promise<T | undefined>((resolve, reject) => {
      interrupt = () => resolve(undefined);
      if (isOver) interrupt();
      promise.then(resolve, reject);
    });
  let isWhole = false;
  try {
    while (!isOver) {
      const next = await unlessOver(chunks.next());
      if (isOver || !next) break;
      if (next.done) {
        isWhole = true;
        exchange.write(serialize.copyDone());
        return;
      }
      const { value } = next;
      if (value.length > 0 && !exchange.writeBoth(copyDataHeader(value.length), value)) {
        await unlessOver(exchange.drained());
      }
    }
    signal?.throwIfAborted(); // otherwise the server has refused the data
  } finally {
    signal?.removeEventListener("abort", stop);
    if (!isWhole) void chunks.return?.()?.catch(() => {}); // not awaited: it may be waiting for its own source
  }
}

/** Returns the header of a CopyData message. The bytes are sent separately, which avoids a copy. */
function copyDataHeader(bytes: number): Buffer {
  const header = Buffer.alloc(5);
  header.write("d", "latin1");
  header.writeInt32BE(bytes + 4, 1);
  return header;
}

function lostError({ host }: DatabaseAddress, cause?: Error): DatabaseError {
  return new DatabaseError(
    `the connection to the database at ${host} was lost`,
    {
      severity: "FATAL",
      code: CONNECTION_EXCEPTION,
      hint: "The statement may or may not have taken effect. Check before you run it again.",
    },
    { cause },
  );
}

function shutDownError(error: DatabaseError): DatabaseError {
  return error.with({ hint: error.hint ?? "Committed data is safe; the next statement reconnects." });
}
