import { mkdir, rm, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { gunzip } from "./archives/gzip";
import { decompress, unpackSevenZip } from "./archives/seven-zip";
import { isTar, untar } from "./archives/tar";
import { unzip } from "./archives/zip";
import { ImportFailure } from "./errors";
import { type FileToImport, firstBytes } from "./file";

type Kind = "zip" | "gzip" | "bzip2" | "xz" | "7z";

/** First bytes of archives in hexadecimal; `..` is any byte. Those of bzip2 include its first block, or its end, because text can begin with `BZh`. */
const BEGINNINGS: readonly (readonly [Kind, ...bytes: string[]])[] = [
  ["zip", "504b0304", "504b0506"],
  ["gzip", "1f8b"],
  ["bzip2", "425a68..314159265359", "425a68..177245385090"],
  ["xz", "fd377a585a00"],
  ["7z", "377abcaf271c"],
];
const LONGEST_BEGINNING = 10;

/** Zip files that are read as one document. */
const READ_AS_A_WHOLE = new Set([".xlsx", ".xlsm", ".ods"]);
const OF_ARCHIVES = /^\.(?:zip|kmz|gz|tgz|tar|7z|bz2|tbz2?|xz|txz)$/i;

/**
 * Returns the files in an archive, unpacked to `dir` under new names, or the file itself if it is not an archive.
 * @throws ImportFailure 1003, 1005, 1018, 6666
 */
export async function unpack(file: FileToImport, dir: string, signal: AbortSignal): Promise<FileToImport[]> {
  const { size } = await stat(file.path);
  if (size === 0) throw new ImportFailure(1005, "The file is empty.");
  const kind = await kindOf(file.path);
  const isWhole = kind === "zip" && READ_AS_A_WHOLE.has(extname(file.name).toLowerCase());
  if (kind !== null && !isWhole) {
    await mkdir(dir, { recursive: true });
    return unpackKind(kind, file, dir, size, signal);
  }
  if (kind === null && (await isTar(file.path))) {
    await mkdir(dir, { recursive: true });
    return untar(file, dir, size, signal);
  }
  if (kind === null && OF_ARCHIVES.test(extname(file.name)))
    throw new ImportFailure(
      1003,
      `${file.name} is not an archive, or its beginning is missing. Download or create it again.`,
    );
  return [file];
}

async function kindOf(path: string): Promise<Kind | null> {
  const head = (await firstBytes(path, LONGEST_BEGINNING)).toString("hex");
  const isBeginning = (bytes: string) => new RegExp(`^${bytes}`).test(head);
  return BEGINNINGS.find(([, ...beginnings]) => beginnings.some(isBeginning))?.[0] ?? null;
}

async function unpackKind(
  kind: Kind,
  file: FileToImport,
  dir: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport[]> {
  if (kind === "zip") return unzip(file, dir, packedBytes, signal);
  if (kind === "7z") return unpackSevenZip(file, dir, packedBytes, signal);
  const plain = { ...file, path: join(dir, "plain"), name: nameInside(file.name) };
  if (kind === "gzip") await gunzip(file.path, plain.path, packedBytes, signal);
  else await decompress(kind, file.path, plain.path, packedBytes, signal);
  if ((await stat(plain.path)).size === 0) throw new ImportFailure(1005, "The file is empty.");
  if (!(await isTar(plain.path))) return [plain];
  const files = await untar(plain, dir, packedBytes, signal);
  await rm(plain.path);
  return files;
}

/** Returns the name of a compressed file: that of `trees.csv.gz` is `trees.csv`. */
function nameInside(name: string): string {
  return name.replace(/\.(?:gz|bz2|xz)$/i, "").replace(/\.(?:tgz|tbz2?|txz)$/i, ".tar");
}
