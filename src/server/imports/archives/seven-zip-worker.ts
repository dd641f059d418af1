/**
 * Worker thread of 7-Zip. It lists an archive before it unpacks it, and unpacks only files that may be unpacked.
 * 7-Zip sees two folders of this machine: that of the archive and the one to unpack to.
 */
import { basename, dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import SevenZip, { type SevenZipModule } from "7z-wasm";
import { roomChecker } from "../../disk";
import { asFailure, diskError, type ImportErrorCode, ImportFailure } from "../errors";
import { checkCount, checkSize, encrypted, isJunk } from "./rules";

/** 7-Zip's names of the formats. It is not left to guess them, which would open many others. */
export type SevenZipType = "7z" | "bzip2" | "xz";

export interface ToSevenZip {
  readonly type: SevenZipType;
  readonly path: string;
  /** Folder to unpack to. */
  readonly to: string;
  readonly packedBytes: number;
}

export type FromSevenZip =
  | { readonly kind: "unpacked"; readonly paths: readonly string[] }
  | { readonly kind: "failed"; readonly code: ImportErrorCode; readonly detail: string };

/** Where 7-Zip sees the folders. */
const FROM = "/from";
const TO = "/to";
const LIST = "/list";
/** Number of the error in Emscripten. */
const ENOSPC = 51;
/** A list that is longer belongs to an archive with too many files, or with far more folders than files. */
const MAX_LINES = 200_000;

const port = parentPort!;
port.on("message", async (request: ToSevenZip) => port.postMessage(await answer(request)));

async function answer(request: ToSevenZip): Promise<FromSevenZip> {
  /** Lines that 7-Zip has printed since it was last called. */
  const lines: string[] = [];
  try {
    return { kind: "unpacked", paths: await unpack(request, lines) };
  } catch (error) {
    // 7-Zip throws numbers: it is compiled without handlers for its own exceptions.
    const { code, detail } = error instanceof ImportFailure ? error : reasonIn(lines);
    return { kind: "failed", code, detail };
  }
}

async function unpack(request: ToSevenZip, lines: string[]): Promise<string[]> {
  const { type, path, to, packedBytes } = request;
  const sevenZip = await open(request, lines);
  const call = (...args: string[]) => {
    lines.length = 0;
    // It is declared as void, but returns the exit status. `-spd` turns off wildcards in names.
    const status = sevenZip.callMain([...args, `-t${type}`, "-spd", `${FROM}/${basename(path)}`]) as unknown;
    if (status !== 0) throw reasonIn(lines);
  };
  call("l", "-slt");
  const entries = entriesOf(lines);
  const bytes = entries.reduce((sum, { Size }) => sum + Number(Size), 0);
  checkSize(bytes, packedBytes);
  const paths = type === "7z" ? pathsOf(entries) : null; // other files have one entry without a name
  if (paths?.length === 0) return [];
  if (paths) sevenZip.FS.writeFile(LIST, paths.map((path) => `"${path}"\n`).join(""));
  limitWrites(sevenZip, to, packedBytes);
  // `-snl-`: no symbolic links.
  call("x", "-y", "-snl-", `-o${TO}`, ...(paths ? [`-i@${LIST}`, "-scsUTF-8"] : []));
  return paths ?? [];
}

async function open({ path, to }: ToSevenZip, lines: string[]): Promise<SevenZipModule> {
  const keep = (line: string) => {
    if (lines.push(line) > MAX_LINES) checkCount(Number.POSITIVE_INFINITY);
  };
  // Null is the end of the input, in which 7-Zip looks for a password.
  const stdin = () => null as unknown as number;
  const sevenZip = await SevenZip({ print: keep, printErr: keep, stdin });
  const { FS, NODEFS } = sevenZip;
  for (const [root, mounted] of [
    [dirname(path), FROM],
    [to, TO],
  ] as const) {
    FS.mkdir(mounted);
    FS.mount(NODEFS, { root }, mounted);
  }
  return sevenZip;
}

/** Stops 7-Zip when it has written too much: bzip2 files do not state their size. */
function limitWrites({ FS }: SevenZipModule, dir: string, packedBytes: number): void {
  const checkRoom = roomChecker({ dir, what: "file" }, diskError);
  const { write } = FS;
  let bytes = 0;
  FS.write = (stream, buffer, offset, length, ...more) => {
    bytes += length;
    checkSize(bytes, packedBytes);
    checkRoom(length);
    try {
      return write(stream, buffer, offset, length, ...more);
    } catch (error) {
      // 7-Zip does not say why it could not write.
      throw (error as { errno?: number }).errno === ENOSPC ? asFailure({ code: "ENOSPC" }) : error;
    }
  };
}

/** An entry in the list of an archive: 7-Zip's names of its properties, and their values. */
type ListEntry = Readonly<Record<string, string>>;

/** Line before the first entry. */
const START = "----------";

/** 7-Zip prints a line break in a name as `_`, so that each line is one property. */
function entriesOf(lines: readonly string[]): ListEntry[] {
  const entries: Record<string, string>[] = [{}];
  for (const line of lines.slice(lines.indexOf(START) + 1)) {
    const at = line.indexOf(" = ");
    if (at < 0) entries.push({});
    else entries.at(-1)![line.slice(0, at)] = line.slice(at + " = ".length);
  }
  return entries.filter(({ Size }) => Size !== undefined);
}

/** Attributes are those of Windows, such as `A` or `RHS`, and after them those of Unix, such as `lrwxrwxrwx`. */
function isFile({ Attributes = "" }: ListEntry): boolean {
  const unix = /(?:^| )([-\w])[-rwxsStT]{9}$/.exec(Attributes);
  const windows = unix ? Attributes.slice(0, unix.index) : Attributes;
  return !/[DL]/.test(windows) && (unix === null || unix[1] === "-");
}

/** Returns the paths of the files to unpack. */
function pathsOf(entries: readonly ListEntry[]): string[] {
  const files = entries.filter((entry) => isFile(entry) && !isJunk(entry.Path ?? ""));
  checkCount(files.length);
  if (files.some(({ Encrypted }) => Encrypted === "+")) throw encrypted();
  const paths = files.map(({ Path = "" }) => Path);
  const outside = paths.find(leadsOut);
  if (outside === undefined) return paths;
  throw new ImportFailure(
    1003,
    `The archive contains the absolute or relative path ${JSON.stringify(outside)}, which leads out of its folder. Create it again from its folder.`,
  );
}

function leadsOut(path: string): boolean {
  return /^(?:[\\/]|[a-z]:)|(?:^|[\\/])\.\.(?:[\\/]|$)/i.test(path);
}

const DAMAGES =
  /Data Error|CRC Failed|Headers Error|Unexpected end of (?:archive|data)|Unsupported Method|Unavailable data/i;

/** Explains why 7-Zip has failed. */
function reasonIn(lines: readonly string[]): ImportFailure {
  const text = lines.join("\n");
  if (/Enter password|Wrong password/i.test(text)) return encrypted();
  if (/allocate/i.test(text))
    return new ImportFailure(
      6666,
      "The archive takes more memory than 7-Zip can use. Create it again with a smaller dictionary.",
    );
  const damage = DAMAGES.exec(text)?.[0];
  const found = damage === undefined ? "" : `: 7-Zip says "${damage}"`;
  return new ImportFailure(
    1003,
    `The archive is damaged or incomplete${found}. Download or create it again.`,
  );
}
