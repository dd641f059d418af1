/** Computes the results of dataviews: CARTO's Windshaft, https://github.com/CartoDB/Windshaft-cartodb, is the model. */
import type { Engine, ResultField, StatementOptions } from "../../engine/engine";
import { type Dataview, withConditions } from "../analyses";
import { MapsRefusal } from "../errors";
import { worldSql } from "../layer-source";
import { aggregation, searchAggregation } from "./aggregation";
import { dateHistogram } from "./date-histogram";
import { areaConditions } from "./filters";
import { formula } from "./formula";
import { histogram } from "./histogram";
import { type DataviewRequest, overridesOf } from "./request";

/** The parameters of a request. */
type Query = Readonly<Record<string, unknown>>;

/** A dataview with the columns of its query. */
export interface DescribedDataview extends Dataview {
  readonly fields: readonly ResultField[];
}

/** Returns the result of a dataview. @throws MapsRefusal for parameters that it does not have */
export async function dataviewResult(
  engine: Engine,
  dataview: DescribedDataview,
  query: Query,
  options: StatementOptions,
): Promise<object> {
  const isSet = (value: unknown) => value !== undefined && Number.isFinite(Number(value));
  if (isSet(query.own_filter) && isSet(query.no_filters))
    throw new MapsRefusal(400, "Both own_filter and no_filters cannot be sent in the same request", {
      type: "dataview",
    });
  const request = requestOf(dataview, query, { name: "the_geom_webmercator", srid: 3857 });
  const { type, options: own } = dataview.definition;
  switch (type) {
    case "formula":
      return formula(engine, request, options);
    case "aggregation":
      return aggregation(engine, request, options);
    case "histogram": {
      const { column } = own;
      if (typeof column !== "string")
        throw new MapsRefusal(400, "Histogram expects `column` in widget options");
      const isOfDates = Object.hasOwn(own, "aggregation") || request.overrides.aggregation !== undefined;
      return (isOfDates ? dateHistogram : histogram)(engine, request, column, options);
    }
    default:
      throw new MapsRefusal(400, `Invalid dataview type: "${type}"`);
  }
}

/** Returns the categories of a dataview whose text contains the parameter `q`; none for other dataviews. */
export async function dataviewSearch(
  engine: Engine,
  dataview: DescribedDataview,
  query: Query,
  options: StatementOptions,
): Promise<object> {
  const { type } = dataview.definition;
  if (type !== "aggregation") return { type, categories: [] };
  const request = requestOf(dataview, query, { name: "the_geom", srid: 4326 });
  return searchAggregation(engine, request, String(query.q ?? ""), options);
}

function requestOf(
  { definition, filtered, othersFiltered, unfiltered, fields }: DescribedDataview,
  query: Query,
  column: Parameters<typeof areaConditions>[1],
): DataviewRequest {
  const rows = Number(query.no_filters)
    ? unfiltered
    : Number(query.own_filter) === 1
      ? filtered
      : othersFiltered;
  const inArea = areaConditions(query, column).map((area) =>
    withConditions(rows, area === "true" ? [] : [area]),
  );
  return {
    definition,
    query: worldSql(inArea.join("\nUNION ALL\n")),
    fields,
    overrides: overridesOf(query),
  };
}
