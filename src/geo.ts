/** Longitude and latitude in degrees (EPSG:4326). */
export type LngLat = readonly [lng: number, lat: number];

export const SRID_LNGLAT = 4326;
export const SRID_WEBMERCATOR = 3857;

const LATITUDE_NAMES = new Set(
  "latitude lat latitudedecimal latitud lati decimallatitude decimallat point_latitude".split(" "),
);
const LONGITUDE_NAMES = new Set(
  "longitude lon lng longitudedecimal longitud long decimallongitude decimallong point_longitude".split(" "),
);

/** Positions of the columns named like latitude and longitude; null without both. */
export type LatLngColumns = { readonly lat: number; readonly lng: number } | null;

export function latLngColumns(names: readonly string[]): LatLngColumns {
  const lat = names.findIndex((name) => LATITUDE_NAMES.has(name));
  const lng = names.findIndex((name) => LONGITUDE_NAMES.has(name));
  return lat === -1 || lng === -1 ? null : { lat, lng };
}
