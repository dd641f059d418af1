/** Appends the rows of a frame to an existing table. */
import type { DataFrame } from "danfojs-node";
import { copyFrom, runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError, SqlError, TableNotFoundError } from "../../errors";
import { columnsForTable, encodeCopy, type FrameToFit, type FromFrameOptions } from "../../frame";
import { latLngColumns } from "../../geo";
import type { Progress } from "../../kernel/progress";
import { ident, literal } from "../../sql";
import { newTableNamed, quoted, type TableName, tableNamed, temporaryTable } from "../tables/table-name";
import {
  advanceSequence,
  describeTable,
  flatteningsOf,
  ISO_SETTINGS,
  type TargetColumn,
  uploadedType,
  valueIn,
} from "../tables/target-table";
import { dropTemporary, NO_EFFECT } from "./new-table";

export interface AppendReport {
  readonly table: TableName;
  readonly rowCount: number;
  readonly hasGeometry: boolean;
  readonly renamed: FrameToFit["renamed"];
  readonly warnings: readonly string[];
  /** Columns of the frame whose names are those of coordinates, if the rows get no geometry in a table that has one. */
  readonly coordinates?: { readonly lng: string; readonly lat: string };
  readonly isAppended: true;
}

interface Append extends FromFrameOptions {
  readonly progress: Progress;
}

/** A column of the frame and the column of the table that it goes to. */
type FittedColumn = FrameToFit["columns"][number] & { readonly target: TargetColumn };

const GEOM = "the_geom";

/**
 * Uploads the rows to a temporary table, and inserts them from there in one transaction: the table gets all of them, or
 * stays as it is.
 * @throws TableNotFoundError if the table does not exist
 * @throws InvalidArgumentError if a column of the frame is not in the table, or a value does not fit its column
 */
export async function appendFrame(
  transport: Transport,
  frame: DataFrame,
  tableName: string,
  options: Append,
): Promise<AppendReport> {
  const { signal } = options;
  const { table, targets } = await existingTable(transport, tableName, signal);
  const { columns, rowCount, warnings } = await columnsForTable(frame, targets, options);
  checkColumns(columns, targets, table);
  if (rowCount > 0) await insert(transport, columns, rowCount, table, options);
  const hasGeometry = targets.some(({ name }) => name === GEOM);
  const isGiven = columns.some(({ column }) => column.name === GEOM);
  return {
    table,
    rowCount,
    hasGeometry,
    renamed: columns.flatMap(({ from, column: { name } }) => (from === name ? [] : [{ from, to: name }])),
    warnings: [...warnings, ...flatteningsOf(columns)],
    ...(hasGeometry && !isGiven && { coordinates: coordinatesIn(columns) }),
    isAppended: true,
  };
}

/** Finds the table by its name, or else by the name that `cc.write` would give it. */
async function existingTable(
  transport: Transport,
  name: string,
  signal?: AbortSignal,
): Promise<{ table: TableName; targets: readonly TargetColumn[] }> {
  const at = async (table: TableName) => ({
    table,
    targets: (await describeTable(transport, table, { call: "append", signal })).targets,
  });
  const asIs = await tableNamed(name, { transport, signal });
  try {
    return await at(asIs);
  } catch (error) {
    const normalized = await newTableNamed(name, { transport, signal });
    if (!(error instanceof TableNotFoundError) || quoted(normalized) === quoted(asIs)) throw error;
    return at(normalized);
  }
}

function checkColumns(
  columns: FrameToFit["columns"],
  targets: readonly TargetColumn[],
  { label }: TableName,
): asserts columns is FittedColumn[] {
  const list = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
  const unknown = columns.filter(({ target }) => target === undefined).map(({ from }) => from);
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `Table "${label}" has no column for ${list(unknown)} of the frame. Columns of the table: ${list(targets.map(({ name }) => name))}. ` +
        `Rename or drop the column in the frame, or add one to the table with ALTER TABLE.`,
    );
  }
  const given = new Set(columns.map(({ column }) => column.name));
  const required = targets.filter(
    ({ name, nullable, fallback, generated }) =>
      !nullable && fallback === undefined && !generated && !given.has(name),
  );
  if (required.length > 0) {
    throw new InvalidArgumentError(
      `The frame has no column ${list(required.map(({ name }) => name))}, which table "${label}" requires: it is NOT NULL and has no default. ` +
        "Add the column to the frame, or give it a default with ALTER TABLE.",
    );
  }
}

async function insert(
  transport: Transport,
  columns: readonly FittedColumn[],
  rowCount: number,
  table: TableName,
  { signal, progress }: Append,
): Promise<void> {
  const temporary = await temporaryTable({ transport, signal });
  const staged = quoted(temporary);
  const definitions = columns.map(
    ({ column, target }) => `${ident(column.name)} ${uploadedType(column, target)}`,
  );
  const names = columns.map(({ column }) => ident(column.name)).join(", ");
  const onRows = (done: number) => progress.update({ done, total: rowCount, unit: "rows" });
  try {
    await runSql(transport, `CREATE TABLE ${staged} (${definitions.join(", ")})`, {
      signal,
      effect: NO_EFFECT,
    });
    await copyFrom(
      transport,
      `COPY ${staged} (${names}) FROM STDIN WITH (FORMAT binary)`,
      () =>
        encodeCopy(
          columns.map(({ column }) => column),
          { signal, onRows },
        ),
      { signal, effect: NO_EFFECT },
    );
    progress.update({ done: rowCount, total: rowCount, unit: "rows", note: "appending" });
    const effect = `Table "${table.label}" has either all new rows or none. Check before you run it again.`;
    await runSql(transport, insertSql(columns, staged, quoted(table)), { signal, effect });
  } catch (error) {
    await dropTemporary(transport, temporary);
    throw explain(error, columns, table);
  }
}

/** SQL of one request, and therefore one transaction, that moves the staged rows to the table. */
function insertSql(columns: readonly FittedColumn[], staged: string, table: string): string {
  const values = columns.map(({ column, target }) => {
    const value = valueIn(column, target, `s.${ident(column.name)}`);
    return target.sequence === undefined ? value : `coalesce(${value}, ${target.fallback})`;
  });
  const advances = columns.flatMap(({ column, target: { sequence } }) =>
    sequence === undefined
      ? []
      : [advanceSequence(sequence, `(SELECT max(${ident(column.name)}) FROM ${staged})`)],
  );
  const names = columns.map(({ column }) => ident(column.name)).join(", ");
  return [
    `DO ${literal(`BEGIN ${[ISO_SETTINGS, ...advances].join("\n")} END`)}`,
    `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values.join(", ")} FROM ${staged} AS s ORDER BY s.ctid`,
    `DROP TABLE ${staged}`,
  ].join(";\n");
}

function coordinatesIn(columns: readonly FittedColumn[]): AppendReport["coordinates"] {
  const at = latLngColumns(columns.map(({ column }) => column.name));
  return at === null ? undefined : { lng: columns[at.lng]!.from, lat: columns[at.lat]!.from };
}

/** SQLSTATE of a unique_violation, and its message, because accounts do not send the SQLSTATE. */
const UNIQUE_VIOLATION = "23505";
const VIOLATES_UNIQUE = /violates unique constraint/;

function explain(error: unknown, columns: readonly FittedColumn[], { label }: TableName): unknown {
  const numbered = columns.find(({ target }) => target.sequence !== undefined)?.from;
  if (!(error instanceof SqlError) || numbered === undefined) return error;
  if (error.sqlState !== UNIQUE_VIOLATION && !VIOLATES_UNIQUE.test(error.message)) return error;
  const hint =
    `Table "${label}" has rows with these values already, and is unchanged. If "${numbered}" is the key, leave it out to have the rows numbered: ` +
    `\`df.drop({ columns: [${JSON.stringify(numbered)}] })\`. To change existing rows, use cc.sync.`;
  return new SqlError(error.message, { ...error, hint }, { cause: error });
}
