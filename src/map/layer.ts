import type { DataFrame } from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { isFrame, rowCountOf } from "../frame";
import { OPTION_NAMES } from "../option-names";
import { isObject } from "../values";
import { checkKeys, checkText, expected, shown } from "./check";
import { featureCountOf, type GeoJson, isGeoJson, isGeoJsonPath } from "./geojson";
import { checkStyle, type Style, type StyleOptions } from "./style-options";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

export interface LayerOptions extends StyleOptions {
  /** Names of the longitude and the latitude column, in that order: the layer shows their points. */
  readonly lnglat?: readonly [lng: string, lat: string];
  /**
   * The geometry column. Default `the_geom`, else in a DataFrame `geometry` or the first column of geometries: wkx,
   * WKT, GeoJSON, EWKB as hexadecimal text or bytes.
   */
  readonly geomCol?: string;
}

/** Where the data of a layer come from. @internal */
export type LayerSource =
  | { readonly kind: "table"; readonly table: string }
  | { readonly kind: "query"; readonly sql: string }
  | { readonly kind: "frame"; readonly frame: DataFrame }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "geojson"; readonly geojson: GeoJson };

/**
 * A table of the account, a DataFrame, or GeoJSON on a map.
 *
 * ```ts
 * await cc.map({ layers: new Layer("airports", { color: "state", size: 6 }) });
 * await cc.map({ layers: new Layer(df, { lnglat: ["longitude", "latitude"], color: "tomato" }) });
 * await cc.map({ layers: new Layer("parks.geojson", { tooltip: "name" }) });
 * ```
 */
export class Layer {
  /** The name of the table or file, the DataFrame or the GeoJSON. */
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
   * @param source the name of a table; or a DataFrame, a GeoJSON object, or the path of a GeoJSON file, which ends in
   *   `.geojson` or `.json`: these need no server
   * @param options `color`, `size`, `opacity`, `stroke`, `legend`, `tooltip`, `popup`, `label`, `time`, `name`; where the
   *   geometry is: `lnglat` or `geomCol`
   * @throws InvalidArgumentError for an option that cannot be, saying what is expected
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
 * The rows of a query on a map. It needs a geometry column, `the_geom` or another one.
 *
 * ```ts
 * await cc.map({ layers: new QueryLayer("SELECT * FROM airports WHERE state = 'AK'", { color: "teal" }) });
 * ```
 */
export class QueryLayer {
  readonly sql: string;
  /** @internal */
  readonly from: LayerSource;
  /** @internal */
  readonly style: Style;

  /**
   * @param sql a SELECT
   * @param options `color`, `size`, `opacity`, `stroke`, `legend`, `tooltip`, `popup`, `label`, `time`, `name`
   * @throws InvalidArgumentError for an option that cannot be, saying what is expected
   */
  constructor(sql: string, options: StyleOptions = {}) {
    checkOptions("QueryLayer", options, OPTION_NAMES.StyleOptions);
    this.sql = checkText("The query", sql, "a SELECT");
    this.from = { kind: "query", sql };
    this.style = namingLayer(this.from, options, () => checkStyle(options));
  }

  [INSPECT](): string {
    return `QueryLayer(${labelOf(this)})`;
  }
}

/** How messages name a layer: as the user does, else by its table or file, the beginning of its query, or the shape of its frame. */
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

/** What people see a layer called: what the user calls it, its table, or its file without folder and ending. */
export function nameOf({ from, style }: Layer | QueryLayer): string | undefined {
  if (style.name !== undefined) return style.name;
  if (from.kind === "table") return from.table;
  if (from.kind !== "file") return undefined;
  return from.path.replace(/^.*[\\/]/, "").replace(/\.\w+$/, "");
}

const counted = (count: number, what: string) =>
  `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;

/** Without `frame.shape`, which is the column of a frame that has one of that name. */
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
  if (typeof source !== "object") {
    const text = checkText(
      "The first argument of Layer",
      source,
      "a table's name, a GeoJSON file or a DataFrame",
    );
    return isGeoJsonPath(text) ? { kind: "file", path: text } : { kind: "table", table: text };
  }
  throw new InvalidArgumentError(
    "The first argument of Layer must be a table's name, a danfo.js DataFrame, or GeoJSON: an object or a path that ends in .geojson or .json.",
  );
}

/** Which of several layers has a wrong option, nobody should have to look for. */
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
    throw new InvalidArgumentError("pass lnglat or geomCol, not both: each says where the points are.");
  return {
    ...(lnglat !== undefined && { lnglat: checkLngLat(lnglat) }),
    ...(geomCol !== undefined && { geomCol: checkText("geomCol", geomCol, "a column's name") }),
  };
}

function checkLngLat(lnglat: unknown): readonly [string, string] {
  const names = Array.isArray(lnglat) ? (lnglat as unknown[]) : [];
  const [lng, lat] = names;
  if (names.length === 2 && typeof lng === "string" && typeof lat === "string") return [lng, lat];
  throw expected("lnglat", lnglat, "the names of two columns: [longitude, latitude]");
}
