/** Arrow IPC files and streams, and Feather version 2: https://arrow.apache.org/docs/format/Columnar.html */
import { open } from "node:fs/promises";
import {
  CompressionType,
  compressionRegistry,
  type Data,
  DataType,
  type Field,
  type RecordBatch,
  RecordBatchReader,
  Type,
  Vector,
} from "apache-arrow";
import { decompress as unzstd } from "fzstd";
import { decompress as unlz4 } from "lz4js";
import { projDefinition } from "../../../geometry/crs";
import { ImportFailure } from "../errors";
import {
  type Batch,
  type ColumnarFile,
  type FileColumn,
  type GeoMetadata,
  type GeometryMeta,
  geoMetadata,
  primaryFirst,
} from "./file";
import { isNative } from "./geometry";
import * as values from "./values";

type ValueType = values.ValueType;
/** Returns a value of a column, or of a part of a nested column. */
type Getter = (data: Data, row: number) => unknown;
interface Column {
  readonly type: ValueType;
  readonly get: Getter;
}

compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: (bytes) => unlz4(bytes) });
// A copy begins at an address that typed arrays accept.
compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => unzstd(bytes).slice() });

/** Units per second, in the order of Arrow's TimeUnit. */
const PER_SECOND = [1n, 1000n, 1_000_000n, 1_000_000_000n] as const;

export async function openArrow(path: string): Promise<ColumnarFile> {
  const file = await open(path);
  const reader = await RecordBatchReader.from(file);
  await reader.open();
  const { fields, metadata } = reader.schema;
  const geo = geoMetadata(metadata.get("geo"));
  const read = fields.map((field, at) => ({ at, ...columnOf(field, geo) }));
  const columns = primaryFirst(
    read.map(({ column }) => column),
    geo.primary,
  );
  const inOrder = columns.map((column) => read.find((one) => one.column === column)!); // of the same columns
  return {
    columns,
    rowCount: null,
    async *batches(): AsyncGenerator<Batch> {
      for await (const batch of reader as AsyncIterable<RecordBatch>) {
        const getters = inOrder.map(({ at, get }) => {
          const data = batch.data.children[at]!; // one per field
          return (row: number) => get(data, row);
        });
        yield { rowCount: batch.numRows, columns: getters };
      }
    },
  };
}

function columnOf(field: Field, geo: GeoMetadata): { column: FileColumn; get: Getter } {
  const { name } = field;
  const { type, get } = columnOfType(field.type, name);
  const geometry = geo.columns.get(name) ?? geoArrow(field);
  return { column: geometry ? { kind: "geometry", name, ...geometry } : { kind: "values", name, type }, get };
}

/** Reads the extension type of a field: https://geoarrow.org/extension-types.html */
function geoArrow({ metadata }: Field): GeometryMeta | undefined {
  const extension = metadata.get("ARROW:extension:name") ?? "";
  const encoding = /^(?:geoarrow|ogc)\.(\w+)$/.exec(extension)?.[1];
  if (encoding === undefined) return undefined;
  const { crs } = JSON.parse(metadata.get("ARROW:extension:metadata") || "{}");
  return { encoding, crs: projDefinition(crs), types: isNative(encoding) ? [encoding] : [] };
}

/** @throws ImportFailure 2001 for a type without a counterpart */
function columnOfType(type: DataType, name: string): Column {
  const { type: written, get } = withValues(type, name);
  return { type: written, get: (data, row) => (data.getValid(row) ? get(data, row) : null) };
}

function withValues(type: DataType, name: string): Column {
  if (LISTS.has(type.typeId)) return listColumn(type, name);
  if (DataType.isMap(type)) return mapColumn(type, name);
  if (DataType.isStruct(type)) return structColumn(type, name);
  if (DataType.isDictionary(type)) {
    const { type: of, get } = columnOfType(type.dictionary, name);
    return { type: of, get: (data, row) => fromDictionary(data, row, get) };
  }
  const scalar = storedType(type);
  if (scalar) return { type: scalar, get: (data, row) => data.values[row] };
  if (DataType.isDecimal(type)) {
    const words = type.bitWidth / 32;
    return {
      type: values.decimal(type.scale),
      get: (data, row) => integerOf(data.values, row * words, words),
    };
  }
  const simple = SIMPLE[type.typeId];
  if (simple === undefined) {
    throw new ImportFailure(
      2001,
      `The type of the column "${name}", ${String(type)}, cannot be imported. Convert or leave out the column.`,
    );
  }
  return { type: simple(type), get: (data, row) => vectorOf(data).get(row) };
}

/** Types whose values arrow would round, and which are therefore read as they are stored. */
function storedType(type: DataType): ValueType | undefined {
  if (DataType.isDate(type)) {
    const isDays = type.unit === 0;
    return isDays ? values.DATE : values.stored(values.DATE, (ms: bigint) => Number(ms) / 86_400_000);
  }
  if (DataType.isTimestamp(type)) return values.timestamp(PER_SECOND[type.unit], Boolean(type.timezone));
  if (DataType.isTime(type)) return values.timeOfDay(PER_SECOND[type.unit]);
  if (DataType.isDuration(type)) return values.duration(PER_SECOND[type.unit]);
  return undefined;
}

const LISTS: ReadonlySet<Type> = new Set([Type.List, Type.LargeList, Type.FixedSizeList]);
const text = () => values.TEXT;
const bytes = () => values.BYTEA;

const SIMPLE: Readonly<Partial<Record<Type, (type: DataType) => ValueType>>> = {
  [Type.Null]: text,
  [Type.Bool]: () => values.BOOLEAN,
  [Type.Int]: (type) => {
    const { bitWidth, isSigned } = type as DataType & { bitWidth: number; isSigned: boolean };
    if (bitWidth === 64) return isSigned ? values.BIGINT : values.HUGE_INTEGER;
    return bitWidth === 32 && !isSigned ? values.BIGINT : values.INTEGER;
  },
  [Type.Float]: (type) => (DataType.isFloat(type) && type.precision === 2 ? values.DOUBLE : values.REAL),
  [Type.Utf8]: text,
  [Type.LargeUtf8]: text,
  [Type.Utf8View]: text,
  [Type.Binary]: bytes,
  [Type.BinaryView]: bytes,
  [Type.LargeBinary]: bytes,
  [Type.FixedSizeBinary]: bytes,
};

const vectors = new WeakMap<Data, Vector>();
function vectorOf(data: Data): Vector {
  let vector = vectors.get(data);
  if (!vector) {
    vector = new Vector([data]);
    vectors.set(data, vector);
  }
  return vector;
}

function listColumn(type: DataType, name: string): Column {
  const { type: of, get } = columnOfType(type.children[0]!.type, name); // lists have one child
  const size = DataType.isFixedSizeList(type) ? type.listSize : null;
  return {
    type: values.list(of),
    get: ({ children: [child], valueOffsets }, row) => {
      const from = size === null ? Number(valueOffsets[row]) : row * size;
      const to = size === null ? Number(valueOffsets[row + 1]) : from + size;
      return Array.from({ length: to - from }, (_, i) => get(child!, from + i));
    },
  };
}

function structColumn(type: DataType, name: string): Column {
  const parts = type.children.map((field) => ({ field, ...columnOfType(field.type, name) }));
  return {
    type: values.struct(parts.map(({ field, type: of }) => [field.name, of])),
    get: ({ children }, row) =>
      Object.fromEntries(parts.map(({ field, get }, i) => [field.name, get(children[i]!, row)])),
  };
}

function mapColumn(type: DataType, name: string): Column {
  const [key, value] = type.children[0]!.type.children.map((field: Field) => columnOfType(field.type, name));
  return {
    type: values.map(key!.type, value!.type), // a map has a struct of two
    get: ({ children: [pairs], valueOffsets }, row) => {
      const [keys, members] = pairs!.children;
      const from = Number(valueOffsets[row]);
      return Array.from({ length: Number(valueOffsets[row + 1]) - from }, (_, i) => [
        key!.get(keys!, from + i),
        value!.get(members!, from + i),
      ]);
    },
  };
}

/** A dictionary may consist of several parts. */
function fromDictionary({ dictionary, values: keys }: Data, row: number, get: Getter): unknown {
  let at = Number(keys[row]);
  for (const part of dictionary!.data) {
    if (at < part.length) return get(part, at);
    at -= part.length;
  }
  return null;
}

/** Joins 32-bit words, the lowest first, to a signed integer. */
function integerOf(words: Uint32Array, at: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[at + i]!); // within the array
  return BigInt.asIntN(count * 32, value);
}
