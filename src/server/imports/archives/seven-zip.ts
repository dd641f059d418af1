/** Unpacks what 7-Zip reads. It runs in a worker thread, because it does not return before it has unpacked everything. */
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ImportFailure } from "../errors";
import type { FileToImport } from "../file";
import { ImportWorker, OWN_READER } from "../import-worker";
import { folderInside, noFiles, pathOf } from "./rules";
import type { FromSevenZip, SevenZipType, ToSevenZip } from "./seven-zip-worker";

/** Unpacks the files of a 7z archive. Links and devices are left out. */
export async function unpackSevenZip(
  archive: FileToImport,
  dir: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<FileToImport[]> {
  const to = join(dir, "7z");
  const paths = await extract({ type: "7z", path: archive.path, to, packedBytes }, signal);
  if (paths.length === 0) throw noFiles();
  const unpacked = new Set(await filesBelow(to));
  const files: FileToImport[] = [];
  for (const [i, path] of paths.entries()) {
    if (!unpacked.delete(join(to, path))) throw notUnpacked(path);
    const file = pathOf(dir, i, path);
    await take(join(to, path), file);
    files.push({ path: file, name: basename(path), folder: folderInside(path, archive) });
  }
  await rm(to, { recursive: true });
  return files;
}

/** Writes the content of a compressed file to `to`. */
export async function decompress(
  type: Exclude<SevenZipType, "7z">,
  path: string,
  to: string,
  packedBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const dir = `${to}.d`;
  await extract({ type, path, to: dir, packedBytes }, signal);
  const [file] = await filesBelow(dir);
  if (file === undefined) throw noFiles();
  await take(file, to);
  await rm(dir, { recursive: true });
}

/** Returns the paths of the files that were unpacked, as the archive states them. */
async function extract(request: ToSevenZip, signal: AbortSignal): Promise<readonly string[]> {
  await mkdir(request.to);
  const thread = new ImportWorker<ToSevenZip, FromSevenZip>({
    ...OWN_READER,
    program: "seven-zip-worker.js",
    reader: "7-Zip",
    signal,
  });
  try {
    const answer = await thread.ask(request);
    if (answer.kind === "failed") throw new ImportFailure(answer.code, answer.detail);
    return answer.paths;
  } finally {
    await thread.end();
  }
}

/** Returns the ordinary files below a folder. Links are neither returned nor followed. */
async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Moves a file. An archive can say that not even its owner may read it. */
async function take(from: string, to: string): Promise<void> {
  await chmod(from, 0o600);
  await rename(from, to);
}

function notUnpacked(path: string): ImportFailure {
  return new ImportFailure(
    1003,
    `The archive contains ${JSON.stringify(path)} twice, or its name has characters that cannot be in a file name. Rename it and create the archive again.`,
  );
}
