import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { type Column, type ColumnKind, cellOf, columnValues, rowCountOf } from "../frame";
import { encodeGeometries, isGeometry } from "../frame/geometry-writer";
import { paced } from "../frame/pace";
import { isHexEwkb } from "../geometry/ewkb";
import { isMissing } from "../values";
import { shown } from "./check";
import type { GeometrySource } from "./geometry";
import { labelOf } from "./layer";
import {
  checkKind,
  type DataLayer,
  geomColOf,
  isoTimeMs,
  isStyleOption,
  type LayerData,
  lnglatOf,
  lnglatSource,
  missing,
  type Need,
  noGeometry,
  type StyleColumn,
  styleColumns,
  swapWarnings,
  type Times,
} from "./layer-data";

/** Columns that are used as the geometry if `geomCol` is not given. */
const USUAL_NAMES = ["the_geom", "geometry"];

/** Reads the data of a layer from the columns of a DataFrame that the layer uses. */
export function dataFromFrame(layer: DataLayer, frame: DataFrame, signal?: AbortSignal): Promise<LayerData> {
  return dataFromCells(layer, new FrameTable(frame), signal);
}

/** Reads the data of a layer from a table of JavaScript values. */
export async function dataFromCells(
  layer: DataLayer,
  table: CellTable,
  signal?: AbortSignal,
): Promise<LayerData> {
  const label = `layer ${labelOf(layer)}`;
  const columns = new Map<string, StyleColumn>();
  const read = new Map<string, Column>();
  let times: Times | undefined;
  const needs = styleColumns(layer);
  const wantedAsTimes = new Set(needs.flatMap((need) => (isForTimes(need) ? [need.column] : [])));
  for (const need of needs) {
    const column = columnOf(table, need.column, need.option, label);
    const asTimes = !isStyleOption(need.option) && wantedAsTimes.has(need.column);
    const kind = asTimes && holdsIsoTimes(column) ? "datetime" : kindOfValues(column);
    checkKind(need, kind, kind === "string" ? "text" : kind, label);
    if (need.option === "time") times = timesOf(column, kind);
    else if (!isStyleOption(need.option))
      read.set(need.column, read.get(need.column) ?? readColumn(column, kind));
    else columns.set(need.column, columns.get(need.column) ?? frameColumn(column, kind));
  }
  const positions = lnglatOf(layer);
  const geometry: GeometrySource =
    positions === undefined
      ? await frameGeometry(layer, table, label, signal)
      : lnglatSource(positions.map((name) => degreesOf(columnOf(table, name, "lnglat", label))));
  return {
    rowCount: table.rowCount,
    geometry,
    columns: [...columns.values()],
    shown: [...read.values()],
    ...(times && { times }),
    warnings: positions === undefined ? [] : swapWarnings(geometry, positions),
  };
}

/** A table of JavaScript values. */
export interface CellTable {
  readonly rowCount: number;
  readonly names: readonly string[];
  /** Name of the geometry column, if known. */
  readonly geometry?: string;
  /** Returns a column, or undefined if no column has this name. */
  column(name: string): CellColumn | undefined;
  /** Returns the first value of a column that is not missing. */
  firstOf(index: number): unknown;
}

/** @throws InvalidArgumentError if no column has the name that the option gives. */
function columnOf(table: CellTable, name: string, option: string, label: string): CellColumn {
  const column = table.column(name);
  if (column === undefined) throw missing(name, option, label, table.names);
  return column;
}

interface CellColumn {
  readonly name: string;
  /** danfo's dtype, if the column is from a DataFrame. */
  readonly dtype?: string;
  readonly values: readonly unknown[];
}

/** The cells of a DataFrame of any copy of danfo. */
class FrameTable implements CellTable {
  readonly rowCount: number;
  readonly names: readonly string[];
  readonly #frame: DataFrame;
  readonly #dtypes: readonly string[];

  constructor(frame: DataFrame) {
    const { $columns, $dtypes } = frame as unknown as {
      $columns: readonly unknown[];
      $dtypes: readonly string[];
    };
    this.#frame = frame;
    this.rowCount = rowCountOf(frame);
    this.names = $columns.map(String);
    this.#dtypes = $dtypes;
  }

  column(name: string): CellColumn | undefined {
    const index = this.names.indexOf(name);
    if (index === -1) return undefined;
    const dtype = this.#dtypes[index];
    return { name, ...(dtype !== undefined && { dtype }), values: columnValues(this.#frame, index) };
  }

  firstOf(index: number): unknown {
    for (let row = 0; row < this.rowCount; row++) {
      const value = cellOf(this.#frame, row, index);
      if (!isMissing(value)) return value;
    }
    return undefined;
  }
}

/** Finds the kind of a column from its values: danfo's dtypes are guesses. */
function kindOfValues({ values, dtype }: CellColumn): ColumnKind {
  const types = new Set<string>();
  for (const value of values) if (!isMissing(value)) types.add(value instanceof Date ? "date" : typeof value);
  const isOnly = (...wanted: string[]) => [...types].every((type) => wanted.includes(type));
  if (types.has("date") || dtype === "datetime") return "datetime";
  if (types.has("object")) return values.some(isGeometry) ? "geometry" : "object";
  if (isOnly("number", "bigint")) return "number";
  return isOnly("boolean") ? "boolean" : "string";
}

function frameColumn({ name, values }: CellColumn, kind: ColumnKind): StyleColumn {
  switch (kind) {
    case "number":
      return { name, pgtype: "float8", kind, values: numbersFrom(values, numberOf) };
    case "datetime":
      return { name, pgtype: "timestamptz", kind: "number", values: numbersFrom(values, msOf), isTime: true };
    case "boolean":
      return {
        name,
        pgtype: "bool",
        kind,
        values: values.map((value) => (isMissing(value) ? null : !!value)),
      };
    default:
      return {
        name,
        pgtype: "text",
        kind: "string",
        values: values.map((value) => (isMissing(value) ? null : String(value))),
      };
  }
}

/**
 * Returns true for the column of `time` and for formats such as "%d %B %Y". ".1%" also matches; it is only used with
 * numbers, which never hold ISO times.
 */
const isForTimes = ({ option, format }: Need) => option === "time" || format?.includes("%") === true;

/** Returns true for a column of text in which all values are ISO 8601 times, as files have them. */
function holdsIsoTimes({ values }: CellColumn): boolean {
  const isIso = (value: unknown) => typeof value === "string" && !Number.isNaN(isoTimeMs(value));
  return values.some(isIso) && values.every((value) => isMissing(value) || value === "" || isIso(value));
}

function timesOf({ name, values }: CellColumn, kind: ColumnKind): Times {
  if (kind === "number") return { kind: "number", column: name, values: numbersFrom(values, numberOf) };
  return { kind: "time", column: name, values: numbersFrom(values, msOf) };
}

function msOf(value: unknown): number {
  if (isMissing(value)) return Number.NaN;
  return typeof value === "string" ? isoTimeMs(value) : new Date(value as Date).getTime();
}

/** Converts a column that a tooltip, popup or label shows. */
function readColumn(column: CellColumn, kind: ColumnKind): Column {
  const { name, values } = column;
  if (kind === "datetime") return { name, pgtype: "timestamptz", kind, values: numbersFrom(values, msOf) };
  if (kind === "object")
    return { name, pgtype: "json", kind, values: values.map((value) => (isMissing(value) ? null : value)) };
  if (kind === "number" && values.some(isInexact))
    return {
      name,
      pgtype: "int8",
      kind: "string",
      values: values.map((value) => (isMissing(value) ? null : String(value))),
    };
  return frameColumn(column, kind);
}

/** Returns true for an integer that a double cannot hold; its column is shown as text, like an int8 of a table. */
const isInexact = (value: unknown) => typeof value === "bigint" && !Number.isSafeInteger(Number(value));

/** A plain loop: `Float64Array.from` allocates an object for each value. */
function numbersFrom(
  values: readonly unknown[],
  numberAt: (value: unknown, row: number) => number,
): Float64Array {
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) numbers[row] = numberAt(values[row], row);
  return numbers;
}

const numberOf = (value: unknown) => (isMissing(value) ? Number.NaN : Number(value));

/** Reads degrees from numbers, or from text, as CSV files loaded without types have them. */
function degreesOf({ name, values }: CellColumn): Float64Array {
  return numbersFrom(values, (value, row) => {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (isMissing(value) || value === "") return Number.NaN;
    const isDigits = typeof value === "string" && value.trim() !== "";
    const degrees = typeof value === "number" || isDigits ? Number(value) : Number.NaN;
    if (Number.isFinite(degrees)) return degrees;
    throw new InvalidArgumentError(
      `Column "${name}", row ${row} (counted from 0) must be a number of degrees, or null for no position, to be used as \`lnglat\`; got ${shown(value)}.`,
    );
  });
}

async function frameGeometry(
  layer: DataLayer,
  table: CellTable,
  label: string,
  signal?: AbortSignal,
): Promise<GeometrySource> {
  const { name, values } = columnOf(table, geometryName(layer, table), "geomCol", label);
  const encoded = await encodeGeometries(values, name, paced(signal), { mixedSrids: true });
  return { kind: "ewkb", column: name, values: encoded.values };
}

function geometryName(layer: DataLayer, table: CellTable): string {
  const { names } = table;
  const wanted = geomColOf(layer);
  if (wanted !== undefined) return wanted;
  if (table.geometry !== undefined) return table.geometry;
  const usual = USUAL_NAMES.find((name) => names.includes(name));
  const found = usual ?? names.find((_, i) => looksSpatial(table.firstOf(i)));
  if (found === undefined) throw noGeometry(layer, names);
  return found;
}

const looksSpatial = (value: unknown) => isGeometry(value) || (typeof value === "string" && isHexEwkb(value));
