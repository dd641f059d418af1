import { type DatabaseAddress, shownDatabase } from "../../local/database";
import { ident } from "../../sql";
import { saysDiskFull } from "../disk";
import {
  type CopyOutResult,
  canceledError,
  closedError,
  DatabaseError,
  type Engine,
  type EngineActivity,
  type EngineInfo,
  isKeyRole,
  type QueryResult,
  type Role,
  roleName,
  type StatementOptions,
  shownSql,
} from "./engine";
import { runOfKey } from "./key-objects";
import { mentionsFunctions, missesFunctions, provideFunctions } from "./postgres-functions";
import { PostgresPool } from "./postgres-pool";
import type { PostgresSession } from "./postgres-session";
import type { ResultReader } from "./result-reader";
import { checkCopy, isOneTransaction, refuseBeyondRole, refuseChangeOfRole, refuseCopy } from "./sql-scan";
import { TypeNames } from "./type-names";

export interface PostgresOptions {
  /** Maximum number of open connections. @default 20 */
  readonly maxConnections?: number;
  /** Maximum size of a query's result in bytes. COPY is not limited. @default 512 MB */
  readonly maxResultBytes?: number;
  /** Called if a database that was open no longer accepts the password. */
  readonly onRefused?: () => void;
}

/** Schemas at the end of the search path. PostGIS may be in any other schema. */
const FUNCTIONS_SCHEMAS = ["cartodb", "cdb_observatory"];

/** Settings on which the readers of text values and the SQL lexer rely. */
const SETTINGS_SQL = `RESET ROLE; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET DateStyle = ISO;
SET IntervalStyle = postgres; SET bytea_output = hex; SET extra_float_digits = 1`;

/** Ends the statements of a killed local server. Needs PostgreSQL 14 and is not available on every platform. */
const WATCH_CLIENT_SQL = "SET client_connection_check_interval = '5s'";

const INFO_SQL = `SELECT pg_catalog.current_setting('server_version'),
  (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'postgis'),
  (SELECT extnamespace::regnamespace::name FROM pg_catalog.pg_extension WHERE extname = 'postgis'),
  pg_catalog.array_to_json(pg_catalog.current_schemas(false))`;

/**
 * Opens a user's database. Nothing in it changes before a statement needs CARTO's SQL functions.
 * @throws DatabaseError if the database cannot be reached or refuses the connection
 */
export async function openPostgres(address: DatabaseAddress, options: PostgresOptions = {}): Promise<Engine> {
  const engine = new PostgresEngine(address, options);
  try {
    await engine.info();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

type Running = NonNullable<EngineActivity["running"]>;

/** Facts that are the same for all sessions of a database. The first session reads them. */
interface Facts {
  readonly postgres: string;
  readonly postgis: string | null;
  /** Runs before every turn of a session. */
  readonly prepareSql: string;
}

/** An engine with a pool of sessions, which have the rights of the role in the address. */
class PostgresEngine implements Engine {
  readonly #address: DatabaseAddress;
  readonly #pool: PostgresPool;
  readonly #typeNames = new TypeNames();
  readonly #running = new Map<Running, PostgresSession>();
  #facts: Facts | null = null;
  #isCurrent = false;
  #isClosed = false;

  constructor(
    address: DatabaseAddress,
    { maxConnections = 20, maxResultBytes = 512 * 1024 ** 2, onRefused = () => {} }: PostgresOptions,
  ) {
    this.#address = address;
    this.#pool = new PostgresPool(address, {
      maxConnections,
      maxResultBytes,
      onRefused,
      prepare: (session) => this.#prepare(session),
    });
  }

  async query(sql: string, options: StatementOptions = {}): Promise<QueryResult> {
    refuseCopy(sql);
    const { role = "master" } = options;
    if (role !== "master") refuseBeyondRole(sql, role);
    return this.#use(sql, options, async (session) => {
      const news = mentionsFunctions(sql) ? await this.#renewFunctions(session) : undefined;
      const run = () => (isKeyRole(role) ? runOfKey(session, sql) : session.run(sql));
      let result = await run();
      const installed = result.error ? await this.#installMissing(session, sql, result.error) : undefined;
      if (installed !== undefined) {
        await this.#setRole(session, options.role);
        result = await run();
      }
      const { warnings, ...rest } = await this.#typeNames.resultOf(session, throwing(result));
      const announced = [news, installed].filter((text) => text) as string[];
      return { ...rest, warnings: [...announced, ...warnings] };
    });
  }

  async copyOut(sql: string, options: StatementOptions = {}): Promise<CopyOutResult> {
    checkCopy(sql, "TO");
    const { session, end } = await this.#begin(sql, options);
    try {
      const retry = async (error: DatabaseError) => {
        if ((await this.#installMissing(session, sql, error)) === undefined) throw error;
        await this.#setRole(session, options.role);
        return session.copyOut(sql);
      };
      const { stream, complete, done } = await session.copyOut(sql).catch(retry);
      const { signal } = options;
      const stop = () => void (signal && stream.destroy(canceledError(signal)));
      signal?.addEventListener("abort", stop, { once: true });
      if (signal?.aborted) stop();
      void done.finally(() => {
        signal?.removeEventListener("abort", stop);
        end();
      });
      return { stream, ...complete };
    } catch (error) {
      end();
      throw this.#explained(error, options.signal);
    }
  }

  async copyIn(
    sql: string,
    data: AsyncIterable<Uint8Array>,
    options: StatementOptions = {},
  ): Promise<{ rows: number }> {
    checkCopy(sql, "FROM");
    return this.#use(sql, options, async (session) => {
      let isAsked = false;
      async function* watched() {
        isAsked = true;
        yield* data;
      }
      let result = await session.copyIn(sql, watched(), options.signal);
      const { error } = result;
      if (error && !isAsked && (await this.#installMissing(session, sql, error)) !== undefined) {
        await this.#setRole(session, options.role);
        result = await session.copyIn(sql, watched(), options.signal);
      }
      return { rows: throwing(result).affectedRows };
    });
  }

  async info(): Promise<EngineInfo> {
    if (!this.#facts) await this.query("");
    const { postgres = "", postgis = null } = this.#facts ?? {}; // the query has read them
    return { kind: "postgres", location: shownDatabase(this.#address), postgres, postgis };
  }

  activity(): EngineActivity {
    const [oldest = null] = this.#running.keys(); // the first key was inserted first
    return { running: oldest, waiting: this.#pool.waiting };
  }

  /** Ends running statements. Waiting statements fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const session of this.#running.values()) session.destroy();
    this.#pool.close();
  }

  /** Takes a session from the pool for `work`. The signal cancels the work. */
  async #use<T>(
    sql: string,
    options: StatementOptions,
    work: (session: PostgresSession) => Promise<T>,
  ): Promise<T> {
    const { session, end, limit } = await this.#begin(sql, options);
    try {
      return await work(session);
    } catch (error) {
      throw this.#explained(error, limit?.aborted ? limit : options.signal);
    } finally {
      end();
    }
  }

  async #begin(
    sql: string,
    { signal, timeoutMs, role = "master" }: StatementOptions,
  ): Promise<{ session: PostgresSession; end: () => void; limit?: AbortSignal }> {
    if (role !== "master") refuseChangeOfRole(sql);
    if (this.#isClosed) throw closedError();
    const { session, giveBack } = await this.#pool.take(signal);
    const running: Running = { sql: shownSql(sql), startedAt: new Date() };
    let isCancelled = false;
    const cancel = () => {
      isCancelled = true;
      void session.cancel();
    };
    const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const end = () => {
      signal?.removeEventListener("abort", cancel);
      limit?.removeEventListener("abort", cancel);
      this.#running.delete(running);
      giveBack(!isCancelled); // a late cancel would hit the next statement of the session
    };
    this.#running.set(running, session);
    signal?.addEventListener("abort", cancel, { once: true });
    limit?.addEventListener("abort", cancel, { once: true });
    try {
      if (this.#isClosed) throw closedError();
      if (signal?.aborted) throw canceledError(signal);
      await this.#setRole(session, role);
      return { session, end, limit };
    } catch (error) {
      end();
      throw this.#explained(error, signal);
    }
  }

  /** Returns the error to throw, so that a cancelled statement fails as on the embedded database. */
  #explained(error: unknown, signal: AbortSignal | undefined): unknown {
    if (this.#isClosed) return closedError();
    if (error instanceof DatabaseError && saysDiskFull(error)) return fullDiskError(error);
    if (!signal?.aborted || !(error instanceof DatabaseError || error === signal.reason)) return error;
    return canceledError(signal);
  }

  async #prepare(session: PostgresSession): Promise<void> {
    if (session.inTransaction) throwing(await session.run("ROLLBACK"));
    if (this.#facts) {
      throwing(await session.run("DISCARD ALL")); // sent alone, because it is refused inside a transaction
    } else {
      this.#facts = await readFacts(session);
    }
    throwing(await session.run(this.#facts.prepareSql));
  }

  async #setRole(session: PostgresSession, role: Role = "master"): Promise<void> {
    if (role === "master") return;
    const name = roleName(role);
    const { error } = await session.run(`SET ROLE ${ident(name)}`);
    if (!error) return;
    throw new DatabaseError(
      `permission denied for database ${this.#address.database}: "${this.#address.user}" may not SET ROLE ${name}, so this server accepts only the master key`,
      { code: "42501", detail: error.message },
      { cause: error },
    );
  }

  /**
   * Installs the functions a failed statement needs, so that it can be repeated; undefined if it failed for another
   * reason.
   */
  async #installMissing(
    session: PostgresSession,
    sql: string,
    error: DatabaseError,
  ): Promise<string | undefined> {
    if (!missesFunctions(error)) return undefined;
    if (session.inTransaction) throwing(await session.run("ROLLBACK"));
    throwing(await session.run("RESET ROLE"));
    const done = await provideFunctions(session, error);
    this.#isCurrent = true;
    if (done) console.error(new Date().toISOString(), done);
    if (isOneTransaction(sql)) return done;
    if (!done) throw error;
    throw error.with({
      hint: `${done} Run the statement again; what it committed before it failed is kept.`,
    });
  }

  /** Replaces the functions of an older version, once. */
  async #renewFunctions(session: PostgresSession): Promise<string | undefined> {
    if (this.#isCurrent) return undefined;
    const done = await provideFunctions(session);
    this.#isCurrent = true;
    if (done) console.error(new Date().toISOString(), done);
    return done;
  }
}

/**
 * Reads the versions and builds the search path: the role's own, so that names mean the same as in psql, then PostGIS
 * and the functions. `"$user"` is dropped if that schema does not exist, because CARTO's clients take an account whose
 * path does not begin with `public` for a member of an organisation.
 */
async function readFacts(session: PostgresSession): Promise<Facts> {
  throwing(await session.run(SETTINGS_SQL));
  const watching = await session.run(WATCH_CLIENT_SQL);
  const [postgres, postgis, postgisSchema, schemas] = throwing(await session.run(INFO_SQL)).row;
  const own = JSON.parse(schemas ?? "[]") as string[];
  const path = [...(own.length > 0 ? own : ["public"]), ...(postgisSchema ? [postgisSchema] : [])];
  const searchPath = [...new Set([...path, ...FUNCTIONS_SCHEMAS])].map(ident).join(", ");
  const settings = [SETTINGS_SQL, `SET search_path = ${searchPath}`];
  if (!watching.error) settings.push(WATCH_CLIENT_SQL);
  const [version = ""] = postgres?.split(" ") ?? [];
  return { postgres: version, postgis: postgis ?? null, prepareSql: settings.join(";\n") };
}

function throwing(result: ResultReader): ResultReader {
  if (result.error) throw result.error;
  return result;
}

/** The free space on another machine is unknown, so this error does not state it. */
function fullDiskError(error: DatabaseError): DatabaseError {
  const hint =
    "Committed data is safe. Delete tables you no longer need, or ask the database administrator for more space, then try again.";
  return error.with({ hint }, `the disk of the database server is full: ${error.message}`);
}
