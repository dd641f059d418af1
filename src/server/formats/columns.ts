/** The rows of a query as typed columns, for the formats Parquet and Arrow. */

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { lastRows, type ResultField } from "../engine/engine";
import { describeQuery, type Row, streamRows } from "../row-stream";
import { type ExportRequest, GEOMETRY } from "./format";

/** Types of columns. Times are microseconds, dates days, since 1970-01-01. */
export type Kind =
  | "bool"
  | "int32"
  | "int64"
  | "float"
  | "double"
  | "decimal"
  | "date"
  | "time"
  | "timestamp"
  | "timestamptz"
  | "json"
  | "bytes"
  | "geometry"
  | "text";

export interface OutputColumn {
  readonly name: string;
  readonly kind: Kind;
  /** Number of decimal digits of `decimal`. */
  readonly scale: number;
}

/** bool, numbers, bigints of `int64`, `decimal`, `time` and both timestamps, bytes, or text; null for NULL. */
export type OutputValue = boolean | number | bigint | string | Uint8Array | null;

export interface Columns {
  readonly columns: readonly OutputColumn[];
  /** Name of the geometry that comes first for readers. */
  readonly primary: string | undefined;
  /** Values by column, a limited number of rows at a time. */
  batches(): AsyncIterable<readonly OutputValue[][]>;
}

/** Rows that are encoded in one piece. More would let other requests wait. */
const BATCH_ROWS = 20_000;
/** The most digits of a decimal of 128 bits. */
export const MAX_DIGITS = 38;

const KINDS: Readonly<Record<string, Kind>> = {
  bool: "bool",
  int2: "int32",
  int4: "int32",
  int8: "int64",
  float4: "float",
  float8: "double",
  numeric: "decimal",
  date: "date",
  time: "time",
  timestamp: "timestamp",
  timestamptz: "timestamptz",
  json: "json",
  jsonb: "json",
  bytea: "bytes",
  geometry: "geometry",
};

const micros = (alias: string) => `(extract(epoch FROM ${alias}) * 1000000)::bigint`;
/** SQL of the text of a value, where PostgreSQL's own is not used. */
const SQL: Readonly<Partial<Record<Kind, (alias: string) => string>>> = {
  date: (alias) => `(${alias} - date '1970-01-01')`,
  time: micros,
  timestamp: micros,
  timestamptz: micros,
  geometry: (alias) =>
    `ST_AsBinary(CASE WHEN ST_SRID(${alias}) IN (0, 4326) THEN ${alias} ELSE ST_Transform(${alias}, 4326) END, 'NDR')`,
};

const bytesOf = (text: string) => Buffer.from(text.slice(2), "hex");
const PARSERS: Readonly<Record<Kind, (text: string) => OutputValue>> = {
  bool: (text) => text === "true",
  int32: Number,
  int64: BigInt,
  float: Number,
  double: Number,
  decimal: (text) => BigInt(text),
  date: Number,
  time: BigInt,
  timestamp: BigInt,
  timestamptz: BigInt,
  json: (text) => text,
  bytes: bytesOf,
  geometry: bytesOf,
  text: (text) => text,
};

interface Planned extends OutputColumn {
  readonly alias: string;
}

/** Runs the query. Geometries are WKB in EPSG:4326. */
export async function columnsOf(request: ExportRequest): Promise<Columns> {
  const { engine, query, skipFields, options, onEnd } = request;
  const fields = await describeQuery(engine, query, options);
  const from = `(${query}\n) AS cdbq${fields.length > 0 ? `(${fields.map((_, at) => `c${at}`).join(", ")})` : ""}`;
  const all = fields.map((field, at) => planned(field, `c${at}`));
  const kept = all.filter(({ name }) => !skipFields.has(name) && name !== "the_geom_webmercator");
  const columns = await withScales(request, kept, from);
  const list = columns.map((column) => `${sqlOf(column)}::text`).join(", ");
  const { rows, close } = await streamRows(engine, `SELECT ${list} FROM ${from}`, options);
  onEnd(close);
  const geometries = columns.filter(({ kind }) => kind === "geometry").map(({ name }) => name);
  const primary = geometries.includes(GEOMETRY) ? GEOMETRY : geometries[0];
  return { columns, primary, batches: () => batchesOf(rows, columns) };
}

function planned({ name, typeName, typeModifier }: ResultField, alias: string): Planned {
  const kind = KINDS[typeName ?? ""] ?? "text";
  const scale = kind === "decimal" && typeModifier > 3 ? (typeModifier - 4) & 0x7ff : -1;
  const precision = typeModifier > 3 ? (typeModifier - 4) >> 16 : 0;
  const isDecimal = kind !== "decimal" || (precision <= MAX_DIGITS && scale <= precision);
  return { name, kind: isDecimal ? kind : "text", scale, alias };
}

/** Finds the number of decimal digits of numeric columns without a declared one. What has no limit becomes text. */
async function withScales(
  { engine, options }: ExportRequest,
  columns: readonly Planned[],
  from: string,
): Promise<Planned[]> {
  const open = columns.filter(({ kind, scale }) => kind === "decimal" && scale < 0);
  if (open.length === 0) return [...columns];
  const found = open.map(
    ({ alias }) => `coalesce(max(scale(${alias})), 0), coalesce(max(length(trunc(abs(${alias}))::text)), 0),
      coalesce(bool_or(${alias}::text IN ('NaN', 'Infinity', '-Infinity')), false)`,
  );
  const [row = []] = lastRows(await engine.query(`SELECT ${found.join(", ")} FROM ${from}`, options));
  return columns.map((column) => {
    const at = open.indexOf(column) * 3;
    if (at < 0) return column;
    const [scale, digits] = [Number(row[at]), Number(row[at + 1])];
    const fits = row[at + 2] === "f" && scale + digits <= MAX_DIGITS;
    return fits ? { ...column, scale } : { ...column, kind: "text" };
  });
}

function sqlOf({ kind, alias, scale }: Planned): string {
  if (kind === "decimal") return `trunc(${alias} * 1e${scale}::numeric)`;
  return SQL[kind]?.(alias) ?? alias;
}

async function* batchesOf(
  rows: AsyncIterable<Row>,
  columns: readonly Planned[],
): AsyncGenerator<OutputValue[][]> {
  const parsers = columns.map(({ kind }) => PARSERS[kind]);
  const empty = () => columns.map((): OutputValue[] => []);
  let batch = empty();
  let count = 0;
  for await (const row of rows) {
    for (const [i, parse] of parsers.entries()) {
      const text = row[i] ?? null;
      batch[i]!.push(text === null ? null : parse(text)); // one array per column
    }
    if (++count % BATCH_ROWS !== 0) continue;
    yield batch;
    batch = empty();
  }
  if (count % BATCH_ROWS !== 0 || count === 0) yield batch;
}

/** Streams a file that `write` has written in the folder of the request, and removes it at the end. */
export async function throughFile(
  { dir, onEnd }: ExportRequest,
  write: (path: string) => Promise<void>,
): Promise<AsyncIterable<Uint8Array>> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, randomUUID());
  const free = () => rm(path, { force: true });
  onEnd(() => void free());
  try {
    await write(path);
    return createReadStream(path);
  } catch (error) {
    await free();
    throw error;
  }
}
