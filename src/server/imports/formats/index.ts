/** Opens files as tables. Each format that GDAL does not read has a file in this folder. */
import { extname } from "node:path";
import { ImportFailure } from "../errors";
import { GDAL_EXTENSIONS, geodatabases, openLayers } from "../gdal/formats";
import type { FormatOptions, LayerSource, TableSource } from "../table-source";
import { type FileToImport, withoutExtension } from "../unpack";
import { openCsv } from "./csv";
import { openJson } from "./json";
import { openKml } from "./kml";
import { openShapefile } from "./shapefile";
import { openSpreadsheet } from "./spreadsheet";

type Opener = (file: FileToImport, options: FormatOptions) => Promise<TableSource | TableSource[]>;

const OPENERS: Readonly<Record<string, Opener>> = {
  ".csv": openCsv,
  ".tsv": openCsv,
  ".tab": openCsv,
  ".txt": openCsv,
  ".json": openJson,
  ".geojson": openJson,
  ".shp": openShapefile,
  ".kml": openKml,
  ".xlsx": openSpreadsheet,
  ".xlsm": openSpreadsheet,
  ".xls": openSpreadsheet,
  ".ods": openSpreadsheet,
};

const EXTENSIONS = [...Object.keys(OPENERS), ...GDAL_EXTENSIONS];

export interface Opened {
  readonly sources: (TableSource | LayerSource)[];
  /** Names of files whose format is unknown, except the parts of others. */
  readonly unknown: readonly string[];
}

/**
 * Opens each file of a known format as one or more tables, in the order of the archive.
 * @throws ImportFailure 1002 if no file has a known format
 */
export async function tableSources(
  files: readonly FileToImport[],
  options: Omit<FormatOptions, "beside">,
): Promise<Opened> {
  const sources: (TableSource | LayerSource)[] = [];
  const known: FileToImport[] = [];
  const unknown: FileToImport[] = [];
  for (const file of geodatabases(files)) {
    const found = await open(file, { ...options, beside: besideOf(file, files) });
    (found === null ? unknown : known).push(file);
    sources.push(...(found ?? []));
  }
  if (sources.length > 0) {
    const others = unknown.filter((file) => !known.some((other) => isPartOf(file, other)));
    return { sources, unknown: others.map(({ name }) => name) };
  }
  if (known.length > 0) throw new ImportFailure(1005, "The file contains no features.");
  const names = files.slice(0, 3).map(({ name }) => `"${name}"`);
  throw new ImportFailure(
    1002,
    `The format of ${names.join(", ")} is unknown. Import one of ${EXTENSIONS.join(" ")}, alone or in .zip or .gz.`,
  );
}

/** True for a file that is named like another one, such as the DBF of a shapefile. */
function isPartOf(file: FileToImport, other: FileToImport): boolean {
  return file.name.toLowerCase().startsWith(`${withoutExtension(other.name).toLowerCase()}.`);
}

/** Returns null if the format is unknown. */
async function open(
  file: FileToImport,
  options: FormatOptions,
): Promise<(TableSource | LayerSource)[] | null> {
  const layers = await openLayers(file, options);
  if (layers) return layers;
  const opener = OPENERS[extname(file.name).toLowerCase()];
  return opener ? [await opener(file, options)].flat() : null;
}

/** Returns the files that may be parts of a file: those in its folder, or all if no other file has its name. */
function besideOf(file: FileToImport, files: readonly FileToImport[]): readonly FileToImport[] {
  const nameOf = ({ name }: FileToImport) => name.toLowerCase();
  const isOnly = files.every((other) => other === file || nameOf(other) !== nameOf(file));
  return isOnly ? files : files.filter(({ folder }) => folder === file.folder);
}
