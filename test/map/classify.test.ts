import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  classifyByBounds,
  classifyCategories,
  classifyNumbers,
  equalBreaks,
  firstDouble,
  headTailBreaks,
  quantileBreaks,
} from "../../src/map/classify";
import { MISSING_CLASS } from "../../src/render/scene";
import { openPostgis } from "../support/pglite";
import { mulberry32 } from "../support/seeded";

const METHODS = ["quantiles", "equal", "headtails", "jenks"] as const;

test("equal intervals of a range longer than the largest double", () => {
  const [min, max] = [-1e308, 1.7e308];
  const breaks = equalBreaks(Float64Array.from([min, max]), 5);
  const widths = breaks.map((bound, i) => bound / 4 - (breaks[i - 1] ?? min) / 4);
  expect(Math.max(...widths) / Math.min(...widths)).toBeCloseTo(1, 10);
  expect(breaks.at(-1)).toBe(max);
});

describe("breaks equal the database's", () => {
  let pg: PGlite;
  beforeAll(async () => {
    pg = await openPostgis();
    // CDB_HeadsTailsBins as CARTO documents it
    await pg.exec(`CREATE FUNCTION heads_tails(vals float8[], bins int) RETURNS float8[] LANGUAGE plpgsql AS $$
      DECLARE mean float8; reply float8[] := '{}';
      BEGIN
        LOOP
          SELECT avg(v) INTO mean FROM unnest(vals) v WHERE cardinality(reply) = 0 OR v > reply[cardinality(reply)];
          EXIT WHEN mean IS NULL OR cardinality(reply) = bins;
          reply := reply || mean;
        END LOOP;
        RETURN reply;
      END $$`);
  });
  afterAll(() => pg.close());

  const random = mulberry32(7);
  const sets = {
    skewed: Array.from({ length: 997 }, () => Math.exp(random() * 9)),
    ties: Array.from({ length: 500 }, () => Math.floor(random() * 6)),
    negative: Array.from({ length: 40 }, () => random() * 20 - 15),
    one: [5],
    equal: [3, 3, 3, 3],
    few: [1, 2],
  };
  const cases = Object.entries(sets).flatMap(([name, values]) =>
    [1, 2, 3, 5, 7, 10].map((bins) => [name, bins, values] as const),
  );

  test.each(cases)("percentile_disc of %s in %i", async (_, bins, values) => {
    const { rows } = await pg.query<{ breaks: number[] }>(
      `SELECT percentile_disc(ARRAY(SELECT generate_series(1, $2::int) / $2::numeric)::float8[])
         WITHIN GROUP (ORDER BY v) AS breaks FROM unnest($1::float8[]) v`,
      [values, bins],
    );
    expect(quantileBreaks(Float64Array.from(values).sort(), bins)).toEqual(rows[0]!.breaks);
  });

  test.each(cases)("equal intervals of %s in %i", async (_, bins, values) => {
    const { rows } = await pg.query<{ breaks: number[] }>(
      `SELECT array_agg(low + i * (high - low) / $2 ORDER BY i) AS breaks
         FROM (SELECT min(v) low, max(v) high FROM unnest($1::float8[]) v) extent, generate_series(1, $2::int) i`,
      [values, bins],
    );
    const breaks = equalBreaks(Float64Array.from(values).sort(), bins);
    for (const [i, found] of breaks.entries()) expect(found).toBeCloseTo(rows[0]!.breaks[i]!, 9);
  });

  test.each(cases.filter(([, bins, values]) => values.length > bins))(
    "heads and tails of %s in %i",
    async (_, bins, values) => {
      const { rows } = await pg.query<{ breaks: number[] }>("SELECT heads_tails($1, $2) AS breaks", [
        values,
        bins,
      ]);
      const breaks = headTailBreaks(Float64Array.from(values).sort(), bins);
      expect(breaks).toHaveLength(rows[0]!.breaks.length);
      for (const [i, found] of breaks.entries()) expect(found).toBeCloseTo(rows[0]!.breaks[i]!, 6);
    },
  );
});

const numbers = (...values: number[]) => Float64Array.of(...values);

test("a value equal to a break is in the lower class", () => {
  const { classes, ranges } = classifyNumbers(numbers(1, 2, 3, 4), "quantiles", 2);
  expect([...classes]).toEqual([0, 0, 1, 1]);
  expect(ranges).toEqual([
    { lower: 1, upper: 2, min: 1, max: 2, count: 2 },
    { lower: 3, upper: 4, min: 3, max: 4, count: 2 },
  ]);
});

test.each(METHODS)("%s: fewer distinct values than bins make fewer classes, without empty ones", (method) => {
  const { classes, ranges, missingCount } = classifyNumbers(numbers(0, 0, 0, 0, 7, Number.NaN), method, 5);
  expect([...classes].at(-1)).toBe(MISSING_CLASS);
  expect(missingCount).toBe(1);
  if (method !== "equal") expect(ranges.map(({ count }) => count)).toEqual([4, 1]);
  expect([...classes].slice(0, 5)).toEqual([0, 0, 0, 0, method === "equal" ? 4 : 1]);
});

test.each(METHODS)("%s: equal values, no value, one value", (method) => {
  expect(classifyNumbers(numbers(0.1, 0.1, 0.1), method, 5).ranges.map((r) => r.count)).toEqual([3]);
  expect(classifyNumbers(numbers(Number.NaN), method, 5)).toMatchObject({ ranges: [], missingCount: 1 });
  expect(classifyNumbers(numbers(), method, 5)).toMatchObject({ ranges: [], missingCount: 0 });
  expect([...classifyNumbers(numbers(4), method, 5).classes]).toEqual([0]);
});

test.each(METHODS)("%s: infinite values are in the outermost classes", (method) => {
  const { classes, ranges } = classifyNumbers(numbers(-Infinity, 1, 2, 3, 40, Infinity), method, 3);
  expect(classes[0]).toBe(0);
  expect(classes[5]).toBe(ranges.length - 1);
  expect(new Set(classes).size).toBeGreaterThan(1);
  expect([...classifyNumbers(numbers(Infinity, -Infinity), method, 3).classes]).toEqual([1, 0]);
});

test.each(METHODS)("%s: the largest doubles", (method) => {
  const { classes } = classifyNumbers(numbers(-1.7e308, -1, 0, 1, 1.7e308), method, 3);
  expect(classes[0]).toBe(0);
  expect(classes[4]).toBeGreaterThan(classes[0]!);
});

/** Sum of squared distances of values from the mean of their class: what natural breaks make as small as can be. */
function scatter(groups: readonly (readonly number[])[]): number {
  return groups.reduce((sum, group) => {
    const mean = group.reduce((total, value) => total + value, 0) / group.length;
    return sum + group.reduce((total, value) => total + (value - mean) ** 2, 0);
  }, 0);
}

/** The least scatter of any division of ascending values into so many classes, by trying all of them. */
function leastScatter(sorted: readonly number[], classes: number): number {
  if (classes === 1) return scatter([sorted]);
  let least = Infinity;
  for (let at = classes - 1; at < sorted.length; at++)
    least = Math.min(least, scatter([sorted.slice(at)]) + leastScatter(sorted.slice(0, at), classes - 1));
  return least;
}

test.each([1, 2, 3, 4, 5, 6])("natural breaks are optimal, seed %i", (seed) => {
  const random = mulberry32(seed);
  for (let i = 0; i < 40; i++) {
    const values = Array.from({ length: 2 + Math.floor(random() * 10) }, () =>
      seed % 2 === 0 ? Math.floor(random() * 8) : Math.exp(random() * 8),
    );
    const distinct = new Set(values).size;
    const bins = 1 + Math.floor(random() * 5);
    const { classes, ranges } = classifyNumbers(Float64Array.from(values), "jenks", bins);
    expect(ranges.length, `case ${i}`).toBe(Math.min(bins, distinct));
    const groups = ranges.map((_, index) => values.filter((_, row) => classes[row] === index));
    const least = leastScatter(
      [...values].sort((a, b) => a - b),
      ranges.length,
    );
    expect(scatter(groups), `case ${i}`).toBeLessThanOrEqual(least * (1 + 1e-9) + 1e-9);
  }
});

// Wang & Song, Ckmeans.1d.dp (R Journal 3/2, 2011): the first example
test("natural breaks as published", () => {
  const { ranges } = classifyNumbers(numbers(-1, 2, -1, 2, 4, 5, 6, -1, 2, -1), "jenks", 3);
  expect(ranges.map(({ lower, upper, count }) => [lower, upper, count])).toEqual([
    [-1, -1, 4],
    [2, 2, 3],
    [4, 6, 3],
  ]);
});

// https://en.wikipedia.org/wiki/Head/tail_breaks, after Jiang (2013): means 5 and 10
test("heads and tails as published", () => {
  const values = numbers(19, 8, 7, 6, 2, 1, 1, 1, 0);
  expect(headTailBreaks(values.slice().sort(), 3)).toEqual([5, 10, 19]);
  const { ranges } = classifyNumbers(values, "headtails", 5);
  expect(ranges.map(({ lower, upper, count }) => [lower, upper, count])).toEqual([
    [0, 2, 5],
    [6, 8, 3],
    [19, 19, 1],
  ]);
});

test("natural breaks lie in the gaps", () => {
  const { classes } = classifyNumbers(numbers(1, 2, 50, 51, 52, 900), "jenks", 3);
  expect([...classes]).toEqual([0, 0, 1, 1, 1, 2]);
});

test("natural breaks of very many values are close to the exact ones", () => {
  const random = mulberry32(3);
  const values = Float64Array.from({ length: 200_000 }, (_, i) => (i % 4) * 100 + random() * 30);
  const { ranges } = classifyNumbers(values, "jenks", 4);
  for (const { count } of ranges) expect(Math.abs(count - 50_000)).toBeLessThan(50);
});

test("bounds are inclusive, and larger values have a class of their own", () => {
  const boundsOf = (values: Float64Array, bounds: number[]) => {
    const { classes, ranges } = classifyByBounds(values, bounds);
    return [[...classes], ranges.map(({ lower, upper, count }) => [lower, upper, count])];
  };
  expect(boundsOf(numbers(5, 10, 10.5, 20, 99, Number.NaN), [10, 20])).toEqual([
    [0, 0, 1, 1, 2, MISSING_CLASS],
    [
      [-Infinity, 10, 2],
      [10, 20, 2],
      [20, Infinity, 1],
    ],
  ]);
  const reached = [
    [0, 1],
    [
      [-Infinity, 10, 1],
      [10, 20, 1],
    ],
  ];
  expect(boundsOf(numbers(5, 20), [10, 20])).toEqual(reached);
  expect(boundsOf(numbers(5, 99), [10, Infinity])[0]).toEqual([0, 1]);
  expect(boundsOf(numbers(5, 99), [10])[0]).toEqual([0, 1]);
});

describe("categories", () => {
  test("the most frequent ones in ascending order, the others together", () => {
    const { classes, categories, otherCount, missingCount } = classifyCategories(
      ["b", "a", "c", "c", null, "d", "a", "", "c"],
      2,
    );
    expect(categories).toEqual([
      { value: "a", count: 2 },
      { value: "c", count: 3 },
    ]);
    expect([...classes]).toEqual([2, 0, 1, 1, MISSING_CLASS, 2, 0, 2, 1]);
    expect([otherCount, missingCount]).toEqual([3, 1]);
  });
  test("booleans, numbers, names of object members", () => {
    expect(classifyCategories([true, false, true, null], 10).categories.map((c) => c.value)).toEqual([
      false,
      true,
    ]);
    expect(classifyCategories(numbers(3, 1, 3, 1, Number.NaN), 10).categories.map((c) => c.value)).toEqual([
      1, 3,
    ]);
    const names = ["__proto__", "constructor", "__proto__"];
    expect(classifyCategories(names, 10).categories.map((c) => c.value)).toEqual([
      "__proto__",
      "constructor",
    ]);
  });
  test("one category per row", () => {
    const { categories, otherCount } = classifyCategories(
      Array.from({ length: 100_000 }, (_, i) => String(i)),
      3,
    );
    expect(categories.map(({ value }) => value)).toEqual(["0", "1", "10"]);
    expect(otherCount).toBe(99_997);
  });
});

test("the first double above a number is the next one", () => {
  const random = mulberry32(3);
  for (let i = 0; i < 500; i++) {
    const value = (random() - 0.5) * 10 ** (random() * 600 - 300);
    const next = firstDouble((candidate) => candidate > value);
    expect(next).toBeGreaterThan(value);
    const middle = value + (next - value) / 2; // rounds to one of both
    expect([value, next], `seed 3, case ${i}: ${value}`).toContain(middle);
  }
});

test.each<[string, (value: number) => boolean, number]>([
  ["all", () => true, -Infinity],
  ["none", () => false, Infinity],
  ["above zero", (value) => value > 0, Number.MIN_VALUE],
  ["above minus zero", (value) => value > 0, Number.MIN_VALUE],
  ["from zero on", (value) => value >= 0, 0],
  ["above the lowest", (value) => value > -Infinity, -Number.MAX_VALUE],
  ["above the largest", (value) => value > Number.MAX_VALUE, Infinity],
  ["above one", (value) => value > 1, 1 + Number.EPSILON],
])("%s", (_name, holds, expected) => {
  expect(firstDouble(holds) + 0).toBe(expected);
});
