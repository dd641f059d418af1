/** CSV as found in practice: RFC 4180, but with other separators and encodings, and lines of different lengths. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { extname } from "node:path";
import { Readable } from "node:stream";
import { type CastingContext, type CsvError, type Options, parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import { ImportFailure } from "../errors";
import type { FileOptions, Row, TableSource } from "../table-source";
import { type FileToImport, layerOfFile } from "../unpack";
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
  const parser = parse({ ...PARSER, delimiter, from_line: fromLine, from: 2, ...cast });
  // The parser decodes UTF-8 itself.
  const bytes =
    encoding === "utf-8"
      ? createReadStream(path, { highWaterMark: 256 * 1024 })
      : Readable.from(decoded(path, encoding));
  bytes.once("error", (error: Error) => parser.destroy(error)).pipe(parser);
  let row = 0;
  try {
    for await (const values of parser as AsyncIterable<string[]>) {
      row++;
      if (values.length > columns.length) checkSurplus(values, columns.length, row);
      yield { values };
    }
  } catch (error) {
    throw malformed(error);
  } finally {
    bytes.destroy();
    parser.destroy();
  }
}

/** Refuses rows with more values than columns, which would be lost. Missing values at the end of a row are NULL. */
function checkSurplus(values: readonly string[], width: number, row: number): void {
  if (values.slice(width).every((value) => value === "")) return;
  throw new ImportFailure(
    2003,
    `Row ${row} below the header has ${values.length} values, but the header has ${width}. Put values that contain a separator in quotes.`,
  );
}

function malformed(error: unknown): unknown {
  const { code, message } = error as CsvError;
  if (typeof code !== "string" || !code.startsWith("CSV_")) return error;
  return new ImportFailure(2003, `${message}.`, { cause: error });
}
