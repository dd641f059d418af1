import { expect, test } from "vitest";
import { worldPxOf } from "../../../src/geometry/mercator";
import type { Bins } from "../../../src/render/aggregate/bins";
import { ClusterLevels } from "../../../src/render/aggregate/cluster-levels";
import { sampledValues, valuesOfClusters } from "../../../src/render/aggregate/cluster-scale";
import { Clusters } from "../../../src/render/aggregate/clusters";
import { NearClusters } from "../../../src/render/aggregate/near-clusters";
import type { Aggregate, Statistic } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";

const aggregate = (statistic: Statistic): Aggregate => ({
  as: "cluster",
  cellPx: 56,
  statistic,
  title: "",
  palette: [
    [0, 0, 0, 255],
    [1, 1, 1, 255],
    [2, 2, 2, 255],
    [3, 3, 3, 255],
  ],
});
const WORLD = [0, 0, 1, 1] as const;

function randomPoints(count: number) {
  const random = mulberry32(3);
  const axis = () => Float64Array.from({ length: count }, () => 0.3 + (random() - 0.5) * random() * 0.2);
  return {
    geometry: { kind: "point" as const, x: axis(), y: axis() },
    values: Float64Array.from({ length: count }, () => random() * 10),
  };
}

test("clusters hold every point once at each level, and come apart as one zooms in", () => {
  const points = randomPoints(2000);
  const clusters = new Clusters(points, aggregate("sum"));
  const total = points.values.reduce((sum, value) => sum + value, 0);
  let before = 0;
  for (const level of [0, 2, 4, 6, 8, 10, 19]) {
    const found = clusters.in(WORLD, level);
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
    expect(found.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(total, 6);
    expect(found.length).toBeGreaterThanOrEqual(before);
    before = found.length;
  }
  expect(clusters.in(WORLD, 19)).toHaveLength(2000);
});
test("averages, and the smallest and largest values", () => {
  const points = randomPoints(500);
  const [all] = new Clusters(points, aggregate("avg")).in(WORLD, 0);
  expect(all?.value).toBeCloseTo(points.values.reduce((sum, value) => sum + value, 0) / 500, 9);
  expect(new Clusters(points, aggregate("max")).in(WORLD, 0)[0]?.value).toBe(Math.max(...points.values));
  expect(new Clusters(points, aggregate("min")).in(WORLD, 0)[0]?.value).toBe(Math.min(...points.values));
});
test.each([2000, 250_000])(
  "%d points: the clusters of a level have each of them, and classes with round bounds",
  (count) => {
    const { geometry } = randomPoints(count);
    const placed = {
      points: { geometry },
      box: [0.2, 0.2, 0.4, 0.4] as const,
      addIn: (bins: Bins) => bins.add({ geometry }),
      isCoarse: () => false,
      version: 0,
    };
    const levels = new ClusterLevels(placed, aggregate("count"));
    for (const level of [2, 5, 8, 13]) {
      const found = levels.in([0.2, 0.2, 0.4, 0.4], worldPxOf(level));
      expect(found.reduce((sum, cluster) => sum + cluster.count, 0)).toBe(count);
      const { breaks, range } = levels.scaleAt(level);
      expect(breaks.length).toBeLessThan(4);
      expect([...breaks].sort((a, b) => a - b)).toEqual(breaks);
      expect(breaks.every((value) => value > 2 && value <= range[1])).toBe(true);
    }
  },
);
test("the values of cells are about those of clusters", () => {
  const { geometry } = randomPoints(150_000);
  const level = 9;
  const box = [0.2, 0.2, 0.4, 0.4] as const;
  const near = new NearClusters({ addIn: (bins) => bins.add({ geometry }), version: 0 }, aggregate("count"));
  const { values } = valuesOfClusters(near.in(box, level, worldPxOf(level)));
  const sample = sampledValues({ geometry }, aggregate("count"), level).values;
  const median = (all: Float64Array) => [...all].sort((a, b) => a - b)[all.length >> 1]!;
  expect(median(sample) / median(values)).toBeGreaterThan(0.6);
  expect(median(sample) / median(values)).toBeLessThan(1.6);
});
test("no points make no cluster", () => {
  expect(new Clusters(randomPoints(0), aggregate("count")).in(WORLD, 3)).toEqual([]);
});
