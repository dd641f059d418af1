import type { DataFrame } from "danfojs-node";
import { copyFrom } from "../api/copy";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { SqlError, TableExistsError } from "../errors";
import { columnsFromFrame, createTableColumns, encodeCopy, type WriteColumn } from "../frame";
import { SRID_LNGLAT } from "../geo";
import type { Progress } from "../kernel/progress";
import { ident, literal } from "../sql";
import type { Baseline } from "./baselines";
import { newTableNamed, quoted, shown, type TableName } from "./table-name";
import { temporaryName } from "./temporary-table";

export interface WriteOptions {
  /** Replaces a table of that name, in one transaction: until the end the old one is there. @default false */
  readonly overwrite?: boolean;
  /** Names of the longitude and the latitude column, in that order: they become points in `the_geom`. */
  readonly lnglat?: readonly [lng: string, lat: string];
  /** Makes `the_geom` of a geometry column: wkx, WKT, GeoJSON, EWKB as hex or bytes. */
  readonly encodeGeom?: boolean;
  /** The geometry column for `encodeGeom`, which it implies. @default "geometry", else "the_geom" */
  readonly geomCol?: string;
  /** Cancels the write; the table stays as it was. */
  readonly signal?: AbortSignal;
}

/** What a write did, for its report. */
export interface WriteReport {
  readonly table: TableName;
  readonly rowCount: number;
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly warnings: readonly string[];
  /** The table as it is now. */
  readonly baseline: Baseline;
}

const GEOM = "the_geom";

/** What CDB_CartodbfyTable names after its table, and a swap renames with it. */
const NAMED_AFTER_TABLE = [
  ["SEQUENCE", "_cartodb_id_seq"],
  ["INDEX", "_pkey"],
  ["INDEX", "_the_geom_idx"],
  ["INDEX", "_the_geom_webmercator_idx"],
] as const;
const MAX_NAME_BYTES = 63;

/** SQLSTATEs: duplicate_table; dependent_objects_still_exist. */
const DUPLICATE_TABLE = "42P07";
const OBJECTS_DEPEND = "2BP01";

/**
 * Writes a frame as a new table: loaded under a temporary name, made a CARTO table, then given its name in one
 * transaction. Whatever goes wrong, the old table stays as it was and the temporary one is removed.
 */
export async function writeFrame(
  transport: Transport,
  frame: DataFrame,
  tableName: string,
  { overwrite = false, lnglat, encodeGeom, geomCol, signal, progress }: WriteOptions & { progress: Progress },
): Promise<WriteReport> {
  const table = await newTableNamed(tableName, { transport, signal });
  if (!overwrite && (await tableExists(transport, table, signal))) throw tableExistsError(table);
  const { columns, rowCount, renamed, warnings } = await columnsFromFrame(frame, {
    lnglat,
    encodeGeom,
    geomCol,
    signal,
  });
  const temporary = temporaryName();
  const run = (sql: string) => runSql(transport, sql, { signal });
  let snapshot: unknown;
  try {
    await createTable(run, temporary, columns);
    if (rowCount > 0 && columns.length > 0) {
      const names = columns.map(({ name }) => ident(name)).join(", ");
      const copy = `COPY ${ident(temporary)} (${names}) FROM STDIN WITH (FORMAT binary)`;
      const onRows = (done: number) => progress.update({ done, total: rowCount, unit: "rows" });
      await copyFrom(transport, copy, () => encodeCopy(columns, { signal, onRows }), { signal });
    }
    progress.update({ done: rowCount, total: rowCount, unit: "rows", note: "indexing" });
    await run(`SELECT CDB_CartodbfyTable(${literal(ident(temporary))}::regclass)`);
    ({ snapshot } = (await run(swap(temporary, table, overwrite))).rows.at(-1)!);
  } catch (error) {
    await runSql(transport, `DROP TABLE IF EXISTS ${ident(temporary)}`).catch(() => {});
    throw nameTaken(error, table.table) ? tableExistsError(table) : explain(error, table);
  }
  const flattened = columns.some(({ name, flat }) => name === GEOM && flat === false);
  const loss = flattened
    ? [`${GEOM} has heights or measures (Z, M); CARTO's is flat, they are not kept.`]
    : [];
  const baseline = { table: quoted(table), snapshot: String(snapshot), rowCount };
  return { table, rowCount, renamed, warnings: [...warnings, ...loss], baseline };
}

/** Whether a relation of that name can be seen. */
async function tableExists(transport: Transport, table: TableName, signal?: AbortSignal): Promise<boolean> {
  const probe = `SELECT to_regclass(${literal(quoted(table))}) IS NOT NULL AS found`;
  const { rows } = await runSql(transport, probe, { signal, repeatable: true });
  return rows[0]?.found === true;
}

function tableExistsError(table: TableName): TableExistsError {
  return new TableExistsError(
    `Table "${shown(table)}" already exists. Pass { overwrite: true } to replace it.`,
  );
}

/**
 * Creates the table to load into, shaped as CARTO's are, so that nothing has to be rewritten after the load.
 * `the_geom_webmercator` is generated while rows arrive (an UPDATE afterwards takes twice as long); registering
 * the table makes it an ordinary column. A server that cannot generate it gets a plain table.
 */
async function createTable(
  run: (sql: string) => Promise<unknown>,
  table: string,
  columns: readonly WriteColumn[],
): Promise<void> {
  const id = columns.filter(({ name }) => name === "cartodb_id");
  const geometry = columns.filter(({ name }) => name === GEOM);
  const rest = columns.filter(({ name }) => name !== "cartodb_id" && name !== GEOM);
  const definitions = (geometries: string[]) =>
    [
      id.length > 0 ? createTableColumns(id) : "cartodb_id bigserial",
      ...geometries,
      ...(rest.length > 0 ? [createTableColumns(rest)] : []),
    ].join(", ");
  const plain = geometry.length > 0 ? [createTableColumns(geometry)] : [`${GEOM} geometry(Geometry,4326)`];
  const ready = geometry.every(({ srid, flat }) => srid === SRID_LNGLAT && flat);
  if (ready) {
    const generated = `${GEOM}_webmercator geometry(Geometry,3857) GENERATED ALWAYS AS (CDB_TransformToWebmercator(${GEOM})) STORED`;
    try {
      await run(`CREATE TABLE ${ident(table)} (${definitions([...plain, generated])})`);
      return;
    } catch (error) {
      if (!(error instanceof SqlError) || !/immutable|syntax error/.test(error.message)) throw error;
    }
  }
  await run(`CREATE TABLE ${ident(table)} (${definitions(plain)})`);
}

/**
 * One transaction that puts the loaded table in the place of its name; several statements are one already. It answers
 * which transactions the table shows.
 */
function swap(temporary: string, table: TableName, overwrite: boolean): string {
  const { schema } = table;
  const moved = quoted({ schema, table: temporary });
  const inSchema = (name: string) => quoted({ schema, table: name });
  const renames = NAMED_AFTER_TABLE.map(([kind, suffix]) => {
    const to = table.table.slice(0, MAX_NAME_BYTES - suffix.length) + suffix; // table names are ASCII
    return `IF to_regclass(${literal(inSchema(to))}) IS NULL THEN ALTER ${kind} IF EXISTS ${inSchema(temporary + suffix)} RENAME TO ${ident(to)}; END IF;`;
  });
  return [
    ...(overwrite ? [`DROP TABLE IF EXISTS ${quoted(table)}`] : []),
    ...(schema === undefined ? [] : [`ALTER TABLE ${ident(temporary)} SET SCHEMA ${ident(schema)}`]),
    `ALTER TABLE ${moved} RENAME TO ${ident(table.table)}`,
    `DO ${literal(`BEGIN ${renames.join(" ")} END`)}`,
    `DO ${literal(`BEGIN PERFORM CDB_TableMetadataTouch(${literal(quoted(table))}::regclass); END`)}`,
    "SELECT txid_current_snapshot()::text AS snapshot",
  ].join(";\n");
}

function nameTaken(error: unknown, table: string): boolean {
  if (!(error instanceof SqlError)) return false;
  return error.sqlState === DUPLICATE_TABLE || error.message === `relation "${table}" already exists`;
}

function explain(error: unknown, table: TableName): unknown {
  if (!(error instanceof SqlError)) return error;
  if (error.sqlState === OBJECTS_DEPEND || /other objects depend on it/.test(error.message)) {
    return new SqlError(
      `Table "${shown(table)}" was not replaced, because views or other objects depend on it; it is as it was. ` +
        "Drop them first, or write under another name.",
      { ...error, hint: undefined },
      { cause: error },
    );
  }
  return error;
}
