import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import envPaths from "env-paths";
import * as z from "zod";

/** Raised when launcher and server can no longer understand each other. */
export const PROTOCOL = 1;

/** Where one local server keeps everything: removing this folder removes it without a trace. */
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

/** The state last written, or undefined where there is none that can be read. */
export async function readState(home: LocalHome): Promise<ServerState | undefined> {
  try {
    return ServerState.parse(JSON.parse(await readFile(home.stateFile, "utf8")));
  } catch {
    return undefined; // absent, half-written by an old version, or damaged: a new server writes a new one
  }
}

/** Replaces the state in one step, readable by its owner only. */
export async function writeState(home: LocalHome, state: ServerState): Promise<void> {
  await mkdir(home.dir, { recursive: true, mode: 0o700 });
  const temporary = `${home.stateFile}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(state, null, 1)}\n`, { mode: 0o600 });
  await rename(temporary, home.stateFile);
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
