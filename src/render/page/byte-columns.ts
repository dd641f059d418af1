/**
 * Columns of unsigned integers as bytes: a byte with the number of planes, then the planes (first the lowest byte of
 * every value, then every second byte, …). `!` in the loops: the index is below the length of the array.
 */

export function encodePlanes(values: Uint32Array): Uint8Array {
  let used = 0;
  for (let i = 0; i < values.length; i++) used |= values[i]!;
  const planes = Math.ceil((32 - Math.clz32(used)) / 8);
  const bytes = new Uint8Array(1 + planes * values.length);
  bytes[0] = planes;
  for (let plane = 0; plane < planes; plane++) {
    const at = 1 + plane * values.length;
    for (let i = 0; i < values.length; i++) bytes[at + i] = values[i]! >>> (8 * plane);
  }
  return bytes;
}

/** Reads columns one after the other. */
export class ColumnReader {
  readonly #source: Uint8Array;
  #at: number;

  constructor(source: Uint8Array, at: number) {
    this.#source = source;
    this.#at = at;
  }

  /** @throws Error if fewer bytes are left. */
  bytes(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#source.length)
      throw new Error(`The scene is cut off: expected at least ${end} bytes, got ${this.#source.length}.`);
    const bytes = this.#source.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** The inverse of `encodePlanes`. */
  planes(count: number): Uint32Array {
    const values = new Uint32Array(count);
    const [planes = 0] = this.bytes(1);
    for (let plane = 0; plane < planes; plane++) {
      const bytes = this.bytes(count);
      const shift = 8 * plane;
      for (let i = 0; i < count; i++) values[i]! |= bytes[i]! << shift;
    }
    return values;
  }

  /** Reads lengths and returns them as `count + 1` offsets, the first of which is 0. */
  offsets(count: number): Uint32Array {
    const offsets = new Uint32Array(count + 1);
    const lengths = this.planes(count);
    for (let i = 0; i < count; i++) offsets[i + 1] = offsets[i]! + lengths[i]!;
    return offsets;
  }

  /** @throws Error if bytes are left. */
  expectEnd(): void {
    if (this.#at === this.#source.length) return;
    throw new Error(`The scene has ${this.#source.length} bytes; expected ${this.#at}.`);
  }
}
