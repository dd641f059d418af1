/**
 * Compares a table with the columns of a frame byte by byte while the table is streamed, so that equal rows need not
 * be sent. Rows are expected in about the order of the frame; others are found by their keys.
 */
import type { Batch } from "./builder";
import { encodeRows, readCopy, rowCountOf } from "./copy-binary";
import type { Field } from "./types";
import type { WriteColumn } from "./write-column";
import { CopySink, type RowWriter, writerFor } from "./writers";

/** Number of the frame's next rows that are compared before a row of the table counts as out of order. */
const LOOKAHEAD = 4;
/** Maximum number of rows out of order that wait for the end. Beyond it, rows are looked up by key at once. */
const MAX_WAITING = 4096;
const NULL_FIELD = "\xff\xff\xff\xff";

const UNSEEN = 0;
const EQUAL = 1;
const CHANGED = 2;

export interface Differences {
  /** Rows of the frame that the table lacks or holds with different bytes. */
  readonly rows: readonly number[];
  /** Keys of the table's rows that the frame lacks, as fields of a COPY. */
  readonly gone: readonly Uint8Array[];
}

/**
 * @param columns The columns of the COPY in its order, the `keyCount` columns of the key first.
 * @throws SqlError, CopyFormatError As `decodeCopy` does.
 */
export async function compareCopy(
  chunks: AsyncIterable<Uint8Array>,
  columns: readonly WriteColumn[],
  keyCount: number,
  { signal, onRows }: { readonly signal?: AbortSignal; readonly onRows?: (rows: number) => void } = {},
): Promise<Differences> {
  const fields: Field[] = columns.map(({ name, pgtype }) => ({ name, pgtype }));
  const comparison = new Comparison(columns, keyCount);
  await readCopy(chunks, fields, (batch) => comparison.take(batch), { signal, onRows });
  return comparison.finish();
}

/** Encodes a COPY of the differences: the columns, followed by a boolean that is true for rows to be deleted. */
export function encodeDifferences(
  columns: readonly WriteColumn[],
  keyCount: number,
  { rows, gone }: Differences,
  options: Parameters<typeof encodeRows>[2] = {},
): AsyncGenerator<Uint8Array> {
  const writers = columns.map(writerFor);
  const marker = writerFor({ name: "", pgtype: "bool", values: [false, true] });
  const writeRow = (sink: CopySink, at: number) => {
    sink.int16(columns.length + 1);
    if (at < rows.length) {
      for (const write of writers) write(sink, rows[at]!); // at is below the number of rows
      marker(sink, 0);
      return;
    }
    sink.raw(gone[at - rows.length]!); // the rest of the numbers
    for (let i = keyCount; i < columns.length; i++) sink.null();
    marker(sink, 1);
  };
  return encodeRows(rows.length + gone.length, writeRow, options);
}

class Comparison {
  readonly #rowCount: number;
  readonly #writers: readonly RowWriter[];
  readonly #states: Uint8Array;
  readonly #sink = new CopySink(1024);
  readonly #gone: Uint8Array[] = [];
  /** Rows of the table that were not found where they were expected, with the length of their keys. */
  readonly #waiting: { readonly bytes: Buffer; readonly keyBytes: number }[] = [];
  /** Unseen rows of the frame by key, filled when the first row is looked up. */
  #rowsByKey: Map<string, number> | null = null;
  #next = 0;
  readonly #keyCount: number;

  constructor(columns: readonly WriteColumn[], keyCount: number) {
    this.#keyCount = keyCount;
    this.#rowCount = rowCountOf(columns);
    this.#writers = columns.map(writerFor);
    this.#states = new Uint8Array(this.#rowCount);
  }

  take({ bytes, rows, stride, at, length }: Batch): void {
    for (let r = 0; r < rows; r++) {
      const first = r * stride;
      const endOf = (field: number) => at[first + field]! + Math.max(0, length[first + field]!); // a batch has all fields of a row
      const start = at[first]! - 4;
      const keyBytes = endOf(this.#keyCount - 1) - start;
      const end = endOf(stride - 1);
      if (this.#meet(bytes, start, end, keyBytes)) continue;
      if (this.#rowsByKey !== null) this.#lookUp(bytes, start, end, keyBytes);
      else {
        this.#waiting.push({ bytes: Buffer.from(bytes.subarray(start, end)), keyBytes });
        if (this.#waiting.length > MAX_WAITING) this.#settle();
      }
    }
  }

  finish(): Differences {
    if (this.#waiting.length > 0) this.#settle();
    const rows: number[] = [];
    for (let row = 0; row < this.#rowCount; row++) if (this.#states[row] !== EQUAL) rows.push(row);
    return { rows, gone: this.#gone };
  }

  /** True if the row of the table is one of the frame's next rows. */
  #meet(bytes: Buffer, start: number, end: number, keyBytes: number): boolean {
    const last = Math.min(this.#rowCount - 1, this.#next + (this.#rowsByKey === null ? LOOKAHEAD : 0));
    for (let row = this.#next; row <= last; row++) {
      if (this.#states[row] !== UNSEEN || !this.#compare(row, bytes, start, end, keyBytes)) continue;
      this.#next = row + 1;
      return true;
    }
    return false;
  }

  /** Marks a row of the frame as equal or changed if it has this key. Returns true if it has. */
  #compare(row: number, bytes: Buffer, start: number, end: number, keyBytes: number): boolean {
    const sink = this.#sink;
    sink.at = 0;
    for (let i = 0; i < this.#keyCount; i++) this.#writers[i]!(sink, row);
    const hasKey =
      sink.at === keyBytes && bytes.compare(sink.bytes, 0, keyBytes, start, start + keyBytes) === 0;
    if (!hasKey) return false;
    for (let i = this.#keyCount; i < this.#writers.length; i++) this.#writers[i]!(sink, row);
    const isEqual = sink.at === end - start && bytes.compare(sink.bytes, 0, sink.at, start, end) === 0;
    this.#states[row] = isEqual ? EQUAL : CHANGED;
    return true;
  }

  #settle(): void {
    this.#rowsByKey = this.#unseenRows();
    for (const { bytes, keyBytes } of this.#waiting) this.#lookUp(bytes, 0, bytes.length, keyBytes);
    this.#waiting.length = 0;
  }

  #unseenRows(): Map<string, number> {
    const rows = new Map<string, number>();
    for (let row = 0; row < this.#rowCount; row++) {
      if (this.#states[row] !== UNSEEN) continue;
      this.#sink.at = 0;
      for (let i = 0; i < this.#keyCount; i++) this.#writers[i]!(this.#sink, row);
      const key = this.#sink.bytes.toString("latin1", 0, this.#sink.at);
      if (key !== NULL_FIELD) rows.set(key, row);
    }
    return rows;
  }

  #lookUp(bytes: Buffer, start: number, end: number, keyBytes: number): void {
    const row = this.#rowsByKey!.get(bytes.toString("latin1", start, start + keyBytes)); // set before the first row is compared
    if (
      row !== undefined &&
      this.#states[row] === UNSEEN &&
      this.#compare(row, bytes, start, end, keyBytes)
    ) {
      this.#next = row + 1;
    } else this.#gone.push(Buffer.from(bytes.subarray(start, start + keyBytes)));
  }
}
