/**
 * How a page asks the named map of a layer for counts and filtered tiles: the names of placeholders and dataviews, and the values
 * of the placeholders. Filters travel as numbers of steps and classes, so that no text of the page becomes SQL.
 */
import type { Explorer } from "./explorer";

/** Placeholders of a widget: the first and the last step that pass, the first 0 if all do; or a list of steps. */
export const rangePlaceholders = (widget: number): readonly [from: string, to: string] => [
  `w${widget}_from`,
  `w${widget}_to`,
];
export const stepsPlaceholder = (widget: number): string => `w${widget}`;
/** Placeholder of the classes of a layer's colours that are hidden. */
export const classesPlaceholder = (layer: number): string => `k${layer}`;
/** An empty list: no filter, and no hidden class. Lists are array literals of PostgreSQL. */
export const EMPTY_LIST = "{}";

/** Name of the dataview of a widget, which counts the rows that pass the filters of the others. */
export const widgetDataview = (widget: number): string => `w${widget}`;
/** Name of the dataview that counts the rows of a layer that pass all filters. */
export const layerDataview = (layer: number): string => `n${layer}`;

export type PlaceholderValues = Readonly<Record<string, string | number>>;

/**
 * Returns the values of the placeholders that filter a layer, in a fixed order; empty without filters.
 * @param without widget whose filter is left out
 */
export function placeholderValues(explorer: Explorer, layer: number, without?: number): PlaceholderValues {
  const values: Record<string, string | number> = {};
  for (const [index, widget] of explorer.widgets.entries()) {
    const filter = widget.layer === layer && index !== without ? explorer.filterOf(index) : undefined;
    if (filter?.kind === "range") {
      const [from, to] = rangePlaceholders(index);
      [values[from], values[to]] = filter.range;
    } else if (filter) values[stepsPlaceholder(index)] = listOf(filter.steps);
  }
  const hidden = explorer.hiddenClassesOf(layer);
  if (hidden.size > 0) values[classesPlaceholder(layer)] = listOf(hidden);
  return values;
}

const listOf = (numbers: ReadonlySet<number>): string => `{${[...numbers].sort((a, b) => a - b).join(",")}}`;

/** The step numbers of a histogram lie in the middles of its bins, where rounding moves none of them. */
export const stepRange = (steps: number) => ({ start: 0.5, end: steps + 0.5, bins: steps });
