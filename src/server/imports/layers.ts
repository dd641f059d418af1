/** Describes the layers of a file, without importing them. */
import { join } from "node:path";
import type { LayerDescription } from "../../api/schemas/imports";
import { analyse } from "./analyse";
import { crsOf } from "./crs";
import type { Reading } from "./reading";
import { type FileSource, fileOf, withSources } from "./run-import";
import type { LayerSource, TableSource } from "./table-source";
import { unpack } from "./unpack";

interface LayersOptions {
  /** Folder for the files, which the caller removes. */
  readonly dir: string;
  readonly reading: Reading;
  readonly signal: AbortSignal;
}

/**
 * Reads the layers that have rows. Names of columns are those in the file.
 * @throws ImportFailure
 */
export async function describeLayers(
  source: FileSource,
  { dir, reading, signal }: LayersOptions,
): Promise<LayerDescription[]> {
  const file = await fileOf(source, dir, signal, () => {});
  const files = await unpack(file, join(dir, "unpacked"), signal);
  const options = { quotedFieldsGuessing: true, reading, dir, signal };
  return withSources(files, options, async ({ sources }) => {
    const layers: LayerDescription[] = [];
    for (const layer of sources) layers.push(await described(layer, reading, signal));
    return layers;
  });
}

async function described(
  source: TableSource | LayerSource,
  reading: Reading,
  signal: AbortSignal,
): Promise<LayerDescription> {
  if (source.kind === "layer") return source.description;
  const plan = await analyse(source, { typeGuessing: true, quotedFieldsGuessing: true, reading }, signal);
  const [type, ...others] = [...plan.geometryTypes];
  return {
    name: source.layer,
    file: source.file,
    geometry: type === undefined ? null : others.length > 0 ? "GEOMETRY" : type.toUpperCase(),
    rows: plan.rowCount,
    srid: crsOf(source, plan, reading.srid)?.srid ?? null,
    columns: plan.columns.map(({ at, name, type }) => ({ name: source.columns[at] ?? name, type })),
  };
}
