/** Opens files that this project reads itself. Each format has a file in this folder. */
import { extname } from "node:path";
import type { FileToImport } from "../file";
import type { FileOptions, OWN_EXTENSIONS, TableSource } from "../table-source";
import { openCsv } from "./csv";
import { openJson } from "./json";
import { openKml } from "./kml";
import { openShapefile } from "./shapefile";
import { openSpreadsheet } from "./spreadsheet";

type OwnExtension = (typeof OWN_EXTENSIONS)[number];
type Opener = (file: FileToImport, options: FileOptions) => Promise<TableSource | TableSource[]>;

const OPENERS: Readonly<Record<OwnExtension, Opener>> = {
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

/** @throws ImportFailure with the code of the format if the file is invalid */
export async function openTables(file: FileToImport, options: FileOptions): Promise<TableSource[]> {
  const tables = await OPENERS[extname(file.name).toLowerCase() as OwnExtension](file, options);
  return Array.isArray(tables) ? tables : [tables];
}
