/** Columns of the data as tooltips, popups and labels carry them. */
import { utcFormat } from "d3-time-format";
import { InvalidArgumentError } from "../errors";
import type { Column } from "../frame";
import { formatNumber, isNumberFormat } from "../render/format";
import type { Card, RowColumn } from "../render/scene";
import { shown } from "./check";
import type { InfoStyle, LabelColumn } from "./info-options";
import { isoTimeMs } from "./iso-time";

/** Longer texts end in "…": a page is no place for documents. */
const MAX_TEXT = 1000;
const TIME_TYPES = ["date", "timestamp", "timestamptz"];
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Collects the columns that a layer's cards and labels show, each once. */
export class RowColumns {
  readonly columns: RowColumn[] = [];
  readonly #indexOf = new Map<string, number>();

  constructor(
    private readonly shownColumns: readonly Column[],
    private readonly label: string,
  ) {}

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
            isNumber ? numbersOf(column) : textsOf(column, info.format),
          ),
          ...(isNumber && info.format !== undefined && { format: info.format }),
        };
      }),
    };
  }

  /** The index of the column of texts for labels. */
  labels({ column: name, format }: LabelColumn): number {
    const column = this.#find(name);
    const isNumber = isNumeric(column, format);
    this.#checkFormat("label", column, isNumber, format);
    return this.#indexed(column, `label ${format ?? ""}`, () =>
      isNumber
        ? dictionary(numbersOf(column).values, (value) => formatNumber(value, format))
        : textsOf(column, format),
    );
  }

  #find(name: string): Column {
    return this.shownColumns.find((column) => column.name === name)!; // checked when the data were chosen
  }

  #indexed(column: Column, as: string, make: () => RowColumn): number {
    const key = JSON.stringify([column.name, as]);
    let index = this.#indexOf.get(key);
    if (index === undefined) {
      index = this.columns.push(make()) - 1;
      this.#indexOf.set(key, index);
    }
    return index;
  }

  #checkFormat(option: string, { name, kind, pgtype }: Column, isNumber: boolean, format?: string): void {
    if (format === undefined) return;
    const where = `format of ${option} is ${shown(format)}, for column ${shown(name)} of ${this.label}`;
    if (isNumber && !isNumberFormat(format))
      throw new InvalidArgumentError(
        `${where}; expected a format of numbers like ",.0f", ".1%" or "$,.2f" (https://d3js.org/d3-format).`,
      );
    const isTime = kind === "datetime" || TIME_TYPES.includes(pgtype);
    if (isTime && !format.includes("%"))
      throw new InvalidArgumentError(
        `${where}; expected a format of times like "%d %B %Y" (https://d3js.org/d3-time-format).`,
      );
    if (!isNumber && !isTime)
      throw new InvalidArgumentError(
        `${where}, which is of type ${pgtype}; only numbers and times have formats.`,
      );
  }
}

/** Numbers that came as text because doubles are not exact stay texts, unless they are to be rounded anyway. */
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

function textsOf(column: Column, format: string | undefined): RowColumn {
  switch (column.kind) {
    case "datetime": {
      const write = utcFormat(format ?? timeFormatOf(column.values));
      return dictionary(column.values, (ms) => write(new Date(ms)));
    }
    case "object":
      return dictionary(column.values, objectText);
    case "string":
      if (!TIME_TYPES.includes(column.pgtype)) return dictionary(column.values, String);
      return timeTextsOf(column.values, format);
    default:
      return dictionary(column.values as readonly (string | number | boolean | null)[], String);
  }
}

/** Times that came as text because some are infinite or beyond JavaScript's: these stay as they are. */
function timeTextsOf(texts: readonly (string | null)[], format: string | undefined): RowColumn {
  const write = utcFormat(format ?? timeFormatOf(Float64Array.from(texts, (text) => isoTimeMs(text ?? ""))));
  return dictionary(texts, (text) => {
    const ms = isoTimeMs(text);
    return Number.isNaN(ms) ? text : write(new Date(ms));
  });
}

/** As precise as the times are. */
function timeFormatOf(values: Float64Array): string {
  const has = (unit: number) => values.some((ms) => ms % unit !== 0 && !Number.isNaN(ms));
  if (!has(DAY_MS)) return "%Y-%m-%d";
  return has(MINUTE_MS) ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M";
}

function objectText(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length.toLocaleString("en-US")} bytes`;
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

function dictionary<T>(values: ArrayLike<T>, textOf: (value: NonNullable<T>) => string): RowColumn {
  const codeOf = new Map<T, number>();
  const codeOfText = new Map<string, number>();
  const texts: string[] = [];
  const codes = new Uint32Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
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
