import type { BoxM } from "../../geometry/mercator";

/** Metres of a pixel on a screen, for which scales are told: https://www.ogc.org, OGC 05-078r4. */
const SCREEN_PIXEL_M = 0.00028;

/** The query of a layer with what depends on the tile in its places. `box` includes the buffer. */
export function withTokens(sql: string, box: BoxM, pixelM: number): string {
  return sql
    .replaceAll("!bbox!", boxSql(box))
    .replaceAll("!pixel_width!", `${pixelM}`)
    .replaceAll("!pixel_height!", `${pixelM}`)
    .replaceAll("!scale_denominator!", `${pixelM / SCREEN_PIXEL_M}`);
}

export function boxSql({ minX, minY, maxX, maxY }: BoxM, srid = 3857): string {
  return `ST_MakeEnvelope(${minX}, ${minY}, ${maxX}, ${maxY}, ${srid})`;
}
