/** Checks the filters of a map's `state`, which somebody may have written by hand. */
import { InvalidArgumentError } from "../errors";
import type { MapFilter, Scene } from "../render/scene";
import { expected, listed, shown } from "./check";

/**
 * Returns warnings about filters by values that no row has.
 * @throws InvalidArgumentError for a filter that no widget of the scene can set, and which would silently show all rows
 */
export function checkFilters({ layers, widgets = [] }: Scene, filters: readonly MapFilter[]): string[] {
  const warnings: string[] = [];
  for (const [i, filter] of filters.entries()) {
    const at = `state.filters[${i}]`;
    const position = layers.findIndex(({ name }) => name === filter.layer);
    if (position < 0) {
      const names = layers.map(({ name = "" }) => name); // a built scene names each layer
      throw expected(`${at}.layer`, filter.layer, `the name of a layer (${listed(names)})`);
    }
    if ("without" in filter) continue;
    const columns = widgets.flatMap((widget) => {
      const column = "column" in widget ? layers[position]?.explored?.[widget.column] : undefined;
      return widget.layer === position && column && column.kind !== "values" ? [column] : [];
    });
    const own = columns.filter(({ name }) => name === filter.column);
    const kind = "values" in filter ? "category" : "range";
    const column = own.find((one) => one.kind === kind);
    if (column?.kind === "category" && "values" in filter) {
      if (!filter.values.some((value) => column.texts.includes(String(value))))
        warnings.push(
          `\`${at}\` has no effect: column ${shown(filter.column)} of layer ${shown(filter.layer)} has none of its values (${listed(filter.values.map(String))}).`,
        );
    }
    if (column) continue;
    const ofRange =
      "from" in filter && typeof filter.from === "string" ? "widget.timeSeries" : "widget.histogram";
    const call = kind === "category" ? "widget.category" : ofRange;
    const problem =
      own.length === 0
        ? `no widget of layer ${shown(filter.layer)} filters by column ${shown(filter.column)}`
        : `the widget of column ${shown(filter.column)} filters by ${kind === "category" ? "a range, from `from` to `to`" : "`values`"}`;
    throw new InvalidArgumentError(
      `\`${at}\` cannot be set: ${problem}. Add ${call}(${shown(filter.column)}) to \`widgets\`, or correct the filter.`,
    );
  }
  return warnings;
}
