/** Converts the values of a frame's column to the type of a table's column, and refuses what would lose anything. */

import { InvalidArgumentError } from "../errors";
import { isMissing } from "../values";
import { encodeGeometries } from "./geometry-writer";
import {
  cannotStore,
  checkTexts,
  decimal,
  documents,
  type Inferred,
  kinds,
  mapped,
  type SourceColumn,
  type Tally,
  tallyOf,
  textOf,
  timestamps,
  withInvalidDates,
} from "./infer";
import type { Pace } from "./pace";
import { MS_PER_DAY } from "./times";

/** A table's column as PostgreSQL's catalog describes it. */
export interface TableColumn {
  readonly name: string;
  /** `pg_type.typname`: `int4`, `timestamptz`, `_text`. */
  readonly pgtype: string;
  /** The type with its modifiers, as users write it: `character varying(20)`. */
  readonly type: string;
  /** `pg_attribute.atttypmod`; -1 for a type without modifiers. */
  readonly modifier: number;
  /** True for a generated column, which cannot be written to. */
  readonly generated?: boolean;
}

/** PostgreSQL adds this (VARHDRSZ) to the length of a text and to the digits of a numeric in a modifier. */
const MODIFIER_HEAD = 4;
const NUMERIC_SCALE_BITS = 0x7ff;
const NUMERIC_SCALE_SIGN = 0x400;
const INTEGER_BOUNDS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int2: [-(2n ** 15n), 2n ** 15n - 1n],
  int4: [-(2n ** 31n), 2n ** 31n - 1n],
  int8: [-(2n ** 63n), 2n ** 63n - 1n],
};
const INTEGER_TEXT = /^-?\d{1,19}$/;
const NUMERIC_TEXT = /^(?:-?\d+(?:\.\d+)?|NaN|-?Infinity)$/;
const ARRAY_TEXT = /^(?:\[[\d:[\]-]+\]=)?\{.*\}$/s;
const BYTEA_TEXT = /^\\x(?:[0-9a-f]{2})*$/i;
/** An ISO date that JavaScript reads as PostgreSQL does and that has no digits beyond milliseconds. */
const ISO_MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/;

interface Fit {
  readonly source: SourceColumn;
  readonly target: TableColumn;
  readonly tally: Tally;
  readonly pace: Pace;
}

/** Returns undefined if values of these kinds do not fit the column's type. */
type Fitter = (fit: Fit) => Promise<Inferred | undefined>;

const FITTERS: Readonly<Record<string, Fitter>> = {
  bool: async ({ source, tally }) =>
    tally.only(tally.booleans) ? { pgtype: "bool", values: source.values } : undefined,
  int2: fitInteger,
  int4: fitInteger,
  int8: fitInteger,
  float4: fitFloat,
  float8: fitFloat,
  numeric: fitNumeric,
  date: fitTime,
  timestamp: fitTime,
  timestamptz: fitTime,
  json: async ({ source, pace }) => ({ pgtype: "jsonb", values: await documents(source, pace) }),
  jsonb: async ({ source, pace }) => ({ pgtype: "jsonb", values: await documents(source, pace) }),
  bytea: fitBytes,
};

/**
 * Returns the values in the form in which they are sent to a table's column. Everything `cc.read` returns for a type
 * can be written back to it; values that would be cut, rounded or guessed are refused.
 * @throws InvalidArgumentError Naming the column, the value and the table's type.
 */
export async function fitColumn(source: SourceColumn, target: TableColumn, pace: Pace): Promise<Inferred> {
  const { pgtype } = target;
  if (pgtype === "geometry" || pgtype === "geography") return fitGeometry(source, pace);
  const tally = await tallyOf(source, pace);
  if (tally.missing + tally.invalidDates === tally.total) {
    const nothing: Inferred = { pgtype: "text", values: source.values.map(() => null) };
    return withInvalidDates(nothing, tally, source.name);
  }
  const fitter = FITTERS[pgtype] ?? (pgtype.startsWith("_") ? fitArray : fitText);
  const fitted = await fitter({ source, target, tally, pace });
  if (fitted === undefined) throw misfit(source, target, tally);
  return withInvalidDates(fitted, tally, source.name);
}

function misfit({ name }: SourceColumn, target: TableColumn, tally: Tally): InvalidArgumentError {
  const column = name === target.name ? "" : ` "${target.name}"`;
  return new InvalidArgumentError(
    `Column "${name}" holds ${kinds(tally)}, but the table's column${column} is of type ${target.type}. ` +
      "Convert the values in the frame, or change the table's column with ALTER TABLE.",
  );
}

function unfit({ name }: SourceColumn, row: number, value: unknown, { type }: TableColumn): Error {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
  return cannotStore(
    name,
    row,
    shown,
    `The table's column is of type ${type}, which cannot hold this value.`,
  );
}

async function fitInteger({ source, target, tally, pace }: Fit): Promise<Inferred | undefined> {
  // cc.read returns text for a bigint that no number holds exactly
  const fromText = target.pgtype === "int8" && tally.only(tally.strings);
  if (!fromText && !tally.only(tally.integers, tally.floats, tally.bigints)) return undefined;
  const [min, max] = INTEGER_BOUNDS[target.pgtype]!; // only integers get here
  const pgtype = target.pgtype === "int8" ? "int8" : "int4";
  if (tally.only(tally.integers) && tally.min >= min && tally.max <= max) {
    return { pgtype, values: source.values };
  }
  const values: (number | bigint | null)[] = [];
  for (const [row, value] of source.values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    if (isMissing(value)) values.push(null);
    else if (typeof value === "string" && !INTEGER_TEXT.test(value)) throw unfit(source, row, value, target);
    else if (typeof value === "number" && !Number.isSafeInteger(value))
      throw unfit(source, row, value, target);
    else {
      const integer = typeof value === "number" ? value : BigInt(value as string | bigint);
      if (integer < min || integer > max) throw unfit(source, row, value, target);
      values.push(integer);
    }
  }
  return { pgtype, values };
}

async function fitFloat({ source, target, tally, pace }: Fit): Promise<Inferred | undefined> {
  if (!tally.only(tally.integers, tally.floats, tally.bigints)) return undefined;
  if (tally.bigints === 0) return { pgtype: "float8", values: source.values };
  const values: (number | null)[] = [];
  for (const [row, value] of source.values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    if (typeof value === "bigint" && BigInt(Number(value)) !== value) throw unfit(source, row, value, target);
    values.push(isMissing(value) ? null : Number(value));
  }
  return { pgtype: "float8", values };
}

async function fitNumeric({ source, target, tally, pace }: Fit): Promise<Inferred | undefined> {
  const fromText = tally.only(tally.strings);
  if (!fromText && !tally.only(tally.integers, tally.floats, tally.bigints)) return undefined;
  const texts = await mapped(source.values, (value) => (fromText ? String(value) : decimal(value)), pace);
  const scale = scaleOf(target);
  for (const [row, text] of texts.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    if (text !== null && (!NUMERIC_TEXT.test(text) || digitsAfterPoint(text) > scale))
      throw unfit(source, row, text, target);
  }
  return { pgtype: "numeric", values: texts };
}

function scaleOf({ modifier }: TableColumn): number {
  if (modifier < MODIFIER_HEAD) return Number.POSITIVE_INFINITY;
  const bits = (modifier - MODIFIER_HEAD) & NUMERIC_SCALE_BITS; // signed since PostgreSQL 15
  return (bits ^ NUMERIC_SCALE_SIGN) - NUMERIC_SCALE_SIGN;
}

/** Number of significant digits after the point. Negative if the last digits before it are zeros: 1200 has -2. */
function digitsAfterPoint(text: string): number {
  const [whole = "", fraction = ""] = text.split(".");
  const significant = fraction.replace(/0+$/, "");
  if (significant !== "" || !/\d/.test(whole)) return significant.length;
  return /^-?0*$/.test(whole) ? Number.NEGATIVE_INFINITY : -/0*$/.exec(whole)![0].length; // it matches any text
}

async function fitTime({ source, target, tally, pace }: Fit): Promise<Inferred | undefined> {
  if (!tally.only(tally.dates, tally.strings)) return undefined;
  const isMoment = (value: unknown) => typeof value !== "string" || ISO_MOMENT.test(value.trim());
  if (!source.values.every(isMoment)) {
    if (tally.dates > 0) return undefined;
    await checkTexts(source.name, source.values, pace);
    return { pgtype: "text", values: source.values }; // infinity, years JavaScript does not have, microseconds
  }
  const times = await timestamps(source, pace);
  const stepMs = target.pgtype === "date" ? MS_PER_DAY : 10 ** Math.max(0, 3 - precisionOf(target));
  for (const [row, ms] of times.entries()) {
    if (row % 65_536 === 0 && pace.due()) await pace.pause();
    if (ms % stepMs !== 0 && !Number.isNaN(ms)) throw unfit(source, row, new Date(ms).toISOString(), target);
  }
  return { pgtype: "timestamptz", values: times };
}

/** Number of decimals of a second. */
const precisionOf = ({ modifier }: TableColumn) => (modifier < 0 ? 6 : modifier);

async function fitBytes({ source, target, tally }: Fit): Promise<Inferred | undefined> {
  if (tally.only(tally.bytes)) return { pgtype: "bytea", values: source.values };
  if (!tally.only(tally.strings)) return undefined;
  const wrong = source.values.findIndex((value) => typeof value === "string" && !BYTEA_TEXT.test(value));
  if (wrong >= 0) throw unfit(source, wrong, source.values[wrong], target);
  return { pgtype: "text", values: source.values };
}

async function fitGeometry({ name, values }: SourceColumn, pace: Pace): Promise<Inferred> {
  const { srid, ...encoded } = await encodeGeometries(values, name, pace, { mixedSrids: true });
  return { pgtype: "geometry", ...encoded, ...(srid !== null && { srid }) };
}

/** Fits texts, and every type that is read as text. */
async function fitText({ source, target, tally, pace }: Fit): Promise<Inferred | undefined> {
  if (tally.strings === 0) return undefined;
  const isMixed = !tally.only(tally.strings);
  const values = isMixed ? await mapped(source.values, textOf, pace) : source.values;
  await checkTexts(source.name, values, pace);
  const limit = lengthLimit(target);
  for (const [row, value] of values.entries()) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    if (typeof value !== "string" || value.length <= limit) continue;
    if ([...value.trimEnd()].length > limit) throw unfit(source, row, value, target);
  }
  const warning = `Column "${source.name}" mixes ${kinds(tally)} and was written as text.`;
  return { pgtype: "text", values, ...(isMixed && { warning }) };
}

/** Maximum length in characters. */
function lengthLimit({ pgtype, modifier }: TableColumn): number {
  const isLimited = (pgtype === "varchar" || pgtype === "bpchar") && modifier >= MODIFIER_HEAD;
  return isLimited ? modifier - MODIFIER_HEAD : Number.POSITIVE_INFINITY;
}

async function fitArray({ source, target, tally, pace }: Fit): Promise<Inferred | undefined> {
  if (tally.only(tally.strings)) return fitArrayText({ source, target, tally, pace });
  if (!tally.only(tally.objects)) return undefined;
  const values: (string | null)[] = [];
  for (const [row, value] of source.values.entries()) {
    if (row % 1024 === 0 && pace.due()) await pace.pause();
    if (isMissing(value)) values.push(null);
    else if (Array.isArray(value)) values.push(arrayText(value, target));
    else throw unfit(source, row, "an object", target);
  }
  await checkTexts(source.name, values, pace);
  return { pgtype: "text", values };
}

/** Fits arrays of types that the server does not know: they are read as PostgreSQL's text. */
async function fitArrayText({ source, target, pace }: Fit): Promise<Inferred> {
  const wrong = source.values.findIndex((value) => typeof value === "string" && !ARRAY_TEXT.test(value));
  if (wrong >= 0) throw unfit(source, wrong, source.values[wrong], target);
  await checkTexts(source.name, source.values, pace);
  return { pgtype: "text", values: source.values };
}

/** Formats an array as PostgreSQL reads it: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(array: readonly unknown[], target: TableColumn): string {
  const isJson = target.pgtype === "_json" || target.pgtype === "_jsonb";
  const elements = array.map((element) => {
    if (element === null || element === undefined) return "NULL";
    if (Array.isArray(element) && !isJson) return arrayText(element, target);
    return `"${elementText(element, isJson).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${elements.join(",")}}`;
}

function elementText(element: unknown, isJson: boolean): string {
  if (isJson) return JSON.stringify(element);
  if (element instanceof Date) return element.toISOString();
  return typeof element === "object" ? JSON.stringify(element) : String(element);
}
