/** Levels, groups of levels, and how tables become publications. */
import type { PublishedMeasure } from "../../src/api/schemas/observatory";
import type { StarterPublication } from "../../src/server/observatory/starter";
import { round } from "./files";

export const STATE = "us.census.tiger.state_clipped";
export const STATE_UNCLIPPED = "us.census.tiger.state";
export const COUNTY = "us.census.tiger.county_clipped";
export const DIVISION = "us.census.tiger.division_clipped";
export const REGION = "us.census.tiger.region_clipped";
export const COUNTRY = "naturalearth.country";
export const CONTINENT = "naturalearth.continent";
export const UNITED_STATES = { "tags.united_states": "United States" };

/** Countries are tagged with every region that CARTO's clients know by name. */
export const EVERYWHERE = {
  "tags.global": "Global",
  "tags.au": "Australia",
  "tags.br": "Brazil",
  "tags.ca": "Canada",
  "tags.eu": "European Union",
  "tags.fr": "France",
  "tags.mx": "Mexico",
  "tags.spain": "Spain",
  "tags.uk": "United Kingdom",
  ...UNITED_STATES,
};

export const GOVERNMENT_WORK = "US Government work (public domain in the United States)";
export const CC_BY = "CC BY 4.0";

/** Census Bureau, "Census Regions and Divisions of the United States"; states by FIPS code. */
export const DIVISIONS: readonly (readonly [id: string, name: string, region: string, states: string])[] = [
  ["1", "New England", "1", "09 23 25 33 44 50"],
  ["2", "Middle Atlantic", "1", "34 36 42"],
  ["3", "East North Central", "2", "17 18 26 39 55"],
  ["4", "West North Central", "2", "19 20 27 29 31 38 46"],
  ["5", "South Atlantic", "3", "10 11 12 13 24 37 45 51 54"],
  ["6", "East South Central", "3", "01 21 28 47"],
  ["7", "West South Central", "3", "05 22 40 48"],
  ["8", "Mountain", "4", "04 08 16 30 32 35 49 56"],
  ["9", "Pacific", "4", "02 06 15 41 53"],
];

export const REGIONS = { "1": "Northeast", "2": "Midwest", "3": "South", "4": "West" };

/** The rows of a publication by identifier. */
export type Table = ReadonlyMap<string, Readonly<Record<string, number | string | null>>>;

export interface DataOf {
  readonly level: string;
  readonly timespan: string;
  readonly table: Table;
  readonly measures: readonly PublishedMeasure[];
}

export const NO_MEASURES = { measures: [], columns: [], rows: [] };

export function publicationOf({ level, timespan, table, measures }: DataOf): StarterPublication {
  const columns = measures.map(
    ({ column, aggregate }) => [column, aggregate === "mode" ? "text" : "float8"] as const,
  );
  return {
    timespan,
    boundary: { id: level },
    measures,
    columns,
    rows: [...table].map(([id, row]) => [id, ...columns.map(([column]) => row[column] ?? null)]),
  };
}

/** Derives the publications for divisions and regions from those of states. */
export function onGroupsOfStates(data: DataOf): StarterPublication[] {
  const of = (state: string) => DIVISIONS.find(([, , , codes]) => codes.includes(state));
  return [
    publicationOf(data),
    publicationOf({ ...data, level: DIVISION, table: grouped(data, (state) => of(state)?.[0]) }),
    publicationOf({ ...data, level: REGION, table: grouped(data, (state) => of(state)?.[2]) }),
  ];
}

/** Aggregates rows into groups: sums are added up, and averages are weighted by their denominator, where both are known. */
export function grouped({ table, measures }: DataOf, groupOf: (id: string) => string | undefined): Table {
  const groups = new Map<string, Readonly<Record<string, number | string | null>>[]>();
  for (const [id, row] of table) {
    const group = groupOf(id);
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  const total = (rows: readonly Readonly<Record<string, unknown>>[], column: string) =>
    rows.reduce((sum, row) => sum + Number(row[column] ?? 0), 0);
  const overGroup = (
    rows: readonly Readonly<Record<string, unknown>>[],
    { column, universe }: PublishedMeasure,
  ) => {
    if (universe === undefined) return total(rows, column);
    const known = rows.filter((row) => row[column] != null && row[universe] != null);
    const products = known.reduce((sum, row) => sum + Number(row[column]) * Number(row[universe]), 0);
    return round(products / total(known, universe), 9);
  };
  return new Map(
    [...groups].map(([group, rows]) => [
      group,
      Object.fromEntries(measures.map((measure) => [measure.column, overGroup(rows, measure)])),
    ]),
  );
}

export function summed(table: Table, groupOf: (id: string) => string | undefined): Table {
  const [first] = table.values();
  const measures = Object.keys(first!).map((column): PublishedMeasure => ({ column, aggregate: "sum" }));
  return grouped({ table, measures, level: "", timespan: "" }, groupOf);
}
