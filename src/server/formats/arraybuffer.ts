/**
 * CARTO's binary format: nested blocks, each with a header of two big-endian uint32: its type and its length in bytes.
 * Numbers are little-endian. The outer block holds a block with the column names, then one block per column; inner
 * blocks begin at a multiple of 4 bytes.
 */
import { Refusal } from "../guard";
import { describeQuery, type Row, streamRows } from "../row-stream";
import { describeField } from "../sql-json";
import { collectRows, type Export } from "./format";

const HEADER_BYTES = 8;
const ALIGN_BYTES = 4;
/** Maximum size of all rows. They are kept in memory, because columns are written one after the other. */
const MAX_CHARS = 64 * 1024 ** 2;

const STRING = 10;
const BLOCK = 11;
const UINT16 = 5;

interface NumberType {
  readonly code: number;
  readonly bytes: number;
  write(view: DataView, at: number, value: number): void;
}

/** Types of columns, chosen by a suffix of the name, such as `count__uint16`. The default is float32. */
const NUMBER_TYPES: Readonly<Record<string, NumberType>> = {
  int8: { code: 1, bytes: 1, write: (view, at, value) => view.setInt8(at, value) },
  uint8: { code: 2, bytes: 1, write: (view, at, value) => view.setUint8(at, value) },
  uintclamp8: {
    code: 3,
    bytes: 1,
    write: (view, at, value) => view.setUint8(at, Math.max(0, Math.min(255, value))),
  },
  int16: { code: 4, bytes: 2, write: (view, at, value) => view.setInt16(at, value, true) },
  uint16: { code: UINT16, bytes: 2, write: (view, at, value) => view.setUint16(at, value, true) },
  int32: { code: 6, bytes: 4, write: (view, at, value) => view.setInt32(at, value, true) },
  uint32: { code: 7, bytes: 4, write: (view, at, value) => view.setUint32(at, value, true) },
  float32: { code: 8, bytes: 4, write: (view, at, value) => view.setFloat32(at, value, true) },
};

/**
 * Writes numeric columns as typed arrays for a browser. NULL is NaN, or 0 for integers; without rows the body is empty.
 */
export const arraybuffer: Export = async ({ engine, query, skipFields, options, onEnd }) => {
  const fields = await describeQuery(engine, query, options);
  const columns = fields
    .map((field, at) => ({ at, name: field.name, type: describeField(field).type }))
    .filter(({ name }) => !skipFields.has(name));
  for (const { name, type } of columns) {
    if (/^(geometry|geography|raster)$/.test(type))
      throw new Refusal(400, "geometry types are not supported");
    if (type !== "number")
      throw new Refusal(
        400,
        `The format arraybuffer takes only numeric columns; column "${name}" is ${type}`,
      );
  }
  const { rows, close } = await streamRows(engine, query, options);
  onEnd(close);
  const all = await collectRows(rows, "arraybuffer", MAX_CHARS);
  return once(all.length === 0 ? new Uint8Array() : encode(columns, all));
};

function encode(columns: readonly { at: number; name: string }[], rows: readonly Row[]): Uint8Array {
  const names = block(
    STRING,
    columns.map(({ name }) => numbers("uint16", [...name].flatMap(utf16))),
  );
  const data = columns.map(({ at, name }) => {
    const values = rows.map((row) => (row[at] === null ? Number.NaN : Number(row[at])));
    return numbers(typeInName(name), values);
  });
  return block(BLOCK, [names, ...data]);
}

function typeInName(name: string): string {
  const [, kind = "", bits = ""] = /__(uintclamp|uint|int|float)(8|16|32)/i.exec(name) ?? [];
  const type = `${kind}${bits}`.toLowerCase();
  return type in NUMBER_TYPES ? type : "float32";
}

function numbers(type: string, values: readonly number[]): Uint8Array {
  const { code, bytes, write } = NUMBER_TYPES[type]!; // other types were refused
  const block = withHeader(code, values.length * bytes);
  const view = new DataView(block.buffer);
  for (const [i, value] of values.entries()) write(view, HEADER_BYTES + i * bytes, value);
  return block;
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const starts: number[] = [];
  let end = HEADER_BYTES;
  for (const part of parts) {
    const start = Math.ceil(end / ALIGN_BYTES) * ALIGN_BYTES;
    starts.push(start);
    end = start + part.length;
  }
  const whole = withHeader(type, end - HEADER_BYTES);
  for (const [i, part] of parts.entries()) whole.set(part, starts[i]);
  return whole;
}

function withHeader(type: number, bytes: number): Uint8Array {
  const block = new Uint8Array(HEADER_BYTES + bytes);
  const view = new DataView(block.buffer);
  view.setUint32(0, type);
  view.setUint32(4, bytes);
  return block;
}

function utf16(character: string): number[] {
  return Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
