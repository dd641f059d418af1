import { rm } from "node:fs/promises";
import { normalizeColumnNames } from "../../../frame/names";
import { ident } from "../../../sql";
import type { Engine } from "../../engine/engine";
import { CARTO_COLUMNS, checkColumnCount } from "../analyse";
import { cartodbfy, createTable, loadFailure } from "../load";
import type { LoadedContent } from "../table-source";
import { copyText } from "./copy-text";
import { isKey, type Layer } from "./layer";

interface Column {
  readonly name: string;
  /** Name in the file. */
  readonly from: string;
  readonly type: string;
  /** True for columns of each CARTO table: `cartodb_id` and `the_geom`. */
  readonly isOurs: boolean;
}

/**
 * Loads the text that GDAL has written for a layer into a new table, and removes the text. Makes it a CARTO table, or
 * returns null if it has no rows.
 * @param path path of GDAL's output, without extension
 * @throws ImportFailure 2001, 2007, 2011, 2014, 3201
 */
export async function loadLayer(
  engine: Engine,
  table: string,
  { path, layer, signal }: { path: string; layer: Layer; signal: AbortSignal },
): Promise<LoadedContent | null> {
  const columns = columnsOf(layer); // in the order of GDAL's text
  const id = columns.find(({ name, isOurs }) => isOurs && name === "cartodb_id") ?? null;
  const others = columns.filter(({ isOurs }) => !isOurs);
  checkColumnCount(others.length);
  try {
    await engine.query(createTable(table, { id, columns: others, geometry: null }), { signal });
    const copy = `COPY ${ident(table)} (${columns.map(({ name }) => ident(name)).join(", ")}) FROM STDIN`;
    const { rows } = await engine.copyIn(copy, copyText(path, layer), { signal });
    if (rows === 0) return null;
    await cartodbfy(engine, table, signal);
    const renamed = others.filter(({ from, name }) => from !== name);
    return { rows, renamed: renamed.map(({ from, name }) => ({ from, to: name })) };
  } catch (error) {
    throw loadFailure(error);
  } finally {
    for (const extension of ["sql", "fgb"]) await rm(`${path}.${extension}`, { force: true });
  }
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
