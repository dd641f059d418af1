import type { Shape } from "../../frame/shape";
import type { FileToImport } from "./unpack";

/** What a cell of a file can be. Objects are written as JSON. */
export type Cell = string | number | boolean | Date | object | null | undefined;

export interface Row {
  /** By the position of their column; missing ones are NULL. */
  readonly values: readonly Cell[];
  /** Of a format that has geometries. */
  readonly geometry?: Shape | null;
}

/** The content of one table-to-be: read twice, once to learn what its columns are, once to load it. */
export interface TableSource {
  /** Of the file it comes from, without folder and extension. */
  readonly name: string;
  /**
   * `cells` of a spreadsheet are texts whose types are to be guessed; `features` have typed values and a geometry
   * each.
   */
  readonly kind: "cells" | "features";
  /** Their names in the file. Formats without a header add to them while rows are read the first time. */
  readonly columns: readonly string[];
  /** Columns in which a value stood in quotes; known after the first reading. */
  readonly quoted?: ReadonlySet<number>;
  /** Coordinate system of the geometries: an SRID, or WKT; known after the first reading. */
  readonly projection?: number | string;
  /** @throws ImportFailure with the code of the format where the file is not what it should be. */
  rows(): AsyncIterable<Row>;
}

export interface FormatOptions {
  /** True if a quoted value may be a number. If false, the format reports quoted columns in `TableSource.quoted`. */
  readonly quotedFieldsGuessing: boolean;
  /** Files from the same archive. */
  readonly beside: readonly FileToImport[];
}
