import type { Data, DataType, Field, RecordBatch } from "apache-arrow";
import { writeNewFile } from "../disk";
import {
  columnsOf,
  type Kind,
  MAX_DIGITS,
  type OutputColumn,
  type OutputValue,
  throughFile,
} from "./columns";
import type { Export } from "./format";

type Arrow = typeof import("apache-arrow");

/** Metadata of GeoArrow: https://geoarrow.org/extension-types.html */
const GEOARROW = new Map([
  ["ARROW:extension:name", "geoarrow.wkb"],
  ["ARROW:extension:metadata", JSON.stringify({ crs: "OGC:CRS84", crs_type: "authority_code" })],
]);

/** Writes an Arrow IPC file, which is also Feather version 2. */
export const arrow: Export = async (request) => {
  const lib = await import("apache-arrow");
  const { columns, batches } = await columnsOf(request);
  const fields = columns.map((column) => fieldOf(lib, column));
  const schema = new lib.Schema(fields);
  const recordBatches = async function* (): AsyncGenerator<RecordBatch> {
    for await (const batch of batches()) {
      const length = batch[0]?.length ?? 0;
      const children = batch.map((values, i) => dataOf(lib, fields[i]!.type, columns[i]!.kind, values)); // one each
      yield new lib.RecordBatch(schema, lib.makeData({ type: new lib.Struct(fields), length, children }));
    }
  };
  return throughFile(request, async (path) => {
    const writer = lib.RecordBatchFileWriter.writeAll(recordBatches());
    await writeNewFile(path, (await writer) as AsyncIterable<Uint8Array>, request.options.signal);
  });
};

function fieldOf(lib: Arrow, { name, kind, scale }: OutputColumn): Field {
  const type = kind === "decimal" ? new lib.Decimal(scale, MAX_DIGITS, 128) : typesOf(lib)[kind]();
  return new lib.Field(name, type, true, kind === "geometry" ? GEOARROW : undefined);
}

const typesOf = (lib: Arrow): Readonly<Record<Exclude<Kind, "decimal">, () => DataType>> => ({
  bool: () => new lib.Bool(),
  int32: () => new lib.Int32(),
  int64: () => new lib.Int64(),
  float: () => new lib.Float32(),
  double: () => new lib.Float64(),
  date: () => new lib.DateDay(),
  time: () => new lib.TimeMicrosecond(),
  timestamp: () => new lib.TimestampMicrosecond(),
  timestamptz: () => new lib.TimestampMicrosecond("UTC"),
  json: () => new lib.Utf8(),
  bytes: () => new lib.Binary(),
  geometry: () => new lib.Binary(),
  text: () => new lib.Utf8(),
});

/** Integers are stored here, because arrow's own builders round times. */
const INTEGERS: Readonly<Partial<Record<Kind, (values: readonly OutputValue[]) => ArrayBufferView>>> = {
  int32: (values) => Int32Array.from(values, Number),
  date: (values) => Int32Array.from(values, Number),
  int64: bigints,
  time: bigints,
  timestamp: bigints,
  timestamptz: bigints,
  decimal: (values) => {
    const words = new BigInt64Array(values.length * 2);
    for (const [i, value] of values.entries()) {
      words[2 * i] = BigInt.asIntN(64, (value ?? 0n) as bigint);
      words[2 * i + 1] = BigInt.asIntN(64, ((value ?? 0n) as bigint) >> 64n);
    }
    return new Uint32Array(words.buffer);
  },
};

function bigints(values: readonly OutputValue[]): BigInt64Array {
  return BigInt64Array.from(values as (bigint | null)[], (value) => value ?? 0n);
}

function dataOf(lib: Arrow, type: DataType, kind: Kind, values: readonly OutputValue[]): Data {
  const store = INTEGERS[kind];
  if (store === undefined) {
    const [data] = lib.vectorFromArray(values as unknown[], type).data;
    return data ?? lib.makeData({ type, length: 0 } as never);
  }
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  for (const [i, value] of values.entries()) {
    if (value === null) nullCount++;
    else nullBitmap[i >> 3]! |= 1 << (i & 7); // within the array
  }
  return lib.makeData({ type, length: values.length, nullCount, nullBitmap, data: store(values) } as never);
}
