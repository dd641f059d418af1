/// <reference path="./cartocolor.d.ts" />

import {
  Antique,
  ArmyRose,
  ag_GrnYl,
  ag_Sunset,
  BluGrn,
  BluYl,
  Bold,
  BrwnYl,
  Burg,
  BurgYl,
  type CartoColors,
  DarkMint,
  Earth,
  Emrld,
  Fall,
  Geyser,
  Magenta,
  Mint,
  OrYel,
  Pastel,
  Peach,
  PinkYl,
  Prism,
  Purp,
  PurpOr,
  RedOr,
  Safe,
  Sunset,
  SunsetDark,
  Teal,
  TealGrn,
  TealRose,
  Temps,
  Tropic,
  Vivid,
} from "cartocolor";
import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, checkOneOf, expected, listed, near, shown } from "./check";
import { parseColor, rampOf } from "./css-color";

/**
 * How values are put into classes.
 *
 * - `"quantiles"`: the same number of rows in each class
 * - `"equal"`: classes of the same width
 * - `"headtails"`: at the mean, at the mean of what is above it, and so on; for few large and many small values
 * - `"jenks"`: natural breaks, where the values have gaps
 * - `"category"`: a class for each of the most frequent values, and "Other"
 * - `"continuous"`: no classes; the colours of the scheme go over into each other from the smallest to the largest value
 */
export type BinMethod = "quantiles" | "equal" | "headtails" | "jenks" | "category" | "continuous";

/** The methods that put numbers into classes. */
export type NumberMethod = Exclude<BinMethod, "category" | "continuous">;

/**
 * How many classes; or their upper bounds, ascending: `[10, 20, 50]` are the classes up to and including 10, up
 * to 20, and all above. Their number is that of the colours.
 */
export type Bins = number | readonly number[];

/** The CARTOColors, see https://carto.com/carto-colors/. The last six are for categories. */
export type SchemeName =
  | "burg"
  | "burgYl"
  | "redOr"
  | "orYel"
  | "peach"
  | "pinkYl"
  | "mint"
  | "bluGrn"
  | "darkMint"
  | "emrld"
  | "agGrnYl"
  | "bluYl"
  | "teal"
  | "tealGrn"
  | "purp"
  | "purpOr"
  | "sunset"
  | "magenta"
  | "sunsetDark"
  | "agSunset"
  | "brwnYl"
  | "armyRose"
  | "fall"
  | "geyser"
  | "temps"
  | "tealRose"
  | "tropic"
  | "earth"
  | "antique"
  | "bold"
  | "pastel"
  | "prism"
  | "safe"
  | "vivid";

/** Colours for the classes of a column. Made by `styling`. */
export interface Scheme {
  /** A CARTOColors scheme, or "custom". */
  readonly name: SchemeName | "custom";
  readonly bins: Bins;
  /** Absent: quantiles for numbers; categories for text, booleans and qualitative schemes. */
  readonly method?: BinMethod;
  /** Of "custom": colours in CSS. */
  readonly colors?: readonly string[];
}

const METHODS: readonly BinMethod[] = ["quantiles", "equal", "headtails", "jenks", "category", "continuous"];
const DEFAULT_BINS = 5;
const MOST_BINS = 7;
const DEFAULT_CATEGORIES = 10;
/** CARTO's grey for what is in no category, where the scheme has none of its own. */
const OTHER = "#b3b3b3";
/** Of rows without a value. */
export const MISSING_COLOR: Rgba = [204, 204, 204, 255];

const SCHEMES: Readonly<Record<SchemeName, CartoColors>> = {
  burg: Burg,
  burgYl: BurgYl,
  redOr: RedOr,
  orYel: OrYel,
  peach: Peach,
  pinkYl: PinkYl,
  mint: Mint,
  bluGrn: BluGrn,
  darkMint: DarkMint,
  emrld: Emrld,
  agGrnYl: ag_GrnYl,
  bluYl: BluYl,
  teal: Teal,
  tealGrn: TealGrn,
  purp: Purp,
  purpOr: PurpOr,
  sunset: Sunset,
  magenta: Magenta,
  sunsetDark: SunsetDark,
  agSunset: ag_Sunset,
  brwnYl: BrwnYl,
  armyRose: ArmyRose,
  fall: Fall,
  geyser: Geyser,
  temps: Temps,
  tealRose: TealRose,
  tropic: Tropic,
  earth: Earth,
  antique: Antique,
  bold: Bold,
  pastel: Pastel,
  prism: Prism,
  safe: Safe,
  vivid: Vivid,
};
export const SCHEME_NAMES = Object.keys(SCHEMES) as SchemeName[];

/** @throws InvalidArgumentError for a name or bins that there are not. */
export function named(name: string, bins?: Bins, method?: BinMethod): Scheme {
  const known = schemeName(name);
  const isQualitative = qualitative(known);
  const scheme = withMethod({ name: known, bins: bins ?? defaultBins(isQualitative, method) }, method);
  const most = Math.max(
    ...Object.keys(SCHEMES[known])
      .filter((key) => key !== "tags")
      .map(Number),
  );
  const count = checkBins(scheme.bins);
  if (count >= 2 && count <= most) return scheme;
  throw new InvalidArgumentError(
    `bins is ${shown(bins)}, but the scheme "${known}" has 2 to ${most} colours. ` +
      "Take a number between, or styling.custom([…]) with colours of your own.",
  );
}

/** A continuous scheme has all the colours there are. */
const defaultBins = (isQualitative: boolean, method: BinMethod | undefined) =>
  isQualitative ? DEFAULT_CATEGORIES : method === "continuous" ? MOST_BINS : DEFAULT_BINS;

/** @throws InvalidArgumentError for what is no colour, and for more bins than colours. */
export function custom(colors: readonly string[], bins?: Bins, method?: BinMethod): Scheme {
  if (!Array.isArray(colors) || colors.length === 0 || colors.length > 100)
    throw expected("colors", colors, "an array of 1 to 100 CSS colours");
  for (const color of colors as readonly unknown[]) {
    if (typeof color !== "string" || parseColor(color) === null)
      throw expected(
        "One of the colors",
        color,
        'a CSS colour like "#ff8000", "rgb(255, 128, 0)" or "tomato"',
      );
  }
  const scheme = withMethod({ name: "custom", bins: bins ?? colors.length, colors: [...colors] }, method);
  const count = checkBins(scheme.bins);
  if (count >= 1 && count <= colors.length) return scheme;
  throw new InvalidArgumentError(
    `bins is ${shown(bins)}, but there are ${colors.length} colours. Each class needs one.`,
  );
}

function withMethod(scheme: Scheme, method: BinMethod | undefined): Scheme {
  if (method === undefined) return scheme;
  checkOneOf("method", method, METHODS);
  if (typeof scheme.bins === "number") return { ...scheme, method };
  throw new InvalidArgumentError(
    `bins gives the bounds of the classes, so the method ${shown(method)} has nothing to do. Leave one of them out.`,
  );
}

/** How many classes bins make. */
function checkBins(bins: unknown): number {
  if (typeof bins === "number" && Number.isInteger(bins)) return bins;
  const isAscending =
    Array.isArray(bins) &&
    bins.every(
      (bound, i) => typeof bound === "number" && (i === 0 ? bound > -Infinity : bound > bins[i - 1]),
    );
  if (isAscending) return bins.length;
  throw expected("bins", bins, "a whole number, or the upper bounds of the classes as ascending numbers");
}

function schemeName(name: unknown): SchemeName {
  if (typeof name !== "string") throw expected("scheme", name, 'a name like "mint", or styling.mint(5)');
  // Python and CARTO write Mint, BluGrn and ag_GrnYl
  const key = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const camel = key.slice(0, 1).toLowerCase() + key.slice(1);
  if (Object.hasOwn(SCHEMES, camel)) return camel as SchemeName;
  const close = near(camel, SCHEME_NAMES);
  const advice =
    close.length > 0
      ? `Did you mean ${close.map((n) => JSON.stringify(n)).join(" or ")}?`
      : `There are ${listed(SCHEME_NAMES)}.`;
  throw new InvalidArgumentError(`There is no colour scheme ${shown(name)}. ${advice}`);
}

const qualitative = (name: SchemeName) => SCHEMES[name].tags.includes("qualitative");

/** A scheme that a user wrote: by name, or as `styling` makes it. */
export function checkScheme(value: unknown): Scheme {
  if (typeof value === "string") return named(value);
  if (!isObject(value)) throw expected("scheme", value, 'a name like "mint", or styling.mint(5)');
  checkKeys("scheme", value, OPTION_NAMES.Scheme);
  const { name, bins, method, colors } = value as Partial<Scheme>;
  return name === "custom" || colors !== undefined
    ? custom(colors as readonly string[], bins, method)
    : named(name as string, bins, method);
}

/** The same scheme with other bins or another method. */
export function adjusted(scheme: Scheme, bins: Bins | undefined, method: BinMethod | undefined): Scheme {
  if (bins === undefined && method === undefined) return scheme;
  // bounds and a method exclude each other, so the new one of them displaces the old one
  const newBins = bins ?? (typeof scheme.bins === "number" ? scheme.bins : scheme.bins.length);
  const newMethod = method ?? (typeof newBins === "number" ? scheme.method : undefined);
  return checkScheme({ ...scheme, bins: newBins, method: newMethod });
}

/**
 * What a column of this kind gets without a scheme: mint for numbers, safe for categories. Python's cartoframes took
 * antique for these, two of whose ten colours are one to people who see no green (CIE76 distance 0.9; of safe's 5.9).
 */
export function defaultScheme(
  isNumeric: boolean,
  bins: Bins | undefined,
  method: BinMethod | undefined,
): Scheme {
  return named(isNumeric && method !== "category" ? "mint" : "safe", bins, method);
}

/** How a scheme classifies values of this kind, if nobody said how; "bounds" by the ones it gives. */
export function methodOf({ name, bins, method }: Scheme, isNumeric: boolean): BinMethod | "bounds" {
  if (typeof bins !== "number") return "bounds";
  const isForCategories = name !== "custom" && qualitative(name);
  return method ?? (isNumeric && !isForCategories ? "quantiles" : "category");
}

/** Colours for so many classes, from the whole range of the scheme; for so many categories, its first ones. */
export function paletteOf({ name, colors = [] }: Scheme, count: number, isCategory: boolean): Rgba[] {
  if (name === "custom") return (isCategory ? colors.slice(0, count) : spread(colors, count)).map(rgba);
  if (qualitative(name)) return SCHEMES[name][String(Math.max(2, count))]!.slice(0, count).map(rgba);
  return (count > 1 ? SCHEMES[name][String(count)]! : spread(SCHEMES[name]["3"]!, count)).map(rgba);
}

/** So many colours that go over into each other, through those of the scheme. */
export function continuousPalette(scheme: Scheme, count: number): Rgba[] {
  const { bins } = scheme;
  const stops = paletteOf(scheme, typeof bins === "number" ? bins : bins.length, false);
  return rampOf(stops, count);
}

/** `count` of the items, evenly from the first to the last; one alone is the middle one. */
function spread<T>(items: readonly T[], count: number): T[] {
  const last = items.length - 1;
  return Array.from(
    { length: count },
    (_, i) => items[Math.round(count > 1 ? (i * last) / (count - 1) : last / 2)]!,
  );
}

/** The colour of values that are in none of the categories. */
export function otherColorOf({ name }: Scheme): Rgba {
  return rgba(name !== "custom" && qualitative(name) ? SCHEMES[name]["11"]!.at(-1)! : OTHER);
}

const rgba = (color: string): Rgba => parseColor(color)!;
