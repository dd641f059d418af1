import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { version } from "../../package.json";
import { ident } from "../sql";
import { createApp } from "./app";
import { lockDataDir } from "./engine/data-dir";
import { deferEngine } from "./engine/deferred";
import type { Engine } from "./engine/engine";
import { openPglite } from "./engine/pglite";
import { type LocalHome, PROTOCOL, readState, type ServerState, writeState } from "./home";
import type { ServerStatus } from "./routes/admin";

const IDLE_STOP_MS = 30 * 60_000;

/** Tables that a write which was cut off left behind; nobody can be filling one when a server starts. */
export const TEMPORARY_TABLE_PREFIX = "cartoframes_tmp_";

export interface RunningServer {
  readonly port: number;
  readonly key: string;
  /** Resolves when the server has stopped, for whatever reason. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Serves the data of one home until it is stopped or has been idle. It listens before the database is open:
 * a first request waits for it instead of being refused.
 * @throws when another process serves the same home.
 */
export async function runServer(
  home: LocalHome,
  { port, idleStopMs = IDLE_STOP_MS }: { port?: number; idleStopMs?: number } = {},
): Promise<RunningServer> {
  await mkdir(home.dir, { recursive: true, mode: 0o700 });
  const lock = await lockDataDir(home.dataDir);
  const previous = await readState(home);
  const key = previous?.key ?? randomBytes(24).toString("base64url");
  const opening = openPglite({ dataDir: home.dataDir }).then(withoutLeftovers);
  const engine = deferEngine(opening);
  const startedAt = new Date().toISOString();
  let engineName = "opening";

  const status = (): ServerStatus => ({
    protocol: PROTOCOL,
    version,
    pid: process.pid,
    engine: engineName,
    dataDir: home.dir,
    startedAt,
    busyWith: engine.activity().running?.sql,
  });
  const app = await createApp(engine, key, { status, stop: () => void stop() });
  const idle = watchIdle(app, idleStopMs, () => void stop());
  const listeningPort = await listen(app, port, previous?.port);
  const state: ServerState = { protocol: PROTOCOL, version, port: listeningPort, key };
  await writeState(home, { ...state, pid: process.pid });

  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      idle.close();
      await writeState(home, state);
      await Promise.race([app.close(), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
      await engine.close().catch(reportError);
      await lock.release();
      resolveStopped();
    })();
    return stopping;
  };
  let resolveStopped = () => {};
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });
  engine.info().then(
    ({ kind, postgres, postgis }) => {
      engineName = `${kind}, PostgreSQL ${postgres}, PostGIS ${postgis}`;
    },
    (error) => {
      reportError(error);
      setTimeout(() => void stop(), 1_000); // those who wait get the reason before the server goes
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
    await app.listen({ host, port: wanted });
  } else {
    // The last port again, so that what an open notebook points at comes back; a free one if it is taken.
    await app.listen({ host, port: last ?? 0 }).catch(() => app.listen({ host, port: 0 }));
  }
  return (app.server.address() as { port: number }).port;
}

/** Calls `onIdle` once no request has been under way for that long. */
function watchIdle(app: FastifyInstance, idleStopMs: number, onIdle: () => void): { close(): void } {
  let active = 0;
  let lastActivity = Date.now();
  app.server.on("request", (_request, response) => {
    active++;
    response.once("close", () => {
      active--;
      lastActivity = Date.now();
    });
  });
  const timer = setInterval(
    () => {
      if (active === 0 && Date.now() - lastActivity >= idleStopMs) onIdle();
    },
    Math.min(idleStopMs, 10_000),
  );
  return { close: () => clearInterval(timer) };
}

async function withoutLeftovers(engine: Engine): Promise<Engine> {
  const { statements } = await engine.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND starts_with(tablename, '${TEMPORARY_TABLE_PREFIX}')`,
  );
  for (const [table] of statements[0]!.rows)
    await engine.query(`DROP TABLE IF EXISTS public.${ident(table!)}`);
  return engine;
}

function reportError(error: unknown): void {
  console.error(new Date().toISOString(), error);
}
