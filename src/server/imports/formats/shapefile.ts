/** Shapefiles: https://www.esri.com/content/dam/esrisites/sitecore-archive/Files/Pdfs/library/whitepapers/pdfs/shapefile.pdf */
import { open, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { open as openShapefileReader } from "shapefile";
import { SRID_LNGLAT } from "../../../geo";
import { shapeOf } from "../../../geometry/shape";
import { ImportFailure } from "../errors";
import type { Cell, FormatOptions, Row, TableSource } from "../table-source";
import { type FileToImport, withoutExtension } from "../unpack";

const DBF_HEADER_BYTES = 32;
const MAX_PRJ_CHARS = 10_000;

/** @throws ImportFailure 1006, 3008, 3101 */
export async function openShapefile(file: FileToImport, { beside }: FormatOptions): Promise<TableSource> {
  const name = withoutExtension(file.name);
  const part = (extension: string) =>
    beside.find((other) => {
      const isPart = extname(other.name).toLowerCase() === extension;
      return isPart && withoutExtension(other.name).toLowerCase() === name.toLowerCase();
    });
  const prj = part(".prj");
  if (!prj) {
    throw new ImportFailure(
      3101,
      `${name}.prj is missing, which defines the coordinate system. Pack .shp, .shx, .dbf and .prj into one .zip.`,
    );
  }
  const dbf = part(".dbf");
  const encoding = dbf ? await encodingOfDbf(dbf, part(".cpg")) : "utf-8";
  const columns = dbf ? await fieldNames(dbf, encoding) : [];
  const rows = () => readRows(file, dbf, encoding, columns);
  return { name, kind: "features", columns, projection: await projectionOf(prj), rows };
}

async function projectionOf(prj: FileToImport): Promise<number | string> {
  const wkt = (await readFile(prj.path, "utf8")).replace(/^\ufeff/, "").trim();
  if (
    wkt.length > MAX_PRJ_CHARS ||
    !/^(PROJCS|GEOGCS|PROJCRS|GEOGCRS|COMPD_CS|BOUNDCRS)\s*\[.*\]$/is.test(wkt)
  )
    throw new ImportFailure(3008, `${prj.name} does not contain a projection in WKT.`);
  return /^GEOGCS\["(?:GCS_WGS_1984|WGS 84)",/i.test(wkt) ? SRID_LNGLAT : wkt;
}

/** Returns the encoding named by the .cpg file, or else UTF-8 if the records are valid UTF-8, or else Windows-1252. */
async function encodingOfDbf(dbf: FileToImport, cpg: FileToImport | undefined): Promise<string> {
  const label = cpg ? (await readFile(cpg.path, "latin1")).trim() : "";
  const number = /^(?:ansi |cp|oem )?(\d{3,5})$/i.exec(label)?.[1];
  for (const candidate of [
    label,
    number === "65001" ? "utf-8" : `windows-${number}`,
    label.replace(/^8859(\d+)$/, "iso-8859-$1"),
  ]) {
    try {
      if (candidate) return new TextDecoder(candidate).encoding;
    } catch {
      // unknown label: try the next one
    }
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(
      await readFile(dbf.path).then((bytes) => textPart(bytes)),
    );
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

/** Returns the records, without the header, whose numbers are not text. */
const textPart = (bytes: Buffer) => bytes.subarray(Math.min(bytes.length, bytes.readUInt16LE(8)));

/** Returns the field names in the order of the file, each once, because the reader returns records as objects. */
async function fieldNames(dbf: FileToImport, encoding: string): Promise<string[]> {
  const handle = await open(dbf.path);
  try {
    const head = await handle.read(Buffer.alloc(DBF_HEADER_BYTES), 0, DBF_HEADER_BYTES, 0);
    const size = head.bytesRead === DBF_HEADER_BYTES ? head.buffer.readUInt16LE(8) : 0;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
    const names: string[] = [];
    for (let at = DBF_HEADER_BYTES; at + 32 <= bytesRead && buffer[at] !== 0x0d; at += 32) {
      const end = buffer.indexOf(0, at);
      names.push(
        new TextDecoder(encoding).decode(buffer.subarray(at, end === -1 ? at + 11 : Math.min(end, at + 11))),
      );
    }
    return [...new Set(names)];
  } finally {
    await handle.close();
  }
}

async function* readRows(
  file: FileToImport,
  dbf: FileToImport | undefined,
  encoding: string,
  columns: readonly string[],
): AsyncGenerator<Row> {
  try {
    const reader = await openShapefileReader(file.path, dbf?.path, { encoding });
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { properties, geometry } = next.value;
      yield {
        values: columns.map((name) => cell(properties?.[name])),
        geometry: geometry ? shapeOf(geometry) : null,
      };
    }
  } catch (error) {
    if (error instanceof ImportFailure || (error as NodeJS.ErrnoException).code) throw error;
    throw new ImportFailure(1006, `${file.name} is not a valid shapefile: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** The reader's value for a date of eight blanks. */
const NO_DATE_MS = new Date(0, -1, 0).getTime();

/** Converts dates, which the reader returns as midnight in the local time zone, to midnight UTC. */
function cell(value: unknown): Cell {
  if (!(value instanceof Date)) return value as Cell;
  if (Number.isNaN(value.getTime()) || value.getTime() === NO_DATE_MS) return null;
  return new Date(Date.UTC(value.getFullYear(), value.getMonth(), value.getDate()));
}
