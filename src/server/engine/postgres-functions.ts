/** Installs CARTO's SQL functions in a user's database when a statement needs them, if the role has the right. */
import { ident } from "../../sql";
import { FUNCTIONS_MARK, FUNCTIONS_VERSION, functionsSql } from "../sql/functions";
import { DatabaseError } from "./engine";
import type { PostgresSession } from "./postgres-session";
import type { ResultReader } from "./result-reader";

/** Rights for every role, because a trigger runs with the rights of the role that writes. */
const GRANTS_SQL = `
GRANT USAGE ON SCHEMA cartodb TO PUBLIC;
GRANT SELECT ON cartodb.cdb_tablemetadata TO PUBLIC;
`;

/** Only one session installs at a time. The number is "carto" in ASCII. */
const LOCK_SQL = `SELECT pg_catalog.pg_advisory_lock(${0x636172746f})`;
const UNLOCK_SQL = `SELECT pg_catalog.pg_advisory_unlock(${0x636172746f})`;

const STATE_SQL = `
SELECT pg_catalog.current_database(), current_user, n.oid IS NOT NULL,
  pg_catalog.obj_description(n.oid, 'pg_namespace'),
  coalesce(pg_catalog.pg_has_role(n.nspowner, 'USAGE'), false),
  NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = n.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = n.oid),
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
  (SELECT e.extnamespace::regnamespace::name FROM pg_catalog.pg_extension e WHERE e.extname = 'postgis')
FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'cartodb'`;

interface FunctionsState {
  readonly database: string;
  readonly role: string;
  readonly schemaExists: boolean;
  readonly comment: string | null;
  readonly isOwner: boolean;
  readonly isEmpty: boolean;
  readonly mayCreate: boolean;
  readonly postgisSchema: string | null;
}

/** SQLSTATEs: undefined_function, undefined_table, undefined_object, invalid_schema_name. */
const UNDEFINED = new Set(["42883", "42P01", "42704", "3F000"]);

/** The names of the schema and of everything in it, in lower case. */
const NAMES = new Set(
  ["cartodb", ...Array.from(functionsSql().matchAll(/\bcartodb\.(\w+)/g), ([, name = ""]) => name)].map(
    (name) => name.toLowerCase(),
  ),
);

/** True if a statement failed because a function is missing or outdated. */
export function missesFunctions({ code, message }: DatabaseError): boolean {
  return UNDEFINED.has(code) && (message.toLowerCase().match(/\w+/g) ?? []).some((word) => NAMES.has(word));
}

/** True if a statement names something in the schema, which should then be of this version. */
export function mentionsFunctions(sql: string): boolean {
  return /\b(cartodb\s*\.|_?cdb_)/i.test(sql);
}

/**
 * Installs the functions, or replaces those of another version.
 * @param missed error of the statement that needs them; if absent, only another version is replaced
 * @returns a sentence about what was done; empty if nothing had to be done
 * @throws DatabaseError if the functions cannot be installed; its hint says what an administrator can do
 */
export async function provideFunctions(session: PostgresSession, missed?: DatabaseError): Promise<string> {
  await session.run(LOCK_SQL); // another session may be installing them
  try {
    return await provideAlone(session, missed);
  } finally {
    await session.run(UNLOCK_SQL);
  }
}

async function provideAlone(session: PostgresSession, missed?: DatabaseError): Promise<string> {
  const state = await functionsState(session);
  if (state.comment === FUNCTIONS_VERSION) return "";
  const isOurs = state.comment?.startsWith(FUNCTIONS_MARK) ?? false;
  if (!missed && !(isOurs && state.isOwner)) return "";
  const refusal = refusalOf(state, isOurs);
  if (refusal && missed) throw refusal(missed);
  if (refusal) return "";
  const { database, postgisSchema } = state;
  const install = functionsSql(postgisSchema ?? undefined);
  const { error } = await session.run(`${install};${GRANTS_SQL}`);
  if (error) throw error;
  const what = isOurs ? "Updated" : "Installed";
  return `${what} CARTO's SQL functions in schema "cartodb" of database "${database}".`;
}

/** Returns the error to throw if the functions cannot be installed; undefined if they can. */
function refusalOf(
  state: FunctionsState,
  isOurs: boolean,
): ((missed: DatabaseError) => DatabaseError) | undefined {
  const { database, role, schemaExists, isOwner, isEmpty, mayCreate, postgisSchema } = state;
  const because = (message: string, code: string, hint: string) => (missed: DatabaseError) =>
    new DatabaseError(message, { code, hint, detail: missed.message }, { cause: missed });
  const without = "Reading tables, queries and maps work without them.";
  if (schemaExists && !isOurs && !(isOwner && isEmpty)) {
    const hint = `Schema "cartodb" of database "${database}" was not created by cartoframes, so it is left unchanged.`;
    return (missed) => missed.with({ hint });
  }
  if (schemaExists ? !isOwner : !mayCreate) {
    const what = isOurs ? "of this version are not installed" : "are not installed";
    const order = isOurs
      ? `ALTER SCHEMA cartodb OWNER TO ${ident(role)}, or let its owner use this version first`
      : `CREATE SCHEMA cartodb AUTHORIZATION ${ident(role)}`;
    return because(
      `permission denied for database ${database}: CARTO's SQL functions ${what}, and role "${role}" may not create them`,
      "42501",
      `A database administrator can run: ${order}. ${without}`,
    );
  }
  if (postgisSchema === null) {
    return because(
      `CARTO's SQL functions need PostGIS, which database "${database}" does not have`,
      "0A000",
      `A database administrator can run: CREATE EXTENSION postgis. ${without}`,
    );
  }
  return undefined;
}

async function functionsState(session: PostgresSession): Promise<FunctionsState> {
  const { row, error }: ResultReader = await session.run(STATE_SQL);
  if (error) throw error;
  const [database, role, schemaExists, comment, isOwner, isEmpty, mayCreate, postgisSchema] = row;
  return {
    database: database ?? "",
    role: role ?? "",
    schemaExists: schemaExists === "t",
    comment: comment ?? null,
    isOwner: isOwner === "t",
    isEmpty: isEmpty === "t",
    mayCreate: mayCreate === "t",
    postgisSchema: postgisSchema ?? null,
  };
}
