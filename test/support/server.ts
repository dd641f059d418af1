import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
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

/** A request with a JSON body. */
export const json = (body: unknown, method = "POST") => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** The status and the body, which is JSON or empty. */
export async function answerOf(response: Response) {
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
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

export async function stopServers(home: string): Promise<void> {
  await Promise.all((await homesIn(home)).map(stopServer));
}

export async function runningServer(home: string): ReturnType<typeof findServer> {
  for (const of of await homesIn(home)) {
    const found = await findServer(of);
    if (found) return found;
  }
  return undefined;
}

/** Stops all servers of a home and removes it, unless test files share it. */
export async function removeHome(home: string): Promise<void> {
  const shared = sharedHomes.get(home);
  sharedHomes.delete(home);
  if (shared) return shared.close();
  await stopServers(home);
  await rm(home, { recursive: true, force: true });
}

/**
 * Opens a local server with an empty database: that of this worker, which other test files use before and after. `close`
 * removes tables, functions, types, schemas, roles, named maps and API keys. Ended jobs and imports stay.
 * @param own `true` starts a server for the caller alone, which may be killed, measured or damaged
 */
export async function startTestServer({ own = false } = {}): Promise<TestServer> {
  if (own || defaultEngine() !== "pglite") return openServer(await temporaryHome());
  return sharedServer();
}

/** The server of `startTestServer` for the tests of a file. Its members are there while they run. */
export function serverForTests(options?: Parameters<typeof startTestServer>[0]): TestServer {
  const server = {} as TestServer;
  beforeAll(async () => {
    Object.assign(server, await startTestServer(options));
  });
  afterAll(() => server.close?.());
  return server;
}

async function sharedServer(): Promise<TestServer> {
  const home = join(process.env.CARTOFRAMES_TEST_RUN!, `worker-${process.env.VITEST_POOL_ID}`);
  const clean = join(home, "clean.json"); // the objects of an unused server; absent unless it is clean
  if (!existsSync(clean)) await removeHome(home); // the previous file did not finish
  await mkdir(home, { recursive: true });
  const server = await openServer(home);
  const before = existsSync(clean) ? await readFile(clean, "utf8") : JSON.stringify(await objectsOf(server));
  await rm(clean, { force: true });
  return {
    ...server,
    close: async () => {
      await connectLocal(localHome(home)); // tests may have stopped it
      if (await reset(server, JSON.parse(before))) await writeFile(clean, before);
      else await removeHome(home);
    },
  };
}

const sharedHomes = new Map<string, TestServer>();

/** Returns the home of the server that test files of this worker share. `removeHome` restores its original state. */
export async function sharedHome(): Promise<string> {
  if (defaultEngine() !== "pglite") return temporaryHome();
  const server = await sharedServer();
  sharedHomes.set(server.home, server);
  return server.home;
}

type Objects = Record<"namespaces" | "relations" | "routines" | "types" | "roles", number[]>;

async function objectsOf(server: TestServer): Promise<Objects> {
  const oids = (catalog: string) => `(SELECT json_agg(oid::bigint) FROM ${catalog})`;
  const { rows } =
    await server.sql(`SELECT ${oids("pg_namespace")} AS namespaces, ${oids("pg_class")} AS relations,
    ${oids("pg_proc")} AS routines, ${oids("pg_type")} AS types, ${oids("pg_roles")} AS roles`);
  return rows[0] as unknown as Objects;
}

/** Drops all other objects than `known`, except the observatory. Resolves to false if that failed. */
async function reset(server: TestServer, known: Objects): Promise<boolean> {
  const isNew = (kind: keyof Objects, oid = "oid") => `${oid} <> ALL ('{${known[kind].join()}}'::oid[])`;
  const drops: [drop: string, from: string][] = [
    [
      "format('DROP SCHEMA %I CASCADE', nspname)",
      `pg_namespace WHERE ${isNew("namespaces")} AND nspname !~ '^pg_' AND nspname NOT IN ('observatory', 'cdb_observatory')`,
    ],
    [
      `format('DROP %s IF EXISTS %I.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
        WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, nspname, relname)`,
      `pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE ${isNew("relations", "pg_class.oid")}
        AND n.oid = ANY ('{${known.namespaces.join()}}'::oid[]) AND nspname !~ '^pg_' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`,
    ],
    [
      "format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)",
      `pg_proc WHERE ${isNew("routines")} AND pronamespace = ANY ('{${known.namespaces.join()}}'::oid[])`,
    ],
    [
      "format('DROP TYPE IF EXISTS %s CASCADE', oid::regtype)",
      `pg_type WHERE ${isNew("types")} AND typtype IN ('e', 'd', 'c', 'r') AND typnamespace = ANY ('{${known.namespaces.join()}}'::oid[])
        AND (typrelid = 0 OR (SELECT relkind FROM pg_class c WHERE c.oid = typrelid) = 'c')`,
    ],
    ["format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname)", `pg_roles WHERE ${isNew("roles")}`],
  ];
  const list = async (path: string) => (await server.ask(path)).json();
  try {
    const jobs = (await list("/api/v2/jobs-wip")) as { local?: string[] };
    if (jobs.local?.length) throw new Error(`jobs still run: ${jobs.local}`);
    const maps = (await list("/api/v1/map/named")) as { template_ids: string[] };
    for (const id of maps.template_ids) {
      await server.ask(`/api/v1/map/named/${id.replace(/^.*@/, "")}`, { method: "DELETE" });
    }
    const keys = (await list("/api/v3/api_keys?type=regular&per_page=1000")) as {
      result: { name: string }[];
    };
    for (const { name } of keys.result) {
      await server.ask(`/api/v3/api_keys/${encodeURIComponent(name)}`, { method: "DELETE" });
    }
    for (const [drop, from] of drops) {
      const { rows, error } = await server.sql(`SELECT ${drop} AS drop FROM ${from}`);
      if (error) throw new Error(error[0]);
      if (rows.length === 0) continue;
      const dropped = await server.sql(rows.map((row) => row.drop).join(";\n"));
      if (dropped.error) throw new Error(dropped.error[0]);
    }
    return true;
  } catch (error) {
    if (process.env.CARTOFRAMES_TEST_DEBUG) console.error(error);
    return false;
  }
}

async function openServer(home: string): Promise<TestServer> {
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
