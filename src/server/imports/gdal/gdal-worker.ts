/**
 * Worker thread of GDAL. It lists the layers of vector files, and writes layers as SQL scripts with one COPY statement.
 * Files are below one folder, the only part of the machine's disk that GDAL sees.
 */
import { dirname, relative } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import initGdal, { type Dataset, type Gdal } from "gdal3.js/node";
import { SRID_LNGLAT } from "../../../geo";
import { crsNameOfSrid } from "../../../geometry/crs";
import {
  type Crs,
  doubleFields,
  type Extent,
  type Field,
  type FromWorker,
  isKey,
  type Layer,
  type ToWorker,
} from "./layer";

export interface GdalStart {
  readonly dir: string;
}

const port = parentPort!;

/** Where GDAL sees the folder of the files. */
const MOUNTED = "/output";
const OPEN_VECTOR = 4; // GDAL_OF_VECTOR: a file of images has no layers, instead of being opened as one
const CONFIG = {
  PG_USE_COPY: "YES",
  /** Blocks of a drawing become one feature per part, not a geometry collection. */
  DXF_MERGE_BLOCK_GEOMETRIES: "FALSE",
  CPL_TMPDIR: MOUNTED,
};
const TRANSFORMED = ["-t_srs", "EPSG:4326"];
/** The coordinates stay, with the SRID that all of GDAL's text has. */
const UNTRANSFORMED = ["-a_srs", "EPSG:4326"];
const COPY_OPTIONS = [
  "SPATIAL_INDEX=NONE",
  "CREATE_SCHEMA=OFF",
  "DROP_TABLE=OFF",
  "LAUNDER=NO",
  // Names that no field has, because GDAL treats a field with one of these names differently.
  "GEOMETRY_NAME=cartoframes_geometry",
  "FID=cartoframes_fid",
].flatMap((option) => ["-lco", option]);

/** Names of SQLite's internal tables, such as `sqlite_sequence`: https://www.sqlite.org/fileformat2.html#intschema */
const SQLITE_OWN = /^sqlite_/i;

/** Errors that GDAL has reported during the current request. */
let errors: string[] = [];
const opened = new Map<string, OpenFile>();

interface OpenFile {
  readonly dataset: Dataset;
  readonly drivers: readonly string[];
}

async function main(): Promise<void> {
  const { dir } = workerData as GdalStart;
  const gdal = await initGdal({
    path: relative(process.cwd(), dirname(require.resolve("gdal3.js/dist/package/gdal3WebAssembly.wasm"))),
    dest: dir,
    useWorker: false,
    env: CONFIG,
    logHandler: () => {},
    errorHandler: (line) => {
      if (line.startsWith("ERROR")) errors.push(line.replace(/^ERROR \d+: /, ""));
    },
  });
  port.on("message", async (request: ToWorker) => port.postMessage(await answer(gdal, request)));
}

async function answer(gdal: Gdal, request: ToWorker): Promise<FromWorker> {
  errors = [];
  try {
    gdal.Module.ccall("CPLErrorReset", "number", [], []);
    if (request.kind === "list") {
      const layers = await list(gdal, request.path, request.drivers);
      return errors[0] === undefined ? { kind: "layers", layers } : failed(errors[0]);
    }
    if (request.kind === "convert") await convert(gdal, request);
    else await write(gdal, request);
    // GDAL ends a layer at the first feature that it cannot read, as if it were the last one.
    return errors[0] === undefined ? { kind: "written" } : failed(errors[0]);
  } catch (error) {
    return failed(errors[0] ?? (error as Error).message ?? String(error));
  }
}

const failed = (message: string): FromWorker => ({ kind: "failed", message });

async function list(gdal: Gdal, path: string, drivers: readonly string[]): Promise<Layer[]> {
  const dataset = open(gdal, path, drivers);
  const all = (await info(gdal, dataset, "-noextent")).layers;
  const layers = drivers.includes("SQLite") ? all.filter(({ name }) => !SQLITE_OWN.test(name)) : all;
  const found: Layer[] = [];
  for (const layer of layers) {
    const hasCrs = layer.geometryFields.every(isOnEarth);
    const read = hasCrs ? [] : (await info(gdal, dataset, layer.name)).layers; // some drivers list all layers
    found.push(layerOf(read.find(({ name }) => name === layer.name) ?? layer));
  }
  return found;
}

/** Drivers that do not know the number of features read the layers of a dataset only once. */
async function reopen(gdal: Gdal, path: string, { dataset, drivers }: OpenFile): Promise<Dataset> {
  await gdal.close(dataset);
  return open(gdal, path, drivers);
}

function open(gdal: Gdal, path: string, drivers: readonly string[]): Dataset {
  const dataset = { pointer: openDataset(gdal, `${MOUNTED}/${path}`, drivers) };
  if (dataset.pointer === 0) throw new Error("its content is damaged or of another format");
  opened.set(path, { dataset, drivers });
  return dataset;
}

async function info(gdal: Gdal, dataset: Dataset, option: string): Promise<{ layers: InfoLayer[] }> {
  return (await gdal.ogrinfo(dataset, [option])) as { layers: InfoLayer[] };
}

function openDataset({ Module }: Gdal, path: string, drivers: readonly string[]): number {
  const names = drivers.map((name) => {
    const bytes = Module.lengthBytesUTF8(name) + 1;
    const pointer = Module._malloc(bytes);
    Module.stringToUTF8(name, pointer, bytes);
    return pointer;
  });
  const list = Module._malloc((names.length + 1) * 4);
  for (const [i, name] of [...names, 0].entries()) Module.setValue(list + i * 4, name, "*");
  const types = ["string", "number", "number", "number", "number"];
  const dataset = Module.ccall("GDALOpenEx", "number", types, [path, OPEN_VECTOR, list, 0, 0]);
  for (const pointer of [list, ...names]) Module._free(pointer);
  return dataset;
}

/** The parts of `ogrinfo -json` that are used: https://github.com/OSGeo/gdal/blob/v3.8.4/apps/data/ogrinfo_output.schema.json */
interface InfoLayer {
  readonly name: string;
  readonly featureCount: number;
  readonly fidColumnName?: string;
  readonly fields: readonly { readonly name: string; readonly type: string; readonly subType?: string }[];
  readonly geometryFields: readonly InfoGeometry[];
}

interface InfoGeometry {
  readonly name: string;
  readonly type: string;
  readonly extent?: Extent;
  readonly coordinateSystem?: {
    readonly wkt: string;
    readonly projjson?: { readonly name: string; readonly id?: { authority: string; code: number } };
  } | null;
}

/** Coordinate systems that are not on the Earth. GeoPackage and MapInfo use them for unknown ones. */
const LOCAL_CRS = /^(?:ENGCRS|ENGINEERINGCRS|LOCAL_CS)/;

function isOnEarth({ coordinateSystem }: InfoGeometry): boolean {
  return typeof coordinateSystem?.wkt === "string" && !LOCAL_CRS.test(coordinateSystem.wkt);
}

/** Codes of Esri are also SRIDs in PostGIS. */
function crsOf({ coordinateSystem }: InfoGeometry): Crs {
  const { name = "", id } = coordinateSystem?.projjson ?? {};
  const srid = id && /^(?:EPSG|ESRI)$/.test(id.authority) ? Number(id.code) : null;
  return { name, srid: id?.authority === "OGC" && id.code === ("CRS84" as unknown) ? 4326 : srid };
}

function layerOf({ name, featureCount, fidColumnName, fields, geometryFields }: InfoLayer): Layer {
  const typed = fields.map(({ name, type, subType }): Field => ({ name, type: typeOf(type, subType) }));
  return {
    name,
    featureCount,
    fields: typed,
    geometries: geometryFields.map((geometry) => ({
      name: geometry.name,
      type: geometry.type,
      crs: isOnEarth(geometry) ? crsOf(geometry) : null,
      extent: geometry.extent ?? null,
    })),
    hasIds: Boolean(fidColumnName) && !typed.some(isKey),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  Integer: "integer",
  Integer64: "bigint",
  Real: "double precision",
  Date: "date",
  Time: "time",
  DateTime: "timestamptz",
  Binary: "bytea",
};

/** Returns the PostgreSQL type of a field. JSON is text, as in GeoJSON files. */
function typeOf(type: string, subType = ""): string {
  const [, element = type, list = ""] = /^(.*?)(List)?$/.exec(type) ?? [];
  const name = subType === "Boolean" ? "boolean" : (TYPES[element] ?? "text");
  return list ? `${name}[]` : name;
}

/** Writes `output.sql`, and the values of its doubles to `output.fgb`. */
async function write(
  gdal: Gdal,
  { path, layer, output, srid, limit, isMixed, isUntransformed }: Extract<ToWorker, { kind: "write" }>,
): Promise<void> {
  const file = opened.get(path);
  if (!file) throw new Error(`${path} is not open`);
  const dataset = layer.featureCount < 0 ? await reopen(gdal, path, file) : file.dataset;
  const hasCrs = layer.geometries.every(({ crs }) => crs !== null);
  const from = crsNameOfSrid(srid ?? SRID_LNGLAT);
  const source = hasCrs && srid === undefined ? [] : ["-s_srs", from];
  const some = limit ? ["-limit", String(limit)] : [];
  const options = [
    ...["-f", "PGDUMP", ...COPY_OPTIONS, "-dim", "XY", ...(isMixed ? ["-nlt", "GEOMETRY"] : multi(layer))],
    ...some,
    ...(isUntransformed ? UNTRANSFORMED : [...TRANSFORMED, ...source]),
    layer.hasIds ? "-preserve_fid" : "-unsetFid",
    layer.name,
  ];
  await gdal.ogr2ogr(dataset, options, output);
  const doubles = doubleFields(layer).map(({ name }) => name);
  if (doubles.length > 0)
    await gdal.ogr2ogr(dataset, [...some, ...doubleOptions(layer.name, doubles)], output);
}

/** Converts a dataset whose types are declared: text that looks like a date stays text. */
async function convert(
  gdal: Gdal,
  { path, options, output }: Extract<ToWorker, { kind: "convert" }>,
): Promise<void> {
  const strings = ["string", "string"];
  gdal.Module.ccall("CPLSetConfigOption", "number", strings, ["OGR_GEOJSON_DATE_AS_STRING", "YES"]);
  const dataset = open(gdal, path, ["OGR_VRT"]);
  await gdal.ogr2ogr(dataset, options, output).catch(() => {}); // it fails to list the files of some formats
  await gdal.close(dataset);
}

/** Converts lines and polygons to MULTI geometries, and arcs to lines. */
function multi({ geometries: [geometry] }: Layer): string[] {
  if (geometry === undefined || /^(?:3D |3D Measured |Measured )?Point$/.test(geometry.type)) return [];
  return ["-nlt", "CONVERT_TO_LINEAR", "-nlt", "PROMOTE_TO_MULTI"];
}

function doubleOptions(layer: string, fields: readonly string[]): string[] {
  const plain = ["-nlt", "NONE", "-lco", "SPATIAL_INDEX=NO"];
  return ["-f", "FlatGeobuf", ...plain, "-select", fields.join(), layer];
}

void main();
