/** Imports files as tables through the Import API. */
import { finishedImport, type ReadingParameters, startImport } from "../api/imports";
import type { ImportedTable } from "../api/schemas/imports";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { newTableNamed, quoted, type TableName, temporaryTable } from "../context/tables/table-name";
import { appendableColumns, appendTable } from "../context/write/append";
import { explainRegistering, giveName, type Run, refuseExisting } from "../context/write/new-table";
import { checkPrivacy, type Privacy } from "../context/write/privacy";
import { abandonImport } from "../context/write/write-import";
import { CartoError, InvalidArgumentError, TableNotFoundError } from "../errors";
import { normalizeTableName } from "../frame/names";
import type { Progress } from "../kernel/progress";
import { listed } from "../options";
import { freeName } from "../values";
import { checkFileOptions, type FileOptions, readingOf } from "./reading";
import { type FileSource, type Upload, uploadsOf, withProgress } from "./source";

/** Options of `cc.import`. */
export interface ImportOptions extends FileOptions {
  /** Replaces tables that have the names of the new ones. @default false */
  readonly overwrite?: boolean;
  /**
   * Adds the rows to existing tables, in one transaction for each. All columns of the file must be in the table, with types that hold
   * their values. Columns that the file lacks get their defaults, and `cartodb_id` new numbers.
   * @default false
   */
  readonly append?: boolean;
  /** Who can see the tables. @default as in `cc.write` */
  readonly privacy?: Privacy;
}

/** Values of a file that could not be read. They are missing in the table. */
export interface UnreadValues {
  /** Name of the column in the table. */
  readonly column: string;
  /** Number of values. */
  readonly count: number;
  /** Number of the first row with such a value, from 1. */
  readonly row: number;
  /** What is wrong with its value. */
  readonly reason: string;
}

/** Table that `cc.import` made, or appended to. An account reports less: it leaves out what the server has to tell. */
export interface FileTable {
  /** Name of the table. */
  readonly name: string;
  /** Number of new rows. */
  readonly rows: number;
  /** Types of the geometries, such as `"MULTIPOLYGON"`; null if the table has none. */
  readonly geometry: string | null;
  /** Number of rows without a geometry. */
  readonly withoutGeometry: number;
  /** Columns whose names differ from those in the file. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /**
   * Coordinate system that the geometries were transformed from: its EPSG code, if it is known, and its name. It is assumed if the
   * file should name one, but does not. Null without geometries.
   */
  readonly crs: { readonly srid: number | null; readonly name: string; readonly isAssumed: boolean } | null;
  /**
   * Encoding of the texts, and how it was found: `"option"`, byte order `"mark"`, `"declared"` by the file, all text is `"valid"` in it, or
   * `"guessed"`. Null if the format defines it.
   */
  readonly encoding: { readonly name: string; readonly found: string } | null;
  /** Values that could not be read. */
  readonly unread: readonly UnreadValues[];
  /** With `append`, the columns of the table that the file lacks; otherwise null. */
  readonly unfilled: readonly string[] | null;
}

/** Result of `cc.import`. */
export interface ImportReport {
  readonly tables: readonly FileTable[];
  /** Files of archives and folders with an unknown format, and layers that were not imported, such as other sheets of a workbook. */
  readonly leftOut: readonly string[];
}

export interface FileCall extends Omit<ImportOptions, "signal"> {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

interface Imported {
  readonly table: TableName;
  readonly made: ImportedTable;
  /** The rows before they were appended. */
  readonly appended?: FileTable;
}

/** @throws InvalidArgumentError for an option with an invalid value, and for options that exclude each other */
export function checkImportOptions(options: ImportOptions): void {
  checkFileOptions(options);
  for (const name of ["overwrite", "append"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "boolean")
      throw new InvalidArgumentError(`\`${name}\` must be true or false; got ${JSON.stringify(value)}.`);
  }
  checkPrivacy(options.privacy);
  const { append, overwrite, privacy } = options;
  if (append && overwrite) throw new InvalidArgumentError("Pass either `append` or `overwrite`, not both.");
  if (append && privacy !== undefined)
    throw new InvalidArgumentError("Leave `privacy` out with `append`: the table keeps its privacy.");
}

/**
 * Imports files, one after another. A table appears when it is complete.
 * @param tableName Name of the table of the only file; by default each has the name of its file.
 */
export async function importFiles(
  transport: Transport,
  source: FileSource,
  tableName: string | undefined,
  call: FileCall,
): Promise<{ tables: readonly Imported[]; leftOut: readonly string[] }> {
  const reading = readingOf(call, transport.kind);
  const uploads = await uploadsOf(source);
  if (tableName !== undefined && uploads.length > 1) {
    throw new InvalidArgumentError(
      `There are ${uploads.length} files for one table. Pass one file, or make a table of each by \`cc.import\` without a name.`,
    );
  }
  checkNames(uploads);
  const tables: Imported[] = [];
  const leftOut: string[] = [];
  for (const upload of uploads) {
    const done = await importUpload(transport, upload, tableName, { ...call, reading }).catch((error) => {
      throw uploads.length > 1 ? inFile(error, upload, tables) : error;
    });
    tables.push(...done.tables);
    leftOut.push(...done.leftOut);
  }
  return { tables, leftOut };
}

/** @throws InvalidArgumentError if two files would make tables of one name, of which the second would replace the first */
function checkNames(uploads: readonly Upload[]): void {
  const labels = new Map<string, string>();
  for (const { stem, label, isOneTable } of uploads) {
    if (!isOneTable) continue;
    const name = normalizeTableName(stem);
    const other = labels.get(name);
    if (other !== undefined)
      throw new InvalidArgumentError(
        `The files ${JSON.stringify(other)} and ${JSON.stringify(label)} would both become the table "${name}". Import them one by one, each with a name.`,
      );
    labels.set(name, label);
  }
}

/** Names the file of an error, and the tables of the files before it, which stay. */
function inFile(error: unknown, { label }: Upload, before: readonly Imported[]): unknown {
  if (!(error instanceof CartoError)) return error;
  const names = before.map(({ table }) => table.label);
  const done = names.length > 0 ? `\nThe files before it were imported: ${listed(names)}.` : "";
  error.message = `${label}: ${error.message}${done}`;
  return error;
}

async function importUpload(
  transport: Transport,
  upload: Upload,
  tableName: string | undefined,
  call: FileCall & { readonly reading: ReadingParameters },
): Promise<{ tables: readonly Imported[]; leftOut: readonly string[] }> {
  const { overwrite = false, append = false, signal } = call;
  const nameOf = (name: string) => newTableNamed(name, { transport, signal });
  const expected = tableName ?? (upload.isOneTable ? upload.stem : undefined);
  const run: Run = (sql, known) => runSql(transport, sql, { signal, ...known });
  const checkName = (table: TableName) =>
    append ? appendableColumns(run, table) : overwrite || refuseExisting(transport, table, signal);
  if (expected !== undefined) await checkName(await nameOf(expected));
  const source = withProgress(upload, call.progress);
  const id = await startImport(transport, source, parametersOf(call));
  try {
    const onState = (note: string) => call.progress.update({ done: upload.size ?? 0, unit: "bytes", note });
    const { tables: made, leftOut } = await finishedImport(transport, id, { signal, onState });
    if (tableName !== undefined) checkOnly(made);
    const own = await temporaryTable({ transport, signal }); // for the schema of the account
    const tables: Imported[] = [];
    const names = new Set<string>();
    for (const one of made) {
      const { name, wanted = name } = one;
      const table = { ...own, table: name, label: name };
      // as the server numbers tables of an archive that want the same name
      const target = await nameOf(freeName(expected ?? wanted, (name) => names.has(name)));
      names.add(target.table);
      const isNamed = quoted(target) === quoted(table);
      if (append && isNamed) await refuseNew(target);
      if (!isNamed && expected === undefined) await checkName(target);
      const appended = append ? await appendRows(transport, { table, made: one }, target, call) : undefined;
      if (!isNamed && !append) await giveName(run, table, target, overwrite).catch(explained(target));
      tables.push({ table: target, made: one, appended });
    }
    return { tables, leftOut };
  } catch (error) {
    await abandonImport(transport, id);
    throw error;
  }
}

function parametersOf(
  call: FileCall & { readonly reading: ReadingParameters },
): Parameters<typeof startImport>[2] {
  const { typeGuessing, contentGuessing, privacy, reading, signal } = call;
  return { typeGuessing, contentGuessing, privacy, reading, signal };
}

/** @throws InvalidArgumentError unless there is one table */
function checkOnly(made: readonly ImportedTable[]): void {
  if (made.length === 1) return;
  const names = listed(made.map(({ name, wanted }) => wanted ?? name));
  throw new InvalidArgumentError(
    `The file has ${made.length} tables: ${names}. Choose one with \`layer\`, or import all of them with \`cc.import\` and without a name. \`cc.layers\` lists the layers.`,
  );
}

function explained(table: TableName) {
  return (error: unknown): never => {
    throw explainRegistering(error, table);
  };
}

/** The server gave the name because no table had it. */
function refuseNew({ label }: TableName): never {
  throw new TableNotFoundError(
    `No table is named "${label}" to append to. Leave \`append\` out to create it, or pass the name of a table.`,
    { table: label },
  );
}

/** Moves the rows of an imported table, and describes them. */
async function appendRows(
  transport: Transport,
  imported: Imported,
  target: TableName,
  { signal }: FileCall,
): Promise<FileTable> {
  const described = await describeFileTable(transport, imported, signal);
  const run: Run = (sql, known) => runSql(transport, sql, { signal, ...known });
  const { rows, unfilled } = await appendTable(run, imported.table, target);
  return { ...described, name: target.label, rows, unfilled };
}

/** Describes a table for the report. */
export async function describeFileTable(
  transport: Transport,
  { table, made, appended }: Imported,
  signal: AbortSignal,
): Promise<FileTable> {
  if (appended) return appended;
  const { rows } = await runSql(
    transport,
    `SELECT count(*)::float8 AS rows, count(the_geom)::float8 AS geometries,
       string_agg(DISTINCT GeometryType(the_geom), ', ') AS types FROM ${quoted(table)}`,
    { signal, repeatable: true },
  );
  const [{ rows: count, geometries, types } = {}] = rows;
  const rowCount = Number(count);
  const { renamed, crs, encoding = null, unread } = made;
  return {
    name: table.label,
    rows: rowCount,
    geometry: typeof types === "string" ? types : null,
    withoutGeometry: rowCount - Number(geometries),
    renamed,
    crs: crs ? { srid: crs.srid, name: crs.name, isAssumed: crs.is_assumed } : null,
    encoding,
    unread,
    unfilled: null,
  };
}
