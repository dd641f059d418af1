/** The widgets in the image of a map: beside it and below it, without filters and with them. Each a golden picture. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FeatureCollection } from "geojson";
import { expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import { BaseMap, Layer, type MapOptions, widget } from "../../src/map";
import { renderPng } from "../../src/render/image/png";
import type { MapFilter } from "../../src/render/scene";
import { expectGolden } from "../render/painter/golden";
import { nowhere, progress } from "../support/nowhere";

const QUAKES = JSON.parse(
  readFileSync(join(__dirname, "../../node_modules/vega-datasets/data/earthquakes.json"), "utf8"),
) as FeatureCollection;
for (const { properties } of QUAKES.features)
  properties!.time = new Date(properties!.time as number).toISOString();

const FILTERS: readonly MapFilter[] = [
  { layer: "quakes", column: "mag", from: 2, to: 5 },
  { layer: "quakes", column: "net", values: ["us", "ak", "pr"] },
  { layer: "quakes", column: "sig", from: 50, to: 500 },
];
const WIDGETS = [
  widget.formula("count", { title: "Earthquakes" }),
  widget.histogram("mag", { title: "Magnitude" }),
  widget.timeSeries("time", { title: "Time (UTC)" }),
  widget.category("net", { title: "Network", top: 5 }),
  widget.range("sig", { title: "Significance" }),
  widget.formula("sum", "felt", {
    title: "Reports by people who felt a quake, and a title that is too long to fit",
  }),
];
const layer = new Layer(QUAKES, { name: "quakes", color: { column: "mag", bins: [2, 4, 5] }, size: 6 });

const CASES: Readonly<Record<string, MapOptions>> = {
  beside: { layers: layer, widgets: WIDGETS },
  "beside-filtered": { layers: layer, widgets: WIDGETS, state: { filters: FILTERS } },
  "below-dark-filtered": {
    layers: [new BaseMap({ source: "dark" }), layer],
    widgets: WIDGETS,
    state: { filters: FILTERS },
    size: [400, 300],
  },
  "below-in-two-columns": { layers: layer, widgets: WIDGETS, size: [600, 300] },
};

test.each(Object.keys(CASES))("%s", async (name) => {
  const { scene, warnings } = await mapScene(nowhere, { ...CASES[name], progress });
  expect(warnings).toEqual([]);
  await expectGolden(`panel-${name}`, renderPng(scene));
});
