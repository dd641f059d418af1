import { describe, expect, test } from "vitest";
import { lngLatOf, worldOf, zoomOf } from "../../src/geometry/mercator";
import { centerOf, viewportOf } from "../../src/render/projection";
import type { Bounds, Scene, Viewport } from "../../src/render/scene";

const sceneOf = (view: Scene["view"], widthPx = 800, heightPx = 400): Scene => ({
  widthPx,
  heightPx,
  view,
  basemap: { theme: "light", background: [255, 255, 255, 255] },
  layers: [],
  legends: [],
});
const fitted = (bounds: Bounds, widthPx?: number, heightPx?: number) =>
  viewportOf(sceneOf({ kind: "fit", bounds }, widthPx, heightPx));

test.each([
  [
    [0, 0],
    [0.5, 0.5],
  ],
  [
    [-180, 85.0511287798066],
    [0, 0],
  ],
  [
    [180, -85.0511287798066],
    [1, 1],
  ],
  [
    [90, 90],
    [0.75, 0],
  ],
  [
    [190, -90],
    [370 / 360, 1],
  ],
] as const)("%j is at %j", (place, world) => {
  const [x, y] = worldOf(place);
  expect(x).toBeCloseTo(world[0], 12);
  expect(y).toBeCloseTo(world[1], 9);
});

test("world units and degrees convert back and forth", () => {
  for (let lng = -540; lng <= 540; lng += 13.7) {
    for (let lat = -85; lat <= 85; lat += 4.3) {
      const [backLng, backLat] = lngLatOf(worldOf([lng, lat]));
      expect(backLng).toBeCloseTo(lng, 9);
      expect(backLat).toBeCloseTo(lat, 9);
    }
  }
});

describe("the first view", () => {
  test.each([
    ["a country", [-9.5, 36, 3.3, 43.8]],
    ["a city", [-3.75, 40.38, -3.65, 40.45]],
    ["across the antimeridian", [166, -47, -175, -10]],
    ["high and narrow", [10, -60, 11, 75]],
    ["low and wide", [-95, -1, 95, 1]],
  ] as [string, Bounds][])("contains all of %s with a small margin", (_, bounds) => {
    const [west, south, east, north] = bounds;
    const { originX, originY, worldPx, widthPx, heightPx } = fitted(bounds);
    const [left, top] = worldOf([west, north]);
    const [right, bottom] = worldOf([east < west ? east + 360 : east, south]);
    const room = [left - originX, top - originY, originX - right, originY - bottom].map(
      (side) => side * worldPx,
    );
    const sides = [room[0]!, room[1]!, room[2]! + widthPx, room[3]! + heightPx];
    expect(sides[0]).toBeGreaterThanOrEqual(0.05 * widthPx - 1);
    expect(sides[1]).toBeGreaterThanOrEqual(0.05 * heightPx - 1);
    expect(sides[2]).toBeGreaterThanOrEqual(0.05 * widthPx - 1);
    expect(sides[3]).toBeGreaterThanOrEqual(0.05 * heightPx - 1);
    const used = Math.max(((right - left) * worldPx) / widthPx, ((bottom - top) * worldPx) / heightPx);
    expect(used).toBeGreaterThan(0.9 / 2 ** 0.25 - 0.01); // a quarter of a zoom step is lost at most
    expect(4 * zoomOf(worldPx)).toBeCloseTo(Math.round(4 * zoomOf(worldPx)), 9);
  });

  test("a single point has surroundings", () => {
    const view = fitted([2.35, 48.86, 2.35, 48.86]);
    expect(centerOf(view).zoom).toBeCloseTo(14, 9);
    expect(centerOf(view).lng).toBeCloseTo(2.35, 4);
    expect(centerOf(view).lat).toBeCloseTo(48.86, 4);
  });

  test.each([
    [200, 120],
    [800, 400],
    [400, 800],
  ])("the whole world shows once, as wide as a map of %d × %d", (widthPx, heightPx) => {
    for (const bounds of [
      [-180, -85, 180, 85],
      [-170, -80, 160, 80],
    ] as Bounds[]) {
      const { originX, worldPx } = fitted(bounds, widthPx, heightPx);
      expect(worldPx).toBeCloseTo(widthPx, 6);
      expect(originX).toBeCloseTo(0, 6);
    }
  });

  test("a low map of the world shows the inhabited latitudes, and one of its south shows the south", () => {
    const edges = ({ originY, worldPx, heightPx }: Viewport) =>
      [originY, originY + heightPx / worldPx].map((y) => Math.round(lngLatOf([0, y])[1]));
    expect(edges(fitted([-180, -85, 180, 85], 800, 400))).toEqual([75, -54]);
    expect(edges(fitted([-180, -60, 180, -10], 800, 400))).toEqual([43, -79]);
  });

  test("data on both sides of the antimeridian are in the middle", () => {
    const { originX, worldPx } = fitted([80, -80, -60, 80], 800, 400);
    expect([originX * 360 - 180, worldPx]).toEqual([expect.closeTo(10, 0), expect.closeTo(800, 6)]);
  });

  test("no view extends beyond a pole if the world is higher than the map", () => {
    const { originY, worldPx, heightPx } = fitted([-20, 60, 40, 84.9], 400, 400);
    expect(originY).toBeGreaterThanOrEqual(-1 / worldPx);
    expect(originY + heightPx / worldPx).toBeLessThanOrEqual(1);
  });

  test("a centre stays unchanged, but its zoom is limited", () => {
    const view = (zoom: number) => viewportOf(sceneOf({ kind: "center", lng: 10, lat: 50, zoom }));
    expect(centerOf(view(7.3)).zoom).toBeCloseTo(7.3, 9);
    expect(centerOf(view(7.3)).lng).toBeCloseTo(10, 1);
    expect(centerOf(view(40)).zoom).toBe(22);
    expect(centerOf(view(-9)).zoom).toBe(-2);
  });

  test.each([
    [800, 400],
    [801, 399],
  ])("its corner is on a whole pixel, also when restored from its centre: %d × %d", (widthPx, heightPx) => {
    for (const zoom of [0, 1.25, 7.5, 13]) {
      const first = viewportOf(sceneOf({ kind: "center", lng: 7.77, lat: 48.13, zoom }, widthPx, heightPx));
      const again = viewportOf(sceneOf({ kind: "center", ...centerOf(first) }, widthPx, heightPx));
      expect(first.originX * first.worldPx).toBeCloseTo(Math.round(first.originX * first.worldPx), 6);
      expect(again.originX).toBeCloseTo(first.originX, 12);
      expect(again.originY).toBeCloseTo(first.originY, 12);
    }
  });
});
