import { finished, type Readable } from "node:stream";

/** Number of bytes that are buffered before reading from the connection pauses. */
const AHEAD_BYTES = 1 << 20;

/**
 * Iterates over the bytes of an answer's body. The chunks of a Node stream are joined: each piece is all that has
 * arrived since the last one. A stream's own iterator would spend as much time on its many small chunks as decoding a
 * million rows takes.
 */
export function piecesOf(body: AsyncIterable<Uint8Array>): AsyncIterator<Uint8Array> {
  return isReadable(body) ? new Pieces(body) : body[Symbol.asyncIterator]();
}

const isReadable = (body: unknown): body is Readable =>
  ["on", "pause", "resume", "destroy"].every(
    (method) => typeof (body as Record<string, unknown>)[method] === "function",
  );

class Pieces implements AsyncIterator<Uint8Array> {
  readonly #body: Readable;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #end: { readonly error?: Error } | undefined;
  #wake = () => {};

  constructor(body: Readable) {
    this.#body = body;
    finished(body, { writable: false }, (error) => {
      this.#end = error ? { error } : {};
      this.#wake();
    });
    body.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      if (this.#size >= AHEAD_BYTES) body.pause();
      this.#wake();
    });
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#size === 0) {
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunks = this.#chunks;
    const [first] = chunks;
    this.#chunks = [];
    this.#size = 0;
    this.#body.resume();
    return { done: false, value: first && chunks.length === 1 ? first : Buffer.concat(chunks) };
  }
}
