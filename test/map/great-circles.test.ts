/** Lines along great circles, judged by d3-geo's interpolation between the same ends. */
import { geoInterpolate } from "d3-geo";
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import { mapScene } from "../../src/context/map/map-scene";
import type { LngLat } from "../../src/geo";
import { lngLatOf, worldOf, worldX } from "../../src/geometry/mercator";
import { BaseMap, Layer, type LayerOptions, type MapOptions } from "../../src/map";
import { alongGreatCircles } from "../../src/map/great-circles";
import type { PathGeometry } from "../../src/render/scene";
import { mulberry32, paths } from "../render/painter/scenes";
import { nowhere, progress } from "../support/nowhere";

const MAP_PX = 1000;

const linesOf = ({ xy, paths }: PathGeometry): (readonly [number, number])[][] =>
  Array.from({ length: paths.length - 1 }, (_, path) =>
    Array.from({ length: paths[path + 1]! - paths[path]! }, (_, i) => {
      const at = 2 * (paths[path]! + i);
      return [xy[at]!, xy[at + 1]!] as const;
    }),
  );

/** Returns the distance of a place from a line, in any copy of the world. */
function distanceTo(line: readonly (readonly [number, number])[], [x, y]: readonly [number, number]): number {
  let least = Infinity;
  for (let i = 1; i < line.length; i++) {
    const [[ax, ay], [bx, by]] = [line[i - 1]!, line[i]!];
    for (const copy of [-1, 0, 1]) {
      const [dx, dy, px, py] = [bx - ax, by - ay, x + copy - ax, y - ay];
      const along = Math.max(0, Math.min(1, (px * dx + py * dy) / (dx * dx + dy * dy || 1)));
      least = Math.min(least, Math.hypot(px - along * dx, py - along * dy));
    }
  }
  return least;
}

function extentOf({ xy }: PathGeometry): number {
  const axis = (offset: number) => xy.filter((_, i) => i % 2 === offset);
  const span = (values: Float64Array) =>
    values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  return Math.max(span(axis(0)), span(axis(1)));
}

describe("each place of an arc is within a fifth of a pixel of the line", () => {
  const cases: [string, LngLat, LngLat][] = [
    ["Los Angeles to Tokyo, across the antimeridian", [-118.4, 33.9], [139.7, 35.7]],
    ["from the south to the north, with its middle on the straight line", [-60, -40], [60, 40]],
    ["nearly opposite, from the equator", [0, 0.5], [179, 0.5]],
    ["along the equator", [-80, 0], [80, 0]],
    ["along a meridian", [10, -60], [10, 70]],
    ["of a few kilometres", [8.5, 47.3], [8.6, 47.4]],
  ];
  const random = mulberry32(11);
  for (let i = 0; i < 30; i++)
    cases.push([
      `seed 11, case ${i}`,
      [random() * 360 - 180, random() * 140 - 70],
      [random() * 360 - 180, random() * 140 - 70],
    ]);

  test.each(cases)("%s", (_, from, to) => {
    const line = alongGreatCircles(paths("line", [[[from, to]]]));
    const parts = linesOf(line);
    const tolerance = (0.2 / MAP_PX) * extentOf(line);
    const at = geoInterpolate([...from], [...to]);
    for (let i = 0; i <= 500; i++) {
      const [lng, lat] = at(i / 500);
      if (Math.abs(lat) > 85) continue; // beyond the map
      const distance = Math.min(...parts.map((part) => distanceTo(part, worldOf([lng, lat]))));
      expect(distance, `at ${lng}, ${lat}`).toBeLessThan(tolerance);
    }
    expect(line.xy.length / 2).toBeLessThan(300);
    for (const part of parts)
      for (let i = 1; i < part.length; i++) expect(Math.abs(part[i]![0] - part[i - 1]![0])).toBeLessThan(0.5);
  });
});

test("short edges, and features and rows, stay as they are", () => {
  const straight = paths("line", [
    [
      [
        [0, 50],
        [0.001, 50],
      ],
      [
        [0, 51],
        [0.001, 51.001],
      ],
    ],
    [
      [
        [100, 10],
        [100.001, 10],
      ],
    ],
  ]);
  const rows = Uint32Array.of(3, 7);
  expect(alongGreatCircles({ ...straight, rows })).toEqual({ ...straight, rows });
  expect(alongGreatCircles(straight)).toEqual(straight);
  const nothing = paths("line", []);
  expect(alongGreatCircles(nothing)).toEqual(nothing);
});

test("an arc over the pole is cut, and what is left leads to the edge of the map", () => {
  const [up, cut, down, ...more] = linesOf(
    alongGreatCircles(
      paths("line", [
        [
          [
            [0, 60],
            [180, 60],
          ],
        ],
      ]),
    ),
  );
  expect(more).toEqual([]);
  expect(up!.every(([x]) => Math.abs(x - worldX(0)) < 1e-9)).toBe(true);
  expect(down!.every(([x]) => Math.abs((x % 1) - (worldX(180) % 1)) < 1e-9)).toBe(true);
  expect(up!.at(-1)![1]).toBeLessThanOrEqual(0);
  expect(down![0]![1]).toBeLessThanOrEqual(0);
  expect(cut).toEqual([up!.at(-1), up!.at(-1)]);
});

test.each<[LngLat, LngLat]>([
  [
    [0, 0],
    [180, 0],
  ],
  [
    [-30, 40],
    [150, -40],
  ],
  [
    [20, 90],
    [20, -90],
  ],
])("opposite places %j and %j are joined across the equator", (from, to) => {
  const line = linesOf(alongGreatCircles(paths("line", [[[from, to]]]))).flat();
  expect(line.every(([x, y]) => Number.isFinite(x) && !Number.isNaN(y))).toBe(true);
  expect(Math.min(...line.map(([x, y]) => Math.hypot(lngLatOf([x, y])[1])))).toBeLessThan(1e-6);
});

test("places at a pole do not cost other lines their shape", () => {
  const pole = {
    ...paths("line", [
      [
        [
          [0, 90],
          [90, 90],
          [20, 60],
          [150, 60],
        ],
      ],
      [
        [
          [0, 10],
          [1, 10],
        ],
      ],
    ]),
  };
  const xy = pole.xy.map((value, i) => (i % 2 === 1 && value <= 0 ? Number.NEGATIVE_INFINITY : value));
  const { xy: arcs, features } = alongGreatCircles({ ...pole, xy });
  expect(arcs.length / 2).toBeLessThan(400);
  expect(arcs.filter((value) => Number.isNaN(value))).toHaveLength(0);
  expect(features).toHaveLength(3);
});

test("many long lines get fewer vertices each, and still follow their arcs on a map of the whole layer", () => {
  const random = mulberry32(5);
  const place = (): LngLat => [random() * 360 - 180, random() * 140 - 70];
  const features = Array.from({ length: 20_000 }, () => [[place(), place()]]);
  const all = alongGreatCircles(paths("line", features));
  const alone = alongGreatCircles(paths("line", features.slice(0, 1)));
  expect(all.xy.length / 2).toBeLessThan(1_200_000);
  expect(all.paths[1]!).toBeLessThan(alone.paths[1]!);
});

const ROUTE = new DataFrame({ geometry: ["LINESTRING (-118.4 33.9, 2.35 48.86)"], n: [1] });
const sceneOf = async (options: LayerOptions, map: Partial<MapOptions> = {}, frame = ROUTE) => {
  const layers = [new Layer(frame, options)];
  return mapScene(nowhere, { layers, ...map, progress } as Parameters<typeof mapScene>[1]);
};

test("`curve` bends the lines of a layer, and the view shows all of the arc", async () => {
  const [straight, bent] = await Promise.all([sceneOf({}), sceneOf({ curve: "geodesic" })]);
  expect((straight.scene.layers[0]!.geometry as PathGeometry).xy).toHaveLength(4);
  const { xy } = bent.scene.layers[0]!.geometry as PathGeometry;
  const northernmost = lngLatOf([0, Math.min(...xy.filter((_, i) => i % 2 === 1))])[1];
  expect(northernmost).toBeGreaterThan(60);
  const bounds = [
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
    expect.closeTo(northernmost, 6),
  ];
  expect(bent.scene.view).toEqual({ kind: "fit", bounds });
  expect(bent.warnings).toEqual([]);
});

test("in other projections lines follow great circles anyway", async () => {
  const [plain, curved] = await Promise.all([
    sceneOf({}, { projection: "equal-earth" }),
    sceneOf({ curve: "geodesic" }, { projection: "equal-earth" }),
  ]);
  expect(curved.scene.layers[0]!.geometry).toEqual(plain.scene.layers[0]!.geometry);
});

test("layers without lines warn about options for lines", async () => {
  const points = new DataFrame({ geometry: ["POINT (1 2)"] });
  const { warnings } = await sceneOf({ curve: "geodesic", arrow: true }, {}, points);
  expect(warnings).toEqual([
    "`curve` and `arrow` have no effect on the points of layer DataFrame (1 × 1), only on lines.",
  ]);
  const areas = new DataFrame({ geometry: ["POLYGON ((0 0, 1 0, 1 1, 0 0))"] });
  expect((await sceneOf({ arrow: true }, {}, areas)).warnings).toEqual([
    "`arrow` has no effect on the polygons of layer DataFrame (1 × 1), only on lines.",
  ]);
});

test("wrong options", () => {
  expect(() => new Layer("t", { curve: "arc" as never })).toThrow(
    'Layer "t": `curve` must be "geodesic", or absent for straight segments; got "arc".',
  );
  expect(() => new Layer("t", { arrow: "end" as never })).toThrow(
    'Layer "t": `arrow` must be true or false; got "end".',
  );
  expect(new Layer("t", { arrow: false }).style.arrow).toBeUndefined();
});

test("a base map of raster tiles keeps arcs in Web Mercator", async () => {
  const layers = [new BaseMap({ source: "light" }), new Layer(ROUTE, { curve: "geodesic" })];
  const { scene } = await sceneOf({}, { layers });
  expect(scene.projection).toBeUndefined();
  expect((scene.layers[0]!.geometry as PathGeometry).xy.length).toBeGreaterThan(20);
});
