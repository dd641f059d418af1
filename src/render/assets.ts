/** Files that the build puts into `dist/`, read when they are first needed. */
import { createHash } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";
import { built } from "../built";
import { decodeBasemap } from "./basemap-data";
import { decodeNames, type PlaceName } from "./names-data";
import type { BasemapShapes } from "./painter";

/** The scripts of every map page, built by `scripts/page.ts`. */
interface PageProgram {
  /** The first script, which the page contains unchanged. */
  readonly boot: string;
  /** The program that the first script unpacks and runs, deflated and in base64. */
  readonly program: string;
  /** Hashes of both scripts for a Content-Security-Policy. */
  readonly scriptSources: readonly string[];
}

const programs = new Map<string, PageProgram>();

/** A program: that of most pages, with painters of layers whose points are drawn together, with these and widgets, of figures, or of their charts. */
export type ProgramName = "page" | "page-together" | "page-explore" | "page-figure" | "page-charts";

/** Returns the program of a page. */
export function pageProgram(program: ProgramName): PageProgram {
  const name = `${program}.js`;
  const known = programs.get(name);
  if (known) return known;
  const bootScript = built("page-boot.js");
  const pageScript = built(name);
  const read = {
    boot: bootScript.toString("utf8"),
    program: deflatedBase64(pageScript),
    scriptSources: [bootScript, pageScript].map(
      (script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
    ),
  };
  programs.set(name, read);
  return read;
}

/** Characters of `font-latin.ttf`, a third of the whole font; see `scripts/font.ts`. */
const LATIN = /^[\u0020-\u007e\u00a0-\u00ff\u2000-\u206f]*$/;
const fonts = new Map<string, string>();

/** Characters of `font-names.woff2`. */
const OF_NAMES = /^[ &-),-9A-Za-z°\u00c0-\u017f\u0218-\u021b‘’′″]*$/;

/**
 * Returns a font for a page, deflated and in base64: with the characters of its labels, or if it has none with those of
 * its place names, if most of these are in Latin letters. Otherwise an empty string.
 */
export function pageFont(labels: readonly string[], names: readonly string[]): string {
  const isLatin = 2 * names.filter((text) => OF_NAMES.test(text)).length > names.length;
  if (labels.length > 0)
    return fontIn(labels.every((text) => LATIN.test(text)) ? "font-latin.ttf" : "font.ttf");
  return isLatin ? fontIn("font-names.woff2") : "";
}

function fontIn(file: string): string {
  const known = fonts.get(file) ?? deflatedBase64(built(file));
  fonts.set(file, known);
  return known;
}

const deflatedBase64 = (bytes: Uint8Array): string => deflateSync(bytes, { level: 9 }).toString("base64");

const outlines = new Map<string, BasemapShapes>();

/** Land and borders of the whole world, in Web Mercator. */
export const worldOutlines = (): BasemapShapes => outlinesIn("basemap.bin");

/** Land and state borders of the United States, in Web Mercator. */
export const usaOutlines = (): BasemapShapes => outlinesIn("basemap-usa.bin");

function outlinesIn(file: string): BasemapShapes {
  const known = outlines.get(file) ?? decodeBasemap(inflateSync(built(file)));
  outlines.set(file, known);
  return known;
}

/** Names of cities by the BCP 47 tag of their language, and by the name that GeoNames has. */
export type CityNames = Readonly<Record<string, Readonly<Record<string, string>>>>;

let translated: CityNames | undefined;

/** Names of cities in other languages than English. */
export function cityNames(): CityNames {
  translated ??= JSON.parse(inflateSync(built("city-names.json.zz")).toString("utf8")) as CityNames;
  return translated;
}

let names: readonly PlaceName[] | undefined;

/** Names of countries (their ISO 3166-1 two-letter codes), states and cities, in Web Mercator. */
export function basemapNames(): readonly PlaceName[] {
  names ??= decodeNames(inflateSync(built("names.bin")));
  return names;
}
