/**
 * The detail of layers that are too large for a page: tiles of a named map, which the page asks for with a token of that
 * map. It holds no key, and nobody who finds the token gets more than what the map shows.
 */
import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { createNamedMap, fetchNamedMap, instantiateNamedMap, namedTilesUrl } from "../../api/maps";
import type { NamedMap } from "../../api/schemas/maps";
import type { Transport } from "../../api/transport";
import { AuthenticationError, CartoError, ServerError } from "../../errors";
import { labelOf, largestPx } from "../../map";
import { type PackedScene, withDetail } from "../../render";
import type { DetailSource, SceneLayer } from "../../render/scene";
import { type DetailLayer, detailLayer, type LayersOfDetail } from "./detail-layer";
import type { FetchedScene } from "./map-scene";

export interface DetailOptions extends LayersOfDetail {
  /** Indexes of the layers of which the page carries an overview. */
  readonly reduced: readonly number[];
  /** CSS pixels of a tile of 256 around it, of which it has the features too. */
  readonly bufferPx: number;
}

export interface Details {
  /** By index of the layer. */
  readonly sources: ReadonlyMap<number, DetailSource>;
  readonly warnings: readonly string[];
}

/** The page shows tiles in their own size or smaller, down to half of it. */
const MOST_TILE_PX_PER_PX = 2;
const MAX_BUFFER_PX = 256;
/** Names that are tried where others have taken the first one. */
const NAMES = 3;

/**
 * Adds to a packed page the URLs of the vector tiles that show its reduced layers in full.
 * @returns the page as it was, and a warning, if the account cannot serve such tiles
 */
export async function withTiles(
  transport: Transport,
  packed: PackedScene,
  { scene, layers, tileColumns }: FetchedScene,
  signal?: AbortSignal,
): Promise<{ readonly packed: PackedScene; readonly warnings: readonly string[] }> {
  const reduced = packed.page.overviews.flatMap((overview, i) => (overview ? [i] : []));
  const reachPx = Math.max(0, ...reduced.map((index) => reachOf(scene.layers[index]!)));
  const bufferPx = Math.min(MAX_BUFFER_PX, Math.ceil(MOST_TILE_PX_PER_PX * reachPx) + 1);
  const { sources, warnings } = await detailSources(transport, {
    layers,
    tileColumns,
    reduced,
    bufferPx,
    signal,
  });
  return { packed: sources.size > 0 ? withDetail(packed, sources) : packed, warnings };
}

/** How far what is painted of a feature goes beyond it. */
function reachOf({ size, stroke, geometry }: SceneLayer): number {
  return (geometry.kind === "polygon" ? 0 : largestPx(size) / 2) + (stroke?.widthPx ?? 0);
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
    const mapLayers: DetailLayer[] = [];
    for (const index of reduced) mapLayers.push(await detailLayer(transport, index, options));
    const layergroup = { version: "1.8.0", buffersize: { mvt: bufferPx }, layers: mapLayers };
    const urlTemplate = await tilesOf(transport, layergroup, signal);
    const sources = reduced.map((index, at): [number, DetailSource] => [
      index,
      { urlTemplate, layer: mapLayers[at]!.id, formats: formatsOf(tileColumns[index]!) },
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
