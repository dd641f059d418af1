import { expect, test } from "vitest";
import { type Classes, classifyByBounds, classifyCategories, classifyNumbers } from "../../src/map/classify";
import { legendOf } from "../../src/map/legend";

const look = { color: [0, 0, 0, 255], sizePx: 1 } as const;
const labels = (classes: Exclude<Classes, { kind: "steps" }>) =>
  legendOf("t", "point", classes, Array(12).fill(look), look)?.items.map(({ label }) => label);
const numbers = (...values: number[]) => Float64Array.of(...values);

test.each<[string, Exclude<Classes, { kind: "steps" }>, string[] | undefined]>([
  [
    "thousands",
    classifyNumbers(numbers(1200, 2000, 3400, 5000, 9000, 12000), "quantiles", 3),
    ["1,200 – 2,000", "3,400 – 5,000", "9,000 – 12,000"],
  ],
  [
    "one precision for all",
    classifyNumbers(numbers(1.25, 2, 3.5, 4.75), "quantiles", 2),
    ["1.25 – 2.00", "3.50 – 4.75"],
  ],
  [
    "no more decimals than tell classes apart",
    classifyNumbers(numbers(1.23456, 9.87654, 20.1111, 40.98765), "quantiles", 2),
    ["1.2 – 9.9", "20.1 – 41.0"],
  ],
  ["single values", classifyNumbers(numbers(1, 1, 2, 3, 3), "quantiles", 5), ["1", "2", "3"]],
  [
    "equal widths are named by their bounds, empty ones left out",
    classifyNumbers(numbers(0, 1, 99, 100), "equal", 4),
    ["0 – 25", "75 – 100"],
  ],
  [
    "given bounds",
    classifyByBounds(numbers(5, 15, 25, 50), [10, 20, 30]),
    ["≤ 10", "10 – 20", "20 – 30", "> 30"],
  ],
  [
    "given bounds that reach",
    classifyByBounds(numbers(5, 15, 25), [10, 20, 30]),
    ["≤ 10", "10 – 20", "20 – 30"],
  ],
  [
    "given bounds without an end",
    classifyByBounds(numbers(5, 15, 25), [10, 20, Infinity]),
    ["≤ 10", "10 – 20", "> 20"],
  ],
  ["infinite values", classifyNumbers(numbers(-Infinity, 1, 2, Infinity), "quantiles", 2), ["≤ 1", "≥ 2"]],
  [
    "tiny numbers",
    classifyNumbers(numbers(1e-12, 2e-12, 3e-12, 4e-12), "quantiles", 2),
    ["1E-12 – 2E-12", "3E-12 – 4E-12"],
  ],
  [
    "huge numbers",
    classifyNumbers(numbers(1e20, 2e20, 3e20, 4e20), "quantiles", 2),
    ["1E20 – 2E20", "3E20 – 4E20"],
  ],
  ["around zero", classifyNumbers(numbers(-4, -0.001, 0, 4), "quantiles", 2), ["-4.0 – 0.0", "0.0 – 4.0"]],
  ["missing values", classifyNumbers(numbers(1, Number.NaN, 2), "quantiles", 1), ["1 – 2", "no data"]],
  ["only missing values", classifyNumbers(numbers(Number.NaN), "quantiles", 3), ["no data"]],
  ["no rows", classifyNumbers(numbers(), "quantiles", 3), undefined],
  [
    "categories",
    classifyCategories(["b", "a", "b", null, "", "", "c", "d"], 3),
    ["", "b", "a", "Other", "no data"].map((l) => l || "(empty)"),
  ],
  ["all categories", classifyCategories([true, false, true], 10), ["true", "false"]],
  [
    "hostile categories",
    classifyCategories(["<img src=x onerror=alert(1)>", "</script>"], 10),
    ["</script>", "<img src=x onerror=alert(1)>"],
  ],
])("%s", (_, classes, expected) => expect(labels(classes)).toEqual(expected));
