/** Infers the PostgreSQL type of a frame's column from its values, because danfo's dtypes are unreliable. */

import { InvalidArgumentError } from "../errors";
import { isHexEwkb } from "../geometry/ewkb";
import { isMissing } from "../values";
import { encodeGeometries, isGeometry } from "./geometry-writer";
import type { Pace } from "./pace";
import type { ValuesColumn, WriteType } from "./write-column";

const MIN_INT4 = -(2 ** 31);
const MAX_INT4 = 2 ** 31 - 1;
const MIN_INT8 = -(2n ** 63n);
const MAX_INT8 = 2n ** 63n - 1n;
/** PostgreSQL's timestamps begin at Julian day 0; they end later than JavaScript's. */
const MIN_TIMESTAMP_MS = Date.UTC(-4713, 10, 24);
const ISO_DATE =
  /^[+-]?\d{4,6}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** U+0000 or a lone surrogate as JSON.stringify escapes them, with an odd number of backslashes before the u. */
const JSON_UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f]..)/;

export interface SourceColumn {
  /** The column's name in the user's frame, for messages. */
  readonly name: string;
  readonly dtype: string;
  readonly values: readonly unknown[];
}

export interface Inferred extends Omit<ValuesColumn, "name"> {
  readonly warning?: string;
}

/** Counts each kind of value in a column, and the extremes that decide between integer types. */
export class Tally {
  total = 0;
  missing = 0;
  booleans = 0;
  integers = 0;
  floats = 0;
  bigints = 0;
  strings = 0;
  dates = 0;
  invalidDates = 0;
  bytes = 0;
  geometries = 0;
  objects = 0;
  min = 0;
  max = 0;
  minBig = 0n;
  maxBig = 0n;

  add(value: unknown, row: number, name: string): void {
    this.total++;
    switch (typeof value) {
      case "number":
        this.#addNumber(value);
        break;
      case "string":
        this.strings++;
        break;
      case "boolean":
        this.booleans++;
        break;
      case "undefined":
        this.missing++;
        break;
      case "bigint":
        this.bigints++;
        if (value < this.minBig) this.minBig = value;
        if (value > this.maxBig) this.maxBig = value;
        break;
      case "object":
        this.#addObject(value, row, name);
        break;
      default:
        throw cannotStore(
          name,
          row,
          `a ${typeof value}`,
          "Leave the column out, or make it text or numbers.",
        );
    }
  }

  #addNumber(value: number): void {
    if (Number.isNaN(value)) this.missing++;
    else if (!Number.isSafeInteger(value)) this.floats++;
    else {
      this.integers++;
      if (value < this.min) this.min = value;
      if (value > this.max) this.max = value;
    }
  }

  #addObject(value: object | null, row: number, name: string): void {
    if (value === null) this.missing++;
    else if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) this.invalidDates++;
      else this.dates++;
    } else if (value instanceof Uint8Array) this.bytes++;
    else if (isGeometry(value)) this.geometries++;
    else if (isDocument(value)) this.objects++;
    else
      throw cannotStore(
        name,
        row,
        `a ${value.constructor.name}`,
        "Make it a plain object, an array or text.",
      );
  }

  /** True if the column holds at least one value of these kinds and no others, except missing values. */
  only(...counts: number[]): boolean {
    const sum = counts.reduce((a, b) => a + b, 0);
    return sum > 0 && sum + this.missing + this.invalidDates === this.total;
  }
}

/** Returns the type of a column, with its values in the form that `encodeCopy` takes. */
export async function inferColumn(column: SourceColumn, pace: Pace): Promise<Inferred> {
  const tally = await tallyOf(column, pace);
  return withInvalidDates(await typed(column, tally, pace, column.dtype), tally, column.name);
}

export async function tallyOf({ name, values }: SourceColumn, pace: Pace): Promise<Tally> {
  const tally = new Tally();
  for (const [row, value] of values.entries()) {
    if (row % 8192 === 0 && pace.due()) await pace.pause();
    tally.add(value, row, name);
  }
  return tally;
}

/** Adds a warning about invalid dates. */
export function withInvalidDates(inferred: Inferred, { invalidDates }: Tally, name: string): Inferred {
  if (invalidDates === 0) return inferred;
  const lost = `${invalidDates} invalid dates in column "${name}" were written as NULL.`;
  return { ...inferred, warning: [inferred.warning, lost].filter(Boolean).join(" ") };
}

async function typed(column: SourceColumn, t: Tally, pace: Pace, dtype: string): Promise<Inferred> {
  const { values, name } = column;
  if (t.missing + t.invalidDates === t.total)
    return { pgtype: emptyType(dtype), values: values.map(() => null) };
  if (t.only(t.booleans)) return { pgtype: "bool", values };
  if (t.only(t.integers)) return { pgtype: t.min >= MIN_INT4 && t.max <= MAX_INT4 ? "int4" : "int8", values };
  if (t.only(t.integers, t.floats)) return { pgtype: "float8", values };
  if (t.only(t.integers, t.bigints) && t.minBig >= MIN_INT8 && t.maxBig <= MAX_INT8) {
    return { pgtype: "int8", values };
  }
  if (t.only(t.integers, t.floats, t.bigints))
    return { pgtype: "numeric", values: await mapped(values, decimal, pace) };
  if (t.only(t.dates) || (dtype === "datetime" && t.only(t.dates, t.strings))) {
    return { pgtype: "timestamptz", values: await timestamps(column, pace) };
  }
  if (t.only(t.strings)) return strings(column, pace);
  if (t.only(t.geometries)) return geometries(column, pace);
  if (t.only(t.bytes)) return { pgtype: "bytea", values };
  if (t.objects > 0) return { pgtype: "jsonb", values: await documents(column, pace) };
  const texts = await mapped(values, textOf, pace);
  await checkTexts(name, texts, pace);
  return {
    pgtype: "text",
    values: texts,
    warning: `Column "${name}" mixes ${kinds(t)} and was written as text.`,
  };
}

/** The type of a column without values, by danfo's dtype. */
function emptyType(dtype: string): WriteType {
  const types: Readonly<Record<string, WriteType>> = {
    int32: "int4",
    float32: "float8",
    boolean: "bool",
    datetime: "timestamptz",
  };
  return types[dtype] ?? "text";
}

export async function mapped<T>(
  values: readonly unknown[],
  map: (value: unknown) => T,
  pace: Pace,
): Promise<(T | null)[]> {
  const out: (T | null)[] = [];
  for (const [row, value] of values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    out.push(isMissing(value) ? null : map(value));
  }
  return out;
}

/** True for what JSON can express: plain objects, arrays, and objects with `toJSON`. A Map or an Error would become {}. */
function isDocument(value: object): boolean {
  if (Array.isArray(value) || typeof (value as { toJSON?: unknown }).toJSON === "function") return true;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Formats a number or bigint in digits, without an exponent. */
export function decimal(value: unknown): string {
  if (typeof value === "bigint" || !Number.isFinite(value)) return String(value);
  const [, sign = "", whole = "", fraction = "", exponent] =
    /^(-?)(\d+)\.?(\d*)(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  if (exponent === undefined) return String(value);
  const shift = Number(exponent);
  const digits = shift < 0 ? "0".repeat(-shift) + whole + fraction : whole + fraction.padEnd(shift, "0");
  const point = shift < 0 ? whole.length : whole.length + shift;
  const tail = digits.slice(point);
  return `${sign}${digits.slice(0, point)}${tail && `.${tail}`}`;
}

export function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return isGeometry(value) ? value.toWkt() : String(value);
}

export async function timestamps({ name, values }: SourceColumn, pace: Pace): Promise<Float64Array> {
  const times = new Float64Array(values.length);
  for (const [row, value] of values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    if (isMissing(value)) times[row] = Number.NaN;
    else {
      const ms = value instanceof Date ? value.getTime() : parseDate(value as string, name, row);
      if (ms < MIN_TIMESTAMP_MS) {
        const advice = "PostgreSQL's dates begin in 4713 BC; set it to null or write the column as text.";
        throw cannotStore(name, row, new Date(ms).toISOString(), advice);
      }
      times[row] = ms;
    }
  }
  return times;
}

/** Reads a date. One without a zone is UTC, as when it was read from a table. */
function parseDate(text: string, name: string, row: number): number {
  const iso = text.trim();
  const hasClock = /\d[T ]\d/.test(iso);
  const hasZone = /(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(iso.slice(10));
  const ms = ISO_DATE.test(iso) ? Date.parse(zoned(iso, hasClock && !hasZone)) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  const advice = 'The column has dtype "datetime" and so needs Date objects or ISO 8601 texts.';
  throw cannotStore(name, row, JSON.stringify(text.slice(0, 40)), advice);
}

function zoned(iso: string, needsZone: boolean): string {
  const normal = iso
    .replace(" ", "T")
    .replace(/([+-]\d\d)$/, (zone, _, at: number) => (at > 10 ? `${zone}:00` : zone));
  return needsZone ? `${normal}Z` : normal;
}

async function strings(column: SourceColumn, pace: Pace): Promise<Inferred> {
  const { name, values } = column;
  if (await allHexEwkb(values, pace)) return geometries(column, pace);
  await checkTexts(name, values, pace);
  return { pgtype: "text", values };
}

async function allHexEwkb(values: readonly unknown[], pace: Pace): Promise<boolean> {
  for (const [row, value] of values.entries()) {
    if (row % 1024 === 0 && pace.due()) await pace.pause();
    if (typeof value === "string" && !isHexEwkb(value)) return false;
  }
  return true;
}

async function geometries({ name, values }: SourceColumn, pace: Pace): Promise<Inferred> {
  const { srid, ...encoded } = await encodeGeometries(values, name, pace, { mixedSrids: true });
  return { pgtype: "geometry", ...encoded, ...(srid !== null && { srid }) };
}

export async function checkTexts(name: string, values: readonly unknown[], pace: Pace): Promise<void> {
  for (const [row, value] of values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    if (typeof value !== "string") continue;
    const problem = value.includes("\0") ? "U+0000" : LONE_SURROGATE.test(value) ? "a lone surrogate" : null;
    if (problem !== null)
      throw cannotStore(name, row, problem, "PostgreSQL's texts cannot contain it; remove it.");
  }
}

export async function documents({ name, values }: SourceColumn, pace: Pace): Promise<(string | null)[]> {
  const out: (string | null)[] = [];
  for (const [row, value] of values.entries()) {
    if (row % 256 === 0 && pace.due()) await pace.pause();
    out.push(isMissing(value) ? null : document(value, name, row));
  }
  return out;
}

function document(value: unknown, name: string, row: number): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(isGeometry(value) ? value.toGeoJSON() : value) as string | undefined;
  } catch (cause) {
    throw cannotStore(name, row, "an object that is not JSON", (cause as Error).message, cause);
  }
  if (json === undefined)
    throw cannotStore(name, row, "an object that is not JSON", "Its toJSON returns undefined.");
  if (JSON_UNSTORABLE.test(json)) {
    throw cannotStore(
      name,
      row,
      "U+0000 or a lone surrogate",
      "PostgreSQL's JSON cannot contain it; remove it.",
    );
  }
  return json;
}

export function kinds(t: Tally): string {
  const counts: [number, string][] = [
    [t.integers + t.floats + t.bigints, "numbers"],
    [t.booleans, "booleans"],
    [t.strings, "texts"],
    [t.dates, "dates"],
    [t.bytes, "bytes"],
    [t.geometries, "geometries"],
    [t.objects, "objects"],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, kind]) => `${kind} (${count})`)
    .join(" and ");
}

export function cannotStore(
  name: string,
  row: number,
  found: string,
  advice: string,
  cause?: unknown,
): InvalidArgumentError {
  const message = `Column "${name}", row ${row} (counted from 0) holds ${found}. ${advice}`;
  return new InvalidArgumentError(message, cause === undefined ? undefined : { cause });
}
