import type { Unread } from "../../api/schemas/imports";
import { ident, literal } from "../../sql";
import { DatabaseError, type Engine } from "../engine/engine";
import { asFailure, ImportFailure } from "./errors";
import { withoutOutside } from "./outside";
import type { TablePlan } from "./reader/protocol";

/**
 * Loads rows in the text format of COPY into a new table and makes it a CARTO table. Returns the geometries that cannot be
 * transformed, which are NULL. After a failure the table may exist, and the caller drops it.
 * @throws ImportFailure
 */
export async function loadTable(
  engine: Engine,
  table: string,
  plan: TablePlan,
  rows: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Unread[]> {
  try {
    const projected = typeof plan.geometry?.projection === "string" ? plan.geometry.projection : null;
    if (projected !== null) await checkProjection(engine, projected, signal);
    await engine.query(createTable(table, plan), { signal });
    await copyRows(engine, table, plan, rows, signal);
    const target = { engine, table, signal };
    const outside = projected === null ? [] : await transform(target, projected);
    if (plan.geometry?.mayBeInvalid) await engine.query(repair(table), { signal });
    return [...outside, ...(await withoutOutside(target, () => cartodbfy(engine, table, signal)))];
  } catch (error) {
    throw loadFailure(error);
  }
}

export async function cartodbfy(engine: Engine, table: string, signal: AbortSignal): Promise<void> {
  await engine.query(`SELECT CDB_CartodbfyTable(${literal(ident(table))}::regclass)`, { signal });
}

/**
 * Returns the statement that creates the table. If the geometries are ready, the table has CARTO's columns from the start,
 * and `the_geom_webmercator` is generated while rows arrive, so that the table need not be rewritten.
 */
export function createTable(
  table: string,
  { id, columns, geometry }: Pick<TablePlan, "id" | "columns" | "geometry">,
): string {
  const definitions = columns.map(({ name, type }) => `${ident(name)} ${type}`);
  const key = id === null ? "cartodb_id bigserial" : `cartodb_id ${id.type}`;
  const geometries =
    geometry === null || geometry.ready
      ? [
          "the_geom geometry(Geometry,4326)",
          "the_geom_webmercator geometry(Geometry,3857) GENERATED ALWAYS AS (CDB_TransformToWebmercator(the_geom)) STORED",
        ]
      : ["the_geom geometry"];
  return `CREATE TABLE ${ident(table)} (${[key, ...geometries, ...definitions].join(", ")})`;
}

async function copyRows(
  engine: Engine,
  table: string,
  plan: TablePlan,
  rows: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const names = [
    ...(plan.id === null ? [] : ["cartodb_id"]),
    ...(plan.geometry === null ? [] : ["the_geom"]),
    ...plan.columns.map(({ name }) => name),
  ];
  if (plan.rowCount === 0 || names.length === 0) return;
  const copy = `COPY ${ident(table)} (${names.map(ident).join(", ")}) FROM STDIN`;
  const loaded = await engine.copyIn(copy, rows, { signal });
  if (loaded.rows === plan.rowCount) return;
  throw new ImportFailure(
    2001,
    `Only ${loaded.rows} of ${plan.rowCount} rows were loaded, because the file changed during the import. Import it again.`,
  );
}

/** Checks before loading that PostGIS understands the coordinate system of a file. */
export async function checkProjection(engine: Engine, wkt: string, signal: AbortSignal): Promise<void> {
  const probe = `SELECT ST_Transform(ST_MakePoint(0, 0), ${literal(wkt)}, 4326)`;
  await engine.query(probe, { signal }).catch((error) => {
    if (signal.aborted) throw error;
    const start = wkt.trim().slice(0, 60);
    throw new ImportFailure(3008, `The coordinate system of the file is unknown: ${start}…`, {
      cause: error,
    });
  });
}

/**
 * Transforms the geometries of a column to degrees. Returns those that cannot be transformed, which are NULL.
 * @param projection coordinate system as PROJ reads it: WKT, PROJJSON or a code such as `EPSG:27700`
 */
export function transform(
  { engine, table, signal }: { engine: Engine; table: string; signal: AbortSignal },
  projection: string,
  column = "the_geom",
): Promise<Unread[]> {
  const statement = transformation(table, projection, column);
  const target = { engine, table, column, projection, signal };
  return withoutOutside(target, () => engine.query(statement, { signal }));
}

function transformation(table: string, projection: string, column: string): string {
  return `ALTER TABLE ${ident(table)} ALTER COLUMN ${ident(column)} TYPE geometry(Geometry,4326)
    USING ST_Transform(ST_SetSRID(${ident(column)}, 0), ${literal(projection)}, 4326)`;
}

function repair(table: string): string {
  return `UPDATE ${ident(table)}
    SET the_geom = ST_Multi(ST_CollectionExtract(ST_WrapX(ST_MakeValid(the_geom), 180, -360), 3))
    WHERE ST_XMax(the_geom) > 180 OR NOT ST_IsValid(the_geom)`;
}

export function loadFailure(error: unknown): ImportFailure {
  if (!(error instanceof DatabaseError)) return asFailure(error, 2001);
  const { code, message, where } = error;
  const options = { cause: error };
  if (/invalid cartodb_id/i.test(message)) {
    return new ImportFailure(
      2011,
      "The column cartodb_id must have a unique whole number in each row. Correct it, or rename or remove the column to have the rows numbered automatically.",
      options,
    );
  }
  if (/SRID/.test(message)) return new ImportFailure(3008, `${message}.`, options);
  if (code === "22021") return new ImportFailure(2007, `${message}.`, options);
  if (code.startsWith("22") && /geometry|transform|proj/i.test(message))
    return new ImportFailure(2014, `${message}.`, options);
  const disk = asFailure(error);
  if (disk.code === 8001) return disk;
  return new ImportFailure(2001, `${[message, where].filter(Boolean).join(", ")}.`, options);
}
