import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { databaseAddress } from "../../src/local/database";
import { databaseHome, homesIn, localHome } from "../../src/local/home";
import { connectLocal, findServer, type LocalServer, stopServer } from "../../src/local/launcher";
import { createTestDatabase, defaultEngine } from "./engine";

/** A real local server in a separate process, with a home folder that is removed with it. */
export interface TestServer extends LocalServer {
  readonly home: string;
  /** Requests an API path, with the API key unless `key` is given. */
  ask(path: string, init?: RequestInit & { key?: string | null }): Promise<Response>;
  /** Returns the JSON of the SQL API for one statement. */
  sql(q: string, parameters?: Record<string, string>): Promise<SqlAnswer>;
  /** Kills the process and starts another one on the same data. */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
}

export interface SqlAnswer {
  readonly rows: Record<string, unknown>[];
  readonly fields: Record<string, Record<string, unknown>>;
  readonly total_rows: number;
  readonly time: number;
  readonly error?: string[];
  readonly detail?: string;
  readonly notices?: string[];
  readonly warnings?: string[];
}

export async function temporaryHome(): Promise<string> {
  return mkdtemp(join(tmpdir(), "cartoframes-test-"));
}

/** Returns a base URL for a context: the embedded database in a home folder, or a new database on the engine under test. */
export async function testAddress(home: string): Promise<string> {
  if (defaultEngine() === "pglite") return `local:${home}`;
  process.env.CARTOFRAMES_HOME = home;
  return createTestDatabase();
}

/** Stops all servers of a home folder. */
export async function stopServers(home: string): Promise<void> {
  await Promise.all((await homesIn(home)).map(stopServer));
}

/** Returns the running server of a home folder. */
export async function runningServer(home: string): ReturnType<typeof findServer> {
  for (const of of await homesIn(home)) {
    const found = await findServer(of);
    if (found) return found;
  }
  return undefined;
}

/** Stops all servers of a home folder and removes it. */
export async function removeHome(home: string): Promise<void> {
  await stopServers(home);
  await rm(home, { recursive: true, force: true });
}

export async function startTestServer(): Promise<TestServer> {
  const home = await temporaryHome();
  const database = defaultEngine() === "pglite" ? undefined : databaseAddress(await createTestDatabase());
  const serverHome = database ? databaseHome(database, home) : localHome(home);
  const server = await connectLocal(serverHome, database);
  const ask: TestServer["ask"] = (path, { key = server.key, headers, ...init } = {}) =>
    fetch(server.baseUrl + path, {
      ...init,
      headers: {
        ...(key !== null && { Authorization: `Basic ${Buffer.from(`local:${key}`).toString("base64")}` }),
        ...(headers as Record<string, string>),
      },
    });
  return {
    ...server,
    home,
    ask,
    sql: async (q, parameters) => {
      const response = await ask("/api/v2/sql", {
        method: "POST",
        body: new URLSearchParams({ ...parameters, q }),
      });
      return (await response.json()) as SqlAnswer;
    },
    killAndRestart: async () => {
      process.kill((await findServer(serverHome))!.status.pid, "SIGKILL");
      await connectLocal(serverHome, database);
    },
    close: () => removeHome(home),
  };
}
