/** The first view keeps the data clear of what lies on the map, and the legend goes where it covers least. */
import { describe, expect, test } from "vitest";
import { worldOf } from "../../src/geometry/mercator";
import { type Medium, placesOf } from "../../src/render/layout";
import { Occupancy } from "../../src/render/occupancy";
import { legendCornerOf, viewportOf } from "../../src/render/projection";
import type { Bounds, LegendCorner, Scene } from "../../src/render/scene";
import { mulberry32 } from "../support/seeded";
import { airports } from "./page/samples";
import { pathLayer, pointLayer, sceneOf } from "./page/scenes";

const TITLE = "A title that is a little longer than most";
const legends = airports().legends;

/** Returns how many of the places, in longitude and latitude, lie under something on the map, and how many outside of it. */
function hiddenOf(scene: Scene, positions: readonly (readonly [number, number])[], medium: Medium = "image") {
  const { originX, originY, worldPx, widthPx, heightPx } = viewportOf(scene, { medium });
  const places = placesOf(scene, legendCornerOf(scene), medium);
  let [covered, outside] = [0, 0];
  for (const position of positions) {
    const [x, y] = worldOf(position);
    const [px, py] = [(x - originX) * worldPx, (y - originY) * worldPx];
    if (px < 0 || py < 0 || px > widthPx || py > heightPx) outside++;
    if (places.some(({ left, right, top, bottom }) => px > left && px < right && py > top && py < bottom))
      covered++;
  }
  return { covered, outside };
}

const layerAt = (positions: readonly (readonly [number, number])[]) => {
  const world = positions.map(([lng, lat]) => worldOf([lng, lat]));
  return pointLayer(
    Float64Array.from(world, ([x]) => x),
    Float64Array.from(world, ([, y]) => y),
  );
};

function boundsOf(positions: readonly (readonly [number, number])[]): Bounds {
  const [lng, lat] = [positions.map(([x]) => x), positions.map(([, y]) => y)];
  return [Math.min(...lng), Math.min(...lat), Math.max(...lng), Math.max(...lat)];
}

const sceneAt = (positions: readonly (readonly [number, number])[], rest: Partial<Scene> = {}): Scene =>
  sceneOf([layerAt(positions)], {
    widthPx: 800,
    heightPx: 400,
    view: { kind: "fit", bounds: boundsOf(positions) },
    legends,
    title: TITLE,
    ...rest,
  });

const random = mulberry32(11);
const spread = ([west, south, east, north]: Bounds, count: number): [number, number][] =>
  Array.from({ length: count }, () => [west + random() * (east - west), south + random() * (north - south)]);
const USA: Bounds = [-124.5, 24.6, -67, 49];
const CLOCK: Scene["clock"] = {
  kind: "number",
  start: 0,
  step: 1,
  frames: 10,
  durationMs: 1000,
  speed: 1,
  loop: true,
  still: 0,
  paused: false,
};

describe("nothing lies on the data", () => {
  const everywhere: [number, number][] = [[-95, -55], [95, 70], ...spread([-95, -55, 95, 70], 2000)];
  test.each([
    ["a country, full of points", spread(USA, 3000), {}],
    ["a country, on a wide map", spread(USA, 3000), { widthPx: 1600, heightPx: 800 }],
    ["half of the world", everywhere, {}],
    ["a narrow country", spread([-75, -55, -67, -18], 500), {}],
    ["over time", spread(USA, 3000), { clock: CLOCK }],
    ["without a legend", spread(USA, 3000), { legends: [] }],
  ] as const)("%s", (_, positions, rest) => {
    for (const medium of ["page", "image"] as const)
      expect(hiddenOf(sceneAt(positions, rest), positions, medium)).toEqual({ covered: 0, outside: 0 });
  });

  test("page and image show the same view unless the page folds the legend", () => {
    const positions = spread(USA, 500);
    for (const [widthPx, heightPx] of [
      [800, 400],
      [640, 300],
      [1600, 800],
    ] as const) {
      const scene = sceneAt(positions, { widthPx, heightPx, clock: CLOCK });
      const [page, image] = (["page", "image"] as const).map((medium) => viewportOf(scene, { medium }));
      expect(page).toEqual(image);
    }
    const small = sceneAt(positions, { widthPx: 400, heightPx: 300 });
    expect(viewportOf(small, { medium: "page" }).worldPx).toBeGreaterThan(viewportOf(small).worldPx);
  });

  test("at least two fifths of the map remain for the data", () => {
    const positions = spread(USA, 3000);
    const many = Array.from({ length: 3 }, () => legends[0]!);
    const scene = sceneAt(positions, { widthPx: 500, heightPx: 260, legends: many, clock: CLOCK });
    const [west, , east] = USA;
    const wide = ((east - west) / 360) * viewportOf(scene).worldPx;
    expect(wide).toBeGreaterThan(0.4 * 500 * 0.8);
    expect(hiddenOf(scene, positions).outside).toBe(0);
  });
});

describe("the legend", () => {
  const half = (bounds: Bounds) => [...spread(bounds, 200), [-20, -20], [20, 20]] as [number, number][];
  const corners: [LegendCorner, Bounds][] = [
    ["top-right", [-20, -20, 20, 20]],
    ["bottom-right", [-20, 12, 20, 20]],
    ["bottom-left", [-20, 12, 20, 20]],
    ["top-left", [-20, -20, 20, 0]],
  ];

  test("is at the top right if it covers nothing there", () => {
    expect(legendCornerOf(sceneAt(spread([0, 0, 1, 20], 50)))).toBe("top-right");
    expect(legendCornerOf(sceneOf([], { legends }))).toBe("top-right");
  });

  test("leaves the top right to data", () => {
    const north = sceneAt(half([-20, 5, 20, 20]), { widthPx: 500, heightPx: 500 });
    expect(legendCornerOf(north)).toBe("bottom-right");
    const view = { kind: "center", lng: 0, lat: 0, zoom: 3 } as const;
    const east = [...spread([0, -40, 60, 40], 200)];
    expect(legendCornerOf(sceneAt(east, { view, title: undefined }))).toBe("bottom-left");
  });

  test.each(corners)("stays at the %s if the scene says so", (corner, bounds) => {
    const scene = sceneAt(half(bounds), { legendCorner: corner });
    expect(legendCornerOf(scene)).toBe(corner);
    const legend = placesOf(scene, corner, "image")[2]!;
    expect(legend.left + legend.right > 800).toBe(corner.endsWith("right"));
    expect(legend.top + legend.bottom > 400).toBe(corner.startsWith("bottom"));
  });
});

describe("the occupancy of a box", () => {
  const box = [0.2, 0.2, 0.6, 0.6] as const;
  const square = (from: number, to: number) => [from, from, to, from, to, to, from, to, from, from];

  test("of points, and of a point on its far corner", () => {
    const { x, y } = { x: Float64Array.of(0.3, 0.6), y: Float64Array.of(0.3, 0.6) };
    const occupancy = new Occupancy([pointLayer(x, y)], box);
    expect(occupancy.shareIn([0.2, 0.2, 0.35, 0.35])).toBe(0.5);
    expect(occupancy.shareIn([0.59, 0.59, 0.7, 0.7])).toBe(0.5);
    expect(occupancy.shareIn([0.4, 0.4, 0.5, 0.5])).toBe(0);
    expect(occupancy.shareIn([0, 0, 1, 1])).toBe(1);
    expect(occupancy.shareIn([0.7, 0.7, 0.8, 0.8])).toBe(0);
  });

  test("of a polygon includes its inside, but not its hole", () => {
    const layer = pathLayer("polygon", [[[square(0.25, 0.55), square(0.35, 0.45).reverse()]]]);
    const occupancy = new Occupancy([layer], box);
    expect(occupancy.shareIn([0.3, 0.3, 0.31, 0.31])).toBeGreaterThan(0);
    expect(occupancy.shareIn([0.38, 0.38, 0.42, 0.42])).toBe(0);
    expect(occupancy.shareIn([0.2, 0.2, 0.24, 0.6])).toBe(0);
  });

  test("of a line with two vertices includes what is between them", () => {
    const occupancy = new Occupancy([pathLayer("line", [[[[0.2, 0.2, 0.6, 0.6]]]])], box);
    expect(occupancy.shareIn([0.39, 0.39, 0.41, 0.41])).toBeGreaterThan(0);
    expect(occupancy.shareIn([0.45, 0.25, 0.55, 0.35])).toBe(0);
  });

  test("across the antimeridian includes data of the other side", () => {
    const occupancy = new Occupancy(
      [pointLayer(Float64Array.of(0.05), Float64Array.of(0.5))],
      [0.9, 0.4, 1.1, 0.6],
    );
    expect(occupancy.shareIn([1.04, 0.49, 1.06, 0.51])).toBe(1);
  });

  test("of values that are not finite, and of a single point", () => {
    const none = new Occupancy([pointLayer(Float64Array.of(Number.NaN), Float64Array.of(0.5))], box);
    expect(none.shareIn([0, 0, 1, 1])).toBe(0);
    const single = new Occupancy(
      [pointLayer(Float64Array.of(0.5), Float64Array.of(0.5))],
      [0.5, 0.5, 0.5, 0.5],
    );
    expect(single.shareIn([0.4, 0.4, 0.6, 0.6])).toBe(1);
    expect(single.shareIn([0.51, 0.4, 0.6, 0.6])).toBe(0);
  });
});
