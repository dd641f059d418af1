/** CSV as found in practice: RFC 4180, but with other separators and encodings, and lines of different lengths. */
import { open } from "node:fs/promises";
import { extname } from "node:path";
import type { CastingContext, CsvError, InfoRecord, Options } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import { ImportFailure } from "../errors";
import { type FileToImport, layerOfFile } from "../file";
import type { FileOptions, Row, TableSource } from "../table-source";
import { textDecoder } from "./decoder";
import { decoded, encodingOf } from "./encoding";

const SAMPLE_BYTES = 64 * 1024;
const SAMPLE_LINES = 100;
/** Without a limit, a quote that is never closed would turn the rest of the file into one value. */
const MAX_RECORD_BYTES = 64 * 1024 ** 2;
/** Longest header; 1,600 columns with names of 63 characters take a fortieth of it. */
const MAX_HEADER_BYTES = 4 * 1024 ** 2;
/** Candidates in order of preference. A space must divide all lines alike, because values contain spaces, too. */
const SEPARATORS = [",", "\t", ";", "|", " "];
/** Share of lines that must have the width of the first line for a separator to be preferred to a space. */
const REGULAR = 0.8;

const PARSER: Options = {
  bom: true,
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
  record_delimiter: ["\r\n", "\n", "\r"],
  max_record_size: MAX_RECORD_BYTES,
};

/** @throws ImportFailure 1002, 1005, 2003, 2007 */
export async function openCsv(
  file: FileToImport,
  { quotedFieldsGuessing, reading }: FileOptions,
): Promise<TableSource> {
  const found = await encodingOf(file.path, reading, file.charset);
  const encoding = found.name;
  const sample = await sampleOf(file.path, encoding);
  if (sample.text.trim() === "") throw new ImportFailure(1005, "The file has no content.");
  if (/^\s*<(!doctype html|html|\?xml)/i.test(sample.text)) {
    throw new ImportFailure(
      1002,
      `${file.name} is an HTML or XML document, not a table. Check the address that it was downloaded from.`,
    );
  }
  const declared = declaredSeparator(sample.text);
  const isTsv = extname(file.name).toLowerCase() === ".tsv";
  const delimiter = declared ?? (isTsv ? "\t" : separatorOf(sample));
  const fromLine = declared === undefined ? 1 : 2;
  const columns = headerOf(sample, delimiter, fromLine);
  const quoted = new Set<number>();
  const noteQuoted = quotedFieldsGuessing ? undefined : quoted;
  const rows = () => readRows(file.path, { encoding, delimiter, columns, fromLine, noteQuoted });
  const hasDecimalCommas = delimiter !== ",";
  return { ...layerOfFile(file), kind: "cells", encoding: found, columns, quoted, hasDecimalCommas, rows };
}

/** Returns the separator in a first line `sep=;`, which Excel understands. */
function declaredSeparator(text: string): string | undefined {
  return /^\ufeff?"?sep=([^"\r\n])"?\s*?(?:\r\n|\n|\r)/i.exec(text)?.[1];
}

interface Sample {
  readonly text: string;
  readonly isAll: boolean;
}

async function sampleOf(path: string, encoding: string): Promise<Sample> {
  const handle = await open(path);
  try {
    let size = SAMPLE_BYTES;
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
      const text = textDecoder(encoding).decode(buffer.subarray(0, bytesRead));
      const isAll = bytesRead < size;
      // The first line may be longer than the sample, as with 1,600 columns of long names.
      if (isAll || /[\r\n]/.test(text)) return { text, isAll };
      if (size >= MAX_HEADER_BYTES)
        throw new ImportFailure(
          2003,
          "The first line is longer than 4 MB. It must have the names of the columns.",
        );
      size *= 8;
    }
  } finally {
    await handle.close();
  }
}

/** Returns the first records, except the last one of a partial sample, which may be cut off. */
function recordsOf({ text, isAll }: Sample, delimiter: string): string[][] {
  const options = { ...PARSER, delimiter, to: SAMPLE_LINES, skip_records_with_error: true };
  const records = parseSync(text, options) as unknown as string[][];
  return isAll || records.length === 1 ? records : records.slice(0, -1);
}

/** Returns the separator that divides most lines into as many fields as the first line, or a comma if none does. */
function separatorOf(sample: Sample): string {
  let best = { separator: ",", share: 0 };
  for (const separator of SEPARATORS) {
    const counts = recordsOf(sample, separator).map(({ length }) => length);
    const [width = 1] = counts;
    if (width < 2) continue;
    const share = counts.filter((count) => count === width).length / counts.length;
    if (separator === " " && (share < 1 || best.share >= REGULAR)) continue;
    if (share > best.share) best = { separator, share };
  }
  return best.separator;
}

function headerOf(sample: Sample, delimiter: string, fromLine: number): string[] {
  try {
    const [header = []] = parseSync(sample.text, {
      ...PARSER,
      delimiter,
      from_line: fromLine,
      to: 1,
    }) as unknown as string[][];
    return header;
  } catch (error) {
    throw malformed(error);
  }
}

interface Reading {
  readonly encoding: string;
  readonly delimiter: string;
  readonly columns: readonly string[];
  /** Number of the line of the header, counted from 1. */
  readonly fromLine: number;
  /** If given, receives the positions of columns that have a quoted value. */
  readonly noteQuoted?: Set<number>;
}

async function* readRows(path: string, reading: Reading): AsyncGenerator<Row> {
  const { encoding, delimiter, columns, fromLine, noteQuoted } = reading;
  const cast = noteQuoted && {
    cast: (value: string, { index, quoting }: CastingContext) => {
      if (quoting && value !== "") noteQuoted.add(index);
      return value;
    },
  };
  let row = -1; // the header
  try {
    for await (const records of recordsIn(wholeLines(decoded(path, encoding), fromLine), {
      ...PARSER,
      delimiter,
      ...cast,
    })) {
      for (const values of records) {
        if (++row === 0) continue;
        if (values.length > columns.length) checkSurplus(values, columns.length, row);
        yield { values };
      }
    }
  } catch (error) {
    throw malformed(error);
  }
}

/** Yields text in pieces that end with a line, from the given line on. Lines end in CR, LF or both. */
async function* wholeLines(text: AsyncIterable<string>, fromLine: number): AsyncGenerator<string> {
  let rest: string[] = [];
  let restLength = 0;
  let skipped = 1;
  for await (const chunk of text) {
    // A CR at the end may be half of a CR LF.
    const end = Math.max(chunk.lastIndexOf("\n"), chunk.lastIndexOf("\r", chunk.length - 2)) + 1;
    if (end === 0 && !(rest.at(-1)?.endsWith("\r") && chunk !== "")) {
      rest.push(chunk);
      restLength += chunk.length;
      if (restLength > MAX_RECORD_BYTES) throw tooLong();
      continue;
    }
    let piece = [...rest, chunk.slice(0, end)].join("");
    rest = [chunk.slice(end)];
    restLength = chunk.length - end;
    for (; skipped < fromLine; skipped++) piece = piece.replace(/^.*?(?:\r\n|\n|\r)/s, "");
    yield piece;
  }
  yield rest.join("");
}

/**
 * Parses pieces that end with a line. Lines without a quotation mark are only split, which takes a fifth of the time. In others a
 * value may go on in the next piece.
 */
async function* recordsIn(pieces: AsyncIterable<string>, options: Options): AsyncGenerator<string[][]> {
  let open: string[] = [];
  let size = 0;
  let enough = 0;
  let linesBefore = 0;
  const parsed = (isLast: boolean) => {
    const { records, rest, lines, error } = parsedPart(open.join(""), options);
    if (error && !isOpen(error)) throw inLine(error, linesBefore);
    linesBefore += lines;
    if (error && isLast) throw neverClosed(linesBefore + 1, error);
    [open, size] = rest === "" ? [[], 0] : [[rest], rest.length];
    enough = 2 * size;
    return records;
  };
  for await (const piece of pieces) {
    if (open.length === 0 && !piece.includes('"')) {
      const lines = linesOf(piece);
      linesBefore += lines.length - 1;
      yield lines.filter((line) => line !== "").map((line) => line.split(options.delimiter as string));
      continue;
    }
    open.push(piece);
    size += piece.length;
    if (size >= enough) yield parsed(false);
  }
  if (open.length > 0) yield parsed(true);
}

interface Part {
  readonly records: string[][];
  /** The text from an error on, without the records before it. */
  readonly rest: string;
  /** Number of lines before the rest. */
  readonly lines: number;
  readonly error?: unknown;
}

function parsedPart(text: string, options: Options): Part {
  const records: string[][] = [];
  let bytes = 0;
  const note = (record: string[], info: InfoRecord) => {
    records.push(record);
    bytes = info.bytes;
    return null; // kept here, because the parser returns nothing after an error
  };
  try {
    parseSync(text, { ...options, on_record: note as Options["on_record"] });
    return { records, rest: "", lines: linesOf(text).length - 1 };
  } catch (error) {
    const after = Buffer.from(text).subarray(bytes).toString();
    const rest = after.replace(/^[\r\n]+/, "");
    return { records, rest, lines: linesOf(text.slice(0, text.length - rest.length)).length - 1, error };
  }
}

const isOpen = (error: unknown) => (error as CsvError).code === "CSV_QUOTE_NOT_CLOSED";

const linesOf = (text: string) => text.split(text.includes("\r") ? /\r\n|\n|\r/ : "\n");

/** Refuses rows with more values than columns, which would be lost. Missing values at the end of a row are NULL. */
function checkSurplus(values: readonly string[], width: number, row: number): void {
  if (values.slice(width).every((value) => value === "")) return;
  throw new ImportFailure(
    2003,
    `Row ${row} below the header has ${values.length} values, but the header has ${width}. Put values that contain a separator in quotes.`,
  );
}

const tooLong = () =>
  new ImportFailure(2003, "A line is longer than 64 MB. Does the file have lines, and end each quotation?");

function neverClosed(line: number, cause: unknown): ImportFailure {
  return new ImportFailure(
    2003,
    `Quote Not Closed: the row in line ${line} opens a quotation mark that is never closed.`,
    { cause },
  );
}

/** Corrects the number of the line in the message. */
function inLine(error: unknown, linesBefore: number): unknown {
  if (error instanceof Error)
    error.message = error.message.replace(/(?<=\bat line )\d+/, (line) => String(Number(line) + linesBefore));
  return error;
}

function malformed(error: unknown): unknown {
  const { code, message } = error as CsvError;
  if (typeof code !== "string" || !code.startsWith("CSV_")) return error;
  return new ImportFailure(2003, `${message}.`, { cause: error });
}
