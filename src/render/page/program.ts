import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { built } from "../built";

/** What every map page has in common, made by `scripts/page.ts`. */
export interface Program {
  /** The script that stands in the page as it is. */
  readonly boot: string;
  /** The script that it unpacks and runs, and the outlines of land and borders (`decodeBasemap`): deflated, in base64. */
  readonly program: string;
  readonly basemap: string;
  /** The letters of labels, likewise. Read when a map has some. */
  readonly font: () => string;
  /** Sources of both scripts for a Content-Security-Policy. */
  readonly scriptSources: readonly string[];
}

let loaded: Program | undefined;
let font: string | undefined;

/** Read when the first map is shown. */
export function pageProgram(): Program {
  if (loaded) return loaded;
  const boot = built("page-boot.js");
  const program = built("page.js");
  loaded = {
    boot: boot.toString("utf8"),
    program: deflatedBase64(program),
    basemap: built("basemap.bin").toString("base64"),
    font: () => {
      font ??= deflatedBase64(built("font.ttf"));
      return font;
    },
    scriptSources: [boot, program].map(
      (script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
    ),
  };
  return loaded;
}

const deflatedBase64 = (bytes: Uint8Array): string => deflateSync(bytes, { level: 9 }).toString("base64");
