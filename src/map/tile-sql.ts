/** Parts of the SQL of vector tiles: quoting, and times formatted by PostgreSQL. */
import { ident, literal } from "../sql";

/** Directives of numbers with zeros in front. `FM` takes these away. */
const NUMBERS: Readonly<Record<string, string>> = {
  d: "DD",
  e: "DD",
  g: "IY",
  G: "IYYY",
  H: "HH24",
  I: "HH12",
  j: "DDD",
  L: "MS",
  m: "MM",
  M: "MI",
  S: "SS",
  u: "ID",
  V: "IW",
  y: "YY",
  Y: "YYYY",
};
const WORDS: Readonly<Record<string, string>> = {
  a: "Dy",
  A: "FMDay",
  b: "Mon",
  B: "FMMonth",
  f: 'MS"000"',
  p: "AM",
  q: "Q",
  Z: '"+0000"',
};
/** What stands for several, in d3's default locale. */
const COMPOSED: Readonly<Record<string, string>> = {
  "%c": "%-m/%-d/%Y, %-I:%M:%S %p",
  "%x": "%-m/%-d/%Y",
  "%X": "%-I:%M:%S %p",
};
/** Where d3 puts a space in front, which `to_char` cannot. */
const SPACED_WIDTH: Readonly<Record<string, number>> = { DDD: 3, MS: 3, YYYY: 4, IYYY: 4, ID: 1 };

/**
 * The text of a timestamp in UTC, as `utcFormat(format)` writes it for the years 1 to 9999; undefined for a format that
 * PostgreSQL has no words for, such as weeks of the year.
 */
export function timeSql(timestamp: string, format: string): string | undefined {
  const composed = format.replace(/%[cxX]/g, (directive) => COMPOSED[directive]!);
  const pieces: string[] = [];
  let template = "";
  const endTemplate = () => {
    if (template !== "") pieces.push(`to_char(${timestamp}, ${tileLiteral(template)})`);
    template = "";
  };
  for (const [whole, padding, directive] of composed.matchAll(/%([-_0]?)([a-zA-Z%])|[^%]+|%/gs)) {
    if (directive === undefined) {
      if (whole === "%") return undefined;
      template += quoted(whole);
    } else if (directive === "%") template += quoted("%");
    else if (Object.hasOwn(WORDS, directive)) template += WORDS[directive]!;
    else if (Object.hasOwn(NUMBERS, directive)) {
      const digits = NUMBERS[directive]!;
      const isSpaced = padding === "_" || (padding === "" && directive === "e");
      if (isSpaced) {
        endTemplate();
        pieces.push(`lpad(to_char(${timestamp}, 'FM${digits}'), ${SPACED_WIDTH[digits] ?? 2})`);
      } else template += padding === "-" ? `FM${digits}` : digits;
    } else return undefined;
  }
  endTemplate();
  return pieces.length === 0 ? "''" : pieces.join(" || ");
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

export function tileLiteral(value: string): string {
  if (!value.includes("!")) return literal(value);
  return ` E'${value.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("!", "\\x21")}'`;
}

export function tileIdent(name: string): string {
  if (!name.includes("!")) return ident(name);
  return `U&${ident(name.replaceAll("\\", "\\\\").replaceAll("!", "\\0021"))}`;
}
