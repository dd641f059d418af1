/** Raster tiles of the basemap in an image: which tiles a view needs, and where they are drawn. */
import type { Image, SKRSContext2D } from "@napi-rs/canvas";
import { zoomOf } from "../../geometry/mercator";
import { MAX_TILE_ZOOM, type Viewport } from "../scene";
import { loadSkia } from "./skia";

/** Maximum number of tiles requested for an image; larger images use tiles of a lower zoom. */
const MAX_TILES = 200;

/** The tiles of one zoom that cover a view. */
export interface TileSheet {
  readonly zoom: number;
  readonly places: readonly TilePlace[];
}

interface TilePlace {
  /** May be outside 0 … 2^zoom - 1, in another copy of the world. */
  readonly column: number;
  readonly row: number;
  readonly url: string;
}

/** A loaded tile. */
export interface TilePicture extends Pick<TilePlace, "column" | "row"> {
  readonly zoom: number;
  readonly image: Image;
}

/** Tiles below the data, and label tiles above it. */
export interface TilePictures {
  readonly ground: readonly TilePicture[];
  readonly labels: readonly TilePicture[];
}

/** Returns the tiles that a view needs, from a URL template with {z}, {x}, {y}, and optionally {s} and {r}. */
export function tilesOf(
  viewport: Viewport,
  urlTemplate: string,
  { subdomains, maxZoom = MAX_TILE_ZOOM }: { readonly subdomains: string; readonly maxZoom?: number },
): TileSheet {
  const { originX, originY, worldPx, widthPx, heightPx, pixelRatio } = viewport;
  for (let zoom = clamp(Math.round(zoomOf(worldPx)), 0, maxZoom); ; zoom--) {
    const side = 2 ** zoom;
    const rows = range(originY * side, (originY + heightPx / worldPx) * side).filter(
      (row) => row >= 0 && row < side,
    );
    const columns = range(originX * side, (originX + widthPx / worldPx) * side);
    if (zoom > 0 && rows.length * columns.length > MAX_TILES) continue;
    const places = rows.flatMap((row) =>
      columns.map((column) => {
        const x = ((column % side) + side) % side;
        return { column, row, url: addressOf(urlTemplate, { zoom, x, row, subdomains, pixelRatio }) };
      }),
    );
    return { zoom, places };
  }
}

function addressOf(
  urlTemplate: string,
  {
    zoom,
    x,
    row,
    subdomains,
    pixelRatio,
  }: { zoom: number; x: number; row: number; subdomains: string; pixelRatio: number },
): string {
  const values: Readonly<Record<string, string | number>> = {
    z: zoom,
    x,
    y: row,
    s: subdomains[(x + row) % subdomains.length] ?? "",
    r: pixelRatio > 1 ? "@2x" : "",
  };
  return urlTemplate.replace(/\{([zxysr])\}/g, (_, name: string) => String(values[name]));
}

/** Decodes a tile. @throws Error if the bytes are not an image. */
export const decodeTile = (bytes: Uint8Array): Promise<Image> => loadSkia().loadImage(Buffer.from(bytes));

/** Draws tiles with their edges on whole device pixels, so that no background shows between them. */
export function drawTiles(
  context: SKRSContext2D,
  { originX, originY, worldPx, pixelRatio }: Viewport,
  tiles: readonly TilePicture[],
): void {
  const scale = worldPx * pixelRatio;
  for (const { zoom, column, row, image } of tiles) {
    const xOf = (column: number) => Math.round((column / 2 ** zoom - originX) * scale);
    const yOf = (row: number) => Math.round((row / 2 ** zoom - originY) * scale);
    const [left, top] = [xOf(column), yOf(row)];
    context.drawImage(image, left, top, xOf(column + 1) - left, yOf(row + 1) - top);
  }
}

/** Returns the integers n whose intervals [n, n + 1) meet [from, to). */
function range(from: number, to: number): number[] {
  const first = Math.floor(from);
  return Array.from({ length: Math.max(0, Math.ceil(to) - first) }, (_, i) => first + i);
}

const clamp = (value: number, min: number, max: number) => Math.max(min, Math.min(max, value));
