import type { SchemaElement } from "hyparquet";
import { readEwkbHead, viewOf, walkEwkb } from "../../geometry/ewkb";
import { SHAPE_TYPES } from "../../geometry/shape";
import { Box } from "../imports/columnar/geometry";
import {
  columnsOf,
  type Kind,
  MAX_DIGITS,
  type OutputColumn,
  type OutputValue,
  throughFile,
} from "./columns";
import type { Export } from "./format";

const DECIMAL_BYTES = 16;

type Element = Omit<SchemaElement, "name" | "repetition_type">;
const ELEMENTS: Readonly<Record<Exclude<Kind, "decimal">, Element>> = {
  bool: { type: "BOOLEAN" },
  int32: { type: "INT32" },
  int64: { type: "INT64" },
  float: { type: "FLOAT" },
  double: { type: "DOUBLE" },
  date: { type: "INT32", converted_type: "DATE" },
  time: { type: "INT64", logical_type: { type: "TIME", isAdjustedToUTC: false, unit: "MICROS" } },
  timestamp: { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MICROS" } },
  timestamptz: { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" } },
  json: { type: "BYTE_ARRAY", logical_type: { type: "JSON" } },
  bytes: { type: "BYTE_ARRAY" },
  geometry: { type: "BYTE_ARRAY" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
};

/** Writes Parquet, with the metadata of GeoParquet 1.1 if there is a geometry: https://geoparquet.org/releases/v1.1.0/ */
export const parquet: Export = async (request) => {
  const { columns, primary, batches } = await columnsOf(request);
  return throughFile(request, async (path) => {
    const { fileWriter, ParquetWriter } = await import("hyparquet-writer");
    const schema = [{ name: "root", num_children: columns.length }, ...columns.map(elementOf)];
    const writer = new ParquetWriter({ writer: fileWriter(path), schema, createdBy: "cartoframes" });
    const about = new Map(
      columns.filter(({ kind }) => kind === "geometry").map(({ name }) => [name, new GeometrySummary()]),
    );
    for await (const batch of batches()) {
      const columnData = columns.map(({ name, kind }, i) => {
        const values = batch[i]!; // one array per column
        about.get(name)?.add(values);
        return { name, data: kind === "json" ? values.map(utf8) : values };
      });
      await writer.write({ columnData });
    }
    if (primary !== undefined) writer.kvMetadata = [{ key: "geo", value: geoMetadata(primary, about) }];
    await writer.finish();
  });
};

const utf8 = (value: OutputValue) => (typeof value === "string" ? Buffer.from(value) : value);

function elementOf({ name, kind, scale }: OutputColumn): SchemaElement {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  if (kind !== "decimal") return { ...optional, ...ELEMENTS[kind] };
  const type = { type: "FIXED_LEN_BYTE_ARRAY", type_length: DECIMAL_BYTES } as const;
  return { ...optional, ...type, converted_type: "DECIMAL", scale, precision: MAX_DIGITS };
}

function geoMetadata(primary: string, about: ReadonlyMap<string, GeometrySummary>): string {
  const columns = Object.fromEntries([...about].map(([name, summary]) => [name, summary.metadata()]));
  return JSON.stringify({ version: "1.1.0", primary_column: primary, columns });
}

/** The types of the geometries of a column, and the box around them. */
class GeometrySummary {
  readonly #types = new Set<string>();
  readonly #box = new Box();

  add(values: readonly OutputValue[]): void {
    for (const bytes of values) {
      if (!(bytes instanceof Uint8Array)) continue;
      const view = viewOf(bytes);
      const head = readEwkbHead(view, 0, bytes.length);
      if (head) this.#types.add(`${SHAPE_TYPES[head.code - 1]}${head.hasZ ? " Z" : ""}`);
      walkEwkb(view, 0, bytes.length, this.#box);
    }
  }

  metadata(): object {
    const corners = this.#box.corners.flat();
    const types = { encoding: "WKB", geometry_types: [...this.#types].sort() };
    return corners.length > 0 ? { ...types, bbox: corners } : types;
  }
}
