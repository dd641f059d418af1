/** How a table that was loaded under a temporary name becomes a CARTO table under its own. */
import { type RunOptions, runSql, type SqlResult } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { SqlError, TableExistsError, TableNotFoundError } from "../../errors";
import { ident, literal } from "../../sql";
import { quoted, type TableName } from "../tables/table-name";

type Run = (sql: string, options?: Pick<RunOptions, "effect">) => Promise<SqlResult>;

/** The effect of a request that only touches a temporary table. */
export const NO_EFFECT = "No table was changed: run it again.";

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

/** @throws TableNotFoundError if it does not exist, with the name as the user wrote it: `asked` */
export async function dropTable(
  transport: Transport,
  table: TableName,
  asked: string,
  signal?: AbortSignal,
): Promise<void> {
  await runSql(transport, `DROP TABLE ${quoted(table)}`, { signal }).catch((error: Error) => {
    throw /^table .* does not exist$/s.test(error.message)
      ? new TableNotFoundError(`There is no table "${asked}". See await cc.tables().`, { table: asked })
      : error;
  });
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
  await run(registerSql(temporary), { effect: NO_EFFECT });
  return giveName(run, temporary, table, overwrite);
}

/** Makes a table a CARTO table. */
export function registerSql(table: TableName): string {
  const schema = table.schema === undefined ? "" : `${literal(table.schema)}, `;
  return `SELECT CDB_CartodbfyTable(${schema}${literal(quoted(table))}::regclass)`;
}

/** Gives a CARTO table its name. @returns what `register` returns */
export async function giveName(
  run: Run,
  temporary: TableName,
  table: TableName,
  overwrite: boolean,
): Promise<string> {
  const effect = overwrite
    ? `Table "${table.label}" is as it was or replaced, either as a whole: look before you run it again.`
    : `Table "${table.label}" is there as a whole, or not at all: look before you run it again.`;
  const { rows } = await run(swapSql(temporary, table, overwrite), { effect });
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
export function swapSql(temporary: TableName, table: TableName, overwrite: boolean): string {
  const { schema } = table;
  const moved = quoted({ schema, table: temporary.table });
  const inSchema = (name: string) => quoted({ schema, table: name });
  const renames = NAMED_AFTER_TABLE.map(([kind, suffix]) => {
    const to = table.table.slice(0, MAX_NAME_BYTES - suffix.length) + suffix; // table names are ASCII
    return `IF to_regclass(${literal(inSchema(to))}) IS NULL THEN ALTER ${kind} IF EXISTS ${inSchema(temporary.table + suffix)} RENAME TO ${ident(to)}; END IF;`;
  });
  return [
    oneAtATime(table),
    ...(overwrite ? [copyRights(table, temporary), `DROP TABLE IF EXISTS ${quoted(table)}`] : []),
    ...(schema === undefined || schema === temporary.schema
      ? []
      : [`ALTER TABLE ${quoted(temporary)} SET SCHEMA ${ident(schema)}`]),
    `ALTER TABLE ${moved} RENAME TO ${ident(table.table)}`,
    `DO ${literal(`BEGIN ${renames.join(" ")} END`)}`,
    `DO ${literal(`BEGIN PERFORM CDB_TableMetadataTouch(${literal(quoted(table))}::regclass); END`)}`,
    "SELECT txid_current_snapshot()::text AS snapshot",
  ].join(";\n");
}

/** Two that give the same name at once would otherwise meet in PostgreSQL's catalogue, where the second one fails. */
function oneAtATime(table: TableName): string {
  const key = `hashtext(${literal(`cartoframes ${table.table}`)})`;
  return `DO ${literal(`BEGIN PERFORM pg_advisory_xact_lock(${key}); END`)}`;
}

/** Who may do what with the old table may with the new one: so a public table stays public, a shared one shared. */
function copyRights(from: TableName, to: TableName): string {
  return `DO ${literal(`DECLARE granted record;
BEGIN
  FOR granted IN
    SELECT rights.privilege_type, rights.is_grantable,
      CASE rights.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(rights.grantee)) END AS grantee
    FROM pg_class c CROSS JOIN aclexplode(c.relacl) rights
    WHERE c.oid = to_regclass(${literal(quoted(from))}) AND rights.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT %s ON TABLE %s TO %s%s', granted.privilege_type, ${literal(quoted(to))}, granted.grantee,
      CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END`)}`;
}

function nameTaken(error: unknown, table: string): boolean {
  if (!(error instanceof SqlError)) return false;
  if (/unique constraint "pg_(class_relname|type_typname)_nsp_index"/.test(error.message)) return true;
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
