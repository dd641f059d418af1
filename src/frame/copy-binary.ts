/**
 * PostgreSQL's binary COPY format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").
 * Stricter than the manual in one point: a header extension, which no release of PostgreSQL writes, is
 * refused rather than skipped, because damaged bytes could hide rows in it.
 */
import { SqlError } from "../errors";
import { ident } from "../sql";
import { type Batch, badValue, CopyFormatError } from "./builder";
import { ByteQueue } from "./byte-queue";
import { paced } from "./pace";
import { builderFor } from "./readers";
import { type Columns, elementTypeOf, type Field, pgTypeOf } from "./types";
import type { WriteColumn } from "./write-column";
import { CopySink, writerFor } from "./writers";

const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");
const HEADER_BYTES = SIGNATURE.length + 4 + 4; // flags, length of the extension
/** Flags that a reader must understand. None is defined today; bit 16 announced OIDs until PostgreSQL 11. */
const CRITICAL_FLAGS = 0xffff0000;
const TRAILER = -1;
const BRACE = "{".charCodeAt(0);
/** Number of fields located before the columns are filled: enough for tight loops, few enough for the cache. */
const BATCH_FIELDS = 16_384;
/** Spare bytes of a chunk, so that its last row seldom makes it grow. */
const ROW_ROOM = 4096;
/** Maximum size of a PostgreSQL value (MaxAllocSize). */
const MAX_FIELD_BYTES = 0x3fffffff;
/** Number of last bytes in which a server's error message is looked for. */
const MAX_ERROR_BYTES = 65_536;

export interface DecodeOptions {
  readonly signal?: AbortSignal;
  /** The statement whose rows these are, for errors. */
  readonly sql?: string;
  /** Called from time to time with the number of rows read so far. */
  readonly onRows?: (rows: number) => void;
  /** Called from time to time with the number of bytes read so far. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Returns the select list that makes a server's `COPY (SELECT … FROM (q) AS _q) TO STDOUT WITH (FORMAT binary)` fit
 * `decodeCopy`: types that are not read in binary are cast to text, arrays of them to JSON, bytea to `\x…`.
 */
export function copySelect(fields: readonly Field[]): string {
  return fields.map(selectItem).join(", ");
}

function selectItem({ name, pgtype }: Field): string {
  const column = ident(name);
  if (pgTypeOf(pgtype) !== null || elementTypeOf(pgtype) !== null) return column;
  if (pgtype.startsWith("_")) return `to_json(${column}) AS ${column}`;
  if (pgtype === "bytea") return `'\\x' || encode(${column}, 'hex') AS ${column}`;
  return `${column}::text AS ${column}`;
}

/**
 * Decodes the bytes of `COPY (SELECT ${copySelect(fields)} …) TO STDOUT WITH (FORMAT binary)` into columns while they
 * arrive. Chunks may be cut anywhere.
 * @throws SqlError If the server ended the bytes with an error message, even in the middle of a row.
 * @throws CopyFormatError If bytes are missing or do not fit the fields.
 */
export async function decodeCopy(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  fields: readonly Field[],
  options: DecodeOptions = {},
): Promise<Columns> {
  const builders = fields.map(builderFor);
  const fill = (batch: Batch) => {
    for (const [field, builder] of builders.entries()) builder.append(batch, field);
  };
  const rowCount = await readCopy(chunks, fields, fill, options);
  const pace = paced(options.signal);
  const columns = [];
  const warnings = [];
  for (const builder of builders) {
    if (pace.due()) await pace.pause();
    const { column, warning } = await builder.finish(pace);
    columns.push(column);
    if (warning !== undefined) warnings.push(warning);
  }
  return { rowCount, columns, warnings };
}

/**
 * Passes the rows of a binary COPY to `take` while they arrive. The bytes of a batch are valid only during the call.
 * @returns The number of rows.
 * @throws SqlError, CopyFormatError As `decodeCopy` does.
 */
export async function readCopy(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  fields: readonly Field[],
  take: (batch: Batch) => void,
  { signal, sql, onRows, onBytes }: DecodeOptions = {},
): Promise<number> {
  const pace = paced(signal);
  const reader = new CopyReader(fields, take, sql);
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let bytes = 0;
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done) break;
      const chunk = next.value;
      reader.push(chunk);
      while (reader.readBatch()) if (pace.due()) await pace.pause();
      if (pace.due()) await pace.pause();
      bytes += chunk.length;
      onRows?.(reader.rowCount);
      onBytes?.(bytes);
    }
    reader.end();
  } catch (error) {
    throw error instanceof CopyFormatError ? await reader.explained(error, iterator) : error;
  } finally {
    await iterator.return?.();
  }
  return reader.rowCount;
}

export interface EncodeOptions {
  /** Approximate size of a chunk in bytes. @default 262144 */
  readonly chunkBytes?: number;
  readonly signal?: AbortSignal;
  /** Called after every chunk with the number of rows written so far. */
  readonly onRows?: (rows: number) => void;
}

/**
 * Yields the bytes for `COPY t ("a", …) FROM STDIN WITH (FORMAT binary)` in chunks. Only one chunk is in memory at a
 * time; the receiver may keep each.
 */
export async function* encodeCopy(
  columns: readonly WriteColumn[],
  { chunkBytes = 1 << 18, signal, onRows }: EncodeOptions = {},
): AsyncGenerator<Uint8Array> {
  const writers = columns.map(writerFor);
  const writeRow = (sink: CopySink, row: number) => {
    sink.int16(writers.length);
    for (const write of writers) write(sink, row);
  };
  yield* encodeRows(rowCountOf(columns), writeRow, { chunkBytes, signal, onRows });
}

/** Yields the bytes of a COPY whose rows `writeRow` writes, each beginning with its number of fields. */
export async function* encodeRows(
  rowCount: number,
  writeRow: (sink: CopySink, row: number) => void,
  { chunkBytes = 1 << 18, signal, onRows }: EncodeOptions = {},
): AsyncGenerator<Uint8Array> {
  const pace = paced(signal);
  const capacity = chunkBytes + ROW_ROOM;
  const sink = new CopySink(capacity);
  sink.at = writeHeader(sink.bytes);
  for (let row = 0; row < rowCount; row++) {
    writeRow(sink, row);
    if (sink.at < chunkBytes) continue;
    yield sink.take(capacity);
    onRows?.(row + 1);
    if (pace.due()) await pace.pause();
  }
  sink.int16(TRAILER);
  yield sink.take(0);
  onRows?.(rowCount);
}

/** Returns the number of rows of columns that are to be written. */
export function rowCountOf(columns: readonly WriteColumn[]): number {
  return Math.max(0, ...columns.map((column) => ("lng" in column ? column.lng : column.values).length));
}

function writeHeader(bytes: Buffer): number {
  bytes.fill(0, 0, HEADER_BYTES);
  SIGNATURE.copy(bytes);
  return HEADER_BYTES;
}

/** Cuts the bytes into rows and passes them on in batches. */
class CopyReader {
  rowCount = 0;
  readonly #queue = new ByteQueue();
  /** `after`: past the last row, at the end marker or at an error message. */
  #state: "header" | "rows" | "after" = "header";
  #complete = false;
  /** True once all bytes have arrived. */
  #ended = false;
  readonly #maxRows: number;
  readonly #at: Int32Array;
  readonly #length: Int32Array;
  readonly #fields: readonly Field[];
  readonly #take: (batch: Batch) => void;
  readonly #sql: string | undefined;

  constructor(fields: readonly Field[], take: (batch: Batch) => void, sql?: string) {
    this.#fields = fields;
    this.#take = take;
    this.#sql = sql;
    this.#maxRows = Math.max(1, Math.floor(BATCH_FIELDS / Math.max(1, fields.length)));
    this.#at = new Int32Array(this.#maxRows * fields.length);
    this.#length = new Int32Array(this.#maxRows * fields.length);
  }

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk);
  }

  /** Moves complete rows into the columns. Returns false when the next row needs more bytes. */
  readBatch(): boolean {
    if (this.#state === "header") this.#readHeader();
    if (this.#state === "after" && this.#queue.size > MAX_ERROR_BYTES) throw this.#failure();
    if (this.#state !== "rows") return false;
    const { bytes, view } = this.#queue;
    const rows = this.#locateRows();
    if (rows === 0) return false;
    const batch: Batch = {
      bytes,
      view,
      rows,
      stride: this.#fields.length,
      at: this.#at,
      length: this.#length,
    };
    this.#take(batch);
    this.rowCount += rows;
    return true;
  }

  /** @throws SqlError, CopyFormatError If the end of the rows is missing. */
  end(): void {
    this.#ended = true;
    if (!this.#complete || this.#queue.size > 0) throw this.#failure();
  }

  /**
   * Looks for a server's error message in bytes that seem damaged, because a message in the middle of a row looks like
   * damage. A message is short and comes last, so no more than that is read.
   */
  async explained(
    damage: CopyFormatError,
    rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
  ): Promise<SqlError | CopyFormatError> {
    if (this.#ended) return damage;
    const chunks = [Buffer.from(this.#recent())]; // copied: the queue's buffer is written to again
    let bytes = 0;
    try {
      for (;;) {
        const next = await rest.next();
        if (next.done) break;
        bytes += next.value.length;
        if (bytes > MAX_ERROR_BYTES) return damage;
        chunks.push(Buffer.from(next.value));
      }
    } catch {
      return damage;
    }
    return serverError(Buffer.concat(chunks).toString("utf8"), this.#sql) ?? damage;
  }

  /** The last bytes that arrived, including those of rows already taken. */
  #recent(): Buffer {
    const { bytes, end } = this.#queue;
    return bytes.subarray(Math.max(0, end - MAX_ERROR_BYTES), end);
  }

  #readHeader(): void {
    const queue = this.#queue;
    const { bytes, view, start } = queue;
    const known = Math.min(queue.size, SIGNATURE.length);
    if (bytes.compare(SIGNATURE, 0, known, start, start + known) !== 0) {
      this.#state = "after";
      if (bytes[start] !== BRACE) throw this.#failure();
      return;
    }
    if (queue.size < HEADER_BYTES) return;
    const flags = view.getUint32(start + SIGNATURE.length);
    const extension = view.getInt32(start + SIGNATURE.length + 4);
    if ((flags & CRITICAL_FLAGS) !== 0 || extension !== 0) {
      throw new CopyFormatError(
        `The header of the COPY has flags 0x${flags.toString(16)} and an extension of ${extension} bytes; ` +
          "expected neither. The data were damaged in transit. Run the call again.",
      );
    }
    queue.start += HEADER_BYTES;
    this.#state = "rows";
  }

  /** Locates the fields of complete rows, takes their bytes out of the queue and returns the number of rows. `!` below: indices are < stride × maxRows. */
  #locateRows(): number {
    const queue = this.#queue;
    const at = this.#at;
    const length = this.#length;
    const { view, end } = queue;
    const stride = this.#fields.length;
    let rows = 0;
    let field = 0;
    let pos = queue.start;
    while (rows < this.#maxRows && pos + 2 <= end) {
      const count = view.getInt16(pos);
      if (count !== stride) {
        this.#leaveRows(count, pos, rows);
        return rows;
      }
      pos += 2;
      const rowEnd = field + stride;
      while (field < rowEnd && pos + 4 <= end) {
        const bytes = view.getInt32(pos);
        if (bytes < -1 || bytes > MAX_FIELD_BYTES) throw this.#badLength(rows, field % stride, bytes);
        const next = pos + 4 + (bytes === -1 ? 0 : bytes);
        if (next > end) break;
        at[field] = pos + 4;
        length[field] = bytes;
        field++;
        pos = next;
      }
      if (field < rowEnd) break;
      rows++;
      queue.start = pos;
    }
    return rows;
  }

  /** Handles what stands in place of a row: the end marker, a server's message, or damage. */
  #leaveRows(count: number, pos: number, rows: number): void {
    const queue = this.#queue;
    const fields = this.#fields;
    queue.start = pos;
    if (count === TRAILER) {
      queue.start += 2;
      this.#complete = true;
    } else if (queue.bytes[pos] !== BRACE) {
      throw new CopyFormatError(
        `Row ${this.rowCount + rows} (counted from 0) of the COPY has ${count} columns; expected ${fields.length}. ` +
          "The table changed while it was read, or the data were damaged in transit. Run the call again.",
      );
    }
    this.#state = "after";
  }

  #badLength(rows: number, field: number, bytes: number): CopyFormatError {
    return badValue(this.#fields[field]!, this.rowCount + rows, `found a length of ${bytes} bytes`);
  }

  /** Builds the error for bytes that end too early or in the wrong way. */
  #failure(): SqlError | CopyFormatError {
    const { size, start, end, bytes } = this.#queue;
    // Only bytes outside of rows can be a message: a text in the last row may look like one.
    const sqlError = size > 0 ? serverError(this.#recent().toString("utf8"), this.#sql) : null;
    if (sqlError !== null) return sqlError;
    const rest = bytes.subarray(Math.max(start, end - MAX_ERROR_BYTES), end).toString("utf8");
    if (this.#complete) {
      return new CopyFormatError(
        `${size} bytes follow the end marker of the COPY; expected none. Run the call again.`,
      );
    }
    if (this.#state === "header" && size === 0) {
      return new CopyFormatError(
        "The answer to the COPY is empty; expected at least a header. Run the call again.",
      );
    }
    if (this.#state !== "rows" && this.rowCount === 0) {
      return new CopyFormatError(
        `The answer begins with ${JSON.stringify(rest.slice(0, 40))}; expected the signature of a binary COPY ` +
          '("PGCOPY\\n…"). Another program answered instead of the database. Check the base URL.',
      );
    }
    return new CopyFormatError(
      `The COPY was cut off after ${this.rowCount} rows: its end marker is missing. ` +
        "The connection or the server failed. Run the call again.",
    );
  }
}

/**
 * Reads the error that a server appends to a COPY that fails after status 200 was sent:
 * `{"error":["division by zero"]}`, with `hint` and `detail` if PostgreSQL gave them.
 */
function serverError(text: string, sql: string | undefined): SqlError | null {
  const begin = text.lastIndexOf('{"error":');
  if (begin === -1) return null;
  try {
    const { error, hint, detail } = JSON.parse(text.slice(begin)) as Record<string, unknown>;
    const message = Array.isArray(error) ? error.join("\n") : String(error);
    return new SqlError(message, {
      sql,
      ...(typeof hint === "string" && { hint }),
      ...(typeof detail === "string" && { detail }),
    });
  } catch {
    return null;
  }
}
