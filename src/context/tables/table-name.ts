import { runSql } from "../../api/sql";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { normalizeTableName } from "../../frame";
import { ident, literal, temporaryName } from "../../sql";
import { isGeoJsonText } from "../../values";
import { type Account, accountOf, COMMON_SCHEMA } from "../connection/account";

/** Name of a table in the database. */
export interface TableName {
  /** Absent for the common schema, which is in the search path. */
  readonly schema?: string;
  readonly table: string;
  /** Name for messages, without the account's own schema. */
  readonly label: string;
}

/** Returns the name in SQL. */
export function quoted({ schema, table }: Pick<TableName, "schema" | "table">): string {
  return schema === undefined ? ident(table) : `${ident(schema)}.${ident(table)}`;
}

/** Qualified name that users may write: `schema.table`, with each part quoted as in SQL or not. */
const QUALIFIED = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/s;

interface Parts {
  readonly schema?: string;
  readonly table: string;
}

/** Parses `schema.table` or `"quoted"`. Returns undefined for a name that can only be a bare one. */
function parsed(name: string): Parts | undefined {
  const [, schema, table] = /[".]/.test(name) ? (QUALIFIED.exec(name) ?? []) : [];
  if (table === undefined) return undefined;
  return { ...(schema !== undefined && { schema: unquoted(schema) }), table: unquoted(table) };
}

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

export interface Lookup {
  readonly transport: Transport;
  readonly signal?: AbortSignal;
}

/**
 * Finds the table that `name` refers to. A name is taken literally, including case. If no such table exists,
 * `schema.table` is a table in an existing schema, and quotes are those of SQL. Only a name that contains a dot or a
 * quote has to be looked up.
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

/** Returns the name for a new table: normalized as CARTO does, in the schema of a qualified name if that exists. */
export async function newTableNamed(name: string, lookup: Lookup): Promise<TableName> {
  const other = parsed(checked(name));
  const account = await accountOf(lookup.transport, lookup.signal);
  if (other?.schema === undefined) return own(account, normalizeTableName(other?.table ?? name));
  const meant = inSchema(other.schema, normalizeTableName(other.table));
  const { schema } = await lookUp(own(account, name), meant, lookup);
  return schema ? meant : own(account, normalizeTableName(name));
}

/** Returns a new name for a table that is filled before it gets its own name; see `TEMPORARY_TABLE`. */
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
  if (typeof name !== "string" || name === "")
    throw new InvalidArgumentError("The name of the table is missing. Pass a non-empty string.");
  if (isGeoJsonText(name)) {
    throw new InvalidArgumentError(
      "The table name is GeoJSON as text. Map it with `new Layer(JSON.parse(text))`, or pass the name of a table.",
    );
  }
  if (name.includes("\0")) throw new InvalidArgumentError("The name of a table must not contain U+0000.");
  return name;
}
