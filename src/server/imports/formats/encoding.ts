/** Detects the encoding of text files. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { detect } from "chardet";
import { encodingExists, getDecoder } from "iconv-lite";
import { ImportFailure } from "../errors";

/** Size of the sample for the detector: lines with bytes beyond ASCII, from anywhere in the file. */
const SAMPLE_BYTES = 64 * 1024;
const MARKS: readonly (readonly [encoding: string, bytes: Buffer])[] = [
  ["utf-8", Buffer.from([0xef, 0xbb, 0xbf])],
  ["utf-16le", Buffer.from([0xff, 0xfe])],
  ["utf-16be", Buffer.from([0xfe, 0xff])],
];
/** Control characters that text files do not contain: all except bell to carriage return, and escape. */
const isBinary = (byte: number) => byte < 7 || (byte > 13 && byte < 27) || (byte > 27 && byte < 32);
const MAX_BINARY_SHARE = 0.02;

/**
 * Returns the encoding of a file under its `TextDecoder` name: UTF-8 if the whole file is valid UTF-8, else a guess.
 * @throws ImportFailure 1002 if the file is not text, 2007 if it contains U+0000
 */
export async function encodingOf(path: string): Promise<string> {
  let sample = Buffer.alloc(0);
  let isUtf8 = true;
  let hasZero = false;
  let first = true;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    if (first) {
      const mark = MARKS.find(([, bytes]) => chunk.subarray(0, bytes.length).equals(bytes));
      if (mark && mark[0] !== "utf-8") return mark[0];
      const utf16 = withoutMark(chunk);
      if (utf16) return utf16;
      checkIsText(chunk);
      first = false;
    }
    hasZero ||= chunk.includes(0);
    try {
      if (isUtf8) decoder.decode(chunk, { stream: true });
    } catch {
      isUtf8 = false;
    }
    if (sample.length < SAMPLE_BYTES) sample = Buffer.concat([sample, beyondAscii(chunk)]);
  }
  if (hasZero)
    throw new ImportFailure(
      2007,
      "The file contains the character U+0000, which a database cannot store. Remove it.",
    );
  try {
    if (isUtf8) decoder.decode();
  } catch {
    isUtf8 = false; // the file ends inside a character
  }
  return isUtf8 ? "utf-8" : guessed(sample);
}

const XML_DECLARATION = /^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']/;
const MAX_DECLARATION_BYTES = 1024;

/**
 * Returns the encoding of an XML file: the one it declares, or else as `encodingOf`. A declaration of a Unicode encoding is
 * checked, because it often stays in the head of files that another program has converted.
 * @throws ImportFailure 1002 if the file is not text, 2007 if it contains U+0000
 */
export async function encodingOfXml(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const head = Buffer.alloc(MAX_DECLARATION_BYTES);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const [, label = ""] = XML_DECLARATION.exec(head.toString("latin1", 0, bytesRead)) ?? [];
    const declared = encodingOfLabel(label);
    return declared === undefined || declared.startsWith("utf-") ? await encodingOf(path) : declared;
  } finally {
    await handle.close();
  }
}

/** Recognizes UTF-16 without a byte order mark: every other byte of its ASCII letters is zero. */
function withoutMark(chunk: Buffer): string | undefined {
  const head = chunk.subarray(0, 1024);
  if (head.length < 4 || !head.includes(0)) return undefined;
  const zeros = (odd: number) => head.filter((byte, i) => i % 2 === odd && byte === 0).length;
  const [first, second] = [zeros(0), zeros(1)];
  const half = head.length / 2;
  if (second > half * 0.6 && first < half * 0.1) return "utf-16le";
  return first > half * 0.6 && second < half * 0.1 ? "utf-16be" : undefined;
}

function checkIsText(chunk: Buffer): void {
  const head = chunk.subarray(0, 4096);
  const controls = head.filter(isBinary).length;
  if (controls > Math.max(1, head.length * MAX_BINARY_SHARE))
    throw new ImportFailure(1002, "The file is not text, and its format is unknown.");
}

/** Returns the lines of the chunk that have a byte beyond ASCII. */
function beyondAscii(chunk: Buffer): Buffer {
  const lines = chunk.toString("latin1").split("\n");
  const telling = lines.filter((line) => /[\x80-\xff]/.test(line)).join("\n");
  return Buffer.from(telling.slice(0, SAMPLE_BYTES), "latin1");
}

function guessed(sample: Buffer): string {
  const name = detect(sample) ?? "windows-1252";
  // TextDecoder, like browsers, reads ISO-8859-1 as its superset Windows-1252. UTF-8 has been ruled out before.
  const label = /^(utf-8|ascii)$/i.test(name) ? "windows-1252" : name;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return "windows-1252";
  }
}

/** Yields the text of a file in pieces, without a byte order mark. */
export async function* decoded(path: string, encoding: string): AsyncGenerator<string> {
  const decoder = decoderFor(encoding);
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>)
    yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

interface Decoder {
  decode(bytes?: Buffer, options?: { stream?: boolean }): string;
}

/** Code pages whose name for `TextDecoder` is not `windows-` or `iso-8859-` and a number. */
const CODE_PAGES: Readonly<Record<number, string>> = {
  866: "ibm866",
  932: "shift_jis",
  936: "gbk",
  949: "euc-kr",
  950: "big5",
  10000: "macintosh",
  10006: "macgreek",
  10007: "x-mac-cyrillic",
  10029: "maccenteuro",
  20866: "koi8-r",
  20932: "euc-jp",
  21866: "koi8-u",
  51932: "euc-jp",
  51949: "euc-kr",
  54936: "gb18030",
  65001: "utf-8",
};

/** Returns the name of a code page of Windows, DOS or macOS, if it can be decoded. */
export function encodingOfCodePage(page: number): string | undefined {
  const iso = page - 28590;
  return [CODE_PAGES[page], `windows-${page}`, `iso-8859-${iso}`, `cp${page}`]
    .map((label) => label && decodable(label))
    .find(Boolean);
}

/** Returns the encoding that a file declares, in any of the usual spellings: `8859_2`, `ANSI 1251`, `OEM 850`, `IBM866`, … */
export function encodingOfLabel(label: string): string | undefined {
  const plain = label
    .replace(/[\0\ufeff"']/g, "")
    .trim()
    .toLowerCase();
  const iso = /^(?:iso)?[\s_-]*8859[\s_-]*(\d\d?)$/.exec(plain)?.[1];
  if (iso) return decodable(`iso-8859-${iso}`);
  const page = /^(?:windows|win|ansi|oem|dos|ibm|ms|x?-?cp|code ?page)?[\s_-]*(\d{3,5})$/.exec(plain)?.[1];
  if (page) return encodingOfCodePage(Number(page));
  return decodable(plain) ?? decodable(plain.replace(/[\s_]+/g, "-"));
}

/** Encodings that only iconv-lite decodes: code pages of DOS, and two of the Macintosh. */
const OF_ICONV = /^(?:cp\d{3,5}|macgreek|maccenteuro)$/;

function decodable(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return OF_ICONV.test(label) && encodingExists(label) ? label : undefined;
  }
}

/** Returns a decoder for any encoding that the functions of this file return. */
export function decoderFor(encoding: string): Decoder {
  if (!OF_ICONV.test(encoding)) return new TextDecoder(encoding);
  const decoder = getDecoder(encoding); // all are of one byte a character, so no state is kept between calls
  return { decode: (bytes) => (bytes ? decoder.write(bytes) : "") };
}
