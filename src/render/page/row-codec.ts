/**
 * Encodes the values of rows as bytes, and decodes them. Columns whose numbers are whole after multiplication by a power
 * of ten (nearly all) are stored as differences from the smallest number; others as planes of doubles. Only the strings
 * that occur are stored, in the order of the features. `!` in the loops: the index is below the length of the array, a
 * row is one of the column's, and a code one of the strings'.
 */
import type { RowColumn } from "../scene";
import { type ColumnReader, encodePlanes } from "./byte-columns";

export type RowColumnHeader =
  | { readonly kind: "texts"; readonly texts: readonly string[] }
  /** value = (least + cell - 1) / divisor; cell 0 is missing. */
  | { readonly kind: "decimals"; readonly least: number; readonly divisor: number }
  | { readonly kind: "doubles" };

const DIVISORS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];
const MAX_CELL = 2 ** 32 - 1;
const BYTES = 8;

/** Encodes one value per feature; `rows` holds the row of each feature, absent if feature i is row i. */
export function encodeRowColumn(
  column: RowColumn,
  rows: Uint32Array | undefined,
  features: number,
): { readonly header: RowColumnHeader; readonly bytes: Uint8Array } {
  if (column.kind === "texts") return encodeTexts(column, rows, features);
  const values = rows
    ? Float64Array.from(rows, (row) => column.values[row]!)
    : column.values.subarray(0, features);
  for (const divisor of DIVISORS) {
    const encoded = encodeDecimals(values, divisor);
    if (encoded) return encoded;
  }
  return { header: { kind: "doubles" }, bytes: encodeDoubles(values) };
}

/** The inverse of `encodeRowColumn`. */
export function decodeRowColumn(header: RowColumnHeader, features: number, reader: ColumnReader): RowColumn {
  switch (header.kind) {
    case "texts":
      return { kind: "texts", texts: header.texts, codes: reader.planes(features) };
    case "decimals": {
      const { least, divisor } = header;
      const cells = reader.planes(features);
      const values = new Float64Array(features);
      for (let i = 0; i < features; i++)
        values[i] = cells[i] === 0 ? Number.NaN : (least + cells[i]! - 1) / divisor;
      return { kind: "numbers", values };
    }
    case "doubles":
      return { kind: "numbers", values: decodeDoubles(reader.bytes(BYTES * features), features) };
  }
}

function encodeTexts(
  { texts, codes }: RowColumn & { kind: "texts" },
  rows: Uint32Array | undefined,
  features: number,
): { header: RowColumnHeader; bytes: Uint8Array } {
  const newCodes = new Uint32Array(texts.length + 1);
  const used: string[] = [];
  const encoded = new Uint32Array(features);
  for (let i = 0; i < features; i++) {
    const code = codes[rows ? rows[i]! : i]!;
    if (code === 0) continue;
    if (newCodes[code] === 0) newCodes[code] = used.push(texts[code - 1]!);
    encoded[i] = newCodes[code]!;
  }
  return { header: { kind: "texts", texts: used }, bytes: encodePlanes(encoded) };
}

/** Returns undefined if a value would not survive the round trip. */
function encodeDecimals(values: Float64Array, divisor: number) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    const whole = Math.round(value * divisor);
    if (whole / divisor !== value || Object.is(value, -0) || !Number.isSafeInteger(whole)) return undefined;
    if (whole < least) least = whole;
    if (whole > most) most = whole;
  }
  if (least > most) least = most = 0;
  if (most - least + 1 > MAX_CELL) return undefined;
  const cells = new Uint32Array(values.length);
  for (let i = 0; i < cells.length; i++)
    cells[i] = Number.isNaN(values[i]) ? 0 : Math.round(values[i]! * divisor) - least + 1;
  return { header: { kind: "decimals", least, divisor } as const, bytes: encodePlanes(cells) };
}

function encodeDoubles(values: Float64Array): Uint8Array {
  const planes = new Uint8Array(BYTES * values.length);
  const view = new DataView(new ArrayBuffer(BYTES));
  for (let i = 0; i < values.length; i++) {
    view.setFloat64(0, values[i]!, true);
    for (let plane = 0; plane < BYTES; plane++) planes[plane * values.length + i] = view.getUint8(plane);
  }
  return planes;
}

function decodeDoubles(planes: Uint8Array, count: number): Float64Array {
  const values = new Float64Array(count);
  const view = new DataView(new ArrayBuffer(BYTES));
  for (let i = 0; i < count; i++) {
    for (let plane = 0; plane < BYTES; plane++) view.setUint8(plane, planes[plane * count + i]!);
    values[i] = view.getFloat64(0, true);
  }
  return values;
}
