import escapeHtml from "escape-html";
import { ident } from "../../sql";
import { describeQuery, type Row, streamRows } from "../row-stream";
import { type Export, GEOMETRY } from "./format";

/** KML is always in degrees, so its precision does not depend on `dp`. */
const DECIMALS = 15;
const NOT_DATA = new Set([GEOMETRY, "the_geom_webmercator"]);

/**
 * Writes one placemark per row, in longitude and latitude. The columns `name` and `description` become the elements of
 * the same name, all others extended data.
 */
export const kml: Export = async ({ engine, query, skipFields, title, options, onEnd }) => {
  const fields = await describeQuery(engine, query, options);
  const columns = fields
    .map(({ name }, at) => ({ name, alias: ident(`c${at}`) }))
    .filter(({ name }) => !NOT_DATA.has(name) && !skipFields.has(name));
  const texts = columns.map(({ alias }) => `, ${alias}::text`).join("");
  const aliases = fields.map(({ name }, at) => (name === GEOMETRY ? GEOMETRY : ident(`c${at}`))).join(", ");
  const from = `(${query}\n) AS cdbq${aliases && `(${aliases})`}`;
  const { rows, close } = await streamRows(
    engine,
    `SELECT ST_AsKML(${GEOMETRY}, ${DECIMALS})${texts} FROM ${from}`,
    options,
  );
  onEnd(close);
  return document(
    title,
    columns.map(({ name }) => name),
    rows,
  );
};

async function* document(
  title: string,
  names: readonly string[],
  rows: AsyncIterable<Row>,
): AsyncGenerator<string> {
  yield '<?xml version="1.0" encoding="utf-8" ?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>';
  yield `<Folder><name>${xmlText(title)}</name>\n`;
  const at = (wanted: string) => names.findIndex((name) => name.toLowerCase() === wanted);
  const own = { name: at("name"), description: at("description") };
  for await (const [geometry, ...values] of rows) {
    yield "<Placemark>";
    for (const [tag, column] of Object.entries(own)) {
      const value = values[column];
      if (value != null) yield `<${tag}>${xmlText(value)}</${tag}>`;
    }
    const data = names.map((name, column) => {
      const value = values[column] ?? null;
      if (value === null || Object.values(own).includes(column)) return "";
      return `<Data name="${xmlText(name)}"><value>${xmlText(value)}</value></Data>`;
    });
    yield `<ExtendedData>${data.join("")}</ExtendedData>${geometry ?? ""}</Placemark>\n`;
  }
  yield "</Folder></Document></kml>\n";
}

/** Escapes a text and replaces control characters, which XML does not allow even if escaped. */
function xmlText(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are replaced here
  return escapeHtml(value.replace(/[\0-\x08\v\f\x0e-\x1f\ufffe\uffff]/g, "\ufffd"));
}
