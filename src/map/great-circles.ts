/**
 * Bends the lines of a layer in Web Mercator along great circles. `!` in the loops: see `PathGeometry`.
 *
 * In Web Mercator a great circle has the curvature |sin φ · sin α| per radian, where φ is the latitude and α the azimuth:
 * y = asinh(tan φmax · cos λ), and sin α = cos φmax / cos φ (Clairaut). A chord of L radians is therefore off by at most
 * L² / 8 · |sin φ|.
 */
import { geoDistance, geoInterpolate } from "d3-geo";
import { boundlessY, lngLatOf, worldX } from "../geometry/mercator";
import type { PathGeometry } from "../render/scene";
import { boxOfAll } from "./extent";
import { Paths } from "./geometry";

/** Radians per world unit. */
const TURN = 2 * Math.PI;
/** Width of a map that shows the whole layer. */
const MAP_PX = 1000;
/** Greatest distance from the great circle at this scale… */
const COARSE_PX = 0.2;
/** …and for layers that get fewer than `FINE_VERTICES` vertices by it, which stay smooth for three more zoom levels. */
const FINE_PX = COARSE_PX / 8;
const FINE_VERTICES = 200_000;
/** Layers that would get more vertices than this are less exact. */
const MAX_VERTICES = 4_000_000;
/** Chords longer than this are divided whatever their latitude, because a great circle between two places near the equator can lead far from it. */
const MAX_CHORD = 1;
/** An edge is divided into at most 2^10 parts; most of them are near a pole. */
const MAX_DEPTH = 10;
/** Opposite places, which any great circle joins, are this close to half the world apart. */
const OPPOSITE = Math.PI - 1e-6;

type Degrees = readonly [lng: number, lat: number];
type World = readonly [x: number, y: number];

/**
 * Returns lines whose edges are arcs of great circles, the shortest way between their ends. Edges between opposite places
 * cross the equator. Where an arc leads beyond the northern or southern edge of Web Mercator, the line is cut.
 */
export function alongGreatCircles(geometry: PathGeometry): PathGeometry {
  const { xy, paths, features, rows } = geometry;
  const tolerance = toleranceOf(geometry);
  if (tolerance === undefined) return geometry;
  const arcs = new Arcs(tolerance);
  for (let feature = 0; feature + 1 < features.length; feature++) {
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      arcs.moveTo([xy[2 * paths[path]!]!, xy[2 * paths[path]! + 1]!]);
      for (let i = paths[path]! + 1; i < paths[path + 1]!; i++) arcs.arcTo([xy[2 * i]!, xy[2 * i + 1]!]);
      arcs.end();
    }
    arcs.paths.endFeature(rows === undefined ? feature : rows[feature]!);
  }
  return arcs.paths.finish(rows === undefined ? features.length - 1 : Infinity);
}

/** Returns the greatest distance of a chord from its arc, in radians; undefined if no edge needs to be divided. */
function toleranceOf(geometry: PathGeometry): number | undefined {
  const box = boxOfAll([geometry]);
  if (box === null) return undefined;
  const [minX, minY, maxX, maxY] = box;
  const extent = TURN * Math.max(maxX - minX, Math.min(1, maxY) - Math.max(0, minY));
  let length = 0; // of all edges, each weighed by the square root of its greatest curvature
  const { xy, paths } = geometry;
  for (let path = 0; path + 1 < paths.length; path++) {
    for (let i = 2 * paths[path]! + 2; i < 2 * paths[path + 1]!; i += 2) {
      const edge = Math.hypot(xy[i]! - xy[i - 2]!, xy[i + 1]! - xy[i - 1]!);
      length += TURN * (edge < 1 ? edge : 1); // infinite or NaN at a pole
    }
  }
  // edges are divided into length / √(8 × tolerance) chords
  const toleranceFor = (vertices: number) => (length / vertices) ** 2 / 8;
  const [fine, coarse] = [FINE_PX, COARSE_PX].map((px) => (px / MAP_PX) * extent) as [number, number];
  const wanted = Math.min(coarse, Math.max(fine, toleranceFor(FINE_VERTICES)));
  return extent > 0 ? Math.max(wanted, toleranceFor(MAX_VERTICES)) : undefined;
}

/** Collects lines whose edges are arcs. */
class Arcs {
  readonly paths = new Paths("line");
  readonly #tolerance: number;
  #last: World = [0, 0];

  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  moveTo(to: World): void {
    this.paths.add(...to);
    this.#last = to;
  }

  arcTo(to: World): void {
    const from = this.#last;
    if (this.#isStraight(from, to, 1)) {
      this.#lineTo(to);
      return;
    }
    const [start, end] = [lngLatOf(from), lngLatOf(to)];
    if (geoDistance(start, end) < OPPOSITE) {
      this.#divide(geoInterpolate(start, end), [0, from], [1, to], 0);
      return;
    }
    const middle: Degrees = [start[0] + 90, 0]; // at right angles to both
    this.arcTo(boundless(middle));
    this.arcTo(to);
  }

  end(): void {
    this.paths.endPath();
  }

  #divide(
    at: (share: number) => [number, number],
    from: readonly [share: number, World],
    to: readonly [share: number, World],
    depth: number,
  ): void {
    const curvature = Math.max(curvatureAt(from[1]), curvatureAt(to[1]));
    if (depth === MAX_DEPTH || this.#isStraight(from[1], to[1], curvature)) {
      this.#lineTo(to[1]);
      return;
    }
    const share = (from[0] + to[0]) / 2;
    const middle = [share, boundless(at(share))] as const;
    this.#divide(at, from, middle, depth + 1);
    this.#divide(at, middle, to, depth + 1);
  }

  #isStraight([x, y]: World, [toX, toY]: World, curvature: number): boolean {
    const [dx, dy] = [toX - x, toY - y];
    const length = TURN * Math.hypot(dx - Math.round(dx), dy);
    if (areOff(y, toY)) return true;
    return length * length * curvature <= 8 * this.#tolerance && (curvature === 1 || length <= MAX_CHORD);
  }

  /** Cuts the line between two places beyond the edge of Web Mercator, which would be joined along the edge. */
  #lineTo(to: World): void {
    if (areOff(this.#last[1], to[1])) this.paths.cut();
    this.paths.add(...to);
    this.#last = to;
  }
}

const boundless = ([lng, lat]: Degrees): World => [worldX(lng), boundlessY(lat)];
/** Returns true for two places beyond the same edge of Web Mercator. */
const areOff = (y: number, toY: number) => Math.max(y, toY) <= 0 || Math.min(y, toY) >= 1;
const curvatureAt = ([, y]: World) => Math.abs(Math.tanh((1 - 2 * y) * Math.PI)); // |sin φ|
