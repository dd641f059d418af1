/** Chooses the type of a column from all its values, so that no value is changed or lost. */
import { exactJsonText } from "../../exact-json";
import type { Cell, TableSource } from "./table-source";

export type ColumnType =
  | "text"
  | "integer"
  | "bigint"
  | "numeric"
  | "double precision"
  | "boolean"
  | "date"
  | "timestamptz";

/** Kinds of values, as bits of the set that a column has seen. */
const KIND = {
  empty: 0,
  int4: 1,
  /** An int8 that a double represents exactly. */
  int8: 2,
  /** An int8 that a double does not represent exactly. */
  exactInt8: 4,
  real: 8,
  /** NaN and infinities, which count as numbers only in a column with other numbers. */
  notFinite: 16,
  boolean: 32,
  date: 64,
  time: 128,
  text: 256,
  /** An integer beyond int8 of a typed format. In a CSV, such digits are an identifier and stay text. */
  hugeInteger: 512,
  /** A number with a decimal comma, in a file whose separator is not a comma. */
  commaReal: 1024,
  /** An empty text of a typed format, which is NULL in a column of times. */
  blank: 2048,
} as const;

/** Excludes a leading zero, as in postal codes, and a leading plus, as in telephone numbers. */
const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/;
const REAL = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const NOT_FINITE = /^(?:nan|-?inf(?:inity)?)$/i;
const BOOLEAN = /^(?:true|false)$/i;
const DATE =
  /^(\d{4})([-/])(\d\d?)\2(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

const isInt4 = (number: number) => number === (number | 0);
const MAX_INT8 = 9_223_372_036_854_775_807n;
const DIGITS_OF_INT8 = 18;

/** Returns the function that classifies the values of a source. */
export function classifierOf({
  kind,
  hasDecimalCommas,
  hasTimesAsText,
}: Pick<TableSource, "kind" | "hasDecimalCommas" | "hasTimesAsText">): (cell: Cell) => number {
  if (kind === "features") return hasTimesAsText ? kindOfValueOrTime : kindOfValue;
  return hasDecimalCommas ? kindOfTextWithCommas : kindOfText;
}

/** `1,5` or `1.234,56`; without a comma, a point is not a separator of thousands. */
const COMMA_REAL = /^-?(?:(?:0|[1-9]\d*)|[1-9]\d{0,2}(?:\.\d{3})+)?,\d+$/;

function kindOfTextWithCommas(cell: Cell): number {
  return typeof cell === "string" && COMMA_REAL.test(cell.trim()) ? KIND.commaReal : kindOfText(cell);
}

/** Classifies a value of a format without a type for times, such as JSON, which writes them as text in ISO 8601. */
function kindOfValueOrTime(value: Cell): number {
  if (typeof value !== "string") return kindOfValue(value);
  if (value === "") return KIND.blank;
  const date = DATE.exec(value);
  return date ? kindOfDate(date) : KIND.text;
}

/** Classifies a cell of a CSV or a spreadsheet. */
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

/** Classifies a value of a typed format, where a text stays a text whatever its content. */
function kindOfValue(value: Cell): number {
  switch (typeof value) {
    case "number":
      if (Number.isSafeInteger(value)) return isInt4(value) ? KIND.int4 : KIND.int8;
      return Number.isFinite(value) ? KIND.real : KIND.notFinite;
    case "bigint": {
      const kind = kindOfInteger(String(value));
      return kind === KIND.text ? KIND.hugeInteger : kind;
    }
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
  if (text === "-0") return KIND.real; // integers have no negative zero
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
  const [year, month, day] = [Number(match[1]), Number(match[3]), Number(match[4])];
  const exists = year > 0 && month > 0 && month <= 12 && day > 0 && day <= daysIn(year, month);
  const isClock = Number(match[5] ?? 0) <= 23 && Number(match[6] ?? 0) <= 59 && Number(match[7] ?? 0) <= 59;
  if (!exists || !isClock) return KIND.text;
  const offset = /^[+-](\d\d)/.exec(match[8] ?? "");
  if (offset && Number(offset[1]) > 15) return KIND.text;
  return match[5] === undefined ? KIND.date : KIND.time;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const isMidnight = (time: Date) => time.getTime() % 86_400_000 === 0;

/** Returns the type that holds all values of the given kinds, combined with `|`. */
export function typeOfKinds(kinds: number): ColumnType {
  const only = (allowed: number) => kinds !== 0 && (kinds & ~allowed) === 0;
  if (only(KIND.int4)) return "integer";
  if (only(KIND.int4 | KIND.int8 | KIND.exactInt8)) return "bigint";
  if (only(KIND.int4 | KIND.int8 | KIND.real | KIND.notFinite) && kinds !== KIND.notFinite)
    return "double precision";
  if (only(KIND.int4 | KIND.int8 | KIND.exactInt8 | KIND.real | KIND.hugeInteger)) return "numeric";
  if (only(KIND.int4 | KIND.int8 | KIND.commaReal)) return "double precision";
  if (only(KIND.boolean)) return "boolean";
  if (kinds === KIND.blank) return "text";
  if (only(KIND.date | KIND.blank)) return "date";
  if (only(KIND.date | KIND.time | KIND.blank)) return "timestamptz";
  return "text";
}

export const isInteger = (kinds: number) =>
  kinds !== 0 && (kinds & ~(KIND.int4 | KIND.int8 | KIND.exactInt8)) === 0;

/** Returns a function that formats values for COPY, before escaping; null is NULL. In a text column, an empty text stays. */
export function cellWriter(type: ColumnType): (cell: Cell) => string | null {
  if (type === "text") return textOf;
  return (cell) => {
    const text = textOf(cell)?.trim();
    if (text === undefined || text === "") return null;
    if (type === "double precision" && text.includes(",")) return text.replaceAll(".", "").replace(",", ".");
    return type === "timestamptz" ? inUtc(text) : text;
  };
}

/** Times without a time zone are UTC, whatever the time zone of the session. */
function inUtc(text: string): string {
  if (!text.includes(":")) return `${text} 00:00:00Z`;
  return /(?:Z|[+-]\d\d(?::?\d\d)?)$/i.test(text.slice(10)) ? text : `${text}Z`;
}

/** Returns the cell as text, as it would appear in a CSV. */
export function textOf(cell: Cell): string | null {
  if (typeof cell === "string") return cell;
  if (cell === null || cell === undefined) return null;
  if (cell instanceof Date) return isMidnight(cell) ? cell.toISOString().slice(0, 10) : cell.toISOString();
  return typeof cell === "object" ? exactJsonText(cell) : String(cell);
}
