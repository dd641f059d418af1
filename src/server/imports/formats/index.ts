/** Which files make which tables. Each format is one file of this folder. */
import { extname } from "node:path";
import { ImportFailure } from "../errors";
import type { FormatOptions, TableSource } from "../table-source";
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

/**
 * One table for each file of a known format, in the order of the archive.
 * @throws ImportFailure 1002 where there is none
 */
export async function tableSources(
  files: readonly FileToImport[],
  { quotedFieldsGuessing }: { quotedFieldsGuessing: boolean },
): Promise<TableSource[]> {
  const known = files.filter((file) => extensionOf(file) in OPENERS);
  if (known.length === 0) {
    const names = files.slice(0, 3).map(({ name }) => `"${name}"`);
    throw new ImportFailure(
      1002,
      `No format is known for ${names.join(", ")}. Known are ${Object.keys(OPENERS).join(" ")}, alone or in .zip or .gz.`,
    );
  }
  const options = { quotedFieldsGuessing, beside: files };
  return Promise.all(known.map((file) => OPENERS[extensionOf(file)]!(file, options)));
}

const extensionOf = ({ name }: FileToImport) => extname(name).toLowerCase();
