/** Finds the files that a user names, and packs those that belong together. */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import picomatch from "picomatch";
import { ZipFile } from "yazl";
import type { ImportSource } from "../api/imports";
import { InvalidArgumentError } from "../errors";
import type { Progress } from "../kernel/progress";
import { listed, near } from "../options";
import { counted } from "./counted";

/** Content of a file that is in memory. */
export interface FileBytes {
  /** Name of the file with its extension, which says the format: `"stops.csv"`. */
  readonly name: string;
  /** Content of the file. */
  readonly bytes: Uint8Array;
}

/**
 * Files to import: a path, a glob (`"data/*.geojson"`), a folder, a `file://`, `http://` or `https://` URL, bytes with a
 * name, or a list of these.
 */
export type FileSource = string | URL | FileBytes | readonly (string | URL | FileBytes)[];

/** One upload. Files that belong together, such as those of a shapefile, are one ZIP archive. */
export interface Upload {
  /** Name of the file or folder, or URL, as in messages. */
  readonly label: string;
  /** Name of the file or folder without its extension, from which the table gets its name. */
  readonly stem: string;
  /** True if the file can hold only one table, which has its name. */
  readonly isOneTable: boolean;
  readonly source: ImportSource;
  /** Size in bytes before packing, if known. */
  readonly size?: number;
}

/** Extensions of the files of one layer, the one that people name first. */
const FAMILIES = [
  [".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".shp.xml"],
  [".tab", ".dat", ".map", ".id", ".ind"],
  [".mif", ".mid"],
] as const;

/** @throws InvalidArgumentError if a file does not exist, or the source is not one */
export async function uploadsOf(source: FileSource): Promise<Upload[]> {
  const parts: readonly unknown[] = Array.isArray(source) ? source : [source];
  const uploads = (await Promise.all(parts.map(uploadsOfOne))).flat();
  const empty = uploads.find(({ size }) => size === 0);
  if (empty) throw new InvalidArgumentError(`The file "${empty.label}" is empty.`);
  if (uploads.length > 0) return uploads;
  throw new InvalidArgumentError(
    "There is no file to import. Pass a path, a glob, a folder, a URL, or { name, bytes }.",
  );
}

async function uploadsOfOne(source: unknown): Promise<Upload[]> {
  if (source instanceof URL) return uploadsOfOne(source.href);
  if (typeof source === "string" && source !== "")
    return /^https?:/i.test(source) ? [fromWeb(source)] : fromDisk(source);
  if (isFileBytes(source)) return [fromMemory(source)];
  throw new InvalidArgumentError(
    "A file to import must be a path, a glob, a folder, a URL, or { name, bytes } with the bytes as a Uint8Array.",
  );
}

function isFileBytes(value: unknown): value is FileBytes {
  const { name, bytes } = (value ?? {}) as Partial<FileBytes>;
  return typeof name === "string" && name !== "" && bytes instanceof Uint8Array;
}

function fromWeb(address: string): Upload {
  if (!URL.canParse(address))
    throw new InvalidArgumentError(`${JSON.stringify(address)} is not a valid URL.`);
  const url = new URL(address);
  const name = decodeURIComponent(basename(url.pathname));
  return { ...namesOf(name), label: url.href, source: { url: url.href } };
}

function fromMemory({ name, bytes }: FileBytes): Upload {
  const stream = async function* () {
    yield bytes;
  };
  return { ...namesOf(name), source: { name, bytes: stream }, size: bytes.length };
}

async function fromDisk(text: string): Promise<Upload[]> {
  const path = /^file:/i.test(text) ? fileURLToPath(text) : text;
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return [await fromFolder(path)];
  if (found) return [await fromFile(path, found.size)];
  const { isGlob, base } = picomatch.scan(path.replaceAll("\\", "/"));
  if (!isGlob) throw await missing(path);
  const paths = await matching(path.replaceAll("\\", "/"), base || ".");
  return Promise.all(
    withoutCompanions(paths.sort()).map(async (file) => fromFile(file, (await stat(file)).size)),
  );
}

/** Returns the files below a folder whose paths match a glob. */
async function matching(pattern: string, base: string): Promise<string[]> {
  const entries = await readdir(base, { recursive: true, withFileTypes: true }).catch(() => []);
  const isMatch = picomatch(pattern);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).replaceAll("\\", "/"))
    .filter((path) => isMatch(path));
}

/** Leaves out files that come with another one, such as the DBF of a shapefile. */
function withoutCompanions(paths: readonly string[]): string[] {
  const lower = new Set(paths.map((path) => path.toLowerCase()));
  return paths.filter((path) => {
    const extension = extname(path).toLowerCase();
    const family = FAMILIES.find(([, ...others]) => (others as string[]).includes(extension));
    return !family || !lower.has(path.slice(0, -extension.length).toLowerCase() + family[0]);
  });
}

async function fromFile(path: string, size: number): Promise<Upload> {
  const name = basename(path);
  const family = FAMILIES.find(([first]) => extname(path).toLowerCase() === first);
  if (!family) return { ...namesOf(name), source: { name, bytes: () => createReadStream(path) }, size };
  const beside = await readdir(dirname(path));
  const base = name.slice(0, -extname(name).length).toLowerCase();
  const files = beside.filter((other) =>
    (family as readonly string[]).some((end) => other.toLowerCase() === base + end),
  );
  return packed(
    namesOf(name),
    files.map((file) => ({ path: join(dirname(path), file), name: file })),
  );
}

/** Packs all files of a folder. A folder whose name ends in `.gdb` is one file for GDAL, and stays a folder. */
async function fromFolder(path: string): Promise<Upload> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const root = extname(path).toLowerCase() === ".gdb" ? dirname(path) : path;
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) throw new InvalidArgumentError(`The folder ${JSON.stringify(path)} has no files.`);
  return packed(
    { label: basename(path), stem: stemOf(basename(path)), isOneTable: false },
    files.map((file) => ({ path: file, name: relative(root, file).replaceAll("\\", "/") })),
  );
}

async function packed(
  names: Names,
  files: readonly { readonly path: string; readonly name: string }[],
): Promise<Upload> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  const bytes = () => {
    const zip = new ZipFile();
    for (const { path, name } of files) zip.addFile(path, name);
    zip.end();
    return zip.outputStream as AsyncIterable<Uint8Array> & NodeJS.ReadableStream;
  };
  const size = sizes.reduce((sum, size) => sum + size, 0);
  return { ...names, source: { name: `${names.stem}.zip`, bytes }, size };
}

/** Removes the extension, and that of a compressed file: `trees.csv.gz` becomes `trees`. */
const stemOf = (name: string) => name.replace(/(?<=.)\.(gz|bz2|xz)$/i, "").replace(/(?<=.)\.[^.]*$/, "");

type Names = Pick<Upload, "label" | "stem" | "isOneTable">;

const namesOf = (name: string): Names => ({
  label: name,
  stem: stemOf(name),
  isOneTable: /\.(csv|tsv|txt|json|geojson|shp)(\.(gz|bz2|xz))?$/i.test(name),
});

async function missing(path: string): Promise<InvalidArgumentError> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => undefined);
  const what = `No file is named ${JSON.stringify(path)}.`;
  if (names === undefined)
    return new InvalidArgumentError(`${what} The folder ${JSON.stringify(folder)} does not exist.`);
  const similar = near(basename(path), names);
  const advice =
    similar.length > 0
      ? `Similar names in its folder: ${listed(similar)}.`
      : `Relative paths start at ${JSON.stringify(process.cwd())}.`;
  return new InvalidArgumentError(`${what} ${advice}`);
}

/** Counts the bytes of an upload. */
export function withProgress({ source, size }: Upload, progress: Progress): ImportSource {
  if ("url" in source) return source;
  const { name, bytes } = source;
  return { name, bytes: () => counted(bytes(), progress, { total: size, note: "uploading" }) };
}
