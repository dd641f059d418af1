const COPY_DATA = "d".charCodeAt(0);
const HEADER_BYTES = 5; // kind, length

/**
 * Cuts the data of a COPY … TO STDOUT out of the bytes a server sends, a chunk at a time: a row is a message of its
 * own, and a parser that makes an object of each costs more than the rest of the way together.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class CopyDataScanner {
  readonly #onOther: (bytes: Buffer) => void;
  /** Bytes of the message under way that are still to come. */
  #left = 0;
  #isData = false;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;

  /** @param onOther gets the bytes of all other messages, in order */
  constructor(onOther: (bytes: Buffer) => void) {
    this.#onOther = onOther;
  }

  /** The data in this chunk, a view of it: what lies between is overwritten. */
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
        this.#header[this.#headerBytes++] = chunk[at++]!;
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
