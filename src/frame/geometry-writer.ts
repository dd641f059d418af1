import type { Geometry } from "wkx";
import { InvalidArgumentError } from "../errors";
import { SRID_LNGLAT } from "../geo";
import { isEwkb, readEwkbHead, withSrid } from "./ewkb";
import type { Pace } from "./pace";
import { encodeShape, ShapeError, shapeOf } from "./shape";
import { parseWkt } from "./wkt";

const HEX = /^(?:[0-9a-f]{2})+$/i;
/** byte order, type, count */
const MIN_EWKB_BYTES = 9;

/** EWKB as bytes or as hexadecimal text, each with its SRID in it. */
export interface EncodedGeometries {
  readonly values: (Uint8Array | string | null)[];
  /** null where the values have different ones. */
  readonly srid: number | null;
  /** Whether no geometry has Z or M, which `geometry(Geometry, srid)` would refuse. */
  readonly flat: boolean;
}

/**
 * Geometries of any kind a user may have: wkx, WKT, EWKT, GeoJSON (geometry or Feature, as object or text), EWKB
 * and WKB as bytes or hexadecimal text. An SRID that is missing is 4326; null, undefined, NaN and "" are NULL.
 * @throws InvalidArgumentError naming the row of a value that is no geometry, or of a second SRID.
 */
export async function encodeGeometries(
  source: readonly unknown[],
  column: string,
  pace: Pace,
  { mixedSrids = false /* whether several SRIDs may stand in one column */ } = {},
): Promise<EncodedGeometries> {
  const values: (Uint8Array | string | null)[] = [];
  let srid: number | null | undefined;
  let flat = true;
  for (const [row, value] of source.entries()) {
    if (row % 512 === 0 && pace.due()) await pace.pause();
    const encoded = encodeOne(value, column, row);
    values.push(encoded?.bytes ?? null);
    if (encoded === null) continue;
    flat &&= encoded.flat;
    if (srid === undefined) srid = encoded.srid;
    else if (srid !== null && srid !== encoded.srid) {
      if (!mixedSrids) throw secondSrid(column, row, srid, encoded.srid);
      srid = null;
    }
  }
  return { values, srid: srid === undefined ? SRID_LNGLAT : srid, flat };
}

interface Encoded {
  readonly bytes: Uint8Array | string;
  readonly srid: number;
  readonly flat: boolean;
}

function encodeOne(value: unknown, column: string, row: number): Encoded | null {
  if (value === null || value === undefined || value === "" || Number.isNaN(value)) return null;
  try {
    if (typeof value === "string") return encodeText(value.trim());
    if (value instanceof Uint8Array) return encodeBytes(value, value);
    if (isGeometry(value)) return encodeWkx(value);
    if (typeof value === "object") return encodeGeoJson(value);
  } catch (cause) {
    throw notAGeometry(value, column, row, cause);
  }
  throw notAGeometry(value, column, row, new ShapeError(`found a ${typeof value}`));
}

function encodeText(text: string): Encoded | null {
  if (text.startsWith("{")) return encodeGeoJson(JSON.parse(text));
  if (HEX.test(text)) return encodeHex(text);
  const { shape, dimensions, srid } = parseWkt(text);
  const { hasZ, hasM } = dimensions;
  const known = srid || SRID_LNGLAT; // 0 is PostGIS's "unknown"
  return { bytes: encodeShape(shape, known, dimensions), srid: known, flat: !hasZ && !hasM };
}

const scratch = { bytes: Buffer.alloc(0), view: new DataView(new ArrayBuffer(0)) };

/** Checks hexadecimal EWKB without keeping bytes of it; a million of them are common. */
function encodeHex(hex: string): Encoded {
  const size = hex.length / 2;
  if (size > scratch.bytes.length) {
    scratch.bytes = Buffer.allocUnsafeSlow(size * 2);
    scratch.view = new DataView(scratch.bytes.buffer);
  }
  scratch.bytes.write(hex, "hex");
  const encoded = encodeBytes(scratch.bytes.subarray(0, size), hex);
  return encoded.bytes === scratch.bytes ? { ...encoded, bytes: hex } : encoded;
}

/** `original` is kept where the bytes have their SRID already. */
function encodeBytes(bytes: Uint8Array, original: Uint8Array | string): Encoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = readEwkbHead(view, 0, bytes.byteLength);
  if (head === null || !isEwkb(view, 0, bytes.byteLength))
    throw new ShapeError("the bytes are not EWKB or WKB");
  const flat = head.dims === 2;
  if (head.srid) return { bytes: original, srid: head.srid, flat };
  return { bytes: withSrid(bytes, SRID_LNGLAT), srid: SRID_LNGLAT, flat };
}

function encodeWkx(geometry: Geometry): Encoded {
  const wkb = geometry.toWkb();
  const { bytes, flat } = encodeBytes(wkb, wkb);
  const srid = geometry.srid || SRID_LNGLAT;
  return { bytes: withSrid(bytes as Uint8Array, srid), srid, flat };
}

function encodeGeoJson(value: unknown): Encoded | null {
  const { type, geometry } = (value ?? {}) as Record<string, unknown>;
  if (type === "Feature") return geometry === null ? null : encodeGeoJson(geometry);
  const bytes = encodeShape(shapeOf(value), SRID_LNGLAT);
  return encodeBytes(bytes, bytes);
}

/** A wkx geometry, from whichever copy of wkx. */
export function isGeometry(value: unknown): value is Geometry {
  return (
    typeof value === "object" && value !== null && typeof (value as { toWkb?: unknown }).toWkb === "function"
  );
}

/** Whether a text is EWKB in hexadecimal: no other text passes by chance, as lengths and counts must agree. */
export function isHexEwkb(text: string): boolean {
  if (text.length < MIN_EWKB_BYTES * 2 || !text.startsWith("0") || !HEX.test(text)) return false;
  const bytes = Buffer.from(text, "hex");
  return isEwkb(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength);
}

function notAGeometry(value: unknown, column: string, row: number, cause: unknown): InvalidArgumentError {
  const shown = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return new InvalidArgumentError(
    `Column "${column}", row ${row} (counted from 0): ${JSON.stringify(shown.slice(0, 60))} is not a geometry ` +
      `(${(cause as Error).message}). Geometries are wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.`,
    { cause },
  );
}

function secondSrid(column: string, row: number, first: number, other: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `Column "${column}", row ${row} (counted from 0) has SRID ${other}, the rows before have ${first}. ` +
      "A geometry column needs one SRID; write the rows of each SRID as a table of their own.",
  );
}
