/** Writes tables, queries and frames as files. */
import { randomUUID } from "node:crypto";
import { mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { DataFrame } from "danfojs-node";
import { openPromise } from "yauzl";
import { ZipFile } from "yazl";
import { copyTo } from "../api/sql";
import type { Transport } from "../api/transport";
import { describe } from "../context/read/describe";
import { quoted, type TableName, tableNamed, temporaryTable } from "../context/tables/table-name";
import { dropTemporary } from "../context/write/new-table";
import { writeFrame } from "../context/write/write";
import { InvalidArgumentError } from "../errors";
import { type Field, isFrame } from "../frame";
import { MAX_NAME_BYTES } from "../frame/names";
import type { Progress } from "../kernel/progress";
import type { CallOptions } from "../options";
import { ident } from "../sql";
import { queryText } from "../sql-lexer";
import { isObject } from "../values";
import { counted } from "./counted";
import { importFiles } from "./import";

/** Options of `cc.export`. */
export interface ExportOptions extends CallOptions {
  /** Replaces an existing file. @default false */
  readonly overwrite?: boolean;
}

/** What can be exported: the name of a table, SQL that starts with SELECT, WITH, VALUES or TABLE, a DataFrame, or a GeoJSON object. */
export type ExportSource = string | DataFrame | object;

interface ExportCall {
  readonly overwrite?: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

const GEOM = "the_geom";
const ID = "cartodb_id";

/** Decimal digits of the degrees in GeoJSON and KML: a tenth of a millimetre. */
const DECIMALS = "9";

/** Requests the bytes of a file with the rows of a query. */
type Format = (
  transport: Transport,
  query: string,
  name: string,
  signal: AbortSignal,
) => Promise<AsyncIterable<Uint8Array>>;

const FORMATS: Readonly<Record<string, Format>> = {
  csv: asCsv(","),
  tsv: asCsv("\t"),
  geojson: asFeatures("collection"),
  json: asFeatures("collection"),
  geojsonl: asFeatures("lines"),
  geojsons: asFeatures("lines"),
  ndjson: asFeatures("lines"),
  kml: asKml,
  parquet: ofServer("parquet"),
  arrow: ofServer("arrow"),
  feather: ofServer("arrow"),
  gpkg: ofServer("gpkg"),
  fgb: ofServer("fgb", { needsGeometry: true }),
  shp: ofServer("shp", { needsGeometry: true }),
  sqlite: ofServer("spatialite"),
  gml: ofServer("gml", { needsGeometry: true }),
  gpx: ofServer("gpx", { needsGeometry: true }),
  tab: ofServer("tab", { needsGeometry: true }),
  mif: ofServer("mif", { needsGeometry: true }),
  gdb: ofServer("gdb", { needsGeometry: true }),
  dxf: ofServer("dxf", { needsGeometry: true }),
  xlsx: ofServer("xlsx"),
  ods: ofServer("ods"),
};
/** Formats of several files, which the server sends as a zip archive. */
const OF_PARTS = /^(?:shp|tab|mif|gdb)$/;
/** Formats that only the local server writes. */
const OF_LOCAL_SERVER = /\.(?:parquet|arrow|feather|fgb|gml|gpx|tab|mif|gdb|dxf|xlsx|ods)$/i;

/** The parts of the name of a file: `roads.csv.gz`. */
interface FileName {
  readonly format: Format;
  readonly packing: "gz" | "zip" | undefined;
  /** Name of the file in an archive. */
  readonly inner: string;
  /** What becomes of an archive of several files: it is the file, or its files are written next to each other. */
  readonly parts: "archive" | "files" | undefined;
}

/** @throws InvalidArgumentError for a name whose extension is no format */
function parseName(path: string): FileName {
  const [, inner = "", packing] = /^(.*?)(?:\.(gz|zip))?$/is.exec(basename(path)) ?? [];
  const extension = extname(inner).slice(1).toLowerCase();
  const format = FORMATS[extension];
  const packed = packing?.toLowerCase() as FileName["packing"];
  if (format && !OF_PARTS.test(extension)) return { format, packing: packed, inner, parts: undefined };
  if (format && packed === "zip") return { format, packing: undefined, inner, parts: "archive" };
  if (format && !packed && extension !== "gdb") return { format, packing: undefined, inner, parts: "files" };
  const known = Object.keys(FORMATS).map((name) => (name === "gdb" ? ".gdb.zip" : `.${name}`));
  throw new InvalidArgumentError(
    `The name of the file must end in ${known.join(", ")}, optionally followed by .gz or .zip; got ${JSON.stringify(path)}.`,
  );
}

/**
 * Writes a file, which appears when it is complete.
 * @returns its size in bytes
 */
export async function exportFile(
  transport: Transport,
  what: unknown,
  path: string,
  call: ExportCall,
): Promise<number> {
  if (typeof path !== "string" || path === "")
    throw new InvalidArgumentError("The path of the file is missing.");
  const name = parseName(path);
  if (transport.kind === "account" && OF_LOCAL_SERVER.test(name.inner)) throw notOfAccounts(name.inner);
  await checkPath(path, call.overwrite);
  if (isGeoJson(what) && /\.(?:geo)?json$/i.test(name.inner))
    return writeAtomically(path, oneChunk(JSON.stringify(collectionOf(what))), name, call);
  return withQuery(transport, what, call, async (query) => {
    const bytes = await name.format(transport, query, name.inner, call.signal);
    return writeAtomically(path, bytes, name, call);
  });
}

function notOfAccounts(name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Exporting ${extname(name).toLowerCase()} files works on the local server only. For an account, name a .gpkg, .shp, .geojson or .csv file.`,
  );
}

async function checkPath(path: string, overwrite = false): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory())
    throw new InvalidArgumentError(`${JSON.stringify(path)} is a folder. Pass the path of a file.`);
  if (found && !overwrite) {
    throw new InvalidArgumentError(
      `The file ${JSON.stringify(path)} already exists. Pass { overwrite: true } to replace it.`,
    );
  }
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory())
    throw new InvalidArgumentError(`There is no folder ${JSON.stringify(dirname(path))}.`);
}

/** Calls `work` with a query for the rows. Those of a frame or of GeoJSON are a temporary table meanwhile. */
async function withQuery<T>(
  transport: Transport,
  what: unknown,
  { signal, progress }: ExportCall,
  work: (query: string) => Promise<T>,
): Promise<T> {
  if (typeof what === "string") {
    if (what !== "" && queryText(what) !== undefined) return work(what);
    return work(`SELECT * FROM ${quoted(await tableNamed(what, { transport, signal }))}`);
  }
  if (!isFrame(what) && !isGeoJson(what)) {
    throw new InvalidArgumentError(
      "The first argument of cc.export must be the name of a table, SQL, a DataFrame or a GeoJSON object.",
    );
  }
  const table = await temporaryTable({ transport, signal });
  try {
    return await work(
      isFrame(what)
        ? await frameQuery(transport, what, table, { signal, progress })
        : await geoJsonQuery(transport, what, table, { signal, progress }),
    );
  } finally {
    await dropTemporary(transport, table);
  }
}

type Call = Pick<ExportCall, "signal" | "progress">;

/** Writes a frame as a table, and returns the query for its columns under their own names. */
async function frameQuery(
  transport: Transport,
  frame: DataFrame,
  table: TableName,
  call: Call,
): Promise<string> {
  const { renamed, hasGeometry } = await writeFrame(transport, frame, table.table, call);
  const own = frame.columns.map(String);
  const isOwn = (name: string) => (name === GEOM ? hasGeometry : name !== ID || own.includes(ID));
  return ownColumns(transport, table, { renamed, isOwn, signal: call.signal });
}

async function geoJsonQuery(
  transport: Transport,
  geoJson: object,
  table: TableName,
  call: Call,
): Promise<string> {
  const { tables } = await importFiles(transport, geoJsonFile(geoJson), table.table, call);
  const { features } = collectionOf(geoJson);
  const hasIds = features.some((feature) => isObject(feature.properties) && ID in feature.properties);
  return ownColumns(transport, table, {
    renamed: tables[0]?.made.renamed ?? [],
    isOwn: (name) => name !== ID || hasIds,
    signal: call.signal,
  });
}

/** PostgreSQL truncates longer names, and does not allow empty ones. */
const isNameInSql = (name: string) => name !== "" && Buffer.byteLength(name) <= MAX_NAME_BYTES;

/** Returns the query for the columns under the names that they have in their source, as far as these are names in SQL. */
async function ownColumns(
  transport: Transport,
  table: TableName,
  {
    renamed,
    isOwn,
    signal,
  }: {
    readonly renamed: readonly { readonly from: string; readonly to: string }[];
    readonly isOwn: (name: string) => boolean;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const all = `SELECT * FROM ${quoted(table)}`;
  const names = ((await describe(transport, all, { signal })) ?? []).map(({ name }) => name).filter(isOwn);
  const originals = names.map((name) => {
    const from = renamed.find(({ to }) => to === name)?.from;
    return name === GEOM || from === undefined || !isNameInSql(from) ? name : from;
  });
  const columns = names.map((name, i) => {
    const from = originals[i]!; // one for each
    const isUnique = originals.indexOf(from) === originals.lastIndexOf(from) && !names.includes(from);
    return from === name || !isUnique ? ident(name) : `${ident(name)} AS ${ident(from)}`;
  });
  return columns.length > 0 ? `SELECT ${columns.join(", ")} FROM ${quoted(table)} ORDER BY ${ID}` : all;
}

const GEOJSON_TYPES =
  /^(?:Feature|FeatureCollection|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))$/;
const isGeoJson = (value: unknown): value is object =>
  isObject(value) && typeof value.type === "string" && GEOJSON_TYPES.test(value.type);

interface Collection {
  readonly features: readonly { readonly properties?: unknown }[];
}

/** Returns the object as a feature collection. */
function collectionOf(geoJson: object): Collection & { readonly type: string } {
  const { type } = geoJson as { type: string };
  if (type === "FeatureCollection") return geoJson as ReturnType<typeof collectionOf>;
  const feature = type === "Feature" ? geoJson : { type: "Feature", properties: {}, geometry: geoJson };
  return { type: "FeatureCollection", features: [feature] };
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const geoJsonFile = (value: unknown) => ({ name: "data.geojson", bytes: Buffer.from(JSON.stringify(value)) });

/** CSV with a header; geometries are WKT. */
function asCsv(delimiter: string): Format {
  return async (transport, query, _name, signal) => {
    const fields = await describe(transport, query, { signal });
    const columns = fields?.map((field) => csvColumn(field)).join(", ") ?? "*";
    const sql = `COPY (SELECT ${columns} FROM (\n${query}\n) AS _q) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER '${delimiter}')`;
    return copyTo(transport, sql, { signal });
  };
}

function csvColumn({ name, pgtype }: Field): string {
  if (pgtype === "geometry") return `ST_AsText(${ident(name)}) AS ${ident(name)}`;
  return pgtype === "bool" ? `${ident(name)}::text` : ident(name); // `true`, not `t`
}

/**
 * GeoJSON, one feature a line. It is made by PostgreSQL, because the SQL API's own rounds integers beyond 2^53. JSON has no
 * control characters, so that with these as quotes and delimiters the lines of COPY are the JSON.
 */
function asFeatures(form: "collection" | "lines"): Format {
  return async (transport, query, name, signal) => {
    const fields = await fieldsWithGeometry(transport, query, name, signal);
    const geometry = geometryOf(fields);
    const columns = fields.filter((field) => field !== geometry).map((field) => `_q.${ident(field.name)}`);
    const properties =
      columns.length > 0
        ? `row_to_json((SELECT _p FROM (SELECT ${columns.join(", ")}) AS _p))::text`
        : "'{}'";
    const sql = `COPY (SELECT replace('{"type":"Feature","geometry":' || coalesce(ST_AsGeoJSON(${lngLat(geometry)}, ${DECIMALS}, 0), 'null')
      || ',"properties":' || ${properties} || '}', E'\\n', ' ') FROM (\n${query}\n) AS _q)
      TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')`;
    const lines = await copyTo(transport, sql, { signal });
    return form === "lines" ? lines : collection(lines);
  };
}

const lngLat = ({ name }: Field) =>
  `CASE WHEN ST_SRID(_q.${ident(name)}) IN (0, 4326) THEN _q.${ident(name)} ELSE ST_Transform(_q.${ident(name)}, 4326) END`;

/** Makes a FeatureCollection of lines, which end in a newline. */
async function* collection(lines: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const NEWLINE = 0x0a;
  yield Buffer.from('{"type":"FeatureCollection","features":[\n');
  let isOpen = false; // the last line has ended, and another may follow
  for await (const chunk of lines) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      if (isOpen) yield COMMA;
      yield chunk.subarray(from, end);
      isOpen = true;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    if (isOpen) yield COMMA;
    yield chunk.subarray(from);
    isOpen = false;
  }
  yield Buffer.from("\n]}\n");
}
const COMMA = Buffer.from(",\n");

/** The format of the SQL API. */
async function asKml(...[transport, query, name, signal]: Parameters<Format>): ReturnType<Format> {
  await fieldsWithGeometry(transport, query, name, signal);
  const filename = name.replace(/\.[^.]*$/, "");
  const form = { q: query, format: "kml", filename, dp: DECIMALS, skipfields: "the_geom_webmercator" };
  return transport.sendForBytes({ path: "/api/v2/sql", form, sql: query, signal });
}

/** A format that the server writes. Geometries are in EPSG:4326, the first of them as `the_geom`. */
function ofServer(format: string, { needsGeometry = false } = {}): Format {
  return async (transport, query, name, signal) => {
    const fields = needsGeometry
      ? await fieldsWithGeometry(transport, query, name, signal)
      : await describe(transport, query, { signal });
    const filename = name.replace(/\.[^.]*$/, "");
    const form = { q: fields ? inLngLat(query, fields) : query, format, filename };
    return transport.sendForBytes({ path: "/api/v2/sql", form, sql: query, signal });
  };
}

function inLngLat(query: string, fields: readonly Field[]): string {
  if (!fields.some(({ pgtype }) => pgtype === "geometry")) return query;
  const geometry = geometryOf(fields);
  const columns = fields
    .filter(({ name }) => name !== "the_geom_webmercator")
    .map((field) => (field === geometry ? `${lngLat(field)} AS the_geom` : `_q.${ident(field.name)}`));
  return `SELECT ${columns.join(", ")} FROM (\n${query}\n) AS _q`;
}

/** @throws InvalidArgumentError if the rows have no geometry column */
async function fieldsWithGeometry(
  ...[transport, query, name, signal]: Parameters<Format>
): Promise<readonly Field[]> {
  const fields = await describe(transport, query, { signal });
  if (fields?.some(({ pgtype }) => pgtype === "geometry")) return fields;
  throw new InvalidArgumentError(
    `${JSON.stringify(name)} needs a geometry column, but the rows have none. Export them as .csv.`,
  );
}

/** The column `the_geom`, otherwise the first geometry column. */
function geometryOf(fields: readonly Field[]): Field {
  const geometries = fields.filter(({ pgtype }) => pgtype === "geometry");
  // `!`: fieldsWithGeometry has checked that there is one
  return geometries.find(({ name }) => name === "the_geom") ?? geometries[0]!;
}

/** Writes next to the file, and then moves the result to its name. A failure leaves the old file and nothing else. */
async function writeAtomically(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  name: FileName,
  { signal, progress }: ExportCall,
): Promise<number> {
  const { packing, inner } = name;
  if (name.parts === "files") return writeParts(path, bytes, { signal, progress });
  const partial = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  const file = await open(partial, "wx");
  try {
    const source = Readable.from(counted(bytes, progress));
    const target = file.createWriteStream();
    if (packing === "gz") await pipeline(source, createGzip(), target, { signal });
    else if (packing === "zip") await pipeline(zipped(source, inner), target, { signal });
    else await pipeline(source, target, { signal });
    await rename(partial, path);
    return (await stat(path)).size;
  } catch (error) {
    await rm(partial, { force: true });
    throw signal.aborted ? signal.reason : error;
  } finally {
    await file.close().catch(() => {}); // the stream has closed it already
  }
}

/**
 * Writes the files of an archive under the name of `path`, each with its extension. They appear when all are complete; the
 * file that the path names is the last.
 * @returns the size of all files in bytes
 */
async function writeParts(path: string, bytes: AsyncIterable<Uint8Array>, call: Call): Promise<number> {
  const folder = await mkdtemp(join(dirname(path), `.${basename(path)}.`));
  try {
    const archive = join(folder, "archive");
    await writeAtomically(archive, bytes, { ...parseName("a.csv"), inner: "archive" }, call);
    const zip = await openPromise(archive, { lazyEntries: true, autoClose: false });
    for await (const entry of zip.eachEntry()) {
      const part = await open(join(folder, `part${extname(entry.fileName)}`), "wx");
      const content = (await zip.openReadStreamPromise(entry)) as Readable;
      await pipeline(content, part.createWriteStream(), { signal: call.signal });
    }
    zip.close();
    const stem = path.slice(0, -extname(path).length);
    const target = (name: string) =>
      stem + (extname(name) === extname(path).toLowerCase() ? extname(path) : extname(name));
    const parts = (await readdir(folder)).filter((name) => name.startsWith("part"));
    parts.sort((a, b) => Number(target(a) === path) - Number(target(b) === path));
    for (const name of parts) await rename(join(folder, name), target(name));
    const sizes = await Promise.all(parts.map(async (name) => (await stat(target(name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function zipped(source: Readable, name: string): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream as Transform;
  source.once("error", (error) => output.destroy(error));
  zip.addReadStream(source, name);
  zip.end();
  return output;
}
