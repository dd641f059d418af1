/**
 * The directory the embedded database lives in: made from the template on first use, recognised by the file
 * `cartoframes.json`, and held by one process at a time.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { extract } from "tar";
import * as z from "zod";
import { ServerError } from "../../errors";

export const TEMPLATE_MAGIC = "cartoframes-template";
export const DATA_DIR_MAGIC = "cartoframes-data";
/** Of the layout of the data directory; a change of PostgreSQL's major version is told apart by itself. */
export const DATA_DIR_VERSION = 1;

const STAMP_FILE = "cartoframes.json";
const SPOOL_DIR = "cartoframes_spool";

export const TemplateManifest = z.object({
  magic: z.literal(TEMPLATE_MAGIC),
  version: z.number(),
  postgres: z.string(),
  pglite: z.string(),
  postgis: z.string(),
  /** Hash of everything the template is made from: an equal one need not be built again. */
  inputs: z.string(),
});
export type TemplateManifest = z.infer<typeof TemplateManifest>;

const Stamp = z.object({ magic: z.literal(DATA_DIR_MAGIC), version: z.number(), postgres: z.string() });

/** The files `scripts/template.ts` makes. */
export interface TemplateFiles {
  readonly manifest: TemplateManifest;
  readonly archive: string;
  readonly postgisBundle: string;
}

/** @throws ServerError if `dir` holds no template. */
export async function readTemplate(dir: string): Promise<TemplateFiles> {
  const file = join(dir, "manifest.json");
  if (!existsSync(file)) {
    throw new ServerError(`There is no database template in ${dir}. Build it with: npm run build`);
  }
  const manifest = TemplateManifest.parse(JSON.parse(await readFile(file, "utf8")));
  return { manifest, archive: join(dir, "data.tar.gz"), postgisBundle: join(dir, "postgis.tar.gz") };
}

/** Where COPY reads and writes, as the host sees it. */
export function spoolDir(dataDir: string): string {
  return join(dataDir, SPOOL_DIR);
}

/** The same directory as the database sees it. */
export const SPOOL_IN_DATABASE = `/pglite/data/${SPOOL_DIR}`;

/**
 * Makes `dir` from the template unless it is there. Several processes may do so at once, and any of them
 * may be killed: the directory appears complete or not at all.
 * @throws ServerError if `dir` holds something else, or data of another format.
 */
export async function ensureDataDir(dir: string, template: TemplateFiles): Promise<void> {
  await removeAbandoned(dir);
  if (await isEmptyOrMissing(dir)) await createDataDir(dir, template);
  await checkStamp(dir, template.manifest);
}

/** Removes the spool files of a process that ended in the middle of a COPY. */
export async function emptySpool(dir: string): Promise<void> {
  await rm(spoolDir(dir), { recursive: true, force: true });
  await mkdir(spoolDir(dir), { mode: 0o700 });
}

/** Removes the sort and hash files of a killed database; PostgreSQL leaves that to its postmaster. */
export async function removeTemporaryFiles(dir: string): Promise<void> {
  await rm(join(dir, "base", "pgsql_tmp"), { recursive: true, force: true });
}

/** A file of a table or index: its number, then perhaps its fork and segment; temporary ones name their backend. */
const RELATION_FILE = /^(?:t\d+_)?(\d+)(?:_(?:fsm|vm|init))?(?:\.\d+)?$/;

/**
 * Removes the files of tables and indexes that a killed database was creating: nothing refers to them, and
 * PostgreSQL never removes them. Only for a database that is open and does nothing yet.
 * @param used file numbers of all relations of the database
 */
export async function removeUnusedRelationFiles(
  dir: string,
  databaseOid: string,
  used: ReadonlySet<string>,
): Promise<void> {
  const base = join(dir, "base", databaseOid);
  for (const name of await readdir(base)) {
    const number = RELATION_FILE.exec(name)?.[1];
    const unused = number !== undefined && (!used.has(number) || name.startsWith("t"));
    if (unused) await rm(join(base, name), { force: true });
  }
}

async function createDataDir(dir: string, { archive, manifest }: TemplateFiles): Promise<void> {
  const fresh = `${dir}.new-${process.pid}-${Date.now()}`;
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  try {
    await extract({ file: archive, cwd: fresh, noMtime: true });
    const stamp = { magic: DATA_DIR_MAGIC, version: DATA_DIR_VERSION, postgres: manifest.postgres };
    await writeFile(join(fresh, STAMP_FILE), `${JSON.stringify(stamp)}\n`);
    // Renaming onto an empty directory is allowed on POSIX only.
    await rm(dir, { recursive: false }).catch(() => {});
    await rename(fresh, dir);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (await isEmptyOrMissing(dir)) throw error; // else another process was faster
  }
}

async function checkStamp(dir: string, manifest: TemplateManifest): Promise<void> {
  const file = join(dir, STAMP_FILE);
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) {
    throw new ServerError(`${dir} is not empty and was not made by cartoframes. Choose another directory.`);
  }
  const stamp = Stamp.safeParse(parseJson(text));
  if (!stamp.success) throw new ServerError(`${file} is damaged: ${z.prettifyError(stamp.error)}`);
  const { version, postgres } = stamp.data;
  if (version === DATA_DIR_VERSION && postgres === manifest.postgres) return;
  throw new ServerError(
    `${dir} has format ${version} of PostgreSQL ${postgres}, this release reads format ${DATA_DIR_VERSION} ` +
      `of PostgreSQL ${manifest.postgres}. Use the release that made it, or another directory.`,
  );
}

async function removeAbandoned(dir: string): Promise<void> {
  const prefix = `${basename(dir)}.new-`;
  for (const name of await readdir(dirname(dir)).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (isAlive(pid)) continue;
    await rm(join(dirname(dir), name), { recursive: true, force: true });
  }
}

async function isEmptyOrMissing(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.length === 0;
}

/** Another process holds the directory. */
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
  release(): Promise<void>;
}

const LockHolder = z.object({ pid: z.number(), started: z.string(), released: z.boolean() });
type LockHolder = z.infer<typeof LockHolder>;

/**
 * Makes this process the only one that may open `dir`. A lock whose process is gone does not count, even if
 * its number was given to another one since.
 *
 * The lock is the highest of the files `{dir}.lock.1`, `.2`, … next to the directory. Taking it is creating
 * the next number, which only one process can do; nobody ever deletes the highest, so there is no moment in
 * which two can take over a stale one, and no clock or heartbeat is involved.
 * @throws LockedError naming the process that holds it.
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
    // A slow starter can create a number that was already passed and removed.
    if ((await lastLock(path)) !== mine) {
      await rm(lockFile(path, mine), { force: true });
      continue;
    }
    await removeLocksBelow(path, mine);
    return { release: () => writeHolder(lockFile(path, mine), { ...thisProcess(), released: true }) };
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

/** Appears with its content, and only if nobody else created that number. */
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

function thisProcess(): Omit<LockHolder, "released"> {
  return { pid: process.pid, started: processStart(process.pid) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Tells two processes of one number apart; the empty string where the platform does not say. */
function processStart(pid: number): string {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]; // field 22, after the name in brackets
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
    }
    if (process.platform === "win32") return "";
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
