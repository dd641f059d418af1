/** Histograms of dates by units of the calendar. */
import type { DateHistogramResult } from "../../../api/schemas/dataviews";
import type { Engine, StatementOptions } from "../../engine/engine";
import { MapsRefusal } from "../errors";
import { countIf, dataviewColumn, dataviewRows, numberIn } from "./columns";
import type { DataviewRequest } from "./request";

/** A unit of the calendar: its length in seconds as PostgreSQL counts that of an interval, and in months if it has whole ones. */
interface Unit {
  readonly seconds: number;
  readonly months?: number;
}

const MONTH_S = 30 * 86_400;
const YEAR_S = 365.25 * 86_400;
const UNITS: Readonly<Record<string, Unit>> = {
  second: { seconds: 1 },
  minute: { seconds: 60 },
  hour: { seconds: 3600 },
  day: { seconds: 86_400 },
  week: { seconds: 7 * 86_400 },
  month: { seconds: MONTH_S, months: 1 },
  quarter: { seconds: 3 * MONTH_S, months: 3 },
  year: { seconds: YEAR_S, months: 12 },
  decade: { seconds: 10 * YEAR_S, months: 120 },
  century: { seconds: 100 * YEAR_S, months: 1200 },
  millennium: { seconds: 1000 * YEAR_S, months: 12_000 },
};
/** Days that a unit has on average, for the choice of one. */
const DAYS = {
  week: 7,
  month: 30,
  quarter: 91,
  year: 365,
  decade: 3652,
  century: 36_525,
  millennium: 365_243,
};
const MOST_AUTOMATIC = 100;

/** Counts the rows by units of the calendar, which begin `offset` seconds before those of UTC. */
export async function dateHistogram(
  engine: Engine,
  { query, fields, definition, overrides }: DataviewRequest,
  name: string,
  options: StatementOptions,
): Promise<DateHistogramResult> {
  const given = String(overrides.aggregation ?? definition.options.aggregation);
  if (given !== "auto" && !Object.hasOwn(UNITS, given)) {
    const valid = ["auto", ...Object.keys(UNITS)].join(", ");
    throw new MapsRefusal(400, `Invalid aggregation value. Valid ones: ${valid}`);
  }
  const { sql: column } = dataviewColumn(fields, name);
  const unitName = given === "auto" ? await automaticUnit(engine, { query, column }, options) : given;
  const unit = UNITS[unitName]!; // `!`: checked
  const offset = overrides.offset ?? (Number(definition.options.offset) || 0);
  const { start = 0, end = 0 } = overrides;
  // CARTO shifts by whole hours, and not below the day
  const hours = unitName === "hour" || unitName === "minute" ? 0 : Math.ceil(offset / 3600);
  if (Math.abs(hours) > 10_000) throw new MapsRefusal(400, "Invalid number format for parameter 'offset'");
  const zone = `make_interval(hours => ${hours})`;
  const local = (time: string) => `date_trunc('${unitName}', timezone(${zone}, ${time}))`;
  const seconds = (time: string) => `extract(epoch FROM timezone(${zone}, ${time}))::float8`;
  const conditions = [
    ...(start === 0 ? [] : [`${column} >= to_timestamp(${start})`]),
    ...(end === 0 ? [] : [`${column} <= to_timestamp(${end})`]),
  ];
  const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
  const { rows } = await dataviewRows(
    engine,
    `WITH found AS (
      SELECT CASE WHEN isfinite(${column}) THEN ${local(`${column}::timestamptz`)} END AS unit, count(*) AS freq,
        ${countIf(`${column} IS NULL`)} AS nulls_count, ${countIf(`NOT isfinite(${column})`)} AS infinities_count
      FROM (${query}\n) AS cdbq ${where} GROUP BY 1
    ), ends AS (
      SELECT ${start === 0 ? "(SELECT min(unit) FROM found)" : local(`to_timestamp(${start})`)} AS first,
        ${end === 0 ? "(SELECT max(unit) FROM found)" : local(`to_timestamp(${end})`)} AS last
    )
    SELECT ${between("ends.first", "unit", unit)} AS bin, ${seconds("unit")} AS timestamp, freq, nulls_count, infinities_count,
      ${seconds("ends.first")} AS timestamp_start, ${between("ends.first", "ends.last", unit)} + 1 AS bins_number
    FROM found, ends ORDER BY bin`,
    options,
  );
  const inBins = rows.filter((row) => row.bin !== null);
  const [first] = inBins;
  const total = (of: string) => rows.reduce((sum, row) => sum + (numberIn(row, of) ?? 0), 0);
  return {
    type: "histogram",
    aggregation: unitName,
    offset,
    timestamp_start: numberIn(first, "timestamp_start"),
    bin_width: first ? unit.seconds : 0,
    bins_count: numberIn(first, "bins_number") ?? 0,
    bins_start: numberIn(first, "timestamp"),
    nulls: total("nulls_count"),
    infinities: total("infinities_count"),
    bins: inBins.map((row) => {
      const timestamp = numberIn(row, "timestamp") ?? 0;
      const bin = numberIn(row, "bin") ?? 0;
      return {
        bin,
        min: timestamp,
        max: timestamp,
        avg: timestamp,
        freq: numberIn(row, "freq") ?? 0,
        timestamp,
      };
    }),
  };
}

/** SQL for the number of units between the beginnings of two. */
function between(from: string, to: string, { seconds, months }: Unit): string {
  if (months === undefined) return `round(extract(epoch FROM ${to} - ${from}) / ${seconds})::float8`;
  // AD 1 follows 1 BC, which PostgreSQL calls the year -1
  const month = (time: string) => {
    const year = `extract(year FROM ${time})`;
    return `(12 * (${year} + CASE WHEN ${year} < 0 THEN 1 ELSE 0 END) + extract(month FROM ${time}))`;
  };
  return `round((${month(to)} - ${month(from)}) / ${months})::float8`;
}

/** Returns the unit that divides the dates into the most bins, but at most a hundred. */
async function automaticUnit(
  engine: Engine,
  { query, column }: { readonly query: string; readonly column: string },
  options: StatementOptions,
): Promise<string> {
  const { rows } = await dataviewRows(
    engine,
    `SELECT extract(epoch FROM max(${column}::timestamp) - min(${column}::timestamp))::float8 AS seconds
    FROM (${query}\n) AS cdbq WHERE isfinite(${column})`,
    options,
  );
  const all = numberIn(rows[0], "seconds");
  if (all === null) return "day";
  const days = Math.floor(all / 86_400);
  const counts: (readonly [string, number])[] = [
    ...Object.entries(DAYS)
      .reverse()
      .map(([unit, length]) => [unit, Math.round(days / length)] as const),
    ["day", days],
    ["hour", Math.floor(all / 3600)],
    ["minute", Math.floor(all / 60)],
    ["second", all],
  ];
  let [best, most] = ["day", -1];
  for (const [unit, count] of counts)
    if (count <= MOST_AUTOMATIC && count > most) [best, most] = [unit, count];
  return best;
}
