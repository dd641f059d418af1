/**
 * Lets widgets count a layer with vector tiles, and filter its tiles: SQL with the steps of the widgets' columns, placeholders for
 * the filters, and a layer of the named map with a dataview for each widget. Placeholders work only in the SQL of layers; hence
 * dataviews are `widgets` of a layer.
 */
import type { NamedMap } from "../../api/schemas/maps";
import type { Field } from "../../frame/types";
import { numberSql, stepSql } from "../../map";
import {
  classesPlaceholder,
  EMPTY_LIST,
  layerDataview,
  rangePlaceholders,
  stepsPlaceholder,
  widgetDataview,
} from "../../render/explore/server-counts";
import { MISSING_CLASS, type Scene, type SceneLayer, type Widget } from "../../render/scene";

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
  const passes = [...own.flatMap(([i, widget]) => passOf(i, widget)), ...classPass(index, layer)];
  const passing = (without?: number) =>
    passes
      .filter(({ widget }) => widget === undefined || widget !== without)
      .map(({ sql }) => sql)
      .join(" AND ") || "true";
  const count = (column: string, without?: number) =>
    `CASE WHEN ${passing(without)} THEN ${column} END AS ${column}`;
  const columns: string[] = [];
  const counts = [`CASE WHEN ${passing()} THEN 1 END AS ${layerDataview(index)}`];
  const dataviews: Record<string, object> = {
    [layerDataview(index)]: formulaOf("count", layerDataview(index)),
  };
  for (const [i, widget] of own) {
    const name = widgetDataview(i);
    if (widget.kind === "formula" && widget.operation === "count") {
      dataviews[name] = formulaOf("count", layerDataview(index));
      continue;
    }
    // `!`: a column of the layer, which its query has
    const column = layer.explored[widget.column]!;
    const field = fields.find((one) => one.name === column.name)!;
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

function passOf(index: number, widget: Widget): Pass[] {
  const column = widgetDataview(index);
  if (widget.kind === "formula") return [];
  if (widget.kind === "category") {
    const name = stepsPlaceholder(index);
    const sql = `('<%= ${name} %>' = '${EMPTY_LIST}' OR ${column} = ANY ('<%= ${name} %>'::int4[]))`;
    return [{ widget: index, sql, placeholders: listPlaceholder(name) }];
  }
  const [from, to] = rangePlaceholders(index);
  const sql = `(<%= ${from} %> = 0 OR ${column} BETWEEN <%= ${from} %> AND <%= ${to} %>)`;
  return [{ widget: index, sql, placeholders: { [from]: NUMBER, [to]: NUMBER } }];
}

function classPass(index: number, { color }: SceneLayer): Pass[] {
  if (color.kind !== "classes") return [];
  const name = classesPlaceholder(index);
  const sql = `('<%= ${name} %>' = '${EMPTY_LIST}' OR NOT coalesce(k, ${MISSING_CLASS}) = ANY ('<%= ${name} %>'::int4[]))`;
  return [{ sql, placeholders: listPlaceholder(name) }];
}

const NUMBER = { type: "number", default: 0 };
const listPlaceholder = (name: string) => ({ [name]: { type: "sql_literal", default: EMPTY_LIST } });
