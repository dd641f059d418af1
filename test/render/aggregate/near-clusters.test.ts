/** Clusters of the points near a view. */
import { createCanvas } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import { worldPxOf } from "../../../src/geometry/mercator";
import { Bins } from "../../../src/render/aggregate/bins";
import { Clusters } from "../../../src/render/aggregate/clusters";
import { latticeAt } from "../../../src/render/aggregate/lattice";
import { clustersOf, NearClusters } from "../../../src/render/aggregate/near-clusters";
import { legendsAt, paintTogether, placedIn, prepare } from "../../../src/render/painter";
import type { Aggregate, SceneLayer, Statistic, Viewport } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";
import { pointLayer, sceneOf } from "../page/scenes";

const CELL_PX = 56;
const aggregate = (statistic: Statistic = "count"): Aggregate => ({
  as: "cluster",
  cellPx: CELL_PX,
  statistic,
  title: "",
  palette: [1, 2, 3, 4].map((shade) => [shade, shade, shade, 255] as const),
});

function randomPoints(count: number, spread: number) {
  const random = mulberry32(3);
  const axis = () => Float64Array.from({ length: count }, () => 0.4 + random() * random() * spread);
  const values = Float64Array.from({ length: count }, () => Math.round(random() * 10));
  return { geometry: { kind: "point" as const, x: axis(), y: axis() }, values };
}

function binsOf(points: ReturnType<typeof randomPoints>, level: number, statistic: Statistic): Bins {
  const bins = new Bins(latticeAt("square", CELL_PX / 5, level), statistic, { hasCentroids: true });
  bins.add(points);
  return bins;
}

describe("groups of points", () => {
  const points = randomPoints(5000, 0.01);
  test.each<[Statistic, number]>([
    ["count", 5000],
    ["sum", points.values.reduce((sum, value) => sum + value, 0)],
    ["min", Math.min(...points.values)],
    ["max", Math.max(...points.values)],
  ])("are in one cluster each: %s", (statistic, expected) => {
    const clusters = clustersOf(binsOf(points, 12, statistic), CELL_PX / worldPxOf(12), statistic);
    expect(clusters.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
    const values = clusters.map(({ value }) => value);
    const all =
      statistic === "min"
        ? Math.min(...values)
        : statistic === "max"
          ? Math.max(...values)
          : values.reduce((sum, value) => sum + value, 0);
    expect(all).toBe(expected);
    expect(clusters.length).toBeGreaterThan(20);
  });

  test("keep the middle of all points, and single points their place", () => {
    const clusters = clustersOf(binsOf(points, 12, "count"), CELL_PX / worldPxOf(12), "count");
    const mean = (axis: Float64Array) => axis.reduce((sum, value) => sum + value, 0) / axis.length;
    const middle = clusters.reduce((sum, { x, count }) => sum + x * count, 0) / 5000;
    expect(middle).toBeCloseTo(mean(points.geometry.x), 12);
    const singles = clustersOf(binsOf(points, 18, "count"), CELL_PX / worldPxOf(18), "count").filter(
      ({ count }) => count === 1,
    );
    expect(singles.length).toBeGreaterThan(100);
    for (const { x, y } of singles)
      expect(points.geometry.x.some((px, i) => px === x && points.geometry.y[i] === y)).toBe(true);
  });

  test("are as many as supercluster makes, within a quarter", () => {
    const ours = clustersOf(binsOf(points, 12, "count"), CELL_PX / worldPxOf(12), "count");
    const theirs = new Clusters(points, aggregate()).in([0, 0, 1, 1], 12);
    expect(ours.length / theirs.length).toBeGreaterThan(0.75);
    expect(ours.length / theirs.length).toBeLessThan(1.25);
  });
});

describe("a view", () => {
  const points = randomPoints(40_000, 0.02);
  const near = (count: { asked: number }) =>
    new NearClusters(
      {
        version: 0,
        addIn: (bins) => {
          count.asked++;
          bins.add(points);
        },
      },
      aggregate(),
    );

  test("that is moved a little has the same clusters, which are not made again", () => {
    const [count, worldPx] = [{ asked: 0 }, worldPxOf(14)];
    const clusters = near(count);
    const [width, height] = [800 / worldPx, 400 / worldPx];
    const inBox = (x: number) => clusters.in([x, 0.401, x + width, 0.401 + height], 14, worldPx);
    const before = inBox(0.401);
    const after = inBox(0.401 + 20 / worldPx);
    expect(count.asked).toBe(1);
    expect(before.filter((cluster) => after.includes(cluster)).length).toBeGreaterThan(0.8 * before.length);
    inBox(0.401 + 2000 / worldPx);
    expect(count.asked).toBe(2);
  });

  test("of a part shows the clusters that the whole has there", () => {
    const worldPx = worldPxOf(14);
    const whole = near({ asked: 0 }).in([0.39, 0.39, 0.43, 0.43], 14, worldPx);
    const part = near({ asked: 0 }).in([0.402, 0.402, 0.405, 0.405], 14, worldPx);
    const isInside = ({ x, y }: { x: number; y: number }) =>
      x >= 0.402 && y >= 0.402 && x <= 0.405 && y <= 0.405;
    expect(part.map(({ count }) => count).sort()).toEqual(
      whole
        .filter(isInside)
        .map(({ count }) => count)
        .sort(),
    );
  });
});

describe("the painter", () => {
  const points = randomPoints(300_000, 0.01);
  const layer: SceneLayer = {
    ...pointLayer(points.geometry.x, points.geometry.y),
    aggregate: aggregate(),
  };
  const scene = sceneOf([layer], { legends: [{ title: "count", geometry: "point", items: [], layer: 0 }] });
  const prepared = prepare(scene, { createCanvas, together: paintTogether });
  const viewAt = (zoom: number): Viewport => {
    const worldPx = worldPxOf(zoom);
    const [originX, originY] = [0.402 - 400 / worldPx, 0.402 - 200 / worldPx];
    return { originX, originY, worldPx, widthPx: 800, heightPx: 400, pixelRatio: 1 };
  };
  const countsIn = (viewport: Viewport) =>
    placedIn(prepared, viewport, { wanted: () => true, most: 100_000 }).map(({ of }) => {
      const column = of.columns?.at(-1);
      return column?.kind === "numbers" ? column.values[0]! : 0;
    });

  test("shows every point of a view once it is zoomed in, however many there are elsewhere", () => {
    for (const zoom of [11, 13, 15]) {
      const { originX, originY, worldPx, widthPx, heightPx } = viewAt(zoom);
      const { x, y } = points.geometry;
      const inside = x.filter(
        (px, i) =>
          px >= originX &&
          px <= originX + widthPx / worldPx &&
          y[i]! >= originY &&
          y[i]! <= originY + heightPx / worldPx,
      ).length;
      const shown = countsIn(viewAt(zoom)).reduce((sum, count) => sum + count, 0);
      expect(shown / inside).toBeGreaterThan(0.8); // clusters at the edge have points on both sides of it
      expect(shown / inside).toBeLessThan(1.2);
    }
    const counts = countsIn(viewAt(18));
    expect(Math.max(...counts)).toBeLessThan(5); // a group of the whole layer has dozens
  });

  test("its legend has the classes of that zoom", () => {
    const labelsAt = (zoom: number) =>
      legendsAt(prepared, worldPxOf(zoom))[0]!.items.map(({ label }) => label);
    const [far, close] = [labelsAt(9), labelsAt(13)].map((labels) =>
      Number(labels.at(-1)!.replace(/\D/g, "")),
    );
    expect(far).toBeGreaterThan(10 * close!);
    expect(close).toBeGreaterThan(2);
    expect(labelsAt(20)).toEqual(expect.arrayContaining(["1"]));
  });
});
