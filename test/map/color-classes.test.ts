import { converter, wcagContrast } from "culori";
import { DataFrame } from "danfojs-node";
import { describe, expect, test } from "vitest";
import {
  BaseMap,
  buildScene,
  type ColorByColumn,
  dataFromFrame,
  Layer,
  type LayerOptions,
  styling,
} from "../../src/map";
import { classifyAround, classifyNumbers } from "../../src/map/classify";
import { distanceFrom } from "../../src/map/other-color";
import { mostColorsOf, otherColorOf, paletteOf, SCHEME_NAMES } from "../../src/map/scheme";
import { over } from "../../src/render/over";
import type { Rgba } from "../../src/render/scene";
import { mulberry32 } from "../support/seeded";

async function mapOf(values: readonly unknown[], options: LayerOptions, basemap?: BaseMap) {
  const frame = new DataFrame({
    v: values,
    lng: values.map((_, i) => i / 100),
    lat: values.map(() => 1),
  } as object);
  const layer = new Layer(frame, { lnglat: ["lng", "lat"], opacity: 1, stroke: false, ...options });
  const { scene, advice } = buildScene({
    layers: [{ layer, data: await dataFromFrame(layer, frame) }],
    ...(basemap && { basemap }),
  });
  const { color } = scene.layers[0]!;
  if (color.kind !== "classes") throw new Error("the layer has one colour");
  const { items, ramp } = scene.legends[0]!;
  return {
    labels: items.map(({ label }) => label),
    colorOf: (value: unknown) => hex(color.palette[color.classes[values.indexOf(value)]!]!),
    palette: color.palette.map(hex),
    ramp,
    advice,
  };
}

const lab = converter("lab65");
const hex = (color: Rgba) => `#${Buffer.from(color.slice(0, 3)).toString("hex")}`;
const colorsOf = (scheme: ReturnType<typeof styling.mint>, count: number) =>
  paletteOf(scheme, count, false).map(hex);

describe("numbers on both sides of zero", () => {
  const changes = [-0.9, -0.4, -0.2, 0, 0.05, 0.1, 0.2, 0.3, 0.45];

  test("have a diverging scheme, whose middle is zero", async () => {
    const map = await mapOf(changes, { color: "v" });
    expect(map.palette).toEqual(colorsOf(styling.geyser(), 5));
    expect(map.colorOf(0)).toBe(colorsOf(styling.geyser(), 5)[2]);
    expect(map.labels).toEqual(["≤ −0.30", "−0.30 – −0.05", "−0.05 – 0.05", "0.05 – 0.30", "> 0.30"]);
  });
  test("a ramp ends where the values do", async () => {
    const { ramp } = await mapOf(changes, { color: { column: "v", method: "continuous" } });
    expect([ramp!.from, ramp!.to]).toEqual(["−0.90", "0.45"]);
    const colors = styling.geyser(7);
    const [first, middle] = [colorsOf(colors, 7)[0], colorsOf(colors, 7)[3]];
    expect(hex(ramp!.colors[0]!)).toBe(first);
    const atZero = ramp!.colors[Math.round((127 * 0.9) / 1.35)]!;
    for (const [i, channel] of Buffer.from(middle!.slice(1), "hex").entries())
      expect(Math.abs(atZero[i]! - channel)).toBeLessThan(3);
    expect(ramp!.colors.map(hex)).not.toContain(colorsOf(colors, 7)[6]);
  });
  test.each([
    [[0.1, 8_900_000], "0.1", "8.9M"],
    [[1, 1_234_567.5], "1", "1,234,568"],
    [[0.123456789, 0.987654321], "0.123457", "0.987654"],
    [[7, 7], "7", "7"],
  ])("a ramp of %s has its real ends", async (values, from, to) => {
    const { ramp } = await mapOf(values, { color: { column: "v", method: "continuous" } });
    expect([ramp!.from, ramp!.to]).toEqual([from, to]);
  });
  test("a ramp over a domain says what lies beyond it", async () => {
    const color = { column: "v", method: "continuous" as const, domain: [2, 4] as const };
    const ends = async (...values: number[]) => {
      const { ramp } = await mapOf(values, { color });
      return [ramp!.from, ramp!.to];
    };
    expect(await ends(1, 5)).toEqual(["≤ 2", "≥ 4"]);
    expect(await ends(2.5, 3)).toEqual(["2", "4"]);
  });
  test("of one sign, with a scheme, or with bounds have no centre", async () => {
    const of = async (values: number[], color: object) =>
      (await mapOf(values, { color: { column: "v", ...color } })).palette;
    const darkest = colorsOf(styling.mint(), 5)[4];
    expect((await of([0, 1, 2, 3, 4], {}))[4]).toBe(darkest);
    expect(await of(changes, { scheme: "teal" })).toEqual(colorsOf(styling.teal(), 5));
    expect((await of(changes, { bins: [-0.5, 0, 1] }))[2]).toBe(darkest);
  });
  test.each(["quantiles", "equal", "jenks", "headtails"] as const)(
    "%s: classes are symmetric about a centre",
    (method) => {
      const random = mulberry32(5);
      const values = Float64Array.from({ length: 200 }, () => 10 + (random() - 0.3) * 8);
      for (const bins of [2, 3, 4, 5, 7]) {
        const { classes, ranges } = classifyAround(values, 10, method, bins);
        expect(ranges.length % 2).toBe(bins % 2);
        const bounds = ranges.slice(0, -1).map(({ upper }) => upper - 10);
        for (const [i, bound] of bounds.entries()) expect(bound).toBeCloseTo(-bounds.at(-1 - i)!, 12);
        for (const [row, value] of values.entries()) {
          const { lower, upper } = ranges[classes[row]!]!;
          expect(value > lower && value <= upper).toBe(true);
        }
      }
    },
  );
  test("bounds are round, also of differences with many digits", async () => {
    const random = mulberry32(6);
    const rates = Array.from({ length: 500 }, () => Math.round(1000 * random() * random()) / 1000);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const { labels } = await mapOf(
      rates.map((rate) => rate - mean),
      { color: "v" },
    );
    for (const label of labels) expect(label.replace(/[^\d]/g, "").length).toBeLessThanOrEqual(10);
  });
  test("many zeros stay in the middle", async () => {
    const { colorOf, palette } = await mapOf([0, 0, 0, 0, 0, 0, -1, 2], { color: "v" });
    expect(colorOf(0)).toBe(palette[(palette.length - 1) / 2]);
    expect(colorOf(-1)).not.toBe(colorOf(0));
  });
  test("another centre, and its errors", async () => {
    const map = await mapOf([90, 98, 100, 101, 103], {
      color: { column: "v", center: 100, scheme: "temps", bins: 3 },
    });
    expect(map.colorOf(100)).toBe(colorsOf(styling.temps(3), 3)[1]);
    const complaint = (color: object) => {
      expect(() => new Layer("t", { color: { column: "v", ...color } })).toThrowError(/center/);
    };
    complaint({ center: Number.NaN });
    complaint({ center: 1, bins: [1, 2] });
    complaint({ center: 1, method: "log" });
    await expect(mapOf(["a", "b"], { color: { column: "v", center: 1 } })).rejects.toThrow(
      /`color\.center` requires classes of numbers; column "v" of .* is of type text\./,
    );
  });
});

describe("on a dark basemap", () => {
  const dark = new BaseMap({ source: "dark" });
  const on = (color: LayerOptions["color"]) => mapOf([1, 2, 3, 4, 5], { color }, dark);

  test("the default scheme of numbers goes from dark to bright, and its lowest class can be seen", async () => {
    const { palette, colorOf } = await on("v");
    expect(palette).toEqual(colorsOf(styling.mint(), 5).reverse());
    const { background, vector } = dark.basemap;
    for (const ground of [background, vector!.land])
      expect(wcagContrast(colorOf(1), hex(ground))).toBeGreaterThanOrEqual(1.5);
    const { ramp } = await on({ column: "v", method: "continuous" });
    expect(hex(ramp!.colors[0]!)).toBe(palette[0]);
  });
  test("a scheme that was chosen, and categories, stay as they are", async () => {
    expect((await on({ column: "v", scheme: "mint" })).palette).toEqual(colorsOf(styling.mint(), 5));
    expect((await on({ column: "v", method: "category" })).palette).toEqual(
      paletteOf(styling.safe(), 5, true).map(hex),
    );
  });
});

describe("the lowest class of a default scheme", () => {
  const grounds = ({ basemap: { background, vector } }: BaseMap) => [background, vector?.land ?? background];

  test.each<[string, { opacity?: number } & Omit<ColorByColumn, "column">]>([
    ["voyager", {}],
    ["voyager", { opacity: 0.9 }],
    ["light", { bins: 2 }],
    ["light", { bins: 7, method: "equal" }],
    ["light", { method: "continuous" }],
    ["light", { bins: [2, 3, 4] }],
    ["none", {}],
    ["dark", { opacity: 0.9 }],
  ])("can be seen on %s with %j", async (source, { opacity = 1, ...color }) => {
    const basemap = new BaseMap({ source });
    const { colorOf, palette } = await mapOf(
      [1, 2, 3, 4, 5],
      { color: { column: "v", ...color }, opacity },
      basemap,
    );
    const land = grounds(basemap)[1]!;
    const seen = over([...Buffer.from(colorOf(1).slice(1), "hex"), 255] as unknown as Rgba, opacity, land);
    for (const ground of grounds(basemap))
      expect(wcagContrast(hex(seen), hex(ground))).toBeGreaterThanOrEqual(1.5);
    const lightness = palette.map((color) => lab(color)!.l);
    const sorted = [...lightness].sort((a, b) => (source === "dark" ? a - b : b - a));
    expect(lightness).toEqual(sorted);
    expect(new Set(palette).size).toBeGreaterThan(0.8 * palette.length);
  });
  test("does not depend on an opacity below the default, with which the ramp would be flat", async () => {
    const paletteAt = async (opacity: number) =>
      (await mapOf([1, 2, 3, 4, 5], { color: "v", opacity })).palette;
    expect(await paletteAt(0.1)).toEqual(await paletteAt(0.9));
  });
  test("is as it is in a scheme that was chosen", async () => {
    const { palette } = await mapOf([1, 2, 3, 4, 5], { color: { column: "v", scheme: "mint" } });
    expect(palette).toEqual(colorsOf(styling.mint(), 5));
  });
});

describe("the method log", () => {
  test("makes classes of equal width in the logarithm", () => {
    const values = Float64Array.of(1, 9, 11, 99, 101, 1000);
    const { classes, ranges } = classifyNumbers(values, "log", 3);
    expect([...classes]).toEqual([0, 0, 1, 1, 2, 2]);
    for (const [i, { upper }] of ranges.entries()) expect(upper).toBeCloseTo(10 ** (i + 1), 9);
  });
  test("has round labels", async () => {
    const { labels } = await mapOf([1, 9, 11, 99, 101, 1000], {
      color: { column: "v", method: "log", bins: 3 },
    });
    expect(labels).toEqual(["≤ 10", "10 – 100", "> 100"]);
  });
  test("requires numbers above 0", async () => {
    await expect(
      mapOf([0, 1, -2, null], { color: { column: "v", method: "log" } }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[InvalidArgumentError: The method "log" requires numbers above 0, but 2 of the values of column "v" of layer DataFrame (4 × 3) are 0 or less; use the method "quantiles".]`,
    );
    await expect(mapOf([0, 1], { size: { column: "v", method: "log" } })).rejects.toThrow(
      /requires numbers above 0/,
    );
    expect(() => styling.mint(3, "log").vega([0, 1])).toThrow(/requires numbers above 0/);
  });
});

test("quantiles of tied values merge, and none is empty", () => {
  const random = mulberry32(11);
  for (let round = 0; round < 200; round++) {
    const values = Float64Array.from({ length: 1 + Math.floor(random() * 60) }, () =>
      Math.floor(random() ** 3 * 6),
    );
    const { ranges } = classifyNumbers(values, "quantiles", 2 + (round % 6));
    for (const [i, { lower, upper, count }] of ranges.entries()) {
      expect(count, `seed 11, round ${round}`).toBeGreaterThan(0);
      expect(lower).toBeGreaterThan(ranges[i - 1]?.upper ?? -Infinity);
      expect(upper).toBeGreaterThanOrEqual(lower);
    }
  }
});

describe("advice", () => {
  const skewed = Array.from({ length: 100 }, (_, i) => 1.2 ** i);
  const warningsOf = async (values: readonly unknown[], options: LayerOptions) =>
    (await mapOf(values, options)).advice;

  test("for skewed numbers in classes of equal width, once", async () => {
    expect(
      await warningsOf(skewed, {
        color: { column: "v", method: "equal" },
        size: { column: "v", method: "equal" },
      }),
    ).toMatchInlineSnapshot(`
      [
        "91 % of the values of column "v" of layer DataFrame (100 × 3) lie in the lowest fifth of their range and have nearly the same colour or size. Use \`method: "log"\` or "quantiles" to tell them apart.",
      ]
    `);
    expect(await warningsOf(skewed, { color: { column: "v", method: "continuous" } })).toHaveLength(1);
    const lessSkewed = skewed.map((value, i) => (i < 20 ? 0 : value));
    expect((await warningsOf(lessSkewed, { color: { column: "v", method: "equal" } }))[0]).toContain(
      'Use `method: "quantiles"`',
    );
    for (const color of ["v", { column: "v", method: "log" as const }])
      expect(await warningsOf(skewed, { color })).toEqual([]);
    expect(
      await warningsOf(
        skewed.map((_, i) => i),
        { color: { column: "v", method: "equal" } },
      ),
    ).toEqual([]);
  });
  test("not if the categories are listed", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `name ${i % 25}`);
    const { advice, labels } = await mapOf(names, { color: { column: "v", order: ["name 1"] } });
    expect([advice, labels]).toEqual([[], ["name 1", "Other"]]);
  });
  test("for text with very many values", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `name ${i % 25}`);
    expect(await warningsOf(names, { color: "v" })).toMatchInlineSnapshot(`
      [
        "Column "v" of layer DataFrame (40 × 3) has 25 values: 50 % of the rows are "Other". Style by another column, list the categories to show as \`color.order\`, or group them in a query.",
      ]
    `);
    expect(await warningsOf(names.slice(0, 20), { color: "v" })).toEqual([]);
    expect(
      await warningsOf(
        names.map((_, i) => i),
        { color: { column: "v", method: "category" } },
      ),
    ).toEqual([]);
  });
});

describe("categories", () => {
  const votes = ["Labour", "Labour", "Green", "Tory", "Tory", "Tory", "Lib", "10th", "9th"];

  test("have the same colour whatever their frequency", async () => {
    const some = await mapOf(votes, { color: "v" });
    const others = await mapOf([...votes, "Green", "Green", "Green", "Lib", "Lib"], { color: "v" });
    for (const value of votes) expect(others.colorOf(value)).toBe(some.colorOf(value));
    expect(some.labels).toEqual(["9th", "10th", "Green", "Labour", "Lib", "Tory"]);
    const numbers = await mapOf([10, 9, 9, 1], { color: { column: "v", method: "category" } });
    expect(numbers.labels).toEqual(["1", "9", "10"]);
  });
  test("are the most frequent ones, in order", async () => {
    const map = await mapOf(votes, { color: { column: "v", bins: 2 } });
    expect(map.labels).toEqual(["Labour", "Tory", "Other"]);
  });
  test("can have colours of their own", async () => {
    const map = await mapOf(votes, {
      color: { column: "v", colors: { Labour: "#e4003b", Unknown: "red", "9th": "gold" }, bins: 4 },
    });
    expect(map.colorOf("Labour")).toBe("#e4003b");
    expect(map.colorOf("9th")).toBe("#ffd700");
    expect(map.colorOf("Tory")).toBe(colorsOf(styling.safe(), 10)[0]);
    expect(map.labels).toEqual(["Labour", "9th", "Tory", "Other"]);
    const flags = await mapOf([true, false, true], { color: { column: "v", colors: { false: "black" } } });
    expect(flags.colorOf(false)).toBe("#000000");
    const codes = await mapOf([1, 2, 3], { color: { column: "v", colors: { 2: "black" } } });
    expect(codes.colorOf(2)).toBe("#000000");
  });
  test("can have an order", async () => {
    const map = await mapOf(votes, { color: { column: "v", order: ["Tory", "Nobody", "9th"] } });
    expect(map.labels).toEqual(["Tory", "9th", "Other"]);
    const first = colorsOf(styling.safe(), 10);
    expect([map.colorOf("Tory"), map.colorOf("9th")]).toEqual([first[0], first[2]]);
  });
  test.each([
    [{ colors: ["red"] }, /`color\.colors` must be an object/],
    [{ colors: { a: "nope" } }, /`color\.colors\.a` must be a CSS colour/],
    [{ order: "a" }, /`color\.order` must be an array/],
    [{ order: [null] }, /`color\.order` must be an array/],
    [{ order: ["a"], method: "jenks" }, /require the method "category"/],
  ])("option %#", (color, message) =>
    expect(() => new Layer("t", { color: { column: "v", ...color } as never })).toThrow(message),
  );
  test("more of them than colours", async () => {
    const order = Array.from({ length: 12 }, (_, i) => `c${i}`);
    await expect(mapOf(order, { color: { column: "v", order } })).rejects.toThrow(
      "`color.order` leaves 12 categories without a colour, but the scheme has 11. Give more of them a colour in `color.colors`.",
    );
    const map = await mapOf(order, { color: { column: "v", order, colors: { c0: "black" } } });
    expect(new Set(map.palette).size).toBe(12);
  });
});

describe("no one mistakes Other for a category", () => {
  test.each(SCHEME_NAMES)("%s", (name) => {
    for (let count = 2; count <= mostColorsOf(styling[name]()); count++) {
      const palette = paletteOf(styling[name](count), count, true);
      expect(distanceFrom(otherColorOf(styling[name](count), palette), palette)).toBeGreaterThanOrEqual(15);
    }
  });
  test("own colours", () => {
    const palette: Rgba[] = [
      [179, 179, 179, 255],
      [200, 30, 30, 255],
    ];
    expect(
      distanceFrom(otherColorOf(styling.custom(["#b3b3b3", "#c81e1e"]), palette), palette),
    ).toBeGreaterThanOrEqual(15);
  });
});
