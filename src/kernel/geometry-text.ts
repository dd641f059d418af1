/**
 * A geometry in a few words: `POINT (-3.7038 40.4168)`, `MULTIPOLYGON (12 parts, 3,456 points)`.
 *
 * Reads PostGIS's EWKB and ISO WKB. Only the heads of rings and parts are read, coordinates are stepped
 * over, so a country costs about as much as its number of rings.
 * https://libgeos.org/specifications/wkb/ and postgis/liblwgeom/lwin_wkb.c
 */
import { SRID_LNGLAT } from "../geo";

const EWKB_Z = 0x80000000;
const EWKB_M = 0x40000000;
const EWKB_SRID = 0x20000000;
const EWKB_TYPE = 0x0fffffff;

/** By type code. "line" is a list of points, "rings" a list of such lists, "parts" a list of geometries. */
const TYPES: Readonly<Record<number, readonly [name: string, layout: "point" | "line" | "rings" | "parts"]>> =
  {
    1: ["POINT", "point"],
    2: ["LINESTRING", "line"],
    3: ["POLYGON", "rings"],
    4: ["MULTIPOINT", "parts"],
    5: ["MULTILINESTRING", "parts"],
    6: ["MULTIPOLYGON", "parts"],
    7: ["GEOMETRYCOLLECTION", "parts"],
    8: ["CIRCULARSTRING", "line"],
    9: ["COMPOUNDCURVE", "parts"],
    10: ["CURVEPOLYGON", "parts"],
    11: ["MULTICURVE", "parts"],
    12: ["MULTISURFACE", "parts"],
    15: ["POLYHEDRALSURFACE", "parts"],
    16: ["TIN", "parts"],
    17: ["TRIANGLE", "rings"],
  };

/** Rings and parts looked at before the points are left uncounted; a cell must not take milliseconds. */
const MAX_HEADS = 5000;

interface Summary {
  readonly name: string;
  /** "", "Z", "M" or "ZM". */
  readonly dimensions: string;
  readonly srid?: number;
  readonly points: number;
  readonly parts: number;
  readonly holes: number;
  /** Coordinates of a single point. */
  readonly at?: readonly number[];
}

/** Words for hex EWKB or WKB as PostGIS prints a geometry column; undefined for any other text. */
export function hexGeometryText(hex: string): string | undefined {
  if (hex.length < 18 || hex.length % 2 === 1 || !/^0[01][0-9a-f]{8}/i.test(hex)) return undefined;
  return wkbText((at, n) => Buffer.from(hex.slice(2 * at, 2 * (at + n)), "hex"), hex.length / 2);
}

/** Words for EWKB or WKB bytes; undefined for other bytes. */
export function bytesGeometryText(bytes: Uint8Array): string | undefined {
  if (bytes.length < 9) return undefined;
  return wkbText((at, n) => Buffer.from(bytes.subarray(at, at + n)), bytes.length);
}

/** Words for a geometry object of the package wkx, recognised by its methods; undefined for other objects. */
export function wkxGeometryText(value: object): string | undefined {
  const geometry = value as WkxGeometry;
  if (typeof geometry.toEwkb !== "function" || typeof geometry.toTwkb !== "function") return undefined;
  const { points, parts, holes } = countWkx(geometry);
  const dimensions = `${geometry.hasZ ? "Z" : ""}${geometry.hasM ? "M" : ""}`;
  const name = geometry.constructor.name.toUpperCase();
  const at =
    name === "POINT" && geometry.x !== undefined
      ? [geometry.x, geometry.y, geometry.z, geometry.m].filter((v) => v !== undefined)
      : undefined;
  return inWords({ name, dimensions, srid: geometry.srid, points, parts, holes, at });
}

function inWords({ name, dimensions, srid, points, parts, holes, at }: Summary): string {
  const title = [srid && srid !== SRID_LNGLAT ? `SRID=${srid};` : "", name, dimensions]
    .filter(Boolean)
    .join(" ");
  if (at) return at.every(Number.isNaN) ? `${title} EMPTY` : `${title} (${at.map(rounded).join(" ")})`;
  if (points === 0 && parts === 0) return `${title} EMPTY`;
  const counts = [
    parts > 0 ? count(parts, "part") : "",
    Number.isNaN(points) ? "" : count(points, "point"),
    holes > 0 ? count(holes, "hole") : "",
  ];
  return `${title} (${counts.filter(Boolean).join(", ")})`;
}

const count = (n: number, noun: string) => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;

// 6 decimals of a degree are 11 cm: enough to recognise a place, short enough for a cell.
const rounded = (value: number) => String(Number(value.toFixed(6)));

type Slice = (at: number, bytes: number) => Buffer;

function wkbText(slice: Slice, lengthBytes: number): string | undefined {
  const reader = new WkbReader(slice);
  try {
    const summary = reader.geometry();
    // Every byte accounted for: this is what tells a geometry from a text that happens to start like one.
    const complete = reader.at === lengthBytes || (Number.isNaN(summary.points) && reader.at < lengthBytes);
    return complete ? inWords(summary) : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // not a geometry: the bytes end too early
    throw error;
  }
}

class WkbReader {
  at = 0;
  private heads = 0;

  constructor(private readonly slice: Slice) {}

  geometry(): Summary {
    this.heads++;
    const littleEndian = this.take(1).readUInt8() === 1;
    const type = this.uint32(littleEndian);
    const code = (type & EWKB_TYPE) % 1000;
    const isoDimensions = Math.floor((type & EWKB_TYPE) / 1000); // 1 Z, 2 M, 3 ZM
    const known = TYPES[code];
    if (!known || isoDimensions > 3) throw new RangeError(`WKB type ${type}`);
    const [name, layout] = known;
    const hasZ = (type & EWKB_Z) !== 0 || isoDimensions === 1 || isoDimensions === 3;
    const hasM = (type & EWKB_M) !== 0 || isoDimensions >= 2;
    const srid = type & EWKB_SRID ? this.uint32(littleEndian) : undefined;
    const ordinates = 2 + Number(hasZ) + Number(hasM);
    const head = { name, dimensions: `${hasZ ? "Z" : ""}${hasM ? "M" : ""}`, srid };

    if (layout === "point") {
      const at = Array.from({ length: ordinates }, () => this.float64(littleEndian));
      return { ...head, points: at.every(Number.isNaN) ? 0 : 1, parts: 0, holes: 0, at };
    }
    if (layout === "line") return { ...head, points: this.line(littleEndian, ordinates), parts: 0, holes: 0 };

    const parts = this.uint32(littleEndian);
    if (name === "MULTIPOINT") {
      this.at += parts * (1 + 4 + ordinates * 8);
      return { ...head, points: parts, parts: 0, holes: 0 };
    }
    let points = 0;
    let holes = 0;
    for (let i = 0; i < parts; i++) {
      if (this.heads > MAX_HEADS) return { ...head, points: Number.NaN, parts, holes: 0 };
      if (layout === "rings") {
        this.heads++;
        points += this.line(littleEndian, ordinates);
      } else {
        const part = this.geometry();
        points += part.points;
        holes += part.holes;
      }
    }
    return layout === "rings"
      ? { ...head, points, parts: 0, holes: Math.max(parts - 1, 0) }
      : { ...head, points, parts, holes };
  }

  private line(littleEndian: boolean, ordinates: number): number {
    const points = this.uint32(littleEndian);
    this.at += points * ordinates * 8;
    return points;
  }

  private uint32(littleEndian: boolean): number {
    const bytes = this.take(4);
    return littleEndian ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  private float64(littleEndian: boolean): number {
    const bytes = this.take(8);
    return littleEndian ? bytes.readDoubleLE() : bytes.readDoubleBE();
  }

  /** A slice past the end, or one that is not hex, comes back short; reading it throws a RangeError. */
  private take(bytes: number): Buffer {
    const taken = this.slice(this.at, bytes);
    if (taken.length < bytes) throw new RangeError(`WKB ends at byte ${this.at}`);
    this.at += bytes;
    return taken;
  }
}

/** What wkx's classes have, all in one. */
interface WkxGeometry {
  readonly toEwkb?: unknown;
  readonly toTwkb?: unknown;
  readonly hasZ?: boolean;
  readonly hasM?: boolean;
  readonly srid?: number;
  readonly x?: number;
  readonly y?: number;
  readonly z?: number;
  readonly m?: number;
  readonly points?: readonly unknown[];
  readonly exteriorRing?: readonly unknown[];
  readonly interiorRings?: readonly (readonly unknown[])[];
  readonly lineStrings?: readonly WkxGeometry[];
  readonly polygons?: readonly WkxGeometry[];
  readonly geometries?: readonly WkxGeometry[];
}

function countWkx(geometry: WkxGeometry): { points: number; parts: number; holes: number } {
  const { exteriorRing, interiorRings = [] } = geometry;
  if (geometry.points) return { points: geometry.points.length, parts: 0, holes: 0 };
  if (exteriorRing) {
    const points = interiorRings.reduce((sum, ring) => sum + ring.length, exteriorRing.length);
    return { points, parts: 0, holes: interiorRings.length };
  }
  const parts = geometry.lineStrings ?? geometry.polygons ?? geometry.geometries;
  if (!parts) return { points: geometry.x === undefined ? 0 : 1, parts: 0, holes: 0 };
  const counted = parts.map(countWkx);
  return {
    points: counted.reduce((sum, part) => sum + part.points, 0),
    parts: parts.length,
    holes: counted.reduce((sum, part) => sum + part.holes, 0),
  };
}
