/** Converts schemes into Vega-Lite scales, so that a chart has the colours and classes of a map. */
import { InvalidArgumentError } from "../errors";
import { isMissing } from "../values";
import { shown } from "./check";
import {
  checkMethod,
  classifyByBounds,
  classifyCategories,
  classifyNumbers,
  classifySteps,
  firstDouble,
} from "./classify";
import { formatColor } from "./css-color";
import {
  MISSING_COLOR,
  methodOf,
  type NumberMethod,
  needNumbers,
  otherColorOf,
  paletteOf,
  type Scheme,
} from "./scheme";

/** Values of a column: an array or a danfo.js Series. */
export type ScaleValues = ArrayLike<unknown> | { readonly values: ArrayLike<unknown> };

/** The `scale` of a Vega-Lite encoding, see https://vega.github.io/vega-lite/docs/scale.html. */
export interface VegaScale {
  /** Type of the scale. */
  readonly type: "threshold" | "quantile" | "quantize" | "ordinal" | "linear";
  /** Class breaks, categories, or the ends of a continuous scale. */
  readonly domain?: readonly (string | number | boolean | null)[];
  /** CSS colours. */
  readonly range: readonly string[];
  /** Colour space of a continuous scale. */
  readonly interpolate?: "rgb";
  /** True if values outside the domain get the colour at its end. */
  readonly clamp?: boolean;
}

type Category = string | number | boolean | null;

/** @throws InvalidArgumentError for values that do not fit the scheme's method. */
export function vegaScale(scheme: Scheme, values?: ScaleValues): VegaScale {
  if (values === undefined) return scaleOfChart(scheme);
  const column = Array.from(isList(values) ? values : values.values);
  const present = column.filter((value) => !isMissing(value));
  const isNumeric = present.every((value) => typeof value === "number" || typeof value === "bigint");
  const method = methodOf(scheme, isNumeric);
  if (method === "category") return categoryScale(scheme, column.map(categoryOf));
  if (!isNumeric)
    throw new InvalidArgumentError(
      `${needNumbers(method)}; the values include ${shown(present.find((value) => typeof value !== "number"))}. Use the method "category".`,
    );
  const numbers = Float64Array.from(column, (value) => (isMissing(value) ? Number.NaN : Number(value)));
  if (method !== "continuous" && method !== "bounds") checkMethod(method, numbers, "the values");
  if (method !== "continuous") return thresholdScale(scheme, numbers, method);
  const { from, to } = classifySteps(numbers, 1);
  return { ...linearScale(scheme), domain: [from, to], clamp: true };
}

/** Returns a scale with which Vega classifies the data of its chart. */
function scaleOfChart(scheme: Scheme): VegaScale {
  const method = methodOf(scheme, true);
  const { bins } = scheme;
  const bounds = typeof bins === "number" ? [] : bins.filter(Number.isFinite);
  const count = typeof bins === "number" ? bins : bounds.length + 1; // the last class is open
  const range = paletteOf(scheme, count, method === "category").map(formatColor);
  switch (method) {
    case "quantiles":
      return { type: "quantile", range };
    case "equal":
      return { type: "quantize", range };
    case "category":
      return { type: "ordinal", range };
    case "continuous":
      return linearScale(scheme);
    case "bounds":
      return {
        type: "threshold",
        domain: bounds.map(nextAbove),
        range,
      };
    default:
      throw new InvalidArgumentError(
        `Vega has no method "${method}". Pass the column that colours the map: .vega(df.column("rate")).`,
      );
  }
}

const linearScale = (scheme: Scheme): VegaScale => {
  const { bins } = scheme;
  const stops = paletteOf(scheme, typeof bins === "number" ? bins : bins.length, false);
  return { type: "linear", range: stops.map(formatColor), interpolate: "rgb" };
};

/**
 * A class of a map includes its upper bound; a class of Vega begins with its threshold. A threshold is therefore the
 * smallest value of the class above, or, if that class is empty, the next number after the bound.
 */
function thresholdScale(scheme: Scheme, numbers: Float64Array, method: NumberMethod | "bounds"): VegaScale {
  const { bins } = scheme;
  const { classes, ranges } =
    method === "bounds"
      ? classifyByBounds(numbers, bins as readonly number[])
      : classifyNumbers(numbers, method, bins as number);
  const range = paletteOf(scheme, Math.max(1, ranges.length), false).map(formatColor);
  // `!`: `smallest` has an item for each class; missing values have a class beyond it, and are NaN
  const smallest = new Float64Array(ranges.length).fill(Infinity);
  for (const [row, value] of numbers.entries())
    if (value < smallest[classes[row]!]!) smallest[classes[row]!] = value;
  const domain = ranges.slice(1).map((_, i) => {
    const above = smallest[i + 1]!;
    return Number.isFinite(above) ? above : nextAbove(ranges[i]!.upper);
  });
  return { type: "threshold", domain, range };
}

/**
 * Lists all categories in the domain, the less frequent ones with the colour of "Other": Vega starts over with the first
 * colour for values outside the domain.
 */
function categoryScale(scheme: Scheme, values: readonly Category[]): VegaScale {
  const { bins } = scheme;
  const { categories } = classifyCategories(values, typeof bins === "number" ? bins : bins.length);
  const named = categories.map(({ value }) => value);
  const others = new Set(values.filter((value) => value !== null && !named.includes(value)));
  const palette = paletteOf(scheme, named.length, true);
  const other = formatColor(otherColorOf(scheme, palette));
  const hasMissing = values.includes(null);
  return {
    type: "ordinal",
    domain: [...named, ...others, ...(hasMissing ? [null] : [])],
    range: [
      ...palette.map(formatColor),
      ...Array.from(others, () => other),
      ...(hasMissing ? [formatColor(MISSING_COLOR)] : []),
    ],
  };
}

/** Arrays have a method `values`, a Series has a property. */
const isList = (values: ScaleValues): values is ArrayLike<unknown> =>
  !("values" in values) || typeof values.values === "function";

function categoryOf(value: unknown): Category {
  if (isMissing(value)) return null;
  return typeof value === "number" || typeof value === "boolean" ? value : String(value);
}

/** Returns the smallest double above a number. */
const nextAbove = (value: number) => firstDouble((other) => other > value);
