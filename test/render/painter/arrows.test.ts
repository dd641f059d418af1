/** Where arrowheads are, and where they are not. */

import { createCanvas } from "@napi-rs/canvas";
import { expect, test } from "vitest";
import type { LngLat } from "../../../src/geo";
import { hitAll, prepare } from "../../../src/render/painter";
import { projectPaths } from "../../../src/render/plane";
import { viewportOf } from "../../../src/render/projection";
import type { PathGeometry, SceneLayer } from "../../../src/render/scene";
import { layerOf, painted, paths, px, sceneOf } from "./scenes";

/** Degrees of longitude in a pixel at zoom 2. */
const PIXEL = 360 / 1024;
const along = (...xs: number[]): LngLat[] => xs.map((x) => [x * PIXEL, 0]);
const arrowLayer = (geometry: PathGeometry, widthPx = 2): SceneLayer =>
  layerOf(geometry, { size: px(widthPx), arrow: true });

/** Returns the number of painted pixels in a column, by its distance from the middle of the map. */
function columnOf(layer: SceneLayer, x: number): number {
  const { canvas } = painted(sceneOf([layer]));
  const { data } = canvas.getContext("2d").getImageData(100 + x, 0, 1, 120);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 1]! < 150) count++;
  return count;
}

test("the head is at the last vertex, and its base is wider than the line", () => {
  const layer = arrowLayer(paths("line", [[along(-40, 0, 40)]]));
  expect(columnOf(layer, 0)).toBe(2);
  expect(columnOf(layer, 32)).toBeGreaterThanOrEqual(6);
  expect(columnOf(layer, 38)).toBeLessThanOrEqual(3);
  expect(columnOf(layer, 40)).toBe(0); // the round end of the line does not reach beyond the tip
});

test("each line of a MultiLineString has one", () => {
  const layer = arrowLayer(paths("line", [[along(-60, -20), along(60, 20)]]));
  expect(columnOf(layer, -28)).toBeGreaterThanOrEqual(6);
  expect(columnOf(layer, 27)).toBeGreaterThanOrEqual(6);
});

test("short lines have smaller heads, the shortest none", () => {
  const widest = (length: number) =>
    Math.max(
      ...[...Array(length + 2).keys()].map((x) =>
        columnOf(arrowLayer(paths("line", [[along(0, length)]])), x),
      ),
    );
  expect(widest(5)).toBe(2);
  expect(widest(12)).toBeGreaterThan(2);
  expect(widest(40)).toBeGreaterThan(widest(12));
});

test("a line that is cut has none at the cut", () => {
  const cut = arrowLayer(paths("line", [[along(-40, 0), along(0, 0), along(20, 60)]]));
  expect(columnOf(cut, -8)).toBe(2);
  expect(columnOf(cut, 52)).toBeGreaterThanOrEqual(6);
});

test("lines that a globe cuts are marked where they leave it, and only there", () => {
  const away = paths("line", [
    [
      [
        [0, 0],
        [120, 0],
      ],
    ],
    [
      [
        [120, 0],
        [0, 0],
      ],
    ],
    [
      [
        [0, 0],
        [30, 20],
      ],
    ],
  ]);
  const to = { name: "orthographic", center: [0, 0] } as const;
  const { paths: ends, features, xy } = projectPaths(away, to, { marksCuts: true });
  const pathsOf = (feature: number) => features[feature + 1]! - features[feature]!;
  expect([0, 1, 2].map(pathsOf)).toEqual([2, 1, 1]);
  const [from, end] = [2 * ends[1]!, 2 * ends[2]!];
  expect(Array.from(xy.subarray(from, end))).toEqual([
    ...xy.subarray(from - 2, from),
    ...xy.subarray(from - 2, from),
  ]);
  expect(projectPaths(away, to).features).toEqual(Uint32Array.of(0, 1, 2, 3));
});

test("heads are not hit", () => {
  const scene = sceneOf([arrowLayer(paths("line", [[along(-40, 40)]]))]);
  const prepared = prepare(scene, { createCanvas });
  const hits = (x: number, y: number) =>
    hitAll(prepared, viewportOf(scene), [x, y], { slopPx: 0, wanted: () => true, most: 5 }).length;
  expect([hits(132, 60), hits(132, 62.5)]).toEqual([1, 0]);
});
