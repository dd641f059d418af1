/** The option `widgets` of maps: charts and numbers beside the map, which count and filter its rows. */
import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import { isNumberFormat } from "../render/format";
import { isObject } from "../values";
import { checkKeys, checkOneOf, checkText, expected, listed, shown } from "./check";
import { Layer, nameOf, QueryLayer } from "./layer";

/** Options of every widget. */
export interface WidgetOptions {
  /**
   * Layer whose rows the widget counts: a layer of the map, its name, or its position from 0, without the `BaseMap`.
   * @default the topmost layer
   */
  readonly layer?: Layer | QueryLayer | string | number;
  /** Heading. @default the name of the column */
  readonly title?: string;
  /**
   * Format of the numbers, a d3-format specifier such as `",.0f"`, `".1%"` or `"$~s"`; for times a d3-time-format specifier such
   * as `"%B %Y"`, in UTC.
   * @default numbers with as many digits as they need, times as precise as the bars are
   */
  readonly format?: string;
  /** Counts only rows in the view; `false` counts all rows of the map. @default true */
  readonly viewport?: boolean;
}

/** Options of `widget.histogram` and `widget.timeSeries`. */
export interface HistogramOptions extends WidgetOptions {
  /** Approximate number of bars, 2 to 100: their edges are round numbers. @default 20; 40 for times */
  readonly bins?: number;
}

/** Options of `widget.category`. */
export interface CategoryOptions extends WidgetOptions {
  /** Number of categories to show, 1 to 50: those with the most rows. @default 6 */
  readonly top?: number;
}

/** A statistic of a column. */
export type FormulaOperation = "count" | "sum" | "avg" | "min" | "max";

/**
 * A widget of a map, made by `widget`. It is plain data, so that the description of a map can be saved as JSON.
 */
export type MapWidget = WidgetOptions &
  (
    | { readonly kind: "histogram" | "timeSeries"; readonly column: string; readonly bins?: number }
    | { readonly kind: "range"; readonly column: string }
    | { readonly kind: "category"; readonly column: string; readonly top?: number }
    | { readonly kind: "formula"; readonly operation: FormulaOperation; readonly column?: string }
  );

/** Functions that make the widgets of a map. */
export interface Widgets {
  /** Bars of how many rows have which numbers. Brushing over them filters the map. */
  histogram(column: string, options?: HistogramOptions): MapWidget;
  /** Bars of how many rows have which dates or times. Brushing over them filters the map. */
  timeSeries(column: string, options?: HistogramOptions): MapWidget;
  /** A slider with two handles that filters the map by numbers, dates or times. */
  range(column: string, options?: WidgetOptions): MapWidget;
  /** The most frequent values with their numbers of rows. Clicking them filters the map. */
  category(column: string, options?: CategoryOptions): MapWidget;
  /**
   * One number: how many rows there are, or the sum, mean, minimum or maximum of a column of numbers. Rows without a number are
   * left out.
   */
  formula(operation: "count", options?: WidgetOptions): MapWidget;
  formula(operation: Exclude<FormulaOperation, "count">, column: string, options?: WidgetOptions): MapWidget;
}

/**
 * Makes the widgets of a map, which count its rows and filter them.
 *
 * ```ts
 * await cc.map({
 *   layers: new Layer("airports"),
 *   widgets: [widget.formula("count"), widget.histogram("latitude"), widget.category("state", { top: 4 })],
 * })
 * ```
 */
export const widget: Widgets = {
  histogram: (column, options = {}) => ({ ...options, kind: "histogram", column }),
  timeSeries: (column, options = {}) => ({ ...options, kind: "timeSeries", column }),
  range: (column, options = {}) => ({ ...options, kind: "range", column }),
  category: (column, options = {}) => ({ ...options, kind: "category", column }),
  formula: (operation: FormulaOperation, ...rest: readonly unknown[]): MapWidget => {
    const [first, second] = rest as [string | WidgetOptions | undefined, WidgetOptions | undefined];
    return typeof first === "string"
      ? { ...second, kind: "formula", operation, column: first }
      : { ...(first ?? second), kind: "formula", operation };
  },
};

/** A checked widget, with the position of its layer. */
export type WidgetStyle = MapWidget & { readonly layer: number };

const MOST_WIDGETS = 12;
const KINDS = ["histogram", "timeSeries", "range", "category", "formula"] as const;
const OPERATIONS = ["count", "sum", "avg", "min", "max"] as const;
const MOST_BINS = 100;
const MOST_TOP = 50;

/**
 * Checks the widgets of a map.
 * @throws InvalidArgumentError naming the option that is wrong and what it must be
 */
export function checkWidgets(widgets: unknown, layers: readonly (Layer | QueryLayer)[]): WidgetStyle[] {
  if (widgets === undefined) return [];
  const all = Array.isArray(widgets) ? (widgets as unknown[]) : [widgets];
  if (all.length > MOST_WIDGETS)
    throw new InvalidArgumentError(
      `\`widgets\` can include at most ${MOST_WIDGETS} widgets; got ${all.length}.`,
    );
  if (all.length > 0 && layers.length === 0)
    throw new InvalidArgumentError(
      "`widgets` count the rows of a layer. Add a Layer or a QueryLayer to the map.",
    );
  return all.map((one, i) => checkWidget(`widgets[${i}]`, one, layers));
}

function checkWidget(at: string, one: unknown, layers: readonly (Layer | QueryLayer)[]): WidgetStyle {
  if (!isObject(one) || one.kind === undefined)
    throw expected(at, one, 'a widget such as widget.histogram("population") or widget.formula("count")');
  const kind = checkOneOf(`${at}.kind`, one.kind, KINDS);
  const { bins, top, operation, title, format, viewport } = one;
  const known = {
    histogram: OPTION_NAMES.HistogramOptions,
    timeSeries: OPTION_NAMES.HistogramOptions,
    range: OPTION_NAMES.WidgetOptions,
    category: OPTION_NAMES.CategoryOptions,
    formula: [...OPTION_NAMES.WidgetOptions, "operation"],
  }[kind];
  checkKeys(`widget.${kind}`, one, ["kind", "column", ...known]);
  if (title !== undefined) checkText(`${at}.title`, title, "a string that is not blank");
  if (viewport !== undefined && typeof viewport !== "boolean")
    throw expected(`${at}.viewport`, viewport, "true or false");
  if (bins !== undefined) checkWhole(`${at}.bins`, bins, 2, MOST_BINS);
  if (top !== undefined) checkWhole(`${at}.top`, top, 1, MOST_TOP);
  checkFormat(at, kind, format);
  if (kind === "formula") {
    const wanted = checkOneOf(`${at}.operation`, operation, OPERATIONS);
    if (wanted === "count" && one.column !== undefined)
      throw new InvalidArgumentError(
        `widget.formula("count") counts rows and takes no column; got ${shown(one.column)}. Leave it out.`,
      );
    if (wanted !== "count") checkText(`${at}.column`, one.column, "the name of a column of numbers");
  } else checkText(`${at}.column`, one.column, "the name of a column");
  return { ...(one as unknown as MapWidget), layer: layerIndex(`${at}.layer`, one.layer, layers) };
}

function checkFormat(at: string, kind: MapWidget["kind"], format: unknown): void {
  if (format === undefined) return;
  if (kind === "category")
    throw new InvalidArgumentError(`\`${at}.format\` has no effect on widget.category. Leave it out.`);
  const text = checkText(`${at}.format`, format, 'a format such as ",.0f"');
  if (kind === "formula" && !isNumberFormat(text))
    throw expected(
      `${at}.format`,
      format,
      'a number format such as ",.0f", ".1%" or "$,.2f" (https://d3js.org/d3-format)',
    );
}

function checkWhole(option: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw expected(option, value, `a whole number from ${min} to ${max}`);
}

function layerIndex(option: string, layer: unknown, layers: readonly (Layer | QueryLayer)[]): number {
  if (layer === undefined) return layers.length - 1;
  const index =
    typeof layer === "number"
      ? Number.isInteger(layer) && layer >= 0 && layer < layers.length
        ? layer
        : -1
      : typeof layer === "string"
        ? layers.findIndex((one) => nameOf(one) === layer)
        : layers.indexOf(layer as Layer);
  if (index >= 0) return index;
  throw layer instanceof Layer || layer instanceof QueryLayer
    ? new InvalidArgumentError(`\`${option}\` is not a layer of this map. Add it to \`layers\`.`)
    : expected(option, layer, `a layer of the map, its name (${namesIn(layers)}), or its position from 0`);
}

/** Lists the names of layers for an error message. */
function namesIn(layers: readonly (Layer | QueryLayer)[]): string {
  const names = layers.map(nameOf).filter((name) => name !== undefined);
  return names.length > 0 ? listed(names) : "no layer has the option `name`";
}

/** The widgets' columns of one layer. */
export const columnsOfWidgets = (widgets: readonly WidgetStyle[], layer: number): string[] => [
  ...new Set(widgets.flatMap((one) => (one.layer === layer && one.column !== undefined ? [one.column] : []))),
];
