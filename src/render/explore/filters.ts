/** The filters of a map as plain data, which can be saved, shown as SQL, and set again. */
import type { CategoryColumn, MapFilter, RangeColumn } from "../scene";
import type { Explorer } from "./explorer";

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
    for (const [i, widget] of widgets.entries()) {
      const column = explorer.columnOf(i);
      if (widget.layer !== layer || column?.name !== filter.column || explorer.filterOf(i)) continue;
      if (column.kind === "range" && "from" in filter) {
        explorer.filter(i, { kind: "range", range: stepsBetween(column, filter) });
        break;
      }
      if (column.kind === "category" && "values" in filter) {
        const steps = new Set(filter.values.map((value) => column.texts.indexOf(String(value)) + 1));
        steps.delete(0);
        if (steps.size > 0) explorer.filter(i, { kind: "steps", steps });
        break;
      }
    }
  }
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
  return type === "number" ? Number(text) : text === "true";
}

/** Returns the steps whose edges are nearest to the ends of a filter. */
function stepsBetween(
  { edges, isTime }: RangeColumn,
  { from, to }: Extract<MapFilter, { readonly from: unknown }>,
): readonly [number, number] {
  const numberOf = (end: number | string) => (isTime ? Date.parse(String(end)) : Number(end));
  const nearest = (value: number) =>
    edges.reduce((best, edge, i) => (Math.abs(edge - value) < Math.abs(edges[best]! - value) ? i : best), 0);
  const first = Math.min(nearest(numberOf(from)), edges.length - 2);
  return [first + 1, Math.max(first + 1, nearest(numberOf(to)))];
}
