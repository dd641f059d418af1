import { expect, test } from "vitest";
import { boundsOf } from "../../src/map/extent";
import { projectGeometry, withinMercator } from "../../src/map/geometry";
import { mulberry32 } from "../support/seeded";

const points = (...lnglats: [number, number][]) =>
  withinMercator(
    projectGeometry({
      kind: "lnglat",
      lng: Float64Array.from(lnglats, ([lng]) => lng),
      lat: Float64Array.from(lnglats, ([, lat]) => lat),
    }).geometry,
  );

const rounded = (...lnglats: [number, number][]) =>
  boundsOf([points(...lnglats)])?.map((degrees) => Math.round(degrees * 1e6) / 1e6);

test.each<[string, [number, number][], number[] | undefined]>([
  ["nothing", [], undefined],
  ["one point", [[-3.7, 40.4]], [-3.7, 40.4, -3.7, 40.4]],
  [
    "two points",
    [
      [10, 1],
      [-20, 5],
    ],
    [-20, 1, 10, 5],
  ],
  [
    "both sides of the antimeridian",
    [
      [170, 0],
      [-170, 1],
      [179, 2],
    ],
    [170, 0, -170, 2],
  ],
  [
    "on the antimeridian itself",
    [
      [180, 0],
      [-180, 1],
    ],
    [180, 0, -180, 1],
  ],
  [
    "the United States with the Aleutians",
    [
      [172.4, 52],
      [-125, 48],
      [-67, 45],
    ],
    [172.4, 45, -67, 52],
  ],
  [
    "the poles",
    [
      [0, 90],
      [10, -90],
    ],
    [0, -85.051129, 10, 85.051129],
  ],
])("%s", (_, lnglats, bounds) => expect(rounded(...lnglats)).toEqual(bounds));

test("worldwide data keep the usual edges of the map", () => {
  const random = mulberry32(11);
  const [west, , east] = boundsOf([
    points(
      ...Array.from({ length: 500 }, (): [number, number] => [random() * 360 - 180, random() * 100 - 50]),
    ),
  ])!;
  expect(west).toBeLessThan(-170);
  expect(east).toBeGreaterThan(170);
});

test("paths beyond the edges of the world", () => {
  const line = (...xs: number[]) => ({
    kind: "line" as const,
    xy: Float64Array.from(xs.flatMap((x) => [x, 0.5])),
    paths: Uint32Array.of(0, xs.length),
    features: Uint32Array.of(0, 1),
  });
  const sides = (...xs: number[]) => {
    const [west, , east] = boundsOf([line(...xs)])!;
    return [Math.round(west * 1e6) / 1e6, Math.round(east * 1e6) / 1e6];
  };
  expect(sides(0.75, 1.25)).toEqual([90, -90]);
  expect(sides(-0.25, 0.1)).toEqual([90, -144]);
  expect(sides(0, 1)).toEqual([-180, 180]);
  expect(sides(0.2, 1.6)).toEqual([-180, 180]);
});
