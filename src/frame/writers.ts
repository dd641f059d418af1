import { SRID_LNGLAT } from "../geo";
import { isMissing } from "../values";
import { encodeNumeric } from "./numeric";
import { PG_EPOCH_MS } from "./times";
import type { PointsColumn, ValuesColumn, WriteColumn, WriteType } from "./write-column";

const TWO_POW_32 = 2 ** 32;
const JSONB_VERSION = 1;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;
/** Maximum length of a text for which a loop is faster than a call into Node's UTF-8 encoder. */
const SHORT_UNITS = 24;
const POINT_BYTES = 25;
const EWKB_POINT_SRID = 0x20000001;

/** Writes the bytes of a chunk. */
export class CopySink {
  bytes: Buffer;
  view: DataView;
  at = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  ensure(more: number): void {
    const needed = this.at + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Returns what has been written. Later bytes go into new memory. */
  take(capacity: number): Uint8Array {
    const taken = this.bytes.subarray(0, this.at);
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.at = 0;
    return taken;
  }

  null(): void {
    this.int32(NULL_LENGTH);
  }

  int16(value: number): void {
    this.ensure(2);
    this.view.setInt16(this.at, value);
    this.at += 2;
  }

  int32(value: number): void {
    this.ensure(LENGTH_BYTES);
    this.view.setInt32(this.at, value);
    this.at += LENGTH_BYTES;
  }

  /** Writes a value of 8 bytes from its halves. */
  int64(high: number, low: number): void {
    this.ensure(LENGTH_BYTES + 8);
    this.view.setInt32(this.at, 8);
    this.view.setInt32(this.at + 4, high);
    this.view.setUint32(this.at + 8, low);
    this.at += 12;
  }

  value(bytes: Uint8Array): void {
    this.ensure(LENGTH_BYTES + bytes.length);
    this.view.setInt32(this.at, bytes.length);
    this.bytes.set(bytes, this.at + LENGTH_BYTES);
    this.at += LENGTH_BYTES + bytes.length;
  }

  /** Writes bytes that begin with their length. */
  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Writes a text after `prefix` bytes, which the caller fills at the position returned. */
  text(text: string, prefix = 0): number {
    this.ensure(LENGTH_BYTES + prefix + text.length * MAX_BYTES_PER_UNIT);
    const start = this.at + LENGTH_BYTES;
    const end = writeUtf8(this.bytes, text, start + prefix);
    this.view.setInt32(this.at, end - start);
    this.at = end;
    return start;
  }

  hex(text: string): void {
    const size = text.length / 2;
    this.ensure(LENGTH_BYTES + size);
    this.view.setInt32(this.at, size);
    this.bytes.write(text, this.at + LENGTH_BYTES, "hex");
    this.at += LENGTH_BYTES + size;
  }
}

function writeUtf8(bytes: Buffer, text: string, at: number): number {
  if (text.length > SHORT_UNITS) return at + bytes.write(text, at);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return at + bytes.write(text, at);
    bytes[at + i] = unit;
  }
  return at + text.length;
}

/** Writes the value of one row, its length first. */
export type RowWriter = (sink: CopySink, row: number) => void;

/** Returns a writer that writes NULL for missing values and calls `put` for others. */
function each<T>(values: ArrayLike<unknown>, put: (sink: CopySink, value: T) => void): RowWriter {
  return (sink, row) => {
    const value = values[row];
    if (isMissing(value)) sink.null();
    else put(sink, value as T);
  };
}

const WRITERS = {
  bool: ({ values }) =>
    each(values, (sink, value: boolean) => {
      sink.int32(1);
      sink.ensure(1);
      sink.bytes[sink.at++] = value ? 1 : 0;
    }),
  int4: ({ values }) =>
    each(values, (sink, value: number) => {
      sink.int32(4);
      sink.int32(value);
    }),
  int8: ({ values }) =>
    each(values, (sink, value: number | bigint) => {
      if (typeof value === "number") sink.int64(Math.floor(value / TWO_POW_32), value >>> 0);
      else sink.int64(Number(value >> 32n), Number(value & 0xffffffffn));
    }),
  float8: ({ values }) =>
    each(values, (sink, value: number) => {
      sink.int32(8);
      sink.ensure(8);
      sink.view.setFloat64(sink.at, value);
      sink.at += 8;
    }),
  numeric: ({ values }) => each(values, (sink, value: string) => sink.value(encodeNumeric(value))),
  text: ({ values }) => each(values, (sink, value: string) => sink.text(value)),
  timestamptz: ({ values }) =>
    each(values, (sink, ms: number) => {
      // µs = ms · 1000 in two halves: beyond 2⁵³ µs (the year 2255) a double would round
      const since = ms - PG_EPOCH_MS;
      const high = Math.floor(since / TWO_POW_32);
      const low = (since - high * TWO_POW_32) * 1000;
      sink.int64(high * 1000 + Math.floor(low / TWO_POW_32), low % TWO_POW_32);
    }),
  jsonb: ({ values }) =>
    each(values, (sink, value: string) => {
      const start = sink.text(value, 1);
      sink.bytes[start] = JSONB_VERSION;
    }),
  bytea: ({ values }) => each(values, (sink, value: Uint8Array) => sink.value(value)),
  geometry: ({ values }) =>
    each(values, (sink, value: Uint8Array | string) =>
      typeof value === "string" ? sink.hex(value) : sink.value(value),
    ),
} satisfies Record<WriteType, (column: ValuesColumn) => RowWriter>;

export function writerFor(column: WriteColumn): RowWriter {
  return "lng" in column ? pointWriter(column) : WRITERS[column.pgtype](column);
}

function pointWriter({ lng, lat }: PointsColumn): RowWriter {
  return (sink, row) => {
    const x = lng[row]!; // one longitude and latitude per row
    const y = lat[row]!;
    if (Number.isNaN(x) || Number.isNaN(y)) {
      sink.null();
      return;
    }
    sink.int32(POINT_BYTES);
    sink.ensure(POINT_BYTES);
    const { view, at } = sink;
    view.setUint8(at, 1);
    view.setUint32(at + 1, EWKB_POINT_SRID, true);
    view.setUint32(at + 5, SRID_LNGLAT, true);
    view.setFloat64(at + 9, x, true);
    view.setFloat64(at + 17, y, true);
    sink.at += POINT_BYTES;
  };
}
