/** What a widget shows, as plain data: the page and the image draw the same. */
import { formatNumber } from "../format";
import type { CategoryColumn, RangeColumn } from "../scene";
import type { Explorer, FormulaWidget, StepRange } from "./explorer";

/** Bars from left to right: the rows that pass, over all rows; and the range that is selected. */
export interface BarsView {
  readonly kind: "bars";
  readonly title: string;
  /** Absent for a slider. */
  readonly bars?: { readonly counts: readonly number[]; readonly totals: readonly number[] };
  readonly column: RangeColumn;
  /** Number of steps of the column. */
  readonly steps: number;
  readonly range: StepRange | undefined;
  /** Texts of the left and the right end, or of those of the selected range. */
  readonly from: string;
  readonly to: string;
}

/** A text below bars. */
export interface BarsLabel {
  readonly text: string;
  /** Place of its middle as a share of the width. Near an end it moves inward by that share of its own width. */
  readonly share: number;
}

export interface ListItem {
  readonly step: number;
  readonly text: string;
  readonly count: number;
  readonly total: number;
  /** Length of the bar of `count`, 0 to 1: the most frequent category of all rows has 1. */
  readonly share: number;
  readonly isSelected: boolean;
}

/** The categories with the most rows that pass. */
interface ListView {
  readonly kind: "list";
  readonly title: string;
  readonly items: readonly ListItem[];
  readonly isFiltered: boolean;
  /** Number of categories that are not listed. */
  readonly more: number;
}

interface NumberView {
  readonly kind: "number";
  readonly title: string;
  readonly text: string;
}

/** A widget whose layer is drawn together from too many points, so that the page has none to count. */
interface AbsentView {
  readonly kind: "absent";
  readonly title: string;
}

export type WidgetView = BarsView | ListView | NumberView | AbsentView;

export function viewOfWidget(explorer: Explorer, index: number): WidgetView {
  const widget = explorer.widgets[index]!; // `!`: one of the widgets
  const { title } = widget;
  if (!explorer.isCounted(index)) return { kind: "absent", title };
  if (widget.kind === "formula") {
    return { kind: "number", title, text: numberText(explorer.valueOf(index), widget) };
  }
  const filter = explorer.filterOf(index);
  const { counts, totals } = explorer.stepsOf(index);
  if (widget.kind === "category") {
    const selected = filter?.kind === "steps" ? filter.steps : new Set<number>();
    return listOf(explorer.columnOf(index) as CategoryColumn, {
      title,
      top: widget.top,
      counts,
      totals,
      selected,
    });
  }
  const column = explorer.columnOf(index) as RangeColumn;
  const range = filter?.kind === "range" ? filter.range : undefined;
  const [from, to] = textsOf(column, range);
  return {
    kind: "bars",
    title,
    ...(widget.kind !== "range" && {
      bars: { counts: barsOf(counts, widget.perBar), totals: barsOf(totals, widget.perBar) },
    }),
    column,
    steps: column.edges.length - 1,
    range,
    from,
    to,
  };
}

/** Returns what to write below bars: one text below the middle of a range, or undefined for a text at each end. */
export function rangeLabel(view: BarsView): BarsLabel | undefined {
  const { range = [1, view.steps], from, to } = view;
  return view.range || from === to
    ? { text: spanText(from, to), share: middleOf(range, view.steps) }
    : undefined;
}

/** Returns the label of one bar: its range, its rows that pass, and all of its rows if these are more. */
export function barLabel({ bars, column, steps }: BarsView, bar: number, perBar: number): BarsLabel {
  const range = [bar * perBar + 1, Math.min(steps, (bar + 1) * perBar)] as const;
  const [count, total] = [bars?.counts[bar] ?? 0, bars?.totals[bar] ?? 0].map((n) =>
    n.toLocaleString("en-US"),
  );
  const rows = count === total ? count : `${count} of ${total}`;
  return { text: `${spanText(...textsOf(column, range))}: ${rows}`, share: middleOf(range, steps) };
}

/** Writes a range; times of one day have its date once. */
export function spanText(from: string, to: string): string {
  if (from === to) return from;
  const date = /^(.+ )\d\d:\d\d/.exec(from)?.[1];
  return `${from} – ${date !== undefined && to.startsWith(date) ? to.slice(date.length) : to}`;
}

const middleOf = ([from, to]: StepRange, steps: number): number => (from - 1 + to) / 2 / steps;

/** Returns the texts of the ends of a range, or of all of a column. */
function textsOf(column: RangeColumn, range: StepRange | undefined): readonly [from: string, to: string] {
  const { labels, isDiscrete, endLabels } = column;
  const [from, to] = range ?? [1, labels.length - 1];
  return [labels[from - 1] ?? "", endLabels?.[to - 1] ?? labels[isDiscrete ? to - 1 : to] ?? ""];
}

/** Adds up the steps of each bar; step 0 has the missing values. */
function barsOf(steps: Uint32Array, perBar: number): number[] {
  const bars = new Array<number>(Math.ceil((steps.length - 1) / perBar)).fill(0);
  for (let step = 1; step < steps.length; step++) bars[Math.floor((step - 1) / perBar)]! += steps[step]!;
  return bars;
}

/** Names a text that would not be seen. */
const categoryText = (text: string): string =>
  text === "" ? "(empty)" : text.trim() === "" ? "(blank)" : text;

/** Lists selected categories, then those with the most rows that pass. */
function listOf(
  { texts, others }: CategoryColumn,
  {
    title,
    top,
    counts,
    totals,
    selected,
  }: {
    readonly title: string;
    readonly top: number;
    readonly counts: Uint32Array;
    readonly totals: Uint32Array;
    readonly selected: ReadonlySet<number>;
  },
): ListView {
  const steps = texts.map((_, i) => i + 1);
  const isShown = (step: number) => totals[step]! > 0 || selected.has(step);
  const ranked = steps
    .filter(isShown)
    .sort(
      (a, b) =>
        Number(selected.has(b)) - Number(selected.has(a)) ||
        counts[b]! - counts[a]! ||
        totals[b]! - totals[a]! ||
        a - b,
    );
  const most = Math.max(1, ...steps.map((step) => totals[step]!));
  const listed = ranked.slice(0, Math.max(top, selected.size));
  return {
    kind: "list",
    title,
    items: listed.map((step) => ({
      step,
      text: categoryText(texts[step - 1]!),
      count: counts[step]!,
      total: totals[step]!,
      share: counts[step]! / most,
      isSelected: selected.has(step),
    })),
    isFiltered: selected.size > 0,
    more: ranked.length - listed.length + ((totals[texts.length + 1] ?? 0) > 0 ? others : 0),
  };
}

/** Significant digits of numbers without a format: sums and extremes are more exact than means need to be. */
const DIGITS = { count: 15, sum: 7, avg: 4, min: 7, max: 7 };

function numberText(value: number, { operation, format }: FormulaWidget): string {
  if (Number.isNaN(value)) return "–";
  if (format !== undefined) return formatNumber(value, format);
  const whole = Math.ceil(Math.log10(Math.abs(value) + 1)); // digits before the point, which are never rounded
  const rounded = Number(value.toPrecision(Math.max(DIGITS[operation], Math.min(whole, 17))));
  // a mean, minimum or maximum may be a year
  const isAmount =
    operation === "count" || (operation === "sum" && Math.abs(rounded) >= 1000 && Math.abs(rounded) < 1e15);
  return isAmount ? formatNumber(rounded, ",.3~f") : formatNumber(rounded);
}

/** A sentence about the categories that are not listed. */
export const moreText = (more: number): string =>
  more > 0 ? `and ${more.toLocaleString("en-US")} more` : "";
