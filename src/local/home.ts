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

/** Where one local server keeps everything: when it is stopped, removing this folder removes it without a trace. */
export interface LocalHome {
  readonly dir: string;
  readonly dataDir: string;
  readonly stateFile: string;
  readonly logFile: string;
}

/** The folder given, else `CARTOFRAMES_HOME`, else the platform's data folder for `cartoframes`. */
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

/** The folder in which the local server over a user's database keeps its state; `dir` as for `localHome`. */
export function databaseHome(database: DatabaseAddress, dir?: string): LocalHome {
  return localHome(join(serversDir(dir), databaseId(database)));
}

/** The home itself and those of the databases that were served from it. */
export async function homesIn(dir?: string): Promise<LocalHome[]> {
  const names = await readdir(serversDir(dir)).catch(() => []);
  return [localHome(dir), ...names.map((name) => localHome(join(serversDir(dir), name)))];
}

function serversDir(dir?: string): string {
  return join(localHome(dir).dir, "servers");
}

/** How clients find the server. Port and key outlive it, so that a restarted one is the same to them. */
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

/** The state last written, or undefined where there is none that can be read. */
export async function readState(home: LocalHome): Promise<ServerState | undefined> {
  try {
    return ServerState.parse(JSON.parse(await readFile(home.stateFile, "utf8")));
  } catch {
    return undefined; // absent, half-written by an old version, or damaged: a new server writes a new one
  }
}

/**
 * Makes the folder, for its owner only.
 * @throws ServerError where that is not possible
 */
export async function makeHome({ dir }: LocalHome): Promise<void> {
  try {
    await makeFolder(dir);
    await access(dir, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ServerError(
      `Cannot write to ${dir} (${code}). Set CARTOFRAMES_HOME to a folder that you can write to.`,
      {
        cause: error,
      },
    );
  }
}

/** Like `mkdir` with `recursive`, which never ends below /proc on some versions of Node. */
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

/** Replaces the state in one step, readable by its owner only. */
export async function writeState(home: LocalHome, state: ServerState): Promise<void> {
  await writeFileAtomic(home.stateFile, `${JSON.stringify(state, null, 1)}\n`, { mode: 0o600 });
}
