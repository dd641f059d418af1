import { viewOf } from "../geometry/ewkb";

const FIRST_CAPACITY = 1 << 17;

/**
 * Keeps unused bytes in one piece. Grows with the bytes that have arrived, not with announced lengths, and moves the
 * rest to the front only when it needs room, so that each byte is copied about twice.
 */
export class ByteQueue {
  bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
  view = viewOf(this.bytes);
  /** Range of the unused bytes in `bytes`. */
  start = 0;
  end = 0;

  get size(): number {
    return this.end - this.start;
  }

  push(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) this.#makeRoom(this.size + chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  #makeRoom(needed: number): void {
    const from = this.bytes;
    if (needed > from.length) {
      this.bytes = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(needed)));
      this.view = viewOf(this.bytes);
    }
    from.copy(this.bytes, 0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }
}
