/** Which columns of a layer people read: in tooltips, in popups and as labels. */

import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, checkText, expected } from "./check";
import { parseColor } from "./css-color";

/** A column, and how a tooltip or popup shows it. */
export interface InfoColumn {
  readonly column: string;
  /** What it is called. Default: the column's name. */
  readonly title?: string;
  /**
   * Of numbers as in d3-format: `",.0f"`, `".1%"`, `"$,.2f"`, `"~s"`; of times as in d3-time-format: `"%d %B %Y"`,
   * `"%H:%M"`, in UTC. Both are Vega's, too.
   */
  readonly format?: string;
}

/** What a tooltip or popup shows: the columns from top to bottom, perhaps under a title. */
export interface InfoOptions {
  readonly columns: readonly (string | InfoColumn)[];
  /** A heading for all rows. */
  readonly title?: string;
}

/** Columns for a tooltip or popup. */
export type Info = string | InfoColumn | readonly (string | InfoColumn)[] | InfoOptions;

/** A column whose values are written on the map. */
export interface LabelOptions {
  readonly column: string;
  /** As in `InfoColumn`. */
  readonly format?: string;
  /** Height of the letters in CSS pixels, 6 to 72. @default 12 */
  readonly size?: number;
  /** A CSS colour. Default: dark, on the dark basemap light. */
  readonly color?: string;
  /** A CSS colour around the letters. Default: that of the basemap. */
  readonly halo?: string;
}

/** Options of a tooltip or popup that have been checked. */
export interface InfoStyle {
  readonly title?: string;
  readonly columns: readonly InfoColumn[];
}

export interface LabelColumn {
  readonly column: string;
  readonly format?: string;
  readonly sizePx: number;
  readonly color?: Rgba;
  readonly halo?: Rgba;
}

const LABEL_PX = 12;
const WHAT =
  'a column\'s name, several in an array, or { columns: ["name", { column, title, format }], title }';

/** @throws InvalidArgumentError with the value found and what is expected. */
export function checkInfo(option: "tooltip" | "popup", info: unknown): InfoStyle {
  if (!isObject(info) || "column" in info) {
    const columns = Array.isArray(info) ? (info as unknown[]) : [info];
    if (columns.length === 0) throw expected(option, info, WHAT);
    return { columns: columns.map((column) => checkInfoColumn(option, column)) };
  }
  checkKeys(option, info, OPTION_NAMES.InfoOptions);
  const { columns, title } = info;
  if (!Array.isArray(columns) || columns.length === 0) throw expected(`columns of ${option}`, columns, WHAT);
  return {
    ...(title !== undefined && { title: checkText(`title of ${option}`, title, "a text") }),
    columns: columns.map((column) => checkInfoColumn(option, column)),
  };
}

function checkInfoColumn(option: string, info: unknown): InfoColumn {
  if (typeof info === "string") return { column: checkText(option, info, "a column's name") };
  if (!isObject(info)) throw expected(option, info, WHAT);
  checkKeys(`A column of ${option}`, info, OPTION_NAMES.InfoColumn);
  const { column, title, format } = info;
  return {
    column: checkText(`column of ${option}`, column, "a column's name"),
    ...(title !== undefined && { title: checkText(`title of ${option}`, title, "a text") }),
    ...(format !== undefined && { format: checkText(`format of ${option}`, format, "a text") }),
  };
}

/** @throws InvalidArgumentError with the value found and what is expected. */
export function checkLabel(label: unknown): LabelColumn {
  if (typeof label === "string")
    return { column: checkText("label", label, "a column's name"), sizePx: LABEL_PX };
  if (!isObject(label))
    throw expected("label", label, "a column's name, or { column, format, size, color, halo }");
  checkKeys("label", label, OPTION_NAMES.LabelOptions);
  const { column, format, size = LABEL_PX, color, halo } = label;
  if (column === undefined) throw new InvalidArgumentError('label must include a "column".');
  if (typeof size !== "number" || !(size >= 6 && size <= 72))
    throw expected("size of label", size, "6 to 72 pixels");
  return {
    column: checkText("column of label", column, "a column's name"),
    ...(format !== undefined && { format: checkText("format of label", format, "a text") }),
    sizePx: size,
    ...(color !== undefined && { color: checkColor("color", color) }),
    ...(halo !== undefined && { halo: checkColor("halo", halo) }),
  };
}

function checkColor(option: string, color: unknown): Rgba {
  const rgba = typeof color === "string" ? parseColor(color) : null;
  if (rgba === null) throw expected(`${option} of label`, color, "a CSS colour");
  return rgba;
}
