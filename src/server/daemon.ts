import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { version } from "../../package.json";
import { ServerError } from "../errors";
import { type DatabaseAddress, shownDatabase } from "../local/database";
import {
  type LocalHome,
  makeHome,
  PROTOCOL,
  readState,
  type ServerState,
  type ServerStatus,
  writeState,
} from "../local/home";
import { createApp } from "./app";
import { deferEngine } from "./engine/deferred";
import { lockDataDir } from "./engine/lock";
import { openPglite } from "./engine/pglite";
import { openPostgres } from "./engine/postgres";
import { Imports } from "./imports/imports";
import { describeStatement, openJobQueue } from "./jobs/queue";
import { allLeftovers, ownLeftovers } from "./leftovers";
import { withObservatory } from "./observatory/install";

const IDLE_STOP_MS = 30 * 60_000;
/** Once no request has arrived for this long, no write is running, and tables left by killed writes can be dropped. */
const QUIET_MS = 60_000;
const WATCH_MS = 10_000;
/** Time between announcing the stop and closing, so that clients that found the server just before get an answer. */
const LINGER_MS = 250;
/** Time that running requests get when the server stops. */
const CLOSE_GRACE_MS = 3_000;

export interface RunningServer {
  readonly port: number;
  readonly key: string;
  /** Resolves when the server has stopped. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Serves the data of a home, or the user's `database` to which the home belongs, until the server is stopped or idle.
 * It listens before the database is open, so the first request waits instead of being refused.
 * @throws LockedError if another process serves the same home
 */
export async function runServer(
  home: LocalHome,
  {
    port,
    idleStopMs = IDLE_STOP_MS,
    quietMs = QUIET_MS,
    uploadIdleMs,
    database,
  }: {
    port?: number;
    idleStopMs?: number;
    quietMs?: number;
    uploadIdleMs?: number;
    database?: DatabaseAddress;
  } = {},
): Promise<RunningServer> {
  await makeHome(home);
  const lock = await lockDataDir(home.dataDir);
  const previous = await readState(home);
  const key = previous?.key ?? randomBytes(24).toString("base64url");
  const jobs = await openJobQueue({ dir: join(home.dir, "jobs"), report: reportError });
  const isNeeded = (table: string) => jobs.mentions(table);
  const leftovers = database
    ? ownLeftovers(home, isNeeded, reportError)
    : allLeftovers(isNeeded, reportError);
  // The server is useless once its password is refused. It stops, and the next client starts one with the new password.
  const opening = database
    ? openPostgres(database, { onRefused: () => void stop() })
    : openPglite({ dataDir: home.dataDir });
  const engine = deferEngine(opening.then((opened) => leftovers.watch(opened)).then(withObservatory));
  const imports = await Imports.open(join(home.dir, "imports"), engine);
  const startedAt = new Date().toISOString();
  let engineName = "opening";
  let state: ServerState | undefined;
  let watch: { close(): void } | undefined;

  let resolveStopped = () => {};
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });
  let stopping = false;
  const stop = async () => {
    if (stopping) return stopped;
    stopping = true;
    watch?.close();
    if (state && (await lock.isHeld())) await writeState(home, state).catch(reportError);
    const jobStopped = jobs.stop();
    await sleep(LINGER_MS);
    const closed = Promise.all([app.close(), jobStopped, imports.close()]);
    await Promise.race([closed, sleep(CLOSE_GRACE_MS)]);
    await engine.close().catch(reportError);
    await Promise.race([closed, sleep(CLOSE_GRACE_MS)]); // the answers to statements that were stopped, or never started
    await jobStopped.catch(reportError);
    await lock.release().catch(reportError);
    resolveStopped();
  };

  const status = (): ServerStatus => ({
    protocol: PROTOCOL,
    version,
    pid: process.pid,
    engine: engineName,
    ...(database && { database: shownDatabase(database) }),
    dataDir: home.dir,
    startedAt,
    busyWith: describeStatement(engine.activity().running?.sql),
    waiting: engine.activity().waiting,
  });
  const app = await createApp({
    engine,
    key,
    home,
    jobs,
    imports,
    uploadIdleMs,
    control: { status, stop: () => void stop() },
  });
  const listeningPort = await listen(app, port, previous?.port);
  state = { protocol: PROTOCOL, version, port: listeningPort, key };
  await writeState(home, { ...state, pid: process.pid });
  let isTidy = true;
  watch = watchRequests(
    app,
    () => jobs.isBusy() || imports.busy,
    Math.min(idleStopMs, quietMs, WATCH_MS),
    async (sinceMs) => {
      if (!(await lock.isHeld())) {
        reportError(
          new Error(`${home.dir} was removed or taken over by another server, so this server ends.`),
        );
        process.exit(1); // without writing anything: the folder now belongs to another server
      }
      if (!(await readState(home))) await writeState(home, { ...state!, pid: process.pid }); // it was deleted
      if (sinceMs >= idleStopMs) await stop();
      else if (sinceMs < quietMs) isTidy = false;
      else if (!isTidy) {
        isTidy = true;
        await leftovers.drop(engine);
      }
    },
  );
  engine.info().then(
    ({ kind, postgres, postgis }) => {
      engineName = `${kind}, PostgreSQL ${postgres}, ${postgis === null ? "without PostGIS" : `PostGIS ${postgis}`}`;
      jobs.start(engine);
    },
    (error) => {
      reportError(error);
      setTimeout(() => void stop(), 1_000); // waiting requests receive the error before the server stops
    },
  );
  return { port: listeningPort, key, stopped, stop };
}

async function listen(
  app: FastifyInstance,
  wanted: number | undefined,
  last: number | undefined,
): Promise<number> {
  const host = "127.0.0.1";
  if (wanted !== undefined) {
    await app.listen({ host, port: wanted }).catch((error: NodeJS.ErrnoException) => {
      throw new ServerError(`Cannot listen on port ${wanted} (${error.code}). Choose another port.`, {
        cause: error,
      });
    });
  } else {
    // Uses the last port again, so that open notebooks find the server; a free port if it is taken.
    await app.listen({ host, port: last ?? 0 }).catch(() => app.listen({ host, port: 0 }));
  }
  return (app.server.address() as { port: number }).port;
}

/** Calls `onWatch` regularly with the time since the last request, job or import ended; 0 while one is running. */
function watchRequests(
  app: FastifyInstance,
  isBusy: () => boolean,
  everyMs: number,
  onWatch: (quietMs: number) => Promise<void>,
): { close(): void } {
  let active = 0;
  let lastActivity = Date.now();
  app.server.on("request", (_request, response) => {
    active++;
    response.once("close", () => {
      active--;
      lastActivity = Date.now();
    });
  });
  const timer = setInterval(() => {
    if (active > 0 || isBusy()) lastActivity = Date.now();
    onWatch(Date.now() - lastActivity).catch(reportError);
  }, everyMs);
  return { close: () => clearInterval(timer) };
}

/** Writes to the server's log, which is this process's output. */
function reportError(error: unknown): void {
  console.error(new Date().toISOString(), error);
}
