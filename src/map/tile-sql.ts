/** Generates SQL of vector tiles for times that PostgreSQL formats. */
import { tileLiteral } from "../sql";

/** d3-time-format directives that write numbers with leading zeros, which `FM` removes. */
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
/** Directives that combine others, in d3's default locale. */
const COMPOSED: Readonly<Record<string, string>> = {
  "%c": "%-m/%-d/%Y, %-I:%M:%S %p",
  "%x": "%-m/%-d/%Y",
  "%X": "%-I:%M:%S %p",
};
/** Widths to which d3 can pad with spaces, unlike `to_char`. */
const SPACED_WIDTH: Readonly<Record<string, number>> = { DDD: 3, MS: 3, YYYY: 4, IYYY: 4, ID: 1 };

/**
 * Formats a timestamp in UTC as `utcFormat(format)` does for the years 1 to 9999. Returns undefined for directives that
 * `to_char` does not have, such as weeks of the year.
 */
export function timeSql(timestamp: string, format: string): string | undefined {
  // `!`: the regular expression and `hasOwn` match keys only
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
