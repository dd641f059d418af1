/** Imports files as tables through the Import API. */
import { finishedImport, type ImportSource, startImport } from "../api/imports";
import type { ImportedTable } from "../api/schemas/imports";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { newTableNamed, quoted, type TableName, temporaryTable } from "../context/tables/table-name";
import { explainRegistering, giveName, refuseExisting } from "../context/write/new-table";
import { checkPrivacy, type Privacy } from "../context/write/privacy";
import { abandonImport } from "../context/write/write-import";
import { InvalidArgumentError } from "../errors";
import type { Progress } from "../kernel/progress";
import { type CallOptions, listed } from "../options";
import { counted } from "./counted";
import { type FileSource, type Upload, uploadsOf } from "./source";

/** How a server reads a file. */
export interface FileOptions extends CallOptions {
  /** Makes the server find numbers, dates and coordinates in the texts of CSV files and workbooks. @default true */
  readonly typeGuessing?: boolean;
  /**
   * Makes geometries from names of countries, regions and cities, and from IP addresses, if the file has none.
   * @default false
   */
  readonly contentGuessing?: boolean;
}

/** Options of `cc.import`. */
export interface ImportOptions extends FileOptions {
  /** Replaces tables that have the names of the new ones. @default false */
  readonly overwrite?: boolean;
  /** Who can see the tables. @default as in `cc.write` */
  readonly privacy?: Privacy;
}

/** Table that `cc.import` made. */
export interface FileTable {
  /** Name of the table. */
  readonly name: string;
  /** Number of rows. */
  readonly rows: number;
  /** Types of the geometries, such as `"MULTIPOLYGON"`; null if the table has none. */
  readonly geometry: string | null;
  /** Number of rows without a geometry. */
  readonly withoutGeometry: number;
  /** Columns whose names differ from those in the file; accounts do not report them. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
}

export interface FileCall extends Omit<ImportOptions, "signal"> {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

interface Imported extends Pick<FileTable, "renamed"> {
  readonly table: TableName;
}

/** @throws InvalidArgumentError for an option with an invalid value */
export function checkFileOptions(options: ImportOptions): void {
  for (const name of ["typeGuessing", "contentGuessing", "overwrite"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "boolean")
      throw new InvalidArgumentError(`\`${name}\` must be true or false; got ${JSON.stringify(value)}.`);
  }
  checkPrivacy(options.privacy);
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
): Promise<Imported[]> {
  const uploads = await uploadsOf(source);
  if (tableName !== undefined && uploads.length > 1) {
    throw new InvalidArgumentError(
      `There are ${uploads.length} files, and one name for their tables. Leave the name out, and each table is named after its file.`,
    );
  }
  const tables: Imported[] = [];
  for (const upload of uploads) tables.push(...(await importUpload(transport, upload, tableName, call)));
  return tables;
}

async function importUpload(
  transport: Transport,
  upload: Upload,
  tableName: string | undefined,
  call: FileCall,
): Promise<Imported[]> {
  const { overwrite = false, typeGuessing, contentGuessing, privacy, signal } = call;
  const nameOf = (name: string) => newTableNamed(name, { transport, signal });
  const expected = tableName ?? (upload.isOneTable ? upload.stem : undefined);
  if (expected !== undefined && !overwrite) await refuseExisting(transport, await nameOf(expected), signal);
  const source = withProgress(upload, call.progress);
  const id = await startImport(transport, source, { typeGuessing, contentGuessing, privacy, signal });
  try {
    const onState = (note: string) => call.progress.update({ done: upload.size ?? 0, unit: "bytes", note });
    const made = await finishedImport(transport, id, { signal, onState });
    if (tableName !== undefined) checkOnly(made);
    const own = await temporaryTable({ transport, signal }); // for the schema of the account
    const tables: Imported[] = [];
    const names = new Set<string>();
    for (const { name, wanted = name, renamed } of made) {
      const table = { ...own, table: name, label: name };
      const target = await nameOf(freeName(expected ?? wanted, names));
      names.add(target.table);
      const isNamed = quoted(target) === quoted(table);
      if (!isNamed && !overwrite && tableName === undefined) await refuseExisting(transport, target, signal);
      if (!isNamed) await rename(transport, table, target, call);
      tables.push({ table: target, renamed });
    }
    return tables;
  } catch (error) {
    await abandonImport(transport, id);
    throw error;
  }
}

/** Numbers names that two tables of an archive want, as the server does. */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let n = 1; taken.has(name); n++) name = `${wanted}_${n}`;
  return name;
}

/** Counts the bytes of an upload. */
function withProgress({ source, size }: Upload, progress: Progress): ImportSource {
  if ("url" in source) return source;
  const { name, bytes } = source;
  return { name, bytes: () => counted(bytes(), progress, { total: size, note: "uploading" }) };
}

/** @throws InvalidArgumentError unless there is one table */
function checkOnly(made: readonly ImportedTable[]): void {
  if (made.length === 1) return;
  const names = listed(made.map(({ name, wanted }) => wanted ?? name));
  throw new InvalidArgumentError(
    `The file has ${made.length} tables: ${names}. Leave the name of the table out to import all of them with \`cc.import\`.`,
  );
}

/** Gives an imported table the wanted name. */
async function rename(
  transport: Transport,
  made: TableName,
  wanted: TableName,
  { overwrite = false, signal }: FileCall,
): Promise<void> {
  const run: Parameters<typeof giveName>[0] = (sql, known) => runSql(transport, sql, { signal, ...known });
  await giveName(run, made, wanted, overwrite).catch((error) => {
    throw explainRegistering(error, wanted);
  });
}

/** Describes a table for the report. */
export async function describeFileTable(
  transport: Transport,
  { table, renamed }: Imported,
  signal: AbortSignal,
): Promise<FileTable> {
  const { rows } = await runSql(
    transport,
    `SELECT count(*)::float8 AS rows, count(the_geom)::float8 AS geometries,
       string_agg(DISTINCT GeometryType(the_geom), ', ') AS types FROM ${quoted(table)}`,
    { signal, repeatable: true },
  );
  const [{ rows: count, geometries, types } = {}] = rows;
  const rowCount = Number(count);
  return {
    name: table.label,
    rows: rowCount,
    geometry: typeof types === "string" ? types : null,
    withoutGeometry: rowCount - Number(geometries),
    renamed,
  };
}
