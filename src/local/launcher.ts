import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DIST } from "../built";
import { ServerError } from "../errors";
import type { DatabaseAddress } from "./database";
import {
  LOCAL_USER,
  type LocalHome,
  makeHome,
  PROTOCOL,
  readState,
  type ServerState,
  type ServerStatus,
} from "./home";
import { isAlive } from "./process";

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 25;
const LOCKED_RETRY_MS = 500;
const PING_TIMEOUT_MS = 5_000;
/** Exit code of a server whose data folder is locked by another server (EX_TEMPFAIL in sysexits.h). */
export const EXIT_ALREADY_RUNNING = 75;
/** Argument that tells a server to read the address of its database from standard input. */
export const DATABASE_FROM_STDIN = "--database-from-stdin";
/** Used as the exit code of a server that was ended by a signal. */
const EXIT_KILLED = -1;

export interface LocalServer {
  readonly baseUrl: string;
  readonly user: string;
  readonly key: string;
  /** True if the same process still runs and serves this home. */
  isCurrent(): Promise<boolean>;
  /** Returns the statement that others wait for, shortened; undefined if none waits or the server does not answer. */
  waitsFor(): Promise<string | undefined>;
}

/**
 * Finds the server of a home; undefined if none runs and answers.
 * @throws ServerError if the server belongs to an incompatible version
 */
export async function findServer(
  home: LocalHome,
): Promise<(LocalServer & { status: ServerStatus }) | undefined> {
  const state = await readState(home);
  if (!state?.pid || !isAlive(state.pid)) return undefined;
  const server = serverAt(home, state);
  const status = await askStatus(server);
  if (status?.pid !== state.pid) return undefined; // another process has the port now
  if (status.protocol !== PROTOCOL) {
    throw new ServerError(
      `The local server of ${home.dir} is cartoframes ${status.version}, which this version cannot talk to. ` +
        "Stop it with: npx cartoframes stop",
    );
  }
  return { ...server, status };
}

/**
 * Finds the server of a home, or starts it in the background: over `database`, to which the home belongs, or over the
 * embedded database. If several processes start servers at once, the lock of the data folder picks one of them, and the
 * others find it.
 * @throws ServerError with the last lines of the server's log if it does not start
 */
export async function connectLocal(home: LocalHome, database?: DatabaseAddress): Promise<LocalServer> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let child: StartedServer | undefined;
  let retries = 1;
  while (Date.now() < deadline) {
    const found = await findServer(home);
    if (found) return found;
    child ??= await startServer(home, database);
    const exitCode = child.exitCode();
    if (exitCode === EXIT_ALREADY_RUNNING || (exitCode === EXIT_KILLED && retries-- > 0)) {
      await sleep(LOCKED_RETRY_MS); // another server starts or stops: look again
      child = undefined;
    } else if (exitCode !== undefined) {
      break;
    }
    await sleep(POLL_MS);
  }
  throw new ServerError(
    `The local server did not start. Last lines of ${home.logFile}:\n${await logTail(home)}`,
  );
}

function serverAt(home: LocalHome, { port, key, pid }: ServerState): LocalServer {
  const isCurrent = async () => {
    const state = await readState(home);
    return pid !== undefined && state?.pid === pid && state.port === port && isAlive(pid);
  };
  const address = { baseUrl: `http://127.0.0.1:${port}`, user: LOCAL_USER, key };
  const waitsFor = async () => {
    const status = await askStatus(address);
    return status?.waiting ? status.busyWith : undefined;
  };
  return { ...address, isCurrent, waitsFor };
}

type ServerAddress = Pick<LocalServer, "baseUrl" | "user" | "key">;

async function askStatus(server: ServerAddress): Promise<ServerStatus | undefined> {
  try {
    const response = await fetch(`${server.baseUrl}/cartoframes/status`, {
      headers: authorization(server),
      signal: AbortSignal.timeout(PING_TIMEOUT_MS),
    });
    return response.ok ? ((await response.json()) as ServerStatus) : undefined;
  } catch {
    return undefined;
  }
}

interface StartedServer {
  /** Returns undefined while the server runs. */
  exitCode(): number | undefined;
}

async function startServer(home: LocalHome, database?: DatabaseAddress): Promise<StartedServer> {
  await makeHome(home);
  const log = await open(home.logFile, "a", 0o600);
  try {
    const child = spawn(
      process.execPath,
      [join(DIST, "server.js"), home.dir, ...(database ? [DATABASE_FROM_STDIN] : [])],
      {
        detached: true, // outlives the kernel that started it, and does not receive its Ctrl-C
        stdio: ["pipe", log.fd, log.fd],
        cwd: home.dir,
        env: { ...withoutPostgres(process.env), NODE_OPTIONS: "", CARTO_API_KEY: "", CARTO_BASE_URL: "" }, // not for the server
      },
    );
    // Sent through a pipe, because it holds the password: arguments are public, and environments are inherited.
    child.stdin?.on("error", () => {}); // the server ended early, and its log says why
    child.stdin?.end(database ? JSON.stringify(database) : "");
    let exitCode: number | undefined;
    child.once("exit", (code) => {
      exitCode = code ?? EXIT_KILLED;
    });
    child.once("error", () => {
      exitCode = 1;
    });
    child.unref();
    return { exitCode: () => exitCode };
  } finally {
    await log.close();
  }
}

/** Removes libpq's variables: the address that the server receives is complete. */
function withoutPostgres(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^PG[A-Z]/.test(name) || name === "PGPASSFILE"),
  );
}

async function logTail(home: LocalHome): Promise<string> {
  const log = await readFile(home.logFile, "utf8").catch(() => "(no log)");
  return log.trimEnd().split("\n").slice(-10).join("\n");
}

/** Stops the server of a home and waits for its end; resolves to false if none runs. */
export async function stopServer(home: LocalHome): Promise<boolean> {
  const server = await findServer(home);
  if (!server) return false;
  await fetch(`${server.baseUrl}/cartoframes/stop`, { method: "POST", headers: authorization(server) }).catch(
    () => {},
  );
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (isAlive(server.status.pid)) {
    if (Date.now() > deadline)
      throw new ServerError(
        `The local server (process ${server.status.pid}) did not stop within ${START_TIMEOUT_MS / 1000} s. End that process, then try again.`,
      );
    await sleep(POLL_MS);
  }
  return true;
}

function authorization({ user, key }: ServerAddress): { Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${user}:${key}`).toString("base64")}` };
}
