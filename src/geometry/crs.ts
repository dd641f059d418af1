/** Reads the names of coordinate systems, and the `crs` member of GeoJSON before RFC 7946. */
import { SRID_LNGLAT } from "../geo";
import { isObject } from "../values";

/** SRIDs of OGC's coordinate systems, which have longitude before latitude. */
const OGC_SRID: Readonly<Record<string, number>> = { crs84: SRID_LNGLAT, crs83: 4269, crs27: 4267 };

/** A code of EPSG or Esri after the authority, an optional version and any of the separators of names, URNs and URLs. */
const CODE = /\b(?:epsg|esri)(?:\.xml)?(?:[:/#]+v?\d+(?:\.\d+)*)??[:/#\s]+(\d{1,6})\/?$/i;
const OGC = /(?:^|[:/])(crs84|crs83|crs27)h?\/?$|^crs:(84|83|27)$/i;
const WGS84 = /^wgs[ _]?(?:19)?84$/i;

/**
 * Returns the SRID of a coordinate system, or undefined for an unknown name. Accepts `EPSG:27700`, `urn:ogc:def:crs:EPSG::27700`,
 * `urn:ogc:def:crs:EPSG:6.9:4326`, `http://www.opengis.net/def/crs/EPSG/0/27700`,
 * `http://www.opengis.net/gml/srs/epsg.xml#27700`, a code without an authority, and the spellings of CRS84.
 */
export function sridOfCrsName(name: string): number | undefined {
  // Of a compound system, the horizontal part comes first.
  const [text = ""] = name
    .trim()
    .replace(/^urn:ogc:def:crs,/i, "")
    .split(/[,+]/);
  const ogc = OGC.exec(text);
  if (ogc) return OGC_SRID[(ogc[1] ?? `crs${ogc[2]}`).toLowerCase()];
  if (WGS84.test(text)) return SRID_LNGLAT;
  const code = CODE.exec(text)?.[1] ?? /^\d{4,6}$/.exec(text)?.[0];
  return code === undefined ? undefined : Number(code) || undefined;
}

/**
 * Returns the name of the coordinate system in a `crs` member of GeoJSON; null if the member has no value. A code, as in the first
 * drafts of GeoJSON, becomes a name such as `EPSG:27700`; any other value is returned as JSON.
 */
export function crsNameOf(crs: unknown): string | null {
  if (crs === null || crs === undefined) return null;
  if (typeof crs === "string" || typeof crs === "number") return String(crs);
  const { type, properties } = crs as Record<string, unknown>;
  if (!isObject(properties)) return JSON.stringify(crs);
  const { name, code, href } = properties;
  if (typeof name === "string" || typeof name === "number") return String(name);
  if (code !== undefined) return `${String(type)}:${String(code)}`;
  return typeof href === "string" ? href : JSON.stringify(crs);
}

/** Largest code of EPSG. Larger SRIDs are codes of Esri. */
const MAX_EPSG = 32767;

/** Returns the name of a coordinate system as PROJ reads it. */
export const crsNameOfSrid = (srid: number) => `${srid > MAX_EPSG ? "ESRI" : "EPSG"}:${srid}`;

/** The definition of longitude and latitude that `projDefinition` returns for all of its spellings. */
export const LNGLAT = `EPSG:${SRID_LNGLAT}`;

/**
 * Returns the coordinate system in the metadata of GeoParquet, Parquet or GeoArrow as PROJ reads it: a code such as
 * `EPSG:27700`, PROJJSON, or WKT. Null if it is unknown.
 * @param crs PROJJSON as an object or text, WKT, or a name
 */
export function projDefinition(crs: unknown): string | null {
  if (isObject(crs)) {
    const { id, ids, components } = crs as Record<string, unknown>;
    const [first] = Array.isArray(ids) ? ids : [id];
    if (isObject(first)) return projDefinition(`${String(first.authority)}:${String(first.code)}`);
    // Of a compound system, the horizontal part comes first.
    return Array.isArray(components) ? projDefinition(components[0]) : JSON.stringify(crs);
  }
  if (typeof crs !== "string" || crs.trim() === "") return null;
  const text = crs.trim();
  if (text.startsWith("{")) return projDefinition(JSON.parse(text));
  const srid = sridOfCrsName(text.replace(/^srid:/i, "EPSG:"));
  if (srid === undefined) return /^srid:/i.test(text) ? null : text;
  return /^esri:/i.test(text) ? text : `EPSG:${srid}`;
}
