import type { DataFrame } from "danfojs-node";
import { createJob } from "../../api/jobs";
import type { JobResponse } from "../../api/schemas/jobs";
import { copyFrom, type RunOptions, runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { AuthenticationError, InvalidArgumentError, JobError, ServerError, SqlError } from "../../errors";
import { columnsFromFrame, createTableColumns, encodeCopy, type WriteColumn } from "../../frame";
import { latLngColumns, SRID_LNGLAT } from "../../geo";
import type { Progress } from "../../kernel/progress";
import { ident } from "../../sql";
import type { Baseline } from "../tables/baselines";
import { newTableNamed, quoted, type TableName, temporaryTable } from "../tables/table-name";
import { appendFrame } from "./append-frame";
import {
  dropTemporary,
  explainRegistering,
  NO_EFFECT,
  refuseExisting,
  register,
  registerSql,
  swapSql,
} from "./new-table";
import { applyPrivacy, checkPrivacy, type Privacy, privacyOf } from "./privacy";
import {
  checkImportOptions,
  IMPORT_OPTION_NAMES,
  type ImportWriteOptions,
  importColumns,
  needsImport,
} from "./write-import";

/** Options of `cc.append`. */
export interface AppendOptions {
  /** Names of the longitude and latitude columns, whose values become points in `the_geom`. @default none */
  readonly lnglat?: readonly [lng: string, lat: string];
  /**
   * Makes `the_geom` from a geometry column with wkx geometries, WKT, GeoJSON, or EWKB as hex or bytes.
   * @default false: `the_geom` is taken from a column of that name, or else from a column of wkx geometries
   */
  readonly encodeGeom?: boolean;
  /** Name of the geometry column. Implies `encodeGeom`. @default "geometry", otherwise "the_geom" */
  readonly geomCol?: string;
  /** Cancels the call. The table stays unchanged. */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends AppendOptions, ImportWriteOptions {
  /** Replaces an existing table in one transaction; the old table is kept until the end. @default false */
  readonly overwrite?: boolean;
  /** Adds the rows to an existing table, whose columns must include those of the frame; see `cc.append`. @default false */
  readonly append?: boolean;
  /** Who can see the table without a key. @default that of the replaced table, otherwise the account's default */
  readonly privacy?: Privacy;
  /** Accepted for compatibility with cartoframes for Python, and ignored: rows are streamed without a file. */
  readonly tempDir?: string;
}

export interface WriteReport {
  readonly table: TableName;
  readonly rowCount: number;
  /** True if the table can be shown on a map. */
  readonly hasGeometry: boolean;
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly warnings: readonly string[];
  /** State of the table after the write, if known. */
  readonly baseline?: Baseline;
  /** Job that will register the rows as a table. */
  readonly job?: JobResponse;
  /** Columns of the frame whose names are those of coordinates, if the table has no geometry. */
  readonly coordinates?: { readonly lng: string; readonly lat: string };
  /** True if an existing table was kept. */
  readonly isSkipped?: boolean;
  /** True if the rows were added to an existing table. */
  readonly isAppended?: boolean;
}

const GEOM = "the_geom";

/** From this number of points, a batch job registers the table. It would take too long in an interactive call. */
const JOB_FROM_ROWS = 100_001;

type Write = WriteOptions & { readonly progress: Progress };

/**
 * Writes a frame as a table: loads it under a temporary name, registers it as a CARTO table and renames it in one
 * transaction. If the call fails, an existing table is unchanged, and the temporary one is dropped.
 */
export async function writeFrame(
  transport: Transport,
  frame: DataFrame,
  tableName: string,
  options: Write,
): Promise<WriteReport> {
  const { overwrite = false, lnglat, privacy, signal } = options;
  checkImportOptions(options);
  checkPrivacy(privacy);
  if (options.append) {
    checkAppendOptions(options);
    return appendFrame(transport, frame, tableName, options);
  }
  const table = await newTableNamed(tableName, { transport, signal });
  if (!overwrite && options.collisionStrategy === undefined) await refuseExisting(transport, table, signal);
  const { columns, rowCount, renamed, warnings } = await columnsFromFrame(frame, options);
  const hasGeometry = options.contentGuessing || columns.some(({ name }) => name === GEOM);
  const report = {
    table,
    rowCount,
    hasGeometry,
    renamed,
    coordinates: hasGeometry ? undefined : coordinatesOf(columns, renamed),
    warnings: [...warnings, ...lossesOf(columns)],
  };
  const wanted = privacy ?? (overwrite ? await privacyOf(transport, table, signal) : undefined);
  const isPrivate = wanted === undefined || wanted.toUpperCase() === "PRIVATE"; // a job cannot set the privacy
  const isByJob = lnglat !== undefined && rowCount >= JOB_FROM_ROWS && isPrivate && privacy === undefined;
  if (needsImport(options)) {
    const imported = await importColumns(transport, columns, rowCount, table, { ...options, overwrite });
    const all = { ...report, warnings: [...report.warnings, ...imported.warnings] };
    if (imported.table === undefined) return { ...all, isSkipped: true };
    const { snapshot } = imported;
    const baseline = snapshot === undefined ? undefined : { table: quoted(table), snapshot, rowCount };
    await keepPrivacy(transport, imported.table, wanted, options);
    return { ...all, table: imported.table, baseline };
  }
  const loaded = await load(transport, columns, rowCount, table, { ...options, overwrite, isByJob });
  if (typeof loaded !== "string") return { ...report, job: loaded };
  await keepPrivacy(transport, table, wanted, options);
  return { ...report, baseline: { table: quoted(table), snapshot: loaded, rowCount } };
}

/** Options about a new table. */
const NOT_FOR_APPEND = ["overwrite", "privacy", ...IMPORT_OPTION_NAMES] as const;

function checkAppendOptions(options: WriteOptions): void {
  const wrong = NOT_FOR_APPEND.find((name) => options[name] !== undefined && options[name] !== false);
  if (wrong !== undefined)
    throw new InvalidArgumentError(
      `Pass either \`append\` or \`${wrong}\`, not both: \`append\` adds rows to a table and changes nothing else.`,
    );
}

function coordinatesOf(
  columns: readonly WriteColumn[],
  renamed: WriteReport["renamed"],
): WriteReport["coordinates"] {
  const names = columns.map(({ name }) => name);
  const at = latLngColumns(names);
  if (at === null) return undefined;
  // `!`: they are positions of names
  const inFrame = (name: string) => renamed.find(({ to }) => to === name)?.from ?? name;
  return { lng: inFrame(names[at.lng]!), lat: inFrame(names[at.lat]!) };
}

function lossesOf(columns: readonly WriteColumn[]): string[] {
  const flattened = columns.some(({ name, flat }) => name === GEOM && flat === false);
  return flattened
    ? [
        `${GEOM} has heights or measures (Z, M). They are dropped, because CARTO's geometries are two-dimensional.`,
      ]
    : [];
}

/** Restores or sets the privacy. Warns if the server has no privacy and the user asked for one. */
async function keepPrivacy(
  transport: Transport,
  table: TableName,
  wanted: string | undefined,
  { privacy, signal }: Write,
): Promise<void> {
  const isKnown = wanted === undefined || (await applyPrivacy(transport, table, wanted, signal));
  if (!isKnown && privacy !== undefined)
    console.warn(
      `The table was written, but its privacy could not be set to ${privacy}, because the server does not support privacy.`,
    );
}

/** @returns the transactions that the table shows, or the job that will register it */
async function load(
  transport: Transport,
  columns: readonly WriteColumn[],
  rowCount: number,
  table: TableName,
  {
    overwrite,
    isByJob,
    signal,
    progress,
  }: Write & { readonly overwrite: boolean; readonly isByJob: boolean },
): Promise<string | JobResponse> {
  const temporary = await temporaryTable({ transport, signal });
  const run = (sql: string, known?: Pick<RunOptions, "effect">) =>
    runSql(transport, sql, { signal, effect: NO_EFFECT, ...known });
  try {
    await createTable(run, quoted(temporary), columns);
    if (rowCount > 0 && columns.length > 0) {
      const names = columns.map(({ name }) => ident(name)).join(", ");
      const copy = `COPY ${quoted(temporary)} (${names}) FROM STDIN WITH (FORMAT binary)`;
      const onRows = (done: number) => progress.update({ done, total: rowCount, unit: "rows" });
      await copyFrom(transport, copy, () => encodeCopy(columns, { signal, onRows }), {
        signal,
        effect: NO_EFFECT,
      });
    }
    progress.update({ done: rowCount, total: rowCount, unit: "rows", note: "indexing" });
    const job = isByJob
      ? await registeringJob(transport, temporary, table, { overwrite, signal })
      : undefined;
    return job ?? (await register(run, temporary, table, overwrite));
  } catch (error) {
    await dropTemporary(transport, temporary);
    throw explainRegistering(error, table);
  }
}

/**
 * Creates the job that registers the table. Returns undefined if the key or the server does not support jobs.
 */
async function registeringJob(
  transport: Transport,
  temporary: TableName,
  table: TableName,
  { overwrite, signal }: { readonly overwrite: boolean; readonly signal?: AbortSignal },
): Promise<JobResponse | undefined> {
  const query = [registerSql(temporary), swapSql(temporary, table, overwrite)].join(";\n");
  const onerror = `DROP TABLE IF EXISTS ${quoted(temporary)}`;
  try {
    return await createJob(transport, { query: [{ query, onerror }] }, { signal });
  } catch (error) {
    const isRefused = error instanceof ServerError && error.status !== undefined && error.status < 500;
    if (error instanceof JobError || error instanceof AuthenticationError || isRefused) return undefined;
    throw error; // the server may have accepted the job
  }
}

/**
 * Creates the table to load into with the columns of a CARTO table, so that it is not rewritten after the load.
 * `the_geom_webmercator` is generated while rows arrive, because an UPDATE afterwards takes twice as long; registering
 * the table makes it an ordinary column. Servers without generated columns get a plain table.
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
