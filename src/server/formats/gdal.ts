/** The formats that GDAL writes. Rows become GeoJSON, which a virtual dataset (VRT) gives names and exact types. */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import escapeHtml from "escape-html";
import { ZipFile } from "yazl";
import { freeName } from "../../values";
import { leavingRoom, writeNewFile } from "../disk";
import { canceledError, type ResultField } from "../engine/engine";
import { Turns } from "../engine/turns";
import { Refusal } from "../guard";
import { ImportFailure } from "../imports/errors";
import { Gdal, GdalError } from "../imports/gdal/gdal";
import { describeQuery, type Row, streamRows } from "../row-stream";
import { type Export, type ExportRequest, GEOMETRY } from "./format";

export interface GdalFormat {
  /** GDAL's name: https://gdal.org/drivers/vector/ */
  readonly driver: string;
  readonly extension: string;
  readonly options?: readonly string[];
  /** More options for rows with a geometry column, and for rows without one. */
  readonly spatialOptions?: readonly string[];
  readonly plainOptions?: readonly string[];
  /** Names of the columns that GDAL adds. If the rows have a column with that name, GDAL gets another one. */
  readonly ownColumns?: { readonly geometry: string; readonly id: string };
  /** Rows without `the_geom` can be written. `as text` also writes geometries as WKT. */
  readonly withoutGeometry?: "allowed" | "as text";
  /** Kinds of geometry that one file cannot mix or does not have. */
  readonly limits?: { readonly mixed?: false; readonly without?: readonly Kind[] };
  /** Rows without a geometry are left out, because the format has none. */
  readonly onlyGeometries?: boolean;
  /** PostgreSQL types that become text, because the format lacks them. */
  readonly asText?: readonly string[];
  /** Columns with integers that a double cannot hold become text. */
  readonly integersAreDoubles?: boolean;
  /** The format has no columns besides the geometry. */
  readonly withoutColumns?: boolean;
  /** Several files, which become a zip archive. */
  readonly isZip?: boolean;
  /** A geometry that is missing cannot be written into the spatial index. */
  readonly indexNeedsGeometries?: boolean;
  /** `cartodb_id` becomes the id of the feature. */
  readonly hasIds?: boolean;
}

const KINDS = ["Point", "LineString", "Polygon"] as const;
type Kind = (typeof KINDS)[number];

/** GDAL takes about 200 MB for each file that it is writing. */
const turns = new Turns(2);

const DIGITS = 15;
/** Types of GDAL's fields by PostgreSQL's. All others are text. */
const FIELD_TYPES: Readonly<Record<string, string>> = {
  bool: 'type="Integer" subtype="Boolean"',
  int2: 'type="Integer"',
  int4: 'type="Integer"',
  int8: 'type="Integer64"',
  float4: 'type="Real"',
  float8: 'type="Real"',
  numeric: 'type="Real"',
  date: 'type="Date"',
  time: 'type="Time"',
  timestamp: 'type="DateTime"',
  timestamptz: 'type="DateTime"',
  json: 'type="String" subtype="JSON"',
  jsonb: 'type="String" subtype="JSON"',
};
/** Types that JSON has, which need not become text. */
const IN_JSON = /^(?:bool|int[248]|float[48]|numeric)$/;

interface Column extends ResultField {
  /** Name in the GeoJSON, because GDAL treats some names differently. */
  readonly alias: string;
}

export function gdalFormat(format: GdalFormat): Export {
  return async (request) => {
    const { signal } = request.options;
    const done = await turns.take(signal);
    const work = join(request.dir, randomUUID());
    const gdal = new Gdal(work, signal ?? new AbortController().signal);
    const free = async () => {
      await gdal.close();
      await rm(work, { recursive: true, force: true });
      done();
    };
    request.onEnd(() => void free());
    try {
      await mkdir(work, { recursive: true });
      return await fileOf(format, request, gdal);
    } catch (error) {
      await free();
      throw signal?.aborted ? canceledError(signal) : refusalOf(error, format);
    }
  };
}

async function fileOf(format: GdalFormat, request: ExportRequest, gdal: Gdal): ReturnType<Export> {
  const { dir } = gdal;
  const rows = await writeRows(format, request, join(dir, "data.geojson"));
  await writeFile(join(dir, "data.vrt"), virtualDataset(rows, request.title));
  const id = format.hasIds && hasIds(rows) ? ID : undefined;
  await gdal.convert("data.vrt", optionsOf(format, rows, id), "out").catch(async (error) => {
    if (id === undefined || !/UNIQUE constraint/.test((error as Error).message)) throw error;
    await rm(join(dir, `out.${format.extension}`), { force: true });
    // cartodb_id, which repeats, becomes an ordinary column.
    await gdal.convert("data.vrt", optionsOf(format, rows), "out");
  });
  const names = (await readdir(dir)).filter((name) => /^out\./.test(name));
  if (format.isZip) return zipped(dir, names, request.title);
  const name = names.find((one) => one.endsWith(`.${format.extension}`));
  if (name === undefined) throw new GdalError("it wrote no file");
  return createReadStream(join(dir, name));
}

interface Rows {
  readonly columns: readonly Column[];
  readonly hasGeometry: boolean;
  /** Types as PostGIS names them, such as `MULTIPOLYGON`. */
  readonly types: ReadonlySet<string>;
  readonly srids: ReadonlySet<string>;
  readonly hasNulls: boolean;
  readonly isEmpty: boolean;
  /** Aliases of columns with integers that a double cannot hold. */
  readonly large: ReadonlySet<string>;
}

/** Writes a FeatureCollection. GDAL reads dates in text as text only there, not in lines of features. */
async function writeRows(
  format: GdalFormat,
  { engine, query, skipFields, options, onEnd }: ExportRequest,
  path: string,
): Promise<Rows> {
  const fields = await describeQuery(engine, query, options);
  const all = fields.map((field, at): Column => {
    const typeName = format.asText?.includes(field.typeName ?? "") ? null : field.typeName;
    return { ...field, typeName, alias: `c${at}` };
  });
  const isText = format.withoutGeometry === "as text";
  const hasGeometry = !isText && (!format.withoutGeometry || all.some(({ name }) => name === GEOMETRY));
  const left = new Set([...skipFields, "the_geom_webmercator", ...(hasGeometry ? [GEOMETRY] : [])]);
  const columns = format.withoutColumns ? [] : all.filter(({ name }) => !left.has(name));
  const selected = selectRows(format, query, all, columns, hasGeometry);
  const sql = format.onlyGeometries ? `${selected} WHERE ${GEOMETRY} IS NOT NULL` : selected;
  const stream = await streamRows(engine, sql, options);
  onEnd(stream.close);
  const found: Found = {
    types: new Set(),
    srids: new Set(),
    large: new Set(),
    hasNulls: false,
    isEmpty: true,
  };
  const lines = linesOf(stream.rows, found, columns);
  const refuse = (message: string) => new Refusal(400, message);
  await writeNewFile(
    path,
    leavingRoom(lines, { dir: join(path, ".."), what: "file" }, refuse),
    options.signal,
  );
  return { ...found, columns, hasGeometry };
}

interface Found {
  readonly types: Set<string>;
  readonly srids: Set<string>;
  readonly large: Set<string>;
  hasNulls: boolean;
  isEmpty: boolean;
}

const CHUNK_CHARS = 64 * 1024;

async function* linesOf(
  rows: AsyncIterable<Row>,
  found: Found,
  columns: readonly Column[],
): AsyncGenerator<Buffer> {
  let chunk = '{"type":"FeatureCollection","features":[\n';
  for await (const [type, srid, feature, large] of rows) {
    if (!found.isEmpty) chunk += ",\n";
    found.isEmpty = false;
    if (type == null) found.hasNulls = true;
    else found.types.add(type);
    if (srid != null && srid !== "0") found.srids.add(srid);
    for (const alias of large?.split(",") ?? []) found.large.add(alias);
    chunk += feature;
    if (chunk.length < CHUNK_CHARS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  // GDAL opens no file without features. Options leave this one out.
  if (found.isEmpty) {
    const properties = Object.fromEntries(columns.map(({ alias }) => [alias, null]));
    chunk += JSON.stringify({ type: "Feature", geometry: null, properties });
  }
  yield Buffer.from(`${chunk}\n]}\n`);
}

function selectRows(
  format: GdalFormat,
  query: string,
  all: readonly Column[],
  columns: readonly Column[],
  hasGeometry: boolean,
): string {
  // Two columns may have the same name; a missing the_geom is PostgreSQL's error.
  const aliases = all.map(({ name, alias }) => (hasGeometry && name === GEOMETRY ? GEOMETRY : alias));
  const values = columns.map((column) => `${jsonValueOf(column)} AS ${column.alias}`).join(", ");
  const properties =
    columns.length > 0 ? `row_to_json((SELECT p FROM (SELECT ${values}) AS p))::text` : "'{}'";
  const line = CURVES_TO_LINES;
  const [type, srid, json] = hasGeometry
    ? [
        `GeometryType(${line})`,
        `ST_SRID(${GEOMETRY})`,
        `coalesce(ST_AsGeoJSON(${line}, ${DIGITS}, 0), 'null')`,
      ]
    : ["NULL", "NULL", "'null'"];
  const from = `(${query}\n) AS cdbq${aliases.length > 0 ? `(${aliases.join(", ")})` : ""}`;
  return `SELECT ${type}, ${srid}, '{"type":"Feature","geometry":' || ${json} || ',"properties":' || ${properties} || '}', ${format.integersAreDoubles ? largeOf(columns) : "NULL"} FROM ${from}`;
}

/** SQL of the aliases of columns whose value a double cannot hold; NULL if there are none. */
function largeOf(columns: readonly Column[]): string {
  const integers = columns.filter(({ typeName }) => typeName === "int8");
  const cases = integers.map(
    ({ alias }) => `CASE WHEN abs(${alias}::numeric) > ${Number.MAX_SAFE_INTEGER} THEN '${alias}' END`,
  );
  return cases.length > 0 ? `nullif(concat_ws(',', ${cases.join(", ")}), '')` : "NULL";
}

const CURVES_TO_LINES = `CASE WHEN ST_HasArc(${GEOMETRY}) THEN ST_CurveToLine(${GEOMETRY}) ELSE ${GEOMETRY} END`;

function jsonValueOf({ alias, typeName }: Column): string {
  if (IN_JSON.test(typeName ?? "")) return alias;
  if (typeName === "geometry") return `ST_AsText(${alias})`;
  return /^_/.test(typeName ?? "") ? `to_json(${alias})::text` : `${alias}::text`;
}

function virtualDataset({ columns, hasGeometry, types, srids, large }: Rows, title: string): string {
  if (srids.size > 1) {
    const list = [...srids].join(" and ");
    throw new Refusal(
      400,
      `The geometries have several coordinate systems, ${list}. Transform them to one with ST_Transform.`,
    );
  }
  const [srid] = srids;
  const fields = columns.map(
    ({ name, alias, typeName }) =>
      `<Field name="${xml(name)}" src="${alias}" ${(!large.has(alias) && FIELD_TYPES[typeName ?? ""]) || 'type="String"'}/>`,
  );
  return [
    `<OGRVRTDataSource><OGRVRTLayer name="${xml(title)}">`,
    '<SrcDataSource relativeToVRT="1">data.geojson</SrcDataSource><SrcLayer>data</SrcLayer>',
    `<GeometryType>${hasGeometry ? `wkb${commonType(types)}` : "wkbNone"}</GeometryType>`,
    srid === undefined ? "" : `<LayerSRS>EPSG:${srid}</LayerSRS>`,
    ...fields,
    "</OGRVRTLayer></OGRVRTDataSource>",
  ].join("\n");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are replaced here
const xml = (text: string) => escapeHtml(text.replace(/[\0-\x1f\ufffe\uffff]/g, "_"));

/** The kinds of geometry: a LineString and a MultiLineString are of one kind. */
function kindsOf(types: ReadonlySet<string>): Set<string> {
  return new Set([...types].map((type) => type.replace(/^MULTI/, "").replace(/Z?M?$/, "")));
}

/** The type of all geometries; `Unknown` if they are of several kinds. */
function commonType(types: ReadonlySet<string>): string {
  const kinds = kindsOf(types);
  const kind = kinds.size === 1 ? KINDS.find((name) => kinds.has(name.toUpperCase())) : undefined;
  if (kind === undefined) return "Unknown";
  return [...types].some((type) => type.startsWith("MULTI")) ? `Multi${kind}` : kind;
}

const ID = "cartodb_id";

const hasIds = ({ columns }: Rows) =>
  columns.some(({ name, typeName }) => name === ID && /^int[48]$/.test(typeName ?? ""));

/** @param id column that becomes the id of the feature, instead of one that GDAL adds */
function optionsOf(format: GdalFormat, rows: Rows, id?: string): string[] {
  const { driver, options = [], spatialOptions = [], plainOptions = [], limits = {} } = format;
  const kinds = kindsOf(rows.types);
  if (limits.mixed === false && kinds.size > 1) throw mixed(format, rows.types);
  for (const kind of limits.without ?? []) {
    if (kinds.has(kind.toUpperCase()))
      throw new Refusal(400, `A ${format.extension} file cannot hold geometries of the type ${kind}.`);
  }
  const isMulti = commonType(rows.types).startsWith("Multi");
  return [
    ...["-f", driver, ...options, ...(rows.hasGeometry ? spatialOptions : plainOptions)],
    ...(isMulti ? ["-nlt", "PROMOTE_TO_MULTI"] : []),
    ...ownColumns(format, rows, id),
    ...(format.indexNeedsGeometries && (rows.hasNulls || rows.isEmpty) ? ["-lco", "SPATIAL_INDEX=NO"] : []),
    ...(rows.isEmpty ? ["-limit", "0"] : []),
  ];
}

/** Names the columns that GDAL adds. It drops or overwrites a column that has the same name as one of them. */
function ownColumns({ ownColumns: own }: GdalFormat, { columns, hasGeometry }: Rows, id?: string): string[] {
  if (own === undefined) return [];
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const isTaken = (name: string) => taken.has(name.toLowerCase()); // SQLite ignores the case of names
  const names = [
    `FID=${id ?? freeName(own.id, isTaken)}`,
    ...(hasGeometry ? [`GEOMETRY_NAME=${freeName(own.geometry, isTaken)}`] : []),
  ];
  return names.flatMap((name) => ["-lco", name]);
}

function mixed({ extension }: GdalFormat, types: ReadonlySet<string>): Refusal {
  const list = [...types].sort().join(", ");
  return new Refusal(
    400,
    `A ${extension} file holds geometries of one type, but the rows have ${list}. Select one of them, for example with WHERE GeometryType(the_geom) = '${[...types][0]}'.`,
  );
}

async function zipped(
  dir: string,
  names: readonly string[],
  title: string,
): Promise<AsyncIterable<Uint8Array>> {
  const zip = new ZipFile();
  for (const name of names) {
    const path = join(dir, name);
    const renamed = name.replace(/^out/, title);
    if (!(await stat(path)).isDirectory()) zip.addFile(path, renamed);
    else for (const part of await readdir(path)) zip.addFile(join(path, part), `${renamed}/${part}`);
  }
  zip.end();
  return zip.outputStream as unknown as AsyncIterable<Uint8Array>;
}

function refusalOf(error: unknown, { extension }: GdalFormat): unknown {
  if (error instanceof GdalError)
    return new Refusal(400, `GDAL cannot write the ${extension} file: ${error.message.replace(/\.$/, "")}.`);
  if (error instanceof ImportFailure) return new Refusal(400, error.detail.replaceAll("reading", "writing"));
  return error;
}
