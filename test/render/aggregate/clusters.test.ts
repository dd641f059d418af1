import { expect, test } from "vitest";
import { Clusters } from "../../../src/render/aggregate/clusters";
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
  expect(clusters.scaleAt(4).breaks.length).toBeLessThan(4);
});
test("averages, and the smallest and largest values", () => {
  const points = randomPoints(500);
  const [all] = new Clusters(points, aggregate("avg")).in(WORLD, 0);
  expect(all?.value).toBeCloseTo(points.values.reduce((sum, value) => sum + value, 0) / 500, 9);
  expect(new Clusters(points, aggregate("max")).in(WORLD, 0)[0]?.value).toBe(Math.max(...points.values));
  expect(new Clusters(points, aggregate("min")).in(WORLD, 0)[0]?.value).toBe(Math.min(...points.values));
});
test("very many points are put together on a grid first, without losing one; no points make no cluster", () => {
  const points = randomPoints(250_000);
  const found = new Clusters(points, aggregate("count")).in(WORLD, 3);
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(250_000);
  expect(new Clusters(randomPoints(0), aggregate("count")).in(WORLD, 3)).toEqual([]);
});
