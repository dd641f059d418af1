import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { Parser, type ReadEntry } from "tar";
import { asFailure } from "../errors";
import { type FileToImport, firstBytes } from "../file";
import { checkCount, checkSize, folderInside, isJunk, noFiles, pathOf, write } from "./rules";

/** POSIX and GNU archives: https://www.gnu.org/software/tar/manual/html_node/Standard.html */
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;

export async function isTar(path: string): Promise<boolean> {
  return (await firstBytes(path, TAR_MAGIC_AT + TAR_MAGIC.length)).subarray(TAR_MAGIC_AT).equals(TAR_MAGIC);
}

/** Unpacks the files of a tar archive. Links and devices are left out. */
export async function untar(
  archive: FileToImport,
  dir: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport[]> {
  const files: FileToImport[] = [];
  const written: Promise<void>[] = [];
  let bytes = 0;
  const source = createReadStream(archive.path, { signal });
  const take = (entry: ReadEntry) => {
    const isFile = entry.type === "File" || entry.type === "OldFile";
    if (!isFile || isJunk(entry.path)) return void entry.resume();
    checkCount(files.length + 1);
    bytes += entry.size;
    checkSize(bytes, packedBytes);
    const path = pathOf(dir, files.length, entry.path);
    files.push({ path, name: basename(entry.path), folder: folderInside(entry.path, archive) });
    written.push(write(entry as AsyncIterable<Buffer>, path, signal));
  };
  const parser = new Parser({ strict: true });
  try {
    await new Promise<void>((done, fail) => {
      const guarded = (entry: ReadEntry) => {
        try {
          take(entry);
          written.at(-1)?.catch(fail);
        } catch (error) {
          fail(error);
        }
      };
      parser.on("entry", guarded).on("end", done).on("error", fail);
      source.on("error", fail).pipe(parser as unknown as NodeJS.WritableStream);
    });
    await Promise.all(written);
  } catch (error) {
    throw signal.aborted ? signal.reason : asFailure(error, 1003);
  } finally {
    source.destroy();
  }
  if (files.length === 0) throw noFiles();
  return files;
}
