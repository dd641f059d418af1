/** Archives on the way to the files in them. What an archive claims is not believed: sizes are counted. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { explainFullDisk, leavingRoom } from "../disk";
import { asFailure, ImportFailure } from "./errors";

/** A file on our disk, and what it was called where it came from. */
export interface FileToImport {
  readonly path: string;
  /** With extension, without folders. */
  readonly name: string;
}

const MAX_ENTRIES = 1000;
/** Text packs 5 to 20 times, and a column of one value 200 times; deflate itself ends at 1032. */
const MAX_RATIO = 200;
/** Smaller ones may have any ratio. */
const RATIO_COUNTS_FROM_BYTES = 256 * 1024 ** 2;
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZIP = Buffer.from("PK\x03\x04");
const EMPTY_ZIP = Buffer.from("PK\x05\x06");
/** Zip files with a format of their own. */
const READ_AS_A_WHOLE = new Set([".xlsx", ".xlsm", ".ods"]);
/** Left by macOS and Windows in archives. */
const JUNK = /(?:^|\/)(?:__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

/**
 * The files in an archive, or the file itself if it is none. They are written to `dir` under names of ours.
 * @throws ImportFailure 1003, 1005, 1018, 6666
 */
export async function unpack(file: FileToImport, dir: string, signal: AbortSignal): Promise<FileToImport[]> {
  const { size } = await stat(file.path);
  if (size === 0) throw new ImportFailure(1005, "The file is empty.");
  const head = await firstBytes(file.path, 4);
  if (head.subarray(0, 2).equals(GZIP)) {
    await mkdir(dir, { recursive: true });
    return [await gunzip(file, join(dir, "0"), size, signal)];
  }
  const isZip = head.equals(ZIP) || head.equals(EMPTY_ZIP);
  if (!isZip) {
    if (/^\.(zip|kmz|gz)$/i.test(extname(file.name)))
      throw new ImportFailure(1003, `${file.name} is not an archive, or the beginning of one is missing.`);
    return [file];
  }
  if (READ_AS_A_WHOLE.has(extname(file.name).toLowerCase())) return [file];
  await mkdir(dir, { recursive: true });
  return unzip(file, dir, size, signal);
}

async function firstBytes(path: string, length: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function gunzip(
  { path, name }: FileToImport,
  to: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport> {
  const plain = createReadStream(path).pipe(createGunzip());
  await write(counted(plain, packedBytes), to, signal).catch((error) => {
    throw asFailure(error, 1003);
  });
  if ((await stat(to)).size === 0) throw new ImportFailure(1005, "The file is empty.");
  return { path: to, name: name.replace(/\.gz$/i, "") };
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
        throw new ImportFailure(1018, "The archive has a password. Pack it again without one.");
      }
      entries.push(entry);
      if (entries.length > MAX_ENTRIES)
        throw new ImportFailure(1003, `The archive has more than ${MAX_ENTRIES} files.`);
    }
    checkSize(
      entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
      packedBytes,
    );
    const files: FileToImport[] = [];
    for (const [i, entry] of entries.entries()) {
      // Of its name only what a reader of shapefiles looks at.
      const [extension = ""] = /\.(shp|dbf)$/i.exec(entry.fileName) ?? [];
      const path = join(dir, `${i}${extension.toLowerCase()}`);
      await extract(zip, entry, path, packedBytes, signal);
      files.push({ path, name: nameInside(entry, archive) });
    }
    if (files.length === 0) throw new ImportFailure(1005, "There is no file in the archive.");
    return files;
  } catch (error) {
    throw asFailure(error, 1003); // yauzl refuses names that lead out of the folder, and broken structures
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
  // yauzl stops where an entry is longer than it says.
  const content = (await zip.openReadStreamPromise(entry)) as Readable;
  await write(counted(content, packedBytes), path, signal);
}

/** What is packed in a KMZ is called doc.kml in each. */
function nameInside({ fileName }: Entry, archive: FileToImport): string {
  const name = basename(fileName);
  const isKmz = /\.kmz$/i.test(archive.name) && /^doc\.kml$/i.test(name);
  return isKmz ? archive.name.replace(/\.kmz$/i, ".kml") : name;
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
    `The archive unpacks to more than ${MAX_RATIO} times its size, as zip bombs do. If it is none, unpack it and import the files.`,
  );
}

async function write(chunks: AsyncIterable<Buffer>, path: string, signal: AbortSignal): Promise<void> {
  const guarded = leavingRoom(chunks, { dir: dirname(path), what: "file" }, diskError);
  const file = createWriteStream(path, { mode: 0o600 });
  await pipeline(Readable.from(guarded), file, { signal }).catch(async (error) => {
    throw await explainFullDisk(error, dirname(path));
  });
}

export function diskError(message: string): ImportFailure {
  return new ImportFailure(6666, `${message}.`);
}

/** `trees` of `trees.csv`, and of `trees.csv.gz`, which is unpacked before. Only the last extension goes. */
export const withoutExtension = (name: string) => basename(name).replace(/(?<=.)\.[^.]*$/, "");
