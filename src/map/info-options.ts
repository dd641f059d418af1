/** Options for the columns that readers see: in tooltips, in popups and as labels. */
import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import type { Rgba } from "../render/scene";
import { isObject } from "../values";
import { checkKeys, checkText, expected } from "./check";
import { checkColor } from "./css-color";

/** A column as a tooltip or popup shows it. */
export interface InfoColumn {
  /** Name of the column. */
  readonly column: string;
  /** Text shown before the value. @default the column's name */
  readonly title?: string;
  /**
   * Format of the values: for numbers a d3-format specifier (`",.0f"`, `".1%"`, `"$,.2f"`, `"~s"`), for times a
   * d3-time-format specifier (`"%d %B %Y"`, `"%H:%M"`), in UTC. Vega uses the same formats.
   * @default numbers with all their digits, times as precise as the column is
   */
  readonly format?: string;
}

/** Columns of a tooltip or popup, with a heading. */
export interface InfoOptions {
  /** Columns from top to bottom: names, or `{ column, title, format }`. */
  readonly columns: readonly (string | InfoColumn)[];
  /** Heading of the tooltip or popup, the same for every feature. @default no heading */
  readonly title?: string;
}

/** Columns of a tooltip or popup: one, several from top to bottom, or several with a heading. */
export type Info = string | InfoColumn | readonly (string | InfoColumn)[] | InfoOptions;

/** A column whose values are written on the map. */
export interface LabelOptions {
  /** Name of the column. */
  readonly column: string;
  /** Format of the values, as in `InfoColumn`. @default as in `InfoColumn` */
  readonly format?: string;
  /** Font size in CSS pixels, 6 to 72. @default 12 */
  readonly size?: number;
  /** Text colour, a CSS colour. @default dark; light on the dark basemap */
  readonly color?: string;
  /** Colour of the halo around the text, a CSS colour. @default white; dark on the dark basemap */
  readonly halo?: string;
}

/** Checked options of a tooltip or popup. */
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
const A_TEXT = "a string that is not blank";
const A_COLUMN = "the name of a column";
const COLUMNS =
  'the name of a column, an array of names, or { columns: ["name", { column, title, format }], title }';

/** @throws InvalidArgumentError naming the option that is wrong and what it must be. */
export function checkInfo(option: "tooltip" | "popup", info: unknown): InfoStyle {
  if (!isObject(info) || "column" in info) {
    const columns = Array.isArray(info) ? (info as unknown[]) : [info];
    if (columns.length === 0) throw expected(option, info, COLUMNS);
    return { columns: columns.map((column) => checkInfoColumn(option, column)) };
  }
  checkKeys(option, info, OPTION_NAMES.InfoOptions);
  const { columns, title } = info;
  if (!Array.isArray(columns) || columns.length === 0)
    throw expected(`${option}.columns`, columns, 'an array of columns: "name" or { column, title, format }');
  return {
    ...(title !== undefined && { title: checkText(`${option}.title`, title, A_TEXT) }),
    columns: columns.map((column) => checkInfoColumn(option, column)),
  };
}

function checkInfoColumn(option: string, info: unknown): InfoColumn {
  if (typeof info === "string") return { column: checkText(option, info, A_COLUMN) };
  if (!isObject(info)) throw expected(option, info, COLUMNS);
  checkKeys(`A column of ${option}`, info, OPTION_NAMES.InfoColumn);
  const { column, title, format } = info;
  return {
    column: checkText(`${option}.column`, column, A_COLUMN),
    ...(title !== undefined && { title: checkText(`${option}.title`, title, A_TEXT) }),
    ...(format !== undefined && { format: checkText(`${option}.format`, format, A_TEXT) }),
  };
}

/** @throws InvalidArgumentError naming the option that is wrong and what it must be. */
export function checkLabel(label: unknown): LabelColumn {
  if (typeof label === "string") return { column: checkText("label", label, A_COLUMN), sizePx: LABEL_PX };
  if (!isObject(label))
    throw expected("label", label, `${A_COLUMN}, or { column, format, size, color, halo }`);
  checkKeys("label", label, OPTION_NAMES.LabelOptions);
  const { column, format, size = LABEL_PX, color, halo } = label;
  if (column === undefined)
    throw new InvalidArgumentError("`label` must include `column`, the name of a column.");
  if (typeof size !== "number" || !(size >= 6 && size <= 72))
    throw expected("label.size", size, "a number of pixels from 6 to 72");
  return {
    column: checkText("label.column", column, A_COLUMN),
    ...(format !== undefined && { format: checkText("label.format", format, A_TEXT) }),
    sizePx: size,
    ...(color !== undefined && { color: checkColor("label.color", color) }),
    ...(halo !== undefined && { halo: checkColor("label.halo", halo) }),
  };
}
