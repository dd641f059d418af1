import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localHome } from "../../src/server/home";
import { connectLocal, type LocalServer, stopServer } from "../../src/server/launcher";

/** A real local server in a process of its own, on a home that goes with it. */
export interface TestServer extends LocalServer {
  readonly home: string;
  /** Asks one API path; the key goes along unless `key` says otherwise. */
  ask(path: string, init?: RequestInit & { key?: string | null }): Promise<Response>;
  /** The SQL API's JSON for one statement. */
  sql(q: string, parameters?: Record<string, string>): Promise<SqlAnswer>;
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

export async function startTestServer(): Promise<TestServer> {
  const home = await temporaryHome();
  const server = await connectLocal(localHome(home));
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
    close: async () => {
      await stopServer(localHome(home));
      await rm(home, { recursive: true, force: true });
    },
  };
}
