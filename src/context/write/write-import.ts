/**
 * Writes through CARTO's Import API, for what only that supports: guessing types and places, and collision
 * strategies.
 */
import { createGzip } from "node:zlib";
import { cancelImport, finishedImport, type ImportParameters, startImport } from "../../api/imports";
import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, SqlError } from "../../errors";
import { columnType, encodeCsv, type WriteColumn } from "../../frame";
import type { Progress } from "../../kernel/progress";
import { ident } from "../../sql";
import { quoted, type TableName, temporaryTable } from "../tables/table-name";
import { dropTemporary, giveName } from "./new-table";

/** Options of `cc.write` that use CARTO's Import API. With any of them, the rows are sent as a CSV file. */
export interface ImportWriteOptions {
  /**
   * Makes the server guess types, coordinates and dates from the texts.
   * @default false, which keeps the types of the frame
   */
  readonly typeGuessing?: boolean;
  /** With `typeGuessing`, guesses also from texts in quotes. @default true */
  readonly quotedFieldsGuessing?: boolean;
  /**
   * Makes geometries from names of countries, regions and cities, and from IP addresses, if the frame has none.
   * @default false
   */
  readonly contentGuessing?: boolean;
  /**
   * Handling of an existing table: "skip" keeps it; "overwrite" replaces its rows if all of its columns are in the frame,
   * and keeps its views. @default an existing table is an error
   */
  readonly collisionStrategy?: "skip" | "overwrite";
  /** Compresses the upload. @default no compression */
  readonly compression?: "gzip";
}

export function needsImport(options: ImportWriteOptions): boolean {
  return IMPORT_OPTION_NAMES.some((name) => options[name] !== undefined);
}

const isBoolean = (value: unknown) => typeof value === "boolean";

const IMPORT_OPTIONS = {
  typeGuessing: [isBoolean, "true or false"],
  quotedFieldsGuessing: [isBoolean, "true or false"],
  contentGuessing: [isBoolean, "true or false"],
  collisionStrategy: [(value) => value === "skip" || value === "overwrite", '"skip" or "overwrite"'],
  compression: [(value) => value === "gzip", '"gzip"'],
} as const satisfies Record<keyof ImportWriteOptions, [(value: unknown) => boolean, string]>;

export const IMPORT_OPTION_NAMES = Object.keys(IMPORT_OPTIONS) as (keyof ImportWriteOptions)[];

/** @throws InvalidArgumentError for an option with an invalid value */
export function checkImportOptions(options: ImportWriteOptions & { readonly overwrite?: boolean }): void {
  for (const [name, [isFit, expected]] of Object.entries(IMPORT_OPTIONS)) {
    const value = options[name as keyof ImportWriteOptions];
    if (value !== undefined && !isFit(value))
      throw new InvalidArgumentError(`\`${name}\` must be ${expected}; got ${JSON.stringify(value)}.`);
  }
  if (options.overwrite && options.collisionStrategy !== undefined)
    throw new InvalidArgumentError("Pass either `overwrite` or `collisionStrategy`, not both.");
}

interface ImportWrite extends ImportWriteOptions {
  readonly overwrite: boolean;
  readonly privacy?: string;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

export interface Imported {
  /** The new table; undefined if an existing one was kept. */
  readonly table?: TableName;
  /** The transactions that the table shows, if known. */
  readonly snapshot?: string;
  readonly warnings: readonly string[];
}

/**
 * Streams the columns as a CSV file to the Import API. The table is imported under a temporary name and then renamed, so
 * that an existing one is kept until the end. With `collisionStrategy`, the server gives the name.
 */
export async function importColumns(
  transport: Transport,
  columns: readonly WriteColumn[],
  rowCount: number,
  table: TableName,
  options: ImportWrite,
): Promise<Imported> {
  const { collisionStrategy, overwrite, privacy, signal, progress } = options;
  const byServer = collisionStrategy !== undefined;
  const temporary = await temporaryTable({ transport, signal });
  const file = `${byServer ? table.table : temporary.table}.csv${options.compression === "gzip" ? ".gz" : ""}`;
  const onRows = (done: number) => progress.update({ done, total: rowCount, unit: "rows" });
  const csv = () => encodeCsv(columns, rowCount, { signal, onRows });
  const bytes = options.compression === "gzip" ? () => gzipped(csv()) : csv;
  const id = await startImport(
    transport,
    { name: file, bytes },
    { ...parametersOf(options), privacy, signal },
  );
  try {
    const onState = (state: string) =>
      progress.update({ done: rowCount, total: rowCount, unit: "rows", note: state });
    const {
      tables: [imported],
    } = await finishedImport(transport, id, { signal, onState });
    if (imported === undefined) return { warnings: [] };
    const { name } = imported;
    const made = { ...temporary, table: name, label: name };
    const warnings = options.typeGuessing ? [] : await giveTypes(transport, made, columns, signal);
    if (byServer) return { table: made, warnings };
    const run: Parameters<typeof giveName>[0] = (sql, known) => runSql(transport, sql, { signal, ...known });
    return { table, snapshot: await giveName(run, made, table, overwrite), warnings };
  } catch (error) {
    if (!byServer) await abandonImport(transport, id);
    throw error;
  }
}

function parametersOf(options: ImportWrite): ImportParameters {
  const { typeGuessing = false, quotedFieldsGuessing, contentGuessing, collisionStrategy } = options;
  return { typeGuessing, quotedFieldsGuessing, contentGuessing, collisionStrategy };
}

/** Stops an import that the caller gave up, and drops its tables. An account's import cannot be stopped: its tables are dropped later. */
export async function abandonImport(transport: Transport, id: string): Promise<void> {
  const { kind } = await transport.endpoint();
  if (kind === "local") await cancelImport(transport, id).catch(() => {});
  const dropped = finishedImport(transport, id, { keepsRunning: false })
    .catch(() => ({ tables: [] }))
    .then(async ({ tables }) => {
      for (const { name } of tables) await dropTemporary(transport, { table: name, label: name });
    });
  if (kind === "local") await dropped;
}

async function* gzipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gzip = createGzip();
  const fill = async () => {
    for await (const chunk of bytes) {
      if (!gzip.write(chunk)) await new Promise((resolve) => gzip.once("drain", resolve));
    }
    gzip.end();
  };
  fill().catch((error) => gzip.destroy(error));
  try {
    yield* gzip as AsyncIterable<Uint8Array>;
  } finally {
    gzip.destroy();
  }
}

/** Columns that the import creates. */
const MADE_BY_IMPORT = new Set(["cartodb_id", "the_geom", "the_geom_webmercator"]);

/** Converts the columns, which are text after the import, to their types in the frame. @returns warnings */
async function giveTypes(
  transport: Transport,
  table: TableName,
  columns: readonly WriteColumn[],
  signal?: AbortSignal,
): Promise<string[]> {
  const typed = columns.filter(({ name, pgtype }) => pgtype !== "text" && !MADE_BY_IMPORT.has(name));
  if (typed.length === 0) return [];
  const changes = typed.map((column) => {
    const name = ident(column.name);
    const type = columnType(column);
    return `ALTER COLUMN ${name} TYPE ${type} USING nullif(${name}::text, '')::${type}`;
  });
  try {
    await runSql(transport, `ALTER TABLE ${quoted(table)} ${changes.join(", ")}`, { signal });
    return [];
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return [
      `The rows were imported, but their columns could not be converted to the types of the frame and are text: ${error.message}`,
    ];
  }
}
