/** Converts columns into those that tooltips, popups and labels show. */
import { utcFormat } from "d3-time-format";
import { InvalidArgumentError } from "../errors";
import { exactJsonText } from "../exact-json";
import type { Column } from "../frame";
import type { Field } from "../frame/types";
import { formatNumber, isNumberFormat } from "../render/format";
import type { Card, RowColumn } from "../render/scene";
import { shown } from "./check";
import type { InfoStyle, LabelColumn } from "./info-options";
import { isoTimeMs } from "./layer-data";

/** Longer strings are cut and end in "…". */
const MAX_TEXT = 1000;
const TIME_TYPES = ["date", "timestamp", "timestamptz"];
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Form in which the values of a column are shown. */
type ShownValues =
  | { readonly as: "numbers" | "texts" | "objects" }
  /** Numbers formatted as text. */
  | { readonly as: "formatted"; readonly format?: string }
  /** Times formatted as text. In a column of text, values outside the range of Date, such as infinity, stay as they are. */
  | { readonly as: "times"; readonly format: string; readonly cameAsText?: true };

export type ShownColumn = Field & ShownValues;

/** Collects the columns that a layer's cards and labels show, each once. */
export class RowColumns {
  readonly columns: RowColumn[] = [];
  /** Source of each of `columns`. */
  readonly sources: ShownColumn[] = [];
  readonly #available: readonly Column[];
  readonly #label: string;
  readonly #indexOf = new Map<string, number>();

  /** @param label name of the layer in error messages */
  constructor(available: readonly Column[], label: string) {
    this.#available = available;
    this.#label = label;
  }

  card(option: string, { title, columns }: InfoStyle): Card {
    return {
      ...(title !== undefined && { title }),
      fields: columns.map((info) => {
        const column = this.#find(info.column);
        const isNumber = isNumeric(column, info.format);
        this.#checkFormat(option, column, isNumber, info.format);
        return {
          title: info.title ?? info.column,
          column: this.#indexed(column, isNumber ? "numbers" : (info.format ?? ""), () =>
            isNumber ? { as: "numbers" } : textValues(column, info.format),
          ),
          ...(isNumber && info.format !== undefined && { format: info.format }),
        };
      }),
    };
  }

  /** Adds the column of a label and returns its index. */
  labels({ column: name, format }: LabelColumn): number {
    const column = this.#find(name);
    const isNumber = isNumeric(column, format);
    this.#checkFormat("label", column, isNumber, format);
    return this.#indexed(column, `label ${format ?? ""}`, () =>
      isNumber ? { as: "formatted", format } : textValues(column, format),
    );
  }

  #find(name: string): Column {
    return this.#available.find((column) => column.name === name)!; // `!`: checked when the data were read
  }

  #indexed(column: Column, as: string, valuesOf: () => ShownValues): number {
    const { name, pgtype } = column;
    const key = JSON.stringify([name, as]);
    let index = this.#indexOf.get(key);
    if (index === undefined) {
      const values = valuesOf();
      index = this.columns.push(rowColumn(column, values)) - 1;
      this.sources.push({ name, pgtype, ...values });
      this.#indexOf.set(key, index);
    }
    return index;
  }

  #checkFormat(option: string, { name, kind, pgtype }: Column, isNumber: boolean, format?: string): void {
    if (format === undefined) return;
    const column = `column ${shown(name)} of ${this.#label}`;
    if (isNumber && !isNumberFormat(format))
      throw new InvalidArgumentError(
        `\`${option}.format\` for ${column} must be a number format such as ",.0f", ".1%" or "$,.2f" (https://d3js.org/d3-format); got ${shown(format)}.`,
      );
    const isTime = kind === "datetime" || TIME_TYPES.includes(pgtype);
    if (isTime && !format.includes("%"))
      throw new InvalidArgumentError(
        `\`${option}.format\` for ${column} must be a time format such as "%d %B %Y" (https://d3js.org/d3-time-format); got ${shown(format)}.`,
      );
    if (!isNumber && !isTime)
      throw new InvalidArgumentError(
        `\`${option}.format\` requires numbers or times; ${column} is of type ${pgtype}. Leave the format ${shown(format)} out.`,
      );
  }
}

/** Returns true for numbers, and for numbers that arrived as text (too long for a double) if a format rounds them. */
function isNumeric({ kind, pgtype }: Column, format: string | undefined): boolean {
  return (
    kind === "number" || (kind === "string" && format !== undefined && ["int8", "numeric"].includes(pgtype))
  );
}

function numbersOf({ values, nulls }: Column): RowColumn & { kind: "numbers" } {
  const numbers =
    values instanceof Float64Array
      ? values.slice()
      : Float64Array.from(values as (string | null)[], (text) => (text === null ? Number.NaN : Number(text)));
  if (nulls !== undefined)
    for (let row = 0; row < numbers.length; row++) if (nulls[row] === 1) numbers[row] = Number.NaN;
  return { kind: "numbers", values: numbers };
}

/** Decides how values that are not numbers are shown. */
function textValues({ kind, pgtype, values }: Column, format: string | undefined): ShownValues {
  if (kind === "datetime") return { as: "times", format: format ?? timeFormatOf(values) };
  if (format !== undefined && TIME_TYPES.includes(pgtype)) return { as: "times", format, cameAsText: true };
  return { as: kind === "object" ? "objects" : "texts" };
}

function rowColumn(column: Column, shownValues: ShownValues): RowColumn {
  switch (shownValues.as) {
    case "numbers":
      return numbersOf(column);
    case "formatted":
      return dictionary(numbersOf(column).values, (value) => formatNumber(value, shownValues.format));
    case "times": {
      const write = utcFormat(shownValues.format);
      if (!shownValues.cameAsText)
        return dictionary(column.values as Float64Array, (ms) => write(new Date(ms)));
      return dictionary(column.values as readonly (string | null)[], (text) => {
        const ms = isoTimeMs(text);
        return Number.isNaN(ms) ? text : write(new Date(ms));
      });
    }
    case "objects":
      return dictionary(column.values, objectText);
    case "texts":
      return dictionary(column.values as readonly (string | number | boolean | null)[], String);
  }
}

/** Returns a format as precise as the times are. */
function timeFormatOf(values: Float64Array): string {
  const has = (unit: number) => values.some((ms) => ms % unit !== 0 && !Number.isNaN(ms));
  if (!has(DAY_MS)) return "%Y-%m-%d";
  return has(MINUTE_MS) ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M";
}

function objectText(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length.toLocaleString("en-US")} bytes`;
  return typeof value === "string" ? value : exactJsonText(value as object);
}

function dictionary<T>(values: ArrayLike<T>, textOf: (value: NonNullable<T>) => string): RowColumn {
  const codeOf = new Map<T, number>();
  const codeOfText = new Map<string, number>();
  const texts: string[] = [];
  const codes = new Uint32Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value === null || value === undefined || Number.isNaN(value)) continue;
    let code = codeOf.get(value);
    if (code === undefined) {
      const whole = textOf(value);
      const text = whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT)}…` : whole;
      code = codeOfText.get(text) ?? texts.push(text);
      codeOfText.set(text, code);
      codeOf.set(value, code);
    }
    codes[row] = code;
  }
  return { kind: "texts", texts, codes };
}
