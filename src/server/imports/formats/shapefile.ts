/** Shapefiles: https://www.esri.com/content/dam/esrisites/sitecore-archive/Files/Pdfs/library/whitepapers/pdfs/shapefile.pdf */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { openShp } from "shapefile";
import { SRID_LNGLAT } from "../../../geo";
import { shapeOf } from "../../../geometry/shape";
import { ImportFailure } from "../errors";
import { type FileToImport, layerOfFile, withoutExtension } from "../file";
import type { FileOptions, Row, TableSource } from "../table-source";
import { type Dbf, dbfColumns, dbfRecords, encodingOfLanguage, guessDbfEncoding, openDbf } from "./dbf";
import { encodingOfLabel } from "./decoder";
import { type FoundEncoding, givenEncoding } from "./encoding";

const MAX_PRJ_CHARS = 10_000;

/** @throws ImportFailure 1006, 3008 */
export async function openShapefile(
  file: FileToImport,
  { beside, reading }: FileOptions,
): Promise<TableSource> {
  const name = withoutExtension(file.name);
  const part = (extension: string) =>
    beside.find((other) => {
      const isPart = extname(other.name).toLowerCase() === extension;
      return isPart && withoutExtension(other.name).toLowerCase() === name.toLowerCase();
    });
  const prj = part(".prj");
  const attributes = part(".dbf");
  const dbf = attributes && (await openDbf(attributes));
  const encoding = dbf && (givenEncoding(reading) ?? (await encodingOfDbf(dbf, part(".cpg"))));
  const columns = dbf && encoding ? dbfColumns(dbf, encoding.name) : [];
  const rows = () => readRows(file, dbf, encoding?.name ?? "utf-8");
  const projection = reading.srid ?? (prj && (await projectionOf(prj)));
  return {
    ...layerOfFile(file),
    kind: "features",
    encoding,
    columns,
    projection,
    needsProjection: true,
    rows,
  };
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

/** Returns the encoding named by the .cpg file, or else by the .dbf file, or else UTF-8 if its texts are, or else a guess. */
async function encodingOfDbf(dbf: Dbf, cpg: FileToImport | undefined): Promise<FoundEncoding> {
  const declared = cpg ? declaredEncoding(await readFile(cpg.path, "latin1")) : undefined;
  const name = declared ?? dbf.encoding;
  if (name !== undefined) return { name, found: "declared" };
  const guessed = await guessDbfEncoding(dbf);
  return { name: guessed, found: guessed === "utf-8" ? "valid" : "guessed" };
}

/** Reads a .cpg file. `LDID/87` is a language byte as in the .dbf file. */
function declaredEncoding(text: string): string | undefined {
  const label = text.replace(/^\u00ef\u00bb\u00bf/, "");
  const languageByte = /^\s*LDID\/(\d+)/i.exec(label)?.[1];
  return languageByte ? encodingOfLanguage(Number(languageByte)) : encodingOfLabel(label);
}

async function* readRows(file: FileToImport, dbf: Dbf | undefined, encoding: string): AsyncGenerator<Row> {
  const records = dbf ? dbfRecords(dbf, encoding) : undefined;
  let shapes: Awaited<ReturnType<typeof openShp>> | undefined;
  try {
    shapes = await openShp(file.path);
    for (let next = await shapes.read(); !next.done; next = await shapes.read()) {
      const values = records ? (await records.next()).value : [];
      // null: a deleted record; undefined: the .dbf has fewer records than the .shp
      if (values === null) continue;
      yield { values: values ?? [], geometry: next.value ? shapeOf(next.value) : null };
    }
  } catch (error) {
    if (error instanceof ImportFailure || (error as NodeJS.ErrnoException).code) throw error;
    throw new ImportFailure(1006, `${file.name} is not a valid shapefile: ${(error as Error).message}.`, {
      cause: error,
    });
  } finally {
    await shapes?.cancel();
    await records?.return(undefined);
  }
}
