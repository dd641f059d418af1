/** Excel and OpenDocument workbooks: each sheet with cells is a layer, with its first row as the header. */
import { readFile, stat } from "node:fs/promises";
import { type CellObject, CFB, read, utils, type WorkBook, type WorkSheet } from "@e965/xlsx";
import { openPromise } from "yauzl";
import { ImportFailure } from "../errors";
import { type FileToImport, firstBytes, withoutExtension } from "../file";
import type { Cell, Row, TableSource } from "../table-source";
import { timeOfNumber } from "./workbook-times";

/** Largest workbook that is read. It is held in memory, where its cells take several times this size. */
const MAX_BYTES = 32 * 1024 ** 2;
const MAX_UNPACKED_BYTES = 256 * 1024 ** 2;

/** @throws ImportFailure 1004, 1005, 1018, 6666 */
export async function openSpreadsheet(file: FileToImport): Promise<TableSource[]> {
  await checkSize(file);
  const sheets = sheetsOf(await workbook(file));
  const stem = withoutExtension(file.name);
  return sheets.map(({ name, rows }, i) => ({
    file: file.name,
    layer: name,
    name: i === 0 ? stem : `${stem}_${name}`,
    kind: "cells",
    isExtra: i > 0,
    ...tableOf(rows),
  }));
}

function tableOf([header = [], ...lines]: readonly Cell[][]): Pick<TableSource, "columns" | "rows"> {
  const columns = header.map((name) => (name === null || name === undefined ? "" : String(name)));
  const width = lines.reduce((most, { length }) => Math.max(most, length), columns.length);
  while (columns.length < width) columns.push("");
  const rows = async function* (): AsyncGenerator<Row> {
    for (const values of lines) yield { values };
  };
  return { columns, rows };
}

async function checkSize(file: FileToImport): Promise<void> {
  const { size } = await stat(file.path);
  if (size <= MAX_BYTES && (await unpackedBytes(file)) <= MAX_UNPACKED_BYTES) return;
  throw new ImportFailure(
    6666,
    "The workbook is larger than 32 MB, or 256 MB unpacked. Save the sheet as CSV, which has no limit.",
  );
}

async function unpackedBytes({ path, name }: FileToImport): Promise<number> {
  if (/\.xls$/i.test(name) || (await isCompound(path))) return 0; // not packed
  try {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    try {
      let bytes = 0;
      for await (const { uncompressedSize } of zip.eachEntry()) bytes += uncompressedSize;
      return bytes;
    } finally {
      zip.close();
    }
  } catch (error) {
    throw new ImportFailure(1004, `${name} is not a workbook: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** First bytes of workbooks from old versions of Excel, and of those with a password. */
const COMPOUND = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

async function isCompound(path: string): Promise<boolean> {
  return (await firstBytes(path, COMPOUND.length)).equals(COMPOUND);
}

async function workbook({ path, name }: FileToImport): Promise<WorkBook> {
  // The reader accepts anything as a workbook, even text.
  if (/\.xls$/i.test(name) && !(await isCompound(path)))
    throw new ImportFailure(1004, `${name} is not an Excel workbook.`);
  const bytes = /\.ods$/i.test(name) ? withTexts(await readFile(path)) : await readFile(path);
  try {
    return read(bytes, { cellNF: true, dense: true, cellFormula: false, cellHTML: false });
  } catch (error) {
    const { message } = error as Error;
    if (/password|encrypt/i.test(message))
      throw new ImportFailure(1018, `${name} has a password. Save it without a password.`);
    throw new ImportFailure(1004, `${name} is not a valid workbook: ${message}.`, { cause: error });
  }
}

/** A cell of OpenDocument that has a value but no text, as GDAL writes it. The library takes it for empty. */
const CELL_WITHOUT_TEXT = /<table:table-cell\b([^>]*\boffice:value-type=[^>]*)\/>/g;

/** Gives cells without a text an empty one. */
function withTexts(bytes: Buffer): Buffer {
  const zip = CFB.read(bytes, { type: "buffer" });
  const content = CFB.find(zip, "/content.xml");
  if (!content) return bytes;
  const xml = Buffer.from(content.content as Uint8Array).toString("utf8");
  const repaired = xml.replace(CELL_WITHOUT_TEXT, "<table:table-cell$1><text:p/></table:table-cell>");
  if (repaired === xml) return bytes;
  content.content = Buffer.from(repaired);
  return CFB.write(zip, { type: "buffer", fileType: "zip" }) as Buffer;
}

/** Returns the sheets that have cells. */
function sheetsOf({ SheetNames, Sheets, Workbook }: WorkBook): { name: string; rows: Cell[][] }[] {
  const isFrom1904 = Workbook?.WBProps?.date1904 === true;
  const sheets = SheetNames.flatMap((name) => {
    const sheet = Sheets[name];
    if (!sheet) return [];
    setTimes(sheet, isFrom1904);
    const rows = utils.sheet_to_json<Cell[]>(sheet, { header: 1, raw: true, blankrows: false, UTC: true });
    return rows.length > 0 ? [{ name, rows: rows.map((row) => Array.from(row)) }] : [];
  });
  if (sheets.length === 0) throw new ImportFailure(1005, "The workbook has no cells.");
  return sheets;
}

/** Replaces numbers that are dates or times by their values. */
function setTimes(sheet: WorkSheet, isFrom1904: boolean): void {
  const rows = (sheet["!data"] ?? []) as (CellObject | undefined)[][];
  for (const row of rows) {
    for (const cell of row ?? []) {
      if (!cell) continue;
      if (cell.t === "n" && typeof cell.v === "number") {
        cell.v = timeOfNumber(cell.v, cell.z, isFrom1904) as CellObject["v"];
        if (typeof cell.v !== "number") cell.t = typeof cell.v === "string" ? "s" : "d";
      }
      delete cell.z; // by which the library would read texts as dates
    }
  }
}
