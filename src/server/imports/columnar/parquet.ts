/** Parquet and GeoParquet, one row group after another: https://parquet.apache.org/docs/file-format/ */
import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from "hyparquet";
import { parseFloat16 } from "hyparquet/src/convert.js";
import { isListLike, isMapLike } from "hyparquet/src/schema.js";
import { compressors } from "hyparquet-compressors";
import { exactJsonText } from "../../../exact-json";
import { projDefinition } from "../../../geometry/crs";
import { type Batch, type ColumnarFile, type FileColumn, geoMetadata, primaryFirst } from "./file";
import * as values from "./values";

type ValueType = values.ValueType;

const MILLIS = 1000n;
const MICROS = 1_000_000n;
const NANOS = 1_000_000_000n;
const PER_SECOND = { MILLIS, MICROS, NANOS };
/** Dates of the deprecated type INT96 arrive as nanoseconds. */
const PARSERS = { timestampFromNanoseconds: (nanos: bigint) => nanos };

export async function openParquet(path: string): Promise<ColumnarFile> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const columns = columnsOf(metadata);
  for (const tree of parquetSchema(metadata).children) keepAsStored(tree);
  const names = columns.map(({ name }) => name);
  const options = { file, metadata, columns: names, compressors, utf8: false, parsers: PARSERS };
  return {
    columns,
    rowCount: Number(metadata.num_rows),
    async *batches(): AsyncGenerator<Batch> {
      const scan = await parquetScan(options);
      for (const { rowStart, rowEnd } of scan.ranges) {
        const read = names.map((column) => scan.readColumn({ column, rowStart, rowEnd }));
        const arrays = await Promise.all(read);
        yield { rowCount: rowEnd - rowStart, columns: arrays.map((array) => (row) => array[row]) };
      }
    },
  };
}

function columnsOf(metadata: FileMetaData): FileColumn[] {
  const { children } = parquetSchema(metadata);
  const keyed = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]));
  const geo = geoMetadata(keyed.get("geo"));
  const columns = children.map((tree): FileColumn => {
    const { name, logical_type: logical } = tree.element;
    const described = geo.columns.get(name);
    if (described) return { kind: "geometry", name, ...described };
    if (logical?.type === "GEOMETRY" || logical?.type === "GEOGRAPHY") {
      const { crs = "OGC:CRS84" } = logical;
      const definition = /^projjson:/i.test(crs) ? keyed.get(crs.slice("projjson:".length)) : crs;
      return { kind: "geometry", name, encoding: "WKB", crs: projDefinition(definition), types: [] };
    }
    return { kind: "values", name, type: typeOf(tree) };
  });
  return primaryFirst(
    columns.filter(({ name }) => !geo.boxes.has(name)),
    geo.primary,
  );
}

/** Makes hyparquet return values as they are stored, because its own conversions round decimals and times. */
function keepAsStored({ element, children }: SchemaTree): void {
  if (element.logical_type?.type === "VARIANT") return;
  for (const child of children) keepAsStored(child);
  if (children.length > 0) return;
  element.converted_type = isText(element) ? "UTF8" : undefined;
  element.logical_type = undefined;
}

const isText = ({ converted_type: converted, logical_type: logical }: SchemaElement) =>
  ["UTF8", "ENUM"].includes(converted ?? "") || ["STRING", "ENUM"].includes(logical?.type ?? "");

function typeOf(tree: SchemaTree): ValueType {
  if (tree.element.repetition_type === "REPEATED")
    return values.list(typeOf({ ...tree, element: { ...tree.element, repetition_type: "REQUIRED" } }));
  if (tree.element.logical_type?.type === "VARIANT") return values.stored(values.JSON_TEXT, exactJsonText);
  const { children } = tree;
  if (children.length === 0) return leafType(tree.element);
  const [first] = children as [SchemaTree, ...SchemaTree[]];
  if (isListLike(tree)) return values.list(elementType(first));
  if (isMapLike(tree)) {
    const pairs = values.map(values.TEXT, typeOf(first.children[1]!)); // `!`: isMapLike has checked the children
    return values.stored(pairs, (value: Record<string, unknown>) => Object.entries(value));
  }
  return values.struct(children.map((child) => [child.element.name, typeOf(child)]));
}

/** The repeated group of a list has the element as its only child; in old files it is the element. */
function elementType(repeated: SchemaTree): ValueType {
  const { element, children } = repeated;
  const [only] = children;
  return typeOf(only ?? { ...repeated, element: { ...element, repetition_type: "REQUIRED" } });
}

/** Formats of the values by their logical type, or the converted type of older files. */
function leafType(element: SchemaElement): ValueType {
  const { converted_type: converted = "", logical_type: logical, scale } = element;
  if (isText(element)) return values.TEXT;
  switch (logical?.type) {
    case "DECIMAL":
      return decimal(logical.scale);
    case "DATE":
      return values.DATE;
    case "TIME":
      return values.timeOfDay(PER_SECOND[logical.unit]);
    case "TIMESTAMP":
      return values.timestamp(PER_SECOND[logical.unit], logical.isAdjustedToUTC);
    case "UUID":
      return values.UUID;
    case "FLOAT16":
      return values.stored(values.REAL, parseFloat16);
    case "JSON":
      return JSON_BYTES;
    case "NULL":
      return values.TEXT; // without values
    case "INTEGER":
      return logical.isSigned ? physicalType(element) : unsigned(element);
  }
  if (converted === "DECIMAL") return decimal(scale ?? 0);
  if (converted.startsWith("UINT_")) return unsigned(element);
  return CONVERTED[converted] ?? physicalType(element);
}

const textOfBytes = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
const JSON_BYTES = values.stored(values.JSON_TEXT, textOfBytes);

const CONVERTED: Readonly<Record<string, ValueType>> = {
  DATE: values.DATE,
  TIME_MILLIS: values.timeOfDay(MILLIS),
  TIME_MICROS: values.timeOfDay(MICROS),
  TIMESTAMP_MILLIS: values.timestamp(MILLIS, true),
  TIMESTAMP_MICROS: values.timestamp(MICROS, true),
  JSON: JSON_BYTES,
  INTERVAL: values.stored(values.INTERVAL, intervalOf),
};

function physicalType({ type }: SchemaElement): ValueType {
  switch (type) {
    case "BOOLEAN":
      return values.BOOLEAN;
    case "INT32":
      return values.INTEGER;
    case "INT64":
      return values.BIGINT;
    case "INT96":
      return values.timestamp(NANOS, false);
    case "FLOAT":
      return values.REAL;
    case "DOUBLE":
      return values.DOUBLE;
    default:
      return values.BYTEA;
  }
}

function unsigned({ type, converted_type: converted, logical_type: logical }: SchemaElement): ValueType {
  if (type === "INT64")
    return values.stored(values.HUGE_INTEGER, (value: bigint) => BigInt.asUintN(64, value));
  const is32Bits = converted === "UINT_32" || (logical?.type === "INTEGER" && logical.bitWidth === 32);
  return is32Bits ? values.stored(values.BIGINT, (value: number) => value >>> 0) : values.INTEGER;
}

const decimal = (scale: number) => values.stored(values.decimal(scale), unscaled);

/** Integers are stored as such, or as bytes in two's complement, the highest first. */
function unscaled(value: number | bigint | Uint8Array): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value);
  if (value.length === 0) return 0n;
  const digits = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
  return BigInt.asIntN(value.length * 8, BigInt(`0x${digits}`));
}

/** Three integers of four bytes: months, days, milliseconds. */
function intervalOf(bytes: Uint8Array): values.Months {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [months, days, ms] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [number, number, number];
  return { months, days, micros: BigInt(ms) * 1000n };
}
