/** Longitude and latitude in degrees (EPSG:4326). */
export type LngLat = readonly [lng: number, lat: number];

export const SRID_LNGLAT = 4326;
export const SRID_WEBMERCATOR = 3857;
