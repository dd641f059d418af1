/** Classifies the column that colours a layer, and gives each class its colour. */
import { InvalidArgumentError } from "../errors";
import type { Basemap, Rgba } from "../render/scene";
import { shown } from "./check";
import {
  type CategoryClasses,
  type Classes,
  checkMethod,
  classifyAround,
  classifyByBounds,
  classifyCategories,
  classifyNumbers,
  classifySteps,
  finiteRangeOf,
} from "./classify";
import { type Surroundings, visibleRamp } from "./contrast";
import type { StyleColumn } from "./layer-data";
import {
  type BinMethod,
  continuousPalette,
  methodOf,
  mostColorsOf,
  type NumberMethod,
  needNumbers,
  otherColorOf,
  paletteOf,
  type Scheme,
} from "./scheme";
import type { ColumnColor } from "./style-options";

/** Steps of a continuous colour ramp: more cannot be distinguished. */
const COLOR_STEPS = 128;

interface ColorClasses {
  readonly classes: Classes;
  readonly palette: readonly Rgba[];
  readonly method: BinMethod | "bounds";
  /** True if the classes are symmetric about a centre. */
  readonly isDiverging: boolean;
}

/**
 * Numbers on both sides of zero have a diverging scheme by default. The default scheme of other numbers begins with a colour
 * that can be told from land and sea; on a dark basemap it is turned around: large values are bright.
 * @param label name of the layer in error messages
 */
export function classifyColor(
  color: ColumnColor,
  column: StyleColumn,
  label: string,
  { theme, around }: { readonly theme: Basemap["theme"]; readonly around: Surroundings },
): ColorClasses {
  const colored = colorClasses(color, column, label);
  if (!color.hasDefaultScheme || colored.isDiverging || colored.method === "category") return colored;
  const ramp = theme === "dark" ? [...colored.palette].reverse() : colored.palette;
  return { ...colored, palette: visibleRamp(ramp, around) };
}

function colorClasses(color: ColumnColor, column: StyleColumn, label: string): ColorClasses {
  const isNumeric = column.kind === "number";
  const isDiverging = color.center !== undefined || (color.mayDiverge && hasBothSigns(column));
  const scheme = color.schemeFor(isNumeric, isDiverging);
  const method = methodOf(scheme, isNumeric);
  if (method === "category") {
    if (color.center !== undefined) throw noCenter(column, label);
    return { ...colorCategories(color, scheme, column), method, isDiverging: false };
  }
  if (column.kind !== "number")
    throw new InvalidArgumentError(
      `${needNumbers(method)}; ${typeText(column, label)}. Use the method "category".`,
    );
  const center = isDiverging ? (color.center ?? 0) : undefined;
  const values = column.values;
  if (method === "continuous") return { ...colorSteps(color, scheme, values, center), method, isDiverging };
  const { bins } = scheme;
  if (method !== "bounds")
    checkMethod(method, values, `the values of column ${shown(column.name)} of ${label}`);
  const classes =
    typeof bins !== "number"
      ? classifyByBounds(values, bins)
      : center === undefined
        ? classifyNumbers(values, method as NumberMethod, bins)
        : classifyAround(values, center, method as NumberMethod, bins);
  return { classes, palette: paletteOf(scheme, classes.ranges.length, false), method, isDiverging };
}

export const typeText = ({ name, pgtype }: StyleColumn, label: string): string =>
  `column ${shown(name)} of ${label} is of type ${pgtype}`;

const noCenter = (column: StyleColumn, label: string) =>
  new InvalidArgumentError(`\`color.center\` requires classes of numbers; ${typeText(column, label)}.`);

function hasBothSigns(column: StyleColumn): boolean {
  if (column.kind !== "number" || column.isTime) return false;
  const [min, max] = finiteRangeOf(column.values);
  return min < 0 && max > 0;
}

/** The ramp of a diverging scheme is cut where the values end, so that its middle is at the centre. */
function colorSteps(
  { domain }: ColumnColor,
  scheme: Scheme,
  values: Float64Array,
  center: number | undefined,
) {
  const classes = classifySteps(values, COLOR_STEPS, domain);
  const { from, to } = classes;
  const reach = center === undefined ? 0 : Math.max(Math.abs(from - center), Math.abs(to - center));
  if (center === undefined || reach === 0)
    return { classes, palette: continuousPalette(scheme, COLOR_STEPS) };
  const shareOf = (value: number) => 0.5 + (value - center) / reach / 2;
  return { classes, palette: continuousPalette(scheme, COLOR_STEPS, [shareOf(from), shareOf(to)]) };
}

/** Categories with a colour of their own have it; the others have the colours of the scheme, in order. */
function colorCategories(
  { order = [], colors = new Map() }: ColumnColor,
  scheme: Scheme,
  column: StyleColumn,
) {
  const first = [...new Set([...order, ...colors.keys()].map((value) => typedAs(column, value)))];
  const most = typeof scheme.bins === "number" ? scheme.bins : scheme.bins.length;
  const count = order.length > 0 ? first.length : Math.max(most, first.length);
  const classes = classifyCategories(column.values, count, first);
  const free = classes.categories.filter(({ value }) => !colors.has(String(value))).length;
  if (free > mostColorsOf(scheme))
    throw new InvalidArgumentError(
      `\`color.order\` leaves ${free} categories without a colour, but the scheme has ${mostColorsOf(scheme)}. Give more of them a colour in \`color.colors\`.`,
    );
  const left = paletteOf(scheme, free, true).values();
  const palette = classes.categories.map(
    ({ value }) => colors.get(String(value)) ?? left.next().value!, // `!`: counted above
  );
  return { classes, palette: withOther(classes, palette, scheme) };
}

const withOther = ({ otherCount }: CategoryClasses, palette: readonly Rgba[], scheme: Scheme) =>
  otherCount > 0 ? [...palette, otherColorOf(scheme, palette)] : palette;

/** Converts a value of an option to the type of the column. */
function typedAs({ kind }: StyleColumn, value: string | number | boolean): string | number | boolean {
  if (kind === "number") return Number(value);
  return kind === "boolean" ? String(value) === "true" : String(value);
}
