/** Histograms of numbers, and of dates as seconds since 1970. */
import type { HistogramResult } from "../../../api/schemas/dataviews";
import type { Engine, StatementOptions } from "../../engine/engine";
import {
  type DataviewColumn,
  dataviewColumn,
  dataviewRows,
  finiteSql,
  isInfiniteSql,
  isNanSql,
  numberIn,
  valuesSql,
} from "./columns";
import type { DataviewRequest } from "./request";

const LEAST_BINS = 6;
const MOST_BINS = 48;

/** Counts the rows between `start` and `end`, or between the least and the largest number, in bins of the same width. */
export async function histogram(
  engine: Engine,
  { query, fields, overrides }: DataviewRequest,
  name: string,
  options: StatementOptions,
): Promise<HistogramResult> {
  const column = dataviewColumn(fields, name);
  const { start: asked = 0, end: askedEnd = 0, bins = 0 } = overrides;
  // with both, their order does not matter
  const hasBoth = overrides.start !== undefined && overrides.end !== undefined;
  const start = hasBoth ? Math.min(asked, askedEnd) : asked;
  const end = hasBoth ? Math.max(asked, askedEnd) : askedEnd;
  const { rows } = await dataviewRows(engine, histogramSql(column, query, { start, end, bins }), options);
  const [first] = rows;
  const total = (of: string) => rows.reduce((sum, row) => sum + (numberIn(row, of) ?? 0), 0);
  const freq = total("freq");
  const sum = rows.reduce((all, row) => all + (numberIn(row, "avg") ?? 0) * (numberIn(row, "freq") ?? 0), 0);
  return {
    type: "histogram",
    bin_width: numberIn(first, "bin_width"),
    bins_count: numberIn(first, "bins_number"),
    bins_start: overrides.start === undefined ? numberIn(first, "min") : start,
    nulls: total("nulls_count"),
    infinities: total("infinities_count"),
    nans: total("nans_count"),
    avg: freq === 0 ? 0 : sum / freq,
    bins: rows.flatMap((row) => {
      const bin = numberIn(row, "bin");
      const [min, max, avg] = [numberIn(row, "min"), numberIn(row, "max"), numberIn(row, "avg")];
      return bin === null ? [] : [{ bin, min, max, avg, freq: numberIn(row, "freq") ?? 0 }];
    }),
  };
}

interface Range {
  /** A range of at least `end` stands for that of the numbers. */
  readonly start: number;
  readonly end: number;
  /** 0 finds a number of bins that suits the numbers. */
  readonly bins: number;
}

function histogramSql(given: DataviewColumn, query: string, { start, end, bins }: Range): string {
  const isDate = given.kind === "date";
  const isWhole = /^int[248]$/.test(given.typeName ?? "");
  const seconds = `extract(epoch FROM CASE WHEN isfinite(${given.sql}) THEN ${given.sql} END)::float8`;
  const values = valuesSql({ v: isDate ? seconds : given.sql }, query);
  // whole numbers are often few: each is computed with once
  const rows = isWhole
    ? `SELECT v, count(*) AS n FROM (${values}) AS r GROUP BY v`
    : `SELECT v, 1 AS n FROM (${values}) AS r`;
  const column: DataviewColumn = { ...given, sql: "v", kind: isDate ? "other" : given.kind };
  const isGiven = start < end;
  const finds = bins <= 0;
  const value = finiteSql(column);
  const [from, to, count] = [
    isGiven ? `(${start})` : "b.least",
    isGiven ? `(${end})` : "b.most",
    finds ? "b.bins" : `(${bins})`,
  ];
  // CARTO's rule: twice the interquartile range is the width of a bin
  const iqr = finds
    ? "percentile_disc(0.75) WITHIN GROUP (ORDER BY v) - percentile_disc(0.25) WITHIN GROUP (ORDER BY v)"
    : "0";
  const basics = `
    SELECT least, most, CASE WHEN n = 0 OR iqr = 0 THEN 1 ELSE greatest(
      least(${LEAST_BINS}, n)::int, least(${MOST_BINS}::float8, ((most - least) / (2 * iqr))::float8)::int) END AS bins
    FROM (SELECT max(v) AS most, min(v) AS least, count(1) AS n, ${iqr} AS iqr FROM (${values}) AS r WHERE ${value} IS NOT NULL) AS s`;
  const between = isGiven ? `WHERE v >= ${from} AND v <= ${to}` : "";
  const [withBasics, joined, grouped] =
    isGiven && !finds ? ["", "", ""] : [`WITH b AS (${basics})`, ", b", ", b.least, b.most, b.bins"];
  const type = given.typeName === "numeric" ? "numeric" : "float8";
  const countOf = (condition: string) => `coalesce(sum(n) FILTER (WHERE ${condition}), 0)`;
  return `${withBasics}
    SELECT (${to} - ${from}) / ${count}::float8 AS bin_width, ${count} AS bins_number,
      ${countOf("v IS NULL")} AS nulls_count, ${countOf(isInfiniteSql(column))} AS infinities_count, ${countOf(isNanSql(column))} AS nans_count,
      min(${value}) AS min, max(${value}) AS max, sum(${value} * n) / nullif(${countOf(`${value} IS NOT NULL`)}, 0) AS avg,
      ${countOf(`${value} IS NOT NULL`)} AS freq,
      CASE WHEN ${from} = ${to} THEN 0
        ELSE greatest(1, least(${count}, width_bucket((${value})::${type}, ${from}::${type}, ${to}::${type}, ${count}))) - 1 END AS bin
    FROM (SELECT * FROM (${rows}) AS r ${between} OFFSET 0) AS q${joined}
    GROUP BY bin${grouped} ORDER BY bin`;
}
