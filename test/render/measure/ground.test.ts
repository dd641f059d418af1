/** Positions, lines and areas on the plane of every projection. */
import { describe, expect, test } from "vitest";
import type { LngLat } from "../../../src/geo";
import { worldOf } from "../../../src/geometry/mercator";
import { areaM2, lengthM } from "../../../src/render/measure/geodesic";
import { Ground, type WorldPaths } from "../../../src/render/measure/ground";
import { outlineOf } from "../../../src/render/plane";
import { PLANE_NAMES, type Projection } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";

const EARTH_M2 = 5.100656217240883e14;
const SEED = 5;
const WORLD_PX = 4096;

const planeOf = (name: Projection["name"], center: LngLat = [0, 0]): Projection => ({
  name,
  center,
  box: [0, 0, 1, 1],
});
const PLANES: readonly (readonly [string, Projection | undefined])[] = [
  ["mercator", undefined],
  ...PLANE_NAMES.map((name) => [name, planeOf(name)] as const),
  ["equal-earth around the Pacific", planeOf("equal-earth", [160, 0])],
  ["a globe from the north", planeOf("orthographic", [20, 60])],
];

/** Area inside rings by the even-odd rule, if none lies inside another. */
const areaOf = (rings: WorldPaths): number =>
  rings.reduce((sum, ring) => {
    let doubled = 0;
    for (let i = 0; i < ring.length; i += 2) {
      const next = (i + 2) % ring.length;
      doubled += ring[i]! * ring[next + 1]! - ring[next]! * ring[i + 1]!;
    }
    return sum + Math.abs(doubled) / 2;
  }, 0);

describe.each(PLANES)("on %s", (_, projection) => {
  const ground = new Ground(projection);

  test("a position is where it is drawn, and nothing is outside of the world", () => {
    const random = mulberry32(SEED);
    let shown = 0;
    for (let i = 0; i < 300; i++) {
      const at: LngLat = [360 * random() - 180, 160 * random() - 80];
      const world = ground.worldOf(at);
      if (!world) continue;
      shown++;
      const back = ground.degreesAt(world);
      expect(back, `seed ${SEED}, ${at}`).toBeDefined();
      expect(lengthM([at, back!]), `seed ${SEED}, ${at}`).toBeLessThan(
        projection?.name === "winkel-tripel" ? 200 : 20,
      );
    }
    expect(shown).toBeGreaterThan(projection?.name.startsWith("albers-usa") ? 2 : 100);
    for (const outside of [
      [0.5, -0.2],
      [0.5, 1.2],
      ...(projection
        ? [
            [-0.1, 0.5],
            [1.1, 0.5],
            [0.02, 0.26],
          ]
        : []),
    ])
      expect(ground.degreesAt(outside as [number, number]), `${outside}`).toBeUndefined();
  });
});

describe("Web Mercator", () => {
  const ground = new Ground(undefined);

  test("places of other copies of the world are the same positions", () => {
    const [x, y] = worldOf([12, 34]);
    for (const copy of [-2, 0, 3]) {
      const [lng, lat] = ground.degreesAt([x + copy, y])!;
      expect([lng, lat]).toEqual([expect.closeTo(12, 9), expect.closeTo(34, 9)]);
    }
    expect(ground.degreesAt([0, 0.5])).toBeDefined();
    expect(ground.degreesAt([1, 0.5])).toBeDefined();
  });

  test("a line across the antimeridian is cut there, and one beside it is not", () => {
    expect(
      ground.lines(
        [
          [170, 10],
          [-170, 20],
        ],
        WORLD_PX,
      ),
    ).toHaveLength(2);
    expect(
      ground.lines(
        [
          [-170, 10],
          [170, 20],
        ],
        WORLD_PX,
      ),
    ).toHaveLength(2);
    const [path, ...others] = ground.lines(
      [
        [-60, 40],
        [20, 50],
      ],
      WORLD_PX,
    );
    expect(others).toEqual([]);
    const highest = Math.min(...path!.filter((_, i) => i % 2 === 1));
    expect(highest).toBeLessThan(worldOf([0, 53])[1]); // an arc of a great circle
  });

  test("a line by the pole leaves the map and comes back", () => {
    const paths = ground.lines(
      [
        [0, 60],
        [179, 60],
      ],
      WORLD_PX,
    );
    expect(paths.flat().every(Number.isFinite)).toBe(true);
    expect(Math.min(...paths.flatMap((path) => path.filter((_, i) => i % 2 === 1)))).toBeGreaterThanOrEqual(
      -1e-9,
    );
  });

  test("an area around the pole reaches to the edge of the map", () => {
    const rings = ground.area(
      [
        [0, 70],
        [90, 70],
        [180, 70],
        [-90, 70],
      ],
      WORLD_PX,
    );
    const ys = rings.flatMap((ring) => ring.filter((_, i) => i % 2 === 1));
    expect(Math.min(...ys)).toBeCloseTo(0, 6);
    expect(areaOf(rings)).toBeGreaterThan(0.1);
    expect(areaOf(rings)).toBeLessThan(0.3);
  });
});

test.each([
  ["equal-earth", [0, 0]],
  ["equal-earth", [170, 0]],
  ["mollweide", [-100, 0]],
] as const)("areas on the equal-area plane %s around %s are those on the ground", (name, center) => {
  const projection = planeOf(name, center);
  const { xy } = outlineOf(projection)!;
  const whole = areaOf([[...xy]]);
  const ground = new Ground(projection);
  const random = mulberry32(SEED);
  for (let i = 0; i < 60; i++) {
    const [lng, lat] = [360 * random() - 180, 120 * random() - 60];
    const radius = 3 + 25 * random();
    const ring = Array.from({ length: 5 }, (_, k): LngLat => {
      const angle = (2 * Math.PI * k) / 5;
      return [lng + radius * Math.cos(angle), lat + radius * Math.sin(angle)];
    });
    if (i % 2 === 1) ring.reverse();
    const share = areaOf(ground.area(ring, WORLD_PX)) / whole;
    const ratio = share / (areaM2(ring) / EARTH_M2);
    expect(Math.abs(ratio - 1), `seed ${SEED}, ring ${i}`).toBeLessThan(0.02);
  }
});
