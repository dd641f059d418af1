/**
 * Projects geometry from Web Mercator to the plane of another projection. The plane has the unit of Web Mercator's world:
 * the length of the equator, with the middle of the map at (0.5, 0.5). `!` in the loops: see `PathGeometry`.
 */
import { type GeoStream, geoGraticule, geoStream } from "d3-geo";
import { lngLatOf } from "../../geometry/mercator";
import type { PathGeometry, PointGeometry } from "../scene";
import { framesOfTerritories, KINDS, NO_EVENTS, PLANE_PX, type Plane, projectionOf } from "./projections";
import { type Degrees, degreesOf, straightLine, straightRing } from "./ring";

/** Positions on the plane that are this close are the same. */
const SAME_PX = 1e-6;
/** Degrees between the lines of the graticule. */
const GRATICULE_STEP = 30;

/** Projects points. Those that the projection does not show are left out, and `rows` holds the rows of the others. */
export function projectPoints({ x, y, rows }: PointGeometry, to: Plane): PointGeometry {
  const kept = {
    x: new Float64Array(x.length),
    y: new Float64Array(x.length),
    rows: new Uint32Array(x.length),
  };
  let [count, point, last] = [0, 0, -1];
  const stream = projectionOf(to).stream({
    ...NO_EVENTS,
    point(px, py) {
      if (point === last) return; // the insets of the United States overlap
      last = point;
      kept.x[count] = px / PLANE_PX;
      kept.y[count] = py / PLANE_PX;
      kept.rows[count++] = rows === undefined ? point : rows[point]!;
    },
  });
  for (; point < x.length; point++) stream.point(...lngLatOf([x[point]!, y[point]!]));
  const isSame = count === x.length && rows === undefined;
  return {
    kind: "point",
    x: kept.x.slice(0, count),
    y: kept.y.slice(0, count),
    ...(!isSame && { rows: kept.rows.slice(0, count) }),
  };
}

/**
 * Projects lines or polygons, cut where the plane ends. Features of which nothing shows are left out, and `rows` holds the
 * rows of the others. Edges of polygons are straight in longitude and latitude; those of lines too, with `isStraight`,
 * otherwise they are arcs of great circles.
 */
export function projectPaths(
  { kind, xy, paths, features, rows }: PathGeometry,
  to: Plane,
  {
    isStraight = false,
    marksCuts = false,
  }: {
    readonly isStraight?: boolean;
    /** Marks lines that are cut at their end, see `PathGeometry`. */
    readonly marksCuts?: boolean;
  } = {},
): PathGeometry {
  const sink = new PathSink(kind);
  const projection = projectionOf(to);
  const stream = projection.stream(sink);
  const keptRows: number[] = [];
  for (let feature = 0; feature + 1 < features.length; feature++) {
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const degrees = degreesOf(xy, paths[path]!, paths[path + 1]!);
      sink.endsAt = kind === "line" && marksCuts ? projection([...degrees.at(-1)!]) : undefined;
      if (kind === "polygon") streamRing(straightRing(degrees), stream);
      else streamLine(isStraight ? straightLine(degrees) : degrees, stream);
    }
    if (sink.endFeature()) keptRows.push(rows === undefined ? feature : rows[feature]!);
  }
  const isSame = keptRows.length === features.length - 1 && rows === undefined;
  return { ...sink.geometry(), ...(!isSame && { rows: Uint32Array.from(keptRows) }) };
}

/** Returns true if the plane shows the whole world, or one side of it, inside an outline. */
export const hasOutline = ({ name }: Plane): boolean => KINDS[name].hasOutline;

/** Returns the outline of the world on the plane; undefined if it has none. */
export function outlineOf(projection: Plane): PathGeometry | undefined {
  if (!hasOutline(projection)) return undefined;
  const sink = new PathSink("polygon");
  geoStream({ type: "Sphere" }, projectionOf(projection).stream(sink));
  sink.endFeature();
  return sink.geometry();
}

/** Returns lines of equal longitude and latitude; undefined if the plane shows only a part of the world. */
export function graticuleOf(projection: Plane): PathGeometry | undefined {
  if (!hasOutline(projection)) return undefined;
  const sink = new PathSink("line");
  const lines = geoGraticule().step([GRATICULE_STEP, GRATICULE_STEP])();
  geoStream(lines, projectionOf(projection).stream(sink));
  sink.endFeature();
  return sink.geometry();
}

/** Returns the frames of the insets of a plane; undefined if it has none. */
export function framesOf({ name }: Plane): PathGeometry | undefined {
  if (name !== "albers-usa-territories") return undefined;
  const sink = new PathSink("line");
  for (const frame of framesOfTerritories()) {
    for (const [x, y] of [...frame, frame[0]!]) sink.point(x, y); // `!`: a frame has four corners
    sink.lineEnd();
  }
  sink.endFeature();
  return sink.geometry();
}

/** Each ring is filled by itself: all rings of a feature are combined by the even-odd rule when they are painted. */
function streamRing(ring: Degrees | "world", stream: GeoStream): void {
  if (ring === "world") {
    geoStream({ type: "Sphere" }, stream);
    return;
  }
  stream.polygonStart();
  streamLine(ring, stream);
  stream.polygonEnd();
}

function streamLine(line: Degrees, stream: GeoStream): void {
  stream.lineStart();
  for (const [lng, lat] of line) stream.point(lng, lat);
  stream.lineEnd();
}

/** Collects the paths that a stream of d3-geo ends in. */
class PathSink implements GeoStream {
  readonly #kind: PathGeometry["kind"];
  readonly #xy: number[] = [];
  readonly #paths = [0];
  readonly #features = [0];
  /** Where the current line ends on the plane, null if beyond it; lines that end elsewhere are marked as cut. */
  endsAt: readonly [x: number, y: number] | null | undefined;

  constructor(kind: PathGeometry["kind"]) {
    this.#kind = kind;
  }

  polygonStart(): void {}
  polygonEnd(): void {}
  lineStart(): void {}

  point(x: number, y: number): void {
    this.#xy.push(x / PLANE_PX, y / PLANE_PX);
  }

  lineEnd(): void {
    const start = this.#paths.at(-1)!;
    const least = this.#kind === "line" ? 2 : 3;
    if (this.#xy.length / 2 - start < least) this.#xy.length = 2 * start;
    else this.#endPath();
  }

  #endPath(): void {
    this.#paths.push(this.#xy.length / 2);
    if (this.endsAt === undefined) return;
    const [x, y] = this.#xy.slice(-2) as [number, number];
    const [endX, endY] = this.endsAt ?? [NaN, NaN];
    if (Math.hypot(x * PLANE_PX - endX, y * PLANE_PX - endY) < SAME_PX) return;
    this.#xy.push(x, y, x, y);
    this.#paths.push(this.#xy.length / 2);
  }

  /** Returns false for a feature without paths, which is left out. */
  endFeature(): boolean {
    if (this.#features.at(-1) === this.#paths.length - 1) return false;
    this.#features.push(this.#paths.length - 1);
    return true;
  }

  geometry(): PathGeometry {
    return {
      kind: this.#kind,
      xy: Float64Array.from(this.#xy),
      paths: Uint32Array.from(this.#paths),
      features: Uint32Array.from(this.#features),
    };
  }
}
