const COPY_DATA = "d".charCodeAt(0);
const HEADER_BYTES = 5; // kind, length

/**
 * Extracts the data of a COPY … TO STDOUT from the bytes a server sends, chunk by chunk. Every row is a separate
 * message; parsing each into an object would cost more than the rest of the transfer.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class CopyDataScanner {
  readonly #onOther: (bytes: Buffer) => void;
  /** Bytes of the current message that have not arrived yet. */
  #left = 0;
  #isData = false;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;

  /** @param onOther receives the bytes of all other messages, in order */
  constructor(onOther: (bytes: Buffer) => void) {
    this.#onOther = onOther;
  }

  /** Returns the data in this chunk as a view of it; the chunk is overwritten. */
  push(chunk: Buffer): Buffer {
    const end = chunk.length;
    let at = 0;
    let data = 0;
    while (at < end) {
      if (this.#left > 0) {
        const until = Math.min(end, at + this.#left);
        if (!this.#isData) this.#onOther(Buffer.from(chunk.subarray(at, until)));
        else {
          if (data !== at) chunk.copyWithin(data, at, until);
          data += until - at;
        }
        this.#left -= until - at;
        at = until;
      } else if (this.#headerBytes === 0 && end - at >= HEADER_BYTES) {
        this.#begin(chunk, at);
        at += HEADER_BYTES;
      } else {
        this.#header[this.#headerBytes++] = chunk[at++] ?? 0;
        if (this.#headerBytes < HEADER_BYTES) continue;
        this.#headerBytes = 0;
        this.#begin(this.#header, 0);
      }
    }
    return chunk.subarray(0, data);
  }

  #begin(bytes: Buffer, at: number): void {
    this.#isData = bytes[at] === COPY_DATA;
    this.#left = bytes.readInt32BE(at + 1) - 4; // the length counts itself
    if (!this.#isData) this.#onOther(Buffer.from(bytes.subarray(at, at + HEADER_BYTES)));
  }
}
