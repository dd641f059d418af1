import type { Geometry } from "wkx";
import { InvalidArgumentError } from "../errors";
import { SRID_LNGLAT } from "../geo";
import { hexDecoder, isEwkb, readEwkbHead, viewOf, withSrid } from "../geometry/ewkb";
import { encodeShape, ShapeError, shapeOf } from "../geometry/shape";
import { parseWkt } from "../geometry/wkt";
import type { Pace } from "./pace";

/** EWKB as bytes or as hexadecimal text. Each value contains its SRID. */
export interface EncodedGeometries {
  readonly values: (Uint8Array | string | null)[];
  /** null if the values have different SRIDs. */
  readonly srid: number | null;
  /** True if no geometry has Z or M, which `geometry(Geometry, srid)` would refuse. */
  readonly flat: boolean;
}

/**
 * Encodes geometries of every kind that frames hold: wkx, WKT, EWKT, GeoJSON (geometry or Feature, as object or text),
 * EWKB and WKB as bytes or hexadecimal text. A missing SRID is 4326; null, undefined, NaN and "" are NULL.
 * @throws InvalidArgumentError Naming the row of a value that is not a geometry, or of a second SRID.
 */
export async function encodeGeometries(
  source: readonly unknown[],
  column: string,
  pace: Pace,
  { mixedSrids = false /* allows several SRIDs in one column */ } = {},
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
    if (value instanceof Uint8Array) return encodeBytes(value);
    if (isGeometry(value)) return encodeWkx(value);
    if (typeof value === "object") return encodeGeoJson(value);
  } catch (cause) {
    throw notAGeometry(value, column, row, cause);
  }
  throw notAGeometry(value, column, row, new ShapeError(`found a ${typeof value}`));
}

function encodeText(text: string): Encoded | null {
  if (text.startsWith("{")) return encodeGeoJson(JSON.parse(text));
  if (text.startsWith("0")) return encodeHex(text);
  const { shape, dimensions, srid } = parseWkt(text);
  const { hasZ, hasM } = dimensions;
  const known = srid || SRID_LNGLAT; // 0 is PostGIS's "unknown"
  return { bytes: encodeShape(shape, known, dimensions), srid: known, flat: !hasZ && !hasM };
}

function encodeHex(hex: string): Encoded {
  const size = hexDecoder.decode(hex);
  const { view } = hexDecoder;
  const head = readEwkbHead(view, 0, size);
  if (head === null || !isEwkb(view, 0, size))
    throw new ShapeError("the hexadecimal bytes are not EWKB or WKB");
  if (head.srid) return { bytes: hex, srid: head.srid, flat: head.dims === 2 };
  return encodeBytes(Buffer.from(hex, "hex"));
}

function encodeBytes(bytes: Uint8Array): Encoded {
  const view = viewOf(bytes);
  const head = readEwkbHead(view, 0, bytes.byteLength);
  if (head === null || !isEwkb(view, 0, bytes.byteLength))
    throw new ShapeError("the bytes are not EWKB or WKB");
  const flat = head.dims === 2;
  if (head.srid) return { bytes, srid: head.srid, flat };
  return { bytes: withSrid(bytes, SRID_LNGLAT), srid: SRID_LNGLAT, flat };
}

function encodeWkx(geometry: Geometry): Encoded {
  const srid = geometry.srid || SRID_LNGLAT;
  return encodeBytes(withSrid(geometry.toWkb(), srid));
}

function encodeGeoJson(value: unknown): Encoded | null {
  const { type, geometry } = (value ?? {}) as Record<string, unknown>;
  if (type === "Feature") return geometry === null ? null : encodeGeoJson(geometry);
  return encodeBytes(encodeShape(shapeOf(value), SRID_LNGLAT));
}

/** True for a wkx geometry, from any copy of wkx. */
export function isGeometry(value: unknown): value is Geometry {
  return (
    typeof value === "object" && value !== null && typeof (value as { toWkb?: unknown }).toWkb === "function"
  );
}

function notAGeometry(value: unknown, column: string, row: number, cause: unknown): InvalidArgumentError {
  const text = JSON.stringify(value) ?? String(value);
  return new InvalidArgumentError(
    `Column "${column}", row ${row} (counted from 0): ${text.slice(0, 60)} is not a geometry ` +
      `(${(cause as Error).message}). Pass wkx objects, WKT, GeoJSON, or EWKB as bytes or hexadecimal text.`,
    { cause },
  );
}

function secondSrid(column: string, row: number, first: number, other: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `Column "${column}", row ${row} (counted from 0) has SRID ${other}, but earlier rows have ${first}. ` +
      "A geometry column needs one SRID. Write the rows of each SRID to a separate table.",
  );
}
