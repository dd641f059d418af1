/** Turns the columns of widgets into steps: bars of a histogram, categories. `!` in the loops: columns have a value for each row. */
import { bisectRight, tickIncrement } from "d3-array";
import { precisionFixed } from "d3-format";
import { utcDay, utcTickInterval } from "d3-time";
import { utcFormat } from "d3-time-format";
import { InvalidArgumentError } from "../errors";
import { formatNumber, isNumberFormat } from "../render/format";
import type { CategoryColumn, ExploredColumn, Widget } from "../render/scene";
import { titleOf } from "./aggregate-options";
import { expected, shown } from "./check";
import { typeText } from "./color-classes";
import type { DrawnRows } from "./drawn-rows";
import { isoTimeMs, type StyleColumn } from "./layer-data";
import { numberStyleOf } from "./number-format";
import type { WidgetStyle } from "./widget-options";

const BINS = 20;
const TIME_BINS = 40;
const TOP = 6;
/** Maximum number of steps of a range. A slider is about as wide in pixels. */
const MOST_STEPS = 250;
/** Steps that a bar can have, so that their edges are round. */
const PER_BAR = [10, 5, 4, 2, 1];
/** Maximum number of categories that can be told apart: those with the most rows. */
const MOST_CATEGORIES = 1000;
/** Rows with longer texts count as others. */
const LONGEST_TEXT = 1000;
const DAY_MS = 86_400_000;
/** The last moment that a Date can have. */
const LAST_MS = 8.64e15;

/** What the widgets of one layer are made of. */
interface Source {
  readonly columns: readonly StyleColumn[];
  readonly rows: DrawnRows;
  /** Name of the layer in error messages. */
  readonly label: string;
}

/** A column, and the number of its steps that a bar has. */
interface Made {
  readonly column: ExploredColumn;
  readonly perBar?: number;
}

/**
 * Builds the widgets of a layer, and the columns that they count.
 * @throws InvalidArgumentError for a column whose type does not fit its widget
 */
export function exploredOf(
  widgets: readonly WidgetStyle[],
  source: Source,
): { readonly widgets: readonly Widget[]; readonly explored: readonly ExploredColumn[] } {
  const explored: ExploredColumn[] = [];
  const known = new Map<string, { readonly column: number; readonly perBar: number }>();
  const once = (key: readonly unknown[], make: () => Made) => {
    const text = JSON.stringify(key);
    let made = known.get(text);
    if (!made) {
      const { column, perBar = 1 } = make();
      made = { column: explored.push(column) - 1, perBar };
      known.set(text, made);
    }
    return made;
  };
  const built = widgets.map((widget): Widget => {
    const { layer, format } = widget;
    const base = { layer, inView: widget.viewport ?? true, title: widget.title ?? defaultTitle(widget) };
    if (widget.kind === "formula") {
      const formatted = { ...base, ...(format !== undefined && { format }) };
      const { operation, column: name } = widget;
      if (operation === "count" || name === undefined)
        return { ...formatted, kind: "formula", operation: "count" };
      const { column } = once(["values", name], () => valuesOf(findIn(source, name), source.label));
      return { ...formatted, kind: "formula", operation, column };
    }
    const name = widget.column;
    if (widget.kind === "category") {
      const { column } = once(["category", name], () => categoriesOf(findIn(source, name), source));
      return { ...base, kind: "category", column, top: widget.top ?? TOP };
    }
    const bins = "bins" in widget ? widget.bins : undefined;
    const given = findIn(source, name);
    const values = numbersOf(widget.kind, given, source.label);
    const isTime = values.isTime === true;
    checkFormat(widget, isTime);
    const isText = given.kind === "string";
    const options = { bins: bins ?? (isTime ? TIME_BINS : BINS), format, isText };
    const made = once([isTime, name, options], () => rangeOf(values, source, options));
    return { ...base, kind: widget.kind, ...made };
  });
  return { widgets: built, explored };
}

/**
 * Returns the values of a column, each of which has a map.
 * @throws InvalidArgumentError for times
 */
export function facetOf(column: StyleColumn, source: Pick<Source, "rows" | "label">): CategoryColumn {
  if (column.kind === "number" && column.isTime)
    throw new InvalidArgumentError(
      `\`facet\` must be a column of text, booleans or numbers; ${typeText(column, source.label)}. Add a column with the year or month.`,
    );
  return categoriesOf(column, source).column as CategoryColumn;
}

const defaultTitle = (widget: WidgetStyle): string =>
  widget.kind !== "formula"
    ? widget.column
    : widget.operation === "count" || widget.column === undefined
      ? "Rows"
      : titleOf({ statistic: widget.operation, column: widget.column });

const findIn = ({ columns }: Source, name: string): StyleColumn =>
  columns.find((column) => column.name === name)!; // `!`: checked when the data were read

function checkFormat({ kind, format }: WidgetStyle, isTime: boolean): void {
  if (format === undefined || (isTime ? format.includes("%") : isNumberFormat(format))) return;
  throw expected(
    "format",
    format,
    isTime
      ? `a time format such as "%B %Y" (https://d3js.org/d3-time-format) in widget.${kind}`
      : `a number format such as ",.0f", ".1%" or "$,.2f" (https://d3js.org/d3-format) in widget.${kind}`,
  );
}

function valuesOf(column: StyleColumn, label: string): Made {
  if (column.kind === "number" && !column.isTime)
    return { column: { kind: "values", name: column.name, values: column.values } };
  throw new InvalidArgumentError(`widget.formula requires numbers; ${typeText(column, label)}.`);
}

type NumbersOrTimes = Extract<StyleColumn, { kind: "number" }>;

function numbersOf(
  kind: "histogram" | "timeSeries" | "range",
  column: StyleColumn,
  label: string,
): NumbersOrTimes {
  if (column.kind === "number") {
    if (kind !== "timeSeries" || column.isTime) return column;
    throw new InvalidArgumentError(
      `widget.timeSeries requires dates or times; ${typeText(column, label)}. ${timesHint(column)} widget.histogram(${shown(column.name)}).`,
    );
  }
  const times = column.kind === "string" ? timesIn(column.values) : undefined;
  if (times) return { name: column.name, pgtype: "timestamptz", kind: "number", values: times, isTime: true };
  throw new InvalidArgumentError(
    `widget.${kind} requires ${kind === "timeSeries" ? "dates or times" : "numbers, dates or times"}; ${typeText(column, label)}. Use widget.category(${shown(column.name)}).`,
  );
}

/** Smallest and largest numbers that are likely to be milliseconds since 1970: years 1973 to 2286. */
const TIMES_MS = [1e11, 1e13] as const;

/** Says how numbers that look like times become dates. */
function timesHint({ values }: NumbersOrTimes): string {
  const { least, most } = extentOf(values);
  return least >= TIMES_MS[0] && most < TIMES_MS[1]
    ? "If these are milliseconds since 1970, convert them with new Date(ms).toISOString(), or in a query with to_timestamp(ms / 1000). To count them as numbers, use"
    : "Use";
}

/** Returns the times that all texts of a column are (ISO 8601); undefined if one is not. */
function timesIn(values: readonly (string | null)[]): Float64Array | undefined {
  const times = new Float64Array(values.length);
  let found = false;
  for (let row = 0; row < values.length; row++) {
    const text = values[row]!;
    times[row] = text === null || text === "" ? Number.NaN : isoTimeMs(text);
    if (text === null || text === "") continue;
    if (Number.isNaN(times[row])) return undefined;
    found = true;
  }
  return found ? times : undefined;
}

interface Edges {
  readonly edges: readonly number[];
  readonly perBar: number;
  /** True if each step holds one value, which names it. */
  readonly isDiscrete: boolean;
}

interface RangeOptions {
  readonly bins: number;
  readonly format: string | undefined;
  /** True for times that the source has as texts. */
  readonly isText: boolean;
}

function rangeOf(column: NumbersOrTimes, { rows }: Source, { bins, format, isText }: RangeOptions): Made {
  const { name, values, isTime } = column;
  const drawn = (rows.pick(column) as NumbersOrTimes).values;
  const extent = extentOf(drawn);
  const isDays = isTime === true && drawn.every((ms) => !(ms % DAY_MS)); // NaN if missing
  const { edges, perBar, isDiscrete } = isTime ? timeEdges(extent, bins, isDays) : numberEdges(extent, bins);
  const steps = new Uint16Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    // an infinite value is in no bar
    if (value - value === 0) steps[row] = Math.min(bisectRight(edges, value), edges.length - 1);
  }
  const write = isTime ? timeFormatOf(edges, format) : numberFormatOf(name, drawn, edges, format);
  // three months end in the last of them; an hour ends at the next one
  const hasDays = isTime && edges[1]! - edges[0]! >= DAY_MS;
  return {
    column: {
      kind: "range",
      name,
      edges,
      labels: edges.map(write),
      ...(hasDays && { endLabels: edges.slice(1).map((end) => write(end - 1)) }),
      ...(isTime && { isTime }),
      ...(isText && { isText }),
      ...(isDiscrete && { isDiscrete }),
      steps,
    },
    perBar,
  };
}

interface Extent {
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
}

/** Returns the extent of the finite values; [0, 1] if there are none. */
function extentOf(values: Float64Array): Extent {
  let [least, most, isWhole] = [Infinity, -Infinity, true];
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value - value !== 0) continue;
    if (value < least) least = value;
    if (value > most) most = value;
    if (isWhole && !Number.isInteger(value)) isWhole = false;
  }
  return least > most ? { least: 0, most: 1, isWhole: false } : { least, most, isWhole };
}

/** Divides a range into about `bins` bars with round edges, and each bar into steps. */
function numberEdges({ least, most, isWhole }: Extent, bins: number): Edges {
  if (!Number.isFinite(most - least)) {
    const shares = Array.from({ length: bins + 1 }, (_, i) => i / bins);
    return { edges: shares.map((share) => least * (1 - share) + most * share), perBar: 1, isDiscrete: false };
  }
  const around = most > least ? 0 : Math.max(Math.abs(least) / 10, Number.MIN_VALUE);
  const increment = least === most && isWhole ? 1 : tickIncrement(least - around, most + around, bins);
  // a negative increment is the number of steps per unit
  const [step, perUnit] = increment > 0 ? [increment, 1] : isWhole ? [1, 1] : [1, Math.max(1, -increment)];
  const unit = step / perUnit;
  const first = Math.floor((least / step) * perUnit);
  // the last bar includes its end, unless each whole number has a bar
  const last = Math.max(
    first + 1,
    isWhole ? Math.floor(most / unit) + 1 : Math.ceil((most / step) * perUnit),
  );
  const bars = last - first;
  const perBar = PER_BAR.find((n) => bars * n <= MOST_STEPS && (!isWhole || Number.isInteger(unit / n))) ?? 1;
  const edges = Array.from(
    { length: bars * perBar + 1 },
    (_, i) => ((first * perBar + i) * step) / (perUnit * perBar),
  );
  return { edges, perBar, isDiscrete: isWhole && unit / perBar === 1 };
}

/** Divides times into about `bins` units of the calendar, in UTC; dates into days at least, as SQL compares them by day. */
function timeEdges({ least, most }: Extent, bins: number, isDays: boolean): Edges {
  const usual = least < most ? utcTickInterval(new Date(least), new Date(most), bins) : undefined;
  const isShort = isDays && most - least < bins * DAY_MS;
  const interval = (isShort ? undefined : usual) ?? utcDay;
  const first = interval.floor(new Date(least)).getTime();
  const isFirst = !Number.isNaN(first); // or it is before all dates
  const next = interval.range(new Date(isFirst ? first : least), new Date(Math.min(most + 1, LAST_MS)));
  const starts = [...(isFirst ? [] : [least]), ...next.map(Number)];
  const after = interval.ceil(new Date(Math.max(most, starts.at(-1) ?? most) + 1)).getTime();
  const end = Number.isNaN(after) ? LAST_MS : after;
  return { edges: [...(starts.length > 0 ? starts : [end - DAY_MS]), end], perBar: 1, isDiscrete: false };
}

function numberFormatOf(
  name: string,
  values: Float64Array,
  edges: readonly number[],
  format: string | undefined,
): (value: number) => string {
  if (format !== undefined) return (value) => formatNumber(value, format);
  const largest = Math.max(Math.abs(edges[0]!), Math.abs(edges.at(-1)!));
  const decimals = precisionFixed(edges[1]! - edges[0]!);
  const isPlain = numberStyleOf(name, values.filter(Number.isFinite)) === "plain";
  const usual = largest >= 1e15 || decimals > 12 ? "~g" : `${isPlain ? "" : ","}.${decimals}~f`;
  return (value) => formatNumber(value, usual);
}

/** Returns a format as precise as the steps are long. */
function timeFormatOf(edges: readonly number[], format: string | undefined): (ms: number) => string {
  const step = edges[1]! - edges[0]!;
  const usual =
    step >= 365 * DAY_MS
      ? "%Y"
      : step >= 28 * DAY_MS
        ? "%b %Y"
        : step >= DAY_MS
          ? "%-d %b %Y"
          : step >= 60_000
            ? "%-d %b %Y %H:%M"
            : step >= 1000
              ? "%-d %b %Y %H:%M:%S"
              : "%-d %b %Y %H:%M:%S.%L";
  const write = utcFormat(format ?? usual);
  return (ms) => write(new Date(ms));
}

function categoriesOf(column: StyleColumn, { rows, label }: Pick<Source, "rows" | "label">): Made {
  if (column.kind === "number" && column.isTime)
    throw new InvalidArgumentError(
      `widget.category requires text, booleans or numbers; ${typeText(column, label)}. Use widget.timeSeries(${shown(column.name)}).`,
    );
  const counts = new Map<string, number>();
  for (const value of textsOf(rows.pick(column)))
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([text]) => text);
  const texts = ranked.filter((text) => text.length <= LONGEST_TEXT).slice(0, MOST_CATEGORIES);
  const stepOf = new Map(texts.map((text, i) => [text, i + 1]));
  const steps = new Uint16Array(column.values.length);
  let row = 0;
  for (const value of textsOf(column)) {
    if (value !== undefined) steps[row] = stepOf.get(value) ?? texts.length + 1;
    row++;
  }
  const type = column.kind === "string" ? "text" : column.kind;
  const others = ranked.length - texts.length;
  return { column: { kind: "category", name: column.name, type, texts, others, steps } };
}

/** Lists the values of a column as texts; undefined for missing ones. */
function* textsOf({ values }: StyleColumn): Generator<string | undefined> {
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as string | number | boolean | null;
    yield value === null || Number.isNaN(value) ? undefined : String(value);
  }
}
