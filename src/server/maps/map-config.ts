/** MapConfig (section 7.3 of the protocol), as far as vector tiles and dataviews need it. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { TILE_PX } from "../../geometry/mercator";
import { queryText } from "../../sql-lexer";
import { type Aggregation, DEFAULT_AGGREGATION, parseAggregation } from "./aggregation";
import { type Dataview, parseAnalyses, sourceIdOf } from "./analyses";
import type { DataviewFilters } from "./dataviews/filters";
import { MapsRefusal } from "./errors";

const LATEST_MINOR = 8;
const DEFAULT_BUFFER_PX = 64;
const MAX_BUFFER_PX = 1024;
const DEFAULT_EXTENT = 4096;
const MAX_EXTENT = 65_536;

export interface MapLayer {
  readonly id: string;
  readonly index: number;
  readonly sql: string;
  readonly cartocss?: string;
  readonly geomColumn: string;
  /** Declared SRID. The SRID of the geometries has precedence. */
  readonly srid?: number;
  /** Id column, and the columns that can be requested for one feature. */
  readonly attributes?: { readonly id: string; readonly columns: readonly string[] };
  /** Null if rows are never thinned. */
  readonly aggregation: Aggregation | null;
  readonly minZoom: number;
  readonly maxZoom: number;
  readonly datesAsNumbers: boolean;
}

export interface MapConfig {
  readonly layers: readonly MapLayer[];
  /** By their names. */
  readonly dataviews: ReadonlyMap<string, Dataview>;
  readonly bufferPx: number;
  readonly extent: number;
  /** Null if geometries keep all their vertices. */
  readonly simplifyExtent: number | null;
  readonly minZoom: number;
  readonly maxZoom: number;
  readonly isVectorOnly: boolean;
}

const text = z.string();
const zoom = z.number().int().min(0).max(99);

const Options = z.looseObject({
  sql: text.optional(),
  cartocss: text.optional(),
  cartocss_version: text.optional(),
  geom_column: text.default("the_geom_webmercator"),
  geom_type: text.default("geometry"),
  srid: z.coerce.number().int().positive().optional(),
  attributes: z.object({ id: text, columns: z.array(text).min(1) }).optional(),
  aggregation: z.union([z.boolean(), z.record(text, z.unknown())]).optional(),
  minzoom: zoom.default(0),
  maxzoom: zoom.default(99),
  vector_extent: z.number().int().positive().max(MAX_EXTENT).optional(),
  vector_simplify_extent: z.number().int().positive().max(MAX_EXTENT).optional(),
  dates_as_numbers: z.boolean().default(false),
  sql_wrap: text.optional(),
  source: z.unknown().optional(),
  widgets: z.unknown().optional(),
});

const Layer = z.looseObject({
  type: text.default("mapnik"),
  id: text.optional(),
  options: z.unknown().optional(),
});

const Config = z.looseObject({
  version: text.default("1.0.0"),
  layers: z.array(Layer).min(1),
  buffersize: z.looseObject({ mvt: z.coerce.number().min(0).max(MAX_BUFFER_PX).optional() }).optional(),
  minzoom: zoom.default(0),
  maxzoom: zoom.default(99),
  analyses: z.unknown().optional(),
  dataviews: z.unknown().optional(),
});

interface ConfigOptions {
  /** False if rows are never thinned. @default true */
  readonly aggregation?: boolean;
  /** Filters of the map's dataviews. */
  readonly filters?: DataviewFilters;
}

/**
 * Parses a MapConfig.
 * @throws MapsRefusal with the messages of CARTO if it is invalid, or has layers that are not available as vector tiles
 */
export function parseMapConfig(
  value: unknown,
  { aggregation = true, filters = {} }: ConfigOptions = {},
): MapConfig {
  const parsed = Config.safeParse(value);
  if (!parsed.success) throw new MapsRefusal(400, configProblem(value, parsed.error), { type: "mapconfig" });
  const { version, layers, buffersize, minzoom, maxzoom } = parsed.data;
  const minor = /^1\.(\d+)\.0$/.exec(version)?.[1] ?? /^1\.0\.[01]$/.exec(version)?.[0];
  if (minor === undefined || (minor.length < 4 && Number(minor) > LATEST_MINOR)) {
    throw new MapsRefusal(400, `Unsupported layergroup configuration version ${version}`, {
      type: "mapconfig",
    });
  }
  const options = layers.map(({ type, options: given, id: ownId }, index) => {
    const id = ownId ?? `layer${index}`;
    if (given === undefined || given === null) {
      throw new MapsRefusal(400, `Missing options from layer ${index} of layergroup config`, {
        type: "mapconfig",
      });
    }
    if (type !== "mapnik" && type !== "cartodb") {
      throw layerRefusal(`Layers of type "${type}" are not available on this server`, { id, index, type });
    }
    const result = Options.safeParse(given);
    if (result.success) return result.data;
    throw layerRefusal(shortProblem(result.error), { id, index });
  });
  const styled = options.filter(({ cartocss }) => cartocss !== undefined).length;
  if (styled > 0 && styled < layers.length) {
    const message =
      "Invalid mapconfig: cartocss must be in all layers, or in none of them for vector tiles only";
    throw new MapsRefusal(400, message, { type: "mapconfig" });
  }
  const analysed = options.map(({ sql, source, widgets }, index) => ({ index, sql, source, widgets }));
  const { sources, dataviews } = parseAnalyses(parsed.data, analysed, filters);
  const parsedLayers = options.map((given, index) => {
    const id = sourceIdOf(analysed[index]!); // `!`: as many
    const sql = id === undefined ? given.sql : sources.get(id);
    if (id !== undefined && sql === undefined)
      throw new MapsRefusal(400, `Missing analysis node.id="${id}" for layer=${index}`);
    return mapLayer({ ...given, sql }, layers[index]?.id ?? `layer${index}`, index, {
      isVectorOnly: styled === 0,
      aggregates: aggregation,
    });
  });
  const duplicate = parsedLayers.find(({ id }, i) => parsedLayers.findIndex((layer) => layer.id === id) < i);
  if (duplicate) {
    throw new MapsRefusal(400, `Duplicated layer id "${duplicate.id}"`, { type: "mapconfig" });
  }
  return {
    layers: parsedLayers,
    dataviews,
    bufferPx: buffersize?.mvt ?? DEFAULT_BUFFER_PX,
    ...extents(options),
    minZoom: minzoom,
    maxZoom: maxzoom,
    isVectorOnly: styled === 0,
  };
}

type Options = z.infer<typeof Options>;

function mapLayer(
  options: Options,
  id: string,
  index: number,
  { isVectorOnly, aggregates }: { readonly isVectorOnly: boolean; readonly aggregates: boolean },
): MapLayer {
  const refuse = (message: string) => layerRefusal(message, { id, index });
  if (options.sql === undefined) throw refuse(`Missing sql for layer ${index} options`);
  if (options.geom_type !== "geometry")
    throw refuse("Layers of raster columns are not available on this server");
  if ((options.cartocss === undefined) !== (options.cartocss_version === undefined)) {
    throw refuse(
      `Missing ${options.cartocss === undefined ? "cartocss" : "cartocss_version"} for layer ${index} options`,
    );
  }
  const query = queryText(options.sql);
  if (query === undefined) throw refuse(`The sql of layer ${index} is not one SELECT`);
  const sql = options.sql_wrap ? options.sql_wrap.replace(/<%=\s*sql\s*%>/g, () => query) : query;
  if (queryText(sql) === undefined) throw refuse(`The sql_wrap of layer ${index} does not make one SELECT`);
  const { aggregation } = options;
  const asked = typeof aggregation === "object" ? parseAggregation(aggregation, refuse) : undefined;
  const byDefault = aggregation === true || (aggregation === undefined && isVectorOnly);
  return {
    id,
    index,
    sql,
    cartocss: options.cartocss,
    geomColumn: options.geom_column,
    srid: options.srid,
    attributes: options.attributes,
    aggregation: aggregates ? (asked ?? (byDefault ? DEFAULT_AGGREGATION : null)) : null,
    minZoom: options.minzoom,
    maxZoom: options.maxzoom,
    datesAsNumbers: options.dates_as_numbers,
  };
}

function extents(options: readonly Options[]): Pick<MapConfig, "extent" | "simplifyExtent"> {
  const agreed = (name: "vector_extent" | "vector_simplify_extent") => {
    const values = [...new Set(options.map((layer) => layer[name]))];
    if (values.length > 1) {
      throw new MapsRefusal(
        400,
        `Multiple ${name === "vector_extent" ? "extent" : "simplify extent"} values in mapConfig (${values.join(", ")})`,
        { type: "mapconfig" },
      );
    }
    return values[0];
  };
  const asked = agreed("vector_extent");
  const extent = asked ?? DEFAULT_EXTENT;
  const simplify = agreed("vector_simplify_extent") ?? (asked === undefined ? TILE_PX : asked);
  if (simplify > extent) {
    throw new MapsRefusal(
      400,
      `Invalid vector_simplify_extent (${simplify}). It must be between 1 and ${extent}`,
      { type: "mapconfig" },
    );
  }
  return { extent, simplifyExtent: simplify === extent ? null : simplify };
}

/** Returns the same text for the same map, whatever the order of its members. */
export function fingerprint(value: unknown): string {
  return createHash("md5").update(canonicalJson(value)).digest("hex");
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function configProblem(value: unknown, error: z.ZodError): string {
  const layers = (value as { layers?: unknown } | null)?.layers;
  if (!Array.isArray(layers)) return "Missing layers array from layergroup config";
  return layers.length === 0 ? "layergroup config needs at least one layer" : shortProblem(error);
}

function shortProblem(error: z.ZodError): string {
  const { path = [], message = "invalid" } = error.issues[0] ?? {};
  return `Invalid ${path.join(".") || "value"}: ${message}`;
}

function layerRefusal(message: string, layer: { id: string; index: number; type?: string }): MapsRefusal {
  return new MapsRefusal(400, message, { type: "layer", layer: { type: "mapnik", ...layer } });
}
