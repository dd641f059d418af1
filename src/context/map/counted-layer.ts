/**
 * Lets widgets count a layer with vector tiles, and filter its tiles: SQL with the steps of the widgets' columns, placeholders for
 * the filters, and a layer of the named map with a dataview for each widget. Placeholders work only in the SQL of layers; hence
 * dataviews are `widgets` of a layer.
 */
import type { NamedMap } from "../../api/schemas/maps";
import type { Field } from "../../frame/types";
import { numberSql, rangeFilter, stepSql } from "../../map";
import {
  classesPlaceholder,
  EMPTY_LIST,
  layerDataview,
  rangePlaceholders,
  stepsPlaceholder,
  widgetDataview,
} from "../../render/explore/server-counts";
import {
  type ExploredColumn,
  MISSING_CLASS,
  type RangeColumn,
  type Scene,
  type SceneLayer,
  type Widget,
} from "../../render/scene";

/** A layer whose rows the server counts. */
export interface CountedLayer {
  /** Columns with the steps and values of widgets, to select from the rows `q` of the layer's query. */
  readonly columns: readonly string[];
  /** Condition for the rows that pass all filters. */
  readonly condition: string;
  readonly placeholders: NamedMap["placeholders"];
  /** Members of the layer's dataviews. */
  readonly dataviews: Readonly<Record<string, object>>;
  /** Columns of the dataviews, to select from rows with `columns` and the class `k`. */
  readonly counts: readonly string[];
}

/** A condition with its placeholders. */
interface Pass {
  readonly widget?: number;
  /** A column that the condition needs, to select from the rows `q`. */
  readonly column?: string;
  readonly sql: string;
  readonly placeholders: NamedMap["placeholders"];
}

/** Returns undefined for a layer that the page does not count. */
export function countedLayer(
  { layers, widgets = [] }: Scene,
  index: number,
  fields: readonly Field[],
): CountedLayer | undefined {
  const layer = layers[index];
  if (!layer?.explored || layer.aggregate) return undefined;
  const own = [...widgets.entries()].filter(([, widget]) => widget.layer === index);
  // `!` below: a column of the layer, which its query has
  const columnOf = (widget: Widget) => ("column" in widget ? layer.explored![widget.column]! : undefined);
  const fieldOf = ({ name }: ExploredColumn) => fields.find((one) => one.name === name)!;
  const passes: Pass[] = classPass(index, layer);
  for (const [i, widget] of own) {
    const column = columnOf(widget);
    if (column?.kind === "category") passes.push(categoryPass(i));
    if (column?.kind === "range") passes.push(rangePass(i, column, fieldOf(column)));
  }
  const passing = (without?: number) =>
    passes
      .filter(({ widget }) => widget === undefined || widget !== without)
      .map(({ sql }) => sql)
      .join(" AND ") || "true";
  const count = (column: string, without?: number) =>
    `CASE WHEN ${passing(without)} THEN ${column} END AS ${column}`;
  const columns = passes.flatMap(({ column }) => column ?? []);
  const counts = [`CASE WHEN ${passing()} THEN 1 END AS ${layerDataview(index)}`];
  const dataviews: Record<string, object> = {
    [layerDataview(index)]: formulaOf("count", layerDataview(index)),
  };
  for (const [i, widget] of own) {
    const name = widgetDataview(i);
    const column = columnOf(widget);
    if (!column) {
      dataviews[name] = formulaOf("count", layerDataview(index));
      continue;
    }
    const field = fieldOf(column);
    columns.push(`${column.kind === "values" ? numberSql(field) : stepSql(column, field)} AS ${name}`);
    counts.push(count(name, i));
    dataviews[name] = dataviewOf(widget, name);
  }
  return {
    columns,
    condition: passing(),
    placeholders: Object.assign({}, ...passes.map(({ placeholders }) => placeholders)),
    dataviews,
    counts,
  };
}

function dataviewOf(widget: Widget, column: string): object {
  if (widget.kind === "formula") return formulaOf(widget.operation, column);
  if (widget.kind === "category") return { type: "aggregation", options: { column, aggregation: "count" } };
  return { type: "histogram", options: { column } };
}

const formulaOf = (operation: string, column: string) => ({
  type: "formula",
  options: { operation, column },
});

function categoryPass(widget: number): Pass {
  const name = stepsPlaceholder(widget);
  const column = widgetDataview(widget);
  const sql = `('<%= ${name} %>' = '${EMPTY_LIST}' OR ${column} = ANY ('<%= ${name} %>'::int4[]))`;
  return { widget, sql, placeholders: listPlaceholder(name) };
}

function rangePass(widget: number, column: RangeColumn, field: Field): Pass {
  const [from, to] = rangePlaceholders(widget);
  const { value, between } = rangeFilter(column, field);
  const name = `x${widget}`;
  return {
    widget,
    column: `${value} AS ${name}`,
    sql: `(<%= ${from} %> = 0 OR ${between(name, `<%= ${from} %>`, `<%= ${to} %>`)})`,
    placeholders: { [from]: NUMBER, [to]: NUMBER },
  };
}

function classPass(index: number, { color }: SceneLayer): Pass[] {
  if (color.kind !== "classes") return [];
  const name = classesPlaceholder(index);
  const sql = `('<%= ${name} %>' = '${EMPTY_LIST}' OR NOT coalesce(k, ${MISSING_CLASS}) = ANY ('<%= ${name} %>'::int4[]))`;
  return [{ sql, placeholders: listPlaceholder(name) }];
}

const NUMBER = { type: "number", default: 0 };
const listPlaceholder = (name: string) => ({ [name]: { type: "sql_literal", default: EMPTY_LIST } });
