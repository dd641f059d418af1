import type { Unread } from "../../../api/schemas/imports";
import { normalizeColumnNames } from "../../../frame/names";
import { ident } from "../../../sql";
import type { Engine } from "../../engine/engine";
import { CARTO_COLUMNS, checkColumnCount } from "../analyse";
import { cartodbfy, checkProjection, createTable, loadFailure, transform } from "../load";
import type { LoadedContent } from "../table-source";
import { type Field, isKey } from "./layer";

interface Column {
  readonly name: string;
  /** Name in the file. */
  readonly from: string;
  readonly type: string;
  /** True for columns of each CARTO table: `cartodb_id` and `the_geom`. */
  readonly isOurs: boolean;
  /** Coordinate system as PROJ reads it, from which geometries are transformed. */
  readonly projection?: string | null;
}

/** What a layer holds, in the order of its text: the id if `hasIds`, the geometries, the fields. */
interface Content {
  readonly hasIds: boolean;
  readonly geometries: readonly Pick<Column, "name" | "projection">[];
  readonly fields: readonly Field[];
}

/**
 * Loads rows into a new table. Makes it a CARTO table, or returns null if there are no rows. After a failure the table may
 * exist, and the caller drops it.
 * @param rows text in the format of COPY
 * @param isMixed converts lines and polygons to MULTI geometries
 * @throws ImportFailure 2001, 2007, 2011, 2014, 3008, 3201
 */
export async function loadLayer(
  engine: Engine,
  table: string,
  {
    layer,
    rows: text,
    isMixed = false,
    signal,
  }: { layer: Content; rows: AsyncIterable<Uint8Array>; isMixed?: boolean; signal: AbortSignal },
): Promise<Pick<LoadedContent, "rows" | "renamed" | "unread"> | null> {
  const columns = columnsOf(layer); // in the order of GDAL's text
  const id = columns.find(({ name, isOurs }) => isOurs && name === "cartodb_id") ?? null;
  const others = columns.filter(({ isOurs }) => !isOurs);
  checkColumnCount(others.length);
  try {
    const projected = columns.filter(({ projection }) => projection);
    for (const { projection } of projected) await checkProjection(engine, projection!, signal); // of the filter
    const isReady = columns.find(({ name }) => name === "the_geom")?.projection == null;
    const plan = { id, columns: others, geometry: { ready: isReady } };
    await engine.query(createTable(table, plan), { signal });
    const copy = `COPY ${ident(table)} (${columns.map(({ name }) => ident(name)).join(", ")}) FROM STDIN`;
    const { rows } = await engine.copyIn(copy, text, { signal });
    if (rows === 0) return null;
    const unread: Unread[] = [];
    for (const { name, projection } of projected)
      unread.push(...(await transform({ engine, table, signal }, projection!, name)));
    if (isMixed) await engine.query(multi(table), { signal });
    await cartodbfy(engine, table, signal);
    const renamed = others.filter(({ from, name }) => from !== name);
    return { rows, renamed: renamed.map(({ from, name }) => ({ from, to: name })), unread };
  } catch (error) {
    throw loadFailure(error);
  }
}

const multi = (table: string) => `UPDATE ${ident(table)} SET the_geom = ST_Multi(the_geom)
  WHERE GeometryType(the_geom) IN ('LINESTRING', 'POLYGON')`;

/** A field `cartodb_id`, or otherwise the ids of the features, become the key of the table. */
function columnsOf({ fields, geometries, hasIds }: Content): Column[] {
  const columns = [
    ...(hasIds ? [{ name: "cartodb_id", type: "bigint", isOurs: true, projection: null }] : []),
    ...geometries.map(({ name, projection }, i) => ({
      name: i === 0 ? "the_geom" : name || "geometry",
      type: projection ? "geometry" : "geometry(Geometry,4326)",
      isOurs: i === 0,
      projection,
    })),
    ...fields.map((field) => ({ ...field, isOurs: !hasIds && isKey(field), projection: null })),
  ];
  const headers = columns
    .filter(({ isOurs }) => !isOurs)
    .map(({ name }, i) => name.trim() || `field_${i + 1}`);
  const names = normalizeColumnNames(headers, CARTO_COLUMNS);
  return columns.map(({ name, type, isOurs, ...rest }) => ({
    ...rest,
    name: isOurs ? name.toLowerCase() : (names.shift() ?? ""),
    from: name,
    type,
    isOurs,
  }));
}
