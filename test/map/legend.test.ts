import { describe, expect, test } from "vitest";
import { type Classes, classifyByBounds, classifyCategories, classifyNumbers } from "../../src/map/classify";
import { legendOf } from "../../src/map/legend";
import { type NumberStyle, numberStyleOf } from "../../src/map/number-format";
import { mulberry32 } from "../support/seeded";

const look = { color: [0, 0, 0, 255], sizePx: 1 } as const;
const labels = (classes: Exclude<Classes, { kind: "steps" }>, style?: NumberStyle) =>
  legendOf("t", "point", classes, Array(12).fill(look), look, {}, style)?.items.map(({ label }) => label);
const numbers = (...values: number[]) => Float64Array.of(...values);

test.each<[string, Exclude<Classes, { kind: "steps" }>, string[] | undefined]>([
  [
    "thousands",
    classifyNumbers(numbers(1200, 2000, 3400, 5000, 9000, 12000), "quantiles", 3),
    ["≤ 2,000", "2,000 – 5,000", "> 5,000"],
  ],
  [
    "one precision for all",
    classifyNumbers(numbers(1.2, 1.26, 1.27, 3.5, 4.75, 9), "quantiles", 3),
    ["≤ 1.26", "1.26 – 4.00", "> 4.00"],
  ],
  [
    "no more decimals than tell classes apart",
    classifyNumbers(numbers(1.23456, 9.87654, 20.1111, 40.98765), "quantiles", 2),
    ["≤ 10", "> 10"],
  ],
  [
    "digits that come from arithmetic",
    classifyNumbers(
      numbers(0.061 - 0.09, 0.082 - 0.09, 0.098 - 0.09, 0.119 - 0.09, 0.13 - 0.09).sort(),
      "quantiles",
      5,
    ),
    ["−0.029", "−0.008", "0.008", "0.029", "0.040"],
  ],
  ["single values", classifyNumbers(numbers(1, 1, 2, 3, 3), "quantiles", 5), ["1", "2", "3"]],
  [
    "equal widths are named by their bounds, empty ones left out",
    classifyNumbers(numbers(0, 1, 99, 100), "equal", 4),
    ["≤ 25", "> 75"],
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
  ["infinite values", classifyNumbers(numbers(-Infinity, 1, 2, Infinity), "quantiles", 2), ["≤ 1", "> 1"]],
  [
    "tiny numbers",
    classifyNumbers(numbers(1e-12, 2e-12, 3e-12, 4e-12), "quantiles", 2),
    ["≤ 2E−12", "> 2E−12"],
  ],
  ["huge numbers", classifyNumbers(numbers(1e20, 2e20, 3e20, 4e20), "quantiles", 2), ["≤ 2E20", "> 2E20"]],
  ["around zero", classifyNumbers(numbers(-4, -0.001, 0, 4), "quantiles", 2), ["< 0", "≥ 0"]],
  [
    "differences of decimals, which are not quite round",
    classifyNumbers(
      numbers(0.1 - 0.13, 0.011 - 0.019, 0.009 - 0.001, 0.03 - 0.022, 0.03 - 0.001, 0.05),
      "quantiles",
      3,
    ),
    ["≤ 0", "0.008", "> 0.010"],
  ],
  [
    "neighbours that differ by an error of rounding",
    classifyNumbers(numbers(1, 2, 0.3 + 2e-16, 0.1 + 0.2, 0.3, 0.1), "quantiles", 2),
    ["< 0.3", "≥ 0.3"],
  ],
  [
    "one value among others",
    classifyNumbers(numbers(0, 0, 0, 0, 0.7, 3, 8, 12), "quantiles", 4),
    ["0", "0.5 – 5.0", "> 5.0"],
  ],
  [
    "widths that are not round",
    classifyNumbers(numbers(0, 1, 50, 99, 100), "equal", 3),
    ["≤ 33", "33 – 67", "> 67"],
  ],
  [
    "large numbers, and their minus",
    classifyByBounds(numbers(-3e6, 5, 2e5, 1.3e6, 2e9), [-2.5e6, 500, 250_000, 1_300_000]),
    ["≤ −2.5M", "−2.5M – 500", "500 – 250k", "250k – 1.3M", "> 1.3M"],
  ],
  [
    "large numbers that are not shorter with a letter",
    classifyByBounds(numbers(1, 2e9), [12_345_678]),
    ["≤ 12,345,678", "> 12,345,678"],
  ],
  [
    "numbers of very different size",
    classifyByBounds(numbers(0.0001, 0.01, 5, 20_000), [0.001, 0.1, 10_000]),
    ["≤ 0.001", "0.001 – 0.1", "0.1 – 10,000", "> 10,000"],
  ],
  ["missing values", classifyNumbers(numbers(1, Number.NaN, 2), "quantiles", 1), ["1 – 2", "no data"]],
  ["only missing values", classifyNumbers(numbers(Number.NaN), "quantiles", 3), ["no data"]],
  ["no rows", classifyNumbers(numbers(), "quantiles", 3), undefined],
  [
    "categories",
    classifyCategories(["b", "a", "b", null, "", "", "c", "d"], 3),
    ["", "a", "b", "Other", "no data"].map((l) => l || "(empty)"),
  ],
  ["all categories", classifyCategories([true, false, true], 10), ["false", "true"]],
  [
    "hostile categories",
    classifyCategories(["<img src=x onerror=alert(1)>", "</script>"], 10),
    ["</script>", "<img src=x onerror=alert(1)>"],
  ],
])("%s", (_, classes, expected) => expect(labels(classes)).toEqual(expected));

test.each<[string, number[], NumberStyle]>([
  ["year", [1066, 1789], "plain"],
  ["built_year", [1450, 2999], "plain"],
  ["value", [1600, 2024], "plain"],
  ["value", [1600, 2500], "grouped"],
  ["year", [1999.5], "grouped"],
  ["zip", [2139, 90_210], "plain"],
  ["cartodb_id", [1, 100_000], "plain"],
  ["candidates", [1, 100_000], "grouped"],
])("the numbers of %s, %s, are %s", (name, values, style) =>
  expect(numberStyleOf(name, numbers(...values))).toBe(style),
);

test("years and identifiers have no commas", () => {
  const classes = classifyNumbers(numbers(12_000, 34_567, 250_000, 250_003), "quantiles", 2);
  expect(labels(classes, "plain")).toEqual(["≤ 100000", "> 100000"]);
});

describe("dates are as precise as tells the classes apart", () => {
  const dates = (...texts: string[]) => Float64Array.from(texts, (text) => Date.parse(text));
  test.each<[string, Float64Array, string[]]>([
    ["years", dates("2001-03-04", "2001-05-01", "2003-01-01", "2004-01-01"), ["2001", "2003 – 2004"]],
    [
      "months",
      dates("2001-03-04", "2001-05-01", "2001-06-01", "2004-01-01"),
      ["2001-03 – 2001-05", "2001-06 – 2004-01"],
    ],
    ["days", dates("2001-03-04", "2001-03-05"), ["2001-03-04", "2001-03-05"]],
    ["minutes", dates("2001-03-04T01:00Z", "2001-03-04T01:01Z"), ["2001-03-04 01:00", "2001-03-04 01:01"]],
  ])("%s", (_, values, expected) =>
    expect(labels(classifyNumbers(values, "quantiles", 2), "date")).toEqual(expected),
  );
});

/** Reads a label such as "> 1.3M" or "−2 – 5" as the range it prints. */
function rangeOf(label: string, slack: number): { has: (value: number) => boolean } {
  const [, sign, first = "", second = first] = /^([≤≥<>] )?(\S+)(?: – (\S+))?$/.exec(label) ?? [];
  const [from, to] = [first, second].map((text) => {
    const [, digits = "", letter = ""] =
      /^(.*?)([kMBT]?)$/.exec(text.replaceAll("−", "-").replaceAll(",", "")) ?? [];
    return Number(`${digits}${{ k: "e3", M: "e6", B: "e9", T: "e12" }[letter] ?? ""}`);
  }) as [number, number];
  switch (sign?.trim()) {
    case "≤":
      return { has: (value) => value <= to + slack };
    case "<":
      return { has: (value) => value < to + slack };
    case "≥":
      return { has: (value) => value >= from - slack };
    case ">":
      return { has: (value) => value > from - slack };
    default:
      return { has: (value) => value >= from - slack && value <= to + slack };
  }
}

test("every label is true for each row of its class", () => {
  const random = mulberry32(27);
  const kinds: ((i: number) => number)[] = [
    () => Math.floor(random() * 12),
    () => Math.round(random() * 1e4) / 100,
    () => Math.exp(random() * 20),
    () => (random() - 0.5) * 1e7,
    () => (random() < 0.5 ? 0 : random()),
    (i) => 1e6 + i / 1000,
  ];
  for (let round = 0; round < 300; round++) {
    const next = kinds[round % kinds.length]!;
    const values = Float64Array.from({ length: 1 + Math.floor(random() * 80) }, (_, i) => next(i));
    const method = (["quantiles", "equal", "jenks", "headtails"] as const)[round % 4]!;
    const classes = classifyNumbers(values, method, 1 + Math.floor(random() * 7));
    const found = legendOf("t", "point", { ...classes }, Array(12).fill(look), look)!.items;
    const filled = classes.ranges.flatMap(({ count }, i) => (count > 0 ? [i] : []));
    const noise = Math.max(...values.map(Math.abs)) * 1e-12; // what sums of decimals leave behind
    expect(found).toHaveLength(filled.length);
    expect(new Set(found.map(({ label }) => label)).size).toBe(found.length);
    for (const [row, value] of values.entries()) {
      const { label } = found[filled.indexOf(classes.classes[row]!)]!;
      expect(rangeOf(label, noise).has(value), `seed 27, round ${round}: ${value} in "${label}"`).toBe(true);
    }
  }
});
