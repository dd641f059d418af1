import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import * as z from "zod";
import { ServerError } from "../../errors";
import { isAlive, processStart } from "../../local/process";
import { parseJson } from "../../values";

/** Thrown if another process holds the lock of a directory. */
export class LockedError extends ServerError {
  override name = "LockedError";

  constructor(
    dir: string,
    readonly pid: number,
  ) {
    super(`${dir} is in use by process ${pid}. Stop it first: npx cartoframes stop`);
  }
}

export interface DataDirLock {
  /** False if the folder was deleted, even if another process has created it again. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

const LockHolder = z.object({ pid: z.number(), started: z.string(), released: z.boolean() });
type LockHolder = z.infer<typeof LockHolder>;

/**
 * Makes this process the only one that may open `dir`. The lock of a process that has ended does not count, even if its
 * id belongs to another process now.
 *
 * The lock is the file with the highest number among `{dir}.lock.1`, `.2`, … next to the directory. To take it, a
 * process creates the file with the next number, which only one process can do. The highest file is never deleted, so
 * two processes can never take over the same stale lock, and neither clock nor heartbeat is needed.
 * @throws LockedError if another process holds the lock
 */
export async function lockDataDir(dir: string): Promise<DataDirLock> {
  const path = resolve(dir);
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    const last = await lastLock(path);
    const holder = last > 0 ? await readHolder(path, last) : null;
    if (holder === "vanished") continue;
    if (holder && !holder.released && isAlive(holder.pid) && processStart(holder.pid) === holder.started) {
      throw new LockedError(dir, holder.pid);
    }
    const mine = last + 1;
    if (!(await createLock(path, mine))) continue;
    // A slow process may create a number that others have passed and removed already.
    if ((await lastLock(path)) !== mine) {
      await rm(lockFile(path, mine), { force: true });
      continue;
    }
    await removeLocksBelow(path, mine);
    const isHeld = async () => isOurs(await readHolder(path, mine));
    const release = async () => {
      if (await isHeld()) await writeHolder(lockFile(path, mine), { ...thisProcess(), released: true });
    };
    return { isHeld, release };
  }
}

function lockFile(path: string, number: number): string {
  return `${path}.lock.${number}`;
}

async function lockNumbers(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.lock.`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
}

async function lastLock(path: string): Promise<number> {
  return Math.max(0, ...(await lockNumbers(path)));
}

async function removeLocksBelow(path: string, number: number): Promise<void> {
  for (const older of await lockNumbers(path)) {
    if (older < number) await rm(lockFile(path, older), { force: true });
  }
}

/** Creates the file atomically, with its content; returns false if another process has created that number. */
async function createLock(path: string, number: number): Promise<boolean> {
  const draft = `${lockFile(path, number)}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify({ ...thisProcess(), released: false }), { mode: 0o600 });
  try {
    await link(draft, lockFile(path, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeHolder(file: string, holder: LockHolder): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 });
  await rename(draft, file);
}

async function readHolder(path: string, number: number): Promise<LockHolder | "vanished" | null> {
  const text = await readFile(lockFile(path, number), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return "vanished";
  const holder = LockHolder.safeParse(parseJson(text));
  return holder.success ? holder.data : null;
}

function isOurs(holder: LockHolder | "vanished" | null): boolean {
  if (holder === null || holder === "vanished" || holder.released) return false;
  return holder.pid === process.pid && holder.started === processStart(process.pid);
}

function thisProcess(): Omit<LockHolder, "released"> {
  return { pid: process.pid, started: processStart(process.pid) };
}
