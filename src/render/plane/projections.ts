/// <reference path="./d3-geo-projection.d.ts" />
/// <reference path="./d3-composite-projections.d.ts" />
/** Map projections other than Web Mercator, as projections of d3-geo. */
// the file, because the package's main file is not a module that Node can import
import geoAlbersUsaTerritories from "d3-composite-projections/src/albersUsaTerritories.js";
import {
  type GeoProjection,
  type GeoStream,
  geoAlbersUsa,
  geoEqualEarth,
  geoNaturalEarth1,
  geoOrthographic,
} from "d3-geo";
import { geoMollweide, geoRobinson, geoWinkel3 } from "d3-geo-projection";
import type { PlaneName, Projection } from "../scene";

/** Pixels around the equator in which d3-geo works; its tolerances are in pixels. */
export const PLANE_PX = 8192;
/** Lines are bent where they would be off by more than this. */
const PRECISION_PX = 0.5;

/** A stream that only points matter to. */
export const NO_EVENTS = {
  lineStart() {},
  lineEnd() {},
  polygonStart() {},
  polygonEnd() {},
} satisfies Omit<GeoStream, "point">;

/** What decides where a position lies on the plane. */
export type Plane = Pick<Projection, "name" | "center">;

interface Kind {
  readonly make: () => GeoProjection;
  /** What the centre of the data moves to the middle of the map. */
  readonly rotates: "nothing" | "longitude" | "globe";
  /** The plane shows the whole world, or one side of it, inside an outline. */
  readonly hasOutline: boolean;
}

const WORLD = { rotates: "longitude", hasOutline: true } as const;

export const KINDS: Readonly<Record<PlaneName, Kind>> = {
  "equal-earth": { make: geoEqualEarth, ...WORLD },
  "natural-earth": { make: geoNaturalEarth1, ...WORLD },
  robinson: { make: geoRobinson, ...WORLD },
  "winkel-tripel": { make: geoWinkel3, ...WORLD },
  mollweide: { make: geoMollweide, ...WORLD },
  orthographic: { make: geoOrthographic, rotates: "globe", hasOutline: true },
  "albers-usa": { make: geoAlbersUsa, rotates: "nothing", hasOutline: false },
  "albers-usa-territories": { make: geoAlbersUsaTerritories, rotates: "nothing", hasOutline: false },
};

/** Returns the projection to pixels of a plane, in which the equator is `planePx` long where the scale is true. */
export function projectionOf({ name, center: [lng, lat] }: Plane, planePx = PLANE_PX): GeoProjection {
  const { make, rotates } = KINDS[name];
  const projection = placed(make(), planePx);
  if (rotates !== "nothing") projection.rotate([-lng, rotates === "globe" ? -lat : 0]);
  return projection;
}

/** Returns the corners of the frames of the insets of "albers-usa-territories", in pixels of the plane. */
export function framesOfTerritories(): (readonly [x: number, y: number])[][] {
  const svg = placed(geoAlbersUsaTerritories()).getCompositionBorders();
  const frames = svg.split("Z").filter((frame) => frame !== "");
  return frames.map((frame) =>
    [...frame.matchAll(/[ML]([-\d.]+),([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
  );
}

const placed = <T extends GeoProjection>(projection: T, planePx = PLANE_PX): T =>
  projection
    .scale(planePx / (2 * Math.PI))
    .translate([planePx / 2, planePx / 2])
    .precision(PRECISION_PX);
