/** Raster tiles of a basemap in a picture: which ones a view needs, and where they lie in it. */
import type { Image, SKRSContext2D } from "@napi-rs/canvas";
import { zoomOf } from "../projection";
import { MAX_TILE_ZOOM, type Viewport } from "../scene";
import { loadSkia } from "./skia";

/** A larger picture takes tiles of a lower zoom, so that nobody's server is asked for more. */
const MAX_TILES = 200;

/** Tiles of one zoom that cover a view. */
export interface TileSheet {
  readonly zoom: number;
  readonly places: readonly TilePlace[];
}

export interface TilePlace {
  /** May lie outside 0 … 2^zoom: a copy of the world. */
  readonly column: number;
  readonly row: number;
  readonly url: string;
}

/** A tile that has come. */
export interface TilePicture extends Pick<TilePlace, "column" | "row"> {
  readonly zoom: number;
  readonly image: Image;
}

/** Tiles below the data, and names of places above them. */
export interface TilePictures {
  readonly ground: readonly TilePicture[];
  readonly labels: readonly TilePicture[];
}

/** The tiles that a view needs, of an address with {z}, {x}, {y}, and perhaps {s} and {r}. */
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

/** A tile's bytes as a picture. @throws Error if they are none. */
export const decodeTile = (bytes: Uint8Array): Promise<Image> => loadSkia().loadImage(Buffer.from(bytes));

/** Tiles meet at whole device pixels: between two that end within one, the ground would shine through. */
export function drawTiles(
  context: SKRSContext2D,
  { originX, originY, worldPx, pixelRatio }: Viewport,
  tiles: readonly TilePicture[],
): void {
  const scale = worldPx * pixelRatio;
  for (const { zoom, column, row, image } of tiles) {
    const [left, right] = [column, column + 1].map((x) => Math.round((x / 2 ** zoom - originX) * scale));
    const [top, bottom] = [row, row + 1].map((y) => Math.round((y / 2 ** zoom - originY) * scale));
    context.drawImage(image, left!, top!, right! - left!, bottom! - top!);
  }
}

/** The whole numbers whose unit squares touch from … to. */
function range(from: number, to: number): number[] {
  const first = Math.floor(from);
  return Array.from({ length: Math.max(0, Math.ceil(to) - first) }, (_, i) => first + i);
}

const clamp = (value: number, min: number, max: number) => Math.max(min, Math.min(max, value));
