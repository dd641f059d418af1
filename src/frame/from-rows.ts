import { ident } from "../sql";
import { sameDecimal } from "./numeric";
import { asTextWarning } from "./times";
import { type Column, type Columns, elementTypeOf, type Field, KINDS, type PgType, pgTypeOf } from "./types";

/** Types that lose digits or fractions of seconds in JSON. */
const LOSSY: ReadonlySet<PgType> = new Set(["int8", "numeric", "date", "timestamp", "timestamptz"]);
/** A time as PostgreSQL writes it in text, and as CARTO writes it in JSON. */
const TIME =
  /^(-?\d{4,})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(\.\d+)?)?(?:Z|([+-])(\d\d):?(\d\d)?)?(?: (BC))?$/;

/** A result of the SQL API in JSON. */
export interface JsonResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly fields: readonly Field[];
  /** Members of a row that hold the values, if they differ from the fields' names. */
  readonly keys?: readonly string[];
}

/** Returns the select list with which a result survives JSON without loss, for `columnsFromRows`. */
export function jsonSelect(fields: readonly Field[]): string {
  return fields
    .map(({ name, pgtype }) => {
      const column = ident(name);
      if (isLossy(pgTypeOf(pgtype))) return `${column}::text AS ${column}`;
      if (isLossy(elementTypeOf(pgtype))) return `to_json(${column}::text[]) AS ${column}`;
      if (pgtype === "bytea") return `'\\x' || encode(${column}, 'hex') AS ${column}`;
      return pgTypeOf(pgtype) !== null || pgtype.startsWith("_") ? column : `${column}::text AS ${column}`;
    })
    .join(", ");
}

const isLossy = (type: PgType | null) => type !== null && LOSSY.has(type);

/**
 * Returns the columns of a result in JSON. They equal those of `decodeCopy` if the query used `jsonSelect`; otherwise
 * they hold what JSON preserved. `fields` are those of the query, not those of the cast select list.
 */
export function columnsFromRows({ rows, fields, keys }: JsonResult): Columns {
  const warnings: string[] = [];
  const columns = fields.map((field, i) => {
    const key = keys?.[i] ?? field.name;
    const values = rows.map((row) => row[key] ?? null);
    const { column, why } = fromJson(field, values);
    if (why !== undefined) warnings.push(asTextWarning(field, why));
    return column;
  });
  return { rowCount: rows.length, columns, warnings };
}

interface Converted {
  readonly column: Column;
  /** The reason why the column is text; undefined if it has the kind of its type. */
  readonly why?: string;
}

function fromJson(field: Field, values: unknown[]): Converted {
  const type = pgTypeOf(field.pgtype);
  if (type === null && field.pgtype.startsWith("_")) return arrays(field, values);
  switch (type === null ? "string" : KINDS[type]) {
    case "number":
      return numbers(field, values);
    case "datetime":
      return times(field, values);
    case "boolean":
      return { column: { ...field, kind: "boolean", values: values as (boolean | null)[] } };
    case "object":
      return { column: { ...field, kind: "object", values } };
    case "geometry":
      return { column: { ...field, kind: "geometry", values: values as (string | null)[] } };
    default:
      return { column: { ...field, kind: "string", values: values.map(textOf) } };
  }
}

/** Arrays. If JavaScript cannot hold one element, all elements of the column become texts. */
function arrays(field: Field, values: unknown[]): Converted {
  const element = elementTypeOf(field.pgtype);
  const kind = element === null ? undefined : KINDS[element];
  const read = kind === "datetime" ? dateOf : isLossy(element) ? numberOf(element) : undefined;
  const column = (values: unknown[]) => ({ ...field, kind: "object", values }) as const;
  if (element === "float4" || element === "float8") {
    const round = element === "float4" ? Math.fround : (value: number) => value;
    return { column: column(deep(values, (value) => round(Number(value)))) }; // "NaN" is a text in JSON
  }
  if (read === undefined) return { column: column(values) };
  let fits = true;
  const plains = deep(values, (value) => {
    const plain = read(String(value));
    if (plain === null) fits = false;
    return plain;
  });
  if (fits) return { column: column(plains) };
  return { column: column(values), why: "holds elements beyond JavaScript's numbers or dates" };
}

/** Reads each element of nested arrays that is not NULL. */
function deep(values: readonly unknown[], read: (value: unknown) => unknown): unknown[] {
  return values.map((value) => {
    if (value === null) return null;
    return Array.isArray(value) ? deep(value, read) : read(value);
  });
}

function dateOf(text: string): Date | null {
  const ms = timeMs(text);
  return Number.isNaN(ms) ? null : new Date(ms);
}

const numberOf = (type: PgType | null) => (text: string) => (isExact(type, text) ? Number(text) : null);

function isExact(type: PgType | null, text: string): boolean {
  const value = Number(text);
  return type === "int8" ? Number.isSafeInteger(value) : sameDecimal(text, String(value));
}

function numbers(field: Field, values: readonly unknown[]): Converted {
  const type = pgTypeOf(field.pgtype);
  if (!values.every((value) => typeof value !== "string" || isExact(type, value))) {
    const why =
      type === "int8"
        ? "holds integers beyond ±9007199254740991"
        : "holds values that are not exact as JavaScript numbers";
    return { column: { ...field, kind: "string", values: values.map(textOf) }, why };
  }
  const round = field.pgtype === "float4" ? Math.fround : (value: number) => value;
  const numbers = Float64Array.from(values, (value) => (value === null ? Number.NaN : round(Number(value))));
  return { column: { ...field, kind: "number", values: numbers, ...nullsOf(values) } };
}

function times(field: Field, values: readonly unknown[]): Converted {
  const ms = Float64Array.from(values, (value) => (value === null ? Number.NaN : timeMs(String(value))));
  const fits = values.every((value, row) => value === null || !Number.isNaN(ms[row]));
  if (fits) return { column: { ...field, kind: "datetime", values: ms, ...nullsOf(values) } };
  const why = "holds infinity or dates beyond JavaScript's range";
  return { column: { ...field, kind: "string", values: values.map(textOf) }, why };
}

/** Returns the milliseconds of a time in PostgreSQL's ISO style, without microseconds; NaN for infinity and beyond a Date. */
function timeMs(text: string): number {
  const parts = TIME.exec(text);
  if (parts === null) return Number.NaN;
  const [
    ,
    year,
    month,
    day,
    hour = 0,
    minute = 0,
    second = 0,
    fraction = "0",
    sign,
    zoneHour = 0,
    zoneMinute = 0,
    bc,
  ] = parts;
  const date = new Date(0);
  date.setUTCFullYear(bc === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second), Math.floor(Number(fraction) * 1000 + 1e-6));
  const zoneMs = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  return date.getTime() - (sign === "-" ? -zoneMs : zoneMs);
}

function nullsOf(values: readonly unknown[]): { nulls?: Uint8Array } {
  return values.includes(null) ? { nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)) } : {};
}

/** Returns a value of a type that JSON lacks, such as an interval, as text. */
function textOf(value: unknown): string | null {
  if (value === null || typeof value === "string") return value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
