/** Detects the encoding of text files. */
import { createReadStream } from "node:fs";
import { ImportFailure } from "../errors";
import { firstBytes } from "../file";
import type { Reading } from "../reading";
import { type Decoder, encodingOfLabel, textDecoder } from "./decoder";
import { guessEncoding } from "./guess-encoding";

/** Size of the sample for the guess, and half of its limit. */
const SAMPLE_BYTES = 8 * 1024;
const MARKS: readonly (readonly [encoding: string, bytes: Buffer])[] = [
  ["utf-8", Buffer.from([0xef, 0xbb, 0xbf])],
  ["utf-16le", Buffer.from([0xff, 0xfe])],
  ["utf-16be", Buffer.from([0xfe, 0xff])],
];
/** Control characters that text files do not contain: all except bell to carriage return, and escape. */
const isBinary = (byte: number) => byte < 7 || (byte > 13 && byte < 27) || (byte > 27 && byte < 32);
const MAX_BINARY_SHARE = 0.02;

/** Encoding of a file under its `TextDecoder` name. */
export interface FoundEncoding {
  readonly name: string;
  /** How it was found: as an option of the import; by a byte order mark; in a declaration; because all text is valid in it; or by a guess. */
  readonly found: "option" | "mark" | "declared" | "valid" | "guessed";
}

/** Returns the encoding that an option of the import names; undefined without the option. */
export function givenEncoding({ encoding }: Reading): FoundEncoding | undefined {
  const name = encoding === undefined ? undefined : encodingOfLabel(encoding);
  return name === undefined ? undefined : { name, found: "option" };
}

/**
 * Returns the encoding of a file: the given one, or else that of its byte order mark, or else the declared one if the whole file
 * is valid in it, or else UTF-8 if the whole file is valid UTF-8, or else a guess. Servers declare ISO-8859-1 by default, in which
 * any file is valid; UTF-8 is preferred to it.
 * @throws ImportFailure 1002 if the file is not text, 2007 if it contains U+0000
 */
export async function encodingOf(path: string, reading: Reading, declared?: string): Promise<FoundEncoding> {
  const given = givenEncoding(reading);
  if (given) return checkGiven(path, given);
  const utf8 = new Validity("utf-8");
  let other = Validity.of(declared);
  const sample = new LineSample();
  let hasZero = false;
  let first = true;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    if (first) {
      const mark = MARKS.find(([, bytes]) => chunk.subarray(0, bytes.length).equals(bytes));
      if (mark && mark[0] !== "utf-8") return { name: mark[0], found: "mark" };
      if (mark) other = undefined;
      if (other?.encoding.startsWith("utf-16") && chunk.includes(0))
        return { name: other.encoding, found: "declared" };
      const utf16 = withoutMark(chunk);
      if (utf16) return { name: utf16, found: "valid" };
      checkIsText(chunk);
      first = false;
    }
    hasZero ||= chunk.includes(0);
    utf8.add(chunk);
    other?.add(chunk);
    sample.add(chunk);
  }
  if (hasZero)
    throw new ImportFailure(
      2007,
      "The file contains the character U+0000, which a database cannot store. Remove it.",
    );
  const valid = other?.isValidToEnd() ? other.encoding : undefined;
  if (valid !== undefined && valid !== "windows-1252") return { name: valid, found: "declared" };
  if (utf8.isValidToEnd()) return { name: utf8.encoding, found: "valid" };
  return valid === undefined
    ? { name: guessEncoding(sample.bytes()), found: "guessed" }
    : { name: valid, found: "declared" };
}

/** @throws ImportFailure 2007 if the file is not valid in the encoding, as otherwise its letters would be lost */
async function checkGiven(path: string, given: FoundEncoding): Promise<FoundEncoding> {
  const validity = Validity.of(given.name);
  if (!validity) return given; // a code page of DOS, in which any file is valid
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) validity.add(chunk);
  if (validity.isValidToEnd()) return given;
  throw new ImportFailure(
    2007,
    `The texts are not valid in the encoding ${given.name}. Leave \`encoding\` out to have it found, or pass another one.`,
  );
}

/** Finds out whether bytes are valid in an encoding. */
class Validity {
  #isValid = true;
  readonly #decoder: Decoder;

  constructor(label: string) {
    this.#decoder = new TextDecoder(label, { fatal: true });
  }

  /** Returns undefined for an unknown encoding. */
  static of(label: string | undefined): Validity | undefined {
    try {
      return label === undefined ? undefined : new Validity(label.trim());
    } catch {
      return undefined;
    }
  }

  get encoding(): string {
    return this.#decoder.encoding;
  }

  add(bytes: Uint8Array): void {
    this.#decode(bytes, { stream: true });
  }

  /** Returns false if the bytes are invalid or end inside a character. */
  isValidToEnd(): boolean {
    this.#decode();
    return this.#isValid;
  }

  #decode(...input: Parameters<Decoder["decode"]>): void {
    try {
      if (this.#isValid) this.#decoder.decode(...input);
    } catch {
      this.#isValid = false;
    }
  }
}

const XML_DECLARATION = /^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']/;
const MAX_DECLARATION_BYTES = 1024;

/**
 * Returns the encoding of an XML file: the one it declares, or else as `encodingOf`. A declaration of a Unicode encoding is
 * checked, because it often stays in the head of files that another program has converted.
 * @throws ImportFailure 1002 if the file is not text, 2007 if it contains U+0000
 */
export async function encodingOfXml(path: string, reading: Reading): Promise<FoundEncoding> {
  const head = await firstBytes(path, MAX_DECLARATION_BYTES);
  const [, label = ""] = XML_DECLARATION.exec(head.toString("latin1")) ?? [];
  const declared = encodingOfLabel(label);
  return declared === undefined || declared.startsWith("utf-") || reading.encoding !== undefined
    ? encodingOf(path, reading)
    : { name: declared, found: "declared" };
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

/** Collects lines with bytes beyond ASCII from all parts of a file. */
export class LineSample {
  #lines: string[] = [];
  #chars = 0;
  /** Every n-th line is kept. */
  #step = 1;
  #seen = 0;

  add(chunk: Buffer): void {
    for (const line of chunk.toString("latin1").split("\n")) {
      if (!/[\x80-\xff]/.test(line) || this.#seen++ % this.#step !== 0) continue;
      const kept = line.slice(0, SAMPLE_BYTES);
      this.#chars += kept.length + 1;
      this.#lines.push(kept);
      if (this.#chars > 2 * SAMPLE_BYTES) this.#thin();
    }
  }

  bytes(): Buffer {
    return Buffer.from(this.#lines.join("\n"), "latin1");
  }

  #thin(): void {
    this.#lines = this.#lines.filter((_, i) => i % 2 === 0);
    this.#chars = this.#lines.reduce((sum, { length }) => sum + length + 1, 0);
    this.#step *= 2;
  }
}

/** Yields the text of a file in pieces, without a byte order mark. */
export async function* decoded(path: string, encoding: string): AsyncGenerator<string> {
  const decoder = textDecoder(encoding);
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>)
    yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
