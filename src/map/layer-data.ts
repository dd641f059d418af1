import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import type { BooleanColumn, Column, ColumnKind, Columns, Field, NumberColumn, StringColumn } from "../frame";
import { KINDS, pgTypeOf } from "../frame/types";
import { SRID_LNGLAT } from "../geo";
import { ident } from "../sql";
import { listed, near, shown } from "./check";
import { COLOR_NAMES } from "./css-color";
import type { GeoJson } from "./geojson";
import type { GeometrySource } from "./geometry";
import { type Layer, labelOf, type QueryLayer } from "./layer";

export type DataLayer = Layer | QueryLayer;

/** A column that colour or size can depend on. Times are numbers: milliseconds since 1970. */
export type StyleColumn =
  | (NumberColumn & {
      readonly isTime?: true;
      readonly cameAsText?: boolean;
      /** Numbers of points. */
      readonly isCount?: true;
    })
  | StringColumn
  | BooleanColumn;

/** The data of a layer: the geometry of its rows, the columns of its style, and those it shows to readers. */
export interface LayerData {
  readonly rowCount: number;
  readonly geometry: GeometrySource;
  /** Columns that colour, size or the value of cells depend on. */
  readonly columns: readonly StyleColumn[];
  /** Columns of tooltips, popups and labels. */
  readonly shown?: readonly Column[];
  /** Times of the rows, for an animated layer. */
  readonly times?: Times;
  /** `cartodb_id` of each row of a table or query whose rows can be selected. */
  readonly ids?: Float64Array;
  /** The DataFrame or GeoJSON that a file contained. */
  readonly content?: DataFrame | GeoJson;
  readonly warnings: readonly string[];
}

/** A layer with its data. */
export interface ResolvedLayer {
  readonly layer: DataLayer;
  readonly data: LayerData;
  /** Resolution of the cells of H3 that the layer consists of. */
  readonly h3?: number;
}

/** One time per row: milliseconds since 1970, or numbers; NaN if missing. */
export interface Times {
  readonly kind: "time" | "number";
  readonly column: string;
  readonly values: Float64Array;
}

/** ISO 8601 as PostgreSQL, CSV files and GeoJSON write it. */
const ISO_TIME = /^(\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const THE_GEOM = "the_geom";
/** Common names of longitude and latitude columns, for the hint in an error message. */
const LNGLAT_NAMES = [
  ["longitude", "latitude"],
  ["lng", "lat"],
  ["lon", "lat"],
  ["long", "lat"],
  ["x", "y"],
] as const;

/**
 * Selects the columns of a query result that a layer uses.
 * @throws InvalidArgumentError if a column does not exist or its type does not fit its use.
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
  const id = layer.style.explored && fields.find(isId);
  return [...new Set([...where, ...styled, ...(id ? [id] : [])])];
}

const isId = ({ name, pgtype }: Field): boolean =>
  name === "cartodb_id" && ["int2", "int4", "int8"].includes(pgtype);

/** Reads the data of a layer from the columns that `fieldsOfLayer` selected. */
export function dataFromColumns(layer: DataLayer, { columns, rowCount }: Columns): LayerData {
  const label = `layer ${labelOf(layer)}`;
  const names = columns.map(({ name }) => name);
  const positions = lnglatOf(layer);
  const needs = styleColumns(layer).filter(({ option }) => option !== "time");
  const styled = new Set(needs.flatMap(({ option, column }) => (isStyleOption(option) ? [column] : [])));
  const read = new Set(needs.flatMap(({ option, column }) => (isStyleOption(option) ? [] : [column])));
  const { time, explored } = layer.style;
  const id = explored && columns.find(isId);
  const geometry: GeometrySource =
    positions === undefined
      ? ewkbSource(find(columns, geometryField(layer, columns, label).name, "geomCol", label, names))
      : lnglatSource(positions.map((name) => numbersOf(find(columns, name, "lnglat", label, names))));
  return {
    rowCount,
    geometry,
    columns: columns.flatMap((column) => (styled.has(column.name) ? [toStyleColumn(column)] : [])),
    shown: columns.filter(({ name }) => read.has(name)),
    ...(time && { times: timesOf(find(columns, time.column, "time", label, names)) }),
    ...(id && { ids: numbersOf(id) }),
    warnings: positions === undefined ? [] : swapWarnings(geometry, positions),
  };
}

export const lnglatOf = (layer: DataLayer) => ("lnglat" in layer ? layer.lnglat : undefined);
export const geomColOf = (layer: DataLayer) => ("geomCol" in layer ? layer.geomCol : undefined);

/** A column that an option names. */
export interface Need {
  readonly option: "color" | "size" | "value" | "widget" | "facet" | "tooltip" | "popup" | "label" | "time";
  readonly column: string;
  /** Format in which it is shown. */
  readonly format?: string | undefined;
}

/** Returns true for options that decide how the layer looks, or count its rows. */
export const isStyleOption = (option: Need["option"]): boolean =>
  ["color", "size", "value", "widget", "facet"].includes(option);

/** Lists the columns that the options of a layer name. */
export function styleColumns({ style }: DataLayer): Need[] {
  const { color, size, aggregate, tooltip, popup, label, time, explored = [], facet } = style;
  const named = (option: "tooltip" | "popup", info: typeof tooltip) =>
    (info?.columns ?? []).map(({ column, format }) => ({ option, column, format }));
  return [
    ...(color?.kind === "column" ? [{ option: "color" as const, column: color.column }] : []),
    ...(size?.kind === "column" ? [{ option: "size" as const, column: size.column }] : []),
    ...(aggregate?.column !== undefined ? [{ option: "value" as const, column: aggregate.column }] : []),
    ...explored.map((column) => ({ option: "widget" as const, column })),
    ...(facet === undefined ? [] : [{ option: "facet" as const, column: facet }]),
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

/** Creates the error for an option that names a column the layer does not have. */
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
      ? `\`color\` must be a CSS colour or a column of ${label}; got ${shown(name)}`
      : option === "widget"
        ? `A widget must count a column of ${label}; got ${shown(name)}`
        : `\`${option}\` must be a column of ${label}; got ${shown(name)}`;
  return new InvalidArgumentError(`${what}. Its columns are ${listed(names)}.${hint}`);
}

/** @throws InvalidArgumentError if the option cannot use a column of this kind. */
export function checkKind({ option, column }: Need, kind: ColumnKind, type: string, label: string): void {
  const what = `column ${shown(column)} of ${label}`;
  if (option === "time") {
    if (kind === "number" || kind === "datetime") return;
    throw new InvalidArgumentError(
      `\`time\` must be a column of dates, timestamps or numbers; ${what} is of type ${type}.${kind === "string" ? datesOf(column) : ""}`,
    );
  }
  if (!isStyleOption(option)) {
    if (kind !== "geometry") return;
    throw new InvalidArgumentError(`\`${option}\` cannot show ${what}: it is a geometry column.`);
  }
  if (kind === "geometry") {
    throw new InvalidArgumentError(`\`${option}\` cannot depend on ${what}: it is a geometry column.`);
  }
  if ((option === "size" || option === "value") && kind !== "number") {
    throw new InvalidArgumentError(`\`${option}\` must be a column of numbers; ${what} is of type ${type}.`);
  }
  if (kind === "object") {
    throw new InvalidArgumentError(
      `\`${option}\` must be a column of ${option === "facet" ? "text, booleans or numbers" : "numbers, text, booleans, dates or timestamps"}; ${what} is of type ${type}.`,
    );
  }
}

/** Says how texts become dates. */
function datesOf(column: string): string {
  const name = ident(column);
  return (
    ` If its texts are dates, convert them in a query, such as SELECT *, ${name}::timestamptz AS moment FROM …, ` +
    `or in a frame with \`df.addColumn("moment", df.column(${JSON.stringify(column)}).map((text) => new Date(text)))\`.`
  );
}

/** Reads times. Infinite times, and times outside the range of Date, arrive as text and become NaN. */
function timesOf(column: Column): Times {
  const { name, kind, values } = column;
  if (kindOf(column.pgtype) === "number") return { kind: "number", column: name, values: numbersOf(column) };
  const times =
    kind === "datetime"
      ? values
      : Float64Array.from(values as (string | null)[], (text) => isoTimeMs(text ?? ""));
  return { kind: "time", column: name, values: times };
}

/** Returns the kind that a PostgreSQL type stands for, also if its values arrive as text. */
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
      `\`geomCol\` must be a geometry column; ${shown(wanted)} is of type ${field.pgtype}.`,
    );
  }
  const field = geometries.find(({ name }) => name === THE_GEOM) ?? geometries[0];
  if (field === undefined) throw noGeometry(layer, names);
  return field;
}

/** Creates the error for a layer without a geometry column, with advice that fits its columns. */
export function noGeometry(layer: DataLayer, names: readonly string[]): InvalidArgumentError {
  const pair = lnglatNames(names);
  const [lng, lat] = pair ?? ["lng", "lat"];
  const advice =
    layer.from.kind === "query"
      ? `Add one to the query, such as ST_SetSRID(ST_MakePoint(${ident(lng)}, ${ident(lat)}), ${SRID_LNGLAT}) AS the_geom.`
      : pair === undefined
        ? "Pass `lnglat: [longitude, latitude]`, or the name of a geometry column as `geomCol`."
        : `Pass \`lnglat: [${listed(pair)}]\`.`;
  return new InvalidArgumentError(
    `Layer ${labelOf(layer)} must have a geometry column. Its columns are ${listed(names)}. ${advice}`,
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
    `\`lnglat\` must be two columns of numbers; column ${shown(field.name)} of ${label} is of type ${field.pgtype}.`,
  );
}

function ewkbSource(column: Column): GeometrySource {
  return { kind: "ewkb", column: column.name, values: column.values as readonly (string | null)[] };
}

/** @param columns the columns of longitude and latitude */
export function lnglatSource([lng, lat]: readonly Float64Array[]): GeometrySource {
  return { kind: "lnglat", lng: lng!, lat: lat! }; // `!`: `lnglat` has two columns
}

/** Reads numbers, also those that arrive as text because a double cannot hold all their digits. */
function numbersOf({ values, nulls }: Column): Float64Array {
  const numbers =
    values instanceof Float64Array ? values : Float64Array.from(values as (string | null)[], toNumber);
  return nulls === undefined ? numbers : numbers.map((value, row) => (nulls[row] === 1 ? Number.NaN : value));
}

const toNumber = (text: string | null) => (text === null ? Number.NaN : Number(text));

function toStyleColumn(column: Column): StyleColumn {
  if (kindOf(column.pgtype) === "datetime")
    return {
      ...column,
      kind: "number",
      values: timesOf(column).values,
      isTime: true,
      cameAsText: column.kind !== "datetime",
    };
  if (kindOf(column.pgtype) === "number") return { ...column, kind: "number", values: numbersOf(column) };
  return column as StyleColumn;
}

/** Warns of points outside the range of degrees, which suggest that longitude and latitude are swapped. */
export function swapWarnings(
  geometry: GeometrySource,
  [lngName, latName]: readonly [string, string],
): string[] {
  if (geometry.kind !== "lnglat") return [];
  const { lng, lat } = geometry;
  let outside = 0;
  // `!`: both columns have a value for each row
  for (let row = 0; row < lng.length; row++)
    if (Math.abs(lng[row]!) > 180 || Math.abs(lat[row]!) > 90) outside++;
  if (outside === 0) return [];
  const points = lng.length.toLocaleString("en-US");
  return [
    `${outside.toLocaleString("en-US")} of ${points} points lie outside longitude ±180 or latitude ±90. ` +
      `\`lnglat\` is [longitude, latitude]: are "${lngName}" and "${latName}" swapped?`,
  ];
}

/** Parses an ISO 8601 time into milliseconds since 1970; NaN for any other string. Without a zone it is UTC. */
export function isoTimeMs(text: string): number {
  const [, day, clock = "00:00", zone = "Z"] = ISO_TIME.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  return Date.parse(`${day}T${clock}${/^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone}`);
}
