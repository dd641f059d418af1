import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import SevenZip from "7z-wasm";

interface Options {
  /** Default is `7z`. */
  readonly type?: "7z" | "bzip2" | "xz";
  /** Symbolic links and their targets. */
  readonly links?: Readonly<Record<string, string>>;
  /** Further switches of 7-Zip, such as `-psecret`. */
  readonly switches?: readonly string[];
}

/** Returns an archive made by 7-Zip. A number is the size of a file of zeros. */
export async function sevenZipOf(
  files: Readonly<Record<string, string | Uint8Array | number>>,
  { type = "7z", links = {}, switches = [] }: Options = {},
): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), "cartoframes-test-"));
  const { exitCode } = process; // 7-Zip sets it
  try {
    await mkdir(join(dir, "files"));
    for (const [name, content] of Object.entries(files)) {
      const path = join(dir, "files", name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, typeof content === "number" ? "" : content);
      if (typeof content === "number") await truncate(path, content);
    }
    for (const [name, target] of Object.entries(links)) await symlink(target, join(dir, "files", name));
    const printed: string[] = [];
    const print = (line: string) => void printed.push(line);
    const { FS, NODEFS, callMain } = await SevenZip({ print, printErr: print });
    FS.mkdir("/dir");
    FS.mount(NODEFS, { root: dir }, "/dir");
    FS.chdir("/dir/files");
    // By their folders, because 7-Zip keeps only the last part of a path that it is given.
    const names = (await readdir(join(dir, "files"))).map((name) => `./${name}`);
    const status = callMain([
      "a",
      `-t${type}`,
      "-mx=1",
      "-snl",
      "-spd",
      ...switches,
      "/dir/archive",
      ...names,
    ]) as unknown;
    if (status !== 0) throw new Error(printed.join("\n"));
    return await readFile(join(dir, { "7z": "archive.7z", bzip2: "archive.bz2", xz: "archive.xz" }[type]));
  } finally {
    process.exitCode = exitCode;
    await rm(dir, { recursive: true, force: true });
  }
}

const SIGNATURE_HEADER_BYTES = 32;

/**
 * Returns a 7z archive whose files have names that 7-Zip does not write. Its header must not be compressed; it follows
 * the content: https://github.com/ip7z/7zip/blob/main/DOC/7zFormat.txt
 * @param source archive made with `-mhc=off`, or the content of each file
 * @param renamed name in the archive, and the name of the same length that replaces it
 */
export async function renamedSevenZip(
  source: Buffer | string,
  ...renamed: [from: string, to: string][]
): Promise<Buffer> {
  const made =
    typeof source === "string"
      ? await sevenZipOf(Object.fromEntries(renamed.map(([name]) => [name, source])), {
          switches: ["-mhc=off"],
        })
      : source;
  let text = made.toString("latin1");
  const utf16 = (name: string) => Buffer.from(name, "utf16le").toString("latin1");
  for (const [from, to] of renamed) text = text.replaceAll(utf16(from), utf16(to));
  const archive = Buffer.from(text, "latin1");
  const start = SIGNATURE_HEADER_BYTES + Number(archive.readBigUInt64LE(12));
  const header = archive.subarray(start, start + Number(archive.readBigUInt64LE(20)));
  archive.writeUInt32LE(crc32(header), 28);
  archive.writeUInt32LE(crc32(archive.subarray(12, SIGNATURE_HEADER_BYTES)), 8);
  return archive;
}

/** The CRC-32 of gzip is also that of 7z. */
function crc32(bytes: Uint8Array): number {
  return gzipSync(bytes).subarray(-8).readUInt32LE();
}
