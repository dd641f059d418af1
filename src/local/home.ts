import { constants } from "node:fs";
import { access, mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import envPaths from "env-paths";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { ServerError } from "../errors";
import { type DatabaseAddress, databaseId } from "./database";

/** Version of the exchange between launcher and server; raised when they can no longer understand each other. */
export const PROTOCOL = 1;

/** The account of every local server: the `user` in `/user/{user}/api/…`. */
export const LOCAL_USER = "local";

/** Folder and files of one local server. Once the server is stopped, deleting the folder leaves no trace of it. */
export interface LocalHome {
  readonly dir: string;
  readonly dataDir: string;
  readonly stateFile: string;
  readonly logFile: string;
}

/** Returns the home in `dir`; by default in `CARTOFRAMES_HOME`, or in the platform's data folder for `cartoframes`. */
export function localHome(
  dir = process.env.CARTOFRAMES_HOME || envPaths("cartoframes", { suffix: "" }).data,
): LocalHome {
  const absolute = resolve(dir);
  return {
    dir: absolute,
    dataDir: join(absolute, "database"),
    stateFile: join(absolute, "server.json"),
    logFile: join(absolute, "server.log"),
  };
}

/** Returns the home of the local server over a user's database; `dir` as for `localHome`. */
export function databaseHome(database: DatabaseAddress, dir?: string): LocalHome {
  return localHome(join(serversDir(dir), databaseId(database)));
}

/** Lists the home itself and the homes of the databases that were served from it. */
export async function homesIn(dir?: string): Promise<LocalHome[]> {
  const names = await readdir(serversDir(dir)).catch(() => []);
  return [localHome(dir), ...names.map((name) => localHome(join(serversDir(dir), name)))];
}

function serversDir(dir?: string): string {
  return join(localHome(dir).dir, "servers");
}

/** State by which clients find the server. A restarted server reuses port and key, so clients do not notice the restart. */
const ServerState = z.object({
  protocol: z.number(),
  version: z.string(),
  port: z.number(),
  key: z.string().min(16),
  /** Absent while no server runs. */
  pid: z.number().optional(),
});
export type ServerState = z.infer<typeof ServerState>;

/** Answer of a running server to `/cartoframes/status`. */
export interface ServerStatus {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  /** Engine and versions, such as `pglite, PostgreSQL 18.3, PostGIS 3.6`; `opening` until the database is open. */
  readonly engine: string;
  /** URL of a user's database, with credentials removed. */
  readonly database?: string;
  readonly dataDir: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The statement that runs now, shortened; absent when the database is idle. */
  readonly busyWith?: string;
  /** Number of statements that wait for the database. */
  readonly waiting: number;
}

/** Reads the last state; undefined if it is missing or unreadable. */
export async function readState(home: LocalHome): Promise<ServerState | undefined> {
  try {
    return ServerState.parse(JSON.parse(await readFile(home.stateFile, "utf8")));
  } catch {
    return undefined; // missing or damaged: the next server writes a new one
  }
}

/**
 * Creates the folder, accessible to its owner only.
 * @throws ServerError if the folder cannot be created or written to
 */
export async function makeHome({ dir }: LocalHome): Promise<void> {
  try {
    await makeFolder(dir);
    await access(dir, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ServerError(`Cannot write to ${dir} (${code}). Set CARTOFRAMES_HOME to a writable folder.`, {
      cause: error,
    });
  }
}

/** Replaces `mkdir` with `recursive`, which never returns for paths below /proc in some versions of Node. */
async function makeFolder(dir: string): Promise<void> {
  const make = () =>
    mkdir(dir, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" || dirname(dir) === dir) throw error;
    await makeFolder(dirname(dir));
    await make();
  });
}

/** Writes the state atomically, readable by its owner only. */
export async function writeState(home: LocalHome, state: ServerState): Promise<void> {
  await writeFileAtomic(home.stateFile, `${JSON.stringify(state, null, 1)}\n`, { mode: 0o600 });
}
