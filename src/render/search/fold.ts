/** Marks above and below letters of Latin, Greek, Cyrillic, Hebrew and Arabic, and characters that nobody sees. */
const MARKS =
  /[\ufe00-\ufe0f\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** Letters that are not a letter and a mark in Unicode, but are typed as one. */
const LETTERS: Readonly<Record<string, string>> = {
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ħ: "h",
  ς: "σ",
  "’": "'",
  "‘": "'",
  "–": "-",
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "g");
const SPACES = /[^\S\n]+/g;

/**
 * Returns a text as a search compares it: without case, accents and invisible characters, with one space between words.
 * Lines stay lines.
 */
export function folded(text: string): string {
  const plain = isAscii(text)
    ? text.toLowerCase()
    : text
        .normalize("NFKD")
        .replace(MARKS, "")
        .toUpperCase() // ß becomes SS
        .toLowerCase()
        .replace(LETTER, (letter) => LETTERS[letter] ?? letter);
  return plain.replace(SPACES, " ");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);
