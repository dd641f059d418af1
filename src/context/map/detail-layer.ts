/** Creates the layers of a named map that serve the vector tiles of large layers. */

import type { NamedMap } from "../../api/schemas/maps";
import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { AuthenticationError } from "../../errors";
import { SRID_LNGLAT, SRID_WEBMERCATOR } from "../../geo";
import { readEwkbHead } from "../../geometry/ewkb";
import { type BuiltScene, columnSql, type DataLayer, lnglatOf, type ResolvedLayer } from "../../map";
import { featureCountOf } from "../../render/feature-count";
import type { Scene, SceneLayer } from "../../render/scene";
import { literal } from "../../sql";
import { queryText } from "../../sql-lexer";
import { describe, WEBMERCATOR } from "../read/describe";
import { countedLayer } from "./counted-layer";
import { layerQuery } from "./map-scene";

export interface LayersOfDetail {
  readonly scene: Scene;
  readonly layers: readonly ResolvedLayer[];
  readonly tileColumns: BuiltScene["tileColumns"];
  readonly signal?: AbortSignal;
}

/**
 * Grid of a tile: quarters of a pixel. Vertices are snapped to the grid instead of simplified line by line, so that shared
 * borders stay shared.
 */
const TILE_UNITS = 1024;
/** Large layers are thinned to one row per cell of this size. */
const CELL_PX = 1;
const INTEGERS = new Set(["int2", "int4", "int8"]);
/** The trigger that CARTO's tables have to keep `the_geom_webmercator` in step with `the_geom`. */
const WEBMERCATOR_TRIGGER = "update_the_geom_webmercator_trigger";

export interface DetailLayer {
  readonly type: "mapnik";
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a named map needs for a layer. */
interface Detail {
  readonly tiles: DetailLayer;
  /** Layer whose dataviews count the rows, if there are widgets, and the placeholders of both. */
  readonly counts?: { readonly layer: DetailLayer; readonly placeholders: NamedMap["placeholders"] };
}

/**
 * Creates the layer of a named map whose tiles have the features of a layer and the attributes that the scene shows, and the
 * layer of its dataviews.
 */
export async function detailLayer(
  transport: Transport,
  index: number,
  { scene, layers, tileColumns, counts: asksCounts, signal }: LayersOfDetail & { readonly counts: boolean },
): Promise<Detail> {
  // `!`: only tables and queries have tile columns, and this one has returned rows for the overview
  const { layer, data } = layers[index]!;
  const { sql: given, table } = (await layerQuery(transport, layer, signal))!;
  const query = queryText(given)!;
  const fields = (await describe(transport, query, { signal }))!;
  const isCartos = table !== undefined && (await hasWebmercator(transport, table, data, signal));
  const { geom_column, srid, geometry } = isCartos
    ? { geom_column: WEBMERCATOR, srid: SRID_WEBMERCATOR, geometry: columnSql(WEBMERCATOR) }
    : { geom_column: "the_geom", ...geometryOf(layer, data, fields) };
  const hasId = fields.some(({ name, pgtype }) => name === "cartodb_id" && INTEGERS.has(pgtype));
  const counted = asksCounts ? countedLayer(scene, index, fields) : undefined;
  const attributes = tileColumns[index]!;
  const names = [...attributes.map(({ name }) => name), ...(hasId ? ["cartodb_id"] : []), geom_column];
  const columns = [
    ...attributes.map((column) => `${column.sql} AS ${column.name}`),
    ...(hasId ? [`${columnSql("cartodb_id")} AS cartodb_id`] : []),
    `${geometry} AS ${geom_column}`,
    ...(counted?.columns ?? []),
  ];
  // CARTO's own servers can thin only by these columns
  const canThin = (hasId && isCartos) || transport.kind === "local";
  // the estimate of how many rows pass filters is poor, so that it must not decide whether a tile is thinned
  const aggregation = { resolution: CELL_PX, ...(counted && { threshold: 1 }), ...groupsOf(layer) };
  const rows = `SELECT ${columns.join(", ")} FROM (\n${query}\n) AS q`;
  const sql = counted
    ? `SELECT ${names.join(", ")} FROM (${rows}) AS v WHERE ${counted.condition}`
    : layer.style.aggregate
      ? `SELECT * FROM (${rows}) AS v WHERE ${isCounted(layer, geom_column)}`
      : rows;
  const place = { geom_column, srid };
  const tiles: DetailLayer = {
    type: "mapnik",
    id: `layer${index}`,
    options: { sql, ...place, vector_extent: TILE_UNITS, aggregation: canThin && aggregation },
  };
  if (!counted) return { tiles };
  const { placeholders, dataviews, counts } = counted;
  const areas = isCartos ? geom_column : `${inMercator(geom_column, srid)} AS ${WEBMERCATOR}`;
  return {
    tiles,
    counts: {
      placeholders,
      layer: {
        type: "mapnik",
        id: `counts${index}`,
        options: {
          sql: `SELECT ${[...counts, areas].join(", ")} FROM (${rows}) AS v WHERE ${isDrawn(scene.layers[index]!, { geometry: geom_column, srid })}`,
          geom_column: WEBMERCATOR,
          srid: SRID_WEBMERCATOR,
          vector_extent: TILE_UNITS, // all layers of a map have the same
          aggregation: false,
          widgets: dataviews,
        },
      },
    },
  };
}

/** Larger than any coordinate of a geometry on a map, in degrees or metres. */
const ANYWHERE = 1e30;
const DIMENSIONS = { point: 0, line: 1, polygon: 2 } as const;

/** Condition for the rows that the map draws: those with a geometry of the layer's kind, which all rows have on most maps. */
export function isDrawn(
  layer: SceneLayer,
  { geometry, srid }: { readonly geometry: string; readonly srid: number },
): string {
  const hasBox = `${geometry} && ST_MakeEnvelope(-${ANYWHERE}, -${ANYWHERE}, ${ANYWHERE}, ${ANYWHERE}, ${srid})`;
  if (hasAllRows(layer)) return hasBox;
  return `${hasBox} AND ST_Dimension(${geometry}) = ${DIMENSIONS[layer.geometry.kind]}`;
}

function hasAllRows({ geometry, rowCount }: SceneLayer): boolean {
  const features = featureCountOf(geometry);
  const drawn = geometry.rows ? new Set(geometry.rows).size : features;
  return drawn === rowCount;
}

/** Projects for the areas of dataviews. Degrees beyond the poles, which PROJ refuses, are in no area. */
export function inMercator(geometry: string, srid: number): string {
  if (srid === SRID_WEBMERCATOR) return geometry;
  const projected = `ST_Transform(${geometry}, ${SRID_WEBMERCATOR})`;
  if (srid !== SRID_LNGLAT) return projected;
  return `CASE WHEN ${geometry} @ ST_MakeEnvelope(-180, -90, 180, 90, ${SRID_LNGLAT}) THEN ${projected} END`;
}

/** Cells are about points with a finite value: the server groups a layer only if all its rows are points. */
function isCounted({ style: { aggregate } }: DataLayer, geomColumn: string): string {
  const isPoint = `ST_Dimension(${geomColumn}) = 0`;
  return aggregate?.column === undefined ? isPoint : `${isPoint} AND abs(c0) < 'Infinity'`;
}

/** Options that group the points of a layer whose points are drawn together, with the statistic of their values. */
function groupsOf({ style: { aggregate } }: DataLayer): object {
  if (!aggregate) return {};
  const { statistic, column } = aggregate;
  return {
    placement: "centroid",
    threshold: 1,
    columns: column === undefined ? {} : { c0: { aggregate_function: statistic, aggregated_column: "c0" } },
  };
}

/** Returns true if `the_geom_webmercator` exists and follows `the_geom`: its tiles are cheaper, and CARTO can thin them. */
async function hasWebmercator(
  transport: Transport,
  table: string,
  { geometry }: ResolvedLayer["data"],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (geometry.kind !== "ewkb" || geometry.column !== "the_geom") return false;
  try {
    const { rows } = await runSql(
      transport,
      `SELECT count(*) AS n FROM pg_catalog.pg_trigger WHERE tgrelid = to_regclass(${literal(table)}) AND tgname = ${literal(WEBMERCATOR_TRIGGER)}`,
      { signal, repeatable: true, whenLimited: "throw" },
    );
    return Number(rows[0]?.n) > 0;
  } catch (error) {
    if (error instanceof AuthenticationError) return false; // creating the map fails next, with the reason that matters
    throw error;
  }
}

/** Returns the geometry of the rows `q` of a layer's query, and its SRID. */
export function geometryOf(
  layer: DataLayer,
  { geometry: source }: ResolvedLayer["data"],
  fields: readonly { readonly name: string; readonly pgtype: string }[],
): { readonly geometry: string; readonly srid: number } {
  if (source.kind === "lnglat") {
    const [lng, lat] = (lnglatOf(layer) ?? []).map(finiteSql);
    return { geometry: `ST_SetSRID(ST_MakePoint(${lng}, ${lat}), ${SRID_LNGLAT})`, srid: SRID_LNGLAT };
  }
  const isGeography = fields.some(({ name, pgtype }) => name === source.column && pgtype === "geography");
  const geometry = columnSql(source.column) + (isGeography ? "::geometry" : "");
  return { geometry, srid: sridOf(source.values) };
}

/** Casts degrees to float8; NaN and infinite values become NULL. */
function finiteSql(name: string): string {
  const degrees = `${columnSql(name)}::float8`;
  return `CASE WHEN ${degrees} BETWEEN -1e6 AND 1e6 THEN ${degrees} END`;
}

/** Returns the SRID of the first geometry: the rows of a layer share one. */
function sridOf(values: readonly (string | Uint8Array | null)[]): number {
  const first = values.find((value) => value !== null);
  if (typeof first !== "string") return SRID_LNGLAT;
  const head = Buffer.from(first.slice(0, 32), "hex");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return readEwkbHead(view, 0, head.length)?.srid || SRID_LNGLAT; // 0 is PostGIS' "unknown"
}
