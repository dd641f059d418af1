/**
 * Converts Web Mercator (EPSG:3857) between three scales: metres; world units, in which the world between the latitudes
 * ±85.0511 is [0, 1] × [0, 1] with y growing down; and tiles z/x/y of 256 pixels.
 */
import type { LngLat } from "../geo";

/** Half the side of the Web Mercator square, in metres: π × 6378137. */
export const HALF_WORLD_M = Math.PI * 6_378_137;
/** Side of the Web Mercator square in metres, the circumference of its sphere. */
export const WORLD_M = 2 * HALF_WORLD_M;
/** Side of a tile in pixels; at zoom 0, one tile covers the world. */
export const TILE_PX = 256;

const DEG = Math.PI / 180;

/** World x of a longitude, which continues beyond [0, 1] past the antimeridian. */
export function worldX(lng: number): number {
  return lng / 360 + 0.5;
}

/** World y of a latitude. Latitudes beyond Web Mercator are moved to its edge; NaN stays NaN. */
export const worldY = (lat: number): number => clampedY(boundlessY(lat));

/** World y of a latitude, also beyond the edges of Web Mercator, up to ±Infinity at the poles. */
export function boundlessY(lat: number): number {
  const sin = Math.sin(Math.max(-90, Math.min(90, lat)) * DEG);
  return 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
}

/** Clamps world y to the world; NaN stays NaN. */
export function clampedY(y: number): number {
  return y < 0 ? 0 : y > 1 ? 1 : y;
}

/** World units of longitude and latitude. Loops over many positions call `worldX` and `worldY`, which create no pair. */
export const worldOf = ([lng, lat]: LngLat): [x: number, y: number] => [worldX(lng), worldY(lat)];

/** Longitude and latitude of world units, the inverse of `worldOf`. */
export function lngLatOf([x, y]: readonly [x: number, y: number]): [lng: number, lat: number] {
  return [x * 360 - 180, Math.atan(Math.sinh((1 - 2 * y) * Math.PI)) / DEG];
}

/** Longitude and latitude of a position in Web Mercator metres. */
export const lngLatOfM = (xM: number, yM: number): [lng: number, lat: number] =>
  lngLatOf([xM / WORLD_M + 0.5, 0.5 - yM / WORLD_M]);

/** Size of one world unit in CSS pixels at a zoom. */
export const worldPxOf = (zoom: number): number => TILE_PX * 2 ** zoom;
/** Zoom at which one world unit has this size in CSS pixels, the inverse of `worldPxOf`. */
export const zoomOf = (worldPx: number): number => Math.log2(worldPx / TILE_PX);

export interface TileId {
  readonly z: number;
  /** Counted from the antimeridian eastwards. */
  readonly x: number;
  /** Counted from north to south. */
  readonly y: number;
}

/** A box in Web Mercator metres. */
export interface BoxM {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
}

export const tileSizeM = (z: number): number => WORLD_M / 2 ** z;

/** Bounds of a tile without its buffer, as PostGIS's `ST_TileEnvelope(z, x, y)` returns them. */
export function tileBoxM({ z, x, y }: TileId): BoxM {
  const size = tileSizeM(z);
  const minX = x * size - HALF_WORLD_M;
  const maxY = HALF_WORLD_M - y * size;
  return { minX, minY: maxY - size, maxX: minX + size, maxY };
}

export function grownBox({ minX, minY, maxX, maxY }: BoxM, byM: number): BoxM {
  return { minX: minX - byM, minY: minY - byM, maxX: maxX + byM, maxY: maxY + byM };
}
