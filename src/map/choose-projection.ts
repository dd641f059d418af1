import { InvalidArgumentError } from "../errors";
import type { Box } from "../geometry/clip";
import { lngLatOf, worldX, worldY } from "../geometry/mercator";
import { usaOutlines } from "../render/assets";
import { featureCountOf } from "../render/feature-count";
import { boxesOfGroups, boxesOfPaths } from "../render/painter/box";
import { hitPolygons } from "../render/painter/hit";
import type { Plane } from "../render/plane";
import {
  type Bounds,
  type PathGeometry,
  PLANE_NAMES,
  type PlaneName,
  type PointGeometry,
} from "../render/scene";
import { type BaseMap, isCartoStyle } from "./base-map";
import { listed, near, shown } from "./check";

/**
 * Projections of a map. `"equal-earth"`, `"natural-earth"`, `"robinson"`, `"winkel-tripel"` and `"mollweide"` show the world
 * inside an outline, `"orthographic"` shows a globe turned to most of the data, and `"albers-usa"` the United States, with
 * Alaska and Hawaii in the lower left; `"albers-usa-territories"` adds Puerto Rico and the U.S. Virgin Islands, Guam and the
 * Northern Marianas, and American Samoa, in frames. In `"equal-earth"`, `"mollweide"` and `"albers-usa"`, areas compare.
 */
export type MapProjection =
  | "auto"
  | "mercator"
  | "equal-earth"
  | "natural-earth"
  | "robinson"
  | "winkel-tripel"
  | "mollweide"
  | "orthographic"
  | "albers-usa"
  | "albers-usa-territories";
const PROJECTIONS: readonly MapProjection[] = ["auto", "mercator", ...PLANE_NAMES];

/** Data that span more degrees of longitude or of latitude than these span the world. */
const WORLD_LNG = 200;
const WORLD_LAT = 100;
/** The largest layer that is surely packed as a whole; vector tiles, which complete larger ones, are in Web Mercator. */
const MAX_WHOLE = 300_000;

/** [west, south, east, north] in degrees of the contiguous states, Alaska (on both sides of the antimeridian) and Hawaii. */
const USA = [
  [-125, 24.3, -66.8, 49.5],
  [-180, 51, -129.9, 71.5],
  [172, 51, 180, 54],
  [-160.6, 18.8, -154.7, 22.3],
] as const;
/** Puerto Rico and the U.S. Virgin Islands, Guam and the Northern Marianas, and American Samoa. */
const TERRITORIES = [
  [-68.3, 17, -63.9, 19],
  [144, 12.7, 146.5, 20.8],
  [-171.2, -14.8, -168, -10.9],
] as const;
/** Share of the contiguous states, from west to east and from south to north, that data about the United States span. */
const USA_SHARE = 0.6;
/** Share of the positions that lie on land; the others are on islands and offshore. */
const ON_LAND = 0.95;
/** Number of positions that are looked up. */
const SAMPLE = 1000;

/** @throws InvalidArgumentError for an unknown projection */
export function checkProjection(projection: unknown): MapProjection {
  if (projection === undefined) return "auto";
  if (PROJECTIONS.includes(projection as MapProjection)) return projection as MapProjection;
  const [meant] = typeof projection === "string" ? near(projection, PROJECTIONS) : [];
  const hint = meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
  throw new InvalidArgumentError(
    `\`projection\` must be one of ${listed(PROJECTIONS)}; got ${shown(projection)}.${hint}`,
  );
}

interface MapToProject {
  readonly option: MapProjection;
  /** In Web Mercator. */
  readonly geometries: readonly (PointGeometry | PathGeometry)[];
  readonly bounds: Bounds | null;
  /** The basemap that the map was asked to show; absent for the default. */
  readonly basemap?: BaseMap | undefined;
  /** The map has a centre and a zoom. */
  readonly hasView: boolean;
  /** Numbers of points or vertices of the layers that have vector tiles. */
  readonly tiled: readonly number[];
}

/** Returns the projection of a map, or none for Web Mercator, and why it is not the one that was asked for. */
export function chooseProjection({ option, geometries, bounds, basemap, hasView, tiled }: MapToProject): {
  readonly projection?: Plane;
  readonly warning?: string;
} {
  if (option === "mercator") return {};
  const isAuto = option === "auto";
  // a projection that was asked for takes the colours of CARTO's basemaps, which are not tiles alone
  const hasTiles = basemap?.basemap.tiles !== undefined && (isAuto || !isCartoStyle(basemap.source));
  const reason = hasView
    ? "`zoom`, `lat` and `lng` are those of Web Mercator"
    : hasTiles
      ? "the tiles of its BaseMap are in Web Mercator"
      : tiled.some((count) => count > MAX_WHOLE)
        ? "the vector tiles of its large layers are in Web Mercator"
        : undefined;
  if (reason !== undefined) {
    return isAuto
      ? {}
      : {
          warning: `The map is in Web Mercator instead of the projection ${JSON.stringify(option)}: ${reason}.`,
        };
  }
  const name = isAuto ? fitting(geometries, bounds) : option;
  return name === undefined ? {} : { projection: { name, center: centerOf(name, geometries, bounds) } };
}

function fitting(geometries: MapToProject["geometries"], bounds: Bounds | null): PlaneName | undefined {
  if (bounds === null) return undefined;
  const usa = usaIn(geometries);
  if (usa !== undefined) return usa;
  const [west, south, east, north] = bounds;
  const span = east < west ? east + 360 - west : east - west;
  return span > WORLD_LNG || north - south > WORLD_LAT ? "equal-earth" : undefined;
}

/** A globe turns to where most of the data are, a world map to data on both sides of the antimeridian only. */
function centerOf(
  name: PlaneName,
  geometries: MapToProject["geometries"],
  bounds: Bounds | null,
): Plane["center"] {
  if (name === "orthographic") return meanOf(geometries);
  if (bounds === null) return [0, 0];
  const [west, , east] = bounds;
  return [east < west ? (west + east) / 2 + 180 : 0, 0];
}

/** Returns the mean of the positions on the sphere, in whole degrees. */
function meanOf(geometries: MapToProject["geometries"]): Plane["center"] {
  let [sumX, sumY, sumZ] = [0, 0, 0];
  for (const { x, y } of geometries.flatMap(sample)) {
    const [lng, lat] = lngLatOf([x, y]).map((degrees) => (degrees * Math.PI) / 180) as [number, number];
    sumX += Math.cos(lat) * Math.cos(lng);
    sumY += Math.cos(lat) * Math.sin(lng);
    sumZ += Math.sin(lat);
  }
  const degrees = (radians: number) => Math.round((radians * 180) / Math.PI);
  return [degrees(Math.atan2(sumY, sumX)), degrees(Math.atan2(sumZ, Math.hypot(sumX, sumY)))];
}

/** Returns the projection of data that lie in the United States and span most of the contiguous states. */
function usaIn(geometries: MapToProject["geometries"]): PlaneName | undefined {
  const [states, territories] = [USA, TERRITORIES].map((all) =>
    all.map(([west, south, east, north]): Box => [worldX(west), worldY(north), worldX(east), worldY(south)]),
  ) as [Box[], Box[]];
  const [contiguous] = states as [Box];
  const seen: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  let hasTerritories = false;
  for (const geometry of geometries) {
    if (geometry.kind === "line" && leads(geometry, [...states, ...territories])) return undefined;
    const [xs, ys, step] =
      geometry.kind === "point" ? [geometry.x, geometry.y, 1] : [geometry.xy, geometry.xy.subarray(1), 2];
    for (let i = 0; i < xs.length; i += step) {
      const [x, y] = [xs[i]! - Math.floor(xs[i]!), ys[i]!]; // `!`: xs and ys have the same length
      if (!states.some((box) => isIn(box, x, y))) {
        if (!territories.some((box) => isIn(box, x, y))) return undefined;
        hasTerritories = true;
      }
      if (!isIn(contiguous, x, y)) continue;
      seen[0] = Math.min(seen[0], x);
      seen[1] = Math.min(seen[1], y);
      seen[2] = Math.max(seen[2], x);
      seen[3] = Math.max(seen[3], y);
    }
  }
  const isMost = [0, 1].every((axis) => {
    const side = (box: readonly number[]) => box[axis + 2]! - box[axis]!; // `!`: a box has four numbers
    return side(seen) >= USA_SHARE * side(contiguous);
  });
  if (!isMost || !geometries.every((geometry) => liesOn(usaOutlines().land, geometry))) return undefined;
  return hasTerritories ? "albers-usa-territories" : "albers-usa";
}

/** Returns true if a line leads from one box to another: it would break off between the parts of the map. `!`: see `PathGeometry`. */
function leads({ xy, paths }: PathGeometry, boxes: readonly Box[]): boolean {
  const boxOf = (i: number) =>
    boxes.findIndex((box) => isIn(box, xy[2 * i]! - Math.floor(xy[2 * i]!), xy[2 * i + 1]!));
  for (let path = 0; path + 1 < paths.length; path++)
    for (let i = paths[path]! + 1; i < paths[path + 1]!; i++) if (boxOf(i) !== boxOf(i - 1)) return true;
  return false;
}

const isIn = ([minX, minY, maxX, maxY]: Box, x: number, y: number) =>
  x >= minX && x <= maxX && y >= minY && y <= maxY;

/** Returns true if most points, or the middles of most paths, lie on land. */
function liesOn(land: PathGeometry, geometry: PointGeometry | PathGeometry): boolean {
  const boxes = boxesOfGroups(boxesOfPaths(land.xy, land.paths), land.features);
  const positions = sample(geometry);
  const inside = positions.filter((place) => hitPolygons(land, boxes, place, 1).length > 0);
  return inside.length >= ON_LAND * positions.length;
}

type Place = Parameters<typeof hitPolygons>[2];

/** Returns points, or the middles of features, evenly spaced among all. */
function sample(geometry: PointGeometry | PathGeometry): Place[] {
  const count = featureCountOf(geometry);
  const every = Math.max(1, count / SAMPLE);
  return Array.from({ length: Math.floor(count / every) }, (_, k) => {
    const i = Math.floor(k * every);
    // `!`: i is below the number of points
    return geometry.kind === "point" ? { x: geometry.x[i]!, y: geometry.y[i]! } : middleOf(geometry, i);
  });
}

/** Returns the centroid of the path with most vertices of a polygon, or the vertex in the middle of a line. `!`: see `PathGeometry`. */
function middleOf({ kind, xy, paths, features }: PathGeometry, feature: number): Place {
  let longest = features[feature]!;
  const length = (path: number) => paths[path + 1]! - paths[path]!;
  for (let path = longest; path < features[feature + 1]!; path++)
    if (length(path) > length(longest)) longest = path;
  const [from, end] = [paths[longest]!, paths[longest + 1]!];
  const middle = (from + end) >> 1;
  const [midX, midY] = [xy[2 * middle]!, xy[2 * middle + 1]!];
  if (kind === "line") return { x: midX, y: midY };
  let [twice, sumX, sumY] = [0, 0, 0];
  for (let i = from, j = end - 1; i < end; j = i++) {
    // relative to a vertex, because differences of small areas lose digits
    const [ax, ay, bx, by] = [
      xy[2 * j]! - midX,
      xy[2 * j + 1]! - midY,
      xy[2 * i]! - midX,
      xy[2 * i + 1]! - midY,
    ];
    const cross = ax * by - bx * ay;
    twice += cross;
    sumX += (ax + bx) * cross;
    sumY += (ay + by) * cross;
  }
  return twice === 0 ? { x: midX, y: midY } : { x: midX + sumX / (3 * twice), y: midY + sumY / (3 * twice) };
}
