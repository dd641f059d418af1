import type { Engine, ResultField, StatementOptions } from "./engine/engine";

export type Row = readonly (string | null)[];

/** Returns the columns of a query without reading its rows. */
export async function describeQuery(
  engine: Engine,
  query: string,
  options: StatementOptions,
): Promise<readonly ResultField[]> {
  const { statements } = await engine.query(`SELECT * FROM (${query}\n) AS cdbq LIMIT 0`, options);
  return statements.at(-1)?.fields ?? [];
}

export interface RowStream {
  readonly rows: AsyncIterable<Row>;
  /** Closes the source of the rows, even if they were not read to the end. */
  close(): void;
}

/**
 * Streams the rows of a query in PostgreSQL's text format. They travel by COPY, so memory does not grow with their
 * number. On a native PostgreSQL the query may fail after the first row, which ends the rows with the error.
 */
export async function streamRows(
  engine: Engine,
  query: string,
  options: StatementOptions,
): Promise<RowStream> {
  const { stream } = await engine.copyOut(`COPY (${query}\n) TO STDOUT`, options);
  stream.on("error", () => {}); // the reader of the rows receives it, too
  const rows = copyTextRows(stream);
  const first = await rows.next();
  async function* fromFirst() {
    if (first.done) return;
    yield first.value;
    yield* rows;
  }
  return { rows: fromFirst(), close: () => stream.destroy() };
}

const NEWLINE = 0x0a;

/**
 * Decodes COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 * Rows of a query without columns have one empty value.
 */
export async function* copyTextRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const line = bytes.subarray(start, end);
      yield decodeRow(pending.length === 0 ? line : Buffer.concat([...pending, line]));
      pending = [];
      start = end + 1;
    }
    if (start < bytes.length) pending.push(bytes.subarray(start));
  }
}

function decodeRow(line: Buffer): Row {
  const text = line.toString("utf8");
  const values = text.split("\t");
  return text.includes("\\") ? values.map(unescaped) : values;
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unescaped(value: string): string | null {
  if (value === "\\N") return null;
  return value.replace(/\\(.)/gs, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
}
