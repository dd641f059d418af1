import type { DataFrame } from "danfojs-node";
import { copyFrom } from "../api/copy";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { SqlError } from "../errors";
import { columnsFromFrame, createTableColumns, encodeCopy, type WriteColumn } from "../frame";
import { SRID_LNGLAT } from "../geo";
import type { Progress } from "../kernel/progress";
import { ident } from "../sql";
import type { Baseline } from "./baselines";
import { dropTemporary, explainRegistering, refuseExisting, register } from "./new-table";
import { newTableNamed, quoted, type TableName, temporaryTable } from "./table-name";

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
  if (!overwrite) await refuseExisting(transport, table, signal);
  const { columns, rowCount, renamed, warnings } = await columnsFromFrame(frame, {
    lnglat,
    encodeGeom,
    geomCol,
    signal,
  });
  const temporary = await temporaryTable({ transport, signal });
  const run = (sql: string) => runSql(transport, sql, { signal });
  let snapshot: string;
  try {
    await createTable(run, quoted(temporary), columns);
    if (rowCount > 0 && columns.length > 0) {
      const names = columns.map(({ name }) => ident(name)).join(", ");
      const copy = `COPY ${quoted(temporary)} (${names}) FROM STDIN WITH (FORMAT binary)`;
      const onRows = (done: number) => progress.update({ done, total: rowCount, unit: "rows" });
      await copyFrom(transport, copy, () => encodeCopy(columns, { signal, onRows }), { signal });
    }
    progress.update({ done: rowCount, total: rowCount, unit: "rows", note: "indexing" });
    snapshot = await register(run, temporary, table, overwrite);
  } catch (error) {
    await dropTemporary(transport, temporary);
    throw explainRegistering(error, table);
  }
  const flattened = columns.some(({ name, flat }) => name === GEOM && flat === false);
  const loss = flattened
    ? [`${GEOM} has heights or measures (Z, M); CARTO's is flat, they are not kept.`]
    : [];
  const baseline = { table: quoted(table), snapshot, rowCount };
  return { table, rowCount, renamed, warnings: [...warnings, ...loss], baseline };
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
      await run(`CREATE TABLE ${table} (${definitions([...plain, generated])})`);
      return;
    } catch (error) {
      if (!(error instanceof SqlError) || !/immutable|syntax error/.test(error.message)) throw error;
    }
  }
  await run(`CREATE TABLE ${table} (${definitions(plain)})`);
}
