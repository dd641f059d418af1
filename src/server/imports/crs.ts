/** What an import reports about the coordinate system of a file. */
import { SRID_LNGLAT } from "../../geo";
import { sridOfCrsName } from "../../geometry/crs";
import { isAssumed, type Plan } from "./analyse";
import type { LoadedContent, TableSource } from "./table-source";

type FileCrs = NonNullable<LoadedContent["crs"]>;

export const crsOfSrid = (srid: number): FileCrs => ({ srid, name: `EPSG:${srid}`, is_assumed: false });

/** @param definition coordinate system as PROJ reads it: a name such as `EPSG:27700`, PROJJSON or WKT */
export function crsOfDefinition(definition: string): FileCrs {
  const srid = sridOfCrsName(definition);
  if (srid !== undefined) return { srid, name: definition, is_assumed: false };
  if (!definition.startsWith("{")) return crsOfWkt(definition);
  const { name } = JSON.parse(definition) as { name?: unknown };
  return { srid: null, name: String(name ?? ""), is_assumed: false };
}

/** Returns null for a table without geometries. */
export function crsOf(source: TableSource, { geometry }: Plan, srid: number | undefined): FileCrs | null {
  if (geometry === null) return null;
  const projection = source.projection ?? srid ?? SRID_LNGLAT;
  const crs = typeof projection === "number" ? crsOfSrid(projection) : crsOfWkt(projection);
  return { ...crs, is_assumed: isAssumed(source) };
}

/** Reads the name and the code of the whole system: the last one of an EPSG authority, in WKT 1 or 2. */
function crsOfWkt(wkt: string): FileCrs {
  const name = /^\w+\s*\[\s*"([^"]*)"/.exec(wkt)?.[1] ?? "";
  const code = /(?:AUTHORITY|ID)\s*\[\s*"EPSG"\s*,\s*"?(\d+)"?\s*\]\s*\]\s*$/i.exec(wkt)?.[1];
  return { srid: code === undefined ? null : Number(code), name, is_assumed: false };
}
