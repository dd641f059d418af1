/**
 * The directory the embedded database lives in: made from the template on first use, recognised by the file
 * `cartoframes.json`.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { extract } from "tar";
import * as z from "zod";
import { ServerError } from "../../errors";
import { parseJson } from "../../json";
import { isAlive } from "../../local/process";

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

/** There while the database is open: found before that, the last one did not end by itself. */
const OPEN_FILE = "cartoframes_open";

/** Notes that the database is open; returns whether it was left open, by a process that was killed. */
export async function markOpen(dir: string): Promise<boolean> {
  const wasOpen = existsSync(join(dir, OPEN_FILE));
  if (!wasOpen) await writeFile(join(dir, OPEN_FILE), "");
  return wasOpen;
}

/** Notes that the database was closed in order. */
export async function markClosed(dir: string): Promise<void> {
  await rm(join(dir, OPEN_FILE), { force: true });
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
