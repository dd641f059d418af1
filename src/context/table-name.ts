import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { InvalidArgumentError } from "../errors";
import { normalizeTableName } from "../frame";
import { ident, literal } from "../sql";

/** A table as the database knows it. Without a schema it is found along the search path. */
export interface TableName {
  readonly schema?: string;
  readonly table: string;
}

/** The name in SQL. */
export function quoted({ schema, table }: TableName): string {
  return schema === undefined ? ident(table) : `${ident(schema)}.${ident(table)}`;
}

/** The name for people: quoted only where it would be read as something else. */
export function shown({ schema, table }: TableName): string {
  const plain = (part: string) => (/[".]/.test(part) ? ident(part) : part);
  return schema === undefined ? table : `${plain(schema)}.${plain(table)}`;
}

/** What users may write instead of a bare name: `schema.table`, each part quoted as in SQL or not. */
const QUALIFIED = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/s;

/** A name as `schema.table` or `"quoted"`; undefined for one that can only be meant as it is. */
function parsed(name: string): TableName | undefined {
  const [, schema, table] = /[".]/.test(name) ? (QUALIFIED.exec(name) ?? []) : [];
  if (table === undefined) return undefined;
  return { ...(schema !== undefined && { schema: unquoted(schema) }), table: unquoted(table) };
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
  if (other === undefined) return { table: name };
  const found = await lookUp({ table: name }, other, lookup);
  return !found.asIs && (found.asOther || (found.schema && other.schema !== undefined))
    ? other
    : { table: name };
}

/**
 * The name that a new table gets: CARTO's form of it, in the schema that it names if there is one.
 */
export async function newTableNamed(name: string, lookup: Lookup): Promise<TableName> {
  const other = parsed(checked(name));
  if (other === undefined) return { table: normalizeTableName(name) };
  if (other.schema === undefined) return { table: normalizeTableName(other.table) };
  const { schema } = await lookUp({ table: name }, other, lookup);
  return schema
    ? { schema: other.schema, table: normalizeTableName(other.table) }
    : { table: normalizeTableName(name) };
}

async function lookUp(
  asIs: TableName,
  other: TableName,
  { transport, signal }: Lookup,
): Promise<{ asIs: boolean; asOther: boolean; schema: boolean }> {
  const exists = (name: TableName) => `to_regclass(${literal(quoted(name))}) IS NOT NULL`;
  const schema =
    other.schema === undefined ? "false" : `to_regnamespace(${literal(ident(other.schema))}) IS NOT NULL`;
  const { rows } = await runSql(
    transport,
    `SELECT ${exists(asIs)} AS as_is, ${exists(other)} AS as_other, ${schema} AS has_schema`,
    { signal, repeatable: true },
  );
  const [found = {}] = rows;
  return {
    asIs: found.as_is === true,
    asOther: found.as_other === true,
    schema: found.has_schema === true,
  };
}

function checked(name: unknown): string {
  if (typeof name !== "string" || name === "") throw new InvalidArgumentError("The table's name is missing.");
  if (name.includes("\0"))
    throw new InvalidArgumentError("The table's name contains U+0000, which no name can.");
  return name;
}
