/** The formats that GDAL reads for imports: https://gdal.org/drivers/vector/ */
import { copyFile, link, mkdir, mkdtemp } from "node:fs/promises";
import { basename, extname, join, posix } from "node:path";
import type { LayerDescription } from "../../../api/schemas/imports";
import { SRID_LNGLAT } from "../../../geo";
import { crsNameOfSrid } from "../../../geometry/crs";
import { areDegrees } from "../../../geometry/degrees";
import { checkColumnCount } from "../analyse";
import { crsOfSrid } from "../crs";
import { ImportFailure } from "../errors";
import { type FileToImport, firstBytes, withoutExtension } from "../file";
import { readerLimit } from "../reading";
import type { FileOptions, LayerSource, LoadedContent } from "../table-source";
import { copyText, GeometryCheck } from "./copy-text";
import { type Gdal, GdalError } from "./gdal";
import type { Layer, WriteOptions } from "./layer";
import { loadLayer } from "./load-layer";

interface Format {
  /** GDAL's names of the formats that such a file may have. */
  readonly drivers: readonly string[];
  /** Extension under which GDAL recognizes the file. */
  readonly extension: string;
}

const DATABASE = { drivers: ["GPKG", "SQLite"], extension: ".sqlite" };
const GPKG = { drivers: ["GPKG"], extension: ".gpkg" };
const FLATGEOBUF = { drivers: ["FlatGeobuf"], extension: ".fgb" };
const GPX = { drivers: ["GPX"], extension: ".gpx" };
const GML = { drivers: ["GML"], extension: ".gml" };
const DXF = { drivers: ["DXF"], extension: ".dxf" };
const MAPINFO = { drivers: ["MapInfo File"], extension: ".tab" };
const GEODATABASE = { drivers: ["OpenFileGDB"], extension: ".gdb" };
const TOPOJSON = { drivers: ["TopoJSON"], extension: ".topojson" };
/** A file of one line is GeoJSON, too, and GDAL opens it only as that. */
const LINES_OF_JSON = { drivers: ["GeoJSONSeq", "GeoJSON"], extension: ".geojsonl" };
const OSM = { drivers: ["OSM"], extension: ".osm" };
const PBF = { drivers: ["OSM"], extension: ".pbf" };
const ESRI_JSON = { drivers: ["ESRIJSON"], extension: ".json" };
const JSON_FG = { drivers: ["JSONFG"], extension: ".json" };
const GEORSS = { drivers: ["GeoRSS"], extension: ".xml" };

const FORMATS: Readonly<Record<string, Format>> = {
  ".gpkg": GPKG,
  ".fgb": FLATGEOBUF,
  ".gpx": GPX,
  ".gml": GML,
  ".dxf": DXF,
  ".mif": { ...MAPINFO, extension: ".mif" },
  ".gdb": GEODATABASE,
  ".sqlite": DATABASE,
  ".sqlite3": DATABASE,
  ".db": DATABASE,
  ".topojson": TOPOJSON,
  ".geojsonl": LINES_OF_JSON,
  ".geojsons": LINES_OF_JSON,
  ".ndjson": LINES_OF_JSON,
  ".osm": OSM,
  ".pbf": PBF,
  ".mbtiles": { drivers: ["MBTiles"], extension: ".mbtiles" },
  ".pmtiles": { drivers: ["PMTiles"], extension: ".pmtiles" },
  ".esrijson": ESRI_JSON,
  ".fgjson": JSON_FG,
  ".georss": GEORSS,
  ".mapml": { drivers: ["MapML"], extension: ".mapml" },
  ".x10": { drivers: ["VDV"], extension: ".x10" },
  ".000": { drivers: ["S57"], extension: ".000" },
  ".e00": { drivers: ["AVCE00"], extension: ".e00" },
  ".dwg": { drivers: ["CAD"], extension: ".dwg" },
  ".gmt": { drivers: ["OGR_GMT"], extension: ".gmt" },
  ".dgn": { drivers: ["DGN"], extension: ".dgn" },
  ".gxt": { drivers: ["Geoconcept"], extension: ".gxt" },
  ".jml": { drivers: ["JML"], extension: ".jml" },
};

export const GDAL_EXTENSIONS = Object.keys(FORMATS);

/** Formats that are recognized by their first bytes, for files with another extension or none. */
const BY_CONTENT: readonly { readonly start: RegExp; readonly format: Format; readonly only?: RegExp }[] = [
  { start: /^SQLite format 3/, format: DATABASE },
  { start: /^fgb/, format: FLATGEOBUF },
  { start: /^\s*!table\b/i, format: MAPINFO, only: /^\.tab$/i },
  { start: /^[^{]{0,9}\{\s*"type"\s*:\s*"Topology"/, format: TOPOJSON, only: /^\.json$/i },
  { start: /"geometryType"\s*:\s*"esriGeometry/, format: ESRI_JSON, only: /^\.json$/i },
  { start: /"conformsTo"\s*:[^\]]*json-fg/i, format: JSON_FG, only: /^\.json$/i },
  { start: /^[^<]{0,9}(?:<[?!][^>]*>\s*)*<gpx\b/, format: GPX },
  { start: /^[^<]{0,9}(?:<[?!][^>]*>\s*)*<(?:rss|feed)\b[^>]*\bxmlns:georss=/, format: GEORSS },
  { start: /^[^<]{0,9}(?:<[?!][^>]*>\s*)*<osm\b/, format: OSM },
  { start: /^[^<]{0,9}(?:<[?!][^>]*>\s*)*<[^>]*\bxmlns:gml=/, format: GML },
];
const HEAD_BYTES = 4096;
/** Files that this project reads itself, whatever their content. */
const OURS = /^\.(?:csv|tsv|txt|geojson|shp|kml|xlsx?|xlsm|ods)$/i;
/** Files that belong to another file of the archive. */
const COMPANION =
  /^\.(?:dbf|shx|prj|cpg|qpj|sbn|sbx|dat|map|id|ind|mid|xsd|gfs|html?)$|-(?:wal|shm|journal)$/i;
/** Relations that are neither lines nor polygons. They are geometry collections, which tables cannot hold. */
const OSM_COLLECTIONS = "other_relations";

/**
 * Returns the layers with features if GDAL reads the format of the file; otherwise null.
 * @throws ImportFailure 2001, 2004, 6666, 6667
 */
export async function openLayers(
  file: FileToImport,
  gdal: Gdal,
  { beside, reading }: Pick<FileOptions, "beside" | "reading">,
): Promise<LayerSource[] | null> {
  const format = await formatOf(file);
  if (format === null) return null;
  const path = await provide(file, format, beside, gdal);
  const listed = await gdal.layers(path, format.drivers).catch((error) => {
    throw readFailure(file, error);
  });
  const layers = listed.filter(({ name, featureCount }) => featureCount !== 0 && name !== OSM_COLLECTIONS);
  const stem = withoutExtension(file.name);
  return layers.map((layer, i): LayerSource => {
    checkColumnCount(layer.fields.length);
    return {
      name: layers.length === 1 ? stem : `${stem}_${layer.name}`,
      layer: layer.name,
      file: file.name,
      describe: async () => description(layer, file),
      load: async (engine, table, signal) => {
        const output = `${path.replaceAll("/", "-")}-${i}`;
        const { srid } = reading;
        const options = { output, srid, limit: readerLimit(reading) };
        const written = await write(gdal, path, layer, options).catch((error) => {
          throw readFailure(file, error);
        });
        const check = srid === undefined && !areInRange(layer) ? new GeometryCheck() : undefined;
        const rows = copyText(join(gdal.dir, output), layer, check);
        const { isMixed } = written;
        const content = { layer: contentOf(layer, written), rows, isMixed, signal };
        const loaded = await loadLayer(engine, table, content);
        if (loaded === null) return null;
        const unread = [...(check?.unread() ?? []), ...loaded.unread];
        return { ...loaded, crs: crsOf(layer, srid), unread };
      },
    };
  });
}

async function formatOf(file: FileToImport): Promise<Format | null> {
  const extension = extname(file.name).toLowerCase();
  const known = FORMATS[extension];
  if (known) return known;
  if (OURS.test(extension) || COMPANION.test(extension)) return null;
  const head = (await firstBytes(file.path, HEAD_BYTES)).toString("latin1");
  const found = BY_CONTENT.find(({ start, only }) => (only?.test(extension) ?? true) && start.test(head));
  return found?.format ?? null;
}

const isTableOfGeodatabase = ({ name }: FileToImport) => /^a00000001\.gdbtable$/i.test(name);

/** Replaces the files of each Esri file geodatabase, which is a folder, by one that stands for them. */
export function geodatabases(files: readonly FileToImport[]): FileToImport[] {
  const folders = new Set(files.filter(isTableOfGeodatabase).map(({ folder }) => folder));
  return files.flatMap((file) => {
    if (!folders.has(file.folder)) return [file];
    const name = basename(file.folder ?? "").replace(/\.gdb$/i, "") || "geodatabase";
    return isTableOfGeodatabase(file) ? [{ ...file, name: `${name}.gdb` }] : [];
  });
}

/** Links a file and those that belong to it into GDAL's folder, under names that GDAL expects. Returns the path there. */
async function provide(
  file: FileToImport,
  { extension }: Format,
  beside: readonly FileToImport[],
  { dir }: Gdal,
): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = basename(await mkdtemp(join(dir, "file-")));
  const inside = beside.filter(({ folder }) => folder === file.folder);
  if (extension === GEODATABASE.extension) {
    const folder = posix.join(path, `data${extension}`);
    await mkdir(join(dir, folder));
    for (const part of inside) await provideAs(part, join(dir, folder, part.name));
    return folder;
  }
  const stem = stemFor(file);
  await provideAs(file, join(dir, path, `${stem}${extension}`));
  for (const part of inside.filter((other) => belongsTo(other, file))) {
    await provideAs(part, join(dir, path, `${stem}${extname(part.name).toLowerCase()}`));
  }
  return posix.join(path, `${stem}${extension}`);
}

const MAX_STEM_CHARS = 60;

/** Some drivers name the layer after its file. */
const stemFor = ({ name }: FileToImport) =>
  withoutExtension(name)
    .replaceAll(/[^\p{L}\p{N}_-]+/gu, "_")
    .slice(0, MAX_STEM_CHARS) || "data";

function belongsTo(other: FileToImport, file: FileToImport): boolean {
  const isSame = withoutExtension(other.name).toLowerCase() === withoutExtension(file.name).toLowerCase();
  return other !== file && isSame && COMPANION.test(extname(other.name));
}

async function provideAs({ path }: FileToImport, to: string): Promise<void> {
  await link(path, to).catch(() => copyFile(path, to)); // some file systems have no links
}

function description(
  { name, featureCount, fields, geometries }: Layer,
  { name: file }: FileToImport,
): LayerDescription {
  const [geometry] = geometries;
  return {
    name,
    file,
    geometry: geometry === undefined || geometry.type === "None" ? null : typeInPostgis(geometry.type),
    rows: featureCount < 0 ? null : featureCount,
    srid: geometry?.crs?.srid ?? null,
    columns: fields.map(({ name, type }) => ({ name, type })),
  };
}

function crsOf({ geometries: [geometry] }: Layer, srid: number | undefined): LoadedContent["crs"] {
  if (geometry === undefined) return null;
  if (srid !== undefined) return crsOfSrid(srid);
  return geometry.crs
    ? { ...geometry.crs, is_assumed: false }
    : { ...crsOfSrid(SRID_LNGLAT), is_assumed: true };
}

/** True if no coordinate without a coordinate system can be out of the range of degrees. */
function areInRange({ geometries }: Layer): boolean {
  return geometries.every(({ crs, extent }) => {
    if (crs !== null || extent === null) return true;
    const [minX, minY, maxX, maxY] = extent;
    return areDegrees([
      [minX, minY],
      [maxX, maxY],
    ]);
  });
}

/** Converts `3D Measured Multi Polygon` to `MULTIPOLYGON`, and `Unknown (any)` to `GEOMETRY`. */
function typeInPostgis(type: string): string {
  return /^Unknown/.test(type)
    ? "GEOMETRY"
    : type
        .replace(/^(?:3D )?(?:Measured )?/, "")
        .replaceAll(" ", "")
        .toUpperCase();
}

/** Writes a layer, again with other options if it has what GDAL refuses. Returns the options. */
async function write(gdal: Gdal, path: string, layer: Layer, options: WriteOptions): Promise<WriteOptions> {
  try {
    await gdal.write(path, layer, options);
    return options;
  } catch (error) {
    if (isOtherType(error) && !options.isMixed)
      return write(gdal, path, layer, { ...options, isMixed: true });
    const isProjected = layer.geometries.every(({ crs }) => (options.srid ?? crs?.srid) != null);
    if (isOutside(error) && isProjected && !options.isUntransformed)
      return write(gdal, path, layer, { ...options, isUntransformed: true });
    throw error;
  }
}

/** Leaves the transformation of what GDAL has not transformed to the database, which can leave out a geometry. */
function contentOf(layer: Layer, { srid, isUntransformed }: WriteOptions) {
  if (!isUntransformed) return layer;
  const geometries = layer.geometries.map(({ name, crs }) => {
    const from = srid ?? crs?.srid;
    return { name, projection: from == null ? null : crsNameOfSrid(from) };
  });
  return { ...layer, geometries };
}

/** True for a position that the projection of the layer cannot place. */
const isOutside = (error: unknown) =>
  error instanceof GdalError &&
  /projection domain|reproject|transform|invalid coordinate/i.test(error.message);

/** True for a layer with geometries of other types than it declares. */
const isOtherType = (error: unknown) =>
  error instanceof GdalError && /has an? .* geometry whereas .* is expected/.test(error.message);

function readFailure({ name }: FileToImport, error: unknown): unknown {
  if (!(error instanceof GdalError)) return error;
  return new ImportFailure(2001, `${name} cannot be read: ${error.message}.`, { cause: error });
}
