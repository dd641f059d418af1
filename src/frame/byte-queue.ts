import { viewOf } from "../geometry/ewkb";

const FIRST_CAPACITY = 1 << 17;

/**
 * Bytes that came and are not used up yet, in one piece. Grows with what has come, never with what a length
 * promises, and moves the rest to the front only when room is needed: each byte is copied about twice.
 */
export class ByteQueue {
  bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
  view = viewOf(this.bytes);
  /** Where the unused bytes begin in `bytes`, and where they end. */
  start = 0;
  end = 0;

  get size(): number {
    return this.end - this.start;
  }

  push(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) this.makeRoom(this.size + chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  private makeRoom(needed: number): void {
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
