/** Reads dBASE tables, the attributes of shapefiles: https://www.clicketyclick.dk/databases/xbase/format/dbf.html */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { ImportFailure } from "../errors";
import type { FileToImport } from "../file";
import type { Cell } from "../table-source";
import { type Decoder, encodingOfCodePage, textDecoder } from "./decoder";
import { LineSample } from "./encoding";
import { guessEncoding } from "./guess-encoding";

const HEADER_BYTES = 32;
const FIELD_BYTES = 32;
const MAX_NAME_BYTES = 11;
const END_OF_FIELDS = 0x0d;
const END_OF_FILE = 0x1a;
const DELETED = "*".charCodeAt(0);
const READ_BYTES = 256 * 1024;

/** Code pages by the language byte of the header. 0x57, "ANSI", is left out because it names no particular page. */
const CODE_PAGES: Readonly<Record<number, number>> = Object.fromEntries(
  Object.entries({
    437: [0x01, 0x09, 0x0b, 0x0d, 0x0f, 0x11, 0x15, 0x18, 0x19, 0x1b],
    737: [0x6a, 0x86],
    850: [0x02, 0x0a, 0x0e, 0x10, 0x12, 0x14, 0x16, 0x1a, 0x1d, 0x25, 0x37],
    852: [0x1f, 0x22, 0x23, 0x40, 0x64, 0x87],
    857: [0x6b, 0x88],
    860: [0x24],
    861: [0x67],
    863: [0x1c, 0x6c],
    865: [0x08, 0x17, 0x66],
    866: [0x26, 0x65],
    874: [0x50, 0x7c],
    932: [0x13, 0x7b],
    936: [0x4d, 0x7a],
    949: [0x4e, 0x79],
    950: [0x4f, 0x78],
    1250: [0xc8],
    1251: [0xc9],
    1252: [0x03, 0x58, 0x59],
    1253: [0xcb],
    1254: [0xca],
    1255: [0x7d],
    1256: [0x7e],
    1257: [0xcc],
    10000: [0x04],
    10006: [0x98],
    10007: [0x96],
    10029: [0x97],
  }).flatMap(([page, bytes]) => bytes.map((byte) => [byte, Number(page)])),
);

/** Returns the encoding that the language byte of the header means. */
export function encodingOfLanguage(byte: number): string | undefined {
  const page = CODE_PAGES[byte];
  return page === undefined ? undefined : encodingOfCodePage(page);
}

interface Field {
  readonly name: Buffer;
  readonly type: string;
  /** Position in the record. */
  readonly start: number;
  readonly end: number;
  readonly decimals: number;
}

/** The structure of a table, without its records. */
export interface Dbf {
  readonly file: FileToImport;
  readonly fields: readonly Field[];
  readonly headerBytes: number;
  readonly recordBytes: number;
  /** Encoding that the header names, if it does. */
  readonly encoding: string | undefined;
}

/** @throws ImportFailure 1006 */
export async function openDbf(file: FileToImport): Promise<Dbf> {
  const handle = await open(file.path);
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    await handle.read(head, 0, HEADER_BYTES, 0);
    const headerBytes = head.readUInt16LE(8);
    const recordBytes = head.readUInt16LE(10);
    if (headerBytes <= HEADER_BYTES || recordBytes === 0)
      throw new ImportFailure(1006, `${file.name} is not a dBASE table.`);
    const body = Buffer.alloc(headerBytes - HEADER_BYTES);
    const { bytesRead } = await handle.read(body, 0, body.length, HEADER_BYTES);
    const fields = fieldsOf(body.subarray(0, bytesRead));
    return { file, fields, headerBytes, recordBytes, encoding: encodingOfLanguage(head.readUInt8(29)) };
  } finally {
    await handle.close();
  }
}

function fieldsOf(body: Buffer): Field[] {
  const fields: Field[] = [];
  let start = 1; // after the mark of deleted records
  for (let at = 0; at + FIELD_BYTES <= body.length && body[at] !== END_OF_FIELDS; at += FIELD_BYTES) {
    const end = start + body.readUInt8(at + 16);
    fields.push({
      name: untilNul(body.subarray(at, at + MAX_NAME_BYTES)),
      type: String.fromCharCode(body.readUInt8(at + 11)).toUpperCase(),
      start,
      end,
      decimals: body.readUInt8(at + 17),
    });
    start = end;
  }
  return fields;
}

/** Returns the names of all fields in the order of the file; two can be equal, since a name has at most ten letters. */
export function dbfColumns({ fields }: Dbf, encoding: string): string[] {
  return fields.map(({ name }) => textDecoder(encoding).decode(name));
}

/** Yields the values of each record, or null for a record that is marked as deleted. */
export async function* dbfRecords(dbf: Dbf, encoding: string): AsyncGenerator<Cell[] | null> {
  const decoder = textDecoder(encoding);
  const readers = dbf.fields.map((field) => valueReader(field, decoder));
  for await (const record of rawRecords(dbf))
    yield record[0] === DELETED ? null : readers.map((read) => read(record));
}

/** Returns UTF-8 if the names and values of all text fields are UTF-8, and otherwise a guess. */
export async function guessDbfEncoding(dbf: Dbf): Promise<string> {
  const texts = dbf.fields.filter(({ type }) => type === "C");
  const sample = new LineSample();
  let isUtf8 = true;
  const add = (bytes: Buffer) => {
    if (!bytes.some((byte) => byte > 0x7f)) return;
    isUtf8 &&= startsAsUtf8(bytes);
    sample.add(bytes);
  };
  for (const { name } of dbf.fields) add(name);
  for await (const record of rawRecords(dbf)) {
    for (const { start, end } of texts) add(untilNul(record.subarray(start, end)));
  }
  return isUtf8 ? "utf-8" : guessEncoding(sample.bytes());
}

/** A value may be cut inside its last character. */
function startsAsUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Yields complete records; the rest of a file that was cut off is left out. */
async function* rawRecords({ file, headerBytes, recordBytes }: Dbf): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  const chunks = createReadStream(file.path, { start: headerBytes, highWaterMark: READ_BYTES });
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (; at + recordBytes <= bytes.length; at += recordBytes) {
      if (bytes[at] === END_OF_FILE) return;
      yield bytes.subarray(at, at + recordBytes);
    }
    rest = bytes.subarray(at);
  }
}

function valueReader({ type, start, end, decimals }: Field, decoder: Decoder): (record: Buffer) => Cell {
  const ascii = (record: Buffer) => untilNul(record.subarray(start, end)).toString("latin1").trim();
  switch (type) {
    case "N":
    case "F":
    case "M":
      return (record) => numberOf(ascii(record), decimals);
    case "D":
      return (record) => dateOf(ascii(record));
    case "L":
      return (record) => booleanOf(ascii(record));
    default:
      return (record) => decoder.decode(untilNul(record.subarray(start, end))).trim() || null;
  }
}

/** Some programs fill fields up with NUL instead of blanks. */
function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

/** Returns integers exactly. A field of asterisks is a number that did not fit. */
function numberOf(text: string, decimals: number): Cell {
  if (text === "") return null;
  const number = Number(text.replace(",", "."));
  if (Number.isNaN(number)) return null;
  const isExact = decimals > 0 || Number.isSafeInteger(number) || !/^[+-]?\d+$/.test(text);
  return isExact ? number : BigInt(text.replace("+", ""));
}

/** Returns a day that does not exist as a text, as in a CSV file, and zeros as NULL. */
function dateOf(text: string): Cell {
  const [, year = "", month = "", day = ""] = /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? [];
  if (/^[0 ]*$/.test(text)) return null;
  if (year === "") return text;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const exists = Number(year) > 0 && date.getUTCDate() === Number(day); // `Date` accepts 30 February
  return exists ? date : `${year}-${month}-${day}`;
}

function booleanOf(text: string): Cell {
  if (/^[yt]$/i.test(text)) return true;
  return /^[nf]$/i.test(text) ? false : null;
}
