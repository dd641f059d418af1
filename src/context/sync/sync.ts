import type { DataFrame } from "danfojs-node";
import { StatementStopped } from "../../api/errors";
import { copyFrom, copyTo, runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { ConflictError, InvalidArgumentError, ServerError, SqlError } from "../../errors";
import {
  CopyFormatError,
  columnsForTable,
  compareCopy,
  type Differences,
  encodeCopy,
  encodeDifferences,
  type FrameToFit,
  type WriteColumn,
} from "../../frame";
import type { Progress } from "../../kernel/progress";
import { ident } from "../../sql";
import type { Baseline } from "../tables/baselines";
import { quoted, type TableName, temporaryTable } from "../tables/table-name";
import { describeTable, flatteningsOf, type TargetColumn } from "../tables/target-table";
import { dropTemporary, NO_EFFECT } from "../write/new-table";
import type { AppendOptions } from "../write/write";
import { applyByJob } from "./sync-job";
import { applySql, REFUSAL, type SyncColumn, storedSql, syncColumn } from "./sync-sql";

export interface SyncOptions extends AppendOptions {
  /** Name in the frame of the column, or columns, that identify a row. @default "cartodb_id" */
  readonly key?: string | readonly string[];
  /** Overwrites changes that others made after the table was read. @default false */
  readonly force?: boolean;
}

/** Numbers of rows that `cc.sync` changed in a table and left unchanged. */
export interface SyncResult {
  /** Number of rows that were added to the table. */
  readonly inserted: number;
  /** Number of rows that were changed. */
  readonly updated: number;
  /** Number of rows that were deleted because the frame does not have their key. */
  readonly deleted: number;
  /** Number of rows that were equal in table and frame. */
  readonly unchanged: number;
}

export interface SyncReport {
  readonly result: SyncResult;
  /** Columns that were added to the table. */
  readonly added: readonly string[];
  readonly warnings: readonly string[];
  /** State of the table after the sync. */
  readonly baseline: Baseline;
}

const CARTODB_ID = "cartodb_id";

/** Tables and frames with at least this many rows are compared in the client, and only differences are uploaded. */
const COMPARED_FROM_ROWS = 20_000;
/** With `force`, maximum number of attempts if others change the table between comparing and applying. */
const MAX_ATTEMPTS = 5;

/** Types whose values are equal in JavaScript exactly if they are equal in PostgreSQL. */
const SAME_IN_BOTH = new Set("bool int2 int4 int8 text varchar".split(" "));
/** Types that cannot be a key. */
const NO_KEY = new Set("geometry geography json jsonb".split(" "));

interface Sync extends SyncOptions {
  readonly progress: Progress;
  /** State of the table when the frame was equal to it. */
  readonly baseline?: Baseline;
}

/**
 * Makes a table equal to a frame by inserting, updating and deleting the rows that differ. The frame is uploaded to a
 * temporary table; one transaction compares and applies. If it fails, the table is unchanged.
 */
export async function syncFrame(
  transport: Transport,
  frame: DataFrame,
  table: TableName,
  options: Sync,
  attempts = MAX_ATTEMPTS,
): Promise<SyncReport> {
  const { signal, progress, force = false } = options;
  const before = await describeTable(transport, table, { call: "sync", signal });
  const baseline = options.baseline ?? before.baseline;
  if (baseline.partial) {
    throw new InvalidArgumentError(
      `This frame has only some rows of "${table.label}", because it was read with a limit. A sync would delete all others. ` +
        "Read the whole table, or change single rows with cc.query.",
    );
  }
  const fitted = await columnsForTable(frame, before.targets, options);
  const { rowCount, warnings } = fitted;
  const keys = keyColumns(fitted.columns, options.key, table);
  const newKey = await checkKeys(keys, signal);
  const isKey = new Set<FrameToFit["columns"][number]>(keys);
  const columns = [...keys, ...fitted.columns.filter((column) => !isKey.has(column))];
  const sides = columns.map(({ column, target }) => syncColumn(column, target as TargetColumn));
  const upload: Upload = {
    table: await temporaryTable({ transport, signal }),
    columns: columns.map(({ column }) => column),
    sides,
    keyCount: keys.length,
    rowCount,
  };
  const added = sides.flatMap((side) => (side.added === undefined ? [] : [side.name]));
  const report = { added, warnings: [...warnings, ...flatteningsOf(columns)] };
  const keysAreChecked = keys.every(({ target }) => SAME_IN_BOTH.has(target.pgtype));
  const differences =
    keysAreChecked && Math.min(rowCount, before.baseline.rowCount) >= COMPARED_FROM_ROWS
      ? await compare(transport, table, upload, options)
      : undefined;
  const differing = differences && differences.rows.length + differences.gone.length;
  if (differing === 0 && added.length === 0) {
    const result = { inserted: 0, updated: 0, deleted: 0, unchanged: rowCount };
    return { ...report, result, baseline: before.baseline };
  }
  const request = {
    table: quoted(table),
    uploaded: quoted(upload.table),
    differences: quoted(await temporaryTable({ transport, signal })),
    rowCount: differing ?? rowCount,
    marker: differences && ident(markerOf(upload)),
    columns: sides,
    keys: sides.slice(0, keys.length),
    newKey,
    sequence: keys.length === 1 ? keys[0]?.target.sequence : undefined,
    keysAreChecked,
    keysAreNullable: keys.some(({ target }) => target.nullable),
    baseline: !force ? baseline : differences && before.baseline, // the rows that were compared must be unchanged
  };
  const apply = async () => {
    await send(transport, upload, differences, options);
    progress.update({ done: rowCount, total: rowCount, unit: "rows", note: "applying" });
    const effect = `Table "${table.label}" is either unchanged or equal to the frame. Check before you run it again.`;
    return runSql(transport, applySql(request), { signal, effect }).catch((error) => {
      if (!(error.cause instanceof StatementStopped)) throw error;
      return applyByJob(transport, request, upload.table, options);
    });
  };
  try {
    const { rows } = await apply().catch((error) => {
      if (refusalIn(error)?.kind !== "lost") throw error;
      return apply(); // the database was restarted
    });
    const { inserted, updated, deleted, own, snapshot } = rows.at(-1) as Record<string, unknown>;
    const counts = { inserted: Number(inserted), updated: Number(updated), deleted: Number(deleted) };
    return {
      ...report,
      result: { ...counts, unchanged: rowCount - counts.inserted - counts.updated },
      baseline: {
        table: quoted(table),
        snapshot: String(snapshot),
        ownTransaction: String(own),
        rowCount,
      },
    };
  } catch (error) {
    await dropTemporary(transport, upload.table);
    if (force && attempts > 1 && refusalIn(error)?.kind === "conflict") {
      return syncFrame(transport, frame, table, options, attempts - 1);
    }
    throw explain(error, table, keys, options.baseline !== undefined);
  }
}

type KeyColumn = FrameToFit["columns"][number] & {
  readonly column: { readonly values: ArrayLike<unknown> };
  readonly target: TargetColumn;
};

function keyColumns(columns: FrameToFit["columns"], key: SyncOptions["key"], table: TableName): KeyColumn[] {
  const names = key === undefined ? [CARTODB_ID] : typeof key === "string" ? [key] : [...key];
  if (names.length === 0 || names.some((name) => typeof name !== "string"))
    throw new InvalidArgumentError(
      '`key` must be the name of a column, or a list of names, such as "id" or ["year", "code"].',
    );
  return names.map((name) => {
    const found =
      columns.find(({ from }) => from === name) ?? columns.find(({ column }) => column.name === name);
    const where = found === undefined ? "frame" : "table";
    if (found?.target === undefined) {
      throw new InvalidArgumentError(
        key === undefined
          ? `The ${where} has no column ${CARTODB_ID}. Pass \`key\`: the column, or columns, that identify a row.`
          : `The ${where} has no column "${name}", which is the key. Columns of the frame: ${columns.map(({ from }) => `"${from}"`).join(", ") || "no columns"}.`,
      );
    }
    const { target, column } = found;
    if (NO_KEY.has(target.pgtype) || target.pgtype.startsWith("_") || !("values" in column)) {
      throw new InvalidArgumentError(
        `Column "${name}" of "${table.label}" has the type ${target.type}, which cannot be a key.`,
      );
    }
    return found as KeyColumn;
  });
}

/**
 * Checks the keys of the frame.
 * @returns SQL for the keys of rows without one, if there are any
 * @throws InvalidArgumentError for a duplicate key, and for a missing one if the database does not number the rows
 */
async function checkKeys(keys: readonly KeyColumn[], signal?: AbortSignal): Promise<string | undefined> {
  const [firstKey] = keys;
  const rowCount = firstKey?.column.values.length ?? 0;
  const name = keys.map(({ from }) => `"${from}"`).join(", ");
  const fallback = keys.length === 1 ? firstKey?.target.fallback : undefined;
  if (firstKey && keys.length === 1 && isRising(firstKey.column.values)) return undefined;
  const rows = new Map<unknown, number>();
  let hasNew = false;
  for (let row = 0; row < rowCount; row++) {
    if (row % 16_384 === 0) {
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    }
    const values = keys.map(({ column }) => keyValue(column.values[row]));
    if (values.includes(null)) {
      if (fallback === undefined) {
        throw new InvalidArgumentError(
          `Row ${row} (counted from 0) has no value in the key ${name}, and the table does not generate one. ` +
            "Fill it in, or choose another key.",
        );
      }
      hasNew = true;
      continue;
    }
    const value = values.length === 1 ? values[0] : JSON.stringify(values);
    const first = rows.get(value);
    if (first !== undefined) {
      throw new InvalidArgumentError(
        `Rows ${first} and ${row} (counted from 0) have the same key ${name}: ${values.join(", ")}. ` +
          "Each row needs a unique key. Remove one of the rows, or add columns to the key.",
      );
    }
    rows.set(value, row);
  }
  return hasNew ? fallback : undefined;
}

/** True if the values are rising, which is common, and is found twenty times as fast as duplicates. */
function isRising(values: ArrayLike<unknown>): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (!(typeof value === "number" && value > last)) return false;
    last = value;
  }
  return true;
}

/** Converts a key to a value that is equal exactly if the key is; a missing value to null. */
function keyValue(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value as string | number | boolean;
}

/** The temporary table with rows of the frame. */
interface Upload {
  readonly table: TableName;
  /** Columns, those of the key first. */
  readonly columns: readonly WriteColumn[];
  readonly sides: readonly SyncColumn[];
  readonly keyCount: number;
  readonly rowCount: number;
}

/**
 * Reads the table, which is much faster than writing it, and compares it with the frame. Returns undefined without
 * binary COPY.
 */
async function compare(
  transport: Transport,
  table: TableName,
  { columns, sides, keyCount, rowCount }: Upload,
  { signal, progress }: Sync,
): Promise<Differences | undefined> {
  const copy = `COPY (${storedSql(quoted(table), sides)}) TO STDOUT WITH (FORMAT binary)`;
  const onRows = (done: number) =>
    progress.update({ done: Math.min(done, rowCount), total: rowCount, unit: "rows", note: "comparing" });
  try {
    return await compareCopy(await copyTo(transport, copy, { signal }), columns, keyCount, {
      signal,
      onRows,
    });
  } catch (error) {
    if (error instanceof SqlError || error instanceof CopyFormatError) return undefined;
    throw error;
  }
}

async function send(
  transport: Transport,
  upload: Upload,
  differences: Differences | undefined,
  { signal, progress }: Sync,
): Promise<void> {
  const { columns, sides, keyCount, rowCount } = upload;
  const table = quoted(upload.table);
  const marker = ident(markerOf(upload));
  const definitions = sides.map((side) => `${ident(side.name)} ${side.uploaded}`);
  if (differences) definitions.push(`${marker} boolean`);
  const create = `CREATE UNLOGGED TABLE ${table} (${definitions.join(", ")})`;
  const options = { signal, effect: NO_EFFECT };
  await runSql(transport, `DROP TABLE IF EXISTS ${table}; ${create}`, options);
  const total = differences ? differences.rows.length + differences.gone.length : rowCount;
  if (total === 0) return;
  const names = [...sides.map((side) => ident(side.name)), ...(differences ? [marker] : [])];
  const copy = `COPY ${table} (${names.join(", ")}) FROM STDIN WITH (FORMAT binary)`;
  const onRows = (done: number) => progress.update({ done, total, unit: "rows" });
  const bytes = () =>
    differences
      ? encodeDifferences(columns, keyCount, differences, { signal, onRows })
      : encodeCopy(columns, { signal, onRows });
  await copyFrom(transport, copy, bytes, options);
}

/** Returns a name that no column has. */
function markerOf({ sides }: Upload): string {
  const names = new Set(sides.map(({ name }) => name));
  let marker = "gone";
  while (names.has(marker)) marker += "_";
  return marker;
}

/** Explains why the database refused the sync. */
function explain(error: unknown, table: TableName, keys: readonly KeyColumn[], wasRead: boolean): unknown {
  const refusal = refusalIn(error);
  if (refusal === undefined) return error;
  const { kind, key, rows, newer, gone, keys: changed } = refusal;
  const name = keys.map(({ column }) => `"${column.name}"`).join(", ");
  const about = `Table "${table.label}"`;
  switch (kind) {
    case "null":
      return new InvalidArgumentError(
        `${about} has ${rows} ${rows === 1 ? "row" : "rows"} without a value in ${name}, which therefore cannot be the key. Choose another key.`,
      );
    case "duplicate":
      return new InvalidArgumentError(
        `${about} has several rows with ${name} = ${key}, which therefore cannot be the key. Choose another key, or add columns to it.`,
      );
    case "duplicate in frame":
      return new InvalidArgumentError(
        `The database treats the keys ${name} of several rows in the frame as equal: ${key}. Each row needs a unique key.`,
      );
    case "lost":
      return new ServerError(
        "The database was restarted during the sync. Nothing was written. Run the call again.",
      );
    case "conflict": {
      const since = wasRead ? "after this frame was last read or written" : "during the sync";
      return new ConflictError(
        `${about} was changed ${since}: ${changesInWords(newer, gone, changed ?? [], name)}. Nothing was written. ` +
          "Read it again and repeat your edits, or pass { force: true } to overwrite these changes.",
      );
    }
  }
}

function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof SqlError)) return undefined;
  const json = new RegExp(`${REFUSAL}(\\{.*\\})`, "s").exec(error.message)?.[1];
  return json === undefined ? undefined : (JSON.parse(json) as Refusal);
}

interface Refusal {
  readonly kind: "lost" | "null" | "duplicate" | "duplicate in frame" | "conflict";
  readonly key: string;
  readonly rows: number;
  /** Number of rows that were added or changed. */
  readonly newer: number;
  /** Number of rows that were deleted or changed. */
  readonly gone: number;
  readonly keys?: readonly string[];
}

function changesInWords(newer: number, gone: number, keys: readonly string[], name: string): string {
  const rows = (count: number) => `${count.toLocaleString("en-US")} ${count === 1 ? "row" : "rows"}`;
  const deleted = `${newer > 0 ? "at least " : ""}${rows(gone - newer)} deleted`;
  const listed = `${name} ${keys.join(", ")}${newer > keys.length ? ", …" : ""}`;
  return [
    ...(newer > 0 ? [`${rows(newer)} changed or added (${listed})`] : []),
    ...(gone > newer ? [deleted] : []),
  ].join(", ");
}
