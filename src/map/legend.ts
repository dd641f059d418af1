import { over } from "../render/over";
import { HOLLOW_PX } from "../render/point-size";
import {
  type ColorStyle,
  type Legend,
  type LegendItem,
  MISSING_CLASS,
  type Rgba,
  type SceneLayer,
  type SizeStyle,
} from "../render/scene";
import { dayOrTime, endLabels, type Labelled, rangeLabels } from "./class-labels";
import type { CategoryClasses, Classes, StepClasses } from "./classify";
import type { GeometryKind } from "./geometry";
import { formatOf, type NumberStyle, roundedEnd } from "./number-format";
import { roundest } from "./round-numbers";
import type { LegendStyle } from "./style-options";
import type { ClassColumn } from "./tile-columns";
import type { TimeMethod } from "./time-options";

const OTHER = "Other";
const NO_DATA = "no data";
const NO_TEXT = "(empty)";
/** Colour of the symbols in a size legend, if the colour of the layer depends on another column. */
const NEUTRAL: Rgba = [136, 136, 136, 255];

/** A style, with the classes of the column it depends on. */
export interface Channel<S> {
  readonly style: S;
  readonly by?: ClassColumn;
  /** A sentence about a better style. */
  readonly advice?: string;
}

interface LegendContext {
  readonly kind: GeometryKind;
  readonly color: Channel<ColorStyle>;
  readonly size: Channel<SizeStyle>;
  /** Number of rows that the map draws. */
  readonly rowCount: number;
  readonly name: string;
  readonly layerCount: number;
  /** Size of the symbols in a colour legend, if the size of the layer depends on another column. */
  readonly defaultPx: number;
  /** Aggregate of an animated layer. */
  readonly method: TimeMethod | undefined;
}

/** How the colours of a layer look above the basemap. */
interface Ground {
  readonly color: Rgba;
  readonly opacity: number;
  readonly stroke: SceneLayer["stroke"] | null;
}

/** Returns a legend with the colours that the map shows: those of a translucent layer above the basemap. */
export function aboveGround(legend: Legend, { color: ground, opacity, stroke }: Ground): Legend {
  const seen = (color: Rgba) => over(color, opacity, ground);
  const { ramp } = legend;
  return {
    ...legend,
    items: legend.items.map((item) =>
      item.hollow
        ? { ...item, color: ground, stroke: { color: seen(item.color), widthPx: HOLLOW_PX } }
        : {
            ...item,
            color: seen(item.color),
            ...(item.hatch && { hatch: seen(item.hatch) }),
            ...(stroke && {
              stroke: {
                color: seen(over(stroke.color, 1, over(item.color, 1, ground))),
                widthPx: stroke.widthPx,
              },
            }),
          },
    ),
    ...(ramp && { ramp: { ...ramp, colors: ramp.colors.map(seen) } }),
  };
}

/**
 * Creates the legends of a layer: one for each column, or one for both if colour and size depend on the same classes. A
 * layer with a single look gets a legend if the map has several layers, or if the legend has a title.
 */
export function legendsOf(
  options: LegendStyle,
  { kind, color, size, rowCount, name, layerCount, defaultPx, method }: LegendContext,
): Legend[] {
  const { title, sizeTitle } = options;
  const constantPx = size.style.kind === "constant" ? size.style.px : defaultPx;
  const constantColor = color.style.kind === "constant" ? color.style.color : NEUTRAL;
  if (!color.by && !size.by) {
    if (layerCount < 2 && title === undefined) return [];
    return [
      plainLegendOf(title ?? name, kind, { color: constantColor, sizePx: constantPx }, rowCount, options),
    ];
  }
  const valueTitle = (column: string) => (method ? `${method}(${column})` : column);
  const byColor =
    color.by &&
    colorLegend(title ?? valueTitle(color.by.name), kind, color.by, color.style, constantPx, options);
  const sizes = sizeTitle ?? (color.by === undefined ? title : undefined) ?? valueTitle(size.by?.name ?? "");
  const bySize =
    size.by && withoutClasses(sizeLegend(sizes, kind, size.by, size.style, constantColor, options));
  if (byColor && bySize && color.by.name === size.by.name && sameLabels(byColor, bySize)) {
    // `!`: both have the same number of items
    return [
      { ...byColor, items: byColor.items.map((item, i) => ({ ...item, sizePx: bySize.items[i]!.sizePx })) },
    ];
  }
  return [byColor, bySize].filter((legend) => legend !== undefined && legend !== null);
}

/** The classes of sizes are not those of colours. */
const withoutClasses = (legend: Legend | null): Legend | null =>
  legend && { ...legend, items: legend.items.map(({ class: _, ...item }) => item) };

function colorLegend(
  title: string,
  kind: GeometryKind,
  { classes, style: numbers }: ClassColumn,
  style: ColorStyle,
  sizePx: number,
  options: LegendStyle,
): Legend | null {
  const [looks, missing] = colorLooks(style, sizePx);
  if (classes.kind !== "steps") return legendOf(title, kind, classes, looks, missing, options, numbers);
  const colors = looks.map(({ color }) => color);
  return rampLegendOf(title, kind, classes, colors, missing, options, numbers);
}

function sizeLegend(
  title: string,
  kind: GeometryKind,
  { classes, style: numbers }: ClassColumn,
  style: SizeStyle,
  color: Rgba,
  options: LegendStyle,
): Legend | null {
  const [looks, missing] = sizeLooks(style, color);
  if (classes.kind !== "steps") return legendOf(title, kind, classes, looks, missing, options, numbers);
  // `!`: a share is at most 1
  const pxOf = (share: number) => looks[Math.round(share * (looks.length - 1))]!.sizePx;
  const isHollow = style.kind === "classes" && style.hollowBelow !== undefined;
  return sizesLegendOf(title, kind, classes, pxOf, missing, options, numbers, isHollow);
}

/** Returns true if both legends have the same items. `!`: checked by length. */
const sameLabels = (a: Legend, b: Legend) =>
  !a.ramp &&
  !b.ramp &&
  a.items.length === b.items.length &&
  a.items.every(({ label }, i) => label === b.items[i]!.label);

function colorLooks(style: ColorStyle, sizePx: number): [looks: Look[], missing: Look] {
  if (style.kind === "constant") return [[], { color: style.color, sizePx }];
  const { palette, missing, hatch } = style;
  return [palette.map((color) => ({ color, sizePx })), { color: missing, sizePx, ...(hatch && { hatch }) }];
}

function sizeLooks(style: SizeStyle, color: Rgba): [looks: Look[], missing: Look] {
  if (style.kind === "constant") return [[], { color, sizePx: style.px }];
  return [style.px.map((sizePx) => ({ color, sizePx })), { color, sizePx: style.missingPx }];
}

type Look = Pick<LegendItem, "color" | "sizePx" | "hatch">;

/**
 * Creates the legend of a column; null if no row is in a class.
 * @param looks one symbol per class; for categories, then that of other values. `!`: there are as many as labels.
 */
export function legendOf(
  title: string,
  geometry: Legend["geometry"],
  classes: Exclude<Classes, { kind: "steps" }>,
  looks: readonly Look[],
  missing: Look,
  { counts = false }: LegendStyle = {},
  style: NumberStyle = "grouped",
): Legend | null {
  const labelled = classes.kind === "ranges" ? rangeLabels(classes, style) : categoryLabels(classes, style);
  const items: LegendItem[] = labelled.flatMap(({ label, count }, i) =>
    count > 0 ? [{ label, class: i, ...looks[i]!, ...(counts && { count }) }] : [],
  );
  items.push(...missingItem(classes, missing, counts));
  return items.length > 0 ? { title, geometry, items } : null;
}

/** Creates the legend of a continuous colour ramp. */
function rampLegendOf(
  title: string,
  geometry: Legend["geometry"],
  classes: StepClasses,
  colors: readonly Rgba[],
  missing: Look,
  { counts = false }: LegendStyle,
  style: NumberStyle,
): Legend | null {
  const items = missingItem(classes, missing, counts);
  if (classes.count === 0) return items.length > 0 ? { title, geometry, items } : null;
  const [from, to] = endLabels(classes, style);
  return { title, geometry, items, ramp: { colors, from, to } };
}

/** Creates the legend of continuous sizes, which shows the sizes of three values. */
function sizesLegendOf(
  title: string,
  geometry: Legend["geometry"],
  classes: StepClasses,
  pxOf: (share: number) => number,
  { color, sizePx }: Look,
  { counts = false }: LegendStyle,
  style: NumberStyle,
  isHollow: boolean,
): Legend | null {
  const { from, to, count } = classes;
  const missing = missingItem(classes, { color, sizePx }, counts);
  if (count === 0) return missing.length > 0 ? { title, geometry, items: missing } : null;
  const at = (share: number) => from * (1 - share) + to * share; // to − from may exceed the largest double
  const within = (least: number, most: number) => roundest({ from: at(least), to: at(most) });
  // sizes that are proportional to the value begin with 0, which has none
  const inner = from === 0 ? [within(0.04, 0.1), within(0.3, 0.5)] : [from, within(0.4, 0.6)];
  const largest = from === 0 ? within(0.85, 1) : to; // a size between others, too, is easier to read with few digits
  const values = isHollow ? valuesOfBothSigns(classes) : to > from ? [...inner, largest] : [from];
  const rounded = values.map((value) => roundedEnd(value, from, to));
  const write = formatOf(rounded, style);
  const items = values.map((value, i) => ({
    label: write(rounded[i]!), // `!`: as long as `values`
    color,
    sizePx: pxOf(to > from ? (value / 2 - from / 2) / (to / 2 - from / 2) : 0.5),
    ...(isHollow && value < 0 && { hollow: true as const }),
  }));
  return { title, geometry, items: [...items, ...missing] };
}

/** Returns the ends of values of which some are negative, and a round one on the side of the larger one. */
function valuesOfBothSigns({ min, max }: StepClasses): number[] {
  const most = Math.max(-min, max);
  const middle = roundest({ from: 0.3 * most, to: 0.5 * most });
  const ends = max > 0 ? [min, max] : [min];
  return [...ends, max >= -min ? middle : -middle].sort((a, b) => a - b);
}

/** Creates the legend of a layer with a single look. */
function plainLegendOf(
  label: string,
  geometry: Legend["geometry"],
  look: Look,
  rowCount: number,
  { counts = false }: LegendStyle = {},
): Legend {
  return { title: "", geometry, items: [{ label, ...look, ...(counts && { count: rowCount }) }] };
}

function missingItem(
  { missingCount }: { readonly missingCount: number },
  look: Look,
  counts: boolean,
): LegendItem[] {
  return missingCount > 0
    ? [{ label: NO_DATA, class: MISSING_CLASS, ...look, ...(counts && { count: missingCount }) }]
    : [];
}

function categoryLabels({ categories, otherCount }: CategoryClasses, style: NumberStyle): Labelled[] {
  const numbers = categories.flatMap(({ value }) => (typeof value === "number" ? [value] : []));
  const write = style === "date" ? dayOrTime(numbers) : formatOf(numbers, "plain");
  const textOf = (value: string | number | boolean) =>
    value === "" ? NO_TEXT : typeof value === "number" ? write(value) : String(value);
  return [
    ...categories.map(({ value, count }) => ({ label: textOf(value), count })),
    { label: OTHER, count: otherCount },
  ];
}
