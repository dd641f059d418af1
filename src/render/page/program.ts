import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { built } from "../../built";

/** What every map page has in common, made by `scripts/page.ts`. */
export interface Program {
  /** The script that stands in the page as it is. */
  readonly boot: string;
  /** The script that it unpacks and runs: deflated, in base64. */
  readonly program: string;
  /** Sources of both scripts for a Content-Security-Policy. */
  readonly scriptSources: readonly string[];
}

let loaded: Program | undefined;

/** Read when the first map is shown. */
export function pageProgram(): Program {
  if (loaded) return loaded;
  const boot = built("page-boot.js");
  const program = built("page.js");
  loaded = {
    boot: boot.toString("utf8"),
    program: deflatedBase64(program),
    scriptSources: [boot, program].map(
      (script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
    ),
  };
  return loaded;
}

/** What `font-latin.ttf` has, see `scripts/font.ts`: a third of the whole font. */
const LATIN = /^[\u0020-\u007e\u00a0-\u00ff\u2000-\u206f]*$/;
const fonts = new Map<string, string>();

/** The letters of these texts, deflated, in base64; nothing for none. */
export function pageFont(texts: readonly string[]): string {
  if (texts.length === 0) return "";
  const file = texts.every((text) => LATIN.test(text)) ? "font-latin.ttf" : "font.ttf";
  const known = fonts.get(file) ?? deflatedBase64(built(file));
  fonts.set(file, known);
  return known;
}

const deflatedBase64 = (bytes: Uint8Array): string => deflateSync(bytes, { level: 9 }).toString("base64");
