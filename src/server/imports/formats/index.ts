/** Opens files as tables. Each format that GDAL does not read has a file in this folder. */
import { extname } from "node:path";
import { COLUMNAR_EXTENSIONS, openColumnar } from "../columnar/columnar";
import { ImportFailure } from "../errors";
import { GDAL_EXTENSIONS, geodatabases, openLayers } from "../gdal/formats";
import type { FormatOptions, LayerSource, TableSource } from "../table-source";
import type { FileToImport } from "../unpack";
import { openCsv } from "./csv";
import { openJson } from "./json";
import { openKml } from "./kml";
import { openShapefile } from "./shapefile";
import { openSpreadsheet } from "./spreadsheet";

type Opener = (file: FileToImport, options: FormatOptions) => Promise<TableSource>;

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

const EXTENSIONS = [...Object.keys(OPENERS), ...GDAL_EXTENSIONS, ...COLUMNAR_EXTENSIONS];

/**
 * Opens each file of a known format as one or more tables, in the order of the archive.
 * @throws ImportFailure 1002 if no file has a known format
 */
export async function tableSources(
  files: readonly FileToImport[],
  options: Omit<FormatOptions, "beside">,
): Promise<(TableSource | LayerSource)[]> {
  const sources: (TableSource | LayerSource)[] = [];
  let isKnown = false;
  for (const file of geodatabases(files)) {
    const found = await open(file, { ...options, beside: besideOf(file, files) });
    isKnown ||= found !== null;
    sources.push(...(found ?? []));
  }
  if (sources.length > 0) return sources;
  if (isKnown) throw new ImportFailure(1005, "The file contains no features.");
  const names = files.slice(0, 3).map(({ name }) => `"${name}"`);
  throw new ImportFailure(
    1002,
    `The format of ${names.join(", ")} is unknown. Import one of ${EXTENSIONS.join(" ")}, alone or in .zip or .gz.`,
  );
}

/** Returns null if the format is unknown. */
async function open(
  file: FileToImport,
  options: FormatOptions,
): Promise<(TableSource | LayerSource)[] | null> {
  const layers = (await openColumnar(file, options.gdal.signal)) ?? (await openLayers(file, options));
  if (layers) return layers;
  const opener = OPENERS[extname(file.name).toLowerCase()];
  return opener ? [await opener(file, options)] : null;
}

/** Returns the files that may be parts of a file: those in its folder, or all if no other file has its name. */
function besideOf(file: FileToImport, files: readonly FileToImport[]): readonly FileToImport[] {
  const nameOf = ({ name }: FileToImport) => name.toLowerCase();
  const isOnly = files.every((other) => other === file || nameOf(other) !== nameOf(file));
  return isOnly ? files : files.filter(({ folder }) => folder === file.folder);
}
