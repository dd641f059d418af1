/**
 * Reads EWKB, as PostGIS writes it, and ISO WKB, with one walk that all readers share.
 * https://github.com/postgis/postgis/blob/master/doc/ZMSgeoms.txt, https://libgeos.org/specifications/wkb/
 *
 * wkx creates an object per position, which is too slow for frames, maps and cells (bench/geometry.ts). It only creates the
 * geometries that users see as objects.
 */

const FLAG_Z = 0x80000000;
const FLAG_M = 0x40000000;
const FLAG_SRID = 0x20000000;
/** byte order, type */
const HEAD_BYTES = 5;
const SRID_BYTES = 4;
/** PostGIS refuses deeper nesting too (LW_PARSER_MAX_DEPTH). */
const MAX_DEPTH = 200;

/** WKB type codes. */
export const WKB = {
  point: 1,
  lineString: 2,
  polygon: 3,
  multiPoint: 4,
  multiLineString: 5,
  multiPolygon: 6,
  collection: 7,
  circularString: 8,
  multiSurface: 12,
  polyhedralSurface: 15,
  tin: 16,
  triangle: 17,
} as const;

/** Layout of the part after the head, by WKB type code. */
const LAYOUT: readonly ("point" | "line" | "rings" | "members" | undefined)[] = [
  undefined,
  "point", // Point
  "line", // LineString
  "rings", // Polygon
  "members", // MultiPoint
  "members", // MultiLineString
  "members", // MultiPolygon
  "members", // GeometryCollection
  "line", // CircularString
  "members", // CompoundCurve
  "members", // CurvePolygon
  "members", // MultiCurve
  "members", // MultiSurface
  undefined,
  undefined,
  "members", // PolyhedralSurface
  "members", // Tin
  "rings", // Triangle
];

export interface EwkbHead {
  readonly littleEndian: boolean;
  /** WKB type code without dimension and SRID flags. */
  readonly code: number;
  readonly dims: 2 | 3 | 4;
  readonly hasZ: boolean;
  readonly hasM: boolean;
  /** null if the bytes contain no SRID. */
  readonly srid: number | null;
  /** Offset of the coordinates, or of the count of positions, rings or members. */
  readonly body: number;
}

/** Reads the head at `at`; returns null if no geometry of a known type begins there. */
export function readEwkbHead(view: DataView, at: number, end: number): EwkbHead | null {
  if (end - at < HEAD_BYTES) return null;
  const order = view.getUint8(at);
  if (order > 1) return null;
  const littleEndian = order === 1;
  const type = view.getUint32(at + 1, littleEndian);
  const code = codeOf(type);
  const body = at + headBytes(type);
  if (LAYOUT[code] === undefined || body > end) return null;
  const srid = sridOf(view, at, type, littleEndian);
  return { littleEndian, code, dims: dimsOf(type), hasZ: hasZ(type), hasM: hasM(type), srid, body };
}

// Parts of the type word, which has flags in EWKB and thousands in ISO WKB: 1 Z, 2 M, 3 ZM.
const isoDims = (type: number) => ((type & 0x1fffffff) / 1000) | 0;
/** Returns 0, which is not a type, for thousands that ISO WKB does not have. */
const codeOf = (type: number) => ((type & 0x1fffffff) < 4000 ? (type & 0x1fffffff) % 1000 : 0);
const hasZ = (type: number) => (type & FLAG_Z) !== 0 || (isoDims(type) & 1) === 1;
const hasM = (type: number) => (type & FLAG_M) !== 0 || isoDims(type) >= 2;
const dimsOf = (type: number) => (2 + Number(hasZ(type)) + Number(hasM(type))) as 2 | 3 | 4;
const headBytes = (type: number) => HEAD_BYTES + ((type & FLAG_SRID) !== 0 ? SRID_BYTES : 0);
const sridOf = (view: DataView, at: number, type: number, littleEndian: boolean) =>
  (type & FLAG_SRID) !== 0 ? view.getInt32(at + HEAD_BYTES, littleEndian) : null;

/**
 * Receives the parts of a geometry in the order of the bytes. Positions arrive as runs of bytes, because a call per
 * position costs more than reading it.
 */
export interface EwkbVisitor {
  /** Called at the beginning of a geometry with `count` positions, rings or members. Returning false ends the walk. */
  begin(code: number, count: number, srid: number | null): boolean;
  /** Called for a point, line or ring: the first x is at `at`, y 8 bytes later, the next position after `stepBytes`. */
  run(view: DataView, at: number, end: number, stepBytes: number, littleEndian: boolean): void;
  end(code: number): void;
}

/**
 * Walks through the geometry at `at` and returns its end; -1 if it is not complete before `end` or the visitor ended the
 * walk. Without a visitor it only checks lengths and counts.
 */
export function walkEwkb(
  view: DataView,
  at: number,
  end: number,
  visitor: EwkbVisitor | null = null,
  depth = 0,
): number {
  // Repeats readEwkbHead without an object: checking a million points takes a third less time.
  if (depth > MAX_DEPTH || end - at < HEAD_BYTES) return -1;
  const order = view.getUint8(at);
  if (order > 1) return -1;
  const littleEndian = order === 1;
  const type = view.getUint32(at + 1, littleEndian);
  const code = codeOf(type);
  const layout = LAYOUT[code];
  if (layout === undefined) return -1;
  const body = at + headBytes(type);
  if (body > end || (layout !== "point" && body + 4 > end)) return -1;
  const stepBytes = dimsOf(type) * 8;
  const count = layout === "point" ? 1 : view.getUint32(body, littleEndian);
  if (visitor !== null && !visitor.begin(code, count, sridOf(view, at, type, littleEndian))) return -1;
  let next = layout === "point" ? body : body + 4;
  const pointsEnd =
    code === WKB.multiPoint ? endOfEqualPoints(view, next, end, count, stepBytes, littleEndian) : -1;
  if (pointsEnd !== -1) {
    if (visitor !== null)
      visitor.run(view, next + HEAD_BYTES, pointsEnd, HEAD_BYTES + stepBytes, littleEndian);
    next = pointsEnd;
  } else if (layout === "members") {
    for (let member = 0; member < count; member++) {
      next = walkEwkb(view, next, end, visitor, depth + 1);
      if (next === -1) return -1;
    }
  } else if (layout === "rings") {
    for (let ring = 0; ring < count; ring++) {
      if (next + 4 > end) return -1;
      const first = next + 4;
      next = first + view.getUint32(next, littleEndian) * stepBytes;
      if (next > end) return -1;
      if (visitor !== null) visitor.run(view, first, next, stepBytes, littleEndian);
    }
  } else {
    const first = next;
    next += count * stepBytes;
    if (next > end) return -1;
    if (visitor !== null) visitor.run(view, first, next, stepBytes, littleEndian);
  }
  if (visitor !== null) visitor.end(code);
  return next;
}

/** Returns the end of a MultiPoint whose members all have the same head, as PostGIS writes them; otherwise -1. */
function endOfEqualPoints(
  view: DataView,
  first: number,
  end: number,
  count: number,
  stepBytes: number,
  littleEndian: boolean,
): number {
  const pointsEnd = first + count * (HEAD_BYTES + stepBytes);
  if (count === 0 || pointsEnd > end) return -1;
  const head = readEwkbHead(view, first, end);
  if (head?.code !== WKB.point || head.dims * 8 !== stepBytes || head.srid !== null) return -1;
  if (head.littleEndian !== littleEndian) return -1;
  const order = view.getUint8(first);
  const type = view.getUint32(first + 1);
  for (let at = first; at < pointsEnd; at += HEAD_BYTES + stepBytes) {
    if (view.getUint8(at) !== order || view.getUint32(at + 1) !== type) return -1;
  }
  return pointsEnd;
}

/** Returns true if the bytes from `at` to `end` are exactly one geometry, whatever its coordinates. */
export function isEwkb(view: DataView, at: number, end: number): boolean {
  return walkEwkb(view, at, end) === end;
}

/** Returns the geometry with this SRID. */
export function withSrid(bytes: Uint8Array, srid: number): Uint8Array {
  const view = viewOf(bytes);
  const littleEndian = view.getUint8(0) === 1;
  const type = view.getUint32(1, littleEndian);
  const had = (type & FLAG_SRID) !== 0;
  const body = bytes.subarray(had ? HEAD_BYTES + SRID_BYTES : HEAD_BYTES);
  const out = new Uint8Array(HEAD_BYTES + SRID_BYTES + body.byteLength);
  const outView = viewOf(out);
  outView.setUint8(0, littleEndian ? 1 : 0);
  outView.setUint32(1, (type | FLAG_SRID) >>> 0, littleEndian);
  outView.setInt32(HEAD_BYTES, srid, littleEndian);
  out.set(body, HEAD_BYTES + SRID_BYTES);
  return out;
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Decodes hexadecimal strings into memory that it reuses, because columns contain millions of them. */
class HexDecoder {
  #bytes = Buffer.allocUnsafeSlow(1024);
  /** The bytes of the last string, followed by remains of earlier ones. */
  view = viewOf(this.#bytes);

  /** Decodes a string and returns its number of bytes; -1 if it is not hexadecimal. */
  decode(text: string): number {
    const size = text.length / 2;
    if (size > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(size) * 2);
      this.view = viewOf(this.#bytes);
    }
    return this.#bytes.write(text, "hex") === size ? size : -1;
  }
}

/** Shared by all readers, which must not keep the bytes after they return. */
export const hexDecoder = new HexDecoder();

/** Returns true if a string is hexadecimal EWKB. Lengths and counts must agree, so no other string passes by chance. */
export function isHexEwkb(text: string): boolean {
  if (!text.startsWith("0")) return false;
  const size = hexDecoder.decode(text);
  return size !== -1 && isEwkb(hexDecoder.view, 0, size);
}
