/** How a table that was loaded under a temporary name becomes a CARTO table under its own. */
import { runSql, type SqlResult } from "../api/sql";
import type { Transport } from "../api/transport";
import { SqlError, TableExistsError } from "../errors";
import { ident, literal } from "../sql";
import { quoted, type TableName } from "./table-name";

type Run = (sql: string) => Promise<SqlResult>;

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

/** Drops what a failed call leaves. Whoever cannot even do that has another error to report. */
export async function dropTemporary(transport: Transport, table: TableName): Promise<void> {
  await runSql(transport, `DROP TABLE IF EXISTS ${quoted(table)}`).catch(() => {});
}

/** @throws TableExistsError if a relation of that name can be seen */
export async function refuseExisting(
  transport: Transport,
  table: TableName,
  signal?: AbortSignal,
): Promise<void> {
  const probe = `SELECT to_regclass(${literal(quoted(table))}) IS NOT NULL AS found`;
  const { rows } = await runSql(transport, probe, { signal, repeatable: true });
  if (rows[0]?.found === true) throw tableExistsError(table);
}

/**
 * Makes the loaded table a CARTO table and gives it its name; until then the table of that name is there.
 * @returns the transactions that the table shows, as a `Baseline` has them
 */
export async function register(
  run: Run,
  temporary: TableName,
  table: TableName,
  overwrite: boolean,
): Promise<string> {
  const relation = `${literal(quoted(temporary))}::regclass`;
  const schema = temporary.schema === undefined ? "" : `${literal(temporary.schema)}, `;
  await run(`SELECT CDB_CartodbfyTable(${schema}${relation})`);
  const { rows } = await run(swap(temporary, table, overwrite));
  return String(rows.at(-1)!.snapshot);
}

/** What went wrong while a table was registered, in words. */
export function explainRegistering(error: unknown, table: TableName): unknown {
  return nameTaken(error, table.table) ? tableExistsError(table) : explain(error, table);
}

function tableExistsError(table: TableName): TableExistsError {
  return new TableExistsError(
    `Table "${table.label}" already exists. Pass { overwrite: true } to replace it.`,
  );
}

/**
 * One transaction that puts the loaded table in the place of its name; several statements are one already. It answers
 * which transactions the table shows.
 */
function swap(temporary: TableName, table: TableName, overwrite: boolean): string {
  const { schema } = table;
  const moved = quoted({ schema, table: temporary.table });
  const inSchema = (name: string) => quoted({ schema, table: name });
  const renames = NAMED_AFTER_TABLE.map(([kind, suffix]) => {
    const to = table.table.slice(0, MAX_NAME_BYTES - suffix.length) + suffix; // table names are ASCII
    return `IF to_regclass(${literal(inSchema(to))}) IS NULL THEN ALTER ${kind} IF EXISTS ${inSchema(temporary.table + suffix)} RENAME TO ${ident(to)}; END IF;`;
  });
  return [
    ...(overwrite ? [`DROP TABLE IF EXISTS ${quoted(table)}`] : []),
    ...(schema === undefined || schema === temporary.schema
      ? []
      : [`ALTER TABLE ${quoted(temporary)} SET SCHEMA ${ident(schema)}`]),
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
      `Table "${table.label}" was not replaced, because views or other objects depend on it; it is as it was. ` +
        "Drop them first, or write under another name.",
      { ...error, hint: undefined },
      { cause: error },
    );
  }
  return error;
}
