import { type TileId, zoomOf } from "../../../geometry/mercator";
import { type LayerTile, needsTiles, type TileSource, tileKey } from "../../painter";
import type { DetailSource, Scene, Viewport } from "../../scene";
import type { PageScene } from "../codec";
import { decodeTile } from "../decode-tile";

/** Maximum zoom of tiles, which are enlarged beyond it: 4 cm on the ground is fine enough. */
const MAX_TILE_ZOOM = 20;
/** Number of parallel requests, the limit of browsers per host. */
const AT_ONCE = 6;
/** Maximum number of tiles in memory. A large screen shows 60. */
const MAX_TILES = 200;
/** After a failed request, moving the map does not send another one for this long. */
const PATIENCE_MS = 5000;

/** A tile with all layers that share its URL. */
interface Tile {
  readonly id: TileId;
  readonly layers: ReadonlyMap<number, LayerTile>;
}

interface TiledLayer {
  readonly index: number;
  readonly source: DetailSource;
  readonly worldPx: number;
}

/** Events for the page. */
export interface DetailListener {
  /** A tile was loaded. */
  changed(): void;
  /** Loading started or finished, or the server cannot be reached. */
  stateChanged(state: DetailState): void;
}

export type DetailState = "idle" | "loading" | "unreachable";

/**
 * Loads and keeps the vector tiles of layers that are overviews. While a frame is painted, its sources return the tiles
 * that are loaded.
 */
export class DetailTiles {
  /** Tile sources by index of the layer. */
  readonly sources: ReadonlyMap<number, TileSource>;
  readonly #stores: readonly TileStore[];
  #listener: DetailListener | undefined;

  constructor({ scene, overviews }: PageScene) {
    const byUrl = new Map<string, TiledLayer[]>();
    for (const [index, overview] of overviews.entries()) {
      if (!overview?.detail) continue;
      const layers = byUrl.get(overview.detail.urlTemplate) ?? [];
      layers.push({ index, source: overview.detail, worldPx: overview.worldPx });
      byUrl.set(overview.detail.urlTemplate, layers);
    }
    this.#stores = [...byUrl].map(
      ([url, layers]) =>
        new TileStore(url, scene, layers, () => {
          this.#listener?.changed();
          this.#listener?.stateChanged(this.state);
        }),
    );
    this.sources = new Map(this.#stores.flatMap(({ sources }) => [...sources]));
  }

  listen(listener: DetailListener): void {
    this.#listener = listener;
  }

  get state(): DetailState {
    const states = this.#stores.map(({ state }) => state);
    return (
      states.find((state) => state === "unreachable") ?? states.find((state) => state === "loading") ?? "idle"
    );
  }

  /**
   * Shows the tiles of another URL in the place of a layer's own, because a filter is on; with null, none, until it is known; with
   * undefined, the layer's own. Nothing is requested before `show`.
   */
  filter(layer: number, urlTemplate: string | null | undefined): void {
    for (const store of this.#stores) if (store.sources.has(layer)) store.filter(urlTemplate);
  }

  /** Requests the tiles of a view, and cancels the requests that it does not need. */
  show(viewport: Viewport): void {
    for (const store of this.#stores) store.show(viewport);
    this.#listener?.stateChanged(this.state);
  }
}

class TileStore {
  readonly sources: ReadonlyMap<number, TileSource>;
  /** Tiles without filters, which stay while a filter is on. */
  readonly #ownTiles = new Map<string, Tile>();
  #tiles = this.#ownTiles;
  /** URL of filtered tiles; null while it is not known. */
  #filteredUrl: string | null | undefined;
  readonly #running = new Map<string, AbortController>();
  #version = 0;
  #wanted: TileId[] = [];
  #failedAt = -Infinity;

  constructor(
    readonly urlTemplate: string,
    readonly scene: Scene,
    readonly layers: readonly TiledLayer[],
    readonly changed: () => void,
  ) {
    this.sources = new Map(layers.map((layer) => [layer.index, this.#sourceOf(layer)]));
  }

  get state(): DetailState {
    if (this.#failedAt > -Infinity) return "unreachable";
    return this.#wanted.length > 0 || this.#running.size > 0 ? "loading" : "idle";
  }

  #sourceOf({ index, worldPx }: TiledLayer): TileSource {
    const tileOf = (tile: Tile | undefined) => tile?.layers.get(index);
    const version = () => this.#version;
    const isFiltered = () => typeof this.#filteredUrl === "string";
    return {
      overviewWorldPx: worldPx,
      placesIn: (viewport) => squaresOf(viewport).map((id) => ({ ...id, tile: tileOf(this.#best(id)) })),
      tilesAt: (worldPx) => {
        const z = levelOf(worldPx);
        return [...this.#tiles.values()].flatMap(({ id, layers }) => {
          const tile = layers.get(index);
          return id.z === z && tile ? [{ ...id, tile }] : [];
        });
      },
      get version() {
        return version();
      },
      get isFiltered() {
        return isFiltered();
      },
    };
  }

  filter(urlTemplate: string | null | undefined): void {
    if (urlTemplate === this.#filteredUrl) return;
    this.#filteredUrl = urlTemplate;
    for (const request of this.#running.values()) request.abort();
    this.#running.clear();
    this.#wanted = [];
    this.#tiles = urlTemplate === undefined ? this.#ownTiles : new Map();
    this.#version++;
  }

  show(viewport: Viewport): void {
    const isNeeded =
      this.#filteredUrl !== null &&
      [...this.sources.values()].some((source) => needsTiles(source, viewport.worldPx));
    const squares = isNeeded ? squaresOf(viewport).map(wrapped) : [];
    const keys = new Set(squares.map(tileKey));
    for (const [key, request] of this.#running) if (!keys.has(key)) request.abort();
    const isNew = ({ z, x, y }: TileId) => {
      const key = tileKey({ z, x, y });
      const known = this.#tiles.get(key);
      if (!known) return !this.#running.has(key);
      this.#tiles.delete(key); // keeps the most recently used tiles last
      this.#tiles.set(key, known);
      return false;
    };
    const middle = middleOf(viewport);
    this.#wanted = [...new Map(squares.map((tile) => [tileKey(tile), tile])).values()]
      .filter(isNew)
      .sort((a, b) => distance(b, middle) - distance(a, middle)); // taken from the end: the middle comes first
    if (!isNeeded) this.#failedAt = -Infinity;
    if (performance.now() - this.#failedAt < PATIENCE_MS) this.#wanted = [];
    this.#fill();
  }

  #fill(): void {
    while (this.#running.size < AT_ONCE) {
      const tile = this.#wanted.pop();
      if (!tile) return;
      const request = new AbortController();
      this.#running.set(tileKey(tile), request);
      this.#load(tile, request.signal)
        .then(
          (loaded) => {
            if (request.signal.aborted) return;
            this.#failedAt = -Infinity;
            this.#keep(loaded);
          },
          () => {
            if (request.signal.aborted) return;
            this.#failedAt = performance.now();
            this.#wanted = [];
          },
        )
        .finally(() => {
          if (this.#running.get(tileKey(tile)) === request) this.#running.delete(tileKey(tile));
          this.#fill();
          this.changed();
        });
    }
  }

  async #load(id: TileId, signal: AbortSignal): Promise<Tile> {
    const template = this.#filteredUrl ?? this.urlTemplate;
    const url = template.replace(/\{([zxy])\}/g, (_, name: "z" | "x" | "y") => String(id[name]));
    const response = await fetch(url, { signal, credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const bytes = response.status === 204 ? new Uint8Array(0) : new Uint8Array(await response.arrayBuffer());
    const layers = new Map<number, LayerTile>();
    for (const { index, source } of this.layers) {
      const overview = this.scene.layers[index];
      if (overview) layers.set(index, decodeTile(bytes, id, overview, source));
    }
    return { id, layers };
  }

  #keep(tile: Tile): void {
    this.#version++;
    this.#tiles.set(tileKey(tile.id), tile);
    for (const key of this.#tiles.keys()) {
      if (this.#tiles.size <= MAX_TILES) return;
      this.#tiles.delete(key);
    }
  }

  /** Returns the tile, or the smallest loaded tile that contains it. */
  #best(tile: TileId): Tile | undefined {
    for (let { z, x, y } = wrapped(tile); z >= 0; z--, x >>= 1, y >>= 1) {
      const known = this.#tiles.get(tileKey({ z, x, y }));
      if (known) return known;
    }
    return undefined;
  }
}

/** Returns the tiles of at most 256 CSS pixels that cover a view; columns continue beyond the antimeridian. */
function squaresOf({ originX, originY, worldPx, widthPx, heightPx }: Viewport): TileId[] {
  const z = levelOf(worldPx);
  const count = 2 ** z;
  const row = (y: number) => Math.max(0, Math.min(count - 1, Math.floor(y * count)));
  const squares: TileId[] = [];
  const [right, bottom] = [originX + widthPx / worldPx, originY + heightPx / worldPx];
  for (let y = row(originY); y <= row(bottom); y++)
    for (let x = Math.floor(originX * count); x <= Math.floor(right * count); x++) squares.push({ z, x, y });
  return squares;
}

/** Returns the zoom at which tiles are at most 256 CSS pixels wide. */
const levelOf = (worldPx: number): number =>
  Math.max(0, Math.min(MAX_TILE_ZOOM, Math.ceil(zoomOf(worldPx) - 1e-6)));

function wrapped({ z, x, y }: TileId): TileId {
  const count = 2 ** z;
  return { z, x: ((x % count) + count) % count, y };
}

const middleOf = ({ originX, originY, worldPx, widthPx, heightPx }: Viewport) => ({
  x: originX + widthPx / 2 / worldPx,
  y: originY + heightPx / 2 / worldPx,
});

function distance({ z, x, y }: TileId, middle: { readonly x: number; readonly y: number }): number {
  const apart = Math.abs((x + 0.5) / 2 ** z - (middle.x - Math.floor(middle.x)));
  return Math.hypot(Math.min(apart, 1 - apart), (y + 0.5) / 2 ** z - middle.y);
}
