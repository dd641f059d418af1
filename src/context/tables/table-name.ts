import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { normalizeTableName } from "../../frame";
import { ident, literal, temporaryName } from "../../sql";
import { type Account, accountOf, COMMON_SCHEMA } from "../connection/account";

/** A table as the database knows it. */
export interface TableName {
  /** Absent for the schema that is common, where the search path finds it. */
  readonly schema?: string;
  readonly table: string;
  /** How people call it: without the schema that is the account's own. */
  readonly label: string;
}

/** The name in SQL. */
export function quoted({ schema, table }: Pick<TableName, "schema" | "table">): string {
  return schema === undefined ? ident(table) : `${ident(schema)}.${ident(table)}`;
}

/** What users may write instead of a bare name: `schema.table`, each part quoted as in SQL or not. */
const QUALIFIED = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/s;

interface Parts {
  readonly schema?: string;
  readonly table: string;
}

/** A name as `schema.table` or `"quoted"`; undefined for one that can only be meant as it is. */
function parsed(name: string): Parts | undefined {
  const [, schema, table] = /[".]/.test(name) ? (QUALIFIED.exec(name) ?? []) : [];
  if (table === undefined) return undefined;
  return { ...(schema !== undefined && { schema: unquoted(schema) }), table: unquoted(table) };
}

/** A table of the account's own schema. */
function own({ schema }: Account, table: string): TableName {
  return { ...(schema !== COMMON_SCHEMA && { schema }), table, label: table };
}

function inSchema(schema: string, table: string): TableName {
  const plain = (part: string) => (/[".]/.test(part) ? ident(part) : part);
  return { schema, table, label: `${plain(schema)}.${plain(table)}` };
}

function unquoted(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}

interface Lookup {
  readonly transport: Transport;
  readonly signal?: AbortSignal;
}

/**
 * The table that `name` means. A name is meant as it is, letter case included; where there is no such table,
 * `schema.table` is a table of a schema that exists, and quotes are SQL's. Only a name with a dot or a quote in it
 * has to be looked up.
 */
export async function tableNamed(name: string, lookup: Lookup): Promise<TableName> {
  const other = parsed(checked(name));
  const account = await accountOf(lookup.transport, lookup.signal);
  const asIs = own(account, name);
  if (other === undefined) return asIs;
  const meant = other.schema === undefined ? own(account, other.table) : inSchema(other.schema, other.table);
  const found = await lookUp(asIs, meant, lookup);
  return !found.asIs && (found.asMeant || (found.schema && other.schema !== undefined)) ? meant : asIs;
}

/** The name that a new table gets: CARTO's form of it, in the schema that it names if there is one. */
export async function newTableNamed(name: string, lookup: Lookup): Promise<TableName> {
  const other = parsed(checked(name));
  const account = await accountOf(lookup.transport, lookup.signal);
  if (other?.schema === undefined) return own(account, normalizeTableName(other?.table ?? name));
  const meant = inSchema(other.schema, normalizeTableName(other.table));
  const { schema } = await lookUp(own(account, name), meant, lookup);
  return schema ? meant : own(account, normalizeTableName(name));
}

/** A name for a table that is loaded before it takes its place, see TEMPORARY_TABLE. */
export async function temporaryTable(lookup: Lookup): Promise<TableName> {
  const account = await accountOf(lookup.transport, lookup.signal);
  return own(account, temporaryName());
}

async function lookUp(
  asIs: TableName,
  meant: TableName,
  { transport, signal }: Lookup,
): Promise<{ asIs: boolean; asMeant: boolean; schema: boolean }> {
  const exists = (name: TableName) => `to_regclass(${literal(quoted(name))}) IS NOT NULL`;
  const schema =
    meant.schema === undefined ? "false" : `to_regnamespace(${literal(ident(meant.schema))}) IS NOT NULL`;
  const { rows } = await runSql(
    transport,
    `SELECT ${exists(asIs)} AS as_is, ${exists(meant)} AS as_meant, ${schema} AS has_schema`,
    { signal, repeatable: true },
  );
  const [found = {}] = rows;
  return {
    asIs: found.as_is === true,
    asMeant: found.as_meant === true,
    schema: found.has_schema === true,
  };
}

function checked(name: unknown): string {
  if (typeof name !== "string" || name === "") throw new InvalidArgumentError("The table's name is missing.");
  if (name.includes("\0"))
    throw new InvalidArgumentError("The table's name contains U+0000, which no name can.");
  return name;
}
