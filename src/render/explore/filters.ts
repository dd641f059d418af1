/** The filters of a map as plain data, which can be saved, shown as SQL, and set again. */
import type { CategoryColumn, MapFilter, RangeColumn } from "../scene";
import type { Explorer, StepRange, WidgetFilter } from "./explorer";

type ColumnFilter = Exclude<MapFilter, { readonly without: unknown }>;

/** Returns the filters that are on. */
export function filtersOf(explorer: Explorer): MapFilter[] {
  const { scene, widgets } = explorer;
  const nameOf = (layer: number) => scene.layers[layer]?.name ?? "";
  const ofWidgets = widgets.flatMap(({ layer }, i): MapFilter[] => {
    const filter = explorer.filterOf(i);
    const column = explorer.columnOf(i);
    if (!filter || !column) return [];
    const where = { layer: nameOf(layer), column: column.name };
    if (filter.kind === "range" && column.kind === "range")
      return [{ ...where, ...endsOf(column, filter.range) }];
    if (filter.kind === "steps" && column.kind === "category") {
      const values = [...filter.steps].sort((a, b) => a - b).map((step) => categoryOf(column, step));
      return [{ ...where, values: values.filter((value) => value !== undefined) }];
    }
    return [];
  });
  const ofClasses = explorer.layers.flatMap((layer): MapFilter[] => {
    const hidden = explorer.hiddenClassesOf(layer);
    if (hidden.size === 0) return [];
    return [
      {
        layer: nameOf(layer),
        without: classItems(explorer, layer)
          .filter(({ one }) => hidden.has(one))
          .map(({ label }) => label),
      },
    ];
  });
  return [...ofWidgets, ...ofClasses];
}

/** Sets filters. Those that fit no widget are left out. */
export function setFilters(explorer: Explorer, filters: readonly MapFilter[]): void {
  explorer.clear();
  const { scene, widgets } = explorer;
  for (const filter of filters) {
    const layer = scene.layers.findIndex(({ name }) => name === filter.layer);
    if ("without" in filter) {
      const items = classItems(explorer, layer).filter(({ label }) => filter.without.includes(label));
      explorer.hideClasses(layer, new Set(items.map(({ one }) => one)));
      continue;
    }
    const free = [...widgets.keys()].filter(
      (i) =>
        widgets[i]!.layer === layer && explorer.columnOf(i)?.name === filter.column && !explorer.filterOf(i),
    );
    const fits = free.flatMap((i) => fitOf(explorer.columnOf(i)!, filter, i));
    const best = fits.find(({ isExact }) => isExact) ?? fits[0];
    if (best) explorer.filter(best.widget, best.filter);
  }
}

interface Fit {
  readonly widget: number;
  readonly filter: WidgetFilter;
  /** False if the ends of the range are rounded to the steps of the widget. */
  readonly isExact: boolean;
}

/** Returns a filter as one of a widget; an empty list if no value of its column can pass. */
function fitOf(column: RangeColumn | CategoryColumn, filter: ColumnFilter, widget: number): Fit[] {
  if (column.kind === "range" && "from" in filter) {
    const range = stepsBetween(column, filter);
    if (!range) return [];
    const ends = endsOf(column, range);
    return [
      {
        widget,
        filter: { kind: "range", range },
        isExact: ends.from === filter.from && ends.to === filter.to,
      },
    ];
  }
  if (column.kind !== "category" || !("values" in filter)) return [];
  const steps = new Set(filter.values.map((value) => column.texts.indexOf(String(value)) + 1));
  steps.delete(0);
  return steps.size > 0 ? [{ widget, filter: { kind: "steps", steps }, isExact: true }] : [];
}

/** The classes of a layer's colours that its legend shows. */
export const classItems = (
  { scene, hasClasses }: Explorer,
  layer: number,
): readonly { readonly one: number; readonly label: string; readonly title: string }[] =>
  hasClasses(layer)
    ? scene.legends.flatMap((legend) =>
        legend.layer === layer
          ? legend.items.flatMap(({ class: one, label }) =>
              one === undefined ? [] : [{ one, label, title: legend.title }],
            )
          : [],
      )
    : [];

function endsOf({ edges, isTime }: RangeColumn, [first, last]: readonly [number, number]) {
  const write = (edge: number) => (isTime ? new Date(edge).toISOString() : edge);
  // `!`: steps are between 1 and the number of edges less one
  return {
    from: write(edges[first - 1]!),
    to: write(edges[last]!),
    ...(last === edges.length - 1 && { includesTo: true as const }),
  };
}

function categoryOf({ texts, type }: CategoryColumn, step: number): string | number | boolean | undefined {
  const text = texts[step - 1];
  if (text === undefined || type === "text") return text;
  if (type === "boolean") return text === "true";
  const value = Number(text);
  return Number.isFinite(value) ? value : text; // JSON and SQL have infinite numbers as text
}

/** Returns the steps whose edges are nearest to the ends of a filter; undefined if it is outside of the column's range. */
function stepsBetween(
  { edges, isTime }: RangeColumn,
  filter: Extract<MapFilter, { readonly from: unknown }>,
): StepRange | undefined {
  const numberOf = (end: number | string) =>
    isTime && typeof end === "string" ? Date.parse(end) : Number(end);
  const [from, to] = [numberOf(filter.from), numberOf(filter.to)];
  const [least, most] = [edges[0]!, edges.at(-1)!]; // `!`: there are two or more
  const overlaps = from < to && from <= most && to > least; // false for NaN
  if (!overlaps) return undefined;
  const nearest = (value: number) =>
    edges.reduce((best, edge, i) => (Math.abs(edge - value) < Math.abs(edges[best]! - value) ? i : best), 0);
  const first = Math.min(nearest(from), edges.length - 2);
  return [first + 1, Math.max(first + 1, nearest(to))];
}
