import { InvalidArgumentError } from "../errors";
import type { BooleanColumn, Column, ColumnKind, Columns, Field, NumberColumn, StringColumn } from "../frame";
import { KINDS, pgTypeOf } from "../frame/types";
import { SRID_LNGLAT } from "../geo";
import { ident } from "../sql";
import { listed, near, shown } from "./check";
import { COLOR_NAMES } from "./css-color";
import type { GeometrySource } from "./geometry";
import { type Layer, labelOf, type QueryLayer } from "./layer";

export type DataLayer = Layer | QueryLayer;

/** A column that a style can depend on. */
export type StyleColumn = NumberColumn | StringColumn | BooleanColumn;

/** What is drawn of a layer: where its rows are, the columns of its style, and those that people read. */
export interface LayerData {
  readonly rowCount: number;
  readonly geometry: GeometrySource;
  readonly columns: readonly StyleColumn[];
  /** Of tooltips, popups and labels. */
  readonly shown?: readonly Column[];
  /** When the rows happened, if the layer has times. */
  readonly times?: Times;
  readonly warnings: readonly string[];
}

/** A layer and its data. */
export interface ResolvedLayer {
  readonly layer: DataLayer;
  readonly data: LayerData;
}

/** One per row, NaN where there is none: milliseconds since 1970, or numbers. */
export interface Times {
  readonly kind: "time" | "number";
  readonly column: string;
  readonly values: Float64Array;
}

/** Times in ISO 8601 as PostgreSQL, CSV files and GeoJSON write them. */
const ISO_TIME = /^(\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const THE_GEOM = "the_geom";
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
  const styled = styleColumns(layer).map((need) => {
    const field = find(fields, need.column, need.option, label, names);
    checkKind(need, kindOf(field.pgtype), field.pgtype, label);
    return field;
  });
  return [...new Set([...where, ...styled])];
}

/** The data of a layer from the columns that `fieldsOfLayer` chose. */
export function dataFromColumns(layer: DataLayer, { columns, rowCount }: Columns): LayerData {
  const label = `layer ${labelOf(layer)}`;
  const names = columns.map(({ name }) => name);
  const positions = lnglatOf(layer);
  const [styled, read] = [true, false].map(
    (isStyle) =>
      new Set(
        styleColumns(layer).flatMap(({ column, option }) =>
          option !== "time" && isStyleOption(option) === isStyle ? [column] : [],
        ),
      ),
  );
  const { time } = layer.style;
  const geometry: GeometrySource =
    positions === undefined
      ? ewkbSource(find(columns, geometryField(layer, columns, label).name, "geomCol", label, names))
      : lnglatSource(positions.map((name) => numbersOf(find(columns, name, "lnglat", label, names))));
  return {
    rowCount,
    geometry,
    columns: columns.flatMap((column) => (styled!.has(column.name) ? [toStyleColumn(column)] : [])),
    shown: columns.filter(({ name }) => read!.has(name)),
    ...(time && { times: timesOf(find(columns, time.column, "time", label, names)) }),
    warnings: positions === undefined ? [] : swapWarnings(geometry, positions),
  };
}

export const lnglatOf = (layer: DataLayer) => ("lnglat" in layer ? layer.lnglat : undefined);
export const geomColOf = (layer: DataLayer) => ("geomCol" in layer ? layer.geomCol : undefined);

/** A column that an option names. */
export interface Need {
  readonly option: "color" | "size" | "tooltip" | "popup" | "label" | "time";
  readonly column: string;
  /** How it is read. */
  readonly format?: string | undefined;
}

/** Whether a column decides how the layer looks; the others are read. */
export const isStyleOption = (option: Need["option"]): boolean => option === "color" || option === "size";

export function styleColumns({ style: { color, size, tooltip, popup, label, time } }: DataLayer): Need[] {
  const named = (option: "tooltip" | "popup", info: typeof tooltip) =>
    (info?.columns ?? []).map(({ column, format }) => ({ option, column, format }));
  return [
    ...(color?.kind === "column" ? [{ option: "color" as const, column: color.column }] : []),
    ...(size?.kind === "column" ? [{ option: "size" as const, column: size.column }] : []),
    ...named("tooltip", tooltip),
    ...named("popup", popup),
    ...(label === undefined
      ? []
      : [{ option: "label" as const, column: label.column, format: label.format }]),
    ...(time === undefined ? [] : [{ option: "time" as const, column: time.column }]),
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

/** For a column that an option names and the data have not. */
export function missing(
  name: string,
  option: string,
  label: string,
  names: readonly string[],
): InvalidArgumentError {
  const [close] = [...near(name, names), ...(option === "color" ? near(name, COLOR_NAMES) : [])];
  const hint = close === undefined ? "" : ` Did you mean ${shown(close)}?`;
  const what =
    option === "color"
      ? `${shown(name)} is neither a CSS colour nor a column of ${label}`
      : `${option} names ${shown(name)}, which is no column of ${label}`;
  return new InvalidArgumentError(`${what}. Its columns are ${listed(names)}.${hint}`);
}

/** @throws InvalidArgumentError if a style cannot depend on a column of this kind. */
export function checkKind({ option, column }: Need, kind: ColumnKind, type: string, label: string): void {
  const what = `column ${shown(column)} of ${label}`;
  if (option === "time") {
    if (kind === "number" || kind === "datetime") return;
    throw new InvalidArgumentError(
      `Cannot create an animated map from ${what} because it is of type ${type}. It must be of type number or date.`,
    );
  }
  if (!isStyleOption(option)) {
    if (kind !== "geometry") return;
    throw new InvalidArgumentError(`${option} cannot show ${what}: it is a geometry.`);
  }
  if (kind === "geometry") {
    throw new InvalidArgumentError(
      `Style columns cannot be geometry columns. ${shown(column)} was chosen for ${option} of ${label}.`,
    );
  }
  if (option === "size" && kind !== "number") {
    throw new InvalidArgumentError(`Cannot size by ${what}, which is of type ${type}. It must be numeric.`);
  }
  if (kind === "datetime" || kind === "object") {
    throw new InvalidArgumentError(
      `Cannot style ${what}, which is of type ${type}. It must be numeric, text, or boolean.`,
    );
  }
}

/** Infinite times and those beyond JavaScript's, which come as text, are none on a map. */
function timesOf(column: Column): Times {
  const { name, kind, values } = column;
  if (kindOf(column.pgtype) === "number") return { kind: "number", column: name, values: numbersOf(column) };
  const times =
    kind === "datetime"
      ? values
      : Float64Array.from(values as (string | null)[], (text) => isoTimeMs(text ?? ""));
  return { kind: "time", column: name, values: times };
}

/** What columns of a type are meant to be: numbers that came as text are numbers. */
function kindOf(pgtype: string): ColumnKind {
  const type = pgTypeOf(pgtype);
  if (type !== null) return KINDS[type];
  return pgtype.startsWith("_") || pgtype === "bytea" ? "object" : "string"; // enum, uuid, … are read as text
}

function geometryField(layer: DataLayer, fields: readonly Field[], label: string): Field {
  const names = fields.map(({ name }) => name);
  const geometries = fields.filter(({ pgtype }) => kindOf(pgtype) === "geometry");
  const wanted = geomColOf(layer);
  if (wanted !== undefined) {
    const field = find(fields, wanted, "geomCol", label, names);
    if (geometries.includes(field)) return field;
    throw new InvalidArgumentError(
      `geomCol names ${shown(wanted)}, which is of type ${field.pgtype}; expected a geometry.`,
    );
  }
  const field = geometries.find(({ name }) => name === THE_GEOM) ?? geometries[0];
  if (field === undefined) throw noGeometry(layer, names);
  return field;
}

/** Python's "No geometry for layer", with what to do. */
export function noGeometry(layer: DataLayer, names: readonly string[]): InvalidArgumentError {
  const [lng, lat] = lnglatNames(names) ?? [];
  const advice =
    layer.from.kind === "query"
      ? `Add one to the query, like ST_SetSRID(ST_MakePoint(${ident(lng ?? "lng")}, ${ident(lat ?? "lat")}), ${SRID_LNGLAT}) AS the_geom.`
      : lng === undefined
        ? "Pass lnglat: [longitude, latitude], or the name of a column of geometries as geomCol."
        : `Pass lnglat: [${listed([lng, lat!])}].`;
  return new InvalidArgumentError(
    `No geometry for layer ${labelOf(layer)}. Its columns are ${listed(names)}. ${advice}`,
  );
}

function lnglatNames(names: readonly string[]): [lng: string, lat: string] | undefined {
  for (const pair of LNGLAT_NAMES) {
    const [lng, lat] = pair.map((part) => names.find((name) => name.toLowerCase() === part));
    if (lng !== undefined && lat !== undefined) return [lng, lat];
  }
  return undefined;
}

function degreesField(field: Field, label: string): Field {
  if (kindOf(field.pgtype) === "number") return field;
  throw new InvalidArgumentError(
    `lnglat names ${shown(field.name)} of ${label}, which is of type ${field.pgtype}; expected numbers of degrees.`,
  );
}

function ewkbSource(column: Column): GeometrySource {
  return { kind: "ewkb", column: column.name, values: column.values as readonly (string | null)[] };
}

export function lnglatSource([lng, lat]: readonly Float64Array[]): GeometrySource {
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
  if (kindOf(column.pgtype) === "number") return { ...column, kind: "number", values: numbersOf(column) };
  return column as StyleColumn;
}

/** What looks like latitude and longitude in the wrong order. */
export function swapWarnings(
  geometry: GeometrySource,
  [lngName, latName]: readonly [string, string],
): string[] {
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

/** Milliseconds since 1970, NaN if it is none. Without a zone it is UTC, as a `timestamp` column is. */
export function isoTimeMs(text: string): number {
  const [, day, clock = "00:00", zone = "Z"] = ISO_TIME.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  return Date.parse(`${day}T${clock}${/^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone}`);
}
