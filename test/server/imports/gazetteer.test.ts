import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Geometry, type MultiPolygon, type Point, type Polygon } from "wkx";
import { buildGazetteer } from "../../../scripts/gazetteer";
import { openPlaces, type Places, placeKey } from "../../../src/server/imports/gazetteer";
import { temporaryDir } from "../../support/engine";

const dir = temporaryDir();
let places: Places;
beforeAll(async () => {
  await buildGazetteer(join(dir, "gazetteer"));
  places = await openPlaces(join(dir, "gazetteer"));
});

const geometry = (id: string | undefined) => Geometry.parse(Buffer.from(places.geometry(id!), "hex"));
const pointOf = (id: string | undefined) => {
  const { x, y } = geometry(id) as Point;
  return [Math.round(x), Math.round(y)];
};

test.each([
  ["Côte d'Ivoire", "cote d ivoire"],
  ["  St. John's ", "st john s"],
  ["日本", "日本"],
])("normalizes %s to %s", (name, key) => expect(placeKey(name)).toBe(key));

test.each([
  ["Spain", "country:ES"],
  ["ESPAÑA", "country:ES"],
  ["es", "country:ES"],
  ["ESP", "country:ES"],
  ["United States of America", "country:US"],
  ["USA", "country:US"],
  ["Côte d'Ivoire", "country:CI"],
  ["Atlantis", undefined],
  ["", undefined],
  ["#ES", "country:ES"],
  ["constructor", undefined],
])("country %s", (text, id) => expect(places.country(text)).toBe(id));

test.each([
  ["California", "state:06"],
  ["ca", "state:06"],
  ["District of Columbia", "state:11"],
  ["Ontario", undefined],
])("state %s", (text, id) => expect(places.state(text)).toBe(id));

test.each([
  ["Autauga County, AL", undefined, "county:01001"],
  ["Autauga, Alabama", undefined, "county:01001"],
  ["Autauga", undefined, "county:01001"],
  ["01001", undefined, "county:01001"],
  ["1001", undefined, "county:01001"],
  ["Washington", undefined, undefined],
  ["Washington", "state:41", "county:41067"],
  ["Orleans Parish", "state:22", "county:22071"],
  ["Washington, Nowhere", undefined, undefined],
])("county %s", (text, state, id) => expect(places.county(text, state)).toBe(id));

describe("cities", () => {
  test.each<[string, Parameters<Places["city"]>[1], number[]]>([
    ["Madrid", {}, [-4, 40]],
    ["madrid", { country: "country:CO" }, [-74, 5]],
    ["Paris", {}, [2, 49]],
    ["Paris, Texas", {}, [-96, 34]],
    ["Springfield", { state: "state:17" }, [-90, 40]],
    ["Málaga", {}, [-4, 37]],
  ])("%s %o", (name, within, expected) => {
    expect(pointOf(places.city(name, within))).toEqual(expected);
  });

  test("not in another country", () =>
    expect(places.city("Madrid", { country: "country:FJ" })).toBeUndefined());
});

test("closes a ring that us-atlas leaves open", () => {
  const { polygons } = geometry(places.state("Illinois")) as MultiPolygon;
  const [{ exteriorRing: ring }] = polygons as [Polygon];
  expect(ring[0]).toEqual(ring.at(-1));
});

test("areas that cross the antimeridian continue beyond it", () => {
  const widths: Record<string, number> = {};
  for (const country of ["Russia", "Fiji", "Antarctica", "Spain"]) {
    const { polygons } = geometry(places.country(country)) as MultiPolygon;
    const lngs = polygons.flatMap(({ exteriorRing }) => exteriorRing.map(({ x }) => x));
    widths[country] = Math.round(Math.max(...lngs) - Math.min(...lngs));
  }
  expect(widths).toMatchObject({ Antarctica: 360 });
  expect(widths.Spain).toBeLessThan(25);
  expect(geometry(places.country("Russia")).toWkt()).toContain("190"); // Chukotka, at 170 degrees west
});
