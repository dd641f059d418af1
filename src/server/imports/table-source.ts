import type { LayerDescription } from "../../api/schemas/imports";
import type { Shape } from "../../geometry/shape";
import type { Engine } from "../engine/engine";
import type { ImportFailure } from "./errors";
import type { FileToImport } from "./file";
import type { FoundEncoding } from "./formats/encoding";
import type { Reading } from "./reading";
import type { ImportedTable } from "./record";

/** A cell of a file. Objects are written as JSON. */
export type Cell = string | number | bigint | boolean | Date | object | null | undefined;

export interface Row {
  /** Values by the position of their column. Missing values are NULL. */
  readonly values: readonly Cell[];
  /** Geometry, for formats that have geometries. */
  readonly geometry?: Shape | null;
  /** The reason why the row's geometry cannot be read. The row is loaded without it. */
  readonly invalidGeometry?: ImportFailure;
}

/** A layer of a file. */
export interface Layer {
  /** Name of the future table: that of the file, without folder and extension, and of the layer if there are several. */
  readonly name: string;
  /** Name of the layer in the file; that of the file if it holds only one. */
  readonly layer: string;
  /** Name of the file, with its extension. */
  readonly file: string;
  /** True for a layer that becomes a table only if the import names it. */
  readonly isExtra?: boolean;
}

/** The content of one future table, inside the worker thread. It is read twice: first to find its columns, then to load it. */
export interface TableSource extends Layer {
  /**
   * `cells` of spreadsheets and CSV are texts whose types are guessed; `features` have typed values and a geometry.
   */
  readonly kind: "cells" | "features";
  /** Names of the columns in the file. Formats without a header add to them during the first reading. */
  readonly columns: readonly string[];
  /** Positions of columns with a quoted value; known after the first reading. */
  readonly quoted?: ReadonlySet<number>;
  /** Positions of columns of `features` whose texts are typed by their content, as in `cells`. */
  readonly guessed?: ReadonlySet<number>;
  /** Positions of columns that repeat another one and are left out; known after the first reading. */
  readonly repeated?: ReadonlySet<number>;
  /** True if `1,5` may be a number. */
  readonly hasDecimalCommas?: boolean;
  /** True if the typed values of `features` hold times as text in ISO 8601, which become times. */
  readonly hasTimesAsText?: boolean;
  /** Coordinate system of the geometries, as SRID or WKT; known after the first reading. */
  readonly projection?: number | string;
  /** True if files of the format should name their coordinate system. Without it, degrees are assumed. */
  readonly needsProjection?: boolean;
  /** Encoding of the texts, if the format does not define it. */
  readonly encoding?: FoundEncoding;
  /** @throws ImportFailure with the code of the format if the file is invalid. */
  rows(): AsyncIterable<Row>;
}

/** What is reported about a loaded table, besides its name. */
export type LoadedContent = Omit<ImportedTable, "name" | "wanted">;

/** A future table. Its rows are read in a worker thread. */
export interface LayerSource extends Layer {
  describe(): Promise<LayerDescription>;
  /**
   * Loads the rows into a new table and makes it a CARTO table; null for a layer without features. After that, or after a
   * failure, the table may exist, and the caller drops it.
   */
  load(engine: Engine, table: string, signal: AbortSignal): Promise<LoadedContent | null>;
}

/** Files that this project reads itself. GDAL reads all others. */
export const OWN_EXTENSIONS = [
  ".csv",
  ".tsv",
  ".tab",
  ".txt",
  ".json",
  ".geojson",
  ".shp",
  ".kml",
  ".xlsx",
  ".xlsm",
  ".xls",
  ".ods",
] as const;

/** How to read a file. */
export interface FileOptions {
  readonly typeGuessing: boolean;
  /** True if a quoted value may be a number. If false, the format reports quoted columns in `TableSource.quoted`. */
  readonly quotedFieldsGuessing: boolean;
  readonly contentGuessing: boolean;
  readonly reading: Reading;
  /** Files from the same archive that may be parts of the file. */
  readonly beside: readonly FileToImport[];
}
