/** Installs the Data Observatory when a statement with the master key first needs it, if the role may. */
import { ident } from "../../sql";
import {
  DatabaseError,
  type Engine,
  type EngineActivity,
  type QueryResult,
  type StatementOptions,
} from "../engine/engine";
import {
  CATALOG_SCHEMA,
  FUNCTIONS_SCHEMA,
  installSql,
  inTransaction,
  OBSERVATORY_MARK,
  OBSERVATORY_VERSION,
} from "./observatory-sql";
import { readStarter, starterSql } from "./starter";

/** True if a statement calls one of the functions, or names the catalog. */
export function mentionsObservatory(sql: string): boolean {
  return /\bobs_\w+"?\s*\(|\b(?:cdb_)?observatory"?\s*\./i.test(sql);
}

/** SQLSTATEs: undefined_function, undefined_table, undefined_object, invalid_schema_name. */
const UNDEFINED = new Set(["42883", "42P01", "42704", "3F000"]);
const DUPLICATE_SCHEMA = "42P06";

/** Result of the installation: a description of what was done, or the error for statements that need it. */
type Provided =
  | { readonly done: readonly string[] }
  | { readonly refused: (missed: DatabaseError) => DatabaseError };

/**
 * Wraps an engine so that the Data Observatory is installed before the first statement with the master key that mentions it.
 * The answer of that statement has warnings that say what was installed.
 */
export function withObservatory(engine: Engine): Engine {
  let providing: Promise<Provided> | undefined;
  let installing: EngineActivity["running"] = null;
  let waiting = 0;

  async function provided(): Promise<Provided> {
    waiting++;
    try {
      providing ??= provide(engine, (sql) => {
        installing = { sql, startedAt: new Date() };
      });
      return await providing;
    } catch (error) {
      providing = undefined; // retried by the next statement
      throw error;
    } finally {
      waiting--;
      installing = null;
    }
  }

  async function prepared<T>(
    sql: string,
    { role = "master" }: StatementOptions,
    run: () => Promise<T>,
  ): Promise<{ result: T; done: readonly string[] }> {
    if (role !== "master" || !mentionsObservatory(sql)) return { result: await run(), done: [] };
    const isFirst = providing === undefined;
    const what = await provided();
    try {
      return { result: await run(), done: isFirst && "done" in what ? what.done : [] };
    } catch (error) {
      if (!(error instanceof DatabaseError) || !UNDEFINED.has(error.code)) throw error;
      providing = undefined; // the schemas may have been dropped, or privileges granted, in the meantime
      throw "refused" in what ? what.refused(error) : error;
    }
  }

  return {
    query: async (sql, options = {}): Promise<QueryResult> => {
      const { result, done } = await prepared(sql, options, () => engine.query(sql, options));
      return done.length === 0 ? result : { ...result, warnings: [...done, ...result.warnings] };
    },
    copyOut: async (sql, options = {}) =>
      (await prepared(sql, options, () => engine.copyOut(sql, options))).result,
    copyIn: (sql, data, options) => engine.copyIn(sql, data, options),
    info: () => engine.info(),
    activity: () => {
      const activity = engine.activity();
      return {
        running: installing ?? activity.running,
        waiting: activity.waiting + (installing ? waiting : 0),
      };
    },
    close: () => engine.close(),
  };
}

interface State {
  readonly database: string;
  readonly role: string;
  readonly functions: string | null;
  readonly catalog: string | null;
  /** Number of the two schemas that exist, and of those that the role owns. */
  readonly existing: number;
  readonly owned: number;
  readonly mayCreate: boolean;
  readonly postgisSchema: string | null;
}

async function readState(engine: Engine): Promise<State> {
  const { statements } = await engine.query(`
    SELECT pg_catalog.current_database(), current_user,
      max(pg_catalog.obj_description(n.oid, 'pg_namespace')) FILTER (WHERE n.nspname = '${FUNCTIONS_SCHEMA}'),
      max(pg_catalog.obj_description(n.oid, 'pg_namespace')) FILTER (WHERE n.nspname = '${CATALOG_SCHEMA}'),
      count(n.oid), count(n.oid) FILTER (WHERE pg_catalog.pg_has_role(n.nspowner, 'USAGE')),
      pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
      (SELECT e.extnamespace::regnamespace::name FROM pg_catalog.pg_extension e WHERE e.extname = 'postgis')
    FROM (VALUES (1)) one
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname IN ('${FUNCTIONS_SCHEMA}', '${CATALOG_SCHEMA}')`);
  const [database, role, functions, catalog, existing, owned, mayCreate, postgisSchema] =
    statements.at(0)?.rows[0] ?? [];
  return {
    database: database ?? "",
    role: role ?? "",
    functions: functions ?? null,
    catalog: catalog ?? null,
    existing: Number(existing),
    owned: Number(owned),
    mayCreate: mayCreate === "t",
    postgisSchema: postgisSchema ?? null,
  };
}

/** @param tell called before a step that takes long, with its name for clients that wait */
async function provide(engine: Engine, tell: (what: string) => void): Promise<Provided> {
  const state = await readState(engine);
  const refused = refusalOf(state);
  if (refused) return { refused };
  const { functions, catalog, existing, database } = state;
  const postgisSchema = state.postgisSchema ?? "public"; // without PostGIS, `refusalOf` has refused
  const isFirst = existing === 0;
  const isRenewed = functions !== OBSERVATORY_VERSION;
  if (!isRenewed && catalog !== null) return { done: [] };
  const starter = await readStarter();
  const names = starter.datasets.map(({ id }) => id).join(", ");
  const where = `in schemas "${CATALOG_SCHEMA}" and "${FUNCTIONS_SCHEMA}" of database "${database}"`;
  const what =
    catalog === null
      ? `installing the starter catalog of the Data Observatory: ${names}`
      : "updating the Data Observatory";
  report(`${what} …`);
  tell(`the ${catalog === null ? "installation" : "update"} of the Data Observatory`);
  try {
    await engine.query(
      inTransaction(
        what,
        ...(isRenewed ? [installSql({ postgisSchema, isFirst })] : []),
        ...(catalog === null ? [await starterSql(starter, postgisSchema)] : []),
      ),
    );
  } catch (error) {
    const wasFaster = error instanceof DatabaseError && error.code === DUPLICATE_SCHEMA;
    if (wasFaster && isFirst) return provide(engine, tell); // another session has just installed it
    throw error;
  }
  const done = [
    ...(isRenewed ? [`${isFirst ? "Installed" : "Updated"} the Data Observatory ${where}.`] : []),
    ...(catalog === null ? [`Installed its starter catalog: ${names}.`] : []),
  ];
  for (const text of done) report(text);
  return { done };
}

/** Returns the error if the observatory cannot be installed; undefined if it is installed, or can be. */
function refusalOf(state: State): ((missed: DatabaseError) => DatabaseError) | undefined {
  const { database, role, functions, existing, owned, mayCreate, postgisSchema } = state;
  const because = (message: string, code: string, hint: string) => (missed: DatabaseError) =>
    new DatabaseError(message, { code, hint, detail: missed.message }, { cause: missed });
  const isOurs = functions?.startsWith(OBSERVATORY_MARK) ?? false;
  if (existing > 0 && !isOurs) {
    const hint = `Schema "${CATALOG_SCHEMA}" or "${FUNCTIONS_SCHEMA}" of database "${database}" was not created by cartoframes, so nothing is installed in it.`;
    return (missed) => missed.with({ hint });
  }
  if (isOurs && (functions === OBSERVATORY_VERSION ? state.catalog !== null : false)) return undefined;
  if (isOurs ? owned < existing : !mayCreate) {
    const order = isOurs
      ? `ALTER SCHEMA ${FUNCTIONS_SCHEMA} OWNER TO ${ident(role)}; ALTER SCHEMA ${CATALOG_SCHEMA} OWNER TO ${ident(role)}`
      : `GRANT CREATE ON DATABASE ${ident(database)} TO ${ident(role)}`;
    return because(
      `permission denied for database ${database}: the Data Observatory is not installed, and role "${role}" does not have the privilege to install it`,
      "42501",
      `An administrator of the database can run: ${order}.`,
    );
  }
  if (postgisSchema === null) {
    return because(
      `the Data Observatory needs PostGIS, which is not installed in database "${database}"`,
      "0A000",
      "An administrator of the database can run: CREATE EXTENSION postgis.",
    );
  }
  return undefined;
}

function report(text: string): void {
  console.error(new Date().toISOString(), text);
}
