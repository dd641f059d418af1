import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import type { BooleanColumn, Column, Columns, Field, NumberColumn, StringColumn } from "../frame";
import { encodeGeometries, isGeometry, isHexEwkb } from "../frame/geometry-writer";
import { paced } from "../frame/pace";
import { KINDS, pgTypeOf } from "../frame/types";
import { listed, near, shown } from "./check";
import type { GeometrySource } from "./geometry";
import { type Layer, labelOf, type QueryLayer } from "./layer";

export type DataLayer = Layer | QueryLayer;

/** A column that a style can depend on. */
export type StyleColumn = NumberColumn | StringColumn | BooleanColumn;

/** What is drawn of a layer: where its rows are, and the columns of its style. */
export interface LayerData {
  readonly rowCount: number;
  readonly geometry: GeometrySource;
  readonly columns: readonly StyleColumn[];
  readonly warnings: readonly string[];
}

const THE_GEOM = "the_geom";
const GEOMETRY = "geometry";
/** Pairs of names that columns of longitude and latitude often have, for a hint. */
const LNGLAT_NAMES = [
  ["longitude", "latitude"],
  ["lng", "lat"],
  ["lon", "lat"],
  ["long", "lat"],
  ["x", "y"],
] as const;

/**
 * The columns of a result that a layer needs.
 * @throws InvalidArgumentError if one is not there or cannot be what it is asked to be.
 */
export function fieldsOfLayer(layer: DataLayer, fields: readonly Field[]): Field[] {
  const label = `layer ${labelOf(layer)}`;
  const names = fields.map(({ name }) => name);
  const positions = lnglatOf(layer);
  const where =
    positions === undefined
      ? [geometryField(layer, fields, label)]
      : positions.map((name) => degreesField(find(fields, name, "lnglat", label, names), label));
  const styled = styleColumns(layer).map(({ option, column }) => {
    const field = find(fields, column, option, label, names);
    checkType(option, field);
    return field;
  });
  return [...new Set([...where, ...styled])];
}

/** The data of a layer from the columns that `fieldsOfLayer` chose. */
export function dataFromColumns(layer: DataLayer, { columns, rowCount }: Columns): LayerData {
  const label = `layer ${labelOf(layer)}`;
  const names = columns.map(({ name }) => name);
  const positions = lnglatOf(layer);
  const styled = new Set(styleColumns(layer).map(({ column }) => column));
  const geometry: GeometrySource =
    positions === undefined
      ? ewkbSource(find(columns, geometryField(layer, columns, label).name, "geomCol", label, names))
      : lnglatSource(positions.map((name) => numbersOf(find(columns, name, "lnglat", label, names))));
  return {
    rowCount,
    geometry,
    columns: columns.flatMap((column) => (styled.has(column.name) ? [toStyleColumn(column)] : [])),
    warnings: positions === undefined ? [] : swapWarnings(geometry, positions),
  };
}

/** The data of a layer from a DataFrame, without a server. Takes only the columns it needs. */
export async function dataFromFrame(
  layer: DataLayer,
  frame: DataFrame,
  signal?: AbortSignal,
): Promise<LayerData> {
  const table = new FrameTable(frame);
  const label = `layer ${labelOf(layer)}`;
  const styled = [...new Map(styleColumns(layer).map((need) => [need.column, need])).values()];
  const columns = styled.map(({ option, column }) => {
    const found = inferStyleColumn(column, table.values(column, option, label));
    return found;
  });
  for (const { option, column } of styleColumns(layer))
    checkType(option, columns.find(({ name }) => name === column)!);
  const positions = lnglatOf(layer);
  const geometry: GeometrySource =
    positions === undefined
      ? await frameGeometry(layer, table, label, signal)
      : lnglatSource(positions.map((name) => degreesOf(name, table.values(name, "lnglat", label))));
  return {
    rowCount: table.rowCount,
    geometry,
    columns: columns as StyleColumn[],
    warnings: positions === undefined ? [] : swapWarnings(geometry, positions),
  };
}

const lnglatOf = (layer: DataLayer) => ("lnglat" in layer ? layer.lnglat : undefined);
const geomColOf = (layer: DataLayer) => ("geomCol" in layer ? layer.geomCol : undefined);

interface Need {
  readonly option: "color" | "size";
  readonly column: string;
}

function styleColumns({ style: { color, size } }: DataLayer): Need[] {
  return [
    ...(color?.kind === "column" ? [{ option: "color" as const, column: color.column }] : []),
    ...(size?.kind === "column" ? [{ option: "size" as const, column: size.column }] : []),
  ];
}

function find<T extends { readonly name: string }>(
  columns: readonly T[],
  name: string,
  option: string,
  label: string,
  names: readonly string[],
): T {
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw missing(name, option, label, names);
  return column;
}

function missing(
  name: string,
  option: string,
  label: string,
  names: readonly string[],
): InvalidArgumentError {
  const [close] = near(name, names);
  const hint = close === undefined ? "" : ` Did you mean ${shown(close)}?`;
  const what =
    option === "color"
      ? `${shown(name)} is neither a CSS colour nor a column of ${label}`
      : `${option} names ${shown(name)}, which is no column of ${label}`;
  return new InvalidArgumentError(`${what}. Its columns are ${listed(names)}.${hint}`);
}

/** @throws InvalidArgumentError if no style can depend on a column of this type. */
function checkType(option: Need["option"], { name, pgtype }: Field): void {
  const kind = styleKind(pgtype);
  if (kind === "geometry")
    throw new InvalidArgumentError(
      `Style columns cannot be geometry columns. ${shown(name)} was chosen for ${option}.`,
    );
  if (option === "size" && kind !== "number")
    throw new InvalidArgumentError(
      `Cannot size by column ${shown(name)} of type ${pgtype}. It must be numeric.`,
    );
  if (kind === null)
    throw new InvalidArgumentError(
      `Cannot style column ${shown(name)} of type ${pgtype}. It must be numeric, text, or boolean.`,
    );
}

/** What a type is to a style; null if no style can depend on it. Unknown types (enum, uuid) are read as text. */
function styleKind(pgtype: string): "number" | "boolean" | "string" | "geometry" | null {
  const type = pgTypeOf(pgtype);
  if (type === null) return pgtype.startsWith("_") || pgtype === "bytea" ? null : "string";
  const kind = KINDS[type];
  return kind === "datetime" || kind === "object" ? null : kind;
}

function geometryField(layer: DataLayer, fields: readonly Field[], label: string): Field {
  const names = fields.map(({ name }) => name);
  const geometries = fields.filter(
    ({ pgtype }) => pgTypeOf(pgtype) !== null && styleKind(pgtype) === "geometry",
  );
  const wanted = geomColOf(layer);
  if (wanted !== undefined) {
    const field = find(fields, wanted, "geomCol", label, names);
    if (geometries.includes(field)) return field;
    throw new InvalidArgumentError(
      `geomCol names ${shown(wanted)}, which is of type ${field.pgtype}; expected a geometry.`,
    );
  }
  const field = geometries.find(({ name }) => name === THE_GEOM) ?? geometries[0];
  if (field === undefined) throw noGeometry(label, names, "put a geometry column into the query");
  return field;
}

/** Like Python's "No geometry for layer", with what to do. */
function noGeometry(label: string, names: readonly string[], advice: string): InvalidArgumentError {
  const pair = LNGLAT_NAMES.map((pair) =>
    pair.map((part) => names.find((name) => name.toLowerCase() === part)),
  ).find((found) => found.every((name) => name !== undefined));
  const hint =
    pair === undefined
      ? `Pass lnglat: [longitude, latitude], or ${advice}`
      : `Pass lnglat: [${listed(pair as string[])}]`;
  return new InvalidArgumentError(`No geometry for ${label}. Its columns are ${listed(names)}. ${hint}.`);
}

function degreesField(field: Field, label: string): Field {
  if (styleKind(field.pgtype) === "number") return field;
  throw new InvalidArgumentError(
    `lnglat names ${shown(field.name)} of ${label}, which is of type ${field.pgtype}; expected numbers of degrees.`,
  );
}

function ewkbSource(column: Column): GeometrySource {
  return { kind: "ewkb", column: column.name, values: column.values as readonly (string | null)[] };
}

function lnglatSource([lng, lat]: readonly Float64Array[]): GeometrySource {
  return { kind: "lnglat", lng: lng!, lat: lat! };
}

/** Numbers that came as text because they are not exact as doubles are numbers again: a map needs no more. */
function numbersOf({ values, nulls }: Column): Float64Array {
  const numbers =
    values instanceof Float64Array ? values : Float64Array.from(values as (string | null)[], toNumber);
  return nulls === undefined ? numbers : numbers.map((value, row) => (nulls[row] === 1 ? Number.NaN : value));
}

const toNumber = (text: string | null) => (text === null ? Number.NaN : Number(text));

function toStyleColumn(column: Column): StyleColumn {
  if (styleKind(column.pgtype) === "number") return { ...column, kind: "number", values: numbersOf(column) };
  return column as StyleColumn;
}

/** The cells of a DataFrame, whichever copy of danfo made it. */
class FrameTable {
  readonly rowCount: number;
  readonly names: readonly string[];
  // the rows are the one place that danfo keeps right: assigning a Series to a column spoils its columns
  private readonly rows: readonly (readonly unknown[])[];
  readonly dtypes: readonly string[];

  constructor(frame: DataFrame) {
    const { $data, $columns, $dtypes } = frame as unknown as {
      $data: readonly (readonly unknown[])[];
      $columns: readonly unknown[];
      $dtypes: readonly string[];
    };
    this.rows = $data;
    this.rowCount = $data.length;
    this.names = $columns.map(String);
    this.dtypes = $dtypes;
  }

  values(name: string, option: string, label: string): unknown[] {
    const index = this.names.indexOf(name);
    if (index === -1) throw missing(name, option, label, this.names);
    return this.at(index);
  }

  at(index: number): unknown[] {
    return this.rows.map((row) => row[index]);
  }

  /** The first value of a column that is not missing. */
  firstOf(index: number): unknown {
    const row = this.rows.find((cells) => !isMissing(cells[index]));
    return row?.[index];
  }
}

const isMissing = (value: unknown) =>
  value === null || value === undefined || (typeof value === "number" && Number.isNaN(value));

/** A column by its values, as danfo's dtypes are guesses: numbers, booleans, or text. */
function inferStyleColumn(name: string, values: readonly unknown[]): Column {
  const types = new Set<string>();
  for (const value of values) if (!isMissing(value)) types.add(value instanceof Date ? "date" : typeof value);
  if (types.has("date")) return { name, pgtype: "timestamptz", kind: "object", values };
  if (types.has("object")) {
    const isSpatial = values.some((value) => isGeometry(value));
    return { name, pgtype: isSpatial ? "geometry" : "jsonb", kind: "object", values };
  }
  types.delete("bigint");
  const [type = "number"] = types;
  if (types.size <= 1 && type === "number") {
    const numbers = Float64Array.from(values, (value) => (isMissing(value) ? Number.NaN : Number(value)));
    return { name, pgtype: "float8", kind: "number", values: numbers };
  }
  if (types.size === 1 && type === "boolean") {
    const booleans = values.map((value) => (isMissing(value) ? null : value === true));
    return { name, pgtype: "bool", kind: "boolean", values: booleans };
  }
  const texts = values.map((value) => (isMissing(value) ? null : String(value)));
  return { name, pgtype: "text", kind: "string", values: texts };
}

/** Degrees as numbers, or as digits in a text, as tables loaded without types have them. */
function degreesOf(name: string, values: readonly unknown[]): Float64Array {
  return Float64Array.from(values, (value, row) => {
    if (isMissing(value) || value === "") return Number.NaN;
    const isDigits = typeof value === "string" && value.trim() !== "";
    const degrees = typeof value === "number" || isDigits ? Number(value) : Number.NaN;
    if (Number.isFinite(degrees)) return degrees;
    throw new InvalidArgumentError(
      `Column "${name}", row ${row} (counted from 0) holds ${shown(value)}. lnglat needs degrees as numbers; null where there is no position.`,
    );
  });
}

function swapWarnings(geometry: GeometrySource, [lngName, latName]: readonly [string, string]): string[] {
  if (geometry.kind !== "lnglat") return [];
  const { lng, lat } = geometry;
  let outside = 0;
  for (let row = 0; row < lng.length; row++)
    if (Math.abs(lng[row]!) > 180 || Math.abs(lat[row]!) > 90) outside++;
  if (outside === 0) return [];
  const points = lng.length.toLocaleString("en-US");
  return [
    `${outside.toLocaleString("en-US")} of ${points} points lie outside longitude ±180 or latitude ±90. ` +
      `lnglat is [longitude, latitude]: are "${lngName}" and "${latName}" swapped?`,
  ];
}

async function frameGeometry(
  layer: DataLayer,
  table: FrameTable,
  label: string,
  signal?: AbortSignal,
): Promise<GeometrySource> {
  const index = geometryIndex(layer, table, label);
  const column = table.names[index]!;
  const { values } = await encodeGeometries(table.at(index), column, paced(signal), { mixedSrids: true });
  return { kind: "ewkb", column, values };
}

function geometryIndex(layer: DataLayer, table: FrameTable, label: string): number {
  const { names } = table;
  const wanted = geomColOf(layer);
  if (wanted !== undefined) {
    if (!names.includes(wanted)) throw missing(wanted, "geomCol", label, names);
    return names.indexOf(wanted);
  }
  for (const name of [THE_GEOM, GEOMETRY]) if (names.includes(name)) return names.indexOf(name);
  const found = names.findIndex((_, i) => looksSpatial(table.firstOf(i)));
  if (found === -1) throw noGeometry(label, names, "name a column of geometries with geomCol");
  return found;
}

const looksSpatial = (value: unknown) => isGeometry(value) || (typeof value === "string" && isHexEwkb(value));
