import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import initGdal, { type Gdal } from "gdal3.js/node";
import { afterAll } from "vitest";

export type Files = Record<string, Buffer>;

let loaded: Promise<{ gdal: Gdal; dir: string }> | undefined;
afterAll(async () => {
  if (loaded) await rm((await loaded).dir, { recursive: true, force: true });
});

async function load() {
  const dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
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
  await writeFile(join(dir, `${name}.json`), JSON.stringify(geojson));
  const { datasets } = await gdal.open(`/output/${name}.json`);
  let written: string[] = [];
  for (const options of steps) {
    const { all } = await gdal.ogr2ogr(datasets[0]!, options, name);
    if (all.length > 0) written = all.map(({ real }) => real);
  }
  await gdal.close(datasets[0]!);
  const files: Files = {};
  for (const path of written) files[basename(path)] = await readFile(path);
  return files;
}
