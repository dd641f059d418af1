/** Projects EWKB, or longitudes and latitudes, to the scene's world units, without an object per geometry or vertex. */
import { InvalidArgumentError } from "../errors";
import { SRID_LNGLAT, SRID_WEBMERCATOR } from "../geo";
import { type EwkbVisitor, hexDecoder, viewOf, WKB, walkEwkb } from "../geometry/ewkb";
import { boundlessY, clampedY, WORLD_M, worldX } from "../geometry/mercator";
import type { PathGeometry, PointGeometry } from "../render/scene";
import { ident } from "../sql";

export type GeometryKind = "point" | "line" | "polygon";

/** Positions of the rows of a layer. */
export type GeometrySource =
  | {
      readonly kind: "ewkb";
      readonly column: string;
      /** Hexadecimal text or bytes. */
      readonly values: readonly (string | Uint8Array | null)[];
    }
  | {
      readonly kind: "lnglat";
      /** Degrees; NaN where there is no position. */
      readonly lng: Float64Array;
      readonly lat: Float64Array;
    };

export interface ProjectedGeometry {
  readonly geometry: PointGeometry | PathGeometry;
  /** Number of rows with geometry of each kind. Only the most frequent kind is in `geometry`. */
  readonly rowsOf: Readonly<Record<GeometryKind, number>>;
}

const POINT_WITH_SRID = 0x20000001;
/** byte order, type, SRID, x, y */
const PLAIN_POINT_BYTES = 1 + 4 + 4 + 8 + 8;
const KINDS: readonly GeometryKind[] = ["point", "line", "polygon"];

/**
 * Projects the geometry of a layer to Web Mercator without its northern and southern edge: a pole is at ±Infinity. Skips
 * NULL, EMPTY and coordinates that are not finite; ignores Z and M; flattens collections. Wraps points into the world
 * [0, 1). A path with an edge longer than half the world crosses the antimeridian.
 * @throws InvalidArgumentError for curves, and for SRIDs other than 4326 and 3857.
 */
export function projectGeometry(source: GeometrySource): ProjectedGeometry {
  return source.kind === "lnglat" ? projectLngLat(source.lng, source.lat) : projectEwkb(source);
}

/** Moves positions beyond the northern and southern edge of Web Mercator to the edge. */
export function withinMercator(geometry: PointGeometry | PathGeometry): PointGeometry | PathGeometry {
  return geometry.kind === "point"
    ? { ...geometry, y: geometry.y.map(clampedY) }
    : { ...geometry, xy: geometry.xy.map((value, i) => (i % 2 === 0 ? value : clampedY(value))) };
}

/** Returns true for a geometry without points and vertices. */
export function isEmptyGeometry(geometry: PointGeometry | PathGeometry): boolean {
  return (geometry.kind === "point" ? geometry.x : geometry.xy).length === 0;
}

function projectLngLat(lng: Float64Array, lat: Float64Array): ProjectedGeometry {
  const points = new Points(lng.length);
  for (let row = 0; row < lng.length; row++) points.add(worldX(lng[row]!), boundlessY(lat[row]!), row);
  return { geometry: points.finish(lng.length), rowsOf: { point: points.rowCount, line: 0, polygon: 0 } };
}

function projectEwkb({ column, values }: GeometrySource & { kind: "ewkb" }): ProjectedGeometry {
  const reader = new EwkbProjector(column);
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value !== null && value !== undefined) reader.read(value, row);
  }
  const { points, lines, polygons } = reader;
  const rowsOf = { point: points.rowCount, line: lines.rowCount, polygon: polygons.rowCount };
  const kind = KINDS.reduce((most, candidate) => (rowsOf[candidate] > rowsOf[most] ? candidate : most));
  const chosen = { point: points, line: lines, polygon: polygons }[kind];
  return { geometry: chosen.finish(values.length), rowsOf };
}

/** Collects the geometries of a column as points, lines and polygons in world units. */
class EwkbProjector implements EwkbVisitor {
  readonly points = new Points();
  readonly lines = new Paths("line");
  readonly polygons = new Paths("polygon");
  readonly #column: string;
  #isMetres = false;
  #row = 0;
  /** Type of the point, line or polygon whose positions come next. */
  #code = 0;
  /** True inside a MultiLineString or MultiPolygon, whose members are one feature. */
  #isMember = false;
  /** World x of the middle of the polygon's outer ring; null before that ring. */
  #outer: number | null = null;

  constructor(column: string) {
    this.#column = column;
  }

  read(value: string | Uint8Array, row: number): void {
    this.#row = row;
    const isHex = typeof value === "string";
    const size = isHex ? hexDecoder.decode(value) : value.byteLength;
    const view = isHex ? hexDecoder.view : viewOf(value);
    if (isPlainPoint(view, size)) {
      this.points.add(worldX(view.getFloat64(9, true)), boundlessY(view.getFloat64(17, true)), row);
      return;
    }
    this.#isMetres = false;
    if (walkEwkb(view, 0, size, this) === -1) throw this.#damaged();
  }

  begin(code: number, _count: number, srid: number | null): boolean {
    if (srid) this.#setSrid(srid); // 0 is PostGIS's "unknown"
    if (isCurve(code)) throw this.#curved();
    this.#code = code;
    this.#outer = null;
    if (isMultiPath(code)) this.#isMember = true;
    return true;
  }

  run(view: DataView, at: number, end: number, stepBytes: number, littleEndian: boolean): void {
    const code = this.#code;
    if (code === WKB.point || code === WKB.multiPoint) {
      this.#addPoints(view, at, end, stepBytes, littleEndian);
      return;
    }
    const isLine = code === WKB.lineString;
    const paths = isLine ? this.lines : this.polygons;
    if (this.#isMetres) addMetres(paths, view, at, end, stepBytes, littleEndian);
    else addDegrees(paths, view, at, end, stepBytes, littleEndian);
    if (isLine) paths.endPath();
    else this.#outer = paths.endRing(this.#outer);
  }

  end(code: number): void {
    if (isMultiPath(code)) this.#isMember = false;
    if (this.#isMember) return;
    if (code === WKB.lineString || code === WKB.multiLineString) this.lines.endFeature(this.#row);
    else if (code === WKB.polygon || code === WKB.multiPolygon || code === WKB.triangle)
      this.polygons.endFeature(this.#row);
  }

  #addPoints(view: DataView, at: number, end: number, stepBytes: number, littleEndian: boolean): void {
    const isMetres = this.#isMetres;
    const row = this.#row;
    const points = this.points;
    for (; at < end; at += stepBytes) {
      const x = view.getFloat64(at, littleEndian);
      const y = view.getFloat64(at + 8, littleEndian);
      points.add(isMetres ? x / WORLD_M + 0.5 : worldX(x), isMetres ? 0.5 - y / WORLD_M : boundlessY(y), row);
    }
  }

  #setSrid(srid: number): void {
    if (srid !== SRID_LNGLAT && srid !== SRID_WEBMERCATOR) throw this.#otherSrid(srid);
    this.#isMetres = srid === SRID_WEBMERCATOR;
  }

  #damaged(): InvalidArgumentError {
    return new InvalidArgumentError(
      `Column "${this.#column}", row ${this.#row} (counted from 0) is not a geometry: expected EWKB as bytes or hexadecimal text.`,
    );
  }

  #curved(): InvalidArgumentError {
    return new InvalidArgumentError(
      `Column "${this.#column}", row ${this.#row} (counted from 0) is a curve, which a map cannot draw. ` +
        `Use ST_CurveToLine(${ident(this.#column)}) in the query.`,
    );
  }

  #otherSrid(srid: number): InvalidArgumentError {
    return new InvalidArgumentError(
      `Column "${this.#column}", row ${this.#row} (counted from 0) has SRID ${srid}, expected ${SRID_LNGLAT}. ` +
        `Use ST_Transform(${ident(this.#column)}, ${SRID_LNGLAT}) in the query.`,
    );
  }
}

// A function for each unit: one loop with both takes a third longer.

function addDegrees(
  paths: Paths,
  view: DataView,
  at: number,
  end: number,
  stepBytes: number,
  littleEndian: boolean,
): void {
  for (; at < end; at += stepBytes) {
    paths.add(worldX(view.getFloat64(at, littleEndian)), boundlessY(view.getFloat64(at + 8, littleEndian)));
  }
}

function addMetres(
  paths: Paths,
  view: DataView,
  at: number,
  end: number,
  stepBytes: number,
  littleEndian: boolean,
): void {
  for (; at < end; at += stepBytes) {
    const x = view.getFloat64(at, littleEndian);
    const y = view.getFloat64(at + 8, littleEndian);
    paths.add(x / WORLD_M + 0.5, 0.5 - y / WORLD_M);
  }
}

const isCurve = (code: number) => code >= WKB.circularString && code <= WKB.multiSurface;

/** The parts of a Multi are one feature; members of a collection may overlap and are separate features. */
const isMultiPath = (code: number) => code === WKB.multiLineString || code === WKB.multiPolygon;

/** Returns true for a little-endian two-dimensional point in EPSG:4326, as nearly all tables of points contain. */
function isPlainPoint(view: DataView, size: number): boolean {
  return (
    size === PLAIN_POINT_BYTES &&
    view.getUint8(0) === 1 &&
    view.getUint32(1, true) === POINT_WITH_SRID &&
    view.getUint32(5, true) === SRID_LNGLAT
  );
}

/** Ascending row numbers, with gaps and repetitions. */
class Rows {
  #rows: Uint32Array;
  #length = 0;
  /** Number of distinct rows. */
  count = 0;

  constructor(expected = 1024) {
    this.#rows = new Uint32Array(expected);
  }

  add(row: number): void {
    if (this.#length === 0 || this.#rows[this.#length - 1] !== row) this.count++;
    if (this.#length === this.#rows.length) this.#rows = grown(this.#rows);
    this.#rows[this.#length++] = row;
  }

  /** Returns `{ rows }`, or `{}` if entry i is row i and no row is left out. */
  finish(rowCount: number): { rows?: Uint32Array } {
    const isEvery = this.count === rowCount && this.#length === rowCount;
    return isEvery ? {} : { rows: this.#rows.slice(0, this.#length) };
  }
}

class Points {
  #x: Float64Array;
  #y: Float64Array;
  #length = 0;
  readonly #rows: Rows;

  constructor(expected = 1024) {
    this.#x = new Float64Array(expected);
    this.#y = new Float64Array(expected);
    this.#rows = new Rows(expected);
  }

  get rowCount(): number {
    return this.#rows.count;
  }

  add(x: number, y: number, row: number): void {
    if (!Number.isFinite(x) || Number.isNaN(y)) return;
    if (this.#length === this.#x.length) {
      this.#x = grown(this.#x);
      this.#y = grown(this.#y);
    }
    this.#x[this.#length] = x >= 0 && x <= 1 ? x : x - Math.floor(x);
    this.#y[this.#length++] = y;
    this.#rows.add(row);
  }

  finish(rowCount: number): PointGeometry {
    const length = this.#length;
    return {
      kind: "point",
      x: length === this.#x.length ? this.#x : this.#x.slice(0, length),
      y: length === this.#y.length ? this.#y : this.#y.slice(0, length),
      ...this.#rows.finish(rowCount),
    };
  }
}

/** Collects the paths of features, without paths that have too few vertices and features that have no path. */
export class Paths {
  #xy = new Float64Array(1024);
  /** Number of coordinates in `xy`, two per vertex. */
  #length = 0;
  #paths = new Uint32Array(1024);
  #pathCount = 0;
  #features = new Uint32Array(1024);
  #featureCount = 0;
  readonly #rows = new Rows();
  readonly #kind: "line" | "polygon";

  constructor(kind: "line" | "polygon") {
    this.#kind = kind;
  }

  get rowCount(): number {
    return this.#rows.count;
  }

  add(x: number, y: number): void {
    if (!Number.isFinite(x) || Number.isNaN(y)) return;
    if (this.#length + 2 > this.#xy.length) this.#xy = grown(this.#xy);
    this.#xy[this.#length] = x;
    this.#xy[this.#length + 1] = y;
    this.#length += 2;
  }

  endPath(): void {
    const start = this.#paths[this.#pathCount]! * 2;
    if (this.#length - start < 2 * 2) this.#length = start;
    else {
      unroll(this.#xy, start, this.#length);
      shift(this.#xy, start, this.#length, -Math.floor(this.#xy[start]!));
      this.#closePath();
    }
  }

  /** Ends a line that goes on out of the map, and marks its end, see `PathGeometry`. */
  cut(): void {
    const before = this.#pathCount;
    this.endPath();
    if (this.#pathCount === before) return;
    const [x, y] = this.#xy.subarray(this.#length - 2, this.#length) as unknown as [number, number];
    for (let i = 0; i < 2; i++) this.add(x, y);
    this.endPath();
  }

  /**
   * Ends a ring, and moves holes to the copy of the world that contains the outer ring.
   * @param outer world x of the middle of the outer ring; null if this ring is the outer one
   * @returns the middle of the outer ring
   */
  endRing(outer: number | null): number | null {
    const start = this.#paths[this.#pathCount]! * 2;
    const xy = this.#xy;
    const length = this.#length;
    if (length - start < 2 * 3) {
      this.#length = start;
      return outer;
    }
    if (crosses(xy, start, length)) unrollRing(xy, start, length);
    const middle = middleX(xy, start, length);
    const target = outer === null ? middle - Math.floor(middle) : middle + Math.round(outer - middle);
    shift(xy, start, length, Math.round(target - middle));
    this.#closePath();
    return outer ?? target;
  }

  endFeature(row: number): void {
    if (this.#pathCount === this.#features[this.#featureCount]) return;
    if (this.#featureCount + 1 === this.#features.length) this.#features = grown(this.#features);
    this.#features[++this.#featureCount] = this.#pathCount;
    this.#rows.add(row);
  }

  finish(rowCount: number): PathGeometry {
    return {
      kind: this.#kind,
      xy: this.#xy.slice(0, this.#length),
      paths: this.#paths.slice(0, this.#pathCount + 1),
      features: this.#features.slice(0, this.#featureCount + 1),
      ...this.#rows.finish(rowCount),
    };
  }

  #closePath(): void {
    if (this.#pathCount + 1 === this.#paths.length) this.#paths = grown(this.#paths);
    this.#paths[++this.#pathCount] = this.#length / 2;
  }
}

function grown<T extends Float64Array | Uint32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}

/** Returns true if an edge is longer than half the world. */
function crosses(xy: Float64Array, start: number, end: number): boolean {
  for (let i = start + 2; i < end; i += 2) if (Math.abs(xy[i]! - xy[i - 2]!) > 0.5) return true;
  return false;
}

/** Moves each vertex to the copy of the world nearest to the previous vertex. */
function unroll(xy: Float64Array, start: number, end: number): void {
  for (let i = start + 2; i < end; i += 2) {
    const jump = xy[i]! - xy[i - 2]!;
    if (Math.abs(jump) > 0.5) xy[i] = xy[i]! - Math.round(jump);
  }
}

/**
 * Unrolls a ring if the result is an area. Leaves unchanged a ring around a pole, which would not close, and a rectangle
 * as wide as the world, which would become a line.
 */
function unrollRing(xy: Float64Array, start: number, end: number): void {
  const flat = xy.slice(start, end);
  const wasClosed = xy[start] === xy[end - 2];
  unroll(xy, start, end);
  const isClosed = Math.abs(xy[start]! - xy[end - 2]!) < 0.5;
  if ((wasClosed && !isClosed) || widthOf(xy, start, end) === 0) xy.set(flat, start);
}

function widthOf(xy: Float64Array, start: number, end: number): number {
  const [min, max] = extentX(xy, start, end);
  return max - min;
}

function middleX(xy: Float64Array, start: number, end: number): number {
  const [min, max] = extentX(xy, start, end);
  return (min + max) / 2;
}

function extentX(xy: Float64Array, start: number, end: number): [min: number, max: number] {
  let min = Infinity;
  let max = -Infinity;
  for (let i = start; i < end; i += 2) {
    if (xy[i]! < min) min = xy[i]!;
    if (xy[i]! > max) max = xy[i]!;
  }
  return [min, max];
}

function shift(xy: Float64Array, start: number, end: number, by: number): void {
  if (by === 0) return;
  for (let i = start; i < end; i += 2) xy[i] = xy[i]! + by;
}
