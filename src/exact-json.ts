/** Reads and writes JSON without rounding integers: those that a double cannot hold are bigints. */
import { JSONParser, type JSONParserOptions } from "@streamparser/json";

/** Parses JSON in pieces. Numbers are doubles, except integers beyond 2^53, which are bigints. */
export class ExactJsonParser extends JSONParser {
  constructor(options: JSONParserOptions = {}) {
    super(options);
    // The parser does not pass its tokenizer on, which has this method to be replaced.
    (this as unknown as { tokenizer: { parseNumber: typeof exactNumber } }).tokenizer.parseNumber =
      exactNumber;
  }
}

const INTEGER = /^-?\d+$/;

function exactNumber(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) || !INTEGER.test(text) ? number : BigInt(text);
}

/** Finds texts that may hold an integer beyond 2^53. Others are parsed by the much faster `JSON.parse`. */
const MANY_DIGITS = /(?:^|[[,:\s])-?\d{16,}(?![\d.eE])/;

/**
 * Parses JSON like `JSON.parse`, with bigints for integers beyond 2^53.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  const rounded: unknown = JSON.parse(text);
  if (!MANY_DIGITS.test(text)) return rounded;
  let exact: unknown;
  const parser = new ExactJsonParser({ paths: ["$"] });
  parser.onValue = ({ value }) => {
    exact = value;
  };
  parser.write(text);
  return exact;
}

/** Writes JSON like `JSON.stringify`, with bigints as numbers. */
export function exactJsonText(value: object): string {
  return textOf(value) ?? "null";
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item) ?? "null").join(",")}]`;
  if (typeof value !== "object" || value === null || "toJSON" in value) return JSON.stringify(value);
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = textOf(member);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${members.join(",")}}`;
}
