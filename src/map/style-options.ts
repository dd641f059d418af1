import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, checkOneOf, checkPositive, checkText, expected, shown } from "./check";
import { looksLikeColor, parseColor } from "./css-color";
import {
  checkInfo,
  checkLabel,
  type Info,
  type InfoStyle,
  type LabelColumn,
  type LabelOptions,
} from "./info-options";
import {
  adjusted,
  type BinMethod,
  type Bins,
  checkScheme,
  defaultScheme,
  type NumberMethod,
  type Scheme,
} from "./scheme";
import { checkTime, type TimeOptions, type TimeStyleOptions } from "./time-options";

/** Colour by the values of a column. */
export interface ColorByColumn {
  /** Numbers, text or booleans. */
  readonly column: string;
  /** `styling.mint(7, "jenks")`, or the name of a scheme. Default mint for numbers, safe for text and booleans. */
  readonly scheme?: Scheme | string;
  /** How many classes, or their upper bounds; instead of the scheme's. */
  readonly bins?: Bins;
  /** How values are put into classes; instead of the scheme's. */
  readonly method?: BinMethod;
  /** The same as `method`, as Python's cartoframes calls it. */
  readonly binMethod?: BinMethod;
  /** Of the method "continuous": the values of the first and the last colour. Default: the smallest and the largest. */
  readonly domain?: readonly [from: number, to: number];
}

/** Size by the values of a column. */
export interface SizeByColumn {
  /** Numbers. */
  readonly column: string;
  /** Smallest and largest size in CSS pixels. @default [5, 25] */
  readonly range?: readonly [min: number, max: number];
  /** Smallest size, instead of the first of `range`. */
  readonly min?: number;
  /** Largest size, instead of the last of `range`. */
  readonly max?: number;
  /** How many sizes, 1 to 20, or the upper bounds of the classes. @default 5 */
  readonly bins?: Bins;
  /**
   * How values are put into classes; with "continuous" the area of a point, or the width of a line, grows with the
   * value. @default "quantiles"
   */
  readonly method?: Exclude<BinMethod, "category">;
  /** The same as `method`, as Python's cartoframes calls it. */
  readonly binMethod?: Exclude<BinMethod, "category">;
}

/** How a layer looks. */
export interface StyleOptions {
  /** What the list of layers, the legend and messages call the layer. Default: its table or file. */
  readonly name?: string;
  /**
   * A CSS colour (`"tomato"`, `"#f80"`, `"rgb(255, 128, 0)"`), the name of a column, or
   * `{ column, scheme, bins, method }`. A text that is a colour is never a column: for a column called "red" write
   * `{ column: "red" }`. Default: a colour of its own for each layer; with `time` `#2752ff`.
   */
  readonly color?: string | ColorByColumn;
  /**
   * Diameter of points or width of lines in CSS pixels, the name of a column, or `{ column, range, bins, method }`.
   * Default: points 10, with `time` 4; lines 1.5.
   */
  readonly size?: number | string | SizeByColumn;
  /** From 0, invisible, to 1. @default 0.9 */
  readonly opacity?: number;
  /**
   * Outline of points and polygons: a CSS colour, `{ color, width }` with the width in CSS pixels, or `false` for
   * none. Default: thin and white, around points on the dark basemap black; none with `time`.
   */
  readonly stroke?: string | StrokeOptions | false | null;
  /**
   * `false` hides the legend that columns get, and layers of one colour where there are several; `{ title }` names
   * it, `{ counts: true }` adds the number of rows of each class. Default: titled with the column's name.
   */
  readonly legend?: boolean | LegendOptions;
  /** Columns that are shown while the pointer is on a feature, or where it is tapped. */
  readonly tooltip?: Info;
  /** Columns that are shown when a feature is clicked. */
  readonly popup?: Info;
  /** A column that is written on the map, as far as there is room: larger features and earlier rows first. */
  readonly label?: string | LabelOptions;
  /** Points that come and go: a column of times, or `{ column, cumulative, frames, duration, trails, … }`. */
  readonly time?: string | TimeOptions;
}

export interface StrokeOptions {
  /** A CSS colour. */
  readonly color?: string;
  /** CSS pixels. @default 0.5 */
  readonly width?: number;
}

export interface LegendOptions {
  /** Of the one legend, or of that of colours; `{ color, size }` for those of two columns. */
  readonly title?: string | { readonly color?: string; readonly size?: string };
  /** How many rows each class has. @default false */
  readonly counts?: boolean;
}

/** Style options that have been checked; absent is the default, which depends on the data. */
export interface Style {
  readonly name?: string;
  readonly color?: { readonly kind: "constant"; readonly color: Rgba } | ColumnColor;
  readonly size?: { readonly kind: "constant"; readonly px: number } | ColumnSize;
  readonly opacity: number;
  /** null: none. */
  readonly stroke?: { readonly color?: Rgba; readonly widthPx?: number } | null;
  /** null: none. */
  readonly legend: LegendStyle | null;
  readonly tooltip?: InfoStyle;
  readonly popup?: InfoStyle;
  readonly label?: LabelColumn;
  readonly time?: TimeStyleOptions;
}

export interface LegendStyle {
  /** Of the legend of colours, or of the only one. */
  readonly title?: string;
  readonly sizeTitle?: string;
  readonly counts?: boolean;
}

export interface ColumnColor {
  readonly kind: "column";
  readonly column: string;
  /** The scheme for a column of numbers, or for another one. */
  readonly schemeFor: (isNumeric: boolean) => Scheme;
  readonly domain?: readonly [from: number, to: number];
}

export interface ColumnSize {
  readonly kind: "column";
  readonly column: string;
  readonly rangePx: readonly [min: number, max: number];
  readonly bins: Bins;
  readonly method: NumberMethod | "continuous";
}

const DEFAULT_OPACITY = 0.9;
const DEFAULT_RANGE_PX = [5, 25] as const;
const DEFAULT_BINS = 5;
const MAX_SIZES = 20;
const MAX_PX = 1000;
const NUMBER_METHODS = ["quantiles", "equal", "headtails", "jenks", "continuous"] as const;
const GEOMETRY_COLUMNS = ["the_geom", "the_geom_webmercator"];
const A_COLOR = 'a CSS colour like "#ff8000", "rgb(255, 128, 0)" or "tomato"';

/** @throws InvalidArgumentError with the value found and what is expected. */
export function checkStyle(options: StyleOptions): Style {
  const { name, color, size, opacity, stroke, legend, tooltip, popup, label, time } = options;
  return {
    ...(name !== undefined && { name: checkText("name", name, "a text") }),
    ...(color !== undefined && { color: checkColor(color) }),
    ...(size !== undefined && { size: checkSize(size) }),
    opacity: checkOpacity(opacity ?? DEFAULT_OPACITY),
    ...(stroke !== undefined && { stroke: checkStroke(stroke) }),
    legend: checkLegend(legend ?? true),
    ...(tooltip !== undefined && { tooltip: checkInfo("tooltip", tooltip) }),
    ...(popup !== undefined && { popup: checkInfo("popup", popup) }),
    ...(label !== undefined && { label: checkLabel(label) }),
    ...(time !== undefined && { time: checkTime(time, checkColumn) }),
  };
}

function checkColor(color: unknown): Style["color"] {
  const what = `${A_COLOR}, a column's name, or { column, scheme }`;
  if (!isObject(color)) {
    const text = checkText("color", color, what);
    const rgba = parseColor(text);
    if (rgba !== null) return { kind: "constant", color: rgba };
    if (!looksLikeColor(text)) return columnColor({ column: text });
    throw new InvalidArgumentError(
      `color is ${shown(text)}, which is not ${A_COLOR}. A column of that name is { column: ${shown(text)} }.`,
    );
  }
  return columnColor(color);
}

function columnColor(option: Readonly<Record<string, unknown>>): ColumnColor {
  checkKeys("color", option, OPTION_NAMES.ColorByColumn);
  const column = checkColumn("color", option.column);
  const bins = option.bins as Bins | undefined;
  const method = methodOption("color", option) as BinMethod | undefined;
  if (option.scheme !== undefined) {
    const scheme = adjusted(checkScheme(option.scheme), bins, method);
    return { kind: "column", column, schemeFor: () => scheme, ...domainOf(option, scheme.method) };
  }
  defaultScheme(method !== undefined && method !== "category", bins, method); // what is wrong is said now
  return {
    kind: "column",
    column,
    schemeFor: (isNumeric) => defaultScheme(isNumeric, bins, method),
    ...domainOf(option, method),
  };
}

/** `method`, or `binMethod` as cartoframes calls it. */
function methodOption(what: string, { method, binMethod }: Readonly<Record<string, unknown>>): unknown {
  if (method !== undefined && binMethod !== undefined)
    throw new InvalidArgumentError(
      `${what} has method and binMethod, which are the same. Leave one of them out.`,
    );
  return method ?? binMethod;
}

function domainOf(
  { domain }: Readonly<Record<string, unknown>>,
  method: BinMethod | undefined,
): Pick<ColumnColor, "domain"> {
  if (domain === undefined) return {};
  if (method !== "continuous")
    throw new InvalidArgumentError(
      'domain of color is for the method "continuous"; give classes their bounds as bins.',
    );
  const [from, to] = Array.isArray(domain) && domain.length === 2 ? (domain as unknown[]) : [];
  const isEnd = (end: unknown): end is number => typeof end === "number" && Number.isFinite(end);
  if (isEnd(from) && isEnd(to) && from < to) return { domain: [from, to] };
  throw expected("domain of color", domain, "[from, to], two numbers, the smaller first");
}

function checkSize(size: unknown): Style["size"] {
  if (typeof size === "string") return columnSize({ column: size });
  if (isObject(size)) return columnSize(size);
  return { kind: "constant", px: checkPx("size", size, ", a column's name, or { column, range }") };
}

function columnSize(option: Readonly<Record<string, unknown>>): ColumnSize {
  checkKeys("size", option, OPTION_NAMES.SizeByColumn);
  const column = checkColumn("size", option.column);
  const { bins = DEFAULT_BINS } = option;
  const method = methodOption("size", option) ?? "quantiles";
  return {
    kind: "column",
    column,
    rangePx: checkRange(rangeOption(option)),
    bins: checkSizeBins(bins),
    method: checkOneOf("method of size", method, NUMBER_METHODS),
  };
}

/** `range`, or `min` and `max`, of which one alone leaves the other end of the default. */
function rangeOption({ range, min, max }: Readonly<Record<string, unknown>>): unknown {
  if (min === undefined && max === undefined) return range ?? DEFAULT_RANGE_PX;
  if (range !== undefined)
    throw new InvalidArgumentError(
      "size has range, and min or max, which are its ends. Leave one of them out.",
    );
  return [min ?? DEFAULT_RANGE_PX[0], max ?? DEFAULT_RANGE_PX[1]];
}

function checkColumn(option: string, column: unknown): string {
  if (column === undefined) throw new InvalidArgumentError(`${option} must include a "column".`);
  const name = checkText(`column of ${option}`, column, "a column's name");
  if (!GEOMETRY_COLUMNS.includes(name)) return name;
  throw new InvalidArgumentError(
    `Style columns cannot be geometry columns. "${name}" was chosen for ${option}.`,
  );
}

function checkRange(range: unknown): readonly [number, number] {
  const [min, max] = Array.isArray(range) && range.length === 2 ? (range as unknown[]) : [];
  const isRange =
    typeof min === "number" && typeof max === "number" && min >= 0 && min <= max && max <= MAX_PX;
  if (isRange && max > 0) return [min, max];
  throw expected("range of size", range, `[min, max] in pixels, from 0 to ${MAX_PX}`);
}

function checkSizeBins(bins: unknown): Bins {
  if (typeof bins === "number" && Number.isInteger(bins) && bins >= 1 && bins <= MAX_SIZES) return bins;
  const isAscending =
    Array.isArray(bins) &&
    bins.length >= 1 &&
    bins.length <= MAX_SIZES &&
    bins.every(
      (bound, i) => typeof bound === "number" && (i === 0 ? bound > -Infinity : bound > bins[i - 1]),
    );
  if (isAscending) return bins as readonly number[];
  throw expected(
    "bins of size",
    bins,
    `1 to ${MAX_SIZES}, or the upper bounds of so many classes, ascending`,
  );
}

function checkPx(option: string, px: unknown, or = ""): number {
  const what = `a number of pixels, more than 0 and at most ${MAX_PX}${or}`;
  if (checkPositive(option, px, what) <= MAX_PX) return px as number;
  throw expected(option, px, what);
}

function checkOpacity(opacity: unknown): number {
  if (typeof opacity === "number" && opacity >= 0 && opacity <= 1) return opacity;
  throw expected("opacity", opacity, "a number from 0 to 1");
}

function checkStroke(stroke: unknown): Style["stroke"] {
  if (stroke === null || stroke === false) return null;
  if (typeof stroke === "string") return { color: checkStrokeColor(stroke) };
  if (!isObject(stroke)) throw expected("stroke", stroke, `${A_COLOR}, { color, width }, or false for none`);
  checkKeys("stroke", stroke, OPTION_NAMES.StrokeOptions);
  const { color, width } = stroke;
  return {
    ...(color !== undefined && { color: checkStrokeColor(color) }),
    ...(width !== undefined && { widthPx: checkPx("width of stroke", width) }),
  };
}

function checkStrokeColor(color: unknown): Rgba {
  const rgba = typeof color === "string" ? parseColor(color) : null;
  if (rgba === null) throw expected("color of stroke", color, A_COLOR);
  return rgba;
}

function checkLegend(legend: unknown): Style["legend"] {
  if (typeof legend === "boolean") return legend ? {} : null;
  if (!isObject(legend)) throw expected("legend", legend, "true, false or { title, counts }");
  checkKeys("legend", legend, OPTION_NAMES.LegendOptions);
  const { title, counts } = legend;
  if (counts !== undefined && typeof counts !== "boolean")
    throw expected("counts of legend", counts, "true or false");
  return {
    ...titlesOf(title),
    ...(counts !== undefined && { counts }),
  };
}

function titlesOf(title: unknown): Pick<LegendStyle, "title" | "sizeTitle"> {
  if (title === undefined) return {};
  if (!isObject(title)) return { title: checkText("title of legend", title, "a text") };
  checkKeys("title of legend", title, ["color", "size"]);
  const { color, size } = title;
  return {
    ...(color !== undefined && { title: checkText("title of legend for color", color, "a text") }),
    ...(size !== undefined && { sizeTitle: checkText("title of legend for size", size, "a text") }),
  };
}
