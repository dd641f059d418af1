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

const X_NAMES = new Set("x easting eastings x_coord coord_x xcoord utm_x".split(" "));
const Y_NAMES = new Set("y northing northings y_coord coord_y ycoord utm_y".split(" "));

/** Positions of the columns named like latitude and longitude; null without both. */
export type LatLngColumns = { readonly lat: number; readonly lng: number } | null;

export function latLngColumns(names: readonly string[]): LatLngColumns {
  return pairOf(names, LATITUDE_NAMES, LONGITUDE_NAMES);
}

/** Returns columns named like the coordinates of a map: x in place of the longitude, y in place of the latitude. */
export function xyColumns(names: readonly string[]): LatLngColumns {
  return pairOf(names, Y_NAMES, X_NAMES);
}

function pairOf(
  names: readonly string[],
  lats: ReadonlySet<string>,
  lngs: ReadonlySet<string>,
): LatLngColumns {
  const lat = names.findIndex((name) => lats.has(name));
  const lng = names.findIndex((name) => lngs.has(name));
  return lat === -1 || lng === -1 ? null : { lat, lng };
}

/** [west, south, east, north] in degrees. A box whose west is greater than its east crosses 180 degrees. */
export type Bbox = readonly [west: number, south: number, east: number, north: number];

/** Returns undefined if the value is not a box. */
export function parseBbox(value: unknown): [number, number, number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite)) return undefined;
  const [west, south, east, north] = value as [number, number, number, number];
  const isInside = Math.max(Math.abs(west), Math.abs(east)) <= 180 && south >= -90 && north <= 90;
  return isInside && south <= north ? [west, south, east, north] : undefined;
}
