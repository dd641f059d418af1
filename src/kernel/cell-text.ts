import { inspect } from "node:util";
import { isMissing } from "../values";
import { bytesGeometryText, hexGeometryText, wkxGeometryText } from "./geometry-text";

/** Maximum number of characters in a cell. Longer texts end with "…". */
const MAX_CELL_CHARS = 50;

export interface Cell {
  readonly text: string;
  /** True for NULL, undefined and NaN. An empty string is a value. */
  readonly missing?: boolean;
}

export interface ColumnText {
  readonly cells: readonly Cell[];
  readonly align: "left" | "right";
  /** True if every value shown is a geometry. */
  readonly geometry: boolean;
}

const MISSING: Cell = { text: "–", missing: true };

/**
 * Formats the shown values of a column together: numbers with the same number of decimals, dates with the time of day
 * only if one of them has it.
 */
export function columnText(values: readonly unknown[]): ColumnText {
  const present = values.filter((value) => !isMissing(value));
  if (present.length > 0 && present.every((value) => typeof value === "number")) {
    return { cells: cellsOf(values, numberFormat(present)), align: "right", geometry: false };
  }
  if (present.length > 0 && present.every((value) => value instanceof Date)) {
    return { cells: cellsOf(values, dateFormat(present)), align: "left", geometry: false };
  }
  const align = present.length > 0 && present.every((value) => typeof value === "bigint") ? "right" : "left";
  const geometries = present.map(geometryText);
  const geometry = geometries.length > 0 && geometries.every((text) => text !== undefined);
  return { cells: cellsOf(values, valueText), align, geometry };
}

/** Formats a single value, such as an index label or a column name. */
export function labelText(value: unknown): string {
  if (value instanceof Date) return dateFormat([value])(value);
  return isMissing(value) ? String(value) : valueText(value);
}

/** Returns one line of at most MAX_CELL_CHARS characters without control characters; "\n" is shown as "↵". */
export function visible(text: string): string {
  // Cut first, to avoid scanning megabytes.
  const cut = text.length > MAX_CELL_CHARS ? `${text.slice(0, MAX_CELL_CHARS - 1)}…` : text;
  return cut.replace(UNPRINTABLE, (char) => {
    if (char === "\n") return "↵";
    const code = char.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}

// Control characters, line separators, halves of surrogate pairs (Python refuses to write them), and the
// marks that change the direction of text.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function cellsOf<T>(values: readonly unknown[], text: (value: T) => string): Cell[] {
  return values.map((value) => (isMissing(value) ? MISSING : { text: text(value as T) }));
}

function numberFormat(values: readonly number[]): (value: number) => string {
  if (values.every((value) => !Number.isFinite(value) || Number.isInteger(value))) return String;
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  if (sizes.some((size) => size < 1e-4 || size >= 1e15)) return sixDigits;
  // Six decimals as in pandas: in degrees, 11 cm.
  const decimals = Math.max(...values.map((value) => decimalsOf(value.toFixed(6))));
  return (value) => value.toFixed(decimals);
}

function sixDigits(value: number): string {
  const short = Number(value.toPrecision(6));
  return Math.abs(short) >= 1e15 && Number.isFinite(short) ? short.toExponential() : String(short);
}

function decimalsOf(fixed: string): number {
  const point = fixed.indexOf(".");
  return point === -1 ? 0 : fixed.replace(/0+$/, "").length - point - 1;
}

/** Returns a format for dates: ISO 8601 in UTC with a space for the T, seconds and milliseconds only if a value has them. */
function dateFormat(dates: readonly Date[]): (value: Date) => string {
  const valid = dates.filter((date) => !Number.isNaN(date.getTime()));
  const [day, second] = [86_400_000, 1000];
  const wholeDays = valid.every((date) => date.getTime() % day === 0);
  const wholeSeconds = valid.every((date) => date.getTime() % second === 0);
  return (date) => {
    if (Number.isNaN(date.getTime())) return "Invalid Date";
    const [ymd = "", time = ""] = date.toISOString().split("T");
    if (wholeDays) return ymd;
    return `${ymd} ${time.slice(0, wholeSeconds ? "hh:mm:ss".length : "hh:mm:ss.sss".length)}`;
  };
}

function valueText(value: unknown): string {
  if (typeof value === "string") return geometryText(value) ?? visible(value);
  if (value instanceof Date) return dateFormat([value])(value);
  if (typeof value === "object" && value !== null) return geometryText(value) ?? visible(compactJson(value));
  return visible(String(value));
}

function geometryText(value: unknown): string | undefined {
  if (typeof value === "string") return hexGeometryText(value);
  if (value instanceof Uint8Array) return bytesGeometryText(value);
  return typeof value === "object" && value !== null ? wkxGeometryText(value) : undefined;
}

/** Returns about the first MAX_CELL_CHARS characters of a value's JSON. Large and circular values take no longer. */
function compactJson(value: object): string {
  let json = "";
  const write = (v: unknown): void => {
    if (json.length > MAX_CELL_CHARS) return;
    if (v instanceof Uint8Array) json += `\\x${Buffer.from(v.subarray(0, MAX_CELL_CHARS)).toString("hex")}`;
    else if (typeof v === "string") json += JSON.stringify(v.slice(0, MAX_CELL_CHARS));
    else if (v instanceof Date) json += JSON.stringify(v);
    else if (Array.isArray(v)) list("[", v, "]", write);
    else if (isPlain(v)) list("{", Object.keys(v), "}", (key) => member(v, String(key)));
    else
      json += inspect(v, {
        depth: 1,
        maxArrayLength: 8,
        maxStringLength: MAX_CELL_CHARS,
        breakLength: Infinity,
      });
  };
  const list = (open: string, items: readonly unknown[], close: string, each: (item: unknown) => void) => {
    json += open;
    for (let i = 0; i < items.length && json.length <= MAX_CELL_CHARS; i++) {
      if (i > 0) json += ",";
      each(items[i]);
    }
    json += close;
  };
  const member = (object: Record<string, unknown>, key: string) => {
    json += `${JSON.stringify(key)}:`;
    write(object[key]);
  };
  write(value);
  return json;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
