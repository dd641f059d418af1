import { expect, test } from "vitest";
import { arrowCorners, legendSymbolSize, nestedPoints } from "../../src/render/furniture";
import type { Legend } from "../../src/render/scene";

const legendOf = (geometry: Legend["geometry"], ...sizes: number[]): Legend => ({
  title: "t",
  geometry,
  items: sizes.map((sizePx) => ({ label: `${sizePx} px`, color: [0, 0, 0, 255], sizePx })),
});
const widthsOf = (legend: Legend) => legend.items.map((item) => legendSymbolSize(legend, item).width);

test("points of a legend about sizes have their own size, those of one about colours can be seen", () => {
  expect(widthsOf(legendOf("point", 2, 12, 38))).toEqual([2, 12, 38]);
  expect(widthsOf(legendOf("point", 2, 2))).toEqual([6, 6]);
  expect(widthsOf(legendOf("point", 90, 90))).toEqual([40, 40]);
});

test("lines have their own width", () => {
  const lines = legendOf("line", 0.5, 3, 25);
  expect(lines.items.map((item) => legendSymbolSize(lines, item).height)).toEqual([1, 3, 25]);
});

test("lines with arrowheads have room for the head, which is wider than the line", () => {
  const lines: Legend = { ...legendOf("line", 0.5, 6, 25), arrow: true };
  for (const item of lines.items) {
    const { width, height } = legendSymbolSize(lines, item);
    const corners = arrowCorners(lines, item);
    const [tip] = corners.filter(([x]) => x === 1);
    expect(tip).toEqual([1, 0.5]);
    for (const [x, y] of corners) expect(Math.min(x, y, 1 - x, 1 - y)).toBeGreaterThanOrEqual(0);
    const line = corners.filter(([x]) => x === 0).map(([, y]) => y * height);
    expect(Math.abs(line[1]! - line[0]!)).toBeCloseTo(Math.max(1, item.sizePx));
    expect(height).toBeGreaterThan(1.5 * item.sizePx);
    expect(width).toBeGreaterThanOrEqual(18);
  }
});

test("only points of different sizes are nested, and only if one is large", () => {
  expect(nestedPoints(legendOf("point", 5, 40))).toBeUndefined();
  expect(nestedPoints(legendOf("point", 90, 90))).toBeUndefined();
  expect(nestedPoints(legendOf("line", 5, 90))).toBeUndefined();
  expect(nestedPoints(legendOf("point", 5, 90))).toBeDefined();
});

test.each([
  ["even sizes", [5, 30, 60, 90]],
  ["nearly the same", [88, 89, 90]],
  ["small ones together", [1, 2, 3, 4, 90]],
])("nested points stand on one line, and labels do not overlap: %s", (_, sizes) => {
  const { points, heightPx, labelHeightPx, labelX } = nestedPoints(legendOf("point", ...sizes))!;
  expect(points.map(({ radius }) => 2 * radius)).toEqual([...sizes].reverse());
  expect(new Set(points.map(({ centerY, radius }) => centerY + radius)).size).toBe(1);
  for (const [i, { labelY, leader, centerX, centerY, radius }] of points.entries()) {
    expect(labelY - (points[i - 1]?.labelY ?? -labelHeightPx)).toBeGreaterThanOrEqual(labelHeightPx);
    expect(labelY + labelHeightPx / 2).toBeLessThanOrEqual(heightPx);
    expect(centerY + radius).toBeLessThanOrEqual(heightPx);
    expect(leader[0]).toEqual([centerX, centerY - radius]);
    expect(leader.at(-1)).toEqual([labelX, labelY]);
  }
});
