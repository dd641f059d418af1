/** The plane of a map as a place to measure on: positions in degrees, and lines and areas between them. */
import { type GeoProjection, type GeoStream, geoArea, geoMercator, geoStream } from "d3-geo";
import type { LngLat } from "../../geo";
import { NO_EVENTS, PLANE_PX, projectionOf } from "../plane/projections";
import type { Projection } from "../scene";
import { alongGeodesics } from "./geodesic";

/** A position is on the map if it lies within this share of the world of where it is drawn. */
const TOLERANCE = 1e-4;

/** A position in world units. */
export type WorldPosition = readonly [x: number, y: number];
/** Paths in world units, x and y in turn. */
export type WorldPaths = readonly (readonly number[])[];

export class Ground {
  readonly #projection: Projection | undefined;
  readonly #toPlane: GeoProjection;

  /** @param projection of the map; absent for Web Mercator */
  constructor(projection: Projection | undefined) {
    this.#projection = projection;
    this.#toPlane = this.#atScale(PLANE_PX);
  }

  /** Returns the position in degrees at a place of the plane, in any copy of the world; undefined outside of the world. */
  degreesAt([x, y]: WorldPosition): LngLat | undefined {
    const at = this.#projection ? x : x - Math.floor(x);
    const degrees = this.#toPlane.invert?.([at * PLANE_PX, y * PLANE_PX]);
    if (!degrees || Math.abs(degrees[1]) > 90) return undefined; // some inverses go on beyond the poles
    const drawn = this.worldOf(degrees);
    if (!drawn) return undefined;
    const [dx, dy] = [Math.abs(drawn[0] - at), Math.abs(drawn[1] - y)];
    const isThere = dy < TOLERANCE && (dx < TOLERANCE || (!this.#projection && dx > 1 - TOLERANCE));
    return isThere ? [degrees[0], degrees[1]] : undefined;
  }

  /** Returns where a position is on the plane; undefined if the plane does not show it. */
  worldOf([lng, lat]: LngLat): WorldPosition | undefined {
    let found: WorldPosition | undefined;
    const stream = this.#toPlane.stream({
      ...NO_EVENTS,
      point: (x, y) => {
        found = [x / PLANE_PX, y / PLANE_PX];
      },
    });
    stream.point(lng, lat);
    return found;
  }

  /** Returns the shortest lines on the ground between positions, cut where the plane ends, and exact at a scale. */
  lines(path: readonly LngLat[], worldPx: number): WorldPaths {
    const sink = new Paths(worldPx);
    const coordinates = alongGeodesics(path).map(([lng, lat]) => [lng, lat]);
    geoStream({ type: "LineString", coordinates }, this.#atScale(worldPx).stream(sink));
    return sink.paths;
  }

  /** Returns rings around the smaller side of a ring of positions, to be filled by the even-odd rule. */
  area(ring: readonly LngLat[], worldPx: number): WorldPaths {
    const [first] = ring;
    if (!first) return [];
    const coordinates = alongGeodesics([...ring, first]).map(([lng, lat]) => [lng, lat]);
    if (geoArea({ type: "Polygon", coordinates: [coordinates] }) > 2 * Math.PI) coordinates.reverse();
    const sink = new Paths(worldPx);
    geoStream({ type: "Polygon", coordinates: [coordinates] }, this.#atScale(worldPx).stream(sink));
    return sink.paths;
  }

  #atScale(worldPx: number): GeoProjection {
    if (this.#projection) return projectionOf(this.#projection, worldPx);
    return geoMercator()
      .scale(worldPx / (2 * Math.PI))
      .translate([worldPx / 2, worldPx / 2]);
  }
}

/** Collects paths. */
class Paths implements GeoStream {
  readonly paths: number[][] = [];
  readonly #worldPx: number;

  constructor(worldPx: number) {
    this.#worldPx = worldPx;
  }

  lineStart(): void {
    this.paths.push([]);
  }

  point(x: number, y: number): void {
    this.paths.at(-1)?.push(x / this.#worldPx, y / this.#worldPx);
  }

  lineEnd(): void {}
  polygonStart(): void {}
  polygonEnd(): void {}
}
