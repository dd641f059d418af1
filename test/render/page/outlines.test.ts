/** Outlines get coarser with the distance from the first view, which is not visible in it or near it. */
import { inflateSync } from "node:zlib";
import { createCanvas } from "@napi-rs/canvas";
import { beforeAll, expect, test } from "vitest";
import { worldOutlines } from "../../../src/render/assets";
import { decodeBasemap } from "../../../src/render/basemap-data";
import { packOutlines } from "../../../src/render/page/outlines";
import { type BasemapShapes, paintBasemap, prepare } from "../../../src/render/painter";
import { viewportOf } from "../../../src/render/projection";
import type { Scene } from "../../../src/render/scene";
import { difference, imageOf } from "../painter/golden";
import { buildForMaps } from "./built";
import { sceneOf } from "./scenes";

beforeAll(buildForMaps);

const at = (lng: number, lat: number, zoom: number): Scene["view"] => ({ kind: "center", lng, lat, zoom });
const VIEWS: [string, Scene["view"]][] = [
  ["the world", at(0, 20, 0.5)],
  ["Europe", at(10, 50, 3.5)],
  ["Fiji, across the antimeridian", at(179.5, -17.5, 6)],
  ["Bering Strait, a world further", at(190 - 720, 65, 4)],
  ["Antarctica", at(40, -75, 2)],
  ["Chesapeake Bay", at(-76.2, 38.2, 7.5)],
  ["a harbour", at(9.97, 53.54, 14)],
];

const carried = (scene: Scene) => {
  const bytes = packOutlines(scene);
  return { bytes, shapes: decodeBasemap(inflateSync(bytes)) };
};

function painted(scene: Scene, shapes: BasemapShapes) {
  const canvas = createCanvas(scene.widthPx, scene.heightPx);
  paintBasemap(canvas.getContext("2d"), prepare(scene, { createCanvas, shapes }), viewportOf(scene));
  return imageOf(canvas).data;
}

test.each(VIEWS)("%s looks the same as with all outlines", (name, view) => {
  const scene = sceneOf([], { view });
  const { shapes } = carried(scene);
  const { mean, worst } = difference(painted(scene, shapes), painted(scene, worldOutlines()));
  const isFar = ["the world", "Antarctica"].includes(name); // up to an eighth of a pixel off
  // the painter thins all lakes or none below a pixel, and a page has others than the world
  expect(mean).toBeLessThan(isFar ? 0.3 : 0.005);
  expect(worst).toBeLessThan(isFar ? 40 : 12);
});

test("a page wider and higher than the first view looks the same", () => {
  const [, view] = VIEWS[5]!;
  const { shapes } = carried(sceneOf([], { view }));
  const wide = sceneOf([], { view, widthPx: 850, heightPx: 560 });
  // except where lines leave the canvas towards other vertices
  expect(difference(painted(wide, shapes), painted(wide, worldOutlines())).mean).toBeLessThan(0.001);
});

test.each(VIEWS)("zoomed out from %s, the world is within a pixel", (_, view) => {
  const { shapes } = carried(sceneOf([], { view }));
  const world = sceneOf([], { view: at(0, 10, 1), widthPx: 512, heightPx: 512 });
  expect(difference(painted(world, shapes), painted(world, worldOutlines())).mean).toBeLessThan(0.5);
});

test("smaller views need fewer bytes", () => {
  const sizes = [VIEWS[0]!, VIEWS[1]!, VIEWS[6]!].map(
    ([, view]) => carried(sceneOf([], { view })).bytes.length,
  );
  expect(sizes[0]).toBeLessThan(110_000);
  expect(sizes[1]).toBeLessThan(90_000);
  expect(sizes[2]).toBeLessThan(60_000);
});
