/**
 * Directory of the embedded database. It is created from the template on first use; the file `cartoframes.json`
 * identifies it.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { extract } from "tar";
import * as z from "zod";
import { ServerError } from "../../errors";
import { isAlive } from "../../local/process";
import { parseJson } from "../../values";

export const TEMPLATE_MAGIC = "cartoframes-template";
const DATA_DIR_MAGIC = "cartoframes-data";
/** Version of the directory's layout. The major version of PostgreSQL is checked separately. */
const DATA_DIR_VERSION = 1;

const STAMP_FILE = "cartoframes.json";
const SPOOL_DIR = "cartoframes_spool";

export const TemplateManifest = z.object({
  magic: z.literal(TEMPLATE_MAGIC),
  version: z.number(),
  postgres: z.string(),
  pglite: z.string(),
  postgis: z.string(),
  /** Hash of everything the template is built from. An equal template is not built again. */
  inputs: z.string(),
});
export type TemplateManifest = z.infer<typeof TemplateManifest>;

const Stamp = z.object({ magic: z.literal(DATA_DIR_MAGIC), version: z.number(), postgres: z.string() });

/** Files that `scripts/template.ts` creates. */
export interface TemplateFiles {
  readonly manifest: TemplateManifest;
  readonly archive: string;
  readonly postgisBundle: string;
}

/**
 * Reads the manifest of the template in `dir`.
 * @throws ServerError if `dir` does not hold a template
 */
export async function readTemplate(dir: string): Promise<TemplateFiles> {
  const file = join(dir, "manifest.json");
  if (!existsSync(file)) {
    throw new ServerError(`No database template was found in ${dir}. Build it with: npm run build`);
  }
  const manifest = TemplateManifest.parse(JSON.parse(await readFile(file, "utf8")));
  return { manifest, archive: join(dir, "data.tar.gz"), postgisBundle: join(dir, "postgis.tar.gz") };
}

/** Returns the directory from and to which COPY reads and writes, as a path of this machine. */
export function spoolDir(dataDir: string): string {
  return join(dataDir, SPOOL_DIR);
}

/** Spool directory as a path in the database's file system. */
export const SPOOL_IN_DATABASE = `/pglite/data/${SPOOL_DIR}`;

/**
 * Creates `dir` from the template if it is missing or empty. The directory appears complete or not at all, even if
 * several processes create it at once or are killed.
 * @throws ServerError if `dir` holds other files, or data of another version
 */
export async function ensureDataDir(dir: string, template: TemplateFiles): Promise<void> {
  await removeAbandoned(dir);
  if (await isEmptyOrMissing(dir)) await createDataDir(dir, template);
  await checkStamp(dir, template.manifest);
}

/** Removes spool files that a killed process left behind. */
export async function emptySpool(dir: string): Promise<void> {
  await rm(spoolDir(dir), { recursive: true, force: true });
  await mkdir(spoolDir(dir), { mode: 0o700 });
}

/** Removes sort and hash files of a killed database, which otherwise the postmaster would remove. */
export async function removeTemporaryFiles(dir: string): Promise<void> {
  await rm(join(dir, "base", "pgsql_tmp"), { recursive: true, force: true });
}

/** File that exists while the database is open. If it exists before, the last process was killed. */
const OPEN_FILE = "cartoframes_open";

/** Records that the database is open. Resolves to true if a killed process has left it open. */
export async function markOpen(dir: string): Promise<boolean> {
  const wasOpen = existsSync(join(dir, OPEN_FILE));
  if (!wasOpen) await writeFile(join(dir, OPEN_FILE), "");
  return wasOpen;
}

/** Records that the database was closed properly. */
export async function markClosed(dir: string): Promise<void> {
  await rm(join(dir, OPEN_FILE), { force: true });
}

/**
 * File of a table or an index: its number, then an optional fork and segment. Temporary ones begin with their backend.
 */
const RELATION_FILE = /^(?:t\d+_)?(\d+)(?:_(?:fsm|vm|init))?(?:\.\d+)?$/;

/**
 * Removes files of tables and indexes that a killed database was creating. Nothing refers to them, and PostgreSQL never
 * removes them. Must run after the database is opened and before its first statement.
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
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 });
  const fresh = await mkdtemp(`${dir}.new-${process.pid}-`); // two starts in one process must not share it
  try {
    await extract({ file: archive, cwd: fresh, noMtime: true });
    const stamp = { magic: DATA_DIR_MAGIC, version: DATA_DIR_VERSION, postgres: manifest.postgres };
    await writeFile(join(fresh, STAMP_FILE), `${JSON.stringify(stamp)}\n`);
    // Windows does not rename onto an empty directory.
    await rm(dir, { recursive: false }).catch(() => {});
    await rename(fresh, dir);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (await isEmptyOrMissing(dir)) throw error; // otherwise another process has created it
  }
}

async function checkStamp(dir: string, manifest: TemplateManifest): Promise<void> {
  const file = join(dir, STAMP_FILE);
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) {
    throw new ServerError(
      `${dir} is not empty and was not created by cartoframes. Choose another directory.`,
    );
  }
  const stamp = Stamp.safeParse(parseJson(text));
  if (!stamp.success) throw new ServerError(`${file} is damaged: ${z.prettifyError(stamp.error)}`);
  const { version, postgres } = stamp.data;
  if (version === DATA_DIR_VERSION && postgres === manifest.postgres) return;
  throw new ServerError(
    `${dir} has format ${version} of PostgreSQL ${postgres}, but this release reads format ${DATA_DIR_VERSION} ` +
      `of PostgreSQL ${manifest.postgres}. Use the release that created it, or choose another directory.`,
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
