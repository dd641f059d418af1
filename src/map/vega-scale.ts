/** Schemes as scales of Vega-Lite, so that a chart has the colours and the classes of a map. */

import { InvalidArgumentError } from "../errors";
import { isMissing } from "../values";
import { shown } from "./check";
import {
  classifyByBounds,
  classifyCategories,
  classifyNumbers,
  classifySteps,
  firstDouble,
} from "./classify";
import { formatColor } from "./css-color";
import { MISSING_COLOR, methodOf, type NumberMethod, otherColorOf, paletteOf, type Scheme } from "./scheme";

/** Values of a column: an array, or a Series. */
export type ScaleValues = ArrayLike<unknown> | { readonly values: ArrayLike<unknown> };

/** The `scale` of an encoding, see https://vega.github.io/vega-lite/docs/scale.html. */
export interface VegaScale {
  readonly type: "threshold" | "quantile" | "quantize" | "ordinal" | "linear";
  readonly domain?: readonly (string | number | boolean | null)[];
  /** Colours in CSS. */
  readonly range: readonly string[];
  readonly interpolate?: "rgb";
  readonly clamp?: boolean;
}

type Category = string | number | boolean | null;

export function vegaScale(scheme: Scheme, values?: ScaleValues): VegaScale {
  if (values === undefined) return scaleOfItsOwn(scheme);
  const column = Array.from(isList(values) ? values : values.values);
  const present = column.filter((value) => !isMissing(value));
  const isNumeric = present.every((value) => typeof value === "number" || typeof value === "bigint");
  const method = methodOf(scheme, isNumeric);
  if (method === "category") return categoryScale(scheme, column.map(categoryOf));
  if (!isNumeric)
    throw new InvalidArgumentError(
      `The values of the scale hold ${shown(present.find((value) => typeof value !== "number"))}, and ` +
        `${method === "bounds" ? "bounds are" : `the method "${method}" is`} for numbers. Use the method "category".`,
    );
  const numbers = Float64Array.from(column, (value) => (isMissing(value) ? Number.NaN : Number(value)));
  if (method !== "continuous") return thresholdScale(scheme, numbers, method);
  const { from, to } = classifySteps(numbers, 1);
  return { ...linearScale(scheme), domain: [from, to], clamp: true };
}

/** Classes that Vega finds among the values of its chart. */
function scaleOfItsOwn(scheme: Scheme): VegaScale {
  const method = methodOf(scheme, true);
  const count = typeof scheme.bins === "number" ? scheme.bins : scheme.bins.length;
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
        domain: (scheme.bins as readonly number[]).slice(0, -1).map(nextAbove),
        range,
      };
    default:
      throw new InvalidArgumentError(
        `Vega does not know the method "${method}". Give the scale the column that the map is coloured by: .vega(df.column("rate")).`,
      );
  }
}

const linearScale = (scheme: Scheme): VegaScale => {
  const { bins } = scheme;
  const stops = paletteOf(scheme, typeof bins === "number" ? bins : bins.length, false);
  return { type: "linear", range: stops.map(formatColor), interpolate: "rgb" };
};

/**
 * A class of ours ends with its upper bound, one of Vega's begins with its threshold. So the thresholds are the smallest
 * values of the classes above, or where these are empty what follows the bound.
 */
function thresholdScale(scheme: Scheme, numbers: Float64Array, method: NumberMethod | "bounds"): VegaScale {
  const { bins } = scheme;
  const { classes, ranges } =
    method === "bounds"
      ? classifyByBounds(numbers, bins as readonly number[])
      : classifyNumbers(numbers, method, bins as number);
  const range = paletteOf(scheme, Math.max(1, ranges.length), false).map(formatColor);
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
 * Each value beyond the most frequent ones has the colour of "Other", and what is missing its own: Vega would begin again
 * with the first.
 */
function categoryScale(scheme: Scheme, values: readonly Category[]): VegaScale {
  const { bins } = scheme;
  const { categories } = classifyCategories(values, typeof bins === "number" ? bins : bins.length);
  const named = categories.map(({ value }) => value);
  const others = new Set(values.filter((value) => value !== null && !named.includes(value)));
  const other = formatColor(otherColorOf(scheme));
  const hasMissing = values.includes(null);
  return {
    type: "ordinal",
    domain: [...named, ...others, ...(hasMissing ? [null] : [])],
    range: [
      ...paletteOf(scheme, named.length, true).map(formatColor),
      ...Array.from(others, () => other),
      ...(hasMissing ? [formatColor(MISSING_COLOR)] : []),
    ],
  };
}

/** Lists have a method of that name. */
const isList = (values: ScaleValues): values is ArrayLike<unknown> =>
  !("values" in values) || typeof values.values === "function";

function categoryOf(value: unknown): Category {
  if (isMissing(value)) return null;
  return typeof value === "number" || typeof value === "boolean" ? value : String(value);
}

/** The smallest double above a number. */
const nextAbove = (value: number) => firstDouble((other) => other > value);
