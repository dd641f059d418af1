/** Moves a map to what a search has found. */
import type L from "leaflet";
import type { Box } from "../../../../geometry/clip";
import { lngLatOf, zoomOf } from "../../../../geometry/mercator";
import type { PlaceName } from "../../../names-data";
import { labelPlacesOf } from "../../../painter";
import type { SceneLayer } from "../../../scene";
import { viewportOfMap } from "../canvas-layer";

/** A single point is shown this many zoom levels closer than the first view, so that its surroundings stay known… */
const LEVELS_CLOSER = 3;
/** …at most at this zoom. */
const MAX_POINT_ZOOM = 14;
/** Maximum zoom for lines and polygons. */
const MAX_ZOOM = 18;
/** Share of the map that what was found fills. */
const FILL = 0.6;
/** Zoom for a city on a map of a country or the world. */
const CITY_ZOOM = 9;

/** A map that moves to places. */
export interface Journey {
  readonly map: L.Map;
  /** Zoom of the first view. */
  readonly firstZoom: number;
  /** The map is on the plane of a projection, which does not repeat. */
  readonly isPlane: boolean;
}

type Geometry = SceneLayer["geometry"];
type Position = readonly [x: number, y: number];

/** Returns where a feature is: a point, the middle of a line, or where a polygon is widest. */
export function placeOf(geometry: Geometry, feature: number): Position {
  const [anchor] = labelPlacesOf(geometry, feature, 1).anchors;
  if (anchor) return [anchor.x, anchor.y];
  const [minX, minY, maxX, maxY] = boxOfFeatures(geometry, [feature]);
  return [(minX + maxX) / 2, (minY + maxY) / 2];
}

/** Returns the box of some features in world units. `!`: see `PointGeometry` and `PathGeometry`. */
export function boxOfFeatures(geometry: Geometry, features: readonly number[]): Box {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  const add = (x: number, y: number) => {
    if (x < minX) minX = x;
    if (x > maxX) maxX = x;
    if (y < minY) minY = y;
    if (y > maxY) maxY = y;
  };
  for (const feature of features) {
    if (geometry.kind === "point") {
      add(geometry.x[feature]!, geometry.y[feature]!);
      continue;
    }
    const { xy, paths, features: parts } = geometry;
    for (let at = paths[parts[feature]!]!; at < paths[parts[feature + 1]!]!; at++)
      add(xy[2 * at]!, xy[2 * at + 1]!);
  }
  return [minX, minY, maxX, maxY];
}

/** Shows a box of world units whole; a box without size with its surroundings. */
export function showBox(journey: Journey, [minX, minY, maxX, maxY]: Box): void {
  const { map, firstZoom } = journey;
  const { x: width, y: height } = map.getSize();
  const isPoint = !(maxX - minX > 0 || maxY - minY > 0);
  const closer = Math.max(map.getZoom(), Math.min(firstZoom + LEVELS_CLOSER, MAX_POINT_ZOOM));
  const fitting = zoomOf(FILL * Math.min(width / (maxX - minX), height / (maxY - minY)));
  show(journey, [(minX + maxX) / 2, (minY + maxY) / 2], isPoint ? closer : Math.min(fitting, MAX_ZOOM));
}

/** Shows a country or state whole, or a city with its surroundings. */
export function showPlace(journey: Journey, { x, y, room }: PlaceName): void {
  const { map, firstZoom, isPlane } = journey;
  const { x: width, y: height } = map.getSize();
  const ofCity = isPlane ? firstZoom + LEVELS_CLOSER : Math.max(firstZoom, CITY_ZOOM);
  show(journey, [x, y], room === 0 ? ofCity : zoomOf((FILL * Math.min(width, height)) / room));
}

/** Returns x in the copy of the world that is nearest to the middle of the map. */
export function nearX({ map, isPlane }: Journey, x: number): number {
  if (isPlane) return x;
  const { originX, worldPx, widthPx } = viewportOfMap(map);
  return x + Math.round(originX + widthPx / 2 / worldPx - x);
}

function show(journey: Journey, [x, y]: Position, zoom: number): void {
  const { map } = journey;
  const { zoomSnap = 0 } = map.options;
  const to = Math.max(map.getMinZoom(), Math.min(map.getMaxZoom(), zoom));
  const [lng, lat] = lngLatOf([nearX(journey, x), y]);
  map.setView([lat, lng], zoomSnap > 0 ? Math.floor(to / zoomSnap) * zoomSnap : to);
}
