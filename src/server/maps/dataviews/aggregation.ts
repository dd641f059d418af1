/** Categories of a column: how many rows have them, or a statistic of another column. */
import type { AggregationResult, AggregationSearch } from "../../../api/schemas/dataviews";
import { literal } from "../../../sql";
import type { Engine, StatementOptions } from "../../engine/engine";
import { MapsRefusal } from "../errors";
import {
  columnIdent,
  type DataviewColumn,
  dataviewColumn,
  dataviewRows,
  isInfiniteSql,
  isNanSql,
  jsonValueOf,
  numberIn,
  valuesSql,
} from "./columns";
import type { DataviewRequest } from "./request";

const CATEGORIES = 6;
const OPERATIONS = new Set(["count", "sum", "avg", "min", "max"]);

interface Parsed {
  /** SQL of the column of categories. */
  readonly category: string;
  readonly operation: string;
  /** Name of the column that the statistic is about; absent for counts of rows. */
  readonly of: string | undefined;
}

/** @throws MapsRefusal with CARTO's messages */
function parsed({ definition: { options } }: Pick<DataviewRequest, "definition">): Parsed {
  const { column, aggregation, aggregationColumn } = options;
  const refuse = (message: string) => new MapsRefusal(400, message);
  if (typeof column !== "string") throw refuse("Aggregation expects 'column' in dataview options");
  if (typeof aggregation !== "string")
    throw refuse("Aggregation expects 'aggregation' operation in dataview options");
  if (!OPERATIONS.has(aggregation)) throw refuse(`Aggregation does not support '${aggregation}' operation`);
  if (aggregation !== "count" && typeof aggregationColumn !== "string")
    throw refuse(`Aggregation '${aggregation}' is missing some options: aggregationColumn`);
  return {
    category: columnIdent(column),
    operation: aggregation,
    of: typeof aggregationColumn === "string" && aggregationColumn !== "" ? aggregationColumn : undefined,
  };
}

/** Returns the categories with the largest values, and the rest as one. */
export async function aggregation(
  engine: Engine,
  request: DataviewRequest,
  options: StatementOptions,
): Promise<AggregationResult> {
  const { query, fields, overrides } = request;
  const { category, operation, of } = parsed(request);
  const given = of === undefined ? undefined : dataviewColumn(fields, of);
  const column: DataviewColumn | undefined = given && { ...given, sql: "v" };
  const { categories: asked = 0 } = overrides;
  const limit = asked > 0 ? asked : CATEGORIES;
  const value = `${operation}(${column ? "v" : "1"})`;
  const [isInfinite, isNan] = column ? [isInfiniteSql(column), isNanSql(column)] : ["false", "false"];
  // rows are counted whatever their numbers are
  const isUsed =
    operation === "count" ? "c IS NOT NULL" : `v IS NOT NULL AND NOT (${isInfinite}) AND NOT (${isNan})`;
  const summary = "nulls_count, infinities_count, nans_count, min_val, max_val, count, categories_count";
  const { rows, fields: found } = await dataviewRows(
    engine,
    `WITH groups AS (
      SELECT c AS category, ${overrides.ownFilter ? value : `${value} FILTER (WHERE ${isUsed})`} AS value, ${value} FILTER (WHERE ${isUsed}) AS used_value,
        count(*) AS n, count(*) FILTER (WHERE ${isUsed}) AS used, count(*) FILTER (WHERE ${isInfinite}) AS infinite, count(*) FILTER (WHERE ${isNan}) AS nans
      FROM (${valuesSql({ c: category, ...(given && { v: given.sql }) }, query)}) AS r GROUP BY c
    ), summary AS (
      SELECT sum(n) AS count, coalesce(sum(n) FILTER (WHERE category IS NULL), 0) AS nulls_count, sum(infinite) AS infinities_count,
        sum(nans) AS nans_count, max(used_value) FILTER (WHERE used > 0) AS max_val, min(used_value) FILTER (WHERE used > 0) AS min_val, count(*) AS categories_count FROM groups
    ), categories AS (
      SELECT category, value, row_number() OVER (ORDER BY value DESC) AS rank FROM groups WHERE ${overrides.ownFilter ? "true" : "used > 0"}
    )
    SELECT category, value, false AS agg, ${summary} FROM categories, summary ${overrides.ownFilter ? "" : `WHERE rank < ${limit}`}
    ${
      overrides.ownFilter
        ? "ORDER BY value DESC"
        : `UNION ALL
    SELECT NULL, ${operation === "count" ? "sum" : operation}(value), true, ${summary}
    FROM categories, summary WHERE rank >= ${limit} GROUP BY ${summary}`
    }`,
    options,
  );
  const jsonOf = jsonValueOf(found[0]?.typeName ?? null);
  const [first] = rows;
  const counted = (name: string) => numberIn(first, name) ?? 0;
  return {
    type: "aggregation",
    aggregation: operation,
    count: counted("count"),
    nulls: counted("nulls_count"),
    nans: counted("nans_count"),
    infinities: counted("infinities_count"),
    min: first ? numberIn(first, "min_val") : 0,
    max: first ? numberIn(first, "max_val") : 0,
    categoriesCount: counted("categories_count"),
    categories: rows.map((row) => {
      const agg = row.agg === "t";
      return { category: agg ? "Other" : jsonOf(row.category ?? null), value: numberIn(row, "value"), agg };
    }),
  };
}

/** Returns the categories whose text contains `text`, ignoring case. */
export async function searchAggregation(
  engine: Engine,
  request: DataviewRequest,
  text: string,
  options: StatementOptions,
): Promise<AggregationSearch> {
  const { category, operation, of } = parsed(request);
  const value = operation !== "count" && of !== undefined ? `${operation}(${columnIdent(of)})` : "count(1)";
  const { rows, fields } = await dataviewRows(
    engine,
    `SELECT ${category} AS category, ${value} AS value FROM (${request.query}\n) AS cdbq
    WHERE ${category}::text ILIKE ${literal(`%${text}%`)} GROUP BY ${category} ORDER BY value DESC`,
    options,
  );
  const jsonOf = jsonValueOf(fields[0]?.typeName ?? null);
  return {
    type: "aggregation",
    categories: rows.map((row) => ({
      category: jsonOf(row.category ?? null),
      value: numberIn(row, "value"),
    })),
  };
}
