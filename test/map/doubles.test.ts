import { expect, test } from "vitest";
import { firstDouble } from "../../src/map/doubles";
import { mulberry32 } from "../support/seeded";

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
