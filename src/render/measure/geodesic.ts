/** Lengths and areas on the WGS84 ellipsoid, whose edges are geodesics, by GeographicLib (C. F. F. Karney, 2013). */
import { Geodesic } from "geographiclib-geodesic";
import type { LngLat } from "../../geo";

/** Positions along a geodesic are at most this far apart: between them it is an arc of a great circle, within a few metres. */
const STEP_M = 250_000;

const { WGS84 } = Geodesic;

/** Length in metres of the shortest lines between positions; 0 for fewer than two. */
export function lengthM(path: readonly LngLat[]): number {
  let sum = 0;
  for (const [i, [lng, lat]] of path.entries()) {
    const before = path[i - 1];
    if (before) sum += WGS84.Inverse(before[1], before[0], lat, lng, Geodesic.DISTANCE).s12 ?? 0;
  }
  return sum;
}

/**
 * Area in square metres inside a ring, whose last position is joined to the first; of both sides of the ring, the smaller
 * one. Rings may surround a pole or cross the antimeridian; parts that a ring surrounds the other way round count negative.
 */
export function areaM2(ring: readonly LngLat[]): number {
  const polygon = WGS84.Polygon(false);
  for (const [lng, lat] of ring) polygon.AddPoint(lat, lng);
  return Math.abs(polygon.Compute(false, true).area ?? 0);
}

/** Returns positions along the shortest lines between positions, these included. */
export function alongGeodesics(path: readonly LngLat[]): LngLat[] {
  const along: LngLat[] = path.slice(0, 1);
  for (const [i, to] of path.entries()) {
    const from = path[i - 1];
    if (!from) continue;
    const line = WGS84.InverseLine(from[1], from[0], to[1], to[0]);
    const steps = Math.ceil(line.s13 / STEP_M);
    for (let step = 1; step < steps; step++) {
      const { lat2, lon2 } = line.Position((step / steps) * line.s13);
      if (lat2 !== undefined && lon2 !== undefined) along.push([lon2, lat2]);
    }
    along.push(to);
  }
  return along;
}
