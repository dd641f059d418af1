/** Aggregation of points by pixel (section 7.5 of the protocol). */
import { ident, literal } from "../../sql";
import { isObject } from "../../values";
import type { MapsRefusal } from "./errors";

const PLACEMENTS = ["centroid", "point-grid", "point-sample"] as const;
const FUNCTIONS = ["count", "avg", "sum", "min", "max", "mode"] as const;
const COMPARISONS = {
  less_than: "<",
  less_than_or_equal_to: "<=",
  greater_than: ">",
  greater_than_or_equal_to: ">=",
  equal: "=",
  not_equal: "<>",
} as const;

/** Layers with at least this many rows are thinned by default. */
const AGGREGATION_THRESHOLD = 100_000;

export interface Aggregation {
  /** Aggregates over the rows of a cell. Null shows the first row of each cell. */
  readonly groups: {
    readonly placement: (typeof PLACEMENTS)[number];
    /** Names of attributes, with SQL expressions over the rows of a cell. */
    readonly columns: readonly { readonly name: string; readonly sql: string }[];
    readonly dimensions: readonly { readonly name: string; readonly column: string }[];
    /** SQL conditions on a cell. */
    readonly having: readonly string[];
  } | null;
  /** Side of a cell in pixels. */
  readonly resolutionPx: number;
  readonly threshold: number;
}

export const DEFAULT_AGGREGATION: Aggregation = {
  groups: null,
  resolutionPx: 1,
  threshold: AGGREGATION_THRESHOLD,
};

/** @throws MapsRefusal with the messages of CARTO */
export function parseAggregation(options: unknown, refuse: (message: string) => MapsRefusal): Aggregation {
  if (!isObject(options)) throw refuse("Invalid aggregation: it should be an object, true or false");
  const { placement, columns = {}, resolution = 1, threshold = AGGREGATION_THRESHOLD } = options;
  const { dimensions = {}, filters = {} } = options;
  if (placement !== undefined && !isOneOf(PLACEMENTS, placement)) {
    throw refuse(`Invalid placement. Valid values: ${PLACEMENTS.join(", ")}`);
  }
  if (!isPositive(resolution)) throw refuse("Invalid resolution, should be a number greather than 0");
  if (!isPositive(threshold)) throw refuse("Invalid threshold, should be a number greather than 0");
  if (!isObject(columns) || !isObject(dimensions) || !isObject(filters)) {
    throw refuse("Invalid aggregation: columns, dimensions and filters should be objects");
  }
  const isDefault = placement === undefined && ![columns, dimensions].some((o) => Object.keys(o).length > 0);
  const parsedColumns = Object.entries(columns).map(([name, column]) => ({
    name,
    sql: aggregateSql(column, refuse),
  }));
  const parsedDimensions = Object.entries(dimensions).map(([name, column]) => ({
    name,
    column: String(isObject(column) ? column.column : column),
  }));
  const expressions = new Map([
    ...parsedColumns.map(({ name, sql }) => [name, sql] as const),
    ...parsedDimensions.map(({ name, column }) => [name, `q.${ident(column)}`] as const),
  ]);
  const having = Object.entries(filters).map(([name, conditions]) => {
    const expression = expressions.get(name);
    if (!expression) throw refuse(`Invalid filtered column: ${name}`);
    const alternatives = [conditions].flat().map((condition) => filterSql(expression, condition, refuse));
    return alternatives.length > 0 ? `(${alternatives.join(" OR ")})` : "true";
  });
  return {
    groups: isDefault
      ? null
      : {
          placement: placement ?? "point-sample",
          columns: parsedColumns,
          dimensions: parsedDimensions,
          having,
        },
    resolutionPx: resolution,
    threshold,
  };
}

/** Returns a SQL aggregate over rows named `q`. */
function aggregateSql(column: unknown, refuse: (message: string) => MapsRefusal): string {
  const { aggregate_function: name = "count", aggregated_column: of } = isObject(column) ? column : {};
  if (!isOneOf(FUNCTIONS, name)) {
    throw refuse(`Unsupported aggregation function ${name}, valid ones: ${FUNCTIONS.join(", ")}`);
  }
  if (of === undefined && name === "count") return "count(1)";
  if (typeof of !== "string") throw refuse(`Missing aggregated_column for aggregation function ${name}`);
  return name === "mode" ? `mode() WITHIN GROUP (ORDER BY q.${ident(of)})` : `${name}(q.${ident(of)})`;
}

function filterSql(expression: string, condition: unknown, refuse: (message: string) => MapsRefusal): string {
  if (!isObject(condition)) throw refuse(`Invalid filter parameter name: ${condition}`);
  const tests = Object.entries(condition).map(([name, value]) => {
    if (name === "in" || name === "not_in") {
      const list = [value].flat().map(valueSql);
      if (list.length === 0) return name === "in" ? "false" : "true";
      return `${expression} ${name === "in" ? "IN" : "NOT IN"} (${list.join(", ")})`;
    }
    if (!Object.hasOwn(COMPARISONS, name)) throw refuse(`Invalid filter parameter name: ${name}`);
    return `${expression} ${COMPARISONS[name as keyof typeof COMPARISONS]} ${valueSql(value)}`;
  });
  return tests.length > 0 ? `(${tests.join(" AND ")})` : "true";
}

function valueSql(value: unknown): string {
  if (typeof value === "number" && Number.isFinite(value)) return `(${value})`;
  if (typeof value === "boolean") return String(value);
  return literal(String(value));
}

function isOneOf<T extends string>(list: readonly T[], value: unknown): value is T {
  return (list as readonly unknown[]).includes(value);
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
