import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Rgba } from "../render/scene";
import { isObject } from "../values";
import { type AggregateStyle, type CellValue, type ColorByValue, checkAggregate } from "./aggregate-options";
import { checkKeys, checkOneOf, checkText, checkUpTo, expected, isAscending, shown } from "./check";
import { A_COLOR, checkColor, looksLikeColor, parseColor } from "./css-color";
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
  divergingScheme,
  type NumberMethod,
  type Scheme,
} from "./scheme";
import { checkTime, type TimeOptions, type TimeStyleOptions } from "./time-options";

/** Colours a layer by the values of a column. */
export interface ColorByColumn {
  /** Name of a column of numbers, text, booleans, dates or timestamps. */
  readonly column: string;
  /**
   * Colours of the classes: a scheme made by `styling`, such as `styling.mint(7, "jenks")`, or the name of a scheme.
   * @default "mint" for numbers and dates, without colours as pale as the basemap, and from dark to bright on a dark one;
   * "geyser" for numbers on both sides of 0; "safe" for text and booleans
   */
  readonly scheme?: Scheme | string;
  /**
   * Number of classes, or their upper bounds in ascending order; for dates, in milliseconds since 1970. Overrides the
   * scheme's.
   * @default 5 classes, 10 categories
   */
  readonly bins?: Bins;
  /**
   * Classification method. Overrides the scheme's.
   * @default "quantiles" for numbers and dates, "category" for text and booleans
   */
  readonly method?: BinMethod;
  /** Alias of `method`, the name that cartoframes for Python uses. */
  readonly binMethod?: BinMethod;
  /**
   * With `method: "continuous"`, the values that get the first and the last colour of the scheme.
   * @default the smallest and the largest value
   */
  readonly domain?: readonly [from: number, to: number];
  /**
   * Number in the middle of a diverging scheme: classes, or a ramp, are symmetric about it.
   * @default 0 for a column with numbers below and above 0 and no `scheme`; otherwise none
   */
  readonly center?: number;
  /**
   * Colours of single categories, as CSS colours: `{ Labour: "#e4003b", Green: "#02a95b" }`. They are shown even if other
   * values are more frequent. Other categories have colours of the scheme.
   */
  readonly colors?: Readonly<Record<string, string>>;
  /**
   * Categories to show, in this order in the legend and in the colours of the scheme. All other values are "Other".
   * @default those of `colors` and the most frequent values, in ascending order
   */
  readonly order?: readonly (string | number | boolean)[];
}

/** Sizes the symbols of a layer by the values of a column. */
export interface SizeByColumn {
  /** Name of a column of numbers. */
  readonly column: string;
  /**
   * Sizes of the smallest and the largest value in CSS pixels, from 0 to 1000.
   * @default [5, 25] for classes of points, [0.5, 6] for those of lines
   */
  readonly range?: readonly [min: number, max: number];
  /** Smallest size in CSS pixels; replaces the first number of `range`. @default that of `range` */
  readonly min?: number;
  /** Largest size in CSS pixels; replaces the second number of `range`. @default 25 for points, 6 for lines */
  readonly max?: number;
  /** Number of classes, 1 to 20, or their upper bounds in ascending order. @default no classes; 5 if `method` needs them */
  readonly bins?: Bins;
  /**
   * Classification method. With `"continuous"`, the area of a point or the width of a line is proportional to the value: points
   * with negative values are hollow, and lines must not have any. With `range` or `min`, it grows from the smallest value to
   * the largest.
   * @default "continuous"; with `bins`, and for lines of which one has a negative value, "quantiles"
   */
  readonly method?: Exclude<BinMethod, "category">;
  /** Alias of `method`, the name that cartoframes for Python uses. */
  readonly binMethod?: Exclude<BinMethod, "category">;
}

/** Options that decide how a layer looks and what it tells about its features. */
export interface StyleOptions {
  /**
   * Name of the layer in the layer list, the legend and error messages.
   * @default the name of its table or file, otherwise the legend title
   */
  readonly name?: string;
  /**
   * Fill colour: a CSS colour (`"tomato"`, `"#f80"`, `"rgb(255, 128, 0)"`), the name of a column, or
   * `{ column, scheme, bins, method }`. A CSS colour is never read as a column name: for a column called `red`, write
   * `{ column: "red" }`. With `as`, the colours of cells: a CSS colour, whose shades are used, or `{ scheme, bins }`.
   * @default a different colour for each layer; `"#2752ff"` with `time`
   */
  readonly color?: string | ColorByColumn | ColorByValue;
  /**
   * Diameter of points or width of lines in CSS pixels (more than 0, at most 1000), the name of a column of numbers, or
   * `{ column, range, bins, method }`. Has no effect on polygons.
   * @default for points, 10 for up to 100 of them in the view, down to 2 for 100,000 (4 with `time`); 1.5 for lines
   */
  readonly size?: number | string | SizeByColumn;
  /**
   * How points are drawn: each of them (`"points"`), or together, as a `"heatmap"`, as cells whose colour shows `value`
   * (`"hexbin"` for hexagons, `"grid"` for squares, `"h3"` for the hexagons of https://h3geo.org), or as `"cluster"`
   * symbols with a number. All but `"h3"` are computed anew for each zoom level. With a `time`, a heatmap and cells show
   * the points of each frame.
   * @default each of them; at zooms where a view holds more than 20,000 points of one colour, their density, unless `size`,
   * `stroke` or `time` is set
   */
  readonly as?: "points" | "heatmap" | "hexbin" | "grid" | "h3" | "cluster";
  /**
   * What cells, clusters and heatmaps show: the number of their points, or `{ sum: "fare" }`, `{ avg: "fare" }`,
   * `{ min: "fare" }` or `{ max: "fare" }` of a column of numbers. Needs `as`. Points without a value are left out.
   * @default "count"
   */
  readonly value?: CellValue;
  /**
   * Width of a hexagon or square, radius of a heatmap's kernel, or distance of clusters in CSS pixels, 2 to 200; for H3,
   * the resolution, 0 to 15. Needs `as`.
   * @default 12 for hexagons, 10 for squares, 20 for heatmaps, 56 for clusters; for H3 by the extent of the data
   */
  readonly cell?: number;
  /** Opacity of the layer, from 0 (invisible) to 1 (opaque). @default 0.9 */
  readonly opacity?: number;
  /**
   * Outline of points and polygons: a CSS colour, `{ color, width }`, or `false` for no outline. Has no effect on lines.
   * @default thin and white (black around points on the dark basemap), thinner around polygons that are small on the
   * screen; no outline with `time`, for points smaller than 3 pixels, and for layers of more than 50,000 points
   */
  readonly stroke?: string | StrokeOptions | false | null;
  /**
   * Shape of lines: `"geodesic"` draws each segment as the shortest way between its ends on the globe, an arc of a great
   * circle, such as the routes of flights. Has no effect on points and polygons.
   * @default segments are straight in Web Mercator, and arcs of great circles in other projections
   */
  readonly curve?: "geodesic";
  /**
   * Draws an arrowhead at the end of each line. Its size depends on the width of the line; it is smaller, or absent, where
   * the line is short on the screen. Has no effect on points and polygons.
   * @default false
   */
  readonly arrow?: boolean;
  /**
   * Legend of the layer: `false` hides it, `{ title }` names it, `{ counts: true }` adds the number of rows of each class.
   * @default shown, titled with the column's name, for layers styled by a column and for maps of several layers
   */
  readonly legend?: boolean | LegendOptions;
  /** Columns to show while the pointer is over a feature, or when a feature is tapped. @default no tooltip */
  readonly tooltip?: Info;
  /** Columns to show when a feature is clicked. @default no popup */
  readonly popup?: Info;
  /**
   * Column whose values are written on the map. Where space is short, larger features and earlier rows come first.
   * @default no labels
   */
  readonly label?: string | LabelOptions;
  /**
   * Animates points over time: the name of a column of times or numbers, or `{ column, cumulative, frames, … }`.
   * @default not animated
   */
  readonly time?: string | TimeOptions;
}

/** Outline of points and polygons. */
export interface StrokeOptions {
  /** A CSS colour. @default white; black around points on the dark basemap */
  readonly color?: string;
  /** Width in CSS pixels, more than 0 and at most 1000. @default 0.5 */
  readonly width?: number;
}

/** Title and content of a layer's legend. */
export interface LegendOptions {
  /**
   * Title of the legend; `{ color, size }` for the two legends of a layer whose colour and size depend on different
   * columns.
   * @default the column's name
   */
  readonly title?: string | { readonly color?: string; readonly size?: string };
  /** Shows the number of rows of each class. @default false */
  readonly counts?: boolean;
}

/** Checked style options. An option is absent where its default depends on the data. */
export interface Style {
  readonly name?: string;
  readonly color?: { readonly kind: "constant"; readonly color: Rgba } | ColumnColor;
  readonly size?: { readonly kind: "constant"; readonly px: number } | ColumnSize;
  readonly opacity: number;
  /** null for no outline. */
  readonly stroke?: { readonly color?: Rgba; readonly widthPx?: number } | null;
  readonly curve?: "geodesic";
  readonly arrow?: true;
  /** null for no legend. */
  readonly legend: LegendStyle | null;
  readonly tooltip?: InfoStyle;
  readonly popup?: InfoStyle;
  readonly label?: LabelColumn;
  readonly time?: TimeStyleOptions;
  /** Present if points are drawn together; `color` is absent then. */
  readonly aggregate?: AggregateStyle;
  /** True if every point is to be drawn, however many there are. */
  readonly isPoints?: true;
  /** Columns of the map's widgets. */
  readonly explored?: readonly string[];
  /** Column whose values have a map each. */
  readonly facet?: string;
}

export interface LegendStyle {
  /** Title of the colour legend, or of the only legend. */
  readonly title?: string;
  readonly sizeTitle?: string;
  readonly counts?: boolean;
}

export interface ColumnColor {
  readonly kind: "column";
  readonly column: string;
  /** Returns the scheme, which by default differs between numbers, numbers on both sides of a centre, and other values. */
  readonly schemeFor: (isNumeric: boolean, isDiverging: boolean) => Scheme;
  readonly hasDefaultScheme: boolean;
  /** True if numbers on both sides of 0 have a diverging scheme. */
  readonly mayDiverge: boolean;
  readonly domain?: readonly [from: number, to: number];
  readonly center?: number;
  /** Colours by text of the category. */
  readonly colors?: ReadonlyMap<string, Rgba>;
  readonly order?: readonly (string | number | boolean)[];
}

export interface ColumnSize {
  readonly kind: "column";
  readonly column: string;
  /** Absent where the default depends on the geometry. With "continuous" and no minimum, sizes are proportional. */
  readonly minPx?: number;
  readonly maxPx?: number;
  readonly bins: Bins;
  /** Absent for the default: proportional sizes, or classes if a line has a negative value. */
  readonly method?: NumberMethod | "continuous";
}

export const DEFAULT_OPACITY = 0.9;
/** Of points; a `min` without `max` must not exceed it. */
const DEFAULT_MAX_PX = 25;
const DEFAULT_BINS = 5;
const MAX_SIZES = 20;
/** Most categories that options may list. */
const MAX_CATEGORIES = 100;
const MAX_PX = 1000;
const NUMBER_METHODS = ["quantiles", "equal", "log", "headtails", "jenks", "continuous"] as const;
const A_TITLE = "a string that is not blank";
const GEOMETRY_COLUMNS = ["the_geom", "the_geom_webmercator"];

/** @throws InvalidArgumentError naming the option that is wrong and what it must be. */
export function checkStyle(options: StyleOptions): Style {
  const { name, color, size, opacity, stroke, curve, arrow, legend, tooltip, popup, label, time } = options;
  const aggregate = checkAggregate(options);
  return {
    ...(name !== undefined && { name: checkText("name", name, A_TITLE) }),
    ...(aggregate ? { aggregate } : color !== undefined && { color: checkFill(color) }),
    ...(options.as === "points" && { isPoints: true as const }),
    ...(size !== undefined && { size: checkSize(size) }),
    opacity: checkOpacity(opacity ?? DEFAULT_OPACITY),
    ...(stroke !== undefined && { stroke: checkStroke(stroke) }),
    ...(curve !== undefined && { curve: checkCurve(curve) }),
    ...(checkArrow(arrow) && { arrow: true }),
    legend: checkLegend(legend ?? true),
    ...(tooltip !== undefined && { tooltip: checkInfo("tooltip", tooltip) }),
    ...(popup !== undefined && { popup: checkInfo("popup", popup) }),
    ...(label !== undefined && { label: checkLabel(label) }),
    ...(time !== undefined && { time: checkTime(time, checkColumn) }),
  };
}

function checkFill(color: unknown): Style["color"] {
  const what = `${A_COLOR}, the name of a column, or { column, scheme }`;
  if (!isObject(color)) {
    const text = checkText("color", color, what);
    const rgba = parseColor(text);
    if (rgba !== null) return { kind: "constant", color: rgba };
    if (!looksLikeColor(text)) return columnColor({ column: text });
    throw new InvalidArgumentError(
      `\`color\` must be ${what}; got ${shown(text)}. For a column of that name, write { column: ${shown(text)} }.`,
    );
  }
  return columnColor(color);
}

function columnColor(option: Readonly<Record<string, unknown>>): ColumnColor {
  checkKeys("color", option, OPTION_NAMES.ColorByColumn);
  const column = checkColumn("color", option.column);
  const bins = option.bins as Bins | undefined;
  const categories = categoriesOf(option);
  const isListed = Object.keys(categories).length > 0;
  const method = (methodOption("color", option) ?? (isListed ? "category" : undefined)) as
    | BinMethod
    | undefined;
  if (isListed && method !== "category")
    throw new InvalidArgumentError('`color.colors` and `color.order` require the method "category".');
  if (option.scheme !== undefined) {
    const scheme = adjusted(checkScheme(option.scheme), bins, method);
    const rest = { ...domainOf(option, scheme.method), ...centerOf(option, scheme), ...categories };
    return {
      kind: "column",
      column,
      schemeFor: () => scheme,
      hasDefaultScheme: false,
      mayDiverge: false,
      ...rest,
    };
  }
  // throws now if bins or method are wrong
  const scheme = defaultScheme(method !== undefined && method !== "category", bins, method);
  return {
    kind: "column",
    column,
    schemeFor: (isNumeric, isDiverging) =>
      isDiverging ? divergingScheme(bins, method) : defaultScheme(isNumeric, bins, method),
    hasDefaultScheme: true,
    mayDiverge: typeof scheme.bins === "number" && method !== "category" && method !== "log",
    ...domainOf(option, method),
    ...centerOf(option, scheme),
    ...categories,
  };
}

function centerOf(
  { center }: Readonly<Record<string, unknown>>,
  { bins, method }: Scheme,
): Pick<ColumnColor, "center"> {
  if (center === undefined) return {};
  if (typeof center !== "number" || !Number.isFinite(center))
    throw expected("color.center", center, "a number");
  if (typeof bins === "number" && method !== "log" && method !== "category") return { center };
  throw new InvalidArgumentError(
    '`color.center` requires a number of classes, and a method other than "log" and "category".',
  );
}

function categoriesOf({
  colors,
  order,
}: Readonly<Record<string, unknown>>): Pick<ColumnColor, "colors" | "order"> {
  return {
    ...(colors !== undefined && { colors: checkColors(colors) }),
    ...(order !== undefined && { order: checkOrder(order) }),
  };
}

function checkColors(colors: unknown): ReadonlyMap<string, Rgba> {
  if (!isObject(colors) || Array.isArray(colors) || Object.keys(colors).length > MAX_CATEGORIES)
    throw expected(
      "color.colors",
      colors,
      `an object of at most ${MAX_CATEGORIES} CSS colours, such as { Labour: "#e4003b" }`,
    );
  return new Map(
    Object.entries(colors).map(([value, color]) => [value, checkColor(`color.colors.${value}`, color)]),
  );
}

function checkOrder(order: unknown): readonly (string | number | boolean)[] {
  const isValue = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
  if (Array.isArray(order) && order.length <= MAX_CATEGORIES && order.every(isValue)) return order;
  throw expected("color.order", order, `an array of at most ${MAX_CATEGORIES} values of the column`);
}

/** Returns `method` or its alias `binMethod`. */
function methodOption(what: string, { method, binMethod }: Readonly<Record<string, unknown>>): unknown {
  if (method !== undefined && binMethod !== undefined)
    throw new InvalidArgumentError(
      `Pass \`${what}.method\` or \`${what}.binMethod\`, not both: they are the same option.`,
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
      '`color.domain` requires the method "continuous". To set the bounds of classes, pass them as `color.bins`.',
    );
  const [from, to] = Array.isArray(domain) && domain.length === 2 ? (domain as unknown[]) : [];
  const isEnd = (end: unknown): end is number => typeof end === "number" && Number.isFinite(end);
  if (isEnd(from) && isEnd(to) && from < to) return { domain: [from, to] };
  throw expected("color.domain", domain, "[from, to], two numbers, the smaller first");
}

function checkSize(size: unknown): Style["size"] {
  if (typeof size === "string") return columnSize({ column: size });
  if (isObject(size)) return columnSize(size);
  return { kind: "constant", px: checkPx("size", size, ", the name of a column, or { column, range }") };
}

function columnSize(option: Readonly<Record<string, unknown>>): ColumnSize {
  checkKeys("size", option, OPTION_NAMES.SizeByColumn);
  const column = checkColumn("size", option.column);
  const { bins } = option;
  const method = methodOption("size", option) ?? (bins === undefined ? undefined : "quantiles");
  return {
    kind: "column",
    column,
    ...checkedRange(option),
    bins: checkSizeBins(bins ?? DEFAULT_BINS),
    ...(method !== undefined && { method: checkOneOf("size.method", method, NUMBER_METHODS) }),
  };
}

/** Returns the ends of `range`, or `min` and `max`, as far as they are given. */
function checkedRange({
  range,
  min,
  max,
}: Readonly<Record<string, unknown>>): Pick<ColumnSize, "minPx" | "maxPx"> {
  if (range !== undefined && (min !== undefined || max !== undefined))
    throw new InvalidArgumentError(
      "Pass `size.range`, or `size.min` and `size.max`, not both: they set the same sizes.",
    );
  if (range === undefined && min === undefined && max === undefined) return {};
  const [minPx, maxPx] = checkRange(range ?? [min ?? 0, max ?? DEFAULT_MAX_PX]);
  return range === undefined && min === undefined
    ? { maxPx }
    : { minPx, ...((max ?? range) !== undefined && { maxPx }) };
}

function checkColumn(option: string, column: unknown): string {
  if (column === undefined)
    throw new InvalidArgumentError(`\`${option}\` must include \`column\`, the name of a column.`);
  const name = checkText(`${option}.column`, column, "the name of a column");
  if (!GEOMETRY_COLUMNS.includes(name)) return name;
  throw new InvalidArgumentError(`\`${option}\` cannot depend on the geometry column "${name}".`);
}

function checkRange(range: unknown): readonly [number, number] {
  const [min, max] = Array.isArray(range) && range.length === 2 ? (range as unknown[]) : [];
  const isRange =
    typeof min === "number" && typeof max === "number" && min >= 0 && min <= max && max <= MAX_PX;
  if (isRange && max > 0) return [min, max];
  throw expected("size.range", range, `[min, max] in pixels, from 0 to ${MAX_PX}`);
}

function checkSizeBins(bins: unknown): Bins {
  if (typeof bins === "number" && Number.isInteger(bins) && bins >= 1 && bins <= MAX_SIZES) return bins;
  if (isAscending(bins) && bins.length >= 1 && bins.length <= MAX_SIZES) return bins;
  throw expected(
    "size.bins",
    bins,
    `a whole number from 1 to ${MAX_SIZES}, or the upper bounds of 1 to ${MAX_SIZES} classes in ascending order`,
  );
}

function checkPx(option: string, px: unknown, or = ""): number {
  return checkUpTo(option, px, MAX_PX, `a number of pixels, more than 0 and at most ${MAX_PX}${or}`);
}

function checkOpacity(opacity: unknown): number {
  if (typeof opacity === "number" && opacity >= 0 && opacity <= 1) return opacity;
  throw expected("opacity", opacity, "a number from 0 to 1");
}

function checkStroke(stroke: unknown): Style["stroke"] {
  if (stroke === null || stroke === false) return null;
  if (typeof stroke === "string") return { color: checkColor("stroke", stroke) };
  if (!isObject(stroke))
    throw expected("stroke", stroke, `${A_COLOR}, { color, width }, or false for no outline`);
  checkKeys("stroke", stroke, OPTION_NAMES.StrokeOptions);
  const { color, width } = stroke;
  return {
    ...(color !== undefined && { color: checkColor("stroke.color", color) }),
    ...(width !== undefined && { widthPx: checkPx("stroke.width", width) }),
  };
}

function checkCurve(curve: unknown): "geodesic" {
  if (curve === "geodesic") return curve;
  throw expected("curve", curve, '"geodesic", or absent for straight segments');
}

function checkArrow(arrow: unknown): boolean {
  if (arrow === undefined || typeof arrow === "boolean") return arrow === true;
  throw expected("arrow", arrow, "true or false");
}

function checkLegend(legend: unknown): Style["legend"] {
  if (typeof legend === "boolean") return legend ? {} : null;
  if (!isObject(legend)) throw expected("legend", legend, "true, false or { title, counts }");
  checkKeys("legend", legend, OPTION_NAMES.LegendOptions);
  const { title, counts } = legend;
  if (counts !== undefined && typeof counts !== "boolean")
    throw expected("legend.counts", counts, "true or false");
  return {
    ...titlesOf(title),
    ...(counts !== undefined && { counts }),
  };
}

function titlesOf(title: unknown): Pick<LegendStyle, "title" | "sizeTitle"> {
  if (title === undefined) return {};
  if (!isObject(title)) return { title: checkText("legend.title", title, A_TITLE) };
  checkKeys("legend.title", title, ["color", "size"]);
  const { color, size } = title;
  return {
    ...(color !== undefined && { title: checkText("legend.title.color", color, A_TITLE) }),
    ...(size !== undefined && { sizeTitle: checkText("legend.title.size", size, A_TITLE) }),
  };
}
