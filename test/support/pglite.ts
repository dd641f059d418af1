import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { postgis } from "@electric-sql/pglite-postgis";
import { extract } from "tar";
import { readTemplate } from "../../src/server/engine/data-dir";
import { optimizeLate, postgisFrom } from "../../src/server/engine/pglite-setup";

const TEMPLATE = join(__dirname, "../../dist/template");

/** Opens PostgreSQL with PostGIS and the local server's CARTO functions in this process, in UTC. */
export async function openPostgis(): Promise<PGlite> {
  const dataDir = mkdtempSync(join(process.env.CARTOFRAMES_TEST_RUN!, "postgis-"));
  const { archive, postgisBundle } = await readTemplate(TEMPLATE);
  await extract({ file: archive, cwd: dataDir });
  optimizeLate();
  const pg = await PGlite.create({
    dataDir,
    extensions: { postgis: postgisFrom(pathToFileURL(postgisBundle)) },
  });
  await pg.exec("SET TimeZone = 'UTC'");
  return pg;
}

/** Creates the same without CARTO functions. Takes about 15 s. */
export async function createPostgis(): Promise<PGlite> {
  const pg = await PGlite.create({ extensions: { postgis } });
  await pg.exec("CREATE EXTENSION postgis; SET TimeZone = 'UTC'");
  return pg;
}

/** Returns the bytes of `COPY (<select>) TO STDOUT WITH (FORMAT binary)`. */
export async function copyOut(pg: PGlite, select: string): Promise<Uint8Array> {
  const { blob } = await pg.query(`COPY (${select}) TO '/dev/blob' WITH (FORMAT binary)`);
  return new Uint8Array(await blob!.arrayBuffer());
}

/** Loads bytes with `COPY <table> FROM STDIN WITH (FORMAT binary)`. */
export async function copyIn(pg: PGlite, table: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of chunks) parts.push(new Uint8Array(chunk));
  await pg.query(`COPY ${table} FROM '/dev/blob' WITH (FORMAT binary)`, [], { blob: new Blob(parts) });
}
