/** Geometries in a few words: `POINT (-3.7038 40.4168)`, `MULTIPOLYGON (12 parts, 3,456 points)`. */
import { SRID_LNGLAT } from "../geo";
import { type EwkbVisitor, hexDecoder, readEwkbHead, viewOf, WKB, walkEwkb } from "../geometry/ewkb";

/** Names of geometry types by WKB code. */
const NAMES: readonly (string | undefined)[] = [
  undefined,
  "POINT",
  "LINESTRING",
  "POLYGON",
  "MULTIPOINT",
  "MULTILINESTRING",
  "MULTIPOLYGON",
  "GEOMETRYCOLLECTION",
  "CIRCULARSTRING",
  "COMPOUNDCURVE",
  "CURVEPOLYGON",
  "MULTICURVE",
  "MULTISURFACE",
  undefined,
  undefined,
  "POLYHEDRALSURFACE",
  "TIN",
  "TRIANGLE",
];

/** Maximum number of members to read. The points of larger geometries are not counted, so that a cell stays fast. */
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

/** Describes EWKB or WKB in hexadecimal, as PostGIS prints a geometry column; undefined for any other text. */
export function hexGeometryText(hex: string): string | undefined {
  if (hex.length < 18 || hex.length % 2 === 1 || !/^0[01][0-9a-f]{8}/i.test(hex)) return undefined;
  const size = hexDecoder.decode(hex);
  return size === -1 ? undefined : wkbText(hexDecoder.view, size);
}

/** Describes EWKB or WKB bytes; undefined for other bytes. */
export function bytesGeometryText(bytes: Uint8Array): string | undefined {
  return wkbText(viewOf(bytes), bytes.length);
}

/** Describes a geometry object of the package wkx, recognized by its methods; undefined for other objects. */
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

function wkbText(view: DataView, size: number): string | undefined {
  const head = readEwkbHead(view, 0, size);
  if (head === null) return undefined;
  const counter = new Counter();
  const end = walkEwkb(view, 0, size, counter);
  // Not a geometry unless every byte is accounted for: a text may happen to start like one.
  if (end !== size && !counter.isTooLong) return undefined;
  const { code, hasZ, hasM, srid, dims, body, littleEndian } = head;
  const ordinates = Array.from({ length: dims }, (_, i) => body + 8 * i);
  return inWords({
    name: NAMES[code] ?? "GEOMETRY",
    dimensions: `${hasZ ? "Z" : ""}${hasM ? "M" : ""}`,
    srid: srid ?? undefined,
    points: counter.isTooLong ? Number.NaN : counter.points,
    parts: counter.parts,
    holes: counter.isTooLong ? 0 : counter.holes,
    ...(code === WKB.point && { at: ordinates.map((at) => view.getFloat64(at, littleEndian)) }),
  });
}

/** Counts what a geometry consists of. Only the heads of rings and members are read. */
class Counter implements EwkbVisitor {
  points = 0;
  /** Members of the outermost geometry. Those of a MultiPoint count as points only. */
  parts = 0;
  holes = 0;
  isTooLong = false;
  #heads = 0;
  #isPoint = false;

  begin(code: number, count: number): boolean {
    const isPolygon = code === WKB.polygon || code === WKB.triangle;
    this.#isPoint = code === WKB.point;
    if (isPolygon && count > 1) this.holes += count - 1;
    if (this.#heads === 0 && !isPolygon && !WITHOUT_PARTS.has(code)) this.parts = count;
    this.isTooLong = ++this.#heads > MAX_HEADS;
    return !this.isTooLong;
  }

  run(view: DataView, at: number, end: number, stepBytes: number, littleEndian: boolean): void {
    if (this.#isPoint && Number.isNaN(view.getFloat64(at, littleEndian))) return; // POINT EMPTY
    this.points += Math.ceil((end - at) / stepBytes);
  }

  end(): void {}
}

const WITHOUT_PARTS: ReadonlySet<number> = new Set([
  WKB.point,
  WKB.lineString,
  WKB.multiPoint,
  WKB.circularString,
]);

/** Members of wkx's classes, all in one. */
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
