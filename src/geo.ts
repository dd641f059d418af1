/** Longitude and latitude in degrees (EPSG:4326). */
export type LngLat = readonly [lng: number, lat: number];

/** SRID of longitude/latitude degrees. */
export const SRID_LNGLAT = 4326;
/** SRID of Web Mercator metres. */
export const SRID_WEBMERCATOR = 3857;
