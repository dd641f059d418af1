/** Histograms of numbers, and of dates as seconds since 1970. */
import type { HistogramResult } from "../../../api/schemas/dataviews";
import type { Engine, StatementOptions } from "../../engine/engine";
import {
  countIf,
  type DataviewColumn,
  dataviewColumn,
  dataviewRows,
  finiteSql,
  isInfiniteSql,
  isNanSql,
  numberIn,
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
  const given = dataviewColumn(fields, name);
  const isDate = given.kind === "date";
  const column: DataviewColumn = isDate ? { sql: "cdb_seconds", kind: "other", typeName: "float8" } : given;
  const rowsOf = isDate
    ? `SELECT *, extract(epoch FROM CASE WHEN isfinite(${given.sql}) THEN ${given.sql} END)::float8 AS cdb_seconds FROM (${query}\n) AS cdbd`
    : query;
  const { start: asked = 0, end: askedEnd = 0, bins = 0 } = overrides;
  // with both, their order does not matter
  const hasBoth = overrides.start !== undefined && overrides.end !== undefined;
  const start = hasBoth ? Math.min(asked, askedEnd) : asked;
  const end = hasBoth ? Math.max(asked, askedEnd) : askedEnd;
  const { rows } = await dataviewRows(engine, histogramSql(column, rowsOf, { start, end, bins }), options);
  const [first] = rows;
  const total = (name: string) => rows.reduce((sum, row) => sum + (numberIn(row, name) ?? 0), 0);
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

function histogramSql(column: DataviewColumn, query: string, { start, end, bins }: Range): string {
  const isGiven = start < end;
  const finds = bins <= 0;
  const value = finiteSql(column);
  const [from, to, count] = [
    isGiven ? numberSql(start) : "b.least",
    isGiven ? numberSql(end) : "b.most",
    finds ? "b.bins" : numberSql(bins),
  ];
  // CARTO's rule: twice the interquartile range is the width of a bin
  const iqr = finds
    ? `percentile_disc(0.75) WITHIN GROUP (ORDER BY ${column.sql}) - percentile_disc(0.25) WITHIN GROUP (ORDER BY ${column.sql})`
    : "0";
  const basics = `
    SELECT least, most, CASE WHEN n = 0 OR iqr = 0 THEN 1 ELSE greatest(
      least(${LEAST_BINS}, n)::int, least(${MOST_BINS}::float8, ((most - least) / (2 * iqr))::float8)::int) END AS bins
    FROM (
      SELECT max(${column.sql}) AS most, min(${column.sql}) AS least, count(1) AS n, ${iqr} AS iqr
      FROM (${query}\n) AS cdbq WHERE ${value} IS NOT NULL
    ) AS s`;
  const between = isGiven ? `WHERE ${column.sql} >= ${from} AND ${column.sql} <= ${to}` : "";
  const [withBasics, joined, grouped] =
    isGiven && !finds ? ["", "", ""] : [`WITH b AS (${basics})`, ", b", ", b.least, b.most, b.bins"];
  const type = column.typeName === "numeric" ? "numeric" : "float8";
  return `${withBasics}
    SELECT (${to} - ${from}) / ${count}::float8 AS bin_width, ${count} AS bins_number,
      ${countIf(`${column.sql} IS NULL`)} AS nulls_count,
      ${countIf(isInfiniteSql(column))} AS infinities_count, ${countIf(isNanSql(column))} AS nans_count,
      min(${value}) AS min, max(${value}) AS max, avg(${value}) AS avg, count(${value}) AS freq,
      CASE WHEN ${from} = ${to} THEN 0
        ELSE greatest(1, least(${count}, width_bucket((${value})::${type}, ${from}::${type}, ${to}::${type}, ${count}))) - 1 END AS bin
    FROM (SELECT * FROM (${query}\n) AS cdbq ${between}) AS q${joined}
    GROUP BY bin${grouped} ORDER BY bin`;
}

/** Writes a number so that a sign before it begins no comment. */
const numberSql = (value: number): string => `(${value})`;
