import { describe, expect, test } from "vitest";
import { blurPeak, blurReach, HeatGrid } from "../../../src/render/aggregate/heat";
import { heatScaleOf } from "../../../src/render/aggregate/heat-scale";

const pointAt = (x: number, y: number) => ({
  geometry: { kind: "point" as const, x: Float64Array.of(x), y: Float64Array.of(y) },
});
const sum = (values: Float32Array) => values.reduce((all, value) => all + value, 0);

test("the scale of many points does not depend on their order", () => {
  const count = 1_000_000;
  const station = (i: number) => (i % 20) / 20;
  const geometry = {
    kind: "point" as const,
    x: Float64Array.from({ length: count }, (_, i) => station(i)),
    y: Float64Array.from({ length: count }, (_, i) => station(i * 7)),
  };
  const values = Float64Array.from({ length: count }, (_, i) => i % 20);
  const counted = heatScaleOf({ geometry }, 6, { sigmaPx: 8, statistic: "count" });
  expect(counted.densest).toBeGreaterThan(40_000);
  expect(counted.densest).toBeLessThan(60_000);
  const { means } = heatScaleOf({ geometry, values }, 6, { sigmaPx: 8, statistic: "avg" });
  expect(means).toEqual([0, 19]);
});

describe("HeatGrid", () => {
  test.each([0.8, 2, 3.7])(
    "a blur by %s bins is almost a Gaussian, and keeps the number of points",
    (sigma) => {
      const side = 101;
      const grid = new HeatGrid({ column: 0, row: 0, width: side, height: side, across: side }, false);
      grid.add(pointAt(50.5 / side, 50.5 / side));
      grid.blur(sigma);
      expect(sum(grid.counts)).toBeCloseTo(1, 4);
      let variance = 0;
      let worst = 0;
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const [dx, dy] = [x - 50, y - 50];
          variance += grid.counts[y * side + x]! * dx * dx;
          const gauss = Math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) / (2 * Math.PI * sigma * sigma);
          worst = Math.max(worst, Math.abs(grid.counts[y * side + x]! - gauss) * 2 * Math.PI * sigma * sigma);
        }
      expect(Math.sqrt(variance)).toBeGreaterThan(sigma * 0.8);
      expect(Math.sqrt(variance)).toBeLessThan(sigma * 1.25);
      if (sigma >= 2) expect(worst).toBeLessThan(0.2); // small kernels have few bins
      expect(grid.counts[50 * side + 50]).toBeCloseTo(blurPeak(sigma), 6);
      expect(grid.counts[50 * side + 50 + blurReach(sigma) + 1]).toBe(0);
    },
  );
  test("a place has the same density in every frame that shows it and its surroundings", () => {
    const points = Array.from({ length: 300 }, (_, i) =>
      pointAt(0.3 + ((i * 37) % 100) / 1000, 0.3 + ((i * 61) % 100) / 1000),
    );
    const densityAt = (column: number, row: number, size: number) => {
      const grid = new HeatGrid({ column, row, width: size, height: size, across: 1000 }, false);
      for (const point of points) grid.add(point);
      grid.blur(2);
      return grid.counts[(350 - row) * size + 350 - column]!;
    };
    expect(densityAt(250, 260, 200)).toBeCloseTo(densityAt(330, 320, 60), 5);
    expect(densityAt(250, 260, 200)).toBeGreaterThan(0);
  });
  test("copies of the world, shares, and values", () => {
    const grid = new HeatGrid({ column: 100, row: 0, width: 10, height: 10, across: 100 }, true);
    const point = { ...pointAt(0.05, 0.05), values: Float64Array.of(7) };
    grid.add(point);
    expect(sum(grid.counts)).toBe(0);
    grid.add(point, {}, { copy: 1, share: 0.5 });
    grid.add(
      { geometry: { ...point.geometry, weights: Float64Array.of(3) }, values: point.values },
      {},
      { copy: 1, isMean: true },
    );
    expect(grid.counts[55]).toBe(3.5);
    expect(grid.sums![55]).toBe(24.5);
  });
});
