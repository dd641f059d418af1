import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import initGdal, { type Gdal } from "gdal3.js/node";

export type Files = Record<string, Buffer>;

let loaded: Promise<{ gdal: Gdal; dir: string }> | undefined;

async function load() {
  const dir = await mkdtemp(join(process.env.CARTOFRAMES_TEST_RUN!, "gdal-"));
  const gdal = await initGdal({
    path: relative(process.cwd(), join(dirname(require.resolve("gdal3.js/node")), "dist/package")),
    dest: dir,
    useWorker: false,
    env: {},
    logHandler: () => {},
    errorHandler: () => {},
  });
  return { gdal, dir };
}

let count = 0;

/**
 * Converts GeoJSON to another format with GDAL's own driver. Returns the files that it writes, by name.
 * @param options options of ogr2ogr. Several lists write one file in several steps.
 */
export async function madeByGdal(geojson: unknown, ...steps: string[][]): Promise<Files> {
  loaded ??= load();
  const { gdal, dir } = await loaded;
  const name = `made${count++}`;
  await writeFile(join(dir, `source-${name}.json`), JSON.stringify(geojson));
  const { datasets } = await gdal.open(`/output/source-${name}.json`);
  for (const options of steps) await gdal.ogr2ogr(datasets[0]!, options, name).catch(() => {}); // it fails to list the files of some formats
  await gdal.close(datasets[0]!);
  const files: Files = {};
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const isWritten = relative(dir, path).startsWith(`${name}.`);
    if (entry.isFile() && isWritten) files[entry.name] = await readFile(path);
  }
  return files;
}
