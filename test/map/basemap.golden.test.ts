/** The basemap without a network: names, water and borders by zoom, and the ground where outlines are not true any more. */
import { DataFrame } from "danfojs-node";
import type { FeatureCollection } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { beforeAll, expect, test } from "vitest";
import countries from "world-atlas/countries-110m.json";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, type BaseMapOptions, Layer, type MapOptions } from "../../src/map";
import { renderPng } from "../../src/render/image/png";
import { buildForMaps } from "../render/page/built";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";

beforeAll(buildForMaps);

const sceneOf = async ({ layers = [], ...view }: MapOptions, basemap: BaseMapOptions = {}) => {
  const below = new BaseMap({ language: "en", ...basemap });
  const options = { size: [800, 400], ...view, layers: [below, ...[layers].flat()], progress };
  return (await mapScene(nowhere, options as Parameters<typeof mapScene>[1])).scene;
};

const CITIES = new DataFrame({
  name: ["Paris", "Berlin", "Roma", "Wien", "Praha"],
  people: [2.1, 3.6, 2.8, 1.9, 1.3],
  lng: [2.35, 13.4, 12.5, 16.37, 14.42],
  lat: [48.86, 52.52, 41.9, 48.2, 50.08],
});
const bubbles = (options: object = {}) =>
  new Layer(CITIES, { lnglat: ["lng", "lat"], size: "people", ...options });

function countriesByNumber(): FeatureCollection {
  const world = countries as unknown as Topology<{ countries: GeometryCollection }>;
  const { features, ...rest } = feature(world, world.objects.countries);
  return { ...rest, features: features.map((shape, i) => ({ ...shape, properties: { number: i % 9 } })) };
}

const WIDE: [string, MapOptions, BaseMapOptions?][] = [
  ["world", { zoom: 1.5, lat: 25, lng: 10 }],
  ["europe", { zoom: 3.75, lat: 50, lng: 12 }],
  ["europe-dark", { zoom: 3.75, lat: 50, lng: 12 }, { source: "dark" }],
  ["colorado", { zoom: 6, lat: 39, lng: -105.5 }, { source: "light" }],
  ["vienna", { zoom: 8.5, lat: 48.2, lng: 16.3 }],
  ["city", { zoom: 11.5, lat: 48.28, lng: 16.2 }],
  ["street-dark", { zoom: 14, lat: 47.31, lng: 15.1 }, { source: "dark" }],
  ["serbian", { zoom: 3.5, lat: 45, lng: 20 }, { language: "sr" }],
  ["only-names", { zoom: 3, lat: 20, lng: 78 }, { onlyLabels: true }],
  ["small", { zoom: 4.5, lat: 42, lng: 12.5, size: [400, 300] }],
];

test.each(WIDE)("%s", async (name, view, basemap) => {
  await expectGolden(`ground-${name}`, renderPng(await sceneOf(view, basemap)));
});

test("names keep clear of points, and of their labels", async () => {
  await expectGolden("ground-bubbles", renderPng(await sceneOf({ layers: bubbles({ legend: false }) })));
  const labelled = bubbles({ label: "name", legend: false });
  await expectGolden("ground-bubbles-labels", renderPng(await sceneOf({ layers: labelled })));
});

test("names above the data are those for which there is room, and none where it has labels", async () => {
  const layers = new Layer(countriesByNumber(), { color: "number" });
  const above = await sceneOf({ layers }, { labels: "front" });
  await expectGolden("ground-choropleth", renderPng(above));
  const labelled = new Layer(countriesByNumber(), { color: "number", label: "number" });
  const english = renderPng(await sceneOf({ layers: labelled }, { labels: "front" }));
  const serbian = renderPng(await sceneOf({ layers: labelled }, { labels: "front", language: "sr" }));
  expect(Buffer.from(english).equals(Buffer.from(serbian))).toBe(true);
});
