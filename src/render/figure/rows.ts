import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../../errors";
import { columnValues, rowCountOf } from "../../frame";
import { isGeometry } from "../../frame/geometry-writer";
import { isHexEwkb } from "../../geometry/ewkb";
import { SHAPE_TYPES } from "../../geometry/shape";

/** A notebook stores these rows as JSON. Altair allows half as many. */
const MAX_ROWS = 10_000;

export type Row = Readonly<Record<string, unknown>>;

/**
 * Returns the rows of a frame for a chart. Geometry columns are left out; missing values, NaN and infinities become null.
 * Times become text without a zone, which Vega reads as local time, so that every reader sees UTC, as on maps.
 *
 * @throws InvalidArgumentError for more than 10,000 rows
 */
export function chartRows(frame: DataFrame, place: string): Row[] {
  const count = rowCountOf(frame);
  if (count > MAX_ROWS)
    throw new InvalidArgumentError(
      `A chart can have at most ${MAX_ROWS.toLocaleString("en-US")} rows; the DataFrame of ${place} has ${count.toLocaleString("en-US")}. ` +
        "Aggregate it first, with GROUP BY in cc.query or df.groupby, or draw a sample: await df.sample(10_000).",
    );
  const { $columns, $dtypes } = frame as unknown as Internals;
  const columns = $columns
    .map((name, i) => ({ name: String(name), dtype: $dtypes[i], values: columnValues(frame, i) }))
    .filter(({ values }) => !isSpatial(values));
  // `fromEntries` is safe for a column named "__proto__", assignment is not
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map(({ name, dtype, values }) => [name, chartValue(values[row], dtype)])),
  );
}

interface Internals {
  readonly $columns: readonly unknown[];
  readonly $dtypes: readonly string[];
}

function isSpatial(values: readonly unknown[]): boolean {
  const first = values.find((value) => value !== null && value !== undefined);
  if (typeof first === "string") return isHexEwkb(first);
  if (typeof first !== "object") return false;
  if (first instanceof Uint8Array || isGeometry(first)) return true;
  const { type } = first as { type?: unknown };
  return type === "Feature" || SHAPE_TYPES.some((name) => name === type);
}

function chartValue(value: unknown, dtype: string | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date || dtype === "datetime") return clockText(new Date(value as Date | string));
  return value;
}

const clockText = (time: Date): string | null =>
  Number.isNaN(time.getTime()) ? null : time.toISOString().slice(0, -1);
