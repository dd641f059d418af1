/** Categories of a column: how many rows have them, or a statistic of another column. */
import type { AggregationResult, AggregationSearch } from "../../../api/schemas/dataviews";
import { literal } from "../../../sql";
import type { Engine, StatementOptions } from "../../engine/engine";
import { MapsRefusal } from "../errors";
import {
  columnIdent,
  countIf,
  type DataviewColumn,
  dataviewColumn,
  dataviewRows,
  isInfiniteSql,
  isNanSql,
  jsonValueOf,
  numberIn,
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
  const column = of === undefined ? undefined : dataviewColumn(fields, of);
  const { categories: asked = 0 } = overrides;
  const limit = asked > 0 ? asked : CATEGORIES;
  const value = `${operation}(${column?.sql ?? "1"})`;
  const isFloat = column?.kind === "float";
  const [extra, finite] = isFloat ? specialSql(column, operation) : ["", ""];
  const summary = `nulls_count, min_val, max_val, count, categories_count${isFloat ? ", nans_count, infinities_count" : ""}`;
  const from = "summary, categories_summary_min_max, categories_summary_count";
  const results = overrides.ownFilter
    ? `SELECT ${category} AS category, ${value} AS value, false AS agg, ${summary}
      FROM (${query}\n) AS cdbq, ${from} GROUP BY ${category}, ${summary} ORDER BY value DESC`
    : `SELECT category, value, false AS agg, ${summary} FROM categories, ${from} WHERE rank < ${limit}
      UNION ALL
      SELECT NULL AS category, ${operation === "count" ? "sum" : operation}(value) AS value, true AS agg, ${summary}
      FROM categories, ${from} WHERE rank >= ${limit} GROUP BY ${summary}`;
  const { rows, fields: found } = await dataviewRows(
    engine,
    `WITH summary AS (
      SELECT count(1) AS count, ${countIf(`${category} IS NULL`)} AS nulls_count${extra} FROM (${query}\n) AS cdbq
    ), categories AS (
      SELECT ${category} AS category, ${value} AS value, row_number() OVER (ORDER BY ${value} DESC) AS rank
      FROM (${query}\n) AS cdbq
      WHERE ${operation === "count" ? category : column?.sql} IS NOT NULL${finite}
      GROUP BY ${category} ORDER BY 2 DESC
    ), categories_summary_min_max AS (
      SELECT max(value) AS max_val, min(value) AS min_val FROM categories
    ), categories_summary_count AS (
      SELECT count(1) AS categories_count FROM (SELECT ${category} FROM (${query}\n) AS cdbq GROUP BY ${category}) AS c
    )
    ${results}`,
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

/** Returns the counts of special numbers, and the condition that leaves these out. */
function specialSql(column: DataviewColumn, operation: string): readonly [counts: string, condition: string] {
  const counts = `, ${countIf(isInfiniteSql(column))} AS infinities_count, ${countIf(isNanSql(column))} AS nans_count`;
  // rows are counted whatever their numbers are
  const condition =
    operation === "count" ? "" : ` AND NOT (${isInfiniteSql(column)}) AND NOT (${isNanSql(column)})`;
  return [counts, condition];
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
