/**
 * Builds the template of the embedded database: a data directory with PostGIS and the CARTO functions, and a PostGIS
 * bundle without raster and topology. Usage: `npx tsx scripts/template.ts [outDir]`
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { create, extract } from "tar";
import { TEMPLATE_MAGIC, type TemplateManifest } from "../src/server/engine/data-dir";
import { postgisFrom } from "../src/server/engine/pglite-setup";
import { functionsSql, LOCAL_ROLES_SQL } from "../src/server/sql/functions";

const TEMPLATE_VERSION = 1;
const WAL_SEGMENT_MB = 4; // the default of 16 would quadruple the empty part of the template
// Files that the database needs after CREATE EXTENSION: the library, its control file, and PROJ's grids.
const BUNDLE_ENTRIES = [
  "lib/postgresql/postgis-3.so",
  "share/postgresql/extension/postgis.control",
  "share/proj",
];

/** Drops the databases that CREATE DATABASE would copy, which an embedded database never runs: two files of three. */
const DROP_TEMPLATES = [
  "UPDATE pg_database SET datistemplate = false WHERE datname LIKE 'template_'",
  "DROP DATABASE template0",
  "DROP DATABASE template1",
];

/** Builds the template unless `outDir` contains one from the same inputs. */
export async function buildTemplate(outDir: string): Promise<void> {
  const inputs = await hashInputs();
  const manifestFile = join(outDir, "manifest.json");
  if (existsSync(manifestFile) && JSON.parse(await readFile(manifestFile, "utf8")).inputs === inputs) return;

  const work = await mkdtemp(join(tmpdir(), "cartoframes-template-"));
  try {
    const fresh = join(work, "template");
    await mkdir(fresh);
    await buildPostgisBundle(join(work, "bundle"), join(fresh, "postgis.tar.gz"));
    const versions = await buildDataDir(join(work, "data"));
    await create(
      { file: join(fresh, "data.tar.gz"), cwd: join(work, "data"), gzip: { level: 9 }, portable: true },
      ["."],
    );
    const manifest: TemplateManifest = {
      magic: TEMPLATE_MAGIC,
      version: TEMPLATE_VERSION,
      ...versions,
      inputs,
    };
    await writeFile(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(outDir, { recursive: true, force: true });
    await mkdir(dirname(outDir), { recursive: true });
    await moveDir(fresh, outDir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function buildPostgisBundle(workDir: string, file: string): Promise<void> {
  await mkdir(workDir, { recursive: true });
  await extract({ file: postgisTarball(), cwd: workDir });
  await create({ file, cwd: workDir, gzip: { level: 9 }, portable: true }, BUNDLE_ENTRIES);
}

async function buildDataDir(dataDir: string): Promise<{ postgres: string; pglite: string; postgis: string }> {
  const database = await PGlite.create({
    dataDir,
    extensions: { postgis: postgisFrom(pathToFileURL(postgisTarball())) },
    initDbStartParams: [`--wal-segsize=${WAL_SEGMENT_MB}`],
    // PostgreSQL keeps used files of the log for later, which each first start would copy.
    startParams: [
      ...PGlite.defaultStartParams,
      "-c",
      `min_wal_size=${2 * WAL_SEGMENT_MB}MB`,
      "-c",
      "wal_recycle=off",
    ],
  });
  try {
    await database.exec("CREATE EXTENSION postgis");
    await database.exec(functionsSql());
    await database.exec(LOCAL_ROLES_SQL);
    for (const sql of DROP_TEMPLATES) await database.exec(sql);
    await database.exec("VACUUM FULL");
    await database.exec("VACUUM ANALYZE");
    await database.exec("CHECKPOINT");
    const { rows } = await database.query<{ postgres: string; postgis: string }>(
      "SELECT split_part(current_setting('server_version'), '.', 1) AS postgres, postgis_lib_version() AS postgis",
    );
    return { ...rows[0]!, pglite: await packageVersion("@electric-sql/pglite") };
  } finally {
    await database.close();
  }
}

async function hashInputs(): Promise<string> {
  const parts = [
    String(TEMPLATE_VERSION),
    await readFile(__filename, "utf8"),
    functionsSql(),
    LOCAL_ROLES_SQL,
    await packageVersion("@electric-sql/pglite"),
    await packageVersion("@electric-sql/pglite-postgis"),
  ];
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}

async function packageVersion(name: string): Promise<string> {
  const file = join(packageDir(name), "package.json");
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}

function postgisTarball(): string {
  return join(packageDir("@electric-sql/pglite-postgis"), "dist", "postgis.tar.gz");
}

/** Returns the folder of a package that exports neither its package.json nor its tarball. */
function packageDir(name: string): string {
  return dirname(dirname(createRequire(__filename).resolve(name)));
}

async function moveDir(from: string, to: string): Promise<void> {
  const beside = `${to}.new`;
  await rm(beside, { recursive: true, force: true });
  const { cp } = await import("node:fs/promises");
  await cp(from, beside, { recursive: true }); // the work directory may be on another file system
  await rename(beside, to);
}

if (require.main === module) {
  const outDir = resolve(process.argv[2] ?? join(__dirname, "..", "dist", "template"));
  console.time(outDir);
  buildTemplate(outDir).then(() => console.timeEnd(outDir));
}
