import type { Unread } from "../../api/schemas/imports";
import { ident, literal } from "../../sql";
import { DatabaseError, type Engine } from "../engine/engine";
import type { Plan } from "./analyse";
import { asFailure, ImportFailure } from "./errors";
import type { TableSource } from "./table-source";
import { cellWriter } from "./types";

const CHUNK_CHARS = 256 * 1024;

/**
 * Loads the file into a new table and makes it a CARTO table. After a failure the table may exist, and the caller drops
 * it.
 */
export async function loadTable(
  engine: Engine,
  table: string,
  source: TableSource,
  plan: Plan,
  signal: AbortSignal,
): Promise<Unread[]> {
  try {
    const projected = typeof plan.geometry?.projection === "string" ? plan.geometry.projection : null;
    if (projected !== null) await checkProjection(engine, projected, signal);
    await engine.query(createTable(table, plan), { signal });
    const unread = await copyRows(engine, table, source, plan, signal);
    if (projected !== null) await engine.query(transform(table, projected), { signal });
    if (plan.geometry?.mayBeInvalid) await engine.query(repair(table), { signal });
    await cartodbfy(engine, table, signal);
    return unread;
  } catch (error) {
    throw loadFailure(error);
  }
}

export async function cartodbfy(engine: Engine, table: string, signal: AbortSignal): Promise<void> {
  await engine.query(`SELECT CDB_CartodbfyTable(${literal(ident(table))}::regclass)`, { signal });
}

interface TablePlan {
  readonly id: { readonly type: string } | null;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly geometry: { readonly ready: boolean } | null;
}

/**
 * Returns the statement that creates the table. If the geometries are ready, the table has CARTO's columns from the start,
 * and `the_geom_webmercator` is generated while rows arrive, so that the table need not be rewritten.
 */
export function createTable(table: string, { id, columns, geometry }: TablePlan): string {
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

/** Returns the geometries that cannot be used. */
async function copyRows(
  engine: Engine,
  table: string,
  source: TableSource,
  plan: Plan,
  signal: AbortSignal,
): Promise<Unread[]> {
  const names = [
    ...(plan.id === null ? [] : ["cartodb_id"]),
    ...(plan.geometry === null ? [] : ["the_geom"]),
    ...plan.columns.map(({ name }) => name),
  ];
  if (plan.rowCount === 0 || names.length === 0) return [];
  const copy = `COPY ${ident(table)} (${names.map(ident).join(", ")}) FROM STDIN`;
  const geometries = new GeometryTexts();
  const { rows } = await engine.copyIn(copy, copyText(source, plan, geometries), { signal });
  if (geometries.first && !geometries.hasUsable) throw geometries.first.failure;
  if (rows !== plan.rowCount) {
    throw new ImportFailure(
      2001,
      `Only ${rows} of ${plan.rowCount} rows were loaded, because the file changed during the import. Import it again.`,
    );
  }
  return geometries.unread();
}

/** Yields the rows in the text format of COPY. */
async function* copyText(source: TableSource, plan: Plan, geometries: GeometryTexts): AsyncGenerator<Buffer> {
  const columns = [...(plan.id === null ? [] : [plan.id]), ...plan.columns].map(({ at, type }) => ({
    at,
    write: cellWriter(type),
  }));
  const geometryAt = plan.id === null ? 0 : 1;
  const { geometry } = plan;
  let chunk = "";
  for await (const row of source.rows()) {
    for (const [i, { at, write }] of columns.entries()) {
      if (i > 0) chunk += "\t";
      if (i === geometryAt && geometry !== null) chunk += `${geometries.text(geometry.of(row))}\t`;
      chunk += escapeCopy(write(row.values[at]));
    }
    if (geometry !== null && columns.length <= geometryAt) {
      chunk += `${columns.length > 0 ? "\t" : ""}${geometries.text(geometry.of(row))}`;
    }
    chunk += "\n";
    if (chunk.length < CHUNK_CHARS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  if (chunk) yield Buffer.from(chunk);
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPED: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Escapes a value for COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html */
function escapeCopy(text: string | null): string {
  if (text === null) return "\\N";
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPED[character] ?? "") : text;
}

type Geometry = ReturnType<NonNullable<Plan["geometry"]>["of"]>;

/** Writes geometries for COPY. One that cannot be used is NULL; the import fails only if none can be used. */
class GeometryTexts {
  hasUsable = false;
  first: { readonly failure: ImportFailure; readonly row: number } | undefined;
  #failures = 0;
  #row = 0;

  text(geometry: Geometry): string {
    this.#row++;
    if (geometry === null) return "\\N";
    if (geometry instanceof ImportFailure) {
      this.#failures++;
      this.first ??= { failure: geometry, row: this.#row };
      return "\\N";
    }
    this.hasUsable = true;
    return typeof geometry === "string" ? geometry : geometry.hex;
  }

  unread(): Unread[] {
    if (!this.first) return [];
    const { failure, row } = this.first;
    return [{ column: "the_geom", count: this.#failures, row, reason: failure.detail }];
  }
}

/** Checks before loading that PostGIS understands the text of a .prj file. */
async function checkProjection(engine: Engine, wkt: string, signal: AbortSignal): Promise<void> {
  const probe = `SELECT ST_Transform(ST_MakePoint(0, 0), ${literal(wkt)}, 4326)`;
  await engine.query(probe, { signal }).catch((error) => {
    if (signal.aborted) throw error;
    const start = wkt.trim().slice(0, 60);
    throw new ImportFailure(3008, `The projection of the .prj file is unknown: ${start}…`, {
      cause: error,
    });
  });
}

function transform(table: string, wkt: string): string {
  return `ALTER TABLE ${ident(table)} ALTER COLUMN the_geom TYPE geometry(Geometry,4326)
    USING ST_Transform(ST_SetSRID(the_geom, 0), ${literal(wkt)}, 4326)`;
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
