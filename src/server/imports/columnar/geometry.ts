/** Writes the geometries of columnar files for `the_geom`: 2D, with MULTI lines and polygons, as in CARTO. */
import { Geometry } from "wkx";
import type { Unread } from "../../../api/schemas/imports";
import { SRID_LNGLAT } from "../../../geo";
import { areDegrees, DegreeCheck } from "../../../geometry/degrees";
import { type EwkbHead, readEwkbHead, viewOf, WKB, walkEwkb } from "../../../geometry/ewkb";
import { type Coordinates, type Shape, ShapeError, type ShapeType, shapeOf } from "../../../geometry/shape";
import { parseWkt } from "../../../geometry/wkt";
import { checkDegrees } from "../analyse";
import { ImportFailure } from "../errors";
import { collectionError, encodeGeometry, GeometryTally, promoted } from "../geometry";
import type { GeometryMeta } from "./file";

/** The encodings of GeoArrow that are arrays of numbers, with their types and the levels of lists above a position. */
const NATIVE: Readonly<Record<string, readonly [type: ShapeType, depth: number]>> = {
  point: ["Point", 0],
  linestring: ["LineString", 1],
  polygon: ["Polygon", 2],
  multipoint: ["MultiPoint", 1],
  multilinestring: ["MultiLineString", 2],
  multipolygon: ["MultiPolygon", 3],
};

/** Geometry as hexadecimal EWKB, and the corners of the box around it, or all of its positions. */
interface Written {
  readonly hex: string;
  readonly coordinates: Coordinates;
}

/** Writes one column. */
export class GeometryColumn {
  readonly name: string;
  readonly #write: (value: never) => Written;
  readonly #degrees: DegreeCheck | null;
  readonly #tally = new GeometryTally();

  /** @throws ImportFailure 2001 for an unknown encoding */
  constructor({ name, encoding, crs }: Pick<GeometryMeta, "encoding" | "crs"> & { readonly name: string }) {
    this.name = name;
    this.#write = writerOf(encoding.toLowerCase());
    this.#degrees = crs === null ? new DegreeCheck() : null; // of an unknown system, degrees are assumed
  }

  /** Returns null for a geometry that is missing or cannot be used. */
  text(value: unknown): string | null {
    const row = this.#tally.nextRow();
    if (value === null || value === undefined) return null;
    try {
      const { hex, coordinates } = this.#write(value as never);
      this.#degrees?.add(coordinates);
      if (this.#degrees && !areDegrees(coordinates)) throw new ShapeError("its coordinates are out of range");
      this.#tally.addUsable();
      return hex;
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const reason = `The geometry of row ${row} cannot be used: ${error.message}.`;
      this.#tally.addFailure(new ImportFailure(2014, reason));
      return null;
    }
  }

  /** @throws ImportFailure 2014 if no geometry can be used, 3008 if most coordinates of an unknown system are not degrees */
  unreadUnlessAll(column: string): Unread[] {
    if (this.#degrees) checkDegrees(this.#degrees);
    return this.#tally.unreadUnlessAll(column);
  }
}

export const isNative = (encoding: string) => encoding in NATIVE;

function writerOf(encoding: string): (value: never) => Written {
  if (encoding === "wkb") return ofWkb;
  if (encoding === "wkt") return (text: string) => ofShape(parseWkt(text).shape);
  const native = NATIVE[encoding];
  if (native === undefined)
    throw new ImportFailure(2001, `The encoding of its geometries, ${JSON.stringify(encoding)}, is unknown.`);
  const [type, depth] = native;
  return (value) => ofShape({ type, coordinates: positions(value, depth), geometries: [] });
}

function ofShape(shape: Shape): Written {
  return encodeGeometry(promoted(shape), SRID_LNGLAT);
}

/** A position of GeoArrow is a list of numbers, or a struct of x and y. An empty point is NaN. */
function positions(value: unknown, depth: number): Coordinates {
  if (depth > 0) return Array.from(value as ArrayLike<unknown>, (part) => positions(part, depth - 1));
  const [x, y] = Array.isArray(value)
    ? (value as [number, number])
    : [(value as { x: number }).x, (value as { y: number }).y];
  return Number.isNaN(x) && Number.isNaN(y) ? [] : [x, y];
}

/** Beginning of hexadecimal EWKB: little endian, the type, a flag for the SRID, and 4326. */
const headOf = (code: number) => `010${code}000020e6100000`;

/** Copies the usual WKB, and takes others apart. */
function ofWkb(bytes: Uint8Array): Written {
  const view = viewOf(bytes);
  const head = readEwkbHead(view, 0, bytes.length);
  if (!head) throw new ShapeError("it is not WKB");
  if (head.code === WKB.collection) throw collectionError();
  const box = new Box();
  const end = walkEwkb(view, 0, bytes.length, box);
  if (box.problem !== undefined) throw new ShapeError(box.problem);
  if (end === -1) throw new ShapeError("its WKB is not complete");
  const { corners: coordinates } = box;
  return { hex: copied(bytes, head) ?? ofShape(parsed(bytes)).hex, coordinates };
}

function copied(bytes: Uint8Array, { code, dims, littleEndian, srid, body }: EwkbHead): string | null {
  if (!littleEndian || dims !== 2 || srid !== null) return null;
  const hex = (from: number) =>
    Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.byteLength - from).toString("hex");
  if (code === WKB.point || code === WKB.multiLineString || code === WKB.multiPolygon)
    return headOf(code) + hex(body);
  if (code === WKB.lineString || code === WKB.polygon) return `${headOf(code + 3)}01000000${hex(0)}`;
  return null;
}

function parsed(bytes: Uint8Array): Shape {
  try {
    return shapeOf((Geometry.parse(Buffer.from(bytes)) as Geometry).toGeoJSON());
  } catch (error) {
    throw new ShapeError((error as Error).message);
  }
}

/** Finds the corners of a geometry, and ends the walk at a line or a ring that PostGIS refuses. */
export class Box {
  problem: string | undefined;
  #code = 0;
  #minX = Infinity;
  #minY = Infinity;
  #maxX = -Infinity;
  #maxY = -Infinity;

  begin(code: number): boolean {
    this.#code = code;
    return this.problem === undefined;
  }

  run(view: DataView, at: number, end: number, stepBytes: number, littleEndian: boolean): void {
    for (let i = at; i < end; i += stepBytes) {
      const x = view.getFloat64(i, littleEndian);
      const y = view.getFloat64(i + 8, littleEndian);
      if (x < this.#minX) this.#minX = x;
      if (x > this.#maxX) this.#maxX = x;
      if (y < this.#minY) this.#minY = y;
      if (y > this.#maxY) this.#maxY = y;
    }
    const count = (end - at) / stepBytes;
    if (this.#code === WKB.lineString && count === 1) this.problem ??= "a line has one point";
    if (this.#code !== WKB.polygon || count === 0) return;
    if (count < 4) this.problem ??= `a ring has ${count} points and needs 4`;
    const last = end - stepBytes;
    const isClosed = [0, 8].every(
      (axis) => view.getFloat64(at + axis, littleEndian) === view.getFloat64(last + axis, littleEndian),
    );
    if (!isClosed) this.problem ??= "a ring does not end where it begins";
  }

  end(): void {}

  get corners(): Coordinates {
    return this.#minX > this.#maxX
      ? []
      : [
          [this.#minX, this.#minY],
          [this.#maxX, this.#maxY],
        ];
  }
}
