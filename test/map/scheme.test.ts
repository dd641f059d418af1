import { expect, test } from "vitest";
import { type Scheme, styling } from "../../src/map";
import { adjusted, methodOf, otherColorOf, paletteOf } from "../../src/map/scheme";

const hex = (scheme: Scheme, count: number, isCategory = false) =>
  paletteOf(scheme, count, isCategory).map((rgba) => Buffer.from(rgba.slice(0, 3)).toString("hex"));

test("a scheme is plain data", () => {
  expect(styling.mint(7, "jenks")).toEqual({ name: "mint", bins: 7, method: "jenks" });
  expect(styling.mint()).toEqual({ name: "mint", bins: 5 });
  expect(styling.antique()).toEqual({ name: "antique", bins: 10 });
  expect(styling.custom(["red", "#00f"])).toEqual({ name: "custom", bins: 2, colors: ["red", "#00f"] });
  expect(styling.sunset([1, 2.5, Infinity])).toEqual({ name: "sunset", bins: [1, 2.5, Infinity] });
});

test("there are CARTO's 32 schemes and its two for aggregations, also under CARTO's spelling", () => {
  const names = Object.keys(styling).filter((name) => name !== "custom" && name !== "scheme");
  expect(names).toHaveLength(34);
  expect(styling.scheme("BluGrn", 3)).toEqual(styling.bluGrn(3));
  expect(styling.scheme("ag_Sunset")).toEqual(styling.agSunset());
});

test("colours equal CARTO's for each number of classes", () => {
  expect(hex(styling.mint(), 5)).toEqual(["e4f1e1", "9ccdc1", "63a6a0", "337f7f", "0d585f"]);
  expect(hex(styling.mint(), 3)).toEqual(["e4f1e1", "63a6a0", "0d585f"]);
  expect(hex(styling.mint(), 1)).toEqual(["63a6a0"]);
  expect(hex(styling.vivid(), 2, true)).toEqual(["e58606", "5d69b1"]);
  expect(otherColorOf(styling.vivid(), [])).toEqual([0xdc, 0xdc, 0xdc, 255]); // CARTO's own is hard to tell apart
  expect(otherColorOf(styling.orYel(), [])).toEqual([0xb3, 0xb3, 0xb3, 255]);
});

test("custom colours are spread over fewer classes, but used in order for categories", () => {
  const scheme = styling.custom(["#000", "#555", "#fff"]);
  expect(hex(scheme, 2)).toEqual(["000000", "ffffff"]);
  expect(hex(scheme, 1)).toEqual(["555555"]);
  expect(hex(scheme, 2, true)).toEqual(["000000", "555555"]);
});

test("values above the last bound have one more colour", () => {
  const seven = [1, 2, 3, 4, 5, 6, 7];
  const eight = hex(styling.mint(seven), 8);
  expect(new Set(eight).size).toBe(8);
  expect([eight[0], eight[7]]).toEqual(["e4f1e1", "0d585f"]);
  expect(new Set(hex(styling.bold([...seven, 8, 9, 10, 11]), 12)).size).toBe(12);
  expect(hex(styling.mint([5]), 2)).toEqual(["e4f1e1", "0d585f"]);
});

test("custom colours are those of the bounds, and of what is above them", () => {
  const colors = ["#000", "#555", "#fff"];
  expect(hex(styling.custom(colors, [1, 2]), 2)).toEqual(["000000", "555555"]);
  expect(hex(styling.custom(colors, [1, 2]), 3)).toEqual(["000000", "555555", "ffffff"]);
  expect(hex(styling.custom(colors, [1, 2, 3]), 3)).toEqual(["000000", "555555", "ffffff"]);
  expect(() => hex(styling.custom(colors, [1, 2, 3]), 4)).toThrowErrorMatchingInlineSnapshot(
    `[InvalidArgumentError: The bounds [1,2,3] make 4 classes, because values are above 3; the scheme has 3 colours. Add a colour for these values, or make the last bound Infinity.]`,
  );
});

test("numbers use quantiles, text and qualitative schemes use categories", () => {
  expect(methodOf(styling.mint(), true)).toBe("quantiles");
  expect(methodOf(styling.mint(), false)).toBe("category");
  expect(methodOf(styling.bold(), true)).toBe("category");
  expect(methodOf(styling.bold(4, "equal"), true)).toBe("equal");
  expect(methodOf(styling.bold([1, 2]), true)).toBe("bounds");
});

test("options override those of the scheme", () => {
  expect(adjusted(styling.mint(5, "jenks"), 3, undefined)).toEqual(styling.mint(3, "jenks"));
  expect(adjusted(styling.mint(5, "jenks"), [1, 2, 3], undefined)).toEqual(styling.mint([1, 2, 3]));
  expect(adjusted(styling.mint([1, 2, 3]), undefined, "equal")).toEqual(styling.mint(3, "equal"));
});

test.each([
  [() => styling.scheme("mnit"), `No colour scheme is named "mnit". Did you mean "mint"?`],
  [
    () => styling.scheme("viridis"),
    `No colour scheme is named "viridis". Available schemes: "burg", "burgYl", "redOr", "orYel", "peach", "pinkYl", "mint", "bluGrn", "darkMint", "emrld", "agGrnYl", "bluYl", "teal", "tealGrn", "purp", "purpOr", "sunset", "magenta", "sunsetDark", "agSunset", "brwnYl", "armyRose", "fall", "geyser", "temps", "tealRose", "tropic", "earth", "antique", "bold", "pastel", "prism", "safe", "vivid".`,
  ],
  [() => styling.scheme("constructor"), /^No colour scheme is named "constructor"\./],
  [
    () => styling.mint(9),
    '`bins` must be 2 to 7 classes for the scheme "mint"; got 9. For more, pass your own colours: styling.custom([…]).',
  ],
  [() => styling.bold(12), /2 to 11 classes/],
  [
    () => styling.mint(2.5),
    "`bins` must be a whole number, or the upper bounds of the classes in ascending order; got 2.5.",
  ],
  [
    () => styling.mint([3, 2]),
    "`bins` must be a whole number, or the upper bounds of the classes in ascending order; got [3,2].",
  ],
  [() => styling.mint([1, Number.NaN, 3]), /in ascending order/],
  [
    () => styling.mint(5, "quantile" as "quantiles"),
    '`method` must be one of "quantiles", "equal", "log", "headtails", "jenks", "category", "continuous"; got "quantile".',
  ],
  [
    () => styling.mint([1, 2], "jenks"),
    'Pass `bins` as a number with the method "jenks", or as bounds without a method: bounds leave nothing to classify.',
  ],
  [() => styling.custom(["red"], 2), "`bins` must be 1 to 1 classes, one for each colour; got 2."],
  [
    () => styling.custom(["redd"]),
    '`colors[0]` must be a CSS colour such as "#ff8000", "rgb(255, 128, 0)" or "tomato"; got "redd".',
  ],
  [() => styling.custom([]), "`colors` must be an array of 1 to 100 CSS colours; got []."],
])("error %#", (make, message) => expect(make).toThrow(message));
