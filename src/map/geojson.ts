/** Recognizes and parses GeoJSON (RFC 7946). */
import { InvalidArgumentError } from "../errors";
import { parseExactJson } from "../exact-json";
import { isObject } from "../values";
import { shown } from "./check";

/** A GeoJSON object as `JSON.parse` returns it, possibly with bigints: a FeatureCollection, a Feature or a geometry. */
export interface GeoJson {
  /** `"FeatureCollection"`, `"Feature"`, or the type of a geometry such as `"Point"`. */
  readonly type: string;
}

const GEOMETRIES = [
  "Point",
  "MultiPoint",
  "LineString",
  "MultiLineString",
  "Polygon",
  "MultiPolygon",
  "GeometryCollection",
];

/** Returns true for the path of a GeoJSON file on this machine, which needs no server. */
export const isGeoJsonPath = (text: string): boolean =>
  /\.(geojson|json)$/i.test(text) && !/^https?:/i.test(text);

/** Extensions of files. A table could have such a name only after a schema, as in `public.gpkg`. */
const FILE_EXTENSION =
  /\.(?:geojson|json|geojsonl|geojsons|ndjson|topojson|csv|tsv|txt|xlsx|xlsm|xls|ods|shp|kml|kmz|gpkg|fgb|gdb|sqlite3?|db|tab|mif|gml|gpx|osm|pbf|dxf|dgn|gmt|jml|gxt|parquet|geoparquet|pq|arrows?|feather|ipc|zip|gz)$/i;

/** Returns true for the path or the URL of a file, false for the name of a table, which may contain any character. */
export const isFilePath = (text: string): boolean =>
  FILE_EXTENSION.test(text) || /^(?:https?:\/\/|file:|\.{1,2}[\\/])/i.test(text);

export const isGeoJson = (value: unknown): value is GeoJson =>
  isObject(value) &&
  typeof value.type === "string" &&
  ["FeatureCollection", "Feature", ...GEOMETRIES].includes(value.type);

/** Counts the features; a Feature or a geometry counts as one. */
export function featureCountOf(geojson: GeoJson): number {
  const { features } = geojson as { features?: unknown };
  return Array.isArray(features) ? features.length : 1;
}

const topologyHint = (value: unknown, file: string): string =>
  isObject(value) && value.type === "Topology"
    ? ` It is TopoJSON: read it with \`await cc.readFile(${shown(file)})\`, and map the DataFrame.`
    : "";

/** @throws InvalidArgumentError naming the file, if its text is not GeoJSON. */
export function parseGeoJson(text: string, file: string): GeoJson {
  let value: unknown;
  try {
    value = parseExactJson(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new InvalidArgumentError(`${shown(file)} is not GeoJSON: ${(cause as Error).message}`, { cause });
  }
  if (isGeoJson(value)) return value;
  const found = isObject(value) && "type" in value ? shown(value.type) : "no type";
  throw new InvalidArgumentError(
    `${shown(file)} is not GeoJSON: its type must be "FeatureCollection", "Feature" or that of a geometry; got ${found}.${topologyHint(value, file)}`,
  );
}
