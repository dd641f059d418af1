/**
 * The detail of layers that are too large for a page: tiles of a named map, which the page asks for with a token of that
 * map. It holds no key, and nobody who finds the token gets more than what the map shows.
 */
import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { createNamedMap, fetchNamedMap, instantiateNamedMap, namedTilesUrl } from "../api/maps";
import type { NamedMap } from "../api/schemas/maps";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { AuthenticationError, CartoError, ServerError } from "../errors";
import { readEwkbHead } from "../frame/ewkb";
import { SRID_LNGLAT, SRID_WEBMERCATOR } from "../geo";
import { type BuiltScene, columnSql, type DataLayer, labelOf, lnglatOf, type ResolvedLayer } from "../map";
import type { MapView } from "../render";
import type { DetailSource, SceneLayer } from "../render/scene";
import { literal } from "../sql";
import { queryText } from "../sql-lexer";
import { describe, WEBMERCATOR } from "./describe";
import { layerQuery } from "./layer-query";
import type { FetchedScene } from "./map";

export interface DetailOptions {
  readonly layers: readonly ResolvedLayer[];
  readonly tileColumns: BuiltScene["tileColumns"];
  /** Indexes of the layers of which the page carries an overview. */
  readonly reduced: readonly number[];
  /** CSS pixels of a tile of 256 around it, of which it has the features too. */
  readonly bufferPx: number;
  readonly signal?: AbortSignal;
}

export interface Details {
  /** By index of the layer. */
  readonly sources: ReadonlyMap<number, DetailSource>;
  readonly warnings: readonly string[];
}

/**
 * Quarters of a pixel: all corners of all polygons go to the same grid, so that borders that were shared stay shared; no
 * line is generalised by itself.
 */
const TILE_UNITS = 1024;
/** The page shows tiles in their own size or smaller, down to half of it. */
const MOST_TILE_PX_PER_PX = 2;
const MAX_BUFFER_PX = 256;
/** Of the rows in a pixel the first one is shown, where a layer has many. */
const CELL_PX = 1;
/** Names that are tried where others have taken the first one. */
const NAMES = 3;
const INTEGERS = new Set(["int2", "int4", "int8"]);
/** Keeps `the_geom_webmercator` what `the_geom` is: CARTO's tables have it. */
const WEBMERCATOR_TRIGGER = "update_the_geom_webmercator_trigger";

/**
 * Says where a live map finds the detail of the tables and queries that its page has but overviews of.
 * @returns warnings
 */
export async function addDetail(
  transport: Transport,
  view: MapView,
  { scene, layers, tileColumns }: FetchedScene,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (tileColumns.every((columns) => columns === undefined)) return [];
  const reduced = view.overviews();
  const reachPx = Math.max(0, ...reduced.map((index) => reachOf(scene.layers[index]!)));
  const bufferPx = Math.min(MAX_BUFFER_PX, Math.ceil(MOST_TILE_PX_PER_PX * reachPx) + 1);
  const { sources, warnings } = await detailSources(transport, {
    layers,
    tileColumns,
    reduced,
    bufferPx,
    signal,
  });
  view.addDetail(sources);
  return warnings;
}

/** How far what is painted of a feature goes beyond it. */
function reachOf({ size, stroke, geometry }: SceneLayer): number {
  const largest = size.kind === "constant" ? size.px : Math.max(size.missingPx, ...size.px);
  return (geometry.kind === "polygon" ? 0 : largest / 2) + (stroke?.widthPx ?? 0);
}

/**
 * Where the page finds the detail of its reduced layers: one named map for all that are tables or queries. Where none can
 * be made there are no sources, and a warning says why.
 */
export async function detailSources(transport: Transport, options: DetailOptions): Promise<Details> {
  const { layers, tileColumns, bufferPx, signal } = options;
  const reduced = options.reduced.filter((index) => tileColumns[index] !== undefined);
  if (reduced.length === 0) return { sources: new Map(), warnings: [] };
  try {
    const mapLayers: MapLayer[] = [];
    for (const index of reduced) mapLayers.push(await mapLayer(transport, index, options));
    const layergroup = { version: "1.8.0", buffersize: { mvt: bufferPx }, layers: mapLayers };
    const urlTemplate = await tilesOf(transport, layergroup, signal);
    const sources = reduced.map((index, at): [number, DetailSource] => [
      index,
      { urlTemplate, layer: mapLayers[at]!.id, formats: formatsOf(tileColumns[index]!), bufferPx },
    ]);
    return { sources: new Map(sources), warnings: [] };
  } catch (error) {
    if (signal?.aborted || !(error instanceof CartoError)) throw error;
    const names = reduced.map((index) => labelOf(layers[index]!.layer)).join(", ");
    return { sources: new Map(), warnings: [overviewWarning(names, error)] };
  }
}

function overviewWarning(names: string, error: CartoError): string {
  const hint =
    error instanceof AuthenticationError ? " Named maps are made with the account's master key." : "";
  return `The map shows an overview of ${names}, also where you zoom in: no named map could be made for the detail. ${error.message.replace(/[^.]$/, "$&.")}${hint}`;
}

function formatsOf(columns: NonNullable<DetailOptions["tileColumns"][number]>): Record<number, string> {
  const formats = columns.flatMap(({ name, format }) =>
    format === undefined ? [] : [[name.replace(/^c/, ""), format] as const],
  );
  return Object.fromEntries(formats);
}

interface MapLayer {
  readonly type: "mapnik";
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
}

async function mapLayer(
  transport: Transport,
  index: number,
  { layers, tileColumns, signal }: DetailOptions,
): Promise<MapLayer> {
  const { layer, data } = layers[index]!;
  const { sql, table } = (await layerQuery(transport, layer, signal))!;
  const query = queryText(sql)!; // no other has rows for the overview
  const fields = (await describe(transport, query, { signal }))!;
  const geometry =
    table !== undefined && (await hasWebmercator(transport, table, data, signal))
      ? { sql: columnSql(WEBMERCATOR), srid: SRID_WEBMERCATOR }
      : geometryOf(layer, data, fields);
  const hasId = fields.some(({ name, pgtype }) => name === "cartodb_id" && INTEGERS.has(pgtype));
  const columns = [
    ...tileColumns[index]!.map((column) => `${column.sql} AS ${column.name}`),
    ...(hasId ? [`${columnSql("cartodb_id")} AS cartodb_id`] : []),
    `${geometry.sql} AS the_geom`,
  ];
  // CARTO's own servers thin by cartodb_id only
  const canThin = hasId || (await transport.endpoint(signal)).isCurrent !== undefined;
  return {
    type: "mapnik",
    id: `layer${index}`,
    options: {
      sql: `SELECT ${columns.join(", ")} FROM (\n${query}\n) AS q`,
      geom_column: "the_geom",
      srid: geometry.srid,
      vector_extent: TILE_UNITS,
      aggregation: canThin && { resolution: CELL_PX },
    },
  };
}

/** Tiles of `the_geom_webmercator` cost half as much as those of `the_geom`, if it is there and in step with it. */
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
    if (error instanceof AuthenticationError) return false; // the reason that matters is why it may make no map
    throw error;
  }
}

function geometryOf(
  layer: DataLayer,
  { geometry }: ResolvedLayer["data"],
  fields: readonly { readonly name: string; readonly pgtype: string }[],
): { readonly sql: string; readonly srid: number } {
  if (geometry.kind === "lnglat") {
    const [lng, lat] = lnglatOf(layer)!.map(finiteSql);
    return { sql: `ST_SetSRID(ST_MakePoint(${lng}, ${lat}), ${SRID_LNGLAT})`, srid: SRID_LNGLAT };
  }
  const isGeography = fields.some(({ name, pgtype }) => name === geometry.column && pgtype === "geography");
  const sql = columnSql(geometry.column) + (isGeography ? "::geometry" : "");
  return { sql, srid: sridOf(geometry.values) };
}

/** Degrees that are no number, or infinite, are no place. */
function finiteSql(name: string): string {
  const degrees = `${columnSql(name)}::float8`;
  return `CASE WHEN ${degrees} BETWEEN -1e6 AND 1e6 THEN ${degrees} END`;
}

/** Of the first geometry: a layer is shown in one. */
function sridOf(values: readonly (string | Uint8Array | null)[]): number {
  const first = values.find((value) => value !== null);
  if (typeof first !== "string") return SRID_LNGLAT;
  const head = Buffer.from(first.slice(0, 32), "hex");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return readEwkbHead(view, 0, head.length)?.srid || SRID_LNGLAT; // 0 is PostGIS' "unknown"
}

/**
 * Address of the tiles of a named map with these layers. The same layers have the same name, and so, when a cell runs
 * again, the same map and token.
 */
async function tilesOf(
  transport: Transport,
  layergroup: NamedMap["layergroup"],
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(layergroup)).digest("hex").slice(0, 16);
  for (let attempt = 1; attempt <= NAMES; attempt++) {
    const name = `cartoframes_${hash}${attempt === 1 ? "" : `_${attempt}`}`;
    const token = await tokenOf(transport, name, layergroup, signal);
    if (token === undefined) continue;
    await instantiateNamedMap(transport, name, { token, signal }); // what does not work is told now
    const { baseUrl } = await transport.endpoint(signal);
    return namedTilesUrl(baseUrl, name, { token });
  }
  throw new ServerError(`The names cartoframes_${hash} and its like are those of other maps.`);
}

/** The token of the map of this name, made if there is none; undefined if there is another map of this name. */
async function tokenOf(
  transport: Transport,
  name: string,
  layergroup: NamedMap["layergroup"],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const token = randomBytes(16).toString("hex");
  const auth = { method: "token", valid_tokens: [token] };
  const map = { version: "0.0.1", name, auth, placeholders: {}, layergroup } as const;
  if (await createNamedMap(transport, map, { signal })) return token;
  const kept = await fetchNamedMap(transport, name, { signal });
  return isDeepStrictEqual(kept.layergroup, layergroup) ? kept.auth?.valid_tokens[0] : undefined;
}
