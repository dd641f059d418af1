import { createReadStream } from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename } from "node:path";
import { Header, Parser, type ReadEntry } from "tar";
import { asFailure, ImportFailure } from "../errors";
import { type FileToImport, firstBytes } from "../file";
import { checkCount, checkSize, folderInside, isJunk, noFiles, pathOf, write } from "./rules";

const HEADER_BYTES = 512;
/** The oldest archives do not have it. */
const MAGIC = Buffer.from("ustar");
const MAGIC_AT = 257;
/** Name of a sparse file in a pax archive; in one of GNU, its type says so. */
const SPARSE = /(?:^|\/)GNUSparseFile\.\d+\//;

/** True if the file begins with the header of an entry: https://www.gnu.org/software/tar/manual/html_node/Standard.html */
export async function isTar(path: string): Promise<boolean> {
  const head = await firstBytes(path, HEADER_BYTES);
  const isNamed = head.subarray(MAGIC_AT, MAGIC_AT + MAGIC.length).equals(MAGIC);
  return isNamed || (head.length === HEADER_BYTES && hasChecksum(head));
}

function hasChecksum(head: Buffer): boolean {
  try {
    return new Header(head).cksumValid === true;
  } catch {
    return false; // a field is not a number
  }
}

/** Unpacks the files of a tar archive. Of entries with one name, the last counts. Symbolic links and devices are left out. */
export async function untar(
  archive: FileToImport,
  dir: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport[]> {
  const files = new Map<string, FileToImport>();
  const links = new Map<string, string>();
  const written: Promise<void>[] = [];
  let count = 0;
  let bytes = 0;
  const source = createReadStream(archive.path, { signal });
  const take = (entry: ReadEntry) => {
    const isFile = entry.type === "File" || entry.type === "OldFile" || entry.type === "ContiguousFile";
    if (entry.type === "SparseFile" || SPARSE.test(entry.path)) throw sparse(entry.path);
    if (isJunk(entry.path) || !(isFile || entry.type === "Link")) return void entry.resume();
    checkCount(++count);
    bytes += entry.size;
    checkSize(bytes, packedBytes);
    const path = pathOf(dir, count, entry.path);
    files.set(entry.path, { path, name: basename(entry.path), folder: folderInside(entry.path, archive) });
    if (isFile) written.push(write(entry as AsyncIterable<Buffer>, path, signal));
    else {
      const target = files.get(entry.linkpath ?? "");
      if (target) links.set(path, target.path);
      else files.delete(entry.path); // it leads out of the archive
      entry.resume();
    }
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
      parser.on("entry", guarded).on("ignoredEntry", guarded).on("end", done).on("error", fail);
      source.on("error", fail).pipe(parser as unknown as NodeJS.WritableStream);
    });
    await Promise.all(written);
    for (const [path, target] of links) await copyFile(target, path);
  } catch (error) {
    throw signal.aborted ? signal.reason : asFailure(error, 1003);
  } finally {
    source.destroy();
  }
  if (files.size === 0) throw noFiles();
  return [...files.values()];
}

function sparse(name: string): ImportFailure {
  return new ImportFailure(
    1003,
    `${basename(name)} is a sparse file in the archive. Create the archive again without --sparse.`,
  );
}
