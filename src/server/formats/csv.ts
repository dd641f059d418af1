import { ident } from "../../sql";
import { describeQuery, type Row, streamRows } from "../row-stream";
import { type Export, GEOMETRY } from "./format";

/**
 * Writes CSV as CARTO's export does: every column cast to text, the_geom first, CRLF line ends, NULL as an empty text,
 * and an extra comma after a single column.
 */
export const csv: Export = async ({ engine, query, skipFields, options, onEnd }) => {
  const fields = await describeQuery(engine, query, options);
  const columns = fields
    .map(({ name }, at) => ({ name, alias: ident(`c${at}`) }))
    .filter(({ name }) => !skipFields.has(name))
    .sort((a, b) => Number(b.name === GEOMETRY) - Number(a.name === GEOMETRY));
  const texts = columns.map(({ alias }) => `${alias}::text`).join(", ");
  const aliases = fields.map((_, at) => ident(`c${at}`)).join(", "); // two columns may have the same name
  const from = `(${query}\n) AS cdbq${aliases && `(${aliases})`}`;
  const { rows, close } = await streamRows(engine, `SELECT ${texts} FROM ${from}`, options);
  onEnd(close);
  return lines(
    columns.map(({ name }) => name),
    rows,
  );
};

async function* lines(header: readonly string[], rows: AsyncIterable<Row>): AsyncGenerator<string> {
  const end = header.length === 1 ? ",\r\n" : "\r\n";
  const line = (values: Row) => values.map((value) => quoted(value ?? "")).join(",") + end;
  yield line(header);
  for await (const row of rows) yield line(row);
}

function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
