import type { DataFrame } from "danfojs-node";
import { makeRowsOnDemand, rowCountOf } from "./cells";
import { type Danfo, repairDanfo } from "./danfo-repairs";
import { type FramePart, withGeometry } from "./geometry";
import { type Pace, paced } from "./pace";
import type { Column, Columns, NumberColumn } from "./types";

let loaded: Danfo | undefined;

/** Loads danfo with our repairs. The first call takes a fraction of a second, so nothing calls this on import. */
export function loadDanfo(): Danfo {
  if (loaded === undefined) {
    const danfo = require("danfojs-node") as Danfo; // in the built package: dist/danfo.js
    silenceTensorflow(danfo);
    repairDanfo(danfo);
    loaded = danfo;
  }
  return loaded;
}

/** TensorFlow.js recommends its native bindings on the console when the first tensor is made. */
function silenceTensorflow({ tensorflow }: Danfo): void {
  const backend = tensorflow.backend() as { firstUse?: boolean };
  backend.firstUse = false;
}

export interface FrameOptions {
  /**
   * Adds a column `geometry` of wkx geometries, decoded from `the_geom` or else from the first geometry column. If that
   * column is named `geometry`, it is decoded in place. @default false
   */
  readonly decodeGeom?: boolean;
  readonly signal?: AbortSignal;
}

/** Internal fields of a danfo frame besides its rows. Setting them saves danfo two transpositions of the data and its guesses. */
interface Internals {
  $dataIncolumnFormat: (readonly unknown[])[];
  $index: number[];
  $columns: string[];
  $setDtypes(dtypes: FramePart["dtype"][]): void;
  $setColumnNames(names: string[]): void;
  $setInternalColumnDataProperty(name?: string): void;
}

/**
 * Makes a DataFrame of columns and keeps their arrays. Missing values are NaN in number columns, as danfo's arithmetic and
 * statistics expect, and null in all others; PostgreSQL's NaN is missing, too. Datetimes are `Date` objects, which danfo's `dt`,
 * sorting, `min`, `max` and comparisons with milliseconds accept.
 */
export async function frameFromColumns(
  { columns }: Columns,
  { decodeGeom = false, signal }: FrameOptions = {},
): Promise<DataFrame> {
  const { DataFrame } = loadDanfo();
  const pace = paced(signal);
  const parts: FramePart[] = [];
  for (const column of columns) parts.push(await framePart(column, pace));
  const complete = decodeGeom ? await withGeometry(parts, columns, pace) : parts;
  const frame = new DataFrame([]);
  const inside = frame as unknown as Internals;
  // set here instead of by the constructor, which mistakes a column named "columns" or "values" for its own member
  inside.$setDtypes(complete.map(({ dtype }) => dtype));
  inside.$setColumnNames(complete.map(({ name }) => name));
  inside.$setInternalColumnDataProperty();
  inside.$dataIncolumnFormat = complete.map(({ values }) => values);
  makeRowsOnDemand(frame, [...inside.$dataIncolumnFormat]); // last, because danfo's setters above count the rows
  inside.$index = countedFrom0(rowCountOf(frame));
  return frame;
}

async function framePart(column: Column, pace: Pace): Promise<FramePart> {
  if (pace.due()) await pace.pause();
  const { name } = column;
  switch (column.kind) {
    case "number":
      return { name, dtype: isInt32(column) ? "int32" : "float32", values: arrayOf(column.values) };
    case "datetime":
      return { name, dtype: "datetime", values: await toDates(column.values, pace) };
    case "boolean":
      return { name, dtype: "boolean", values: column.values };
    default:
      return { name, dtype: "string", values: column.values };
  }
}

/** Returns true if danfo's only integer type holds all values: 32 bits, none missing. */
function isInt32({ pgtype, values }: NumberColumn): boolean {
  return pgtype.startsWith("int") && values.every((value) => (value | 0) === value);
}

// Arrays of their final length, filled by index, take a quarter of the time of growing ones or of Array.from.

function arrayOf(values: Float64Array): number[] {
  const array = new Array<number>(values.length);
  for (let row = 0; row < values.length; row++) array[row] = values[row]!; // row is below the length
  return array;
}

function countedFrom0(length: number): number[] {
  const array = new Array<number>(length);
  for (let row = 0; row < length; row++) array[row] = row;
  return array;
}

async function toDates(values: Float64Array, pace: Pace): Promise<(Date | null)[]> {
  const dates = new Array<Date | null>(values.length);
  for (let row = 0; row < values.length; row++) {
    if (row % 4096 === 0 && pace.due()) await pace.pause();
    const ms = values[row]!; // row is below the length
    dates[row] = Number.isNaN(ms) ? null : new Date(ms);
  }
  return dates;
}
