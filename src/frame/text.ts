import { type Batch, badValue, type ColumnBuilder } from "./builder";
import { SHORT_BYTES, ShortStrings } from "./short-strings";
import type { Field, StringColumn } from "./types";

/** Keeps a byte order mark, which is content here. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the text from `at` to `end`. Returns undefined if the bytes are not UTF-8 or contain U+0000, which PostgreSQL's
 * texts cannot: a wrong length that reaches into the next row always meets a zero byte there.
 */
export function textAt(bytes: Buffer, at: number, end: number): string | undefined {
  let high = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!; // i is below end
    if (byte === 0) return undefined;
    high |= byte;
  }
  if (high < 0x80) return bytes.toString("latin1", at, end);
  try {
    return UTF8.decode(bytes.subarray(at, end));
  } catch {
    return undefined;
  }
}

const CACHE_SLOTS = 1024;
/** Maximum length of a cached text. Longer ones seldom repeat. */
const CACHED_BYTES = 24;
/** Number of lookups after which the cache is given up if fewer than a quarter of them were hits. */
const TRIAL = 4096;

/**
 * Texts. Equal short ASCII values share one string: for a column with few distinct values this is faster than making a
 * string for each, and takes a tenth of the memory.
 */
export class TextBuilder implements ColumnBuilder {
  readonly #values: (string | null)[] = [];
  readonly #short = new ShortStrings();
  readonly #slots: string[] = new Array<string>(CACHE_SLOTS).fill("");
  #lookups = 0;
  #hits = 0;
  #caching = true;
  readonly #field: Field;

  constructor(field: Field) {
    this.#field = field;
  }

  append(batch: Batch, field: number): void {
    const { bytes, rows, stride, at, length } = batch;
    for (let r = 0, i = field; r < rows; r++, i += stride) {
      const size = length[i]!; // i is below the size of the batch
      if (size === -1) {
        this.#values.push(null);
        continue;
      }
      const start = at[i]!;
      if (!this.#caching && size <= SHORT_BYTES && isPlain(batch, start, start + size)) {
        this.#short.add(this.#values.length, batch, start, start + size);
        this.#values.push(null);
        continue;
      }
      const text =
        this.#caching && size <= CACHED_BYTES
          ? this.#interned(bytes, start, start + size)
          : textAt(bytes, start, start + size);
      if (text === undefined) {
        throw badValue(this.#field, this.#values.length, `the ${size} bytes are not UTF-8 text`);
      }
      this.#values.push(text);
    }
    this.#short.moveTo(this.#values, "latin1");
    if (this.#lookups > TRIAL) {
      this.#caching = this.#hits * 4 > this.#lookups;
      this.#lookups = this.#hits = 0;
    }
  }

  async finish(): Promise<{ column: StringColumn }> {
    return { column: { ...this.#field, kind: "string", values: this.#values } };
  }

  #interned(bytes: Buffer, at: number, end: number): string | undefined {
    let hash = end - at;
    for (let i = at; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0; // i is below end
    const slot = (hash ^ (hash >>> 10)) & (CACHE_SLOTS - 1);
    const known = this.#slots[slot]!; // slot is below the number of slots
    this.#lookups++;
    if (isSame(known, bytes, at, end)) {
      this.#hits++;
      return known;
    }
    const text = textAt(bytes, at, end);
    if (text !== undefined && text.length === end - at) this.#slots[slot] = text;
    return text;
  }
}

/** True for ASCII without U+0000. */
function isPlain({ bytes, view }: Batch, at: number, end: number): boolean {
  let high = 0;
  let i = at;
  for (; i + 4 <= end; i += 4) {
    const word = view.getInt32(i);
    high |= word | (word - 0x01010101); // sets the high bit of a byte that is 0, or follows one
  }
  for (; i < end; i++) high |= bytes[i]! | (bytes[i]! - 1); // i is below end
  return (high & 0x80808080) === 0;
}

function isSame(text: string, bytes: Buffer, at: number, end: number): boolean {
  if (text.length !== end - at) return false;
  for (let i = at; i < end; i++) {
    if (text.charCodeAt(i - at) !== bytes[i]) return false;
  }
  return true;
}
