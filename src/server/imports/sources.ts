import { extname } from "node:path";
import { COLUMNAR_EXTENSIONS, openColumnar } from "./columnar/columnar";
import { ImportFailure } from "./errors";
import { type FileToImport, withoutExtension } from "./file";
import { GDAL_EXTENSIONS, geodatabases, openLayers } from "./gdal/formats";
import type { Gdal } from "./gdal/gdal";
import type { Reader } from "./reader/reader";
import { type FileOptions, type LayerSource, OWN_EXTENSIONS } from "./table-source";

interface Readers {
  readonly reader: Reader;
  readonly gdal: Gdal;
  /** Ends readers that run besides these two. */
  readonly signal: AbortSignal;
}

export interface Opened {
  readonly sources: readonly LayerSource[];
  /** Names of files whose format is unknown, except the parts of others. */
  readonly unknown: readonly string[];
}

/**
 * Opens each file of a known format as one or more tables, in the order of the archive.
 * @throws ImportFailure 1002 if no file has a known format
 */
export async function tableSources(
  files: readonly FileToImport[],
  readers: Readers,
  options: Omit<FileOptions, "beside">,
): Promise<Opened> {
  const sources: LayerSource[] = [];
  const known: FileToImport[] = [];
  const unknown: FileToImport[] = [];
  for (const file of geodatabases(files)) {
    const found = await open(file, readers, { ...options, beside: besideOf(file, files) });
    (found === null ? unknown : known).push(file);
    sources.push(...(found ?? []));
  }
  if (sources.length > 0) {
    const others = unknown.filter((file) => !known.some((other) => isPartOf(file, other)));
    return { sources, unknown: others.map(({ name }) => name) };
  }
  if (known.length > 0) throw new ImportFailure(1005, "The file contains no features.");
  const names = files.slice(0, 3).map(({ name }) => `"${name}"`);
  const extensions = [...OWN_EXTENSIONS, ...GDAL_EXTENSIONS, ...COLUMNAR_EXTENSIONS].join(" ");
  throw new ImportFailure(
    1002,
    `The format of ${names.join(", ")} is unknown. Import one of ${extensions}, alone or in .zip, .7z, .tar or .gz.`,
  );
}

/** True for a file that is named like another one, such as the DBF of a shapefile. */
function isPartOf(file: FileToImport, other: FileToImport): boolean {
  return file.name.toLowerCase().startsWith(`${withoutExtension(other.name).toLowerCase()}.`);
}

/** Returns null if the format is unknown. */
async function open(
  file: FileToImport,
  { reader, gdal, signal }: Readers,
  options: FileOptions,
): Promise<LayerSource[] | null> {
  const { reading } = options;
  const layers = (await openColumnar(file, { reading, signal })) ?? (await openLayers(file, gdal, options));
  if (layers && reading.encoding !== undefined)
    throw new ImportFailure(1502, `Leave \`encoding\` out: the format of ${file.name} defines it.`);
  if (layers) return layers;
  const isOwn = (OWN_EXTENSIONS as readonly string[]).includes(extname(file.name).toLowerCase());
  return isOwn ? reader.open(file, options) : null;
}

/** Returns the files that may be parts of a file: those in its folder, or all if no other file has its name. */
function besideOf(file: FileToImport, files: readonly FileToImport[]): readonly FileToImport[] {
  const nameOf = ({ name }: FileToImport) => name.toLowerCase();
  const isOnly = files.every((other) => other === file || nameOf(other) !== nameOf(file));
  return isOnly ? files : files.filter(({ folder }) => folder === file.folder);
}
