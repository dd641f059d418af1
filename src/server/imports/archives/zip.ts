import { basename } from "node:path";
import type { Readable } from "node:stream";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { asFailure } from "../errors";
import type { FileToImport } from "../file";
import {
  checkCount,
  checkSize,
  counted,
  encrypted,
  folderInside,
  isJunk,
  noFiles,
  pathOf,
  write,
} from "./rules";

/** Unpacks the files of a zip archive. */
export async function unzip(
  archive: FileToImport,
  dir: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport[]> {
  const zip = await openPromise(archive.path, { lazyEntries: true, autoClose: false }).catch((error) => {
    throw asFailure(error, 1003);
  });
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith("/") || isJunk(entry.fileName)) continue;
      if (entry.isEncrypted()) throw encrypted();
      entries.push(entry);
      checkCount(entries.length);
    }
    checkSize(
      entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
      packedBytes,
    );
    const files: FileToImport[] = [];
    for (const [i, entry] of entries.entries()) {
      const path = pathOf(dir, i, entry.fileName);
      await extract(zip, entry, path, packedBytes, signal);
      files.push({ path, name: nameInside(entry, archive), folder: folderInside(entry.fileName, archive) });
    }
    if (files.length === 0) throw noFiles();
    return files;
  } catch (error) {
    throw asFailure(error, 1003); // yauzl refuses names that lead out of the folder, and damaged archives
  } finally {
    zip.close();
  }
}

async function extract(
  zip: ZipFile,
  entry: Entry,
  path: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<void> {
  // yauzl stops if an entry is longer than stated.
  const content = (await zip.openReadStreamPromise(entry)) as Readable;
  await write(counted(content, packedBytes), path, signal);
}

/** Names the doc.kml of a KMZ after the archive, because all KMZ files use that name. */
function nameInside({ fileName }: Entry, archive: FileToImport): string {
  const name = basename(fileName);
  const isKmz = /\.kmz$/i.test(archive.name) && /^doc\.kml$/i.test(name);
  return isKmz ? archive.name.replace(/\.kmz$/i, ".kml") : name;
}
