import { type LayerTile, needsTiles, type TileId, type TileSource, tileKey } from "../../painter";
import { zoomOf } from "../../projection";
import type { DetailSource, Scene, Viewport } from "../../scene";
import type { PageScene } from "../codec";
import { decodeTile } from "../decode-tile";

/** Deeper ones are enlarged: 4 cm on the ground is fine enough. */
const MAX_TILE_ZOOM = 20;
/** As many as browsers ask a host for at once. */
const AT_ONCE = 6;
/** Tiles that are kept. A large screen shows 60. */
const MAX_TILES = 200;
/** A server that did not answer is asked again by moving the map, but not at once. */
const PATIENCE_MS = 5000;

/** The tiles of all layers that have one address. */
interface Tile {
  readonly id: TileId;
  readonly layers: ReadonlyMap<number, LayerTile>;
}

interface TiledLayer {
  readonly index: number;
  readonly source: DetailSource;
  readonly worldPx: number;
}

/** What the store tells the page. */
export interface DetailListener {
  /** A tile has come. */
  changed(): void;
  /** It began to wait for tiles, has all, or the server failed. */
  stateChanged(state: DetailState): void;
}

export type DetailState = "idle" | "loading" | "unreachable";

/**
 * Vector tiles for what overviews do not show: asks for those of the view, keeps them, and answers while a frame is
 * painted with what there is.
 */
export class DetailTiles {
  /** By the layers' indexes. */
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

  /** Asks for what the view needs, and no longer for what it does not. */
  show(viewport: Viewport): void {
    for (const store of this.#stores) store.show(viewport);
    this.#listener?.stateChanged(this.state);
  }
}

class TileStore {
  /** By the layers' indexes. */
  readonly sources: ReadonlyMap<number, TileSource>;
  readonly #tiles = new Map<string, Tile>();
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

  /** The tiles of one layer. */
  #sourceOf({ index, worldPx }: TiledLayer): TileSource {
    const tileOf = (tile: Tile | undefined) => tile?.layers.get(index);
    const version = () => this.#version;
    return {
      overviewWorldPx: worldPx,
      placesIn: (viewport) => squaresOf(viewport).map((id) => ({ ...id, tile: tileOf(this.#best(id)) })),
      tilesAt: (worldPx) => {
        const z = levelOf(worldPx);
        const level = [...this.#tiles.values()].filter(({ id }) => id.z === z);
        return level.map((tile) => ({ ...tile.id, tile: tileOf(tile)! }));
      },
      get version() {
        return version();
      },
    };
  }

  show(viewport: Viewport): void {
    const isNeeded = [...this.sources.values()].some((source) => needsTiles(source, viewport.worldPx));
    const squares = isNeeded ? squaresOf(viewport).map(wrapped) : [];
    const keys = new Set(squares.map(tileKey));
    for (const [key, request] of this.#running) if (!keys.has(key)) request.abort();
    const isNew = ({ z, x, y }: TileId) => {
      const key = tileKey({ z, x, y });
      const known = this.#tiles.get(key);
      if (!known) return !this.#running.has(key);
      this.#tiles.delete(key); // the last that was used goes last
      this.#tiles.set(key, known);
      return false;
    };
    const middle = middleOf(viewport);
    this.#wanted = [...new Map(squares.map((tile) => [tileKey(tile), tile])).values()]
      .filter(isNew)
      .sort((a, b) => distance(b, middle) - distance(a, middle)); // from the end: the middle comes first
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
          this.#running.delete(tileKey(tile));
          this.#fill();
          this.changed();
        });
    }
  }

  async #load(id: TileId, signal: AbortSignal): Promise<Tile> {
    const url = this.urlTemplate.replace(/\{([zxy])\}/g, (_, name: "z" | "x" | "y") => String(id[name]));
    const response = await fetch(url, { signal, credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const bytes = response.status === 204 ? new Uint8Array(0) : new Uint8Array(await response.arrayBuffer());
    const layers = this.layers.map(
      ({ index, source }) => [index, decodeTile(bytes, id, this.scene.layers[index]!, source)] as const,
    );
    return { id, layers: new Map(layers) };
  }

  #keep(tile: Tile): void {
    this.#version++;
    this.#tiles.set(tileKey(tile.id), tile);
    for (const key of this.#tiles.keys()) {
      if (this.#tiles.size <= MAX_TILES) return;
      this.#tiles.delete(key);
    }
  }

  /** The tile, or the smallest one that it is a part of. */
  #best(tile: TileId): Tile | undefined {
    for (let { z, x, y } = wrapped(tile); z >= 0; z--, x >>= 1, y >>= 1) {
      const known = this.#tiles.get(tileKey({ z, x, y }));
      if (known) return known;
    }
    return undefined;
  }
}

/** Tiles of at most 256 CSS pixels that cover a view; columns go on beyond the antimeridian. */
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

/** Tiles are as large as on their own level, or smaller. */
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
