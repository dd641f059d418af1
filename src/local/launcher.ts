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
/** Exit code of a server that found another one on its data (EX_TEMPFAIL of sysexits.h). */
export const EXIT_ALREADY_RUNNING = 75;
/** Argument of a server that finds the address of its database on its standard input. */
export const DATABASE_FROM_STDIN = "--database-from-stdin";
/** Stands for a signal that ended a server. */
const EXIT_KILLED = -1;

/** A running local server. */
export interface LocalServer {
  readonly baseUrl: string;
  readonly user: string;
  readonly key: string;
  /** Whether the process that was found still runs and serves this home. */
  isCurrent(): Promise<boolean>;
  /** What statements wait for, in a few words; undefined while none waits, or there is no answer. */
  waitsFor(): Promise<string | undefined>;
}

/** The server of that home, if one runs and answers. */
export async function findServer(
  home: LocalHome,
): Promise<(LocalServer & { status: ServerStatus }) | undefined> {
  const state = await readState(home);
  if (!state?.pid || !isAlive(state.pid)) return undefined;
  const server = serverAt(home, state);
  const status = await askStatus(server);
  if (status?.pid !== state.pid) return undefined; // the port belongs to somebody else by now
  if (status.protocol !== PROTOCOL) {
    throw new ServerError(
      `The local server of ${home.dir} is cartoframes ${status.version}, which this version cannot talk to. ` +
        "Stop it with: npx cartoframes stop",
    );
  }
  return { ...server, status };
}

/**
 * The server of that home, started in the background if none runs: over the `database`, whose home it then is, or
 * over the embedded one. Several starters at once end with one
 * server: the data directory's lock picks it, the others find it.
 * @throws ServerError with the end of the server's log when it does not come up.
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
      await sleep(LOCKED_RETRY_MS); // another one starts, or stops: then it is our turn
      child = undefined;
    } else if (exitCode !== undefined) {
      break;
    }
    await sleep(POLL_MS);
  }
  throw new ServerError(
    `The local server did not start. The end of ${home.logFile}:\n${await logTail(home)}`,
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
  /** Undefined while it runs. */
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
        detached: true, // outlives the kernel that needed it first, and does not get its Ctrl-C
        stdio: ["pipe", log.fd, log.fd],
        cwd: home.dir,
        env: { ...withoutPostgres(process.env), NODE_OPTIONS: "", CARTO_API_KEY: "", CARTO_BASE_URL: "" }, // nothing it needs
      },
    );
    // The password: not among the arguments, which everybody sees, nor in the environment, which children inherit.
    child.stdin?.on("error", () => {}); // it ended early, and its log says why
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

/** The address is complete already, and holds what these would add. */
function withoutPostgres(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^PG[A-Z]/.test(name) || name === "PGPASSFILE"),
  );
}

async function logTail(home: LocalHome): Promise<string> {
  const log = await readFile(home.logFile, "utf8").catch(() => "(no log)");
  return log.trimEnd().split("\n").slice(-10).join("\n");
}

/** Stops the server of that home and waits until it is gone; false if none runs. */
export async function stopServer(home: LocalHome): Promise<boolean> {
  const server = await findServer(home);
  if (!server) return false;
  await fetch(`${server.baseUrl}/cartoframes/stop`, { method: "POST", headers: authorization(server) }).catch(
    () => {},
  );
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (isAlive(server.status.pid)) {
    if (Date.now() > deadline)
      throw new ServerError(`The local server (pid ${server.status.pid}) does not stop.`);
    await sleep(POLL_MS);
  }
  return true;
}

function authorization({ user, key }: ServerAddress): { Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${user}:${key}`).toString("base64")}` };
}
