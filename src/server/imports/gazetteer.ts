/** Finds countries, states, counties and cities, in a file that `scripts/gazetteer.ts` packs. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { Feature, MultiPolygon, Polygon, Position } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, GeometryObject, Topology } from "topojson-specification";
import { DIST } from "../../built";
import { SRID_LNGLAT } from "../../geo";
import { shapeOf } from "../../geometry/shape";
import { encodeGeometry, pointOfTexts, promoted } from "./geometry";

export interface Gazetteer {
  readonly version: 1;
  readonly countries: Topology;
  /** Topology with the objects `counties` and `states`, by FIPS codes. */
  readonly counties: Topology;
  /** ISO two-letter code by `placeKey`, and ISO number by `#` and the code. */
  readonly countryNames: Readonly<Record<string, string>>;
  /** Cities, largest first. `states` holds the postal codes of states, for cities in the United States. */
  readonly cities: {
    readonly names: string;
    readonly countries: string;
    readonly states: string;
    readonly lng: readonly number[];
    readonly lat: readonly number[];
    readonly precision: number;
  };
}

/** Returns the key by which names are compared, without case, accents and punctuation. */
export function placeKey(name: string): string {
  return name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Postal codes of states by FIPS code. */
export const POSTAL_CODES: Readonly<Record<string, string>> = Object.fromEntries(
  `01AL 02AK 04AZ 05AR 06CA 08CO 09CT 10DE 11DC 12FL 13GA 15HI 16ID 17IL 18IN 19IA 20KS 21KY 22LA 23ME 24MD 25MA
   26MI 27MN 28MS 29MO 30MT 31NE 32NV 33NH 34NJ 35NM 36NY 37NC 38ND 39OH 40OK 41OR 42PA 44RI 45SC 46SD 47TN 48TX
   49UT 50VT 51VA 53WA 54WV 55WI 56WY 60AS 66GU 69MP 72PR 78VI`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), entry.slice(2)]),
);

/** Designations that may follow the name of a county. */
const COUNTY = / (?:county|parish|borough|census area|municipality|municipio|city and borough)$/;

/** Finds places by name. Each method returns an opaque id, or undefined. */
export interface Places {
  country(text: string): string | undefined;
  state(text: string): string | undefined;
  /** Finds a county. Its state is part of the text or given by id; without a state, the name must be unique. */
  county(text: string, state?: string): string | undefined;
  /** Finds the largest city with the name, within the country or state if an id is given. */
  city(text: string, within?: { readonly country?: string; readonly state?: string }): string | undefined;
  /** Returns hexadecimal EWKB: a point for a city, else polygons, which may extend beyond 180 degrees. */
  geometry(id: string): string;
}

/** Opens the gazetteer, which takes about 50 MB of memory until it is no longer referenced. */
export async function openPlaces(file?: string): Promise<Places> {
  const gazetteer = await readGazetteer(file);
  const countryNames = new Map(Object.entries(gazetteer.countryNames)); // a plain object would find "constructor"
  const states = stateIndex(gazetteer);
  const county = countyIndex(gazetteer, states);
  const city = cityIndex(gazetteer, { states, countryNames });
  const countryIds = new Set(members(gazetteer.countries, "countries").map(({ id }) => String(id)));
  const geometries = geometryReader(gazetteer);
  return {
    country: (given) => {
      const code = countryNames.get(placeKey(given));
      return countryIds.has(countryNames.get(`#${code}`) ?? "") ? `country:${code}` : undefined;
    },
    state: (given) => states.get(placeKey(given)),
    county,
    city,
    geometry: geometries,
  };
}

export async function readGazetteer(file = join(DIST, "gazetteer.json.br")): Promise<Gazetteer> {
  const text = await promisify(brotliDecompress)(await readFile(file));
  return JSON.parse(text.toString("utf8")) as Gazetteer;
}

type Area = GeometryObject<{ name: string }> & { readonly properties: { readonly name: string } };

/** Returns the areas of one object of the topology, in order. */
export function members(topology: Topology, name: string): Area[] {
  return (topology.objects[name] as GeometryCollection<{ name: string }>).geometries as Area[];
}

function stateIndex({ counties }: Gazetteer): Map<string, string> {
  const index = new Map<string, string>();
  for (const { id, properties } of members(counties, "states")) {
    const postal = POSTAL_CODES[String(id)];
    for (const name of [properties.name, postal]) if (name) index.set(placeKey(name), `state:${id}`);
  }
  return index;
}

function countyIndex({ counties }: Gazetteer, states: ReadonlyMap<string, string>): Places["county"] {
  const byState = new Map<string, string>();
  const byName = new Map<string, string | null>();
  const byFips = new Set<string>();
  for (const { id, properties } of members(counties, "counties")) {
    const fips = String(id);
    const key = placeKey(properties.name);
    byFips.add(fips);
    byState.set(`state:${fips.slice(0, 2)} ${key}`, `county:${fips}`);
    byName.set(key, byName.has(key) ? null : `county:${fips}`);
  }
  const named = (name: string, state: string | undefined) => {
    const key = placeKey(name).replace(COUNTY, "");
    return state === undefined ? (byName.get(key) ?? undefined) : byState.get(`${state} ${key}`);
  };
  return (text, state) => {
    const code = text.trim().padStart(5, "0");
    if (/^\d{5}$/.test(code)) return byFips.has(code) ? `county:${code}` : undefined;
    const comma = text.lastIndexOf(",");
    if (comma === -1) return named(text, state);
    return named(text.slice(0, comma), states.get(placeKey(text.slice(comma + 1))) ?? "none");
  };
}

function cityIndex(
  { cities }: Gazetteer,
  known: { readonly states: ReadonlyMap<string, string>; readonly countryNames: ReadonlyMap<string, string> },
): Places["city"] {
  const index = new Map<string, number>();
  const states = cities.states.split("\n");
  const add = (key: string, at: number) => {
    if (!index.has(key)) index.set(key, at); // the largest comes first
  };
  for (const [at, name] of cities.names.split("\n").entries()) {
    const key = placeKey(name);
    add(key, at);
    add(`${key}|${cities.countries.slice(at * 2, at * 2 + 2)}`, at);
    if (states[at]) add(`${key}|US-${states[at]}`, at);
  }
  const find = (name: string, place: string) => index.get(placeKey(name) + place);
  const stateSuffix = (state: string | undefined) => {
    const postal = POSTAL_CODES[state?.slice("state:".length) ?? ""];
    return postal && `|US-${postal}`;
  };
  return (text, { country, state } = {}) => {
    const place = stateSuffix(state) ?? (country ? `|${country.slice("country:".length)}` : "");
    let at = find(text, place);
    const comma = text.indexOf(",");
    if (at === undefined && comma !== -1 && !place) {
      // "Paris, Texas", "Paris, France", "Springfield, IL"
      const behind = placeKey(text.slice(text.lastIndexOf(",") + 1));
      const name = text.slice(0, comma);
      const inState = stateSuffix(known.states.get(behind));
      at = (inState ? find(name, inState) : undefined) ?? find(name, `|${known.countryNames.get(behind)}`);
    }
    return at === undefined ? undefined : `city:${at}`;
  };
}

function geometryReader({ countries, counties, countryNames, cities }: Gazetteer): (id: string) => string {
  const read = new Map<string, string>();
  const areas = new Map<string, () => Polygon | MultiPolygon>();
  const add = (topology: Topology, name: string, prefix: string) => {
    for (const member of members(topology, name)) {
      areas.set(`${prefix}:${member.id}`, () => {
        const { geometry } = feature(topology, member) as Feature<Polygon | MultiPolygon>;
        return geometry;
      });
    }
  };
  add(countries, "countries", "number");
  add(counties, "states", "state");
  add(counties, "counties", "county");
  const encode = (id: string) => {
    // `!`: ids come from the indexes of this file, so their city or area exists
    const [kind, key] = id.split(":") as [string, string];
    if (kind === "city") {
      const at = Number(key);
      return pointOfTexts(
        String(cities.lng[at]! / cities.precision),
        String(cities.lat[at]! / cities.precision),
      )!;
    }
    const area = areas.get(kind === "country" ? `number:${countryNames[`#${key}`]}` : id)!();
    return encodeGeometry(promoted(shapeOf(unwrapped(area))), SRID_LNGLAT).hex;
  };
  return (id) => {
    const known = read.get(id) ?? encode(id);
    read.set(id, known);
    return known;
  };
}

/** Makes rings that cross the antimeridian continue beyond 180 degrees. */
export function unwrapped({ type, coordinates }: Polygon | MultiPolygon): MultiPolygon {
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  return { type: "MultiPolygon", coordinates: polygons.map((rings) => rings.map(unwrappedRing)) };
}

function unwrappedRing(ring: Position[]): Position[] {
  // `!`: rings have at least four positions of two numbers
  let turns = 0;
  const path = ring.map(([lng, lat], i): Position => {
    const before = ring[i - 1]?.[0] ?? lng!;
    if (Math.abs(lng! - before) > 180) turns += lng! < before ? 1 : -1;
    return [lng! + turns * 360, lat!];
  });
  if (turns !== 0) {
    // The ring goes around a pole, as Antarctica's does, and is closed at the pole.
    const [start, end] = [path[0]!, path.at(-1)!];
    const pole = start[1]! < 0 ? -90 : 90;
    path.push([end[0]!, pole], [start[0]!, pole], start);
  } else if (path[0]!.join() !== path.at(-1)!.join()) {
    path.push(path[0]!); // Illinois in us-atlas 3 ends 100 m from its start
  }
  const west = Math.min(...path.map(([lng]) => lng!));
  return west < -180 ? path.map(([lng, lat]): Position => [lng! + 360, lat!]) : path;
}
