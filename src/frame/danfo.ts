import type { DataFrame } from "danfojs-node";
import { makeRowsOnDemand, rowCountOf } from "./cells";
import { repairDanfo } from "./danfo-repairs";
import { DanfoMissingError } from "./errors";
import { withGeometry } from "./geometry";
import { type Pace, paced } from "./pace";
import type { Column, Columns, NumberColumn } from "./types";

export type Danfo = typeof import("danfojs-node");

/** danfo's name for the type of a column. It knows no other: objects and geometries go as "string". */
type Dtype = "int32" | "float32" | "string" | "boolean" | "datetime";

const OVERRIDES = `In package.json add
  "overrides": {
    "xlsx": "npm:@e965/xlsx@0.20.3",
    "@tensorflow/tfjs-node": "npm:@tensorflow/tfjs@3.21.0"
  }
and run
  npm install danfojs-node@1.2.0`;

let loading: Promise<Danfo> | undefined;

/**
 * danfojs-node, loaded on first use (it takes about a second) and without a word on the console.
 * @throws DanfoMissingError with the lines for package.json, if it is not there or does not load.
 */
export function loadDanfo(): Promise<Danfo> {
  loading ??= importDanfo(() => import("danfojs-node")).catch((error: unknown) => {
    loading = undefined; // it may be installed by the next attempt
    throw error;
  });
  return loading;
}

/** @internal */
export async function importDanfo(load: () => Promise<Danfo | { default: Danfo }>): Promise<Danfo> {
  try {
    const loaded = await load();
    const danfo = "default" in loaded ? loaded.default : loaded;
    silenceTensorflow(danfo);
    repairDanfo(danfo);
    return danfo;
  } catch (cause) {
    throw new DanfoMissingError(whyMissing(cause), { cause });
  }
}

function whyMissing(cause: unknown): string {
  const message = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
  const isAbsent = /Cannot find (package|module) ['"]danfojs-node['"]/.test(message);
  return isAbsent
    ? `danfojs-node, which DataFrames are made of, is not installed. ${OVERRIDES}`
    : `danfojs-node is installed but does not load (${message}). ${OVERRIDES}`;
}

/** The JavaScript backend greets on its first tensor with an advertisement for native bindings. */
function silenceTensorflow({ tensorflow }: Danfo): void {
  const backend = tensorflow.backend() as { firstUse?: boolean };
  backend.firstUse = false;
}

export interface FrameOptions {
  /**
   * Adds a column `geometry` of wkx geometries decoded from `the_geom`, or else from the first geometry
   * column; if that one is itself called `geometry`, it is decoded in place. @default false
   */
  readonly decodeGeom?: boolean;
  readonly signal?: AbortSignal;
}

/** What danfo keeps of a frame beside its rows. Filling it saves danfo two transpositions of the data and its guesses. */
interface Internals {
  $dataIncolumnFormat: (readonly unknown[])[];
  $index: number[];
  $columns: string[];
  $setDtypes(dtypes: Dtype[]): void;
  $setColumnNames(names: string[]): void;
  $setInternalColumnDataProperty(name?: string): void;
}

/**
 * A DataFrame of the columns, which keeps their arrays. The missing value is NaN in a number column, where danfo's arithmetic and
 * statistics need it, and null in every other. Datetimes are `Date`: danfo's `dt`, its comparisons with
 * milliseconds, sorting, `min` and `max` work on them. PostgreSQL's NaN is missing here, too.
 */
export async function frameFromColumns(
  { columns }: Columns,
  { decodeGeom = false, signal }: FrameOptions = {},
): Promise<DataFrame> {
  const { DataFrame } = await loadDanfo();
  const pace = paced(signal);
  const parts: FramePart[] = [];
  for (const column of columns) parts.push(await framePart(column, pace));
  const complete = decodeGeom ? await withGeometry(parts, columns, pace) : parts;
  const frame = new DataFrame([]);
  const inside = frame as unknown as Internals;
  // built around the constructor, which takes a column called "columns" or "values" for its own member
  inside.$setDtypes(complete.map(({ dtype }) => dtype));
  inside.$setColumnNames(complete.map(({ name }) => name));
  inside.$setInternalColumnDataProperty();
  inside.$dataIncolumnFormat = complete.map(({ values }) => values);
  makeRowsOnDemand(frame, [...inside.$dataIncolumnFormat]); // last: danfo's setters above count the rows
  inside.$index = countedFrom0(rowCountOf(frame));
  return frame;
}

export interface FramePart {
  readonly name: string;
  readonly dtype: Dtype;
  readonly values: readonly unknown[];
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

/** danfo has no integer with missing values, and none beyond 32 bits. */
function isInt32({ pgtype, values }: NumberColumn): boolean {
  return pgtype.startsWith("int") && values.every((value) => (value | 0) === value);
}

// Arrays of their final length, filled by index: a quarter of the time that growing them takes, or Array.from.

function arrayOf(values: Float64Array): number[] {
  const array = new Array<number>(values.length);
  for (let row = 0; row < values.length; row++) array[row] = values[row]!;
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
    const ms = values[row]!;
    dates[row] = Number.isNaN(ms) ? null : new Date(ms);
  }
  return dates;
}
