/** Unpacks archives. Sizes are counted while unpacking, because an archive may state wrong ones. */
import { createReadStream } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { explainFullDisk, leavingRoom, writeNewFile } from "../disk";
import { asFailure, ImportFailure } from "./errors";

/** A local file, and its original name. */
export interface FileToImport {
  readonly path: string;
  /** Original name, with extension and without folders. */
  readonly name: string;
  /** Folder inside the archive, below the name of the archive: `trees/2017`. It tells files of one name apart. */
  readonly folder?: string;
  /** Encoding that the Content-Type of the file declares. */
  readonly charset?: string;
}

/** Returns the `charset` of a Content-Type, as a member of `FileToImport`. */
export function charsetOf(contentType: string | null | undefined): { charset?: string } {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "")?.[1];
  return charset === undefined ? {} : { charset };
}

const MAX_ENTRIES = 1000;
/** Text compresses 5 to 20 times, and a column of one value 200 times. The limit of deflate is 1032. */
const MAX_RATIO = 200;
/** Smaller files may have any ratio. */
const RATIO_COUNTS_FROM_BYTES = 256 * 1024 ** 2;
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZIP = Buffer.from("PK\x03\x04");
/** POSIX and GNU archives: https://www.gnu.org/software/tar/manual/html_node/Standard.html */
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;
const EMPTY_ZIP = Buffer.from("PK\x05\x06");
/** Zip files that are read as one document. */
const READ_AS_A_WHOLE = new Set([".xlsx", ".xlsm", ".ods"]);
/** Files that macOS and Windows add to archives. */
const JUNK = /(?:^|\/)(?:__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

/**
 * Returns the files in an archive, unpacked to `dir` under new names, or the file itself if it is not an archive.
 * @throws ImportFailure 1003, 1005, 1018, 6666
 */
export async function unpack(file: FileToImport, dir: string, signal: AbortSignal): Promise<FileToImport[]> {
  const { size } = await stat(file.path);
  if (size === 0) throw new ImportFailure(1005, "The file is empty.");
  const head = await firstBytes(file.path, 4);
  if (head.subarray(0, 2).equals(GZIP)) {
    await mkdir(dir, { recursive: true });
    const plain = await gunzip(file, join(dir, "plain"), size, signal);
    if (!(await isTar(plain.path))) return [plain];
    const files = await untar(plain, dir, size, signal);
    await rm(plain.path);
    return files;
  }
  if (await isTar(file.path)) {
    await mkdir(dir, { recursive: true });
    return untar(file, dir, size, signal);
  }
  const isZip = head.equals(ZIP) || head.equals(EMPTY_ZIP);
  if (!isZip) {
    if (/^\.(zip|kmz|gz|tgz|tar)$/i.test(extname(file.name)))
      throw new ImportFailure(
        1003,
        `${file.name} is not an archive, or its beginning is missing. Download or create it again.`,
      );
    return [file];
  }
  if (READ_AS_A_WHOLE.has(extname(file.name).toLowerCase())) return [file];
  await mkdir(dir, { recursive: true });
  return unzip(file, dir, size, signal);
}

/** Returns the first bytes of a file, fewer if it is shorter. */
export async function firstBytes(path: string, length: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function gunzip(
  { path, name, ...declared }: FileToImport,
  to: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport> {
  const plain = createReadStream(path).pipe(createGunzip());
  await write(counted(plain, packedBytes), to, signal).catch((error) => {
    throw asFailure(error, 1003);
  });
  if ((await stat(to)).size === 0) throw new ImportFailure(1005, "The file is empty.");
  return { ...declared, path: to, name: name.replace(/\.gz$/i, "").replace(/\.tgz$/i, ".tar") };
}

async function isTar(path: string): Promise<boolean> {
  return (await firstBytes(path, TAR_MAGIC_AT + TAR_MAGIC.length)).subarray(TAR_MAGIC_AT).equals(TAR_MAGIC);
}

/** Unpacks the files of a tar archive. Links and devices are left out. */
async function untar(
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
    if (!isFile || JUNK.test(entry.path)) return void entry.resume();
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
  if (files.length === 0) throw new ImportFailure(1005, "The archive contains no files.");
  return files;
}

/** New name of a file of an archive. Readers of shapefiles need its extension. */
function pathOf(dir: string, at: number, name: string): string {
  const [extension = ""] = /\.(shp|dbf)$/i.exec(name) ?? [];
  return join(dir, `${at}${extension.toLowerCase()}`);
}

function checkCount(count: number): void {
  if (count > MAX_ENTRIES)
    throw new ImportFailure(1003, `The archive has more than ${MAX_ENTRIES} files. Split it.`);
}

async function unzip(
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
      if (entry.fileName.endsWith("/") || JUNK.test(entry.fileName)) continue;
      if (entry.isEncrypted()) {
        throw new ImportFailure(1018, "The archive has a password. Create it again without a password.");
      }
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
    if (files.length === 0) throw new ImportFailure(1005, "The archive contains no files.");
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

function folderInside(path: string, archive: FileToImport): string {
  return join(withoutExtension(archive.name), dirname(path));
}

async function* counted(chunks: AsyncIterable<Buffer>, packedBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    checkSize(bytes, packedBytes);
    yield chunk;
  }
}

function checkSize(bytes: number, packedBytes: number): void {
  if (bytes <= RATIO_COUNTS_FROM_BYTES || bytes <= packedBytes * MAX_RATIO) return;
  throw new ImportFailure(
    1003,
    `The archive unpacks to more than ${MAX_RATIO} times its size, as a zip bomb does. If it is safe, unpack it and import the files.`,
  );
}

async function write(chunks: AsyncIterable<Buffer>, path: string, signal: AbortSignal): Promise<void> {
  const guarded = leavingRoom(chunks, { dir: dirname(path), what: "file" }, diskError);
  await writeNewFile(path, guarded, signal).catch(async (error) => {
    throw await explainFullDisk(error, dirname(path));
  });
}

export function diskError(message: string): ImportFailure {
  return new ImportFailure(6666, `${message}.`);
}

/** Names of a file that holds one layer. */
export function layerOfFile({ name }: FileToImport): { name: string; layer: string; file: string } {
  const stem = withoutExtension(name);
  return { name: stem, layer: stem, file: name };
}

/** Removes the last extension: `trees.csv` becomes `trees`. */
export const withoutExtension = (name: string) => basename(name).replace(/(?<=.)\.[^.]*$/, "");
