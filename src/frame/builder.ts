import { CartoError } from "../errors";
import type { Pace } from "./pace";
import type { BooleanColumn, Column, Field, NumberColumn } from "./types";

/**
 * A run of complete rows: field `f` of row `r` lies at `at[r * stride + f]` of `bytes` and is
 * `length[r * stride + f]` bytes long, -1 for NULL.
 */
export interface Batch {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly rows: number;
  readonly stride: number;
  readonly at: Int32Array;
  readonly length: Int32Array;
}

/** Collects one column batch by batch. */
export interface ColumnBuilder {
  append(batch: Batch, field: number): void;
  finish(pace: Pace): Promise<Built>;
}

export interface Built {
  readonly column: Column;
  readonly warning?: string;
}

/** An answer with rows was cut off or damaged: its bytes do not match PostgreSQL's COPY format or the columns. */
export class CopyFormatError extends CartoError {
  override name = "CopyFormatError";
}

/** Builds the error for bytes that cannot be a value of the column's type. */
export function badValue({ name, pgtype }: Field, row: number, found: string): CopyFormatError {
  return new CopyFormatError(
    `Column "${name}" (${pgtype}), row ${row} (counted from 0): ${found}. The data were damaged in transit, ` +
      "or the type of the column changed while it was read. Run the call again.",
  );
}

const FIRST_CAPACITY = 1024;

function doubled(needed: number): number {
  return Math.max(FIRST_CAPACITY, 2 ** Math.ceil(Math.log2(needed)));
}

/** Growing typed array of numbers. */
class Numbers<T extends Float64Array | Int32Array> {
  values: T;
  length = 0;
  readonly #make: new (
    length: number,
  ) => T;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.values = new make(0);
  }

  reserve(more: number): T {
    const needed = this.length + more;
    if (needed <= this.values.length) return this.values;
    const grown = new this.#make(doubled(needed));
    grown.set(this.values);
    this.values = grown;
    return grown;
  }

  finish(): T {
    return this.length === this.values.length ? this.values : (this.values.slice(0, this.length) as T);
  }
}

export class Floats extends Numbers<Float64Array> {
  constructor() {
    super(Float64Array);
  }
}

export class Integers extends Numbers<Int32Array> {
  constructor() {
    super(Int32Array);
  }
}

/** Marks the rows that are NULL. Takes no memory until the first one. */
export class Nulls {
  #marks: Uint8Array | null = null;

  add(row: number): void {
    if (this.#marks === null || row >= this.#marks.length) {
      const grown = new Uint8Array(doubled(row + 1));
      if (this.#marks !== null) grown.set(this.#marks);
      this.#marks = grown;
    }
    this.#marks[row] = 1;
  }

  has(row: number): boolean {
    return this.#marks !== null && this.#marks[row] === 1;
  }

  /** Returns `{ nulls }` for the column, or `{}` if no row is NULL. */
  finish(rowCount: number): { nulls?: Uint8Array } {
    if (this.#marks === null) return {};
    const nulls = new Uint8Array(rowCount);
    nulls.set(this.#marks.length > rowCount ? this.#marks.subarray(0, rowCount) : this.#marks);
    return { nulls };
  }
}

/** int2, int4, float4, float8: types of a fixed width that a double holds exactly. */
export class NumberBuilder implements ColumnBuilder {
  readonly #floats = new Floats();
  readonly #nulls = new Nulls();
  readonly #field: Field;
  readonly #width: number;
  readonly #read: (view: DataView, at: number) => number;

  constructor(field: Field, width: number, read: (view: DataView, at: number) => number) {
    this.#field = field;
    this.#width = width;
    this.#read = read;
  }

  append(batch: Batch, field: number): void {
    const { view, rows, stride, at, length } = batch;
    const values = this.#floats.reserve(rows);
    let row = this.#floats.length;
    for (let r = 0, i = field; r < rows; r++, row++, i += stride) {
      const bytes = length[i]!; // i is below the size of the batch
      if (bytes === this.#width) values[row] = this.#read(view, at[i]!);
      else if (bytes === -1) {
        values[row] = Number.NaN;
        this.#nulls.add(row);
      } else throw badValue(this.#field, row, `found ${bytes} bytes, expected ${this.#width}`);
    }
    this.#floats.length = row;
  }

  async finish(): Promise<{ column: NumberColumn }> {
    const values = this.#floats.finish();
    return { column: { ...this.#field, kind: "number", values, ...this.#nulls.finish(values.length) } };
  }
}

export class BooleanBuilder implements ColumnBuilder {
  readonly #values: (boolean | null)[] = [];
  readonly #field: Field;

  constructor(field: Field) {
    this.#field = field;
  }

  append({ bytes, rows, stride, at, length }: Batch, field: number): void {
    for (let r = 0, i = field; r < rows; r++, i += stride) {
      if (length[i] === -1) this.#values.push(null);
      else if (length[i] === 1 && bytes[at[i]!]! <= 1)
        this.#values.push(bytes[at[i]!] === 1); // i is below the size of the batch
      else throw badValue(this.#field, this.#values.length, "found neither true nor false");
    }
  }

  async finish(): Promise<{ column: BooleanColumn }> {
    return { column: { ...this.#field, kind: "boolean", values: this.#values } };
  }
}

/** Values that are read one by one. `read` returns undefined for bytes that are not a value of the type. */
export class ObjectBuilder implements ColumnBuilder {
  protected readonly values: unknown[] = [];
  readonly #read: (batch: Batch, at: number, end: number) => unknown;

  constructor(
    protected readonly field: Field,
    read: (batch: Batch, at: number, end: number) => unknown,
  ) {
    this.#read = read;
  }

  append(batch: Batch, field: number): void {
    for (let r = 0, i = field; r < batch.rows; r++, i += batch.stride) {
      const bytes = batch.length[i]!; // i is below the size of the batch
      if (bytes === -1) {
        this.values.push(null);
        continue;
      }
      const value = this.#read(batch, batch.at[i]!, batch.at[i]! + bytes);
      if (value === undefined) {
        throw badValue(this.field, this.values.length, `the ${bytes} bytes are not a value of this type`);
      }
      this.values.push(value);
    }
  }

  async finish(_pace: Pace): Promise<Built> {
    return { column: { ...this.field, kind: "object", values: this.values } };
  }
}
