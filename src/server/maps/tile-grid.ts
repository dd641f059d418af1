/** Half the side of the Web Mercator square, in metres: `π · 6378137`. */
export const HALF_WORLD_M = Math.PI * 6_378_137;
export const WORLD_M = 2 * HALF_WORLD_M;
/** Size of a tile in pixels at which zoom levels are defined. */
export const TILE_PX = 256;
/** Beyond this zoom, coordinates relative to a distant tile are no longer exact numbers. */
export const MAX_ZOOM = 30;

export interface TileId {
  readonly z: number;
  /** Column, from the antimeridian eastwards. */
  readonly x: number;
  /** Row, from north to south. */
  readonly y: number;
}

/** A box in Web Mercator metres. */
export interface BoxM {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
}

export function tileSizeM(z: number): number {
  return WORLD_M / 2 ** z;
}

/** Returns the bounds of a tile without buffer, as PostGIS' `ST_TileEnvelope(z, x, y)`. */
export function tileBoxM({ z, x, y }: TileId): BoxM {
  const size = tileSizeM(z);
  const minX = x * size - HALF_WORLD_M;
  const maxY = HALF_WORLD_M - y * size;
  return { minX, minY: maxY - size, maxX: minX + size, maxY };
}

export function grown({ minX, minY, maxX, maxY }: BoxM, byM: number): BoxM {
  return { minX: minX - byM, minY: minY - byM, maxX: maxX + byM, maxY: maxY + byM };
}

/** Longitude of a place so far east of Greenwich; beyond the antimeridian it goes on counting. */
export function lngOf(xM: number): number {
  return (xM / HALF_WORLD_M) * 180;
}

export function latOf(yM: number): number {
  return (Math.atan(Math.sinh((yM / HALF_WORLD_M) * Math.PI)) * 180) / Math.PI;
}
