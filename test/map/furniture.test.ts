/** What stands around and on the data: labels, ramps, titles, scale, legends of several layers. Each a golden picture. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataFrame } from "danfojs-node";
import type { Feature, FeatureCollection } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, Layer, type MapOptions, styling } from "../../src/map";
import { renderPng } from "../../src/render/image/png";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";

const MODULES = join(__dirname, "../../node_modules");
const sceneOf = async (options: MapOptions) => (await mapScene(nowhere, { ...options, progress })).scene;

const CITIES = new DataFrame({
  name: ["Madrid", "Paris", "London", "Berlin", "Roma", "Wien", "Bruxelles", "Amsterdam", "Αθήνα", "Lisboa"],
  people: [3.3e6, 2.1e6, 8.9e6, 3.7e6, 2.8e6, 1.9e6, 1.2e6, 0.9e6, 0.66e6, 0.55e6],
  change: [120, -40, 300, 80, -160, 10, -2, null, -300, 45],
  country: ["ES", "FR", "GB", "DE", "IT", "AT", "BE", "NL", "GR", "PT"],
  lng: [-3.7, 2.35, -0.13, 13.4, 12.5, 16.37, 4.35, 4.9, 23.73, -9.14],
  lat: [40.42, 48.86, 51.51, 52.52, 41.9, 48.21, 50.85, 52.37, 37.98, 38.72],
});
const lnglat = ["lng", "lat"] as const;

const AIRPORTS: Record<string, string> = {
  LAX: "-118.4 33.9",
  NRT: "140.4 35.8",
  JFK: "-73.8 40.6",
  LHR: "-0.5 51.5",
  SYD: "151.2 -33.9",
  SCL: "-70.8 -33.4",
  DXB: "55.4 25.3",
  JNB: "28.2 -26.1",
};
const FLIGHTS = new DataFrame({
  geometry: ["LAX NRT", "JFK LHR", "SYD SCL", "DXB LAX", "LHR JNB", "SCL JFK", "NRT SYD"].map((pair) => {
    const [from, to] = pair.split(" ");
    return `LINESTRING (${AIRPORTS[from!]}, ${AIRPORTS[to!]})`;
  }),
  flights: [14, 40, 4, 7, 12, 9, 21],
  airline: ["JL", "BA", "QF", "EK", "BA", "LA", "QF"],
});

/** The states of the USA, their areas made up from their names. */
function states(): FeatureCollection {
  const topology = JSON.parse(readFileSync(join(MODULES, "us-atlas/states-10m.json"), "utf8")) as Topology<{
    states: GeometryCollection<{ name: string }>;
  }>;
  const { features } = feature(topology, topology.objects.states);
  return {
    type: "FeatureCollection",
    features: features.map((state): Feature => {
      const letters = state.properties.name.length;
      return { ...state, properties: { ...state.properties, letters: letters > 12 ? null : letters } };
    }),
  };
}

const CONUS = { zoom: 3.75, lat: 38.5, lng: -96 };

const MAPS: Record<string, () => MapOptions> = {
  "labels-points": () => ({
    title: "Ten capitals",
    layers: [
      new BaseMap({ source: "light" }),
      new Layer(CITIES, {
        lnglat,
        color: "crimson",
        size: { column: "people", min: 4, max: 30, method: "continuous" },
        label: "name",
        legend: { title: "Inhabitants", counts: true },
      }),
    ],
    size: [640, 400],
  }),
  "labels-polygons-continuous": () => ({
    title: "Letters of a state's name",
    layers: [
      new BaseMap({ source: "light" }),
      new Layer(states(), {
        color: { column: "letters", scheme: "sunset", method: "continuous" },
        label: "name",
        stroke: { color: "white", width: 1 },
        legend: { title: "Letters", counts: true },
      }),
    ],
    ...CONUS,
  }),
  "labels-dark": () => ({
    layers: [
      new BaseMap({ source: "dark" }),
      new Layer(CITIES, { lnglat, color: "country", size: 8, label: { column: "people", format: ".2s" } }),
    ],
    size: [500, 320],
  }),
  "two-layers": () => ({
    title:
      "States and three places, with a title that is too long to stand beside the legend without being cut",
    layers: [
      new BaseMap({ source: "light" }),
      new Layer(states(), { color: "#dfe7ee", stroke: { color: "#7a8b99" }, legend: { title: "State" } }),
      new Layer(
        new DataFrame({
          lng: [-122.4, -87.6, -74],
          lat: [37.8, 41.9, 40.7],
          kind: ["harbour", "lake", "harbour"],
        }),
        { lnglat, color: { column: "kind", scheme: styling.bold() }, size: 14, legend: { counts: true } },
      ),
    ],
    ...CONUS,
    size: [600, 340],
  }),
  "sizes-nested": () => ({
    layers: [
      new BaseMap({ source: "light" }),
      new Layer(CITIES, {
        lnglat,
        color: "crimson",
        opacity: 0.6,
        size: { column: "people", max: 90, method: "continuous" },
      }),
      new Layer(CITIES, {
        lnglat,
        size: 6,
        color: { column: "country", bins: 2 },
        legend: { title: "Countries, with a title that needs a second line because the map is small" },
      }),
    ],
    size: [560, 360],
  }),
  "arrows-around-the-world": () => ({
    layers: [
      new BaseMap({ source: "light", labels: null }),
      new Layer(FLIGHTS, { curve: "geodesic", arrow: true, size: "flights", color: "airline" }),
    ],
    projection: "mercator",
    size: [800, 420],
  }),
  "sizes-of-both-signs": () => ({
    layers: [
      new BaseMap({ source: "dark" }),
      new Layer(CITIES, { lnglat, color: "country", size: { column: "change", max: 60 } }),
    ],
    size: [640, 400],
  }),
  "lines-width": () => ({
    layers: [
      new BaseMap({ source: "light" }),
      new Layer(
        {
          type: "FeatureCollection",
          features: [1, 2, 3, 4, 5].map((flow) => ({
            type: "Feature",
            properties: { flow: flow * 100, name: `Line ${flow}` },
            geometry: {
              type: "LineString",
              coordinates: [
                [0.02, 0.02 * flow],
                [0.1, 0.02 * flow + 0.01],
                [0.2, 0.02 * flow],
              ],
            },
          })),
        } as FeatureCollection,
        {
          color: "#24796C",
          size: { column: "flow", min: 1, max: 10, binMethod: "equal" },
          label: { column: "name", size: 11 },
        },
      ),
    ],
    size: [500, 300],
  }),
};

test.each(Object.entries(MAPS))("%s", async (name, options) => {
  await expectGolden(`furniture-${name}`, renderPng(await sceneOf(options())));
});

test("a map with twice the pixels has the same labels", async () => {
  const scene = await sceneOf(MAPS["labels-points"]!());
  await expectGolden(
    "furniture-labels-2x",
    renderPng({ ...scene, widthPx: 320, heightPx: 200 }, { pixelRatio: 2 }),
  );
});

test("a scene without labels and counts shows none", async () => {
  const scene = await sceneOf({ layers: new Layer(CITIES, { lnglat, stroke: false }) });
  expect(scene.layers[0]).not.toHaveProperty("label");
  expect(scene.layers[0]).not.toHaveProperty("columns");
  expect(scene.layers[0]).not.toHaveProperty("stroke");
  expect(scene.legends).toEqual([]);
});
