/** Registers a table that was loaded under a temporary name as a CARTO table, and gives it its name. */
import { type RunOptions, runSql, type SqlResult } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { SqlError, TableExistsError, TableNotFoundError } from "../../errors";
import { ident, literal } from "../../sql";
import { quoted, type TableName } from "../tables/table-name";

/** Runs SQL for a call. */
export type Run = (sql: string, options?: Pick<RunOptions, "effect">) => Promise<SqlResult>;

/** Effect of a request that only touches a temporary table, for error messages. */
export const NO_EFFECT = "No table was changed. Run it again.";

/** Objects that CDB_CartodbfyTable names after the table. They are renamed with it. */
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

/** Drops a temporary table after a failed call. Errors are ignored, because the caller reports the first one. */
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
      ? new TableNotFoundError(`No table is named "${asked}". List the tables with \`await cc.tables()\`.`, {
          table: asked,
        })
      : error;
  });
}

/** @throws TableExistsError if a relation with that name is visible */
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
 * Registers the loaded table as a CARTO table and gives it its name. An existing table is kept until then.
 * @returns the transactions that the table shows, for a `Baseline`
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

export function registerSql(table: TableName): string {
  const schema = table.schema === undefined ? "" : `${literal(table.schema)}, `;
  return `SELECT CDB_CartodbfyTable(${schema}${literal(quoted(table))}::regclass)`;
}

/** Gives a CARTO table its name. @returns the transactions that the table shows, for a `Baseline` */
export async function giveName(
  run: Run,
  temporary: TableName,
  table: TableName,
  overwrite: boolean,
): Promise<string> {
  const effect = overwrite
    ? `Table "${table.label}" is either unchanged or completely replaced. Check before you run it again.`
    : `Table "${table.label}" either exists completely or not at all. Check before you run it again.`;
  const { rows } = await run(swapSql(temporary, table, overwrite), { effect });
  return String(rows.at(-1)?.snapshot);
}

/** Explains an error that occurred while a table was registered. */
export function explainRegistering(error: unknown, table: TableName): unknown {
  return nameTaken(error, table.table) ? tableExistsError(table) : explain(error, table);
}

function tableExistsError(table: TableName): TableExistsError {
  return new TableExistsError(
    `Table "${table.label}" already exists. Pass { overwrite: true } to replace it.`,
  );
}

/**
 * SQL that gives the loaded table its name, and returns the transactions that the table shows. Several statements in one
 * request are one transaction.
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

/**
 * Locks the name. Otherwise two calls with the same name would meet in PostgreSQL's catalog, and the second would
 * fail.
 */
function oneAtATime(table: TableName): string {
  const key = `hashtext(${literal(`cartoframes ${table.table}`)})`;
  return `DO ${literal(`BEGIN PERFORM pg_advisory_xact_lock(${key}); END`)}`;
}

/**
 * SQL that grants the privileges on the old table for the new one: a public table stays public, a shared one shared.
 */
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
      `Table "${table.label}" cannot be replaced, because views or other objects depend on it. It is unchanged. ` +
        "Drop these first, or write to another name.",
      { ...error, hint: undefined },
      { cause: error },
    );
  }
  return error;
}
