import type { ColorStyle, Legend, LegendItem, Rgba, SizeStyle } from "../render/scene";
import type { CategoryClasses, Classes, Range, RangeClasses, StepClasses } from "./classify";
import type { GeometryKind } from "./geometry";
import type { LegendStyle } from "./style-options";
import type { ClassColumn } from "./tile-columns";
import type { TimeMethod } from "./time-options";

const OTHER = "Other";
const NO_DATA = "no data";
const NO_TEXT = "(empty)";
/** Larger numbers are written in scientific notation. */
const MAX_PLAIN = 1e15;
const MAX_DECIMALS = 8;
/** Colour of the symbols in a size legend, if the colour of the layer depends on another column. */
const NEUTRAL: Rgba = [136, 136, 136, 255];

/** A style, with the classes of the column it depends on. */
export interface Channel<S> {
  readonly style: S;
  readonly by?: ClassColumn;
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
      plainLegendOf(
        title ?? name,
        kind,
        { color: constantColor, sizePx: constantPx },
        rowCount,
        options,
      ),
    ];
  }
  const valueTitle = (column: string) => (method ? `${method}(${column})` : column);
  const byColor =
    color.by &&
    colorLegend(title ?? valueTitle(color.by.name), kind, color.by.classes, color.style, constantPx, options);
  const sizes = sizeTitle ?? (color.by === undefined ? title : undefined) ?? valueTitle(size.by?.name ?? "");
  const bySize = size.by && sizeLegend(sizes, kind, size.by.classes, size.style, constantColor, options);
  if (byColor && bySize && color.by.name === size.by.name && sameLabels(byColor, bySize)) {
    // `!`: both have the same number of items
    return [
      { ...byColor, items: byColor.items.map((item, i) => ({ ...item, sizePx: bySize.items[i]!.sizePx })) },
    ];
  }
  return [byColor, bySize].filter((legend) => legend !== undefined && legend !== null);
}

function colorLegend(
  title: string,
  kind: GeometryKind,
  classes: Classes,
  style: ColorStyle,
  sizePx: number,
  options: LegendStyle,
): Legend | null {
  const [looks, missing] = colorLooks(style, sizePx);
  if (classes.kind !== "steps") return legendOf(title, kind, classes, looks, missing, options);
  return rampLegendOf(
    title,
    kind,
    classes,
    looks.map(({ color }) => color),
    missing,
    options,
  );
}

function sizeLegend(
  title: string,
  kind: GeometryKind,
  classes: Classes,
  style: SizeStyle,
  color: Rgba,
  options: LegendStyle,
): Legend | null {
  const [looks, missing] = sizeLooks(style, color);
  if (classes.kind !== "steps") return legendOf(title, kind, classes, looks, missing, options);
  // `!`: a share is at most 1
  const pxOf = (share: number) => looks[Math.round(share * (looks.length - 1))]!.sizePx;
  return sizesLegendOf(title, kind, classes, pxOf, missing, options);
}

/** Returns true if both legends have the same items. `!`: checked by length. */
const sameLabels = (a: Legend, b: Legend) =>
  !a.ramp &&
  !b.ramp &&
  a.items.length === b.items.length &&
  a.items.every(({ label }, i) => label === b.items[i]!.label);

function colorLooks(style: ColorStyle, sizePx: number): [looks: Look[], missing: Look] {
  if (style.kind === "constant") return [[], { color: style.color, sizePx }];
  return [style.palette.map((color) => ({ color, sizePx })), { color: style.missing, sizePx }];
}

function sizeLooks(style: SizeStyle, color: Rgba): [looks: Look[], missing: Look] {
  if (style.kind === "constant") return [[], { color, sizePx: style.px }];
  return [style.px.map((sizePx) => ({ color, sizePx })), { color, sizePx: style.missingPx }];
}

interface Look {
  readonly color: Rgba;
  readonly sizePx: number;
}

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
): Legend | null {
  const labelled = classes.kind === "ranges" ? rangeLabels(classes) : categoryLabels(classes);
  const items: LegendItem[] = labelled.flatMap(({ label, count }, i) =>
    count > 0 ? [{ label, ...looks[i]!, ...(counts && { count }) }] : [],
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
  { counts = false }: LegendStyle = {},
): Legend | null {
  const items = missingItem(classes, missing, counts);
  if (classes.count === 0) return items.length > 0 ? { title, geometry, items } : null;
  const [from, to] = endLabels(classes);
  return { title, geometry, items, ramp: { colors, from, to } };
}

/** Creates the legend of continuous sizes, which shows the sizes of three values. */
function sizesLegendOf(
  title: string,
  geometry: Legend["geometry"],
  classes: StepClasses,
  pxOf: (share: number) => number,
  { color, sizePx }: Look,
  { counts = false }: LegendStyle = {},
): Legend | null {
  const { from, to, count } = classes;
  const missing = missingItem(classes, { color, sizePx }, counts);
  if (count === 0) return missing.length > 0 ? { title, geometry, items: missing } : null;
  const shares = from === to ? [0.5] : [0, 0.5, 1];
  const values = shares.map((share) => from + (to - from) * share);
  const format = numberFormat(
    values.map((value) => ({ lower: value, upper: value, isLowerExclusive: false, count: 1 })),
  );
  const items = shares.map((share, i) => ({ label: format(values[i] ?? from), color, sizePx: pxOf(share) }));
  return { title, geometry, items: [...items, ...missing] };
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
  return missingCount > 0 ? [{ label: NO_DATA, ...look, ...(counts && { count: missingCount }) }] : [];
}

function endLabels({ from, to, count }: StepClasses): readonly [string, string] {
  const format = numberFormat([{ lower: from, upper: to, isLowerExclusive: false, count }]);
  return [format(from), format(to)];
}

interface Labelled {
  readonly label: string;
  readonly count: number;
}

function categoryLabels({ categories, otherCount }: CategoryClasses): Labelled[] {
  return [
    ...categories.map(({ value, count }) => ({ label: value === "" ? NO_TEXT : String(value), count })),
    { label: OTHER, count: otherCount },
  ];
}

function rangeLabels({ ranges }: RangeClasses): Labelled[] {
  const format = numberFormat(ranges);
  return ranges.map((range) => ({ label: rangeLabel(range, format), count: range.count }));
}

function rangeLabel({ lower, upper, isLowerExclusive }: Range, format: (value: number) => string): string {
  const from = format(lower);
  const to = format(upper);
  if (from === to) return to;
  if (lower === -Infinity) return `≤ ${to}`;
  if (upper === Infinity) return `${isLowerExclusive ? ">" : "≥"} ${from}`;
  return `${from} – ${to}`;
}

/** Returns a format with as many decimals as the narrowest class needs, but no more than the bounds have. */
function numberFormat(ranges: readonly Range[]): (value: number) => string {
  const bounds = ranges.flatMap(({ lower, upper }) => [lower, upper]).filter(Number.isFinite);
  const steps = [...new Set([ranges[0]?.lower ?? 0, ...ranges.map(({ upper }) => upper)])]
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const gaps = steps.slice(1).map((step, i) => step - (steps[i] ?? step));
  const narrowest = Math.min(...gaps, Math.max(1, ...bounds.map(Math.abs)));
  const useful = Math.max(0, Math.ceil(1 - Math.log10(narrowest)));
  const decimals = bounds.reduce((most, bound) => Math.max(most, decimalsOf(bound, useful)), 0);
  const isPlain = decimals <= MAX_DECIMALS && bounds.every((bound) => Math.abs(bound) < MAX_PLAIN);
  const { format } = new Intl.NumberFormat("en-US", {
    signDisplay: "negative", // no "-0"
    ...(isPlain
      ? { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
      : { notation: "scientific", maximumFractionDigits: 3 }),
  });
  return format;
}

function decimalsOf(value: number, most: number): number {
  for (let decimals = 0; decimals < Math.min(most, 20); decimals++)
    if (Number(value.toFixed(decimals)) === value) return decimals;
  return most;
}
