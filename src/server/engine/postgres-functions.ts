/** The functions of CARTO in a user's database: put there when a statement misses them, if that is allowed. */
import { ident } from "../../sql";
import { FUNCTIONS_MARK, FUNCTIONS_VERSION, functionsSql } from "../sql/functions";
import { DatabaseError } from "./engine";
import type { PostgresSession } from "./postgres-session";
import type { ResultReader } from "./result-reader";

/** What every role needs of them: a trigger runs with the rights of whoever inserts. */
const GRANTS_SQL = `
GRANT USAGE ON SCHEMA cartodb TO PUBLIC;
GRANT SELECT ON cartodb.cdb_tablemetadata TO PUBLIC;
`;

/** Only one installs at a time; the number is "carto" as ASCII. */
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

/** What there is in the schema, in lower case, and the schema itself. */
const NAMES = new Set(
  ["cartodb", ...Array.from(functionsSql().matchAll(/\bcartodb\.(\w+)/g), ([, name]) => name!)].map((name) =>
    name.toLowerCase(),
  ),
);

/** Whether a statement failed because it needs the functions, or their newer version. */
export function missesFunctions({ code, message }: DatabaseError): boolean {
  return UNDEFINED.has(code) && (message.toLowerCase().match(/\w+/g) ?? []).some((word) => NAMES.has(word));
}

/** Whether a statement names something of the schema, so that it should be of this version. */
export function mentionsFunctions(sql: string): boolean {
  return /\b(cartodb\s*\.|_?cdb_)/i.test(sql);
}

/**
 * Installs the functions, or brings those of another version up to this one.
 * @param missed the error of a statement that needs them; without it only an older version is replaced
 * @returns what was done, in a sentence; the empty text if nothing had to be done
 * @throws DatabaseError that says what is missing and who could change that
 */
export async function provideFunctions(session: PostgresSession, missed?: DatabaseError): Promise<string> {
  await session.run(LOCK_SQL); // another one may be at it
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
  const what = isOurs ? "Renewed" : "Installed";
  return `${what} the functions of CARTO in schema "cartodb" of database "${database}".`;
}

/** Why the functions cannot be put there; undefined if they can. */
function refusalOf(
  state: FunctionsState,
  isOurs: boolean,
): ((missed: DatabaseError) => DatabaseError) | undefined {
  const { database, role, schemaExists, isOwner, isEmpty, mayCreate, postgisSchema } = state;
  const because = (message: string, code: string, hint: string) => (missed: DatabaseError) =>
    new DatabaseError(message, { code, hint, detail: missed.message }, { cause: missed });
  const without = "Reading tables, queries and maps work without.";
  if (schemaExists && !isOurs && !(isOwner && isEmpty)) {
    return (missed) =>
      new DatabaseError(
        missed.message,
        {
          ...missed,
          hint: `Schema "cartodb" of database "${database}" was not made by cartoframes, so it is left as it is.`,
        },
        { cause: missed },
      );
  }
  if (schemaExists ? !isOwner : !mayCreate) {
    const what = isOurs ? "of this version are not installed" : "are not installed";
    const order = isOurs
      ? `ALTER SCHEMA cartodb OWNER TO ${ident(role)}, or let its owner use this version first`
      : `CREATE SCHEMA cartodb AUTHORIZATION ${ident(role)}`;
    return because(
      `permission denied for database ${database}: the functions of CARTO ${what}, and role "${role}" may not create them`,
      "42501",
      `Who administers the database can run: ${order}. ${without}`,
    );
  }
  if (postgisSchema === null) {
    return because(
      `the functions of CARTO need PostGIS, which database "${database}" does not have`,
      "0A000",
      `Who administers the database can run: CREATE EXTENSION postgis. ${without}`,
    );
  }
  return undefined;
}

async function functionsState(session: PostgresSession): Promise<FunctionsState> {
  const { statements, error }: ResultReader = await session.run(STATE_SQL);
  if (error) throw error;
  const [database, role, schemaExists, comment, isOwner, isEmpty, mayCreate, postgisSchema] =
    statements[0]!.rows[0]!;
  return {
    database: database!,
    role: role!,
    schemaExists: schemaExists === "t",
    comment: comment ?? null,
    isOwner: isOwner === "t",
    isEmpty: isEmpty === "t",
    mayCreate: mayCreate === "t",
    postgisSchema: postgisSchema ?? null,
  };
}
