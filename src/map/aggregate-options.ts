/** Options of layers whose points are drawn together: heatmaps, cells and clusters. */
import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Aggregate, Rgba, Statistic } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, checkOneOf, checkText, expected, shown } from "./check";
import { A_COLOR, looksLikeColor, parseColor } from "./css-color";
import { checkScheme, type Scheme } from "./scheme";

/** What a cell, or a place of a heatmap, shows: the number of its points, or a statistic of a column of numbers. */
export type CellValue =
  | "count"
  | { readonly sum: string }
  | { readonly avg: string }
  | { readonly min: string }
  | { readonly max: string };

/** Colours of cells, clusters and heatmaps. */
export interface ColorByValue {
  /** A sequential scheme made by `styling`, or its name. @default "sunsetDark"; "agSunset" on the dark basemap */
  readonly scheme?: Scheme | string;
  /** Number of classes, 2 to 7; for a heatmap, of colours between which it interpolates. @default 6; 4 for clusters, 7 for heatmaps */
  readonly bins?: number;
}

/** Checked options. */
export interface AggregateStyle {
  readonly as: Aggregate["as"] | "h3";
  readonly statistic: Statistic;
  /** Column of the values; absent for counts. */
  readonly column?: string;
  /** Absent for the default. */
  readonly cell?: number;
  /** A colour whose shades are used, or a scheme; absent for the default. */
  readonly color?: Rgba | Scheme;
  /** Absent for the default. */
  readonly classes?: number;
}

const AGGREGATES = ["heatmap", "hexbin", "grid", "h3", "cluster"] as const;
const CHOICES = ["points", ...AGGREGATES] as const;
const STATISTICS = ["sum", "avg", "min", "max"] as const;
const A_VALUE = '"count", or one of { sum: column }, { avg: column }, { min: column } and { max: column }';
const MOST_CLASSES = 7;
/** Options that say how single points look, which cells do not have. */
const OF_POINTS = ["size", "stroke", "label", "tooltip", "popup"] as const;
const MIN_CELL_PX = 2;
const MAX_CELL_PX = 200;
const FINEST_H3 = 15;

/**
 * Checks `as` and the options that depend on it. Returns undefined for points.
 * @throws InvalidArgumentError naming the option that is wrong and what it must be
 */
export function checkAggregate(style: object): AggregateStyle | undefined {
  const options = style as Readonly<Record<string, unknown>>;
  const { as: wanted, value, cell, color, time } = options;
  const as = wanted === undefined ? undefined : checkOneOf("as", wanted, CHOICES);
  if (as === undefined || as === "points") {
    const [name] = Object.entries({ value, cell }).find(([, option]) => option !== undefined) ?? [];
    if (name === undefined) return undefined;
    throw new InvalidArgumentError(
      `\`${name}\` requires \`as\`: "heatmap", "hexbin", "grid", "h3" or "cluster".`,
    );
  }
  for (const name of OF_POINTS) if (options[name] !== undefined) throw notWith(as, name);
  if (time !== undefined && (as === "h3" || as === "cluster"))
    throw new InvalidArgumentError(
      `\`time\` and \`as: "${as}"\` exclude each other. Use "heatmap", "hexbin" or "grid".`,
    );
  const { statistic, column } = checkValue(value);
  if (as === "heatmap" && (statistic === "min" || statistic === "max"))
    throw new InvalidArgumentError(
      `A heatmap shows counts, sums and averages; got \`value: { ${statistic} }\`. For that, use "hexbin" or "grid".`,
    );
  return {
    as,
    statistic,
    ...(column !== undefined && { column }),
    ...(cell !== undefined && { cell: checkCell(as, cell) }),
    ...checkCellColor(color),
  };
}

/** Name of the value in legends and tooltips. */
export const titleOf = ({ statistic, column }: Pick<AggregateStyle, "statistic" | "column">): string =>
  column === undefined ? "count" : `${statistic}(${column})`;

function notWith(as: AggregateStyle["as"], name: (typeof OF_POINTS)[number]): InvalidArgumentError {
  const why = {
    size: "set the size of its cells with `cell`",
    stroke: "leave `stroke` out",
    label: "leave `label` out",
    tooltip: "its tooltip shows the value and the count of a cell",
    popup: "its tooltip shows the value and the count of a cell",
  }[name];
  return new InvalidArgumentError(
    `\`${name}\` is about single points, which \`as: "${as}"\` does not draw: ${why}.`,
  );
}

function checkValue(value: unknown): Pick<AggregateStyle, "statistic" | "column"> {
  if (value === undefined || value === "count") return { statistic: "count" };
  const [entry, ...others] = isObject(value) ? Object.entries(value) : [];
  const statistic = STATISTICS.find((name) => name === entry?.[0]);
  if (!entry || statistic === undefined || others.length > 0) throw expected("value", value, A_VALUE);
  return { statistic, column: checkText(`value.${statistic}`, entry[1], "the name of a column of numbers") };
}

function checkCell(as: AggregateStyle["as"], cell: unknown): number {
  if (as === "h3") {
    if (typeof cell === "number" && Number.isInteger(cell) && cell >= 0 && cell <= FINEST_H3) return cell;
    throw expected("cell", cell, `a resolution of H3, a whole number from 0 to ${FINEST_H3}`);
  }
  if (typeof cell === "number" && cell >= MIN_CELL_PX && cell <= MAX_CELL_PX) return cell;
  throw expected("cell", cell, `a size in CSS pixels, from ${MIN_CELL_PX} to ${MAX_CELL_PX}`);
}

function checkCellColor(color: unknown): Pick<AggregateStyle, "color" | "classes"> {
  if (color === undefined) return {};
  if (isObject(color)) {
    if ("column" in color)
      throw new InvalidArgumentError(
        `\`color\` cannot depend on column ${shown(color.column)} if points are drawn together. Use \`value\`, such as { avg: ${shown(color.column)} }.`,
      );
    checkKeys("color", color, OPTION_NAMES.ColorByValue);
    return {
      ...(color.scheme !== undefined && { color: checkScheme(color.scheme as Scheme | string) }),
      ...(color.bins !== undefined && { classes: checkClasses(color.bins) }),
    };
  }
  const rgba = typeof color === "string" ? parseColor(color) : null;
  if (rgba !== null) return { color: rgba };
  const hint =
    typeof color === "string" && !looksLikeColor(color)
      ? ` To colour cells by a column, use \`value\`, such as { avg: ${shown(color)} }.`
      : "";
  throw new InvalidArgumentError(
    `\`color\` must be ${A_COLOR}, or { scheme, bins }; got ${shown(color)}.${hint}`,
  );
}

function checkClasses(bins: unknown): number {
  if (typeof bins === "number" && Number.isInteger(bins) && bins >= 2 && bins <= MOST_CLASSES) return bins;
  throw expected("color.bins", bins, `a whole number from 2 to ${MOST_CLASSES}`);
}
