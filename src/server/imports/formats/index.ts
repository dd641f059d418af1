/** Opens files as tables. Each format has a file in this folder. */
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
 * Opens each file of a known format as a table, in the order of the archive.
 * @throws ImportFailure 1002 if no file has a known format
 */
export async function tableSources(
  files: readonly FileToImport[],
  { quotedFieldsGuessing }: { quotedFieldsGuessing: boolean },
): Promise<TableSource[]> {
  const known = files.flatMap((file) => {
    const open = OPENERS[extname(file.name).toLowerCase()];
    return open ? [{ file, open }] : [];
  });
  if (known.length === 0) {
    const names = files.slice(0, 3).map(({ name }) => `"${name}"`);
    throw new ImportFailure(
      1002,
      `The format of ${names.join(", ")} is unknown. Import one of ${Object.keys(OPENERS).join(" ")}, alone or in .zip or .gz.`,
    );
  }
  return Promise.all(
    known.map(({ file, open }) => open(file, { quotedFieldsGuessing, beside: besideOf(file, files) })),
  );
}

/** Returns the files that may be parts of a file: those in its folder, or all if no other file has its name. */
function besideOf(file: FileToImport, files: readonly FileToImport[]): readonly FileToImport[] {
  const nameOf = ({ name }: FileToImport) => name.toLowerCase();
  const isOnly = files.every((other) => other === file || nameOf(other) !== nameOf(file));
  return isOnly ? files : files.filter(({ folder }) => folder === file.folder);
}
