/** Encodes geometries for `the_geom` as hexadecimal EWKB: 2D, and single or MULTI as in CARTO. */
import { Geometry } from "wkx";
import type { Unread } from "../../api/schemas/imports";
import { type LatLngColumns, SRID_LNGLAT } from "../../geo";
import { isHexEwkb, readEwkbHead, walkEwkb } from "../../geometry/ewkb";
import {
  type Coordinates,
  encodeShape,
  SHAPE_TYPES,
  type Shape,
  ShapeError,
  type ShapeType,
  shapeOf,
} from "../../geometry/shape";
import { parseWkt } from "../../geometry/wkt";
import { ImportFailure } from "./errors";
import type { Cell } from "./table-source";
import { textOf } from "./types";

/** Names of columns that may hold geometries, in CARTO's order of preference. */
export const GEOMETRY_NAMES = ["geometry", "the_geom", "wkb_geometry", "geom", "geojson", "wkt"];

export interface EncodedGeometry {
  readonly hex: string;
  readonly srid: number;
  readonly type: ShapeType;
  /** False for EWKB with Z or M values, which the database removes. */
  readonly flat: boolean;
  /** The positions, nested as in GeoJSON, or the corners around them. */
  readonly coordinates: Coordinates;
}

/**
 * Encodes the geometry in a cell: WKT, EWKT, GeoJSON, KML, or hexadecimal WKB or EWKB.
 * @param srid coordinate system of texts that do not name one
 * @throws ShapeError if the cell is not a geometry
 * @throws ImportFailure 3201 for a collection
 */
export function geometryOfText(cell: string, srid = SRID_LNGLAT): EncodedGeometry {
  const text = cell.trim();
  if (text.startsWith("{")) return encodeGeometry(shapeOfGeoJson(text), srid);
  if (text.startsWith("<")) return encodeGeometry(shapeOfKml(text), srid);
  if (isHexEwkb(text)) return ofHex(text, srid);
  const { shape, srid: own } = parseWkt(text);
  return encodeGeometry(shape, own || srid);
}

function shapeOfGeoJson(text: string): Shape {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ShapeError("it is not a known geometry format");
  }
  const { type, geometry } = value as Record<string, unknown>;
  return shapeOf(type === "Feature" ? geometry : value);
}

/** Parses a KML `<Point>`, `<LineString>` or `<Polygon>`, without a document or folders around it. */
function shapeOfKml(text: string): Shape {
  const type = /^<(Point|LineString|Polygon)\b/i.exec(text)?.[1]?.toLowerCase();
  const lists = [...text.matchAll(/<coordinates>([^<]*)<\/coordinates>/gi)].map(([, list = ""]) =>
    list
      .trim()
      .split(/\s+/)
      .map((position) => position.split(",").map(Number)),
  );
  const [first] = lists;
  if (type === undefined || first === undefined)
    throw new ShapeError("the KML is not a point, line or polygon");
  if (type === "point") return shapeOf({ type: "Point", coordinates: first[0] });
  if (type === "linestring") return shapeOf({ type: "LineString", coordinates: first });
  return shapeOf({ type: "Polygon", coordinates: lists });
}

const MULTIPOINT_CODE = 4;
const COLLECTION_CODE = 7;

function ofHex(hex: string, defaultSrid: number): EncodedGeometry {
  const bytes = Buffer.from(hex, "hex");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = readEwkbHead(view, 0, bytes.length);
  if (!head) throw new ShapeError("it is not a known geometry format");
  const srid = head.srid || defaultSrid;
  if (head.code === COLLECTION_CODE) throw collectionError();
  if (head.code === MULTIPOINT_CODE || srid !== (head.srid || SRID_LNGLAT)) {
    return encodeGeometry(shapeOf((Geometry.parse(bytes) as Geometry).toGeoJSON()), srid);
  }
  // Without an SRID, the database uses that of the column, 4326.
  const type = SHAPE_TYPES[head.code - 1]!; // `readEwkbHead` accepts no other code
  return { hex, srid, type, flat: head.dims === 2, coordinates: cornersOf(view) };
}

/** Returns the two corners of the box around a geometry. */
function cornersOf(view: DataView): Coordinates {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  walkEwkb(view, 0, view.byteLength, {
    begin: () => true,
    run: (_, start, end, stepBytes, littleEndian) => {
      for (let at = start; at < end; at += stepBytes) {
        for (const axis of [0, 1]) {
          const value = view.getFloat64(at + 8 * axis, littleEndian);
          low[axis] = Math.min(low[axis]!, value); // `!`: both have two axes
          high[axis] = Math.max(high[axis]!, value);
        }
      }
    },
    end: () => {},
  });
  return low[0] === Infinity ? [] : [low, high];
}

/**
 * Encodes the shape in 2D as EWKB. Of a MultiPoint, only the first point is kept.
 * @throws ShapeError for shapes that PostGIS refuses: open rings, lines of one point
 * @throws ImportFailure 3201 for a collection
 */
export function encodeGeometry(shape: Shape, srid: number): EncodedGeometry {
  if (shape.type === "GeometryCollection") throw collectionError();
  const flat = firstPoint({ ...shape, coordinates: flattened(shape.coordinates) });
  checkClosed(flat);
  const bytes = encodeShape(flat, srid, { hasZ: false, hasM: false });
  return {
    hex: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex"),
    srid,
    type: flat.type,
    flat: true,
    coordinates: flat.coordinates,
  };
}

/** Converts lines and polygons to MULTI, so that a table from a vector format has one geometry type. */
export function promoted(shape: Shape): Shape {
  if (shape.type !== "LineString" && shape.type !== "Polygon") return shape;
  return { ...shape, type: `Multi${shape.type}`, coordinates: [shape.coordinates] };
}

function flattened(coordinates: Coordinates): Coordinates {
  if (typeof coordinates[0] === "number")
    return coordinates.length > 2 ? coordinates.slice(0, 2) : coordinates;
  return (coordinates as readonly Coordinates[]).map(flattened);
}

function firstPoint(shape: Shape): Shape {
  if (shape.type !== "MultiPoint") return shape;
  return { ...shape, type: "Point", coordinates: (shape.coordinates[0] as Coordinates | undefined) ?? [] };
}

function checkClosed({ type, coordinates }: Shape): void {
  const lines = coordinates as readonly Coordinates[];
  if (type === "LineString") checkLine(lines);
  else if (type === "MultiLineString")
    lines.forEach((line) => void checkLine(line as readonly Coordinates[]));
  else if (type === "Polygon") lines.forEach((ring) => void checkRing(ring as readonly Coordinates[]));
  else if (type === "MultiPolygon") {
    for (const polygon of lines) {
      for (const ring of polygon) checkRing(ring as readonly Coordinates[]);
    }
  } else if (coordinates.length === 1) throw new ShapeError("a position has one coordinate");
}

function checkLine(line: readonly Coordinates[]): void {
  if (line.length === 1) throw new ShapeError("a line has one point");
}

function checkRing(ring: readonly Coordinates[]): void {
  const [first, last] = [ring[0], ring.at(-1)];
  if (first === undefined || last === undefined) return; // an empty polygon
  if (ring.length < 4) throw new ShapeError(`a ring has ${ring.length} points and needs 4`);
  if (first[0] !== last[0] || first[1] !== last[1])
    throw new ShapeError("a ring does not end where it begins");
}

export function collectionError(): ImportFailure {
  return new ImportFailure(
    3201,
    "A geometry is a GEOMETRYCOLLECTION. Split it into points, lines and polygons, for example with ST_Dump.",
  );
}

/** Returns the point in the columns named like latitude and longitude; null without both, or without numbers in range. */
export function latLngPoint(at: LatLngColumns, values: readonly Cell[]): string | null {
  return at && pointOfTexts(textOf(values[at.lng]), textOf(values[at.lat]));
}

/** Returns the point in two columns of another coordinate system; null without two numbers. */
export function projectedPoint(
  at: LatLngColumns,
  values: readonly Cell[],
  srid: number,
): EncodedGeometry | null {
  if (at === null) return null;
  const texts = [textOf(values[at.lng]), textOf(values[at.lat])];
  if (!texts.every((text) => text !== null && DEGREES.test(text))) return null;
  return encodeGeometry(shapeOf({ type: "Point", coordinates: texts.map((text) => decimal(text!)) }), srid);
}

const POINT_HEAD = "0101000020e6100000"; // little endian, point with SRID, 4326
const scratch = Buffer.alloc(16);

/** Encodes a point from two texts. Returns null if they are not numbers, or out of range. */
export function pointOfTexts(lng: string | null, lat: string | null): string | null {
  const [x, y] = [degrees(lng, 360), degrees(lat, 90)];
  if (x === null || y === null) return null;
  scratch.writeDoubleLE(x > 180 ? x - 360 : x < -180 ? x + 360 : x, 0); // some data count longitudes from 0 to 360
  scratch.writeDoubleLE(y, 8);
  return POINT_HEAD + scratch.toString("hex");
}

/** Accepts decimal commas, which are common in coordinates. */
const DEGREES = /^\s*[+-]?\d+(?:[.,]\d*)?\s*$/;
/** Degrees, minutes and seconds: `40°26'46.5"N`, `40° 26,775' N`, `N 40 26 46`, `-3:42:13`, `40º26′`. */
const SEXAGESIMAL =
  /^\s*([NSEW])?\s*([-+−])?\s*(\d{1,3}(?:[.,]\d+)?)(?:\s*[°º˚d:]\s*|\s+|$)(?:(\d{1,2}(?:[.,]\d+)?)(?:\s*['’′´m:]\s*|\s+|$))?(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:["”″s]|''|’’|′′|´´)?\s*)?([NSEW])?\s*$/iu;

function degrees(text: string | null, limit: number): number | null {
  if (text === null) return null;
  const value = DEGREES.test(text) ? decimal(text) : sexagesimal(text, limit === 90 ? "NS" : "EW");
  return value !== null && Math.abs(value) <= limit ? value : null;
}

const decimal = (text: string) => Number(text.replace(",", "."));

/** @param hemispheres letters of the positive and the negative hemisphere */
function sexagesimal(text: string, hemispheres: string): number | null {
  const [found, before, sign, whole = "", minutes = "0", seconds = "0", after] = SEXAGESIMAL.exec(text) ?? [];
  const letter = (before ?? after)?.toUpperCase();
  if (found === undefined || (before && after) || (letter && !hemispheres.includes(letter))) return null;
  const [m, s] = [decimal(minutes), decimal(seconds)];
  if (m >= 60 || s >= 60 || (sign && letter)) return null;
  const value = decimal(whole) + m / 60 + s / 3600;
  return sign === "-" || sign === "−" || letter === hemispheres[1] ? -value : value;
}

/** Counts the geometries of a column. One that cannot be used is NULL; the import fails only if none can be used. */
export class GeometryTally {
  #row = 0;
  #hasUsable = false;
  #failures = 0;
  #first: { readonly failure: ImportFailure; readonly row: number } | undefined;

  /** Begins the next row, and returns its number, from 1. */
  nextRow(): number {
    return ++this.#row;
  }

  addUsable(): void {
    this.#hasUsable = true;
  }

  addFailure(failure: ImportFailure): void {
    this.#failures++;
    this.#first ??= { failure, row: this.#row };
  }

  /** @throws ImportFailure the first failure, if no geometry can be used */
  unreadUnlessAll(column: string): Unread[] {
    if (!this.#first) return [];
    const { failure, row } = this.#first;
    if (!this.#hasUsable) throw failure;
    return [{ column, count: this.#failures, row, reason: failure.detail }];
  }
}
