const SPECIAL = /[\\\t\n\r]/;
const ESCAPED: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** A value in the text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html */
export function escapeCopy(text: string | null): string {
  if (text === null) return "\\N";
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPED[character]!) : text;
}
