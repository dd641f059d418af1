import { type Batch, type Built, badValue, type ColumnBuilder, Integers, Nulls } from "./builder";
import type { Pace } from "./pace";
import type { Field } from "./types";

/** PostgreSQL counts days and microseconds from 2000-01-01, not 1970. */
export const PG_EPOCH_MS = Date.UTC(2000, 0, 1);
export const MS_PER_DAY = 86_400_000;
/** The last moment that a JavaScript Date can hold, 275760-09-13: https://tc39.es/ecma262/#sec-time-values-and-time-range */
const MAX_DATE_MS = 8.64e15;
const INFINITE_DAYS = 2 ** 31 - 1;
const INFINITE_MICROS = 2n ** 63n - 1n;
export const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_DAY = 86_400_000_000n;

/** Converts a timestamp to milliseconds, without microseconds; NaN for ±infinity and for what a Date cannot hold. */
export function timestampMs(high: number, low: number): number {
  // floor((high · 2³² + low) / 1000) within the integers that a double holds: 2³² = 4294967 · 1000 + 296
  const ms = PG_EPOCH_MS + high * 4_294_967 + Math.floor((high * 296 + (low >>> 0)) / 1000);
  return Math.abs(ms) <= MAX_DATE_MS ? ms : Number.NaN;
}

export function dateMs(days: number): number {
  const ms = PG_EPOCH_MS + days * MS_PER_DAY;
  return Math.abs(ms) <= MAX_DATE_MS ? ms : Number.NaN;
}

/** Formats a date as PostgreSQL does: `2017-03-04`, `0044-03-15 BC`, `infinity`. */
export function dateText(days: number): string {
  if (days === INFINITE_DAYS) return "infinity";
  if (days === -INFINITE_DAYS - 1) return "-infinity";
  const { date, era } = civil(days);
  return date + era;
}

/** Formats a timestamp as PostgreSQL does with `TimeZone` UTC: `2017-03-04 10:11:12.5+00`; `zone` is "" or "+00". */
export function timestampText(micros: bigint, zone: string): string {
  if (micros === INFINITE_MICROS) return "infinity";
  if (micros === -INFINITE_MICROS - 1n) return "-infinity";
  const inDay = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  const { date, era } = civil(Number((micros - inDay) / MICROS_PER_DAY));
  const seconds = Number(inDay / 1_000_000n);
  const fraction = String(inDay % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map(twoDigits)
    .join(":");
  return `${date} ${clock}${fraction && `.${fraction}`}${zone}${era}`;
}

const twoDigits = (n: number) => String(n).padStart(2, "0");

/** Returns the Gregorian date of a day counted from 2000-01-01. Date ends too early: PostgreSQL's dates go to the year 5874897. */
function civil(days: number): { date: string; era: string } {
  const DAYS_PER_ERA = 146_097; // 400 years
  const shifted = days + 730_425; // from 0000-03-01
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const shown = String(year > 0 ? year : 1 - year).padStart(4, "0"); // 1 BC is the year 0
  return { date: `${shown}-${twoDigits(month)}-${twoDigits(day)}`, era: year > 0 ? "" : " BC" };
}

/** Converts a value of 4 or 8 bytes to a number, or to text if one value of the column does not fit. */
export interface WholeCodec {
  readonly kind: "number" | "datetime";
  readonly width: 4 | 8;
  /** Returns NaN for a value that a double or a Date cannot hold. `low` is 0 for 4 bytes. */
  number(high: number, low: number): number;
  text(high: number, low: number): string;
  /** The reason why a column is read as text, beginning with "holds". */
  readonly why: string;
}

/** int8, date, timestamp, timestamptz: kept as they arrive until every value of the column is known. */
export class WholeBuilder implements ColumnBuilder {
  readonly #highs = new Integers();
  readonly #lows = new Integers();
  readonly #nulls = new Nulls();
  readonly #field: Field;
  readonly #codec: WholeCodec;

  constructor(field: Field, codec: WholeCodec) {
    this.#field = field;
    this.#codec = codec;
  }

  append({ view, rows, stride, at, length }: Batch, field: number): void {
    const { width } = this.#codec;
    const highs = this.#highs.reserve(rows);
    const lows = this.#lows.reserve(width === 8 ? rows : 0);
    let row = this.#highs.length;
    for (let r = 0, i = field; r < rows; r++, row++, i += stride) {
      const bytes = length[i]!; // i is below the size of the batch
      if (bytes === width) {
        highs[row] = view.getInt32(at[i]!);
        if (width === 8) lows[row] = view.getInt32(at[i]! + 4);
      } else if (bytes === -1) this.#nulls.add(row);
      else throw badValue(this.#field, row, `found ${bytes} bytes, expected ${width}`);
    }
    this.#highs.length = row;
    if (width === 8) this.#lows.length = row;
  }

  async finish(pace: Pace): Promise<Built> {
    const rowCount = this.#highs.length;
    const values = new Float64Array(rowCount);
    for (let row = 0; row < rowCount; row++) {
      if (this.#nulls.has(row)) values[row] = Number.NaN;
      else {
        const value = this.#codec.number(this.#highs.values[row]!, this.#lows.values[row] ?? 0); // one per row
        if (Number.isNaN(value)) return this.#asText(pace);
        values[row] = value;
      }
    }
    return { column: { ...this.#field, kind: this.#codec.kind, values, ...this.#nulls.finish(rowCount) } };
  }

  async #asText(pace: Pace): Promise<Built> {
    const values: (string | null)[] = [];
    for (let row = 0; row < this.#highs.length; row++) {
      if (row % 1024 === 0 && pace.due()) await pace.pause();
      values.push(
        this.#nulls.has(row) ? null : this.#codec.text(this.#highs.values[row]!, this.#lows.values[row] ?? 0),
      );
    }
    return {
      column: { ...this.#field, kind: "string", values },
      warning: asTextWarning(this.#field, this.#codec.why),
    };
  }
}

export function asTextWarning({ name, pgtype }: Field, why: string): string {
  return `Column "${name}" (${pgtype}) ${why} and was read as text.`;
}

/** Joins the two halves of a 64-bit integer. */
export function int64(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}
