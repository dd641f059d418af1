import { rm } from "node:fs/promises";
import { normalizeColumnNames } from "../../../frame/names";
import { SRID_LNGLAT } from "../../../geo";
import { areDegrees } from "../../../geometry/degrees";
import { ident } from "../../../sql";
import type { Engine } from "../../engine/engine";
import { CARTO_COLUMNS, checkColumnCount } from "../analyse";
import { crsOfSrid } from "../crs";
import { cartodbfy, createTable, loadFailure } from "../load";
import type { LoadedContent } from "../table-source";
import { copyText, GeometryCheck } from "./copy-text";
import { isKey, type Layer } from "./layer";

interface Column {
  readonly name: string;
  /** Name in the file. */
  readonly from: string;
  readonly type: string;
  /** True for columns of each CARTO table: `cartodb_id` and `the_geom`. */
  readonly isOurs: boolean;
}

interface LoadOptions {
  /** Path of GDAL's output, without extension. */
  readonly path: string;
  readonly layer: Layer;
  /** Coordinate system of the layer, instead of its own. */
  readonly srid?: number;
  readonly signal: AbortSignal;
}

/**
 * Loads the text that GDAL has written for a layer into a new table, and removes the text. Makes it a CARTO table, or
 * returns null if it has no rows.
 * @throws ImportFailure 2001, 2007, 2011, 2014, 3008, 3201
 */
export async function loadLayer(
  engine: Engine,
  table: string,
  { path, layer, srid, signal }: LoadOptions,
): Promise<LoadedContent | null> {
  const columns = columnsOf(layer); // in the order of GDAL's text
  const id = columns.find(({ name, isOurs }) => isOurs && name === "cartodb_id") ?? null;
  const others = columns.filter(({ isOurs }) => !isOurs);
  checkColumnCount(others.length);
  try {
    await engine.query(createTable(table, { id, columns: others, geometry: null }), { signal });
    const copy = `COPY ${ident(table)} (${columns.map(({ name }) => ident(name)).join(", ")}) FROM STDIN`;
    const check = srid === undefined && !areInRange(layer) ? new GeometryCheck() : undefined;
    const { rows } = await engine.copyIn(copy, copyText(path, layer, check), { signal });
    if (rows === 0) return null;
    await cartodbfy(engine, table, signal);
    const renamed = others.filter(({ from, name }) => from !== name);
    return {
      rows,
      renamed: renamed.map(({ from, name }) => ({ from, to: name })),
      crs: crsOf(layer, srid),
      unread: check?.unread() ?? [],
    };
  } catch (error) {
    throw loadFailure(error);
  } finally {
    for (const extension of ["sql", "fgb"]) await rm(`${path}.${extension}`, { force: true });
  }
}

function crsOf({ geometries: [geometry] }: Layer, srid: number | undefined): LoadedContent["crs"] {
  if (geometry === undefined) return null;
  if (srid !== undefined) return crsOfSrid(srid);
  return geometry.crs
    ? { ...geometry.crs, is_assumed: false }
    : { ...crsOfSrid(SRID_LNGLAT), is_assumed: true };
}

/** True if no coordinate without a coordinate system can be out of the range of degrees. */
function areInRange({ geometries }: Layer): boolean {
  return geometries.every(({ crs, extent }) => {
    if (crs !== null || extent === null) return true;
    const [minX, minY, maxX, maxY] = extent;
    return areDegrees([
      [minX, minY],
      [maxX, maxY],
    ]);
  });
}

/** A field `cartodb_id`, or otherwise the ids of the features, become the key of the table. */
function columnsOf({ fields, geometries, hasIds }: Layer): Column[] {
  const columns = [
    ...(hasIds ? [{ name: "cartodb_id", type: "bigint", isOurs: true }] : []),
    ...geometries.map(({ name }, i) =>
      i === 0
        ? { name: "the_geom", type: "geometry(Geometry,4326)", isOurs: true }
        : { name: name || "geometry", type: "geometry(Geometry,4326)", isOurs: false },
    ),
    ...fields.map((field) => ({ ...field, isOurs: !hasIds && isKey(field) })),
  ];
  const headers = columns
    .filter(({ isOurs }) => !isOurs)
    .map(({ name }, i) => name.trim() || `field_${i + 1}`);
  const names = normalizeColumnNames(headers, CARTO_COLUMNS);
  return columns.map(({ name, type, isOurs }) => ({
    name: isOurs ? name.toLowerCase() : (names.shift() ?? ""),
    from: name,
    type,
    isOurs,
  }));
}
