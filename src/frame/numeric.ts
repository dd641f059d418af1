/**
 * PostgreSQL's binary numeric: four int16 (count of digits, weight, sign, display scale), then digits of
 * base 10000. https://github.com/postgres/postgres/blob/REL_16_STABLE/src/backend/utils/adt/numeric.c
 * (numeric_send, numeric_recv)
 */
import { type Batch, type Built, badValue, type ColumnBuilder, Floats, Nulls } from "./builder";
import type { Pace } from "./pace";
import { asTextWarning } from "./times";
import type { Field } from "./types";

const HEAD_BYTES = 8;
const BASE = 10_000;
const BASE_DIGITS = 4;
const POSITIVE = 0x0000;
const NEGATIVE = 0x4000;
const NAN = 0xc000;
const INFINITE = 0xd000;
const MINUS_INFINITE = 0xf000;
/** Powers of ten up to this one are exact as doubles, so one multiplication or division rounds correctly. */
const MAX_EXACT_POWER = 22;
/** Every decimal with fewer digits than this survives conversion to a double and back: https://en.cppreference.com/w/c/types/limits */
const SAFE_DIGITS_LIMIT = 1e15;
const POWERS = Array.from({ length: MAX_EXACT_POWER + 1 }, (_, power) => 10 ** power);

/** Result of `numericNumber` for a value that a double cannot hold exactly. */
export const INEXACT = null;

/** True if the bytes are a numeric: the count of digits, the sign and the digits are valid. */
export function isNumeric(view: DataView, at: number, bytes: number): boolean {
  if (bytes < HEAD_BYTES) return false;
  const count = view.getUint16(at);
  if (bytes !== HEAD_BYTES + count * 2) return false;
  const sign = view.getUint16(at + 4);
  if (sign !== POSITIVE && sign !== NEGATIVE) {
    return count === 0 && (sign === NAN || sign === INFINITE || sign === MINUS_INFINITE);
  }
  for (let digit = 0; digit < count; digit++) {
    if (view.getUint16(at + HEAD_BYTES + digit * 2) >= BASE) return false;
  }
  return true;
}

/** Returns the value as a double, or INEXACT if the double would print as another decimal value. */
export function numericNumber(view: DataView, at: number): number | typeof INEXACT {
  const count = view.getUint16(at);
  const sign = view.getUint16(at + 4);
  if (sign === NAN) return Number.NaN;
  if (sign === INFINITE) return Number.POSITIVE_INFINITY;
  if (sign === MINUS_INFINITE) return Number.NEGATIVE_INFINITY;
  if (count > 4) return slowNumber(view, at); // 4 digits of base 10000 stay below 2⁵³, 5 need not
  let digits = 0;
  for (let digit = 0; digit < count; digit++)
    digits = digits * BASE + view.getUint16(at + HEAD_BYTES + digit * 2);
  if (digits >= SAFE_DIGITS_LIMIT) return slowNumber(view, at);
  const power = (view.getInt16(at + 2) - count + 1) * BASE_DIGITS;
  if (digits !== 0 && Math.abs(power) > MAX_EXACT_POWER) return slowNumber(view, at);
  if (digits === 0) return 0;
  const size = power < 0 ? digits / POWERS[-power]! : digits * POWERS[power]!; // at most MAX_EXACT_POWER
  return sign === NEGATIVE ? -size : size;
}

function slowNumber(view: DataView, at: number): number | typeof INEXACT {
  const text = numericText(view, at);
  const value = Number(text);
  return sameDecimal(text, String(value)) ? value : INEXACT;
}

/** True if two decimal texts, with or without exponent, have the same value: `1.10` and `1.1`, `1e3` and `1000`. */
export function sameDecimal(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(text: string): string {
  const parts = /^(-?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
  if (parts === null) return text;
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = digits.replace(/0+$/, "");
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/** Formats the value as PostgreSQL does, with its display scale: `1.10`. */
export function numericText(view: DataView, at: number): string {
  const count = view.getUint16(at);
  const weight = view.getInt16(at + 2);
  const sign = view.getUint16(at + 4);
  const scale = view.getUint16(at + 6);
  if (sign === NAN) return "NaN";
  if (sign === INFINITE) return "Infinity";
  if (sign === MINUS_INFINITE) return "-Infinity";
  const group = (index: number) =>
    index >= 0 && index < count
      ? String(view.getUint16(at + HEAD_BYTES + index * 2)).padStart(BASE_DIGITS, "0")
      : "0000";
  let whole = "";
  for (let index = 0; index <= weight; index++) whole += group(index);
  let fraction = "";
  for (let index = weight + 1; fraction.length < scale; index++) fraction += group(index);
  const shown = (whole.replace(/^0+/, "") || "0") + (scale > 0 ? `.${fraction.slice(0, scale)}` : "");
  return sign === NEGATIVE ? `-${shown}` : shown;
}

/** Reads the display scale, the number of digits after the point. */
function numericScale(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** Formats an exact double with `scale` digits after the point, as PostgreSQL writes a numeric. */
function scaledText(value: number, scale: number): string {
  if (!Number.isFinite(value)) return String(value);
  const [, sign = "", significant = "0", exponent = "0"] =
    /^(-?)(\d+)e(-?\d+)$/.exec(canonical(String(value))) ?? [];
  const power = Number(exponent);
  const digits = power > 0 ? significant + "0".repeat(power) : significant.padStart(1 - power, "0");
  const point = digits.length + Math.min(power, 0);
  const fraction = digits.slice(point).padEnd(scale, "0");
  return `${sign}${digits.slice(0, point)}${fraction && `.${fraction}`}`;
}

/** numeric: keeps numbers and their scales until a value is not exact, and texts from there on. */
export class NumericBuilder implements ColumnBuilder {
  readonly #floats = new Floats();
  #scales = new Uint16Array(0);
  readonly #nulls = new Nulls();
  /** Values from the first inexact one on. */
  readonly #texts: (string | null)[] = [];
  readonly #field: Field;

  constructor(field: Field) {
    this.#field = field;
  }

  append({ view, rows, stride, at, length }: Batch, field: number): void {
    for (let r = 0, i = field; r < rows; r++, i += stride) {
      const bytes = length[i]!; // i is below the size of the batch
      if (bytes === -1) this.#addNull();
      else if (isNumeric(view, at[i]!, bytes)) this.#add(view, at[i]!);
      else {
        const row = this.#floats.length + this.#texts.length;
        throw badValue(this.#field, row, `the ${bytes} bytes are not a numeric`);
      }
    }
  }

  async finish(pace: Pace): Promise<Built> {
    const numbers = this.#floats.finish();
    if (this.#texts.length === 0) {
      return {
        column: { ...this.#field, kind: "number", values: numbers, ...this.#nulls.finish(numbers.length) },
      };
    }
    const values: (string | null)[] = [];
    for (let row = 0; row < numbers.length; row++) {
      if (row % 1024 === 0 && pace.due()) await pace.pause();
      values.push(this.#nulls.has(row) ? null : scaledText(numbers[row]!, this.#scales[row]!)); // one per row
    }
    const warning = asTextWarning(this.#field, "holds values that are not exact as JavaScript numbers");
    return { column: { ...this.#field, kind: "string", values: values.concat(this.#texts) }, warning };
  }

  #addNull(): void {
    if (this.#texts.length > 0) {
      this.#texts.push(null);
      return;
    }
    this.#nulls.add(this.#floats.length);
    this.#push(Number.NaN, 0);
  }

  #add(view: DataView, at: number): void {
    const value = this.#texts.length === 0 ? numericNumber(view, at) : INEXACT;
    if (value === INEXACT) this.#texts.push(numericText(view, at));
    else this.#push(value, numericScale(view, at));
  }

  #push(value: number, scale: number): void {
    const row = this.#floats.length;
    this.#floats.reserve(1)[row] = value;
    this.#floats.length++;
    if (row >= this.#scales.length) {
      const grown = new Uint16Array(this.#floats.values.length);
      grown.set(this.#scales);
      this.#scales = grown;
    }
    this.#scales[row] = scale;
  }
}

/** Encodes a decimal text such as `-12.50`, `NaN` or `Infinity` for PostgreSQL's numeric_recv. */
export function encodeNumeric(text: string): Uint8Array {
  const special = { NaN: NAN, Infinity: INFINITE, "-Infinity": MINUS_INFINITE }[text];
  if (special !== undefined) return numericBytes([], 0, special, 0);
  const negative = text.startsWith("-");
  const [whole = "", fraction = ""] = text.slice(negative ? 1 : 0).split(".");
  const groups = Math.ceil(whole.length / BASE_DIGITS);
  const digits =
    whole.padStart(groups * BASE_DIGITS, "0") +
    fraction.padEnd(Math.ceil(fraction.length / BASE_DIGITS) * BASE_DIGITS, "0");
  const base = digits.match(/\d{4}/g)?.map(Number) ?? [];
  return numericBytes(base, groups - 1, negative ? NEGATIVE : POSITIVE, fraction.length);
}

function numericBytes(digits: readonly number[], weight: number, sign: number, scale: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + digits.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, digits.length);
  view.setInt16(2, weight);
  view.setUint16(4, sign);
  view.setUint16(6, scale);
  for (const [index, digit] of digits.entries()) view.setUint16(HEAD_BYTES + index * 2, digit);
  return bytes;
}
