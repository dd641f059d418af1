import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { isFrame, rowCountOf } from "../frame";
import { OPTION_NAMES } from "../option-names";
import { isGeoJsonText, isObject } from "../values";
import { checkKeys, checkText, counted, expected, shown } from "./check";
import { featureCountOf, type GeoJson, isFilePath, isGeoJson } from "./geojson";
import { checkStyle, type Style, type StyleOptions } from "./style-options";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const A_SOURCE = "the name of a table, a danfo.js DataFrame, a GeoJSON object, or the path or URL of a file";

/** Options of `Layer`: its style, and where its geometry is. */
export interface LayerOptions extends StyleOptions {
  /**
   * Names of the longitude and latitude columns, in that order, in degrees. The layer shows points there. Excludes
   * `geomCol`.
   * @default the geometry column is used
   */
  readonly lnglat?: readonly [lng: string, lat: string];
  /**
   * Name of the geometry column. In a DataFrame its values can be wkx geometries, WKT, GeoJSON, or EWKB as bytes or
   * hexadecimal text. Excludes `lnglat`.
   * @default "the_geom"; in a DataFrame otherwise "geometry" or the first column of geometries
   */
  readonly geomCol?: string;
}

/** Source of a layer's data. @internal */
export type LayerSource =
  | { readonly kind: "table"; readonly table: string }
  | { readonly kind: "query"; readonly sql: string }
  | { readonly kind: "frame"; readonly frame: DataFrame }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "geojson"; readonly geojson: GeoJson };

/**
 * A layer of a map that shows a table, a DataFrame, GeoJSON or a file. DataFrames and GeoJSON need no server.
 *
 * ```ts
 * await cc.map({ layers: new Layer("airports", { color: "state", size: 6 }) });
 * await cc.map({ layers: new Layer(df, { lnglat: ["longitude", "latitude"], color: "tomato" }) });
 * const parks = new Layer("parks.geojson", { tooltip: "name" });
 * const roads = new Layer("data/roads.gpkg");
 * ```
 */
export class Layer {
  /** Table name, path of a file, DataFrame or GeoJSON object that the layer was made of. */
  readonly source: string | DataFrame | GeoJson;
  /** @internal */
  readonly from: LayerSource;
  /** @internal */
  readonly style: Style;
  /** @internal */
  readonly lnglat?: readonly [lng: string, lat: string];
  /** @internal */
  readonly geomCol?: string;

  /**
   * @param source name of a table, a danfo.js DataFrame, a GeoJSON object, or the path or URL of a file of any format
   *   that `cc.readFile` reads. A path has the extension of a format, such as `roads.gpkg`, or begins with `./`
   * @param options style of the layer, and `lnglat` or `geomCol` if its geometry is not in the default column
   * @throws InvalidArgumentError naming the layer, the option that is wrong and what it must be
   */
  constructor(source: string | DataFrame | GeoJson, options: LayerOptions = {}) {
    checkOptions("Layer", options, OPTION_NAMES.LayerOptions);
    this.from = layerSource(source);
    this.source = source;
    const place = namingLayer(this.from, options, () => checkPlace(options));
    this.style = namingLayer(this.from, options, () => checkStyle(options));
    if (place.lnglat !== undefined) this.lnglat = place.lnglat;
    if (place.geomCol !== undefined) this.geomCol = place.geomCol;
  }

  [INSPECT](): string {
    return `Layer(${labelOf(this)})`;
  }
}

/**
 * A layer of a map that shows the result of a query. The result must have a geometry column, `the_geom` or any other. A
 * statement that changes data is refused before it runs.
 *
 * ```ts
 * await cc.map({ layers: new QueryLayer("SELECT * FROM airports WHERE state = 'AK'", { color: "teal" }) });
 * ```
 */
export class QueryLayer {
  /** The query. */
  readonly sql: string;
  /** @internal */
  readonly from: LayerSource;
  /** @internal */
  readonly style: Style;

  /**
   * @param sql a SELECT statement
   * @param options style of the layer
   * @throws InvalidArgumentError naming the layer, the option that is wrong and what it must be
   */
  constructor(sql: string, options: StyleOptions = {}) {
    checkOptions("QueryLayer", options, OPTION_NAMES.StyleOptions);
    this.sql = checkText("The first argument of QueryLayer", sql, "a SELECT statement");
    this.from = { kind: "query", sql };
    this.style = namingLayer(this.from, options, () => checkStyle(options));
  }

  [INSPECT](): string {
    return `QueryLayer(${labelOf(this)})`;
  }
}

/** Returns a layer whose data include the columns of widgets, and the column whose values have a map each. */
export function withExplored<T extends Layer | QueryLayer>(
  layer: T,
  explored: readonly string[],
  facet?: string,
): T {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(layer)) as T, layer);
  return Object.assign(copy, { style: { ...layer.style, explored, ...(facet !== undefined && { facet }) } });
}

/**
 * Names a layer for error messages and warnings: by its `name`, otherwise by its table or file, the beginning of its
 * query, or the shape of its DataFrame.
 */
export const labelOf = ({ from, style: { name } }: Layer | QueryLayer): string =>
  name === undefined ? sourceLabel(from) : shown(name);

function sourceLabel(from: LayerSource): string {
  switch (from.kind) {
    case "table":
      return shown(from.table);
    case "query":
      return shown(from.sql.trim().replace(/\s+/g, " "));
    case "frame":
      return `DataFrame (${shapeOf(from.frame)})`;
    case "file":
      return shown(from.path);
    case "geojson":
      return `GeoJSON (${counted(featureCountOf(from.geojson), "feature")})`;
  }
}

/** Names a layer for readers of the map: by its `name`, its table, or its file without folder and extension. */
export function nameOf({ from, style }: Layer | QueryLayer): string | undefined {
  if (style.name !== undefined) return style.name;
  if (from.kind === "table") return from.table;
  if (from.kind !== "file") return undefined;
  return from.path.replace(/^.*[\\/]/, "").replace(/\.\w+$/, "");
}

/** Does not use `frame.shape`, which a column of that name would replace. */
function shapeOf(frame: DataFrame): string {
  const { $columns } = frame as unknown as { $columns: unknown[] };
  return `${rowCountOf(frame)} × ${$columns.length}`;
}

function checkOptions(what: string, options: unknown, names: readonly string[]): void {
  if (!isObject(options)) throw expected(`The second argument of ${what}`, options, "an object of options");
  checkKeys(what, options, names);
}

function layerSource(source: unknown): LayerSource {
  if (isFrame(source)) return { kind: "frame", frame: source };
  if (isGeoJson(source)) return { kind: "geojson", geojson: source };
  const text = checkText("The first argument of Layer", source, A_SOURCE);
  if (isGeoJsonText(text)) {
    throw new InvalidArgumentError(
      "The first argument of Layer is GeoJSON as text, not the name of a table. Pass the object: `new Layer(JSON.parse(text))`.",
    );
  }
  return isFilePath(text) ? { kind: "file", path: text } : { kind: "table", table: text };
}

/** Runs a check of options, and adds the layer's name to its error. */
function namingLayer<T>(from: LayerSource, { name }: StyleOptions, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const label = typeof name === "string" ? shown(name) : sourceLabel(from);
    throw new InvalidArgumentError(`Layer ${label}: ${error.message}`);
  }
}

function checkPlace({ lnglat, geomCol }: LayerOptions): Pick<LayerOptions, "lnglat" | "geomCol"> {
  if (lnglat !== undefined && geomCol !== undefined)
    throw new InvalidArgumentError("Pass `lnglat` or `geomCol`, not both: each sets where the points are.");
  return {
    ...(lnglat !== undefined && { lnglat: checkLngLat(lnglat) }),
    ...(geomCol !== undefined && { geomCol: checkText("geomCol", geomCol, "the name of a column") }),
  };
}

function checkLngLat(lnglat: unknown): readonly [string, string] {
  const names = Array.isArray(lnglat) ? (lnglat as unknown[]) : [];
  const [lng, lat] = names;
  if (names.length === 2 && typeof lng === "string" && typeof lat === "string") return [lng, lat];
  throw expected("lnglat", lnglat, "the names of two columns: [longitude, latitude]");
}
