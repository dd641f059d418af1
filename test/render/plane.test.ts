/** Geometry on the plane of a projection, judged by d3-geo's own results for GeoJSON. */
import { geoAlbersUsa, geoArea, geoEqualEarth, geoOrthographic, geoPath } from "d3-geo";
import type { Position } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { describe, expect, test } from "vitest";
import countries from "world-atlas/countries-110m.json";
import type { LngLat } from "../../src/geo";
import { boundlessY, worldX } from "../../src/geometry/mercator";
import { Layer } from "../../src/map";
import { dataFromGeoJson } from "../../src/map/geojson-data";
import { projectGeometry } from "../../src/map/geometry";
import { boxesOfGroups, boxesOfPaths } from "../../src/render/painter/box";
import { hitPolygons } from "../../src/render/painter/hit";
import { graticuleOf, outlineOf, type Plane, projectPaths, projectPoints } from "../../src/render/plane";
import type { PathGeometry, PointGeometry } from "../../src/render/scene";

const WORLD: Plane = { name: "equal-earth", center: [0, 0] };
const USA: Plane = { name: "albers-usa", center: [0, 0] };
const globe = (...center: LngLat): Plane => ({ name: "orthographic", center });

/** The same plane in d3-geo. */
const UNIT = 1 / (2 * Math.PI);
const onUnit = <T extends ReturnType<typeof geoEqualEarth>>(projection: T) =>
  projection
    .scale(1e6 * UNIT)
    .translate([5e5, 5e5])
    .precision(1);
const judge = ({ name, center: [lng, lat] }: Plane) => {
  switch (name) {
    case "orthographic":
      return onUnit(geoOrthographic()).rotate([-lng, -lat]).clipAngle(90);
    case "albers-usa":
      return onUnit(geoAlbersUsa() as never);
    default:
      return onUnit(geoEqualEarth()).rotate([-lng, 0]);
  }
};

const points = (...positions: LngLat[]): PointGeometry => ({
  kind: "point",
  x: Float64Array.from(positions, ([lng]) => worldX(lng)),
  y: Float64Array.from(positions, ([, lat]) => boundlessY(lat)),
});

function paths(kind: PathGeometry["kind"], ...features: LngLat[][][]): PathGeometry {
  const [xy, ends, featureEnds]: [number[], number[], number[]] = [[], [0], [0]];
  for (const feature of features) {
    for (const path of feature) {
      for (const [lng, lat] of path) xy.push(worldX(lng), boundlessY(lat));
      ends.push(xy.length / 2);
    }
    featureEnds.push(ends.length - 1);
  }
  return {
    kind,
    xy: Float64Array.from(xy),
    paths: Uint32Array.from(ends),
    features: Uint32Array.from(featureEnds),
  };
}

/** Area by the even-odd rule of the rings of a feature, in square units of the plane; holes turn the other way in d3-geo. */
function areaOf({ xy, paths: ends, features }: PathGeometry, index = 0): number {
  const areas: number[] = [];
  for (let path = features[index]!; path < features[index + 1]!; path++) {
    let twice = 0;
    const [from, end] = [ends[path]!, ends[path + 1]!];
    for (let i = from, j = end - 1; i < end; j = i++)
      twice += xy[2 * j]! * xy[2 * i + 1]! - xy[2 * i]! * xy[2 * j + 1]!;
    areas.push(Math.abs(twice / 2));
  }
  return areas.reduce((sum, area) => sum + area, 0);
}

const contains = (geometry: PathGeometry, plane: Plane, place: LngLat): boolean => {
  const [x, y] = judge(plane)([...place])!;
  const boxes = boxesOfGroups(boxesOfPaths(geometry.xy, geometry.paths), geometry.features);
  return hitPolygons(geometry, boxes, { x: x / 1e6, y: y / 1e6 }, 1).length > 0;
};

describe("points", () => {
  test.each([
    [WORLD, [0, 0]],
    [WORLD, [-179.9, 89]],
    [WORLD, [151.2, -33.9]],
    [{ name: "equal-earth", center: [150, 0] }, [-170, 10]],
    [globe(10, 50), [-20, 65]],
    [USA, [-98, 39]],
    [USA, [-149.9, 61.2]],
    [USA, [-157.8, 21.3]],
  ] as [Plane, LngLat][])("%o shows %o where d3-geo does", (plane, position) => {
    const { x, y } = projectPoints(points(position), plane);
    const [px, py] = judge(plane)([...position])!;
    expect([x[0], y[0]]).toEqual([expect.closeTo(px / 1e6, 9), expect.closeTo(py / 1e6, 9)]);
  });

  test("points that do not show are left out, and the others keep their rows", () => {
    const { x, rows } = projectPoints(points([-98, 39], [2.3, 48.9], [-149.9, 61.2]), USA);
    expect([x.length, [...rows!]]).toEqual([2, [0, 2]]);
    const globed = projectPoints(
      { ...points([10, 0], [-170, 0], [20, 0]), rows: Uint32Array.of(4, 5, 5) },
      globe(0, 0),
    );
    expect([...globed.rows!]).toEqual([4, 5]);
    expect(projectPoints(points([1, 1], [2, 2]), WORLD).rows).toBeUndefined();
  });
});

describe("polygons", () => {
  const square = (west: number, south: number, east: number, north: number): LngLat[] => [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  /** Areas are those of the sphere in an equal-area projection. */
  const sphereArea = (west: number, south: number, east: number, north: number) =>
    ((east - west) / 360) * (Math.sin((north * Math.PI) / 180) - Math.sin((south * Math.PI) / 180)) * UNIT;

  test.each([
    ["a square", [-10, 40, 20, 60]],
    ["across the antimeridian", [170, -20, 200, 10]],
    ["half of the world", [-180, 0, 180, 90]],
    ["a belt around the world", [-180, -60, 180, 60]],
    ["the whole world", [-180, -90, 180, 90]],
    ["a cap of the pole", [-180, -90, 180, -70]],
  ] as [string, [number, number, number, number]][])("%s covers its area, in either direction", (_, box) => {
    for (const ring of [square(...box), square(...box).reverse()])
      expect(areaOf(projectPaths(paths("polygon", [ring]), WORLD))).toBeCloseTo(sphereArea(...box), 4);
  });

  test("a ring may enclose more than half of the world", () => {
    const ring: LngLat[] = [
      [-170, -80],
      [0, -80],
      [170, -80],
      [170, 85],
      [0, 85],
      [-170, 85],
      [-170, -80],
    ];
    const geometry = projectPaths(paths("polygon", [ring]), WORLD);
    expect(areaOf(geometry)).toBeCloseTo(sphereArea(-170, -80, 170, 85), 4);
    expect(contains(geometry, WORLD, [0, 0])).toBe(true);
    expect(contains(geometry, WORLD, [179, 0])).toBe(false);
  });

  test("edges follow parallels, as in Web Mercator", () => {
    const geometry = projectPaths(paths("polygon", [square(-120, 40, -60, 49)]), WORLD);
    expect(contains(geometry, WORLD, [-90, 48.5])).toBe(true);
    expect(contains(geometry, WORLD, [-90, 49.5])).toBe(false);
  });

  test("a ring around the pole contains the pole, with and without edges to it", () => {
    const coast: LngLat[] = [
      [-180, -75],
      [-90, -70],
      [0, -72],
      [90, -68],
      [180, -75],
    ];
    const plane = globe(0, -90);
    for (const ring of [
      [...coast, [180, -90], [-180, -90], [-180, -75]] as LngLat[],
      [...coast.slice(1), [-90, -70]] as LngLat[],
    ]) {
      const geometry = projectPaths(paths("polygon", [ring]), plane);
      expect(contains(geometry, plane, [45, -89])).toBe(true);
      expect(contains(geometry, plane, [180, -80])).toBe(true);
      expect(contains(geometry, plane, [45, -60])).toBe(false);
    }
  });

  test("holes are holes, in any direction", () => {
    for (const hole of [square(0, 0, 10, 10), square(0, 0, 10, 10).reverse()]) {
      const geometry = projectPaths(paths("polygon", [square(-20, -20, 30, 30), hole]), WORLD);
      expect(contains(geometry, WORLD, [5, 5])).toBe(false);
      expect(contains(geometry, WORLD, [20, 20])).toBe(true);
    }
  });

  test("countries have the areas that d3-geo measures", async () => {
    const topology = countries as unknown as Topology<{ countries: GeometryCollection }>;
    const world = feature(topology, topology.objects.countries);
    const { geometry: source } = await dataFromGeoJson(new Layer(world as never), world as never);
    const { geometry } = projectGeometry(source);
    const projected = projectPaths(geometry as PathGeometry, WORLD);
    expect(projected.features.length - 1).toBe(world.features.length);
    for (const [i, { geometry: country, properties }] of world.features.entries()) {
      const parts = (
        country.type === "Polygon" ? [country.coordinates] : country["coordinates" as never]
      ) as Position[][][];
      if (parts.some((rings) => rings.length > 1)) continue; // `areaOf` adds the areas of holes
      const area = geoArea(country) * UNIT * UNIT;
      const off = Math.abs(areaOf(projected, i) - area);
      expect(off, JSON.stringify(properties)).toBeLessThan(0.02 * area + 1e-6);
    }
  });

  test("features on the far side of a globe are left out", () => {
    const two = paths("polygon", [square(170, 0, 180, 10)], [square(0, 0, 10, 10)]);
    const geometry = projectPaths(two, globe(0, 0));
    expect([...geometry.features]).toEqual([0, 1]);
    expect([...geometry.rows!]).toEqual([1]);
  });
});

describe("lines", () => {
  test("are cut at the antimeridian, and follow great circles", () => {
    const { xy, paths: ends } = projectPaths(
      paths("line", [
        [
          [139.7, 35.7],
          [210.1, 61.2],
        ],
      ]),
      WORLD,
    );
    expect(ends.length - 1).toBe(2);
    const expected = geoPath(judge(WORLD)).bounds({
      type: "LineString",
      coordinates: [
        [139.7, 35.7],
        [-149.9, 61.2],
      ],
    });
    const ys = xy.filter((_, i) => i % 2 === 1);
    expect(Math.min(...ys)).toBeCloseTo(expected[0][1] / 1e6, 4);
    expect(Math.max(...ys)).toBeCloseTo(expected[1][1] / 1e6, 4);
  });

  test("stay on their parallel if they are straight", () => {
    const { xy } = projectPaths(
      paths("line", [
        [
          [-120, 49],
          [-95, 49],
        ],
      ]),
      WORLD,
      { isStraight: true },
    );
    const ys = xy.filter((_, i) => i % 2 === 1);
    expect(Math.max(...ys) - Math.min(...ys)).toBeLessThan(1e-4);
  });
});

test("world maps have an outline and a graticule inside of it, other maps have none", () => {
  for (const plane of [WORLD, globe(20, 30)]) {
    const outline = outlineOf(plane)!;
    const [, top] = boxesOfPaths(outline.xy, outline.paths);
    const expected = geoPath(judge(plane)).bounds({ type: "Sphere" });
    expect(top).toBeCloseTo(expected[0][1] / 1e6, 4);
    expect(graticuleOf(plane)!.paths.length).toBeGreaterThan(10);
  }
  expect([outlineOf(USA), graticuleOf(USA)]).toEqual([undefined, undefined]);
});
