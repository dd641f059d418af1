/** danfo's classes and functions as this package exports them. danfo is loaded when one of them is first used. */
import { access, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type * as danfo from "danfojs-node";
import { InvalidArgumentError } from "../errors";
import { isFrame, isSeries } from "./cells";
import { loadDanfo } from "./danfo";
import type { Danfo } from "./danfo-repairs";

type ClassName =
  | "DataFrame"
  | "Series"
  | "LabelEncoder"
  | "OneHotEncoder"
  | "MinMaxScaler"
  | "StandardScaler";

/**
 * Returns a stand-in for a class of danfo that loads danfo when it is first called, extended or read.
 * @param isInstance test for `instanceof`, so that it also accepts objects of other copies of danfo
 */
function lazyClass<N extends ClassName>(name: N, isInstance?: (value: unknown) => boolean): Danfo[N] {
  const real = () => loadDanfo()[name] as object as new (...args: unknown[]) => object;
  function StandIn() {} // no arrow function and no class: only this can be called with `new` and have any `prototype`
  const proxy: Danfo[N] = new Proxy(StandIn as unknown as Danfo[N], {
    construct: (_, args, newTarget) =>
      Reflect.construct(real(), args, newTarget === proxy ? real() : newTarget),
    get(_, member, receiver) {
      if (member === Symbol.hasInstance && isInstance && receiver === proxy) return isInstance;
      return Reflect.get(real(), member);
    },
    has: (_, member) => Reflect.has(real(), member),
  });
  return proxy;
}

/**
 * Columns of values under an index, as in pandas: `new DataFrame({ name: ["Bern", "Rom"], people: [134, 2761] })`. This is
 * danfo.js' DataFrame: https://danfo.jsdata.org/api-reference/dataframe. `instanceof DataFrame` accepts frames of every copy of danfo.
 */
export const DataFrame: typeof danfo.DataFrame = lazyClass("DataFrame", isFrame);
export type DataFrame = danfo.DataFrame;

/** One column of values under an index: https://danfo.jsdata.org/api-reference/series */
export const Series: typeof danfo.Series = lazyClass("Series", isSeries);
export type Series = danfo.Series;

/** Replaces the categories of a column by numbers: https://danfo.jsdata.org/api-reference/general-functions */
export const LabelEncoder: typeof danfo.LabelEncoder = lazyClass("LabelEncoder");
export type LabelEncoder = danfo.LabelEncoder;

/** Replaces a column of categories by a column of 0 and 1 for each category. */
export const OneHotEncoder: typeof danfo.OneHotEncoder = lazyClass("OneHotEncoder");
export type OneHotEncoder = danfo.OneHotEncoder;

/** Scales numbers to the range from 0 to 1. */
export const MinMaxScaler: typeof danfo.MinMaxScaler = lazyClass("MinMaxScaler");
export type MinMaxScaler = danfo.MinMaxScaler;

/** Scales numbers to a mean of 0 and a standard deviation of 1. */
export const StandardScaler: typeof danfo.StandardScaler = lazyClass("StandardScaler");
export type StandardScaler = danfo.StandardScaler;

type Options<F extends keyof Danfo, Position extends number> = Danfo[F] extends (
  ...args: infer Args
) => unknown
  ? Args[Position]
  : never;

/**
 * Reads a CSV file from a path or an `http(s)://` URL into a DataFrame.
 * @param options options of Papa Parse (`delimiter`, `header`, `skipEmptyLines`, …), and `frameConfig` for the DataFrame
 * @throws InvalidArgumentError if the file does not exist, cannot be downloaded, or has no rows
 */
export function readCSV(path: string, options?: Options<"readCSV", 1>): Promise<DataFrame> {
  return reading("readCSV", path, () => loadDanfo().readCSV(path, options));
}

/**
 * Reads a JSON file from a path or an `http(s)://` URL into a DataFrame. The file must contain a list of rows or an object of columns.
 * @throws InvalidArgumentError if the file does not exist, or cannot be downloaded or parsed
 */
export function readJSON(path: string, options: Options<"readJSON", 1> = {}): Promise<DataFrame> {
  const { frameConfig, method, headers } = options;
  return reading("readJSON", path, async () => {
    // danfo parses a file outside of its promise, where an error ends the process
    const text = isAddress(path) ? await download(path, { method, headers }) : await readFile(path, "utf8");
    return new DataFrame(JSON.parse(text), frameConfig);
  });
}

async function download(address: string, options: object): Promise<string> {
  const response = await fetch(address, options);
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${response.statusText}`);
  return response.text();
}

/**
 * Reads a sheet of an Excel file from a path or an `http(s)://` URL into a DataFrame.
 * @param options `sheet`: number of the sheet, from 0. @default the first sheet
 * @throws InvalidArgumentError if the file does not exist, or cannot be downloaded or parsed
 */
export function readExcel(path: string, options?: Options<"readExcel", 1>): Promise<DataFrame> {
  return reading("readExcel", path, () => loadDanfo().readExcel(path, options));
}

/** Runs one of danfo's readers, and names the file or URL in its error. */
async function reading(name: string, path: unknown, read: () => Promise<unknown>): Promise<DataFrame> {
  if (typeof path !== "string" || path.trim() === "")
    throw new InvalidArgumentError(`${name} needs the path or URL of a file, such as "data/cities.csv".`);
  if (!isAddress(path)) await checkFile(name, path);
  try {
    return (await read()) as DataFrame;
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    const reason = deeper instanceof Error ? deeper.message : message.replace(/^HTTP 0: /, "");
    throw new InvalidArgumentError(`${name} cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
  }
}

const isAddress = (path: string) => /^https?:\/\//i.test(path);

async function checkFile(name: string, path: string): Promise<void> {
  try {
    await access(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem = code === "ENOENT" ? "does not exist" : `cannot be opened (${code})`;
    const note = resolve(path) === path ? "" : ` Relative paths start from ${process.cwd()}.`;
    throw new InvalidArgumentError(`${name}: the file ${JSON.stringify(resolve(path))} ${problem}.${note}`, {
      cause,
    });
  }
}

/** Converts a DataFrame or Series to CSV: returns the text, or writes it to `filePath`. */
export const toCSV: Danfo["toCSV"] = (...args) => loadDanfo().toCSV(...args);

/** Converts a DataFrame or Series to JSON: returns the rows, or the columns with `format: "row"`, or writes them to `filePath`. */
export const toJSON: Danfo["toJSON"] = (...args) => loadDanfo().toJSON(...args);

/** Writes a DataFrame or Series to the Excel file `filePath`. */
export const toExcel: Danfo["toExcel"] = (...args) => loadDanfo().toExcel(...args);

/** Appends frames or Series to each other: below (`axis: 0`) or next to each other (`axis: 1`). */
export const concat: Danfo["concat"] = (...args) => loadDanfo().concat(...args);

/** Joins two frames on common columns: `merge({ left, right, on: ["id"], how: "left" })`. */
export const merge: Danfo["merge"] = (...args) => loadDanfo().merge(...args);

/** Replaces columns of categories by a column of 0 and 1 for each category. */
export const getDummies: Danfo["getDummies"] = (...args) => loadDanfo().getDummies(...args);

/** Parses a Series of dates; its methods return months, weekdays, … of them. */
export const toDateTime: Danfo["toDateTime"] = (...args) => loadDanfo().toDateTime(...args);

/** Returns dates at equal intervals: `dateRange({ start: "2024-01-01", period: 12, freq: "M" })`. */
export const dateRange: Danfo["dateRange"] = (...args) => loadDanfo().dateRange(...args);
