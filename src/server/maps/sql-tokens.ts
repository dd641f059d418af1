import type { BoxM } from "../../geometry/mercator";

/** Size of a screen pixel in metres on which scale denominators are based: OGC 05-078r4, https://www.ogc.org */
const SCREEN_PIXEL_M = 0.00028;

/** Replaces the tokens in the query of a layer by the values for a tile. `box` includes the buffer. */
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
