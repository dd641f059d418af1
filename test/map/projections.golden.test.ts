/** A map in each projection: countries, lines across the antimeridian and labelled points, in light and dark. */

import { DataFrame } from "danfojs-node";
import type { FeatureCollection } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import states from "us-atlas/states-10m.json";
import { describe, expect, test } from "vitest";
import countries from "world-atlas/countries-110m.json";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, Layer, type MapOptions } from "../../src/map";
import { renderPng } from "../../src/render/image/png";
import { outlinesOf } from "../../src/render/outlines";
import { PLANE_NAMES, type PointGeometry, type Scene } from "../../src/render/scene";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";

const PLACES: readonly (readonly [string, number, number])[] = [
  ["London", -0.1, 51.5],
  ["Tokyo", 139.7, 35.7],
  ["Sydney", 151.2, -33.9],
  ["Lima", -77, -12],
  ["Cape Town", 18.4, -33.9],
  ["Anchorage", -149.9, 61.2],
  ["Honolulu", -157.8, 21.3],
  ["Suva", 178.4, -18.1],
  ["Denver", -105, 39.7],
];
const TERRITORIES: typeof PLACES = [
  ["San Juan", -66.1, 18.46],
  ["Guam", 144.75, 13.47],
  ["Saipan", 145.75, 15.19],
  ["Pago Pago", -170.7, -14.28],
  ["St. Croix", -64.7, 17.73],
];
const points = (places = PLACES) =>
  new DataFrame({
    name: places.map(([name]) => name),
    lng: places.map(([, x]) => x),
    lat: places.map(([, , y]) => y),
  });
const lnglat = ["lng", "lat"] as const;
const ROUTES = new DataFrame({
  geometry: ["LINESTRING(-149.9 61.2, 139.7 35.7)", "LINESTRING(151.2 -33.9, -77 -12)"],
});

function numbered(topology: unknown, object: string, leftOut: readonly string[] = []): FeatureCollection {
  const { objects } = topology as Topology<Record<string, GeometryCollection>>;
  const { features, ...rest } = feature(topology as Topology, objects[object]!);
  const kept = features.filter(({ id }) => !leftOut.includes(String(id)));
  return { ...rest, features: kept.map((shape, i) => ({ ...shape, properties: { number: i % 5 } })) };
}
const COUNTRIES = numbered(countries, "countries");
const WITH_TERRITORIES = numbered(states, "states");
/** Without the territories, which "albers-usa" does not show. */
const STATES = numbered(states, "states", ["60", "66", "69", "72", "78"]);

const sceneOf = async (options: MapOptions) =>
  mapScene(nowhere, { size: [400, 220], ...options, progress } as Parameters<typeof mapScene>[1]);
const areas = (shapes: FeatureCollection) =>
  new Layer(shapes, { color: "number", opacity: 0.6, legend: false });

describe.each(PLANE_NAMES)("%s", (projection) => {
  test.each(["light", "dark"] as const)("%s", async (source) => {
    const usa = { "albers-usa": STATES, "albers-usa-territories": WITH_TERRITORIES };
    const shapes = projection in usa ? usa[projection as keyof typeof usa] : COUNTRIES;
    const { scene } = await sceneOf({
      projection,
      layers: [
        new BaseMap({ source }),
        areas(shapes),
        new Layer(ROUTES, { geomCol: "geometry", color: "crimson", legend: false }),
        new Layer(points(), { lnglat, color: "gold", size: 6, label: "name", legend: false }),
      ],
    });
    expect(scene.projection?.name).toBe(projection);
    await expectGolden(`projection-${projection}-${source}`, renderPng(scene));
  });
});

test("each territory lies in its frame", async () => {
  const { scene, warnings } = await sceneOf({
    projection: "albers-usa-territories",
    layers: [areas(WITH_TERRITORIES), new Layer(points(TERRITORIES), { lnglat })],
  });
  expect(warnings).toEqual([]);
  const { graticule: frames } = outlinesOf(scene);
  const { x, y } = scene.layers[1]!.geometry as PointGeometry;
  const frameOf = (i: number) =>
    Array.from({ length: frames!.paths.length - 1 }, (_, path) => {
      const corners = frames!.xy.subarray(2 * frames!.paths[path]!, 2 * frames!.paths[path + 1]!);
      const [xs, ys] = [0, 1].map((axis) => corners.filter((_, at) => at % 2 === axis)) as [
        Float64Array,
        Float64Array,
      ];
      return (
        x[i]! > Math.min(...xs) &&
        x[i]! < Math.max(...xs) &&
        y[i]! > Math.min(...ys) &&
        y[i]! < Math.max(...ys)
      );
    }).indexOf(true);
  const found = TERRITORIES.map((_, i) => frameOf(i));
  expect(found).not.toContain(-1);
  expect([found[1], found[0]]).toEqual([found[2], found[4]]); // Guam and Saipan; San Juan and St. Croix
  expect(new Set(found).size).toBe(3);
});

test("the world in Web Mercator shows once", async () => {
  const { scene } = await sceneOf({ projection: "mercator", layers: areas(COUNTRIES) });
  await expectGolden("projection-mercator-light", renderPng(scene));
});

describe("auto", () => {
  const nameOf = ({ projection }: Scene) => projection?.name ?? "mercator";
  const only = (...names: string[]) =>
    new Layer(points([...PLACES, ...TERRITORIES].filter(([name]) => names.includes(name))), { lnglat });
  const flight = (...coordinates: number[][]) => new Layer({ type: "LineString", coordinates });
  const osm = new BaseMap({ source: "https://tile.example.com/{z}/{x}/{y}.png" });
  test.each<[string, MapOptions, string]>([
    ["countries", { layers: areas(COUNTRIES) }, "equal-earth"],
    ["states", { layers: areas(STATES) }, "albers-usa"],
    ["states and territories", { layers: areas(WITH_TERRITORIES) }, "albers-usa-territories"],
    [
      "states and a place in a territory",
      { layers: [areas(STATES), only("San Juan")] },
      "albers-usa-territories",
    ],
    [
      "flights within the contiguous states",
      { layers: [areas(STATES), flight([-84, 33], [-120, 47])] },
      "albers-usa",
    ],
    ["a flight to Hawaii", { layers: [areas(STATES), flight([-84, 33], [-157, 21])] }, "mercator"],
    ["territories alone", { layers: only("San Juan", "Guam") }, "mercator"],
    ["points in the United States", { layers: [areas(STATES), only("Denver")] }, "albers-usa"],
    ["states and a place elsewhere", { layers: [areas(STATES), only("Lima")] }, "mercator"],
    ["one state", { layers: areas({ ...STATES, features: STATES.features.slice(0, 1) }) }, "mercator"],
    ["a continent", { layers: only("London", "Cape Town") }, "mercator"],
    ["far north to far south", { layers: only("Anchorage", "Sydney", "London") }, "equal-earth"],
    ["no data", {}, "mercator"],
    ["a basemap with tiles", { layers: [new BaseMap(), areas(COUNTRIES)] }, "mercator"],
    ["a blank basemap", { layers: [new BaseMap({ source: "none" }), areas(COUNTRIES)] }, "equal-earth"],
    ["a view", { layers: areas(COUNTRIES), zoom: 1, lat: 0, lng: 0 }, "mercator"],
  ])("%s", async (_, options, expected) => {
    const { scene, warnings } = await sceneOf(options);
    expect([nameOf(scene), warnings]).toEqual([expected, []]);
    expect(scene.basemap.tiles === undefined || expected === "mercator").toBe(true);
  });

  test("a named projection that gives way to tiles says so", async () => {
    const why = async (options: MapOptions) => {
      const { scene, warnings } = await sceneOf({ projection: "robinson", ...options });
      expect(nameOf(scene)).toBe("mercator");
      return warnings;
    };
    expect(await why({ layers: [osm, areas(COUNTRIES)] })).toEqual([
      'The map is in Web Mercator instead of the projection "robinson": the tiles of its BaseMap are in Web Mercator.',
    ]);
    expect(await why({ layers: areas(COUNTRIES), zoom: 1, lat: 0, lng: 0 })).toEqual([
      'The map is in Web Mercator instead of the projection "robinson": `zoom`, `lat` and `lng` are those of Web Mercator.',
    ]);
  });

  test("data that do not show are counted, and unknown names are errors", async () => {
    const { scene, warnings } = await sceneOf({
      projection: "albers-usa",
      layers: new Layer(points(), { lnglat, name: "places" }),
    });
    expect(scene.notes).toEqual(['6 points of layer "places" lie outside the projection "albers-usa".']);
    expect(warnings).toEqual(scene.notes);
    await expect(sceneOf({ projection: "equal-erth" as never })).rejects.toThrow(
      /got "equal-erth"\. Did you mean "equal-earth"\?/,
    );
  });
});
