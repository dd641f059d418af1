/** Describes the layers of a file, without importing them. */
import { join } from "node:path";
import type { LayerDescription } from "../../api/schemas/imports";
import type { Reading } from "./reading";
import { type FileSource, fileOf, withSources } from "./run-import";
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
  const options = { typeGuessing: true, quotedFieldsGuessing: true, contentGuessing: false, reading };
  return withSources(files, { dir, signal, enter: async () => {} }, options, async ({ sources }) => {
    const layers: LayerDescription[] = [];
    for (const layer of sources) layers.push(await layer.describe());
    return layers;
  });
}
