import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { builtPath } from "../../built";
import { ident, literal } from "../../sql";
import { unlessAborted } from "../../unless-aborted";
import { explainFullDisk, writeNewFile } from "../disk";
import {
  FUNCTIONS_VERSION,
  functionsSql,
  LOCAL_ROLES_SQL,
  LOCAL_ROLES_VERSION,
  SEARCH_PATH,
} from "../sql/functions";
import {
  emptySpool,
  ensureDataDir,
  markClosed,
  markOpen,
  readTemplate,
  removeTemporaryFiles,
  removeUnusedRelationFiles,
  SPOOL_IN_DATABASE,
  spoolDir,
} from "./data-dir";
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
import { PgliteSession, type SessionOptions } from "./pglite-session";
import type { ResultReader } from "./result-reader";
import { copyThroughFile, refuseBeyondRole, refuseCopy } from "./sql-scan";
import { Turns } from "./turns";
import { TypeNames } from "./type-names";

export interface PgliteOptions {
  /** Created on first use. The caller must hold its lock: see `lockDataDir`. */
  readonly dataDir: string;
  /** Directory of the template that `scripts/template.ts` creates. */
  readonly templateDir?: string;
  /** Maximum size of a query's result in bytes. COPY is not limited. @default 512 MB */
  readonly maxResultBytes?: number;
}

const START_PARAMS = ["-c", `search_path=${SEARCH_PATH}`];
const CHECKPOINT_AFTER_BYTES = 64 * 1024 ** 2; // of WAL; a single backend never starts a checkpoint by itself
const OPEN_ATTEMPTS = 3;
const CLOSE_GRACE_MS = 3_000;
const SPOOL_CHUNK_BYTES = 1024 ** 2;

/**
 * Opens PostgreSQL and PostGIS in WebAssembly over a directory, which is created if it is missing or empty.
 * @throws ServerError if the directory holds other files
 * @throws DatabaseError if the database cannot be opened
 */
export async function openPglite({
  dataDir,
  templateDir = builtPath("template"),
  maxResultBytes = 512 * 1024 ** 2,
}: PgliteOptions): Promise<Engine> {
  const template = await readTemplate(templateDir);
  const path = resolve(dataDir);
  await ensureDataDir(path, template);
  await emptySpool(path);
  const { postgisBundle } = template;
  const engine = new PgliteEngine({
    dataDir: path,
    postgisBundle,
    maxResultBytes,
    startParams: START_PARAMS,
  });
  await engine.info();
  return engine;
}

/** An engine with a single session, which callers use in turns. */
class PgliteEngine implements Engine {
  readonly #options: SessionOptions;
  readonly #turns = new Turns();
  readonly #typeNames = new TypeNames();
  #session: Promise<PgliteSession> | null = null;
  #versions: { postgres: string; postgis: string } | null = null;
  #running: EngineActivity["running"] = null;
  #spoolFiles = 0;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async query(sql: string, options: StatementOptions = {}): Promise<QueryResult> {
    refuseCopy(sql);
    const { role = "master" } = options;
    if (role !== "master") refuseBeyondRole(sql, role);
    return this.#turn(sql, options, async (session) => {
      await this.#setRole(session, roleName(role));
      const result = throwing(await (isKeyRole(role) ? runOfKey(session, sql) : session.run(sql)));
      return this.#typeNames.resultOf(session, result);
    });
  }

  async copyOut(sql: string, options: StatementOptions = {}): Promise<CopyOutResult> {
    const file = this.#newSpoolFile();
    const copy = copyThroughFile(sql, "TO", file.inDatabase);
    try {
      const rows = await this.#turn(sql, options, (session) => this.#copy(session, copy, options));
      const { size } = await stat(file.path);
      const stream = createReadStream(file.path, { highWaterMark: SPOOL_CHUNK_BYTES });
      stream.once("close", () => void rm(file.path, { force: true }));
      return { stream, bytes: size, rows };
    } catch (error) {
      await rm(file.path, { force: true });
      throw error;
    }
  }

  async copyIn(
    sql: string,
    data: AsyncIterable<Uint8Array>,
    options: StatementOptions = {},
  ): Promise<{ rows: number }> {
    const file = this.#newSpoolFile();
    const copy = copyThroughFile(sql, "FROM", file.inDatabase);
    const { signal } = options;
    try {
      // Before the turn, so that a slow sender does not block others.
      await writeNewFile(file.path, data, signal).catch(async (error) => {
        throw signal?.aborted ? canceledError(signal) : await explainFullDisk(error, this.#options.dataDir);
      });
      return { rows: await this.#turn(sql, options, (session) => this.#copy(session, copy, options)) };
    } finally {
      await rm(file.path, { force: true });
    }
  }

  async info(): Promise<EngineInfo> {
    await this.#open();
    const { postgres = "", postgis = null } = this.#versions ?? {}; // `#open` reads them
    return { kind: "pglite", location: this.#options.dataDir, postgres, postgis };
  }

  activity(): EngineActivity {
    return { running: this.#running, waiting: this.#turns.waiting };
  }

  /** Gives the running statement a few seconds, then cancels it. Waiting statements fail. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const cut = setTimeout(() => {
      this.#session?.then((session) => session.kill(closedError())).catch(() => {});
    }, CLOSE_GRACE_MS);
    const endTurn = await this.#turns.take();
    clearTimeout(cut);
    try {
      const session = await this.#session?.catch(() => null);
      if (!session || session.ended) return;
      await session.run("RESET ROLE").then(() => session.run("CHECKPOINT"));
      await session.kill(closedError());
      await markClosed(this.#options.dataDir);
    } finally {
      endTurn();
    }
  }

  async #turn<T>(
    sql: string,
    { signal, timeoutMs }: StatementOptions,
    work: (session: PgliteSession) => Promise<T>,
  ): Promise<T> {
    const endTurn = await this.#turns.take(signal);
    let session: PgliteSession | null = null;
    let limit: AbortSignal | undefined;
    const cancel = ({ target }: Event) => void session?.kill(canceledError(target as AbortSignal));
    try {
      if (this.#closed) throw closedError();
      session = await unlessAborted(this.#open(), signal, canceledError);
      this.#running = { sql: shownSql(sql), startedAt: new Date() };
      signal?.addEventListener("abort", cancel, { once: true });
      if (timeoutMs !== undefined) limit = AbortSignal.timeout(timeoutMs);
      limit?.addEventListener("abort", cancel, { once: true });
      return await work(session);
    } catch (error) {
      throw await explainFullDisk(error, this.#options.dataDir);
    } finally {
      signal?.removeEventListener("abort", cancel);
      limit?.removeEventListener("abort", cancel);
      this.#running = null;
      // The result does not wait for the reset; the next turn does.
      void this.#afterTurn(session).finally(endTurn);
    }
  }

  /** Resets the session, or starts a new one if it has ended. */
  async #afterTurn(session: PgliteSession | null): Promise<void> {
    if (!session || this.#closed) return;
    try {
      if (!session.ended) await resetSession(session);
    } catch (error) {
      await session.kill(error as Error);
    }
    if (session.ended) await this.#open().catch(() => {}); // the next statement tries again and reports the error
  }

  #open(): Promise<PgliteSession> {
    const opening = (this.#session ?? Promise.reject(closedError())).then(
      (session) => (session.ended ? this.#reopen(session) : session),
      () => this.#reopen(null),
    );
    this.#session = opening;
    opening.catch(() => {});
    return opening;
  }

  async #reopen(last: PgliteSession | null): Promise<PgliteSession> {
    if (this.#closed) throw closedError();
    await last?.kill(closedError()); // waits for the thread to end: two threads on one directory corrupt it
    let failure: unknown;
    for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
      try {
        return await this.#start();
      } catch (error) {
        failure = error;
      }
    }
    const why = failure instanceof Error ? failure.message : String(failure);
    throw new DatabaseError(
      `the database in ${this.#options.dataDir} cannot be opened: ${why}`,
      { severity: "FATAL", code: "57P03", hint: "Check the free disk space and memory." },
      { cause: failure },
    );
  }

  async #start(): Promise<PgliteSession> {
    const { dataDir } = this.#options;
    const wasOpen = await markOpen(dataDir);
    await removeTemporaryFiles(dataDir);
    const session = await PgliteSession.open(this.#options);
    try {
      if (wasOpen) await removeUnused(session, dataDir);
      await installFunctions(session);
      this.#versions ??= await readVersions(session);
      await resetSession(session);
      return session;
    } catch (error) {
      await session.kill(error as Error);
      throw error;
    }
  }

  async #setRole(session: PgliteSession, role: string): Promise<void> {
    if (role !== roleName("master")) throwing(await session.run(`SET ROLE ${ident(role)}`));
  }

  async #copy(
    session: PgliteSession,
    copy: ReturnType<typeof copyThroughFile>,
    { role = "master" }: StatementOptions,
  ): Promise<number> {
    await this.#setRole(session, copyRoleName(role));
    const { error, affectedRows } = throwingCrash(await session.run(copy.sql));
    if (error) throw error.with({ position: error.position && copy.originalPosition(error.position) });
    // Objects that a function in the query creates belong to the copying role, and the master could not read them.
    if (role === "master") {
      const [from, to] = [copyRoleName(role), roleName(role)];
      throwing(await session.run(`RESET ROLE; REASSIGN OWNED BY ${ident(from)} TO ${ident(to)}`));
    }
    return affectedRows;
  }

  #newSpoolFile(): { path: string; inDatabase: string } {
    const name = `${++this.#spoolFiles}`;
    return { path: join(spoolDir(this.#options.dataDir), name), inDatabase: `${SPOOL_IN_DATABASE}/${name}` };
  }
}

async function installFunctions(session: PgliteSession): Promise<void> {
  const installed = throwing(
    await session.run(
      `SELECT pg_catalog.obj_description(n.oid, 'pg_namespace'), pg_catalog.shobj_description(r.oid, 'pg_authid')
       FROM pg_catalog.pg_namespace n, pg_catalog.pg_roles r WHERE n.nspname = 'cartodb' AND r.rolname = 'carto'`,
    ),
  );
  const [functions, roles] = installed.statements[0]?.rows[0] ?? [];
  if (functions === FUNCTIONS_VERSION && roles === LOCAL_ROLES_VERSION) return;
  throwing(
    await session.run(
      `${functionsSql()};${LOCAL_ROLES_SQL};COMMENT ON ROLE carto IS ${literal(LOCAL_ROLES_VERSION)}`,
    ),
  );
}

async function removeUnused(session: PgliteSession, dataDir: string): Promise<void> {
  const { statements } = throwing(
    await session.run(`SELECT d.oid, pg_relation_filenode(c.oid)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_database d ON d.datname = current_database()`),
  );
  const rows = statements[0]?.rows ?? [];
  const database = rows[0]?.[0];
  if (database) await removeUnusedRelationFiles(dataDir, database, new Set(rows.map(([, n]) => n ?? "")));
}

async function readVersions(session: PgliteSession): Promise<{ postgres: string; postgis: string }> {
  const result = await session.run("SELECT current_setting('server_version'), postgis_lib_version()");
  const [postgres, postgis] = throwing(result).row;
  return { postgres: postgres ?? "", postgis: postgis ?? "" };
}

/** Resets transaction, settings, role, cursors, temporary tables, advisory locks and LISTEN. */
async function resetSession(session: PgliteSession): Promise<void> {
  if (session.inTransaction) throwing(await session.run("ROLLBACK"));
  throwing(await session.run("DISCARD ALL"));
  const wal = await session.run(
    "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) FROM pg_control_checkpoint()",
  );
  const [walBytes] = throwing(wal).row;
  if (Number(walBytes) > CHECKPOINT_AFTER_BYTES) throwing(await session.run("CHECKPOINT"));
  throwing(await session.run(`SET ROLE ${roleName("master")}`));
}

/** Returns the variant of the role that may also read and write the spool files of COPY. */
function copyRoleName(role: Role): string {
  return `${roleName(role)}_copy`;
}

function throwing(result: ResultReader): ResultReader {
  if (result.error) throw result.error;
  return throwingCrash(result);
}

function throwingCrash(result: ResultReader): ResultReader {
  if (result.status !== null) return result;
  throw new DatabaseError("the database returned an incomplete answer", { severity: "FATAL", code: "08P01" });
}
