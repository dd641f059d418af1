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
import type { Basemap, Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, checkOneOf, expected, isAscending, listed, near, shown } from "./check";
import { checkColor, rampOf } from "./css-color";
import { otherColorFor } from "./other-color";

/**
 * Classification method.
 *
 * - `"quantiles"`: the same number of rows in each class
 * - `"equal"`: classes of equal width
 * - `"log"`: classes of equal width in the logarithm, for numbers above 0 that differ by orders of magnitude
 * - `"headtails"`: breaks at the mean, at the mean of the values above it, and so on; suits many small and few large values
 * - `"jenks"`: natural breaks, where the values have gaps
 * - `"category"`: one class for each of the most frequent values, and one for all others
 * - `"continuous"`: no classes; colours are interpolated from the smallest to the largest value
 */
export type BinMethod = "quantiles" | "equal" | "log" | "headtails" | "jenks" | "category" | "continuous";

/** Methods that divide numbers into classes. */
export type NumberMethod = Exclude<BinMethod, "category" | "continuous">;

/**
 * Number of classes, or their upper bounds in ascending order. A class includes its upper bound. `[10, 20, 50]` makes the
 * classes up to 10, above 10 up to 20, and above 20 up to 50; if a value is above 50, there is a fourth class for it.
 */
export type Bins = number | readonly number[];

/** Name of a CARTOColors scheme, see https://carto.com/carto-colors/. The last six are for categories. */
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

/** Colours and classes for a column. Create one with `styling`. */
export interface Scheme {
  /** A CARTOColors scheme, or "custom". */
  readonly name: SchemeName | "custom";
  /** Number of classes, or their upper bounds. */
  readonly bins: Bins;
  /** Classification method. @default "quantiles" for numbers, "category" for text, booleans and qualitative schemes */
  readonly method?: BinMethod;
  /** CSS colours of a "custom" scheme. */
  readonly colors?: readonly string[];
}

const A_SCHEME = 'the name of a scheme such as "mint", or a scheme such as styling.mint(5)';
const METHODS: readonly BinMethod[] = [
  "quantiles",
  "equal",
  "log",
  "headtails",
  "jenks",
  "category",
  "continuous",
];
const DEFAULT_BINS = 5;
const MOST_BINS = 7;
const MOST_CATEGORIES = 11;
const DEFAULT_CATEGORIES = 10;
/** Colour of rows without a value. */
export const MISSING_COLOR: Rgba = [204, 204, 204, 255];
/** Colours of polygons without a value, and of the diagonal lines over them. */
export const MISSING_AREA = {
  light: { missing: MISSING_COLOR, hatch: [122, 122, 122, 255] },
  dark: { missing: [84, 84, 86, 255], hatch: [150, 150, 152, 255] },
} as const satisfies Record<Basemap["theme"], { missing: Rgba; hatch: Rgba }>;

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

/**
 * Creates a CARTOColors scheme.
 * @throws InvalidArgumentError for an unknown name or method, and for more bins than the scheme has colours
 */
export function named(name: string, bins?: Bins, method?: BinMethod): Scheme {
  const known = schemeName(name);
  const isQualitative = qualitative(known);
  const scheme = withMethod({ name: known, bins: bins ?? defaultBins(isQualitative, method) }, method);
  const most = isQualitative ? MOST_CATEGORIES : MOST_BINS;
  const count = checkBins(scheme.bins);
  if (count >= (typeof scheme.bins === "number" ? 2 : 1) && count <= most) return scheme;
  throw new InvalidArgumentError(
    `\`bins\` must be 2 to ${most} classes for the scheme "${known}"; got ${shown(bins)}. ` +
      "For more, pass your own colours: styling.custom([…]).",
  );
}

/** Continuous schemes use all colours of the scheme. */
const defaultBins = (isQualitative: boolean, method: BinMethod | undefined) =>
  isQualitative ? DEFAULT_CATEGORIES : method === "continuous" ? MOST_BINS : DEFAULT_BINS;

/**
 * Creates a scheme of the given colours.
 * @throws InvalidArgumentError for an invalid colour, and for more bins than colours
 */
export function custom(colors: readonly string[], bins?: Bins, method?: BinMethod): Scheme {
  if (!Array.isArray(colors) || colors.length === 0 || colors.length > 100)
    throw expected("colors", colors, "an array of 1 to 100 CSS colours");
  for (const [i, color] of colors.entries()) checkColor(`colors[${i}]`, color);
  const scheme = withMethod({ name: "custom", bins: bins ?? colors.length, colors: [...colors] }, method);
  const count = checkBins(scheme.bins);
  if (count >= 1 && count <= colors.length) return scheme;
  throw new InvalidArgumentError(
    `\`bins\` must be 1 to ${colors.length} classes, one for each colour; got ${shown(bins)}.`,
  );
}

function withMethod(scheme: Scheme, method: BinMethod | undefined): Scheme {
  if (method === undefined) return scheme;
  checkOneOf("method", method, METHODS);
  if (typeof scheme.bins === "number") return { ...scheme, method };
  throw new InvalidArgumentError(
    `Pass \`bins\` as a number with the method ${shown(method)}, or as bounds without a method: bounds leave nothing to classify.`,
  );
}

function checkBins(bins: unknown): number {
  if (typeof bins === "number" && Number.isInteger(bins)) return bins;
  if (isAscending(bins)) return bins.length;
  throw expected("bins", bins, "a whole number, or the upper bounds of the classes in ascending order");
}

function schemeName(name: unknown): SchemeName {
  if (typeof name !== "string") throw expected("scheme", name, A_SCHEME);
  // cartoframes for Python and CARTO write Mint, BluGrn and ag_GrnYl
  const key = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const camel = key.slice(0, 1).toLowerCase() + key.slice(1);
  if (Object.hasOwn(SCHEMES, camel)) return camel as SchemeName;
  const close = near(camel, SCHEME_NAMES);
  const advice =
    close.length > 0
      ? `Did you mean ${close.map((n) => JSON.stringify(n)).join(" or ")}?`
      : `Available schemes: ${listed(SCHEME_NAMES)}.`;
  throw new InvalidArgumentError(`No colour scheme is named ${shown(name)}. ${advice}`);
}

const qualitative = (name: SchemeName) => SCHEMES[name].tags.includes("qualitative");

/** Returns the scheme of a name, or checks one that `styling` made. */
export function checkScheme(value: unknown): Scheme {
  if (typeof value === "string") return named(value);
  if (!isObject(value)) throw expected("scheme", value, A_SCHEME);
  checkKeys("scheme", value, OPTION_NAMES.Scheme);
  const { name, bins, method, colors } = value as Partial<Scheme>;
  return name === "custom" || colors !== undefined
    ? custom(colors as readonly string[], bins, method)
    : named(name as string, bins, method);
}

/** Returns the scheme with other bins or another method. */
export function adjusted(scheme: Scheme, bins: Bins | undefined, method: BinMethod | undefined): Scheme {
  if (bins === undefined && method === undefined) return scheme;
  // bounds exclude a method, so a new one of either replaces the old one of the other
  const newBins = bins ?? (typeof scheme.bins === "number" ? scheme.bins : scheme.bins.length);
  const newMethod = method ?? (typeof newBins === "number" ? scheme.method : undefined);
  return checkScheme({ ...scheme, bins: newBins, method: newMethod });
}

/** The default scheme of numbers on both sides of a centre. */
export const divergingScheme = (bins: Bins | undefined, method: BinMethod | undefined): Scheme =>
  named("geyser", bins, method);

/**
 * Returns the default scheme: mint for numbers, safe for categories. cartoframes for Python uses antique, two of whose
 * ten colours look the same to people with deuteranopia (CIE76 distance 0.9; in safe at least 5.9).
 */
export function defaultScheme(
  isNumeric: boolean,
  bins: Bins | undefined,
  method: BinMethod | undefined,
): Scheme {
  return named(isNumeric && method !== "category" ? "mint" : "safe", bins, method);
}

/** Returns the method by which a scheme classifies numbers or other values; "bounds" if it sets the bounds itself. */
export function methodOf({ name, bins, method }: Scheme, isNumeric: boolean): BinMethod | "bounds" {
  if (typeof bins !== "number") return "bounds";
  const isForCategories = name !== "custom" && qualitative(name);
  return method ?? (isNumeric && !isForCategories ? "quantiles" : "category");
}

/** Returns the part of an error message that says that a method requires numbers. */
export const needNumbers = (method: BinMethod | "bounds"): string =>
  method === "bounds" ? "Bounds as `bins` require numbers" : `The method "${method}" requires numbers`;

/**
 * Returns `count` colours: spread over the whole scheme for classes, its first ones for categories.
 * @throws InvalidArgumentError for bounds that leave values above them, if the scheme has no colour for these
 */
export function paletteOf(scheme: Scheme, count: number, isCategory: boolean): Rgba[] {
  const { name } = scheme;
  if (name === "custom") return customPalette(scheme, count, isCategory).map(rgba);
  // `!`: `named` has checked the number of classes, to which bounds can add one
  const of = (classes: number) => SCHEMES[name][String(classes)]!;
  if (qualitative(name))
    return of(Math.min(MOST_CATEGORIES, Math.max(2, count)))
      .slice(0, count)
      .map(rgba);
  if (count > MOST_BINS) return rampOf(of(MOST_BINS).map(rgba), count);
  return (count > 1 ? of(count) : spread(of(3), count)).map(rgba);
}

/** Colours are those of the classes, in order, if there are as many as bounds, or one more. */
function customPalette({ bins, colors = [] }: Scheme, count: number, isCategory: boolean): readonly string[] {
  if (isCategory) return colors.slice(0, count);
  if (typeof bins === "number") return spread(colors, count);
  if (count > colors.length)
    throw new InvalidArgumentError(
      `The bounds ${shown(bins)} make ${count} classes, because values are above ${bins.at(-1)}; the scheme has ${colors.length} colours. ` +
        "Add a colour for these values, or make the last bound Infinity.",
    );
  return colors.length <= bins.length + 1 ? colors.slice(0, count) : spread(colors, count);
}

/** Returns `count` colours interpolated between those of the scheme, or over a part of it. */
export function continuousPalette(
  scheme: Scheme,
  count: number,
  part?: readonly [from: number, to: number],
): Rgba[] {
  const { bins } = scheme;
  const stops = paletteOf(scheme, typeof bins === "number" ? bins : bins.length, false);
  return rampOf(stops, count, part);
}

/** Returns `count` of the items, evenly spaced from the first to the last; the middle one if `count` is 1. `!`: ≤ last. */
function spread<T>(items: readonly T[], count: number): T[] {
  const last = items.length - 1;
  return Array.from(
    { length: count },
    (_, i) => items[Math.round(count > 1 ? (i * last) / (count - 1) : last / 2)]!,
  );
}

/** Number of colours that a scheme has for categories. */
export const mostColorsOf = ({ name, colors = [] }: Scheme): number =>
  name === "custom" ? colors.length : qualitative(name) ? MOST_CATEGORIES : MOST_BINS;

/** Returns the colour of values outside the categories: CARTO's grey, if it cannot be mistaken for one of the colours. */
export function otherColorOf(scheme: Scheme, colors: readonly Rgba[]): Rgba {
  const { name } = scheme;
  if (name === "custom") return otherColorFor(colors);
  const all = SCHEMES[name];
  const own = qualitative(name) ? all[MOST_CATEGORIES]!.map(rgba) : all[MOST_BINS]!.map(rgba);
  return qualitative(name)
    ? otherColorFor([...own.slice(0, -1), ...colors], own.at(-1))
    : otherColorFor([...own, ...colors]);
}

const rgba = (color: string): Rgba => checkColor("color", color);
