/**
 * The structure of (E)WKB without its coordinates, as PostGIS writes it:
 * https://github.com/postgis/postgis/blob/master/doc/ZMSgeoms.txt
 */

const FLAG_Z = 0x80000000;
const FLAG_M = 0x40000000;
const FLAG_SRID = 0x20000000;
/** byte order, type */
const HEAD_BYTES = 5;
const SRID_BYTES = 4;
/** PostGIS refuses deeper nesting too (LW_PARSER_MAX_DEPTH). */
const MAX_DEPTH = 200;

/** How the part after the head is built, by WKB type code. */
const LAYOUT: readonly ("point" | "points" | "rings" | "parts" | undefined)[] = [
  undefined,
  "point", // Point
  "points", // LineString
  "rings", // Polygon
  "parts", // MultiPoint
  "parts", // MultiLineString
  "parts", // MultiPolygon
  "parts", // GeometryCollection
  "points", // CircularString
  "parts", // CompoundCurve
  "parts", // CurvePolygon
  "parts", // MultiCurve
  "parts", // MultiSurface
  undefined,
  undefined,
  "parts", // PolyhedralSurface
  "parts", // Tin
  "rings", // Triangle
];

export interface EwkbHead {
  readonly littleEndian: boolean;
  /** WKB type code without dimension and SRID flags: 1 is a point. */
  readonly code: number;
  readonly dims: 2 | 3 | 4;
  /** null where the bytes carry none. */
  readonly srid: number | null;
  /** Where the coordinates or the count of parts begin. */
  readonly body: number;
}

/** Reads the head at `at`, or null if no geometry of a known type begins there. */
export function readEwkbHead(view: DataView, at: number, end: number): EwkbHead | null {
  if (end - at < HEAD_BYTES) return null;
  const order = view.getUint8(at);
  if (order > 1) return null;
  const littleEndian = order === 1;
  const type = view.getUint32(at + 1, littleEndian);
  const plain = type & 0x1fffffff;
  const iso = Math.floor(plain / 1000); // 1 Z, 2 M, 3 ZM
  const code = plain % 1000;
  if (iso > 3 || LAYOUT[code] === undefined) return null;
  const hasZ = (type & FLAG_Z) !== 0 || iso === 1 || iso === 3;
  const hasM = (type & FLAG_M) !== 0 || iso >= 2;
  const dims = (2 + Number(hasZ) + Number(hasM)) as 2 | 3 | 4;
  if ((type & FLAG_SRID) === 0) return { littleEndian, code, dims, srid: null, body: at + HEAD_BYTES };
  const body = at + HEAD_BYTES + SRID_BYTES;
  return body > end
    ? null
    : { littleEndian, code, dims, srid: view.getInt32(at + HEAD_BYTES, littleEndian), body };
}

/** Whether exactly the bytes from `at` to `end` are one geometry. Coordinates are not looked at. */
export function isEwkb(view: DataView, at: number, end: number): boolean {
  return skipGeometry(view, at, end, 0) === end;
}

/** Where the geometry at `at` ends, or -1 if it is none or does not end before `end`. */
function skipGeometry(view: DataView, at: number, end: number, depth: number): number {
  const head = depth > MAX_DEPTH ? null : readEwkbHead(view, at, end);
  if (head === null) return -1;
  const pointBytes = head.dims * 8;
  if (LAYOUT[head.code] === "point") return within(head.body + pointBytes, end);
  if (head.body + 4 > end) return -1;
  const count = view.getUint32(head.body, head.littleEndian);
  const first = head.body + 4;
  switch (LAYOUT[head.code]) {
    case "points":
      return within(first + count * pointBytes, end);
    case "rings":
      return skipRings(view, first, end, head, count);
    default:
      return skipParts(view, first, end, count, depth);
  }
}

function skipRings(view: DataView, first: number, end: number, head: EwkbHead, count: number): number {
  let at = first;
  for (let ring = 0; ring < count; ring++) {
    if (at + 4 > end) return -1;
    at += 4 + view.getUint32(at, head.littleEndian) * head.dims * 8;
  }
  return within(at, end);
}

function skipParts(view: DataView, first: number, end: number, count: number, depth: number): number {
  let at = first;
  for (let part = 0; part < count && at !== -1; part++) at = skipGeometry(view, at, end, depth + 1);
  return at;
}

const within = (at: number, end: number) => (at <= end ? at : -1);

/** The same geometry with this SRID in its head. */
export function withSrid(bytes: Uint8Array, srid: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint8(0) === 1;
  const type = view.getUint32(1, littleEndian);
  const had = (type & FLAG_SRID) !== 0;
  const body = bytes.subarray(had ? HEAD_BYTES + SRID_BYTES : HEAD_BYTES);
  const out = new Uint8Array(HEAD_BYTES + SRID_BYTES + body.byteLength);
  const outView = new DataView(out.buffer);
  outView.setUint8(0, littleEndian ? 1 : 0);
  outView.setUint32(1, (type | FLAG_SRID) >>> 0, littleEndian);
  outView.setInt32(HEAD_BYTES, srid, littleEndian);
  out.set(body, HEAD_BYTES + SRID_BYTES);
  return out;
}
