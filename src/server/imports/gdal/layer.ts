/** What the worker thread of GDAL tells about a layer. */

export interface Layer {
  readonly name: string;
  /** Number of features. Negative if the driver does not know it. */
  readonly featureCount: number;
  readonly fields: readonly Field[];
  readonly geometries: readonly GeometryField[];
  /** True if the features have ids that the file stores, such as the primary key of a GeoPackage, and no field is a key. */
  readonly hasIds: boolean;
}

export interface Field {
  readonly name: string;
  /** PostgreSQL type. */
  readonly type: string;
}

interface GeometryField {
  /** Empty in formats with one geometry, which has no name. */
  readonly name: string;
  /** Type as GDAL names it: `Point`, `Multi Polygon`, `3D Line String`, `Unknown (any)`. */
  readonly type: string;
  /** Null if the coordinate system is missing, or not on the Earth. */
  readonly crs: Crs | null;
  /** Extent of the coordinates; null if it is not known, or if there are no coordinates. */
  readonly extent: Extent | null;
}

export interface Crs {
  /** EPSG code, if the file or GDAL tells it. */
  readonly srid: number | null;
  readonly name: string;
}

/** Smallest x and y, largest x and y. */
export type Extent = readonly [number, number, number, number];

/**
 * Returns the fields whose values are also written in binary, because GDAL's text has 15 digits, too few for a double.
 * Empty if a name cannot be passed to GDAL, which has no quotation marks in its list of fields.
 */
export function doubleFields({ fields }: Layer): Field[] {
  const doubles = fields.filter(({ type }) => type === "double precision");
  return doubles.every(({ name }) => /^[^\s,"\\]+$/.test(name)) ? doubles : [];
}

/** True for a field that becomes the key of the table. */
export const isKey = ({ name, type }: Field) =>
  /^cartodb_id$/i.test(name) && /^(?:integer|bigint)$/.test(type);

/** Requests to the worker, which are answered in their order. Paths are relative to its folder. */
export type ToWorker =
  | { readonly kind: "list"; readonly path: string; readonly drivers: readonly string[] }
  | ({ readonly kind: "write"; readonly path: string; readonly layer: Layer } & WriteOptions)
  /** Converts a virtual dataset to files named `output`, with the options of ogr2ogr. */
  | {
      readonly kind: "convert";
      readonly path: string;
      readonly options: readonly string[];
      readonly output: string;
    };

export interface WriteOptions {
  /** Name of the output, without extension. */
  readonly output: string;
  /** Coordinate system of the layer, instead of its own. */
  readonly srid?: number;
  /** Maximum number of features. */
  readonly limit?: number;
  /** True keeps the types of the geometries, single or MULTI, instead of converting them to that of the layer. */
  readonly isMixed?: boolean;
  /** True writes the coordinates of the file as they are, instead of transforming them to degrees. */
  readonly isUntransformed?: boolean;
}

export type FromWorker =
  | { readonly kind: "layers"; readonly layers: readonly Layer[] }
  | { readonly kind: "written" }
  /** GDAL cannot read the file, for the reason in `message`. */
  | { readonly kind: "failed"; readonly message: string };
