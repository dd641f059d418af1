/**
 * Serves the detail of layers that are too large for a live map's HTML, as vector tiles of a named map. The page requests
 * them with a token of that map. The page holds no API key, and the token gives access only to what the map shows.
 */
import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { createNamedMap, fetchNamedMap, instantiateNamedMap, mapsUrls, namedTilesUrl } from "../../api/maps";
import type { NamedMap } from "../../api/schemas/maps";
import type { Transport } from "../../api/transport";
import { AuthenticationError, CartoError, ServerError } from "../../errors";
import { labelOf, largestPx } from "../../map";
import { arrowLength, type PackedScene, withDetail } from "../../render";
import type { DetailSource, SceneLayer } from "../../render/scene";
import { type DetailLayer, detailLayer, type LayersOfDetail } from "./detail-layer";
import type { FetchedScene } from "./map-scene";

interface DetailOptions extends LayersOfDetail {
  /** Indexes of the layers that the page contains only an overview of. */
  readonly reduced: readonly number[];
  /** Width of the margin around a tile of 256 CSS pixels whose features the tile includes, in CSS pixels. */
  readonly bufferPx: number;
}

interface Details {
  /** Tile URLs by index of the layer. */
  readonly sources: ReadonlyMap<number, DetailSource>;
  readonly warnings: readonly string[];
}

/** The page shows tiles at between half and all of their size. */
const MOST_TILE_PX_PER_PX = 2;
const MAX_BUFFER_PX = 256;
/** Number of names to try if others have taken the first one. */
const NAMES = 3;

/**
 * Adds to a packed page the URLs of the vector tiles that show its reduced layers in full.
 * @returns the page unchanged, with a warning, if the account cannot serve them
 */
export async function withTiles(
  transport: Transport,
  packed: PackedScene,
  { scene, layers, tileColumns }: FetchedScene,
  signal?: AbortSignal,
): Promise<{ readonly packed: PackedScene; readonly warnings: readonly string[] }> {
  const reduced = packed.page.overviews.flatMap((overview, i) => (overview ? [i] : []));
  // `!`: overviews, layers and tile columns have the same indexes
  const reachPx = Math.max(0, ...reduced.map((index) => reachOf(scene.layers[index]!)));
  const bufferPx = Math.min(MAX_BUFFER_PX, Math.ceil(MOST_TILE_PX_PER_PX * reachPx) + 1);
  const { sources, warnings } = await detailSources(transport, {
    scene,
    layers,
    tileColumns,
    reduced,
    bufferPx,
    signal,
  });
  return { packed: sources.size > 0 ? withDetail(packed, sources) : packed, warnings };
}

/** Returns how far the symbol of a feature extends beyond its geometry, in CSS pixels. */
function reachOf({ size, stroke, geometry, arrow, aggregate }: SceneLayer): number {
  if (arrow) return arrowLength(largestPx(size)); // across a tile's edge, the head lies in one tile and its tip in the other
  if (aggregate) return aggregate.as === "heatmap" ? 2 * aggregate.cellPx : 0;
  return (geometry.kind === "polygon" ? 0 : largestPx(size) / 2) + (stroke?.widthPx ?? 0);
}

/**
 * Creates one named map for the reduced layers that are tables or queries. If that fails, returns no sources and a warning
 * with the reason.
 */
export async function detailSources(transport: Transport, options: DetailOptions): Promise<Details> {
  const { layers, tileColumns, signal } = options;
  const reduced = options.reduced.filter((index) => tileColumns[index] !== undefined);
  if (reduced.length === 0) return { sources: new Map(), warnings: [] };
  const names = reduced.map((index) => labelOf(layers[index]!.layer)).join(", "); // `!`: indexes of layers
  const sourcesOf = (counts: boolean) => namedSources(transport, { ...options, reduced }, counts);
  try {
    return { sources: await sourcesOf(true), warnings: [] };
  } catch (error) {
    if (signal?.aborted || !(error instanceof CartoError)) throw error;
    const isAskedAgain = options.scene.widgets && !(error instanceof AuthenticationError);
    const sources = isAskedAgain
      ? await sourcesOf(false).catch((other) => {
          if (signal?.aborted || !(other instanceof CartoError)) throw other;
          return undefined;
        })
      : undefined;
    if (!sources) return { sources: new Map(), warnings: [overviewWarning(names, error)] };
    return { sources, warnings: [countsWarning(names, error)] };
  }
}

/** Creates the named map. @param counts false leaves out what widgets need */
async function namedSources(
  transport: Transport,
  options: DetailOptions,
  counts: boolean,
): Promise<Details["sources"]> {
  const { reduced, tileColumns, bufferPx, signal } = options;
  const mapLayers: DetailLayer[] = [];
  const countLayers = new Map<number, DetailLayer>();
  const placeholders: Record<string, unknown> = {};
  for (const index of reduced) {
    const detail = await detailLayer(transport, index, { ...options, counts });
    mapLayers.push(detail.tiles);
    if (!detail.counts) continue;
    countLayers.set(index, detail.counts.layer);
    Object.assign(placeholders, detail.counts.placeholders);
  }
  const layergroup = {
    version: "1.8.0",
    buffersize: { mvt: bufferPx },
    layers: [...mapLayers, ...countLayers.values()],
  };
  const { baseUrl, name, token } = await namedMapOf(transport, { layergroup, placeholders }, signal);
  // layers that widgets filter load their tiles by themselves
  const together = mapLayers.filter((_, at) => !countLayers.has(reduced[at]!)).map(({ id }) => id);
  const sources = reduced.map((index, at): [number, DetailSource] => {
    const { id } = mapLayers[at]!;
    const isCounted = countLayers.has(index);
    const chosen = isCounted ? id : countLayers.size > 0 ? together.join(",") : "all";
    const urlTemplate = namedTilesUrl(baseUrl, name, { token, layers: chosen });
    const formats = formatsOf(tileColumns[index]!); // `!`: checked
    const service = isCounted && { counts: mapsUrls(baseUrl, name, { token }) };
    return [index, { urlTemplate, layer: id, formats, bufferPx, ...service }];
  });
  return new Map(sources);
}

function countsWarning(names: string, error: CartoError): string {
  return `The widgets count only an overview of ${names}, because the server does not count it. ${sentence(error)}`;
}

function overviewWarning(names: string, error: CartoError): string {
  const hint =
    error instanceof AuthenticationError ? " Creating a named map requires the account's master key." : "";
  return `The map shows only an overview of ${names}, at every zoom, because the named map for its detail could not be created. ${sentence(error)}${hint}`;
}

const sentence = ({ message }: CartoError): string => message.replace(/[^.]$/, "$&.");

function formatsOf(columns: NonNullable<DetailOptions["tileColumns"][number]>): Record<number, string> {
  const formats = columns.flatMap(({ name, format }) =>
    format === undefined ? [] : [[name.replace(/^c/, ""), format] as const],
  );
  return Object.fromEntries(formats);
}

interface MadeMap {
  readonly baseUrl: string;
  readonly name: string;
  readonly token: string;
}

type MapContent = Pick<NamedMap, "layergroup" | "placeholders">;

/** Creates a named map. The name is derived from its layers, so a cell that runs again uses the same map and token. */
async function namedMapOf(
  transport: Transport,
  content: MapContent,
  signal: AbortSignal | undefined,
): Promise<MadeMap> {
  const hash = createHash("sha256").update(JSON.stringify(content.layergroup)).digest("hex").slice(0, 16);
  for (let attempt = 1; attempt <= NAMES; attempt++) {
    const name = `cartoframes_${hash}${attempt === 1 ? "" : `_${attempt}`}`;
    const token = await tokenOf(transport, name, content, signal);
    if (token === undefined) continue;
    await instantiateNamedMap(transport, name, { token, signal }); // fails now instead of in the page
    const { baseUrl } = await transport.endpoint(signal);
    return { baseUrl, name, token };
  }
  throw new ServerError(
    `Map names that start with cartoframes_ are reserved; a different map is named cartoframes_${hash}. Rename or delete it.`,
  );
}

/** Creates the map if needed, and returns its token; undefined if a different map has this name. */
async function tokenOf(
  transport: Transport,
  name: string,
  { layergroup, placeholders }: MapContent,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const token = randomBytes(16).toString("hex");
  const auth = { method: "token", valid_tokens: [token] };
  const map = { version: "0.0.1", name, auth, placeholders, layergroup } as const;
  if (await createNamedMap(transport, map, { signal })) return token;
  const kept = await fetchNamedMap(transport, name, { signal });
  return isDeepStrictEqual(kept.layergroup, layergroup) ? kept.auth?.valid_tokens[0] : undefined;
}
