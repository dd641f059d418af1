import type { TileId } from "../../geometry/mercator";
import type { SceneLayer, Viewport } from "../scene";
import { type Canvas2D, type CreateCanvas, Scratch } from "./canvas";
import type { Found, LayerPainter, Look, Place, Placed } from "./layer-painter";

/** The part of a layer in one tile, in world units. It extends beyond the edges of the tile. */
export interface LayerTile {
  readonly layer: SceneLayer;
  /** Identifies each feature across tiles, if the data has identifiers. */
  readonly ids?: Float64Array;
}

export const tileKey = ({ z, x, y }: TileId): string => `${z}/${x}/${y}`;

/** A square of a view, in any copy of the world. */
export interface TilePlace extends TileId {
  /** The tile, or a loaded tile of a lower zoom that contains it. */
  readonly tile?: LayerTile | undefined;
}

/** Provides the loaded tiles of a layer. Called while a frame is painted, so it must not wait for more. */
export interface TileSource {
  /** CSS pixels per world unit up to which the overview shows as much as tiles would. */
  readonly overviewWorldPx: number;
  /** Returns the squares that cover a view. */
  placesIn(viewport: Viewport): readonly TilePlace[];
  /** Returns all loaded tiles for a scale, in the view or not. */
  tilesAt(worldPx: number): readonly (TilePlace & { readonly tile: LayerTile })[];
  /** Changes whenever a tile is added or removed. */
  readonly version: number;
  /** True if the tiles show only what passes the filters that are on. */
  readonly isFiltered: boolean;
}

/** True if tiles show more than the overview at this scale. */
export const needsTiles = (
  { overviewWorldPx }: Pick<TileSource, "overviewWorldPx">,
  worldPx: number,
): boolean => worldPx > overviewWorldPx * 1.001;

/**
 * Paints an overview of a layer, or its tiles once the map is zoomed in beyond what the overview shows. Each tile is
 * painted into its own square of device pixels. Because tiles extend beyond their squares, strokes and discs continue
 * across the edges, and the sides along which shapes were cut do not show.
 */
export class TiledPainter implements LayerPainter {
  readonly layer: SceneLayer;
  readonly #overview: LayerPainter;
  readonly #source: TileSource;
  readonly #painterFor: (layer: SceneLayer) => LayerPainter;
  readonly #painters = new WeakMap<SceneLayer, LayerPainter>();
  readonly #squares: Scratch;
  #isFiltered = false;

  constructor(
    overview: LayerPainter,
    source: TileSource,
    {
      painterFor,
      createCanvas,
    }: { readonly painterFor: (layer: SceneLayer) => LayerPainter; readonly createCanvas: CreateCanvas },
  ) {
    this.layer = overview.layer;
    this.#overview = overview;
    this.#source = source;
    this.#painterFor = painterFor;
    this.#squares = new Scratch(createCanvas);
  }

  /** Filters are about the rows of the overview, so that it shows at all scales until there are tiles of what passes. */
  filter(failed: Uint32Array | undefined): void {
    this.#isFiltered = failed !== undefined;
    this.#overview.filter?.(failed);
  }

  #needsTiles(worldPx: number): boolean {
    return (!this.#isFiltered || this.#source.isFiltered) && needsTiles(this.#source, worldPx);
  }

  warm(): void {
    this.#overview.warm();
  }

  paint(target: Canvas2D, viewport: Viewport, scratch: Scratch, frame: number): number {
    if (!this.#needsTiles(viewport.worldPx)) return this.#overview.paint(target, viewport, scratch, frame);
    let painted = 0;
    for (const place of this.#source.placesIn(viewport)) {
      const painter = this.#painterOf(place);
      painted += this.#inSquare(target, viewport, place, (context, square) =>
        painter.paint(context, square, scratch, frame),
      );
    }
    return painted;
  }

  hitAll(place: Place, look: Look): Found[] {
    return this.#painterAt(place, look.worldPx).hitAll(place, look);
  }

  placedIn(viewport: Viewport, frame: number, most: number): Placed[] {
    if (!this.#needsTiles(viewport.worldPx)) return this.#overview.placedIn(viewport, frame, most);
    const placed: Placed[] = [];
    for (const place of this.#source.placesIn(viewport)) {
      const side = 2 ** -place.z;
      const isHere = ({ x, y }: Place) =>
        Math.floor(x / side) === place.x && Math.floor(y / side) === place.y;
      placed.push(...this.#painterOf(place).placedIn(viewport, frame, most).filter(isHere));
    }
    return placed.slice(0, most);
  }

  highlight(context: Canvas2D, viewport: Viewport, found: Found, frame: number): void {
    const places = this.#source.placesIn(viewport);
    const own = places.find(({ tile }) => tile?.layer === found.of);
    if (found.of === this.layer || own?.tile?.layer.geometry.kind === "point") {
      this.#painterOf(own ?? {}).highlight(context, viewport, found, frame);
      return;
    }
    const id = own?.tile?.ids?.[found.feature];
    for (const place of own ? places : []) {
      if (!place.tile) continue;
      const { layer, ids } = place.tile;
      const features = layer === found.of ? [found.feature] : indexesOf(ids, id);
      for (const feature of features)
        this.#inSquare(context, viewport, place, (square, part) => {
          this.#painterOf(place).highlight(square, part, { feature, row: feature, of: layer }, frame);
          return 1;
        });
    }
  }

  #painterAt({ x, y }: Place, worldPx: number): LayerPainter {
    if (!this.#needsTiles(worldPx)) return this.#overview;
    const pixel = { originX: x, originY: y, worldPx, widthPx: 0, heightPx: 0, pixelRatio: 1 };
    const [place] = this.#source.placesIn(pixel);
    return place ? this.#painterOf(place) : this.#overview;
  }

  #painterOf({ tile }: Pick<TilePlace, "tile">): LayerPainter {
    if (!tile) return this.#overview;
    let painter = this.#painters.get(tile.layer);
    if (!painter) {
      painter = this.#painterFor(tile.layer);
      this.#painters.set(tile.layer, painter);
    }
    return painter;
  }

  /** Lets `work` paint the part of the view that lies in a square, clipped to it. */
  #inSquare(
    target: Canvas2D,
    viewport: Viewport,
    { z, x, y }: TilePlace,
    work: (context: Canvas2D, square: Viewport) => number,
  ): number {
    const { originX, originY, worldPx, widthPx, heightPx, pixelRatio } = viewport;
    const scale = worldPx * pixelRatio;
    const side = 2 ** -z;
    const edge = (at: number, origin: number, sizePx: number) =>
      Math.max(0, Math.min(Math.round(sizePx * pixelRatio), Math.round((at - origin) * scale)));
    const [left, right] = [edge(x * side, originX, widthPx), edge((x + 1) * side, originX, widthPx)];
    // the first and the last row include what lies beyond the square of Web Mercator
    const top = y === 0 ? 0 : edge(y * side, originY, heightPx);
    const bottom =
      y === 2 ** z - 1 ? Math.round(heightPx * pixelRatio) : edge((y + 1) * side, originY, heightPx);
    if (right <= left || bottom <= top) return 0;
    const { surface, context } = this.#squares.surface(right - left, bottom - top);
    const painted = work(context, {
      originX: originX + left / scale,
      originY: originY + top / scale,
      worldPx,
      widthPx: (right - left) / pixelRatio,
      heightPx: (bottom - top) / pixelRatio,
      pixelRatio,
    });
    if (painted > 0) target.drawImage(surface, left, top);
    return painted;
  }
}

function indexesOf(ids: Float64Array | undefined, id: number | undefined): number[] {
  if (!ids || id === undefined) return [];
  const found: number[] = [];
  for (let at = ids.indexOf(id); at >= 0; at = ids.indexOf(id, at + 1)) found.push(at);
  return found;
}
