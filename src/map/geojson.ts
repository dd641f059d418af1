/** GeoJSON (RFC 7946): what is one, and parsing it. */
import { InvalidArgumentError } from "../errors";
import { isObject } from "../values";
import { shown } from "./check";

/** A FeatureCollection, a Feature or a geometry, as `JSON.parse` gives it. */
export interface GeoJson {
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
/** Whether a text is the name of a GeoJSON file rather than of a table: tables have no such endings. */
export const isGeoJsonPath = (text: string): boolean => /\.(geojson|json)$/i.test(text);

export const isGeoJson = (value: unknown): value is GeoJson =>
  isObject(value) &&
  typeof value.type === "string" &&
  ["FeatureCollection", "Feature", ...GEOMETRIES].includes(value.type);

/** How many features there are, for messages. */
export function featureCountOf(geojson: GeoJson): number {
  const { features } = geojson as { features?: unknown };
  return Array.isArray(features) ? features.length : 1;
}

/** @throws InvalidArgumentError for a text that is no GeoJSON, naming the file. */
export function parseGeoJson(text: string, file: string): GeoJson {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new InvalidArgumentError(`${shown(file)} is not GeoJSON: ${(cause as Error).message}`, { cause });
  }
  if (isGeoJson(value)) return value;
  const found = isObject(value) && "type" in value ? `its type is ${shown(value.type)}` : "it has no type";
  throw new InvalidArgumentError(
    `${shown(file)} is not GeoJSON: ${found}; expected "FeatureCollection", "Feature" or a geometry.`,
  );
}
