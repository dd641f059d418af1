/** Cells of points, against sums over all points. */
import { describe, expect, test } from "vitest";
import { Bins } from "../../../src/render/aggregate/bins";
import { breakLabels, breaksOf, classOf } from "../../../src/render/aggregate/breaks";
import { CellIndex } from "../../../src/render/aggregate/cell-index";
import { cellAt, cornersOf, latticeAt, levelOf, middleOf } from "../../../src/render/aggregate/lattice";
import { rangeOf } from "../../../src/render/aggregate/levels";
import type { PointGeometry, Statistic } from "../../../src/render/scene";
import { mulberry32 } from "../../support/seeded";

const random = mulberry32(5);

describe("lattices", () => {
  test("a position is in the hexagon with the nearest middle", () => {
    const lattice = latticeAt("hexagon", 20, 3);
    for (let i = 0; i < 2000; i++) {
      const [x, y] = [random(), random()];
      const cell = cellAt(lattice, x, y);
      const distanceTo = (column: number, row: number) => {
        const [atX, atY] = middleOf(lattice, { column, row });
        return Math.hypot(atX - x, atY - y);
      };
      const around = [-2, -1, 0, 1, 2].flatMap((dx) =>
        [-2, -1, 0, 1, 2].map((dy) => distanceTo(cell.column + dx, cell.row + dy)),
      );
      expect(distanceTo(cell.column, cell.row)).toBeLessThanOrEqual(Math.min(...around) + 1e-12);
    }
  });
  test("cells cover the plane: neighbours share corners, and squares and hexagons have their middle inside", () => {
    for (const shape of ["square", "hexagon"] as const) {
      const lattice = latticeAt(shape, 16, 5);
      for (let i = 0; i < 500; i++) {
        const cell = cellAt(lattice, random(), random());
        const [x, y] = middleOf(lattice, cell);
        expect(cellAt(lattice, x, y)).toEqual(cell);
        for (const [dx, dy] of cornersOf(lattice)) {
          const inside = cellAt(lattice, x + dx * lattice.width * 0.999, y + dy * lattice.width * 0.999);
          expect(inside).toEqual(cell);
        }
      }
    }
  });
  test("the world is a whole number of cells wide, and cells keep their size on the screen at all zooms", () => {
    for (const worldPx of [256, 300, 1000, 256 * 2 ** 12.49, 256 * 2 ** 12.51]) {
      const { width } = latticeAt("hexagon", 12, levelOf(worldPx));
      expect(1 / width).toBeCloseTo(Math.round(1 / width), 6);
      expect(width * worldPx).toBeGreaterThan(12 * 0.69);
      expect(width * worldPx).toBeLessThan(12 * 1.45);
    }
  });
});

test("CellIndex numbers cells in order, tells kinds apart, and grows", () => {
  const index = new CellIndex();
  const known = new Map<string, number>();
  for (let i = 0; i < 50_000; i++) {
    const [column, row, kind] = [Math.floor(random() * 200) - 100, Math.floor(random() * 200) - 100, i % 2];
    const key = `${column} ${row} ${kind}`;
    if (!known.has(key)) {
      expect(index.find(column, row, kind)).toBeUndefined();
      known.set(key, known.size);
    }
    if (index.numberOf(column, row, kind) !== known.get(key)) throw new Error(`number of ${key}`);
  }
  expect(index.count).toBe(known.size);
  expect([index.columns.length, index.rows.length]).toEqual([known.size, known.size]);
});

describe("Bins", () => {
  const count = 5000;
  const geometry: PointGeometry = {
    kind: "point",
    x: Float64Array.from({ length: count }, () => 0.4 + random() * 0.01),
    y: Float64Array.from({ length: count }, () => 0.4 + random() * 0.01),
    rows: Uint32Array.from({ length: count }, (_, i) => count - 1 - i),
    weights: Float64Array.from({ length: count }, () => 1 + Math.floor(random() * 3)),
  };
  const values = Float64Array.from({ length: count }, () => random() * 100 - 50);
  const lattice = latticeAt("hexagon", 12, 13);

  test.each(["count", "sum", "avg", "min", "max"] as const)(
    "%s equals a sum over all points",
    (statistic: Statistic) => {
      const bins = new Bins(lattice, statistic);
      bins.add({ geometry, values }, { from: 0, to: 2000 });
      bins.add({ geometry, values }, { from: 2000 });
      const members = new Map<string, number[]>();
      for (let i = 0; i < count; i++) {
        const { column, row } = cellAt(lattice, geometry.x[i]!, geometry.y[i]!);
        members.set(`${column} ${row}`, [...(members.get(`${column} ${row}`) ?? []), i]);
      }
      expect(bins.cells.count).toBe(members.size);
      for (const [key, points] of members) {
        const [column, row] = key.split(" ").map(Number) as [number, number];
        const cell = bins.cells.find(column, row)!;
        const weights = points.map((i) => geometry.weights![i]!);
        const own = points.map((i) => values[geometry.rows![i]!]!);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const expected = {
          count: total,
          sum: own.reduce((sum, value) => sum + value, 0),
          avg: own.reduce((sum, value, i) => sum + value * weights[i]!, 0) / total,
          min: Math.min(...own),
          max: Math.max(...own),
        }[statistic];
        expect(bins.counts[cell]).toBe(total);
        expect(bins.valueOf(cell)).toBeCloseTo(expected, 9);
      }
    },
  );
  test("points that are not finite are left out", () => {
    const bins = new Bins(lattice, "count");
    const x = Float64Array.of(0.5, Number.NaN, 0.5);
    const y = Float64Array.of(0.5, 0.5, -Infinity);
    bins.add({ geometry: { kind: "point", x, y } });
    expect([...bins.counts]).toEqual([1]);
  });
});

describe("breaks", () => {
  const classes = (values: readonly number[], most: number, isCount = true) => {
    const breaks = breaksOf(Float64Array.from(values), most, isCount);
    return {
      breaks,
      labels: breakLabels(breaks, isCount, rangeOf(Float64Array.from(values))),
      sizes: sizesOf(values, breaks),
    };
  };
  const sizesOf = (values: readonly number[], breaks: readonly number[]) => {
    const sizes = [...breaks, 0].map(() => 0);
    for (const value of values) sizes[classOf(value, breaks)]!++;
    return sizes;
  };

  test("are round, and each class has cells", () => {
    const values = Array.from({ length: 3000 }, () => Math.ceil(random() ** 6 * 20_000));
    const { breaks, labels, sizes } = classes(values, 6);
    for (const value of breaks) expect(Number(value.toPrecision(3))).toBe(value);
    expect(sizes.every((size) => size > 0)).toBe(true);
    expect(sizes).toHaveLength(6);
    expect(labels[0]).toMatch(/^1( – \d+)?$/);
    expect(labels.at(-1)).toMatch(/^≥ [\d,]+$/);
  });
  test("equal values are in one class, and the others share the rest", () => {
    const values = [...Array(800).fill(1), ...Array.from({ length: 200 }, (_, i) => i + 2)];
    const { labels, sizes } = classes(values, 5);
    expect(sizes[0]).toBe(800);
    expect(labels).toHaveLength(5);
    expect(Math.max(...sizes.slice(1))).toBeLessThan(80);
  });
  test("every class has a cell, also of few cells", () => {
    for (let round = 0; round < 500; round++) {
      const isCount = round % 2 === 0;
      const values = Array.from({ length: 2 + Math.floor(random() * 12) }, () => {
        const value = random() ** 3 * 1000 - (isCount ? 0 : 300);
        return isCount ? Math.ceil(value) : value;
      });
      expect(Math.min(...classes(values, 4, isCount).sizes), values.join()).toBeGreaterThan(0);
    }
    expect(classes([155, 848, 997], 4).labels).toEqual(["1 – 799", "800 – 989", "≥ 990"]);
  });
  test("a single value, none, and numbers with decimals and signs", () => {
    expect(classes([7, 7, 7], 6).labels).toEqual(["7"]);
    expect(classes([], 6).labels).toEqual(["0"]);
    expect(classes([0.1 + 0.2], 6, false).labels).toEqual(["0.3"]);
    const { labels } = classes(
      Array.from({ length: 100 }, (_, i) => i / 100 - 0.5),
      4,
      false,
    );
    expect(labels).toEqual(["< −0.3", "−0.3 – 0", "0 – 0.2", "≥ 0.2"]);
  });
});
