import { InvalidArgumentError } from "../errors";
import { SRID_LNGLAT } from "../geo";
import { crsNameOf, sridOfCrsName } from "../geometry/crs";
import { DegreeCheck } from "../geometry/degrees";
import { isMissing, isObject } from "../values";
import { shown } from "./check";
import { type CellTable, dataFromCells } from "./frame-data";
import type { GeoJson } from "./geojson";
import { labelOf } from "./layer";
import type { DataLayer, LayerData } from "./layer-data";

/** Name of the geometry column. A property of the same name is dropped. */
const GEOMETRY = "geometry";

/** Reads the data of a layer from GeoJSON. Properties become columns, and feature ids the column `id`. */
export function dataFromGeoJson(
  layer: DataLayer,
  geojson: GeoJson,
  signal?: AbortSignal,
): Promise<LayerData> {
  const label = `layer ${labelOf(layer)}`;
  checkCrs(geojson, label);
  const features = featuresOf(geojson, label);
  checkDegrees(features, label);
  return dataFromCells(layer, featureTable(features), signal);
}

interface Feature {
  readonly id?: unknown;
  readonly geometry?: unknown;
  readonly properties?: Readonly<Record<string, unknown>> | null;
}

function featuresOf(geojson: GeoJson, label: string): readonly Feature[] {
  if (geojson.type === "Feature") return [geojson as Feature];
  if (geojson.type !== "FeatureCollection") return [{ geometry: geojson }];
  const { features } = geojson as { features?: unknown };
  if (!Array.isArray(features))
    throw new InvalidArgumentError(
      `The FeatureCollection of ${label} must have an array of features; got ${shown(features)}.`,
    );
  for (const [i, feature] of features.entries()) {
    if (isObject(feature) && feature.type === "Feature") continue;
    throw new InvalidArgumentError(`features[${i}] of ${label} must be a Feature; got ${shown(feature)}.`);
  }
  return features as Feature[];
}

function checkCrs(geojson: GeoJson, label: string): void {
  const name = crsNameOf((geojson as { crs?: unknown }).crs);
  if (name === null || sridOfCrsName(name) === SRID_LNGLAT) return;
  throw new InvalidArgumentError(
    `The GeoJSON of ${label} must have longitude and latitude (EPSG:${SRID_LNGLAT}); its coordinate system is ${shown(name)}. Convert it, for example with ogr2ogr -t_srs EPSG:${SRID_LNGLAT}.`,
  );
}

function checkDegrees(features: readonly Feature[], label: string): void {
  const check = new DegreeCheck();
  for (const { geometry } of features) if (isObject(geometry)) check.add(geometry.coordinates);
  const problem = check.problem();
  if (problem === undefined) return;
  throw new InvalidArgumentError(
    `The GeoJSON of ${label} must have longitude and latitude (EPSG:${SRID_LNGLAT}), but ${problem} Convert it, for example with ogr2ogr -t_srs EPSG:${SRID_LNGLAT}.`,
  );
}

/** Returns the features as a table: their properties, then their ids, if they have any, and their geometry. */
export const tableOfGeoJson = (geojson: GeoJson): CellTable => featureTable(featuresOf(geojson, "GeoJSON"));

function featureTable(features: readonly Feature[]): CellTable {
  const properties = new Set<string>();
  let hasId = false;
  for (const feature of features) {
    for (const name of Object.keys(feature.properties ?? {})) properties.add(name);
    hasId ||= feature.id !== undefined && feature.id !== null;
  }
  const names = [...new Set([...properties, ...(hasId ? ["id"] : []), GEOMETRY])];
  const cell = ({ id, geometry, properties: own }: Feature, name: string) => {
    if (name === GEOMETRY) return geometry;
    if (own && Object.hasOwn(own, name)) return own[name];
    return name === "id" ? id : undefined;
  };
  return {
    rowCount: features.length,
    names,
    geometry: GEOMETRY,
    column: (name) =>
      names.includes(name) ? { name, values: features.map((feature) => cell(feature, name)) } : undefined,
    firstOf: (index) => {
      const name = names[index];
      if (name === undefined) return undefined;
      const found = features.find((feature) => !isMissing(cell(feature, name)));
      return found && cell(found, name);
    },
  };
}
