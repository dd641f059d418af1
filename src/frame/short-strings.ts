import { viewOf } from "../geometry/ewkb";
import type { Batch } from "./builder";

/** Maximum length of a short value. Longer ones are decoded one by one: the call is cheap in comparison, and the strings share no memory. */
export const SHORT_BYTES = 48;

/**
 * Collects the bytes of short values and decodes many of them with one call, because a call for each costs more than
 * the decoding. The strings of a batch share their memory.
 */
export class ShortStrings {
  #bytes = Buffer.alloc(1 << 16);
  #view = viewOf(this.#bytes);
  #end = 0;
  readonly #rows: number[] = [];
  readonly #ends: number[] = [];

  /** Adds the bytes from `at` to `end` as the value of `row`. */
  add(row: number, { bytes: from, view: words }: Batch, at: number, end: number): void {
    if (this.#end + end - at > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    const view = this.#view;
    let to = this.#end;
    let i = at;
    for (; i + 4 <= end; i += 4, to += 4) view.setInt32(to, words.getInt32(i)); // twice as fast as byte by byte
    for (; i < end; i++) bytes[to++] = from[i]!; // i is below end
    this.#end = to;
    this.#rows.push(row);
    this.#ends.push(to);
  }

  /** Stores the collected values at their rows and empties the collection. */
  moveTo(values: unknown[], encoding: "latin1" | "hex"): void {
    const rows = this.#rows;
    const ends = this.#ends;
    const width = encoding === "hex" ? 2 : 1;
    const all = this.#bytes.toString(encoding, 0, this.#end);
    const text = encoding === "hex" ? all.toUpperCase() : all;
    let start = 0;
    for (let i = 0; i < rows.length; i++) {
      const end = ends[i]! * width; // one end and one row per text
      values[rows[i]!] = text.slice(start, end);
      start = end;
    }
    rows.length = ends.length = this.#end = 0;
  }

  #grow(): void {
    const grown = Buffer.alloc(this.#bytes.length * 2);
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}
