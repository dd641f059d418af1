/**
 * Prepares animated layers: the clock they share, and the rows of each in the order of frames. CARTO's Torque divides the
 * range of times into min(frames, rows) steps. Here a frame is an equal part of the range, unless all times are whole steps
 * apart: hours, days, months, years or others. Then a frame is such a step, so that each day has its own frame, or the next
 * longer unit of the calendar if there are too many for that.
 *
 * `!` in this file: rows and frames index arrays that have an item for each of them.
 */
import { InvalidArgumentError } from "../errors";
import type { Column } from "../frame";
import { frameOf, monthOf, monthStart } from "../render/clock";
import type { Clock, PathGeometry, PointGeometry, SceneLayer } from "../render/scene";
import { shown } from "./check";
import type { GeometrySource } from "./geometry";
import { labelOf } from "./layer";
import type { DataLayer, LayerData, ResolvedLayer, StyleColumn, Times } from "./layer-data";
import type { TimeMethod } from "./time-options";

const HOUR_MS = 3_600_000;
/** Average of the Gregorian calendar. */
const MEAN_MONTH_MS = 365.2425 * 2 * HOUR_MS;
/** Lengths of frames in hours, up to a week; and in months, up to a century. */
const HOURS_AND_DAYS = [1, 3, 6, 12, 24, 7 * 24];
const MONTHS = [1, 3, 12, 60, 120, 300, 600, 1200];
/** 5 January 1970, where weeks begin. */
const MONDAY_MS = 4 * 24 * HOUR_MS;

/** A layer whose rows are in the order of their frames. Rows without a time are left out. */
export interface TimedLayer extends ResolvedLayer {
  /** The frame of each row; absent if the layer is not animated. */
  readonly frames?: Uint16Array;
  /** The row of the data that each row is; absent if these are the same. */
  readonly sourceRows?: Uint32Array;
}

export type ClockBase = Omit<Clock, "still" | "paused">;

/**
 * Orders the rows of animated layers by frame. The clock has the largest `frames`, `duration` and `speed` of all layers; it
 * is absent if no row has a time.
 * @throws InvalidArgumentError if some layers have dates as times and others numbers
 */
export function timedLayers(layers: readonly ResolvedLayer[]): {
  readonly layers: readonly TimedLayer[];
  readonly clock?: ClockBase;
  readonly warnings: readonly string[];
} {
  const clock = clockOf(layers);
  const warnings: string[] = [];
  const timed = layers.map(({ layer, data }): TimedLayer => {
    if (!data.times) return { layer, data };
    const ordered = inFrames(layer, data, data.times, clock);
    warnings.push(...ordered.warnings);
    return ordered.timed;
  });
  return { layers: timed, ...(clock && { clock }), warnings };
}

function clockOf(layers: readonly ResolvedLayer[]): ClockBase | undefined {
  const timed = layers.flatMap(({ layer, data: { times } }) => (times ? [{ layer, times }] : []));
  const [first] = timed;
  if (!first) return undefined;
  const { kind } = first.times;
  const other = timed.find(({ times }) => times.kind !== kind);
  if (other) throw twoClocks(first, other);

  const columns = timed.map(({ times }) => times.values);
  const options = timed.map(({ layer: { style } }) => style.time!);
  const steps = stepsOver(kind, columns, Math.max(...options.map(({ frames }) => frames)));
  if (!steps) return undefined;
  return {
    kind,
    ...steps,
    durationMs: Math.max(...options.map(({ durationMs }) => durationMs)),
    speed: Math.max(...options.map(({ speed }) => speed)),
    loop: options.every(({ loop }) => loop),
  };
}

type Timed = { readonly layer: DataLayer; readonly times: Times };

function twoClocks(a: Timed, b: Timed): InvalidArgumentError {
  const what = ({ layer, times }: Timed) =>
    `column ${shown(times.column)} of layer ${labelOf(layer)} has ${times.kind === "time" ? "dates" : "numbers"}`;
  return new InvalidArgumentError(
    `All animated layers of a map must have dates or all must have numbers as \`time\`; ${what(a)} and ${what(b)}. Convert one of them, for example with to_timestamp.`,
  );
}

/** Returns the range of the finite values; `from` is larger than `to` if there are none. */
function rangeOf(columns: readonly Float64Array[]): [from: number, to: number] {
  let [from, to] = [Infinity, -Infinity];
  for (const values of columns) {
    for (let row = 0; row < values.length; row++) {
      const value = values[row]!;
      if (value - value !== 0) continue; // not finite
      if (value < from) from = value;
      if (value > to) to = value;
    }
  }
  return [from, to];
}

type Steps = Pick<ClockBase, "start" | "step" | "months" | "frames">;

/** Divides the range of times or numbers into at most `most` frames; undefined if there are none. */
function stepsOver(kind: Clock["kind"], columns: readonly Float64Array[], most: number): Steps | undefined {
  const [from, to] = rangeOf(columns);
  if (from > to) return undefined;
  if (from === to) return { start: from, step: 1, frames: 1 };
  const calendar = kind === "time" ? calendarSteps(columns, from, to, most) : undefined;
  if (calendar) return calendar;
  const grid = commonStep(columns, from, (to - from) / Math.max(1, most - 1));
  if (grid !== undefined) return { start: from, step: grid, frames: Math.round((to - from) / grid) + 1 };
  return { start: from, step: (to - from) / most, frames: most };
}

/**
 * Returns steps of months, or of days or hours if the times are multiples of these but too many for a frame each. Undefined
 * if even the longest step makes too many frames.
 */
function calendarSteps(
  columns: readonly Float64Array[],
  from: number,
  to: number,
  most: number,
): Steps | undefined {
  const firstFew = (steps: readonly Steps[]) => steps.find(({ frames }) => frames <= most);
  const months = commonMonths(columns, from);
  if (months !== undefined) {
    const longer = MONTHS.filter((length) => length % months === 0);
    return firstFew([
      monthSteps(monthOf(from), to, months),
      ...longer.map((length) => alignedMonthSteps(from, to, length)),
    ]);
  }
  const grid = commonStep(columns, from, HOUR_MS);
  if (grid === undefined || (to - from) / grid < most) return undefined;
  const hours = HOURS_AND_DAYS.filter((length) => (length * HOUR_MS) % grid === 0);
  return firstFew([
    ...hours.map((length) => hourSteps(from, to, length)),
    ...MONTHS.map((length) => alignedMonthSteps(from, to, length)),
  ]);
}

function hourSteps(from: number, to: number, hours: number): Steps {
  const step = hours * HOUR_MS;
  const start = Math.floor((from - MONDAY_MS) / step) * step + MONDAY_MS;
  return { start, step, frames: Math.floor((to - start) / step) + 1 };
}

/** Returns steps that begin with a quarter, a year or a decade. */
const alignedMonthSteps = (from: number, to: number, months: number): Steps =>
  monthSteps(Math.floor(monthOf(from) / months) * months, to, months);

function monthSteps(first: number, to: number, months: number): Steps {
  const frames = Math.floor((monthOf(to) - first) / months) + 1;
  return { start: monthStart(first), step: months * MEAN_MONTH_MS, months, frames };
}

/**
 * Returns the longest step of which all times are multiples; undefined if it is shorter than `shortest`.
 */
function commonStep(columns: readonly Float64Array[], from: number, shortest: number): number | undefined {
  let step = 0;
  for (const values of columns) {
    for (let row = 0; row < values.length; row++) {
      const value = values[row]!;
      if (value - value !== 0 || value === from) continue;
      step = commonDivisor(step, value - from);
      if (step < shortest * (1 - 1e-9)) return undefined;
    }
  }
  return step;
}

/**
 * Returns the longest number of months that lies between all times; undefined if they are not at the same moment of their
 * months, counted from the first day or from the last.
 */
function commonMonths(columns: readonly Float64Array[], from: number): number | undefined {
  const first = monthOf(from);
  const sinceStart = from - monthStart(first);
  const untilEnd = monthStart(first + 1) - from;
  let [isSinceStart, isUntilEnd, step] = [true, true, 0];
  for (const values of columns) {
    for (let row = 0; row < values.length; row++) {
      const value = values[row]!;
      if (value - value !== 0 || value === from) continue;
      const month = monthOf(value);
      isSinceStart &&= value - monthStart(month) === sinceStart;
      isUntilEnd &&= monthStart(month + 1) - value === untilEnd;
      if (!isSinceStart && !isUntilEnd) return undefined;
      step = commonDivisor(step, month - first);
    }
  }
  return step;
}

/** Returns the greatest common divisor of whole numbers; 0 for other numbers, unless one is 0 or both are equal. */
function commonDivisor(a: number, b: number): number {
  let [rest, divisor] = [a, b];
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return a === 0 ? b : b === 0 || a === b ? a : 0;
  while (rest !== 0) [rest, divisor] = [divisor % rest, rest];
  return divisor;
}

function inFrames(
  layer: DataLayer,
  data: LayerData,
  { column, values }: Times,
  clock: ClockBase | undefined,
): { timed: TimedLayer; warnings: string[] } {
  const label = `layer ${labelOf(layer)}`;
  const frameOfRow = new Int32Array(data.rowCount).fill(-1);
  let missing = 0;
  for (let row = 0; row < data.rowCount; row++) {
    const value = values[row]!;
    if (clock && value - value === 0) frameOfRow[row] = frameOf(clock, value);
    else missing++;
  }
  const rows = rowsByFrame(frameOfRow, clock?.frames ?? 0);
  const merged = mergedPlaces(layer, data, rows, frameOfRow, label);
  const count = (n: number) => n.toLocaleString("en-US");
  return {
    timed: {
      layer,
      data: { ...pickRows(merged.data, merged.rows), warnings: data.warnings },
      frames: Uint16Array.from(merged.rows, (row) => frameOfRow[row]!),
      sourceRows: merged.rows,
    },
    warnings:
      missing === 0
        ? []
        : [
            `The map leaves out ${count(missing)} of ${count(data.rowCount)} rows of ${label}, which have no time in column ${shown(column)}.`,
          ],
  };
}

/** Returns row numbers in the order of frames, ascending within a frame, without the rows of frame -1. */
function rowsByFrame(frameOfRow: Int32Array, frames: number): Uint32Array {
  const at = new Uint32Array(frames + 1);
  let count = 0;
  for (const frame of frameOfRow) {
    if (frame < 0) continue;
    at[frame + 1]!++;
    count++;
  }
  for (let frame = 0; frame < frames; frame++) at[frame + 1]! += at[frame]!;
  const rows = new Uint32Array(count);
  for (let row = 0; row < frameOfRow.length; row++) {
    const frame = frameOfRow[row]!;
    if (frame >= 0) rows[at[frame]!++] = row;
  }
  return rows;
}

/**
 * Merges the rows of each place in each frame into one, if colour or size depends on a column: the last row, with the
 * aggregate of all. Torque merges by pixel of each zoom, this function by position.
 */
function mergedPlaces(
  layer: DataLayer,
  data: LayerData,
  rows: Uint32Array,
  frameOfRow: Int32Array,
  label: string,
): { data: LayerData; rows: Uint32Array } {
  const { color, size, time } = layer.style;
  if (color?.kind !== "column" && size?.kind !== "column") return { data, rows };
  const methods = data.columns.map((column) => methodFor(time!.method, column, label));

  const groupOf = new Map<string, number>();
  const groups: number[][] = [];
  const keyOf = placeKey(data.geometry);
  let frame = -1;
  for (const row of rows) {
    if (frameOfRow[row] !== frame) groupOf.clear();
    frame = frameOfRow[row]!;
    const key = keyOf(row);
    const known = key === undefined ? undefined : groupOf.get(key);
    if (known !== undefined) groups[known]!.push(row);
    else {
      if (key !== undefined) groupOf.set(key, groups.length);
      groups.push([row]);
    }
  }
  const isCount = time!.method === "count";
  if (groups.length === rows.length && !isCount) return { data, rows };
  const columns = data.columns.map((column, i) => mergedColumn(column, groups, methods[i]!));
  return { data: { ...data, columns }, rows: Uint32Array.from(groups, (group) => group.at(-1)!) };
}

function placeKey(geometry: GeometrySource): (row: number) => string | undefined {
  if (geometry.kind === "lnglat") return (row) => `${geometry.lng[row]} ${geometry.lat[row]}`;
  return (row) => {
    const value = geometry.values[row];
    return typeof value === "string" ? value : value ? Buffer.from(value).toString("latin1") : undefined;
  };
}

function methodFor(
  method: TimeMethod | undefined,
  { kind, name, pgtype }: StyleColumn,
  label: string,
): TimeMethod {
  if (method === undefined) return kind === "number" ? "avg" : "mode";
  if (kind === "number" || method === "count" || method === "mode") return method;
  throw new InvalidArgumentError(
    `\`time.method\` must be "mode" or "count" for column ${shown(name)} of ${label}, which is of type ${pgtype}; got "${method}".`,
  );
}

function mergedColumn(
  column: StyleColumn,
  groups: readonly (readonly number[])[],
  method: TimeMethod,
): StyleColumn {
  if (column.kind !== "number" && method === "count") {
    const counts = new Float64Array(column.values.length);
    for (const group of groups) counts[group.at(-1)!] = group.length;
    return { name: column.name, pgtype: "int4", kind: "number", values: counts };
  }
  if (column.kind === "number") {
    const values = column.values.slice();
    for (const group of groups)
      values[group.at(-1)!] = combine(
        group.map((row) => column.values[row]!),
        method,
      );
    return { ...column, values };
  }
  const values = column.values.slice() as (string | null)[];
  for (const group of groups) values[group.at(-1)!] = mode(group.map((row) => values[row]!)) ?? null;
  return { ...column, values } as StyleColumn;
}

/** Aggregates numbers. As in SQL, NaN values are ignored, except by "count", and the result is NaN if all are. */
function combine(values: readonly number[], method: TimeMethod): number {
  if (method === "count") return values.length;
  const there = values.filter((value) => !Number.isNaN(value));
  if (there.length === 0) return Number.NaN;
  switch (method) {
    case "sum":
      return there.reduce((sum, value) => sum + value, 0);
    case "avg":
      return there.reduce((sum, value) => sum + value, 0) / there.length;
    case "min":
      return there.reduce((least, value) => Math.min(least, value));
    case "max":
      return there.reduce((most, value) => Math.max(most, value));
    case "mode":
      return mode(there)!;
  }
}

/** Returns the most frequent value that is not null; the first one among ties. */
function mode<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  let [best, most]: [T | undefined, number] = [undefined, 0];
  for (const [value, count] of counts) if (count > most) [best, most] = [value, count];
  return best;
}

function pickRows(data: LayerData, rows: Uint32Array): LayerData {
  return {
    ...data,
    rowCount: rows.length,
    geometry: pickGeometry(data.geometry, rows),
    columns: data.columns.map((column) => pickColumn(column, rows)),
    ...(data.shown && { shown: data.shown.map((column) => pickColumn(column, rows)) }),
  };
}

function pickColumn<C extends Column>(column: C, rows: Uint32Array): C {
  const { values, nulls } = column as Column & { nulls?: Uint8Array };
  return {
    ...column,
    values: pickValues(values as ArrayLike<unknown>, rows),
    ...(nulls && { nulls: Uint8Array.from(rows, (row) => nulls[row]!) }),
  };
}

function pickGeometry(geometry: GeometrySource, rows: Uint32Array): GeometrySource {
  if (geometry.kind === "ewkb")
    return { ...geometry, values: Array.from(rows, (row) => geometry.values[row]!) };
  const { lng, lat } = geometry;
  return {
    ...geometry,
    lng: Float64Array.from(rows, (row) => lng[row]!),
    lat: Float64Array.from(rows, (row) => lat[row]!),
  };
}

function pickValues(values: ArrayLike<unknown>, rows: Uint32Array): ArrayLike<unknown> {
  if (values instanceof Float64Array) return Float64Array.from(rows, (row) => values[row]!);
  if (ArrayBuffer.isView(values)) {
    const picked = (values as unknown as Uint8Array).slice(0, rows.length);
    for (let i = 0; i < rows.length; i++) picked[i] = values[rows[i]!] as number;
    return picked;
  }
  return Array.from(rows, (row) => values[row]);
}

/** Returns the index of the first point of each frame. Points are in the order of rows, which can have several or none. */
function startsOf({ x, rows }: PointGeometry, frameOfRow: Uint16Array, frames: number): Uint32Array {
  const starts = new Uint32Array(frames + 1);
  for (let i = 0; i < x.length; i++) starts[frameOfRow[rows ? rows[i]! : i]! + 1]!++;
  for (let frame = 0; frame < frames; frame++) starts[frame + 1]! += starts[frame]!;
  return starts;
}

/** Returns when the points of a layer appear; nothing for a layer that is not animated. */
export function timeOf(
  {
    layer: {
      style: { time },
    },
    frames,
  }: TimedLayer,
  geometry: PointGeometry | PathGeometry,
  clock: ClockBase | undefined,
): Pick<SceneLayer, "time"> {
  if (!time || !frames || !clock || geometry.kind !== "point") return {};
  const { cumulative, trails } = time;
  return { time: { starts: startsOf(geometry, frames, clock.frames), cumulative, trails } };
}
