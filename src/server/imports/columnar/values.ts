/** Writes the values of columnar files as PostgreSQL reads them, without losing digits. */
import { dateText, MICROS_PER_SECOND, timestampText } from "../../../frame/times";

/** How the values of a column become text. NULL is handled before. */
export interface ValueType {
  readonly pgType: string;
  text(value: unknown): string;
  /** Returns the value inside a list, a struct or a map. */
  json(value: unknown): string;
}

const DAYS_FROM_1970_TO_2000 = 10_957;
const SECONDS_FROM_1970_TO_2000 = BigInt(DAYS_FROM_1970_TO_2000) * 86_400n;

function valueType(pgType: string, text: (value: never) => string, json = quotedOf(text)): ValueType {
  return { pgType, text, json } as ValueType;
}

const quotedOf = (text: (value: never) => string) => (value: never) => JSON.stringify(text(value));
const exact = (pgType: string) => valueType(pgType, String, String);
/** JSON has no infinities and no NaN, which become texts, as in PostgreSQL's `to_json`. */
const real = (pgType: string) =>
  valueType(pgType, String, (value: number) => (Number.isFinite(value) ? String(value) : `"${value}"`));
const itself = (text: string) => text;
const hexOf = (bytes: Uint8Array) =>
  `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;

export const BOOLEAN = exact("boolean");
export const INTEGER = exact("integer");
export const BIGINT = exact("bigint");
/** Integers beyond int8. */
export const HUGE_INTEGER = exact("numeric");
export const REAL = real("real");
export const DOUBLE = real("double precision");
export const TEXT = valueType("text", itself);
export const JSON_TEXT = valueType("jsonb", itself, itself);
export const BYTEA = valueType("bytea", hexOf);
export const UUID = valueType("uuid", (bytes: Uint8Array) => hexOf(bytes).slice(2));
/** Days since 1970-01-01. */
export const DATE = valueType("date", (days: number) => dateText(days - DAYS_FROM_1970_TO_2000));

/** An integer of `10 ** -scale`. */
export function decimal(scale: number): ValueType {
  const text = (value: bigint) => decimalText(value, scale);
  return valueType("numeric", text, text);
}

function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Converts to microseconds; of nanoseconds, which PostgreSQL does not have, the last three digits are cut off. */
function microsOf(value: bigint | number, perSecond: bigint): bigint {
  const count = BigInt(value);
  if (perSecond <= MICROS_PER_SECOND) return count * (MICROS_PER_SECOND / perSecond);
  const perMicro = perSecond / MICROS_PER_SECOND;
  const rest = count % perMicro;
  return (count - (rest < 0n ? rest + perMicro : rest)) / perMicro;
}

/** Units since 1970-01-01 00:00. */
export function timestamp(perSecond: bigint, hasZone: boolean): ValueType {
  const zone = hasZone ? "+00" : "";
  const epoch = SECONDS_FROM_1970_TO_2000 * MICROS_PER_SECOND;
  return valueType(hasZone ? "timestamptz" : "timestamp", (value: bigint | number) =>
    timestampText(microsOf(value, perSecond) - epoch, zone),
  );
}

/** Units since midnight. */
export function timeOfDay(perSecond: bigint): ValueType {
  return valueType("time", (value: bigint | number) => {
    const micros = microsOf(value, perSecond);
    if (micros === 86_400n * MICROS_PER_SECOND) return "24:00:00";
    return timestampText(micros, "").slice("2000-01-01 ".length);
  });
}

/** Units of elapsed time. */
export function duration(perSecond: bigint): ValueType {
  return valueType("interval", (value: bigint | number) => `${microsOf(value, perSecond)} microseconds`);
}

export interface Months {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}
export const INTERVAL = valueType(
  "interval",
  ({ months, days, micros }: Months) => `${months} months ${days} days ${micros} microseconds`,
);

const json = (write: (value: never) => string) => valueType("jsonb", write, write);
const member = (type: ValueType, value: unknown) =>
  value === null || value === undefined ? "null" : type.json(value);

export const list = (of: ValueType): ValueType =>
  json((values: ArrayLike<unknown>) => `[${Array.from(values, (value) => member(of, value)).join(",")}]`);

export const struct = (fields: readonly (readonly [name: string, type: ValueType])[]): ValueType =>
  json(
    (value: Record<string, unknown>) =>
      `{${fields.map(([name, type]) => `${JSON.stringify(name)}:${member(type, value[name])}`).join(",")}}`,
  );

/** Pairs of a key and a value. */
export const map = (key: ValueType, of: ValueType): ValueType =>
  json(
    (pairs: readonly (readonly [unknown, unknown])[]) =>
      `{${pairs.map(([name, value]) => `${JSON.stringify(key.text(name))}:${member(of, value)}`).join(",")}}`,
  );

/** A type whose values the file stores in another form. */
export const stored = ({ pgType, text, json }: ValueType, convert: (value: never) => unknown): ValueType => ({
  pgType,
  text: (value) => text(convert(value as never)),
  json: (value) => json(convert(value as never)),
});
