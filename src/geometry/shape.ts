/** Reads geometries from GeoJSON, nested as there, and encodes them as EWKB. */

/** GeoJSON's type names in the order of WKB's type codes, which start at 1. */
export const SHAPE_TYPES = [
  "Point",
  "LineString",
  "Polygon",
  "MultiPoint",
  "MultiLineString",
  "MultiPolygon",
  "GeometryCollection",
] as const;
export type ShapeType = (typeof SHAPE_TYPES)[number];

export type Coordinates = readonly (number | Coordinates)[];

export interface Shape {
  readonly type: ShapeType;
  readonly coordinates: Coordinates;
  /** Members of a GeometryCollection; otherwise empty. */
  readonly geometries: readonly Shape[];
}

export interface Dimensions {
  readonly hasZ: boolean;
  readonly hasM: boolean;
}

/** Levels of arrays above a position, which is an array of numbers. */
const DEPTH = {
  Point: 0,
  LineString: 1,
  Polygon: 2,
  MultiPoint: 1,
  MultiLineString: 2,
  MultiPolygon: 3,
} as const;
const MEMBER: Partial<Record<ShapeType, Exclude<ShapeType, "GeometryCollection">>> = {
  MultiPoint: "Point",
  MultiLineString: "LineString",
  MultiPolygon: "Polygon",
};
const FLAG_Z = 0x80000000;
const FLAG_M = 0x40000000;
const FLAG_SRID = 0x20000000;
const MAX_DEPTH = 32;

/** The reason why a value is not a geometry. The caller adds row and column. */
export class ShapeError extends Error {}

/**
 * Reads a GeoJSON geometry.
 * @throws ShapeError if its members do not fit its type.
 */
export function shapeOf(value: unknown, depth = 0): Shape {
  const { type, coordinates, geometries } = (value ?? {}) as Record<string, unknown>;
  if (depth > MAX_DEPTH) throw new ShapeError(`geometry collections are nested deeper than ${MAX_DEPTH}`);
  if (!SHAPE_TYPES.includes(type as ShapeType))
    throw new ShapeError(`"${String(type)}" is not a GeoJSON geometry type`);
  if (type === "GeometryCollection") {
    if (!Array.isArray(geometries)) throw new ShapeError("the GeometryCollection has no array of geometries");
    return { type, coordinates: [], geometries: geometries.map((member) => shapeOf(member, depth + 1)) };
  }
  const shape = type as keyof typeof DEPTH;
  if (!Array.isArray(coordinates)) throw new ShapeError(`the ${shape} has no array of coordinates`);
  checkNesting(coordinates, DEPTH[shape], shape);
  return { type: shape, coordinates: coordinates as Coordinates, geometries: [] };
}

function checkNesting(coordinates: readonly unknown[], depth: number, type: string): void {
  for (const item of coordinates) {
    const fits = depth === 0 ? typeof item === "number" && Number.isFinite(item) : Array.isArray(item);
    if (!fits)
      throw new ShapeError(`the coordinates of the ${type} hold ${JSON.stringify(item) ?? typeof item}`);
    if (depth > 0) checkNesting(item as unknown[], depth - 1, type);
  }
}

/** Returns the dimensions of the first position: 3 numbers include Z, 4 include Z and M. */
export function dimensionsOf({ coordinates, geometries }: Shape): Dimensions {
  const length = firstLength(coordinates) || geometries.map((shape) => shapeLength(shape)).find(Boolean) || 2;
  return { hasZ: length > 2, hasM: length > 3 };
}

const shapeLength = (shape: Shape): number =>
  firstLength(shape.coordinates) || (shape.geometries.map(shapeLength).find(Boolean) ?? 0);

function firstLength(coordinates: Coordinates): number {
  const [first] = coordinates;
  if (typeof first === "number") return coordinates.length;
  for (const item of coordinates) {
    const length = firstLength(item as Coordinates);
    if (length > 0) return length;
  }
  return 0;
}

/**
 * Encodes a shape as little-endian EWKB with its SRID.
 * @throws ShapeError if positions differ in their number of coordinates.
 */
export function encodeShape(shape: Shape, srid: number, dimensions = dimensionsOf(shape)): Uint8Array {
  const sink = new Sink();
  writeShape(sink, shape, dimensions, srid);
  return sink.bytes.subarray(0, sink.at);
}

function writeShape(sink: Sink, shape: Shape, dimensions: Dimensions, srid: number | null): void {
  const { type, coordinates, geometries } = shape;
  const { hasZ, hasM } = dimensions;
  const flags = (hasZ ? FLAG_Z : 0) + (hasM ? FLAG_M : 0) + (srid === null ? 0 : FLAG_SRID);
  sink.byte(1);
  sink.uint32(flags + SHAPE_TYPES.indexOf(type) + 1);
  if (srid !== null) sink.uint32(srid);
  const width = 2 + Number(hasZ) + Number(hasM);
  const member = MEMBER[type];
  if (type === "Point") writePosition(sink, coordinates, width);
  else if (type === "GeometryCollection") {
    sink.uint32(geometries.length);
    for (const geometry of geometries) writeShape(sink, geometry, dimensions, null);
  } else if (member !== undefined) {
    sink.uint32(coordinates.length);
    for (const part of coordinates) {
      writeShape(sink, { type: member, coordinates: part as Coordinates, geometries: [] }, dimensions, null);
    }
  } else writeNested(sink, coordinates, DEPTH[type], width);
}

function writeNested(sink: Sink, coordinates: Coordinates, depth: number, width: number): void {
  sink.uint32(coordinates.length);
  for (const item of coordinates as readonly Coordinates[]) {
    if (depth > 1) writeNested(sink, item, depth - 1, width);
    else if (item.length === 0) throw new ShapeError("a position is empty");
    else writePosition(sink, item, width);
  }
}

/** Writes a position. An empty point is NaN in all coordinates, as in PostGIS. */
function writePosition(sink: Sink, position: Coordinates, width: number): void {
  if (position.length !== width && position.length !== 0) {
    throw new ShapeError(`a position has ${position.length} coordinates, the others have ${width}`);
  }
  for (let axis = 0; axis < width; axis++) sink.double((position[axis] as number | undefined) ?? Number.NaN);
}

class Sink {
  bytes = Buffer.allocUnsafe(64);
  at = 0;

  byte(value: number): void {
    this.#ensure(1);
    this.bytes[this.at++] = value;
  }

  uint32(value: number): void {
    this.#ensure(4);
    this.at = this.bytes.writeUInt32LE(value, this.at);
  }

  double(value: number): void {
    this.#ensure(8);
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  #ensure(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(this.bytes.length * 2);
    this.bytes.copy(grown);
    this.bytes = grown;
  }
}
