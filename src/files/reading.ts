/** Options that choose a part of a file, and say how to read it. */

import type { EndpointKind } from "../api/endpoint";
import type { ReadingParameters } from "../api/imports";
import { checkLimit } from "../context/read/read";
import { InvalidArgumentError } from "../errors";
import { type Bbox, parseBbox } from "../geo";
import type { CallOptions } from "../options";
import { isCondition } from "../sql-lexer";

/** Layer of a file: its name, or its position in `cc.layers`, from 0. */
export type LayerName = string | number;

/** How a server reads a file. An account's Import API knows only `typeGuessing` and `contentGuessing`. */
export interface FileOptions extends CallOptions {
  /**
   * Layers to read, as `cc.layers` lists them: a name, a position from 0, or a list of these.
   * @default all layers; of a workbook, the first sheet with cells
   */
  readonly layer?: LayerName | readonly LayerName[];
  /** Encoding of the texts, such as `"windows-1251"`. @default what the file declares, or else UTF-8 or a guess */
  readonly encoding?: string;
  /**
   * EPSG code of the coordinates, such as 27700. With it, columns `x` and `y` of a CSV file are points.
   * @default what the file names, or else 4326
   */
  readonly srid?: number;
  /** Columns to keep besides the geometry, named as in the file or as in the table. @default all columns */
  readonly columns?: readonly string[];
  /** SQL condition for the rows to keep, over the columns of the table: `"population > 1000"`. @default all rows */
  readonly where?: string;
  /**
   * Box [west, south, east, north] in degrees. Rows whose geometry does not intersect it are left out. With a west greater
   * than the east, the box crosses 180 degrees.
   * @default all rows
   */
  readonly bbox?: Bbox;
  /** Maximum number of rows. @default all rows */
  readonly limit?: number;
  /** Makes the server find numbers, dates and coordinates in the texts of CSV files and workbooks. @default true */
  readonly typeGuessing?: boolean;
  /**
   * Makes geometries from names of countries, regions and cities, and from IP addresses, if the file has none.
   * @default false
   */
  readonly contentGuessing?: boolean;
}

const isText = (value: unknown) => typeof value === "string" && value.trim() !== "";
const isBoolean = (value: unknown) => typeof value === "boolean";
const isLayer = (value: unknown) => isText(value) || (Number.isSafeInteger(value) && (value as number) >= 0);
const isListOf = (isOne: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.every(isOne);
const MAX_SRID = 998_999;
const isSrid = (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_SRID;

const CHECKS: Readonly<Record<string, readonly [isFit: (value: unknown) => boolean, expected: string]>> = {
  layer: [
    (value) => isLayer(value) || isListOf(isLayer)(value),
    "the name of a layer, its position from 0, or a list of these",
  ],
  encoding: [isText, 'the name of an encoding, such as "windows-1251"'],
  srid: [isSrid, "an EPSG code, such as 27700"],
  columns: [isListOf(isText), 'a list of names, such as ["name", "population"]'],
  where: [
    (value) => typeof value === "string" && isCondition(value),
    'one SQL condition, such as "population > 1000"',
  ],
  bbox: [(value) => parseBbox(value) !== undefined, "[west, south, east, north] in degrees"],
  typeGuessing: [isBoolean, "true or false"],
  contentGuessing: [isBoolean, "true or false"],
};

/** @throws InvalidArgumentError for an option with an invalid value */
export function checkFileOptions(options: FileOptions): void {
  for (const [name, [isFit, expected]] of Object.entries(CHECKS)) {
    const value = options[name as keyof FileOptions];
    if (value !== undefined && !isFit(value))
      throw new InvalidArgumentError(`\`${name}\` must be ${expected}; got ${JSON.stringify(value)}.`);
  }
  checkLimit(options.limit);
}

/**
 * Returns the parameters of the Import API for the part of a file to read.
 * @throws InvalidArgumentError for an account, which would ignore them
 */
export function readingOf(options: FileOptions, kind: EndpointKind): ReadingParameters {
  const { encoding, srid, columns, where, bbox, limit } = options;
  const layer = options.layer === undefined ? undefined : [options.layer].flat();
  const reading = { layer, encoding, srid, columns, where, bbox, limit };
  const [given] = Object.entries(reading).find(([, value]) => value !== undefined) ?? [];
  if (kind === "account" && given !== undefined) {
    throw new InvalidArgumentError(
      `\`${given}\` works on the local server only, because an account's Import API has no such option. Leave it out and choose rows and columns with SQL after the import.`,
    );
  }
  return reading;
}
