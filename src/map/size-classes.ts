/** Sizes of points and lines by the values of a column. */
import { InvalidArgumentError } from "../errors";
import { shown } from "./check";
import { skewAdvice } from "./class-advice";
import {
  checkMethod,
  classifyByBounds,
  classifyNumbers,
  classifySteps,
  finiteRangeOf,
  type RangeClasses,
  type StepClasses,
} from "./classify";
import type { GeometryKind } from "./geometry";
import type { StyleColumn } from "./layer-data";
import type { ColumnSize } from "./style-options";

type Numbers = Extract<StyleColumn, { kind: "number" }>;

/** Sizes of the smallest and the largest class in CSS pixels. */
const RANGE_PX = { point: [5, 25], line: [0.5, 6], polygon: [5, 25] } as const;
/** Proportional symbols are not smaller than this, so that every feature shows. */
const LEAST_PX = { point: 2, line: 0.5, polygon: 2 } as const;
/** In smaller circles no hole shows. */
const LEAST_HOLLOW_PX = 4;
/** Steps of continuous sizes: more cannot be distinguished. Proportional sizes need them for small values. */
const STEPS = 32;
const PROPORTIONAL_STEPS = 200;

interface SizeClasses {
  readonly classes: RangeClasses | StepClasses;
  /** Size of each class in CSS pixels. */
  readonly px: readonly number[];
  /** Points in lower classes have negative values, and are hollow. */
  readonly hollowBelow?: number;
  /** What the reader may want to know about the sizes. */
  readonly advice?: string | undefined;
}

/**
 * Divides the values of a column into sizes: by default proportional. Points with negative values are hollow; lines of which
 * one has a negative value have five classes.
 * @param label of the layer, for messages
 * @throws InvalidArgumentError for values that the method cannot show
 */
export function classifySize(
  { bins, method, minPx, maxPx }: ColumnSize,
  column: Numbers,
  { kind, label }: { readonly kind: GeometryKind; readonly label: string },
): SizeClasses {
  const most = maxPx ?? RANGE_PX[kind][1];
  const least = minPx ?? Math.min(RANGE_PX[kind][0], most);
  const evenly = (share: number) => least + (most - least) * share;
  if (typeof bins !== "number") {
    const classes = classifyByBounds(column.values, bins);
    return { classes, px: spread(classes.ranges.length, evenly) };
  }
  if (method === "continuous" && minPx !== undefined) {
    const pxOf = (share: number) => Math.sqrt(least ** 2 + (most ** 2 - least ** 2) * share);
    return {
      classes: classifySteps(column.values, STEPS),
      px: spread(STEPS, kind === "point" ? pxOf : evenly),
    };
  }
  const negative = column.values.find((value) => value < 0);
  const isProportional = method === "continuous" || method === undefined;
  if (isProportional && kind === "point" && negative !== undefined)
    return proportionalOfBothSigns(column.values, most);
  if (method === "continuous" && negative !== undefined) throw notNegative(column, negative, label);
  if (method === "continuous" || (method === undefined && negative === undefined))
    return proportional(column.values, most, kind);
  const chosen = method ?? "quantiles";
  checkMethod(chosen, column.values, `the values of column ${shown(column.name)} of ${label}`);
  const classes = classifyNumbers(column.values, chosen, bins);
  const advice =
    method === undefined
      ? `Column ${shown(column.name)} of ${label} has negative values, to which no width is proportional: widths are those of ${bins} classes with as many rows each.`
      : method === "equal"
        ? skewAdvice(column, method, label)
        : undefined;
  return { classes, px: spread(classes.ranges.length, evenly), advice };
}

const notNegative = ({ name }: Numbers, value: number, label: string) =>
  new InvalidArgumentError(
    `The width of a line is proportional to its value, which must not be negative; column ${shown(name)} of ${label} has ${value}. ` +
      `Show it by \`color\`, or in classes: \`size: { column: ${JSON.stringify(name)}, method: "quantiles" }\`.`,
  );

/** Makes the area of points, and the width of lines, proportional to the values. */
function proportional(values: Float64Array, maxPx: number, kind: GeometryKind): SizeClasses {
  const most = values.reduce((max, value) => (value > max && value !== Infinity ? value : max), 0);
  const pxOf = (share: number) =>
    Math.max(LEAST_PX[kind], maxPx * (kind === "point" ? Math.sqrt(share) : share));
  const px = stepsPx(PROPORTIONAL_STEPS, pxOf);
  return { classes: classifySteps(values, PROPORTIONAL_STEPS, [0, most]), px };
}

/** Makes the area of points proportional to the absolute values. */
function proportionalOfBothSigns(values: Float64Array, maxPx: number): SizeClasses {
  const [min, max] = finiteRangeOf(values);
  const most = min > max ? 0 : Math.max(-min, max);
  const pxOf = (leastPx: number) =>
    stepsPx(PROPORTIONAL_STEPS / 2, (share) => Math.max(leastPx, maxPx * Math.sqrt(share)));
  return {
    classes: classifySteps(values, PROPORTIONAL_STEPS, [-most, most]),
    px: [...pxOf(LEAST_HOLLOW_PX).reverse(), ...pxOf(LEAST_PX.point)],
    hollowBelow: PROPORTIONAL_STEPS / 2,
  };
}

/** Returns the sizes of steps from 0: those of the middle of each step, and of the largest value for the last. */
const stepsPx = (steps: number, pxOf: (share: number) => number): number[] =>
  Array.from({ length: steps }, (_, i) => pxOf((i + 0.5) / (steps - 0.5)));

/** Returns the sizes of `count` classes, from the smallest to the largest; the middle size if there is one class. */
const spread = (count: number, pxOf: (share: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => (count > 1 ? pxOf(i / (count - 1)) : (pxOf(0) + pxOf(1)) / 2));
