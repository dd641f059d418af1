/** The boundaries of the starter catalog. */
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from "geojson";
import { feature, merge } from "topojson-client";
import { topology } from "topojson-server";
import type { GeometryCollection, Topology } from "topojson-specification";
import type { PublishedMeasure } from "../../src/api/schemas/observatory";
import { members } from "../../src/server/imports/gazetteer";
import {
  type StarterArea,
  type StarterDataset,
  type StarterPublication,
  UNCLIPPED_STATES,
} from "../../src/server/observatory/starter";
import { json, pad } from "./files";
import { type Places, US } from "./places";
import {
  CONTINENT,
  COUNTRY,
  COUNTY,
  DIVISION,
  DIVISIONS,
  EVERYWHERE,
  GOVERNMENT_WORK,
  NO_MEASURES,
  REGION,
  REGIONS,
  STATE,
  STATE_UNCLIPPED,
  UNITED_STATES,
} from "./publications";

/** Steps of the quantization grid, which is finer than the grid of the package's outlines. */
const UNCLIPPED_GRID = 1e6;

/**
 * Returns the states with their share of lakes and sounds. In the map of vega-datasets, each state's part of the Great
 * Lakes or Puget Sound is a county with its own code; merging all counties gives states that are not clipped to the shore.
 */
export async function unclippedStates(): Promise<Topology> {
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

export function usBoundaries(unclipped: Topology): StarterDataset {
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
            "US states, not clipped to the shoreline: with their parts of the Great Lakes and Puget Sound, at 1:10 million and coarser than the clipped ones. On the ocean they end at the shore, too. The package does not name the year; its counties are those of 2001 to 2007.",
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

export function worldBoundaries({ areas, continents, facts }: Places): StarterDataset {
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
      "Countries at 1:50 million, identified by ISO's three-letter codes, and continents dissolved from them. Territories without a code have one that begins with X.",
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
