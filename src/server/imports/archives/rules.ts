/** Rules for all archives. Sizes are counted while unpacking, because an archive may state wrong ones. */
import { dirname, join } from "node:path";
import { explainFullDisk, leavingRoom, writeNewFile } from "../../disk";
import { diskError, ImportFailure } from "../errors";
import { type FileToImport, withoutExtension } from "../file";

const MAX_ENTRIES = 1000;
/** Text compresses 5 to 20 times, and a column of one value 200 times. The limit of deflate is 1032. */
const MAX_RATIO = 200;
/** Smaller files may have any ratio. */
const RATIO_COUNTS_FROM_BYTES = 256 * 1024 ** 2;
/** Files that macOS and Windows add to archives. */
const JUNK = /(?:^|\/)(?:__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

/** True for the path of a file that is left out. */
export const isJunk = (path: string) => JUNK.test(path);

/** @throws ImportFailure 1003 */
export function checkCount(count: number): void {
  if (count > MAX_ENTRIES)
    throw new ImportFailure(1003, `The archive has more than ${MAX_ENTRIES} files. Split it.`);
}

/** @throws ImportFailure 1003 */
export function checkSize(bytes: number, packedBytes: number): void {
  if (bytes <= RATIO_COUNTS_FROM_BYTES || bytes <= packedBytes * MAX_RATIO) return;
  throw new ImportFailure(
    1003,
    `The archive unpacks to more than ${MAX_RATIO} times its size, as a zip bomb does. If it is safe, unpack it and import the files.`,
  );
}

/** Passes the chunks on, and checks their size. */
export async function* counted(chunks: AsyncIterable<Buffer>, packedBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    checkSize(bytes, packedBytes);
    yield chunk;
  }
}

/** Writes a file, unless the disk becomes too full. */
export async function write(chunks: AsyncIterable<Buffer>, path: string, signal: AbortSignal): Promise<void> {
  const guarded = leavingRoom(chunks, { dir: dirname(path), what: "file" }, diskError);
  await writeNewFile(path, guarded, signal).catch(async (error) => {
    throw await explainFullDisk(error, dirname(path));
  });
}

/** New name of a file of an archive. Readers of shapefiles need its extension. */
export function pathOf(dir: string, at: number, name: string): string {
  const [extension = ""] = /\.(shp|dbf)$/i.exec(name) ?? [];
  return join(dir, `${at}${extension.toLowerCase()}`);
}

/** Returns the `folder` of a file. */
export function folderInside(path: string, archive: FileToImport): string {
  return join(withoutExtension(archive.name), dirname(path));
}

export function encrypted(): ImportFailure {
  return new ImportFailure(1018, "The archive has a password. Create it again without a password.");
}

export function noFiles(): ImportFailure {
  return new ImportFailure(1005, "The archive contains no files.");
}
