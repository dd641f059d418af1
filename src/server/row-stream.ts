import type { Engine, ResultField, StatementOptions } from "./engine/engine";

export type Row = readonly (string | null)[];

/** The columns of a query, without running it. */
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
  /** Frees what the rows come from, read to the end or not. */
  close(): void;
}

/**
 * The rows of a query as they come, in PostgreSQL's text form: they travel by COPY, so that memory does not grow with
 * their number. Where the database streams, the query may still fail after the first row, and the rows with it.
 */
export async function streamRows(
  engine: Engine,
  query: string,
  options: StatementOptions,
): Promise<RowStream> {
  const { stream } = await engine.copyOut(`COPY (${query}\n) TO STDOUT`, options);
  stream.on("error", () => {}); // who reads the rows gets it, too; nobody may be reading any more
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
 * A query without columns has empty rows of one value.
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
