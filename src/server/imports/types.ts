/** What type a column has, judged by all of its values: no value may be changed or lost by it. */
import type { Cell } from "./table-source";

export type ColumnType =
  | "text"
  | "integer"
  | "bigint"
  | "numeric"
  | "double precision"
  | "boolean"
  | "date"
  | "timestamptz";

/** Kinds of values, as bits: a column has seen a set of them. */
const KIND = {
  empty: 0,
  int4: 1,
  /** An int8 that a double holds, too. */
  int8: 2,
  /** An int8 that a double does not hold. */
  exactInt8: 4,
  real: 8,
  /** NaN and infinities, which are numbers only among numbers. */
  notFinite: 16,
  boolean: 32,
  date: 64,
  time: 128,
  text: 256,
} as const;

/** What begins with a zero is a code (a postal code), with a plus a telephone number: neither is a number. */
const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/;
const REAL = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const NOT_FINITE = /^(?:nan|-?inf(?:inity)?)$/i;
const BOOLEAN = /^(?:true|false)$/i;
const DATE =
  /^(\d{4})([-/])(\d\d?)\2(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

const isInt4 = (number: number) => number === (number | 0);
const MAX_INT8 = 9_223_372_036_854_775_807n;
const DIGITS_OF_INT8 = 18;

/** What the columns of one kind of file have in common: how a value is looked at. */
export const kindOfCell = { cells: kindOfText, features: kindOfValue };

/** A cell of a CSV or a spreadsheet. */
function kindOfText(cell: Cell): number {
  if (cell === null || cell === undefined) return KIND.empty;
  if (typeof cell !== "string") return kindOfValue(cell);
  const text = cell.trim();
  if (text === "") return KIND.empty;
  const first = text.charCodeAt(0);
  const mayBeNumber = (first >= 48 && first <= 57) || first === 45 || first === 46;
  if (mayBeNumber) {
    if (INTEGER.test(text)) return kindOfInteger(text);
    if (REAL.test(text)) return Number.isFinite(Number(text)) ? KIND.real : KIND.text;
    const date = DATE.exec(text);
    if (date) return kindOfDate(date);
  }
  if (NOT_FINITE.test(text)) return KIND.notFinite;
  return BOOLEAN.test(text) ? KIND.boolean : KIND.text;
}

/** A value of a format that has types: a text is a text, whatever stands in it. */
function kindOfValue(value: Cell): number {
  switch (typeof value) {
    case "number":
      if (Number.isSafeInteger(value)) return isInt4(value) ? KIND.int4 : KIND.int8;
      return Number.isFinite(value) ? KIND.real : KIND.notFinite;
    case "boolean":
      return KIND.boolean;
    case "object":
      if (value === null) return KIND.empty;
      if (value instanceof Date) return isMidnight(value) ? KIND.date : KIND.time;
      return KIND.text;
    case "undefined":
      return KIND.empty;
    default:
      return KIND.text;
  }
}

function kindOfInteger(text: string): number {
  if (text === "-0") return KIND.real; // an integer has no such zero
  if (text.length <= 9) return KIND.int4;
  const number = Number(text);
  if (isInt4(number)) return KIND.int4;
  if (Number.isSafeInteger(number)) return KIND.int8;
  if (text.length > DIGITS_OF_INT8) {
    const exact = BigInt(text);
    if (exact > MAX_INT8 || exact < -MAX_INT8) return KIND.text;
  }
  return KIND.exactInt8;
}

function kindOfDate(match: RegExpExecArray): number {
  const [year, month, day, hour, minute, second] = [1, 3, 4, 5, 6, 7].map((at) => Number(match[at] ?? 0));
  const midnight = new Date(Date.UTC(2000, month! - 1, day!));
  midnight.setUTCFullYear(year!, month! - 1, day!);
  const exists = year! > 0 && midnight.getUTCMonth() === month! - 1 && midnight.getUTCDate() === day;
  if (!exists || hour! > 23 || minute! > 59 || second! > 59) return KIND.text;
  const offset = /^[+-](\d\d)/.exec(match[8] ?? "");
  if (offset && Number(offset[1]) > 15) return KIND.text;
  return match[5] === undefined ? KIND.date : KIND.time;
}

const isMidnight = (time: Date) => time.getTime() % 86_400_000 === 0;

/** The type that takes all values of the kinds seen, joined by `|`. */
export function typeOfKinds(kinds: number): ColumnType {
  const only = (allowed: number) => kinds !== 0 && (kinds & ~allowed) === 0;
  if (only(KIND.int4)) return "integer";
  if (only(KIND.int4 | KIND.int8 | KIND.exactInt8)) return "bigint";
  if (only(KIND.int4 | KIND.int8 | KIND.real | KIND.notFinite) && kinds !== KIND.notFinite)
    return "double precision";
  if (only(KIND.int4 | KIND.int8 | KIND.exactInt8 | KIND.real)) return "numeric";
  if (only(KIND.boolean)) return "boolean";
  if (only(KIND.date)) return "date";
  if (only(KIND.date | KIND.time)) return "timestamptz";
  return "text";
}

export const isInteger = (kinds: number) =>
  kinds !== 0 && (kinds & ~(KIND.int4 | KIND.int8 | KIND.exactInt8)) === 0;

/** How a value is written for COPY, unescaped; null is NULL. An empty text stays one in a column of texts. */
export function cellWriter(type: ColumnType): (cell: Cell) => string | null {
  if (type === "text") return textOf;
  return (cell) => {
    const text = textOf(cell)?.trim();
    if (text === undefined || text === "") return null;
    return type === "timestamptz" ? inUtc(text) : text;
  };
}

/** Without a zone it is UTC, whatever the session's zone is. */
function inUtc(text: string): string {
  if (!text.includes(":")) return `${text} 00:00:00Z`;
  return /(?:Z|[+-]\d\d(?::?\d\d)?)$/i.test(text.slice(10)) ? text : `${text}Z`;
}

/** The cell as text, as it would stand in a CSV. */
export function textOf(cell: Cell): string | null {
  if (typeof cell === "string") return cell;
  if (cell === null || cell === undefined) return null;
  if (cell instanceof Date) return isMidnight(cell) ? cell.toISOString().slice(0, 10) : cell.toISOString();
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}
