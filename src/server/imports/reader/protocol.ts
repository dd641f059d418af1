/** What the server and the thread of its own readers say to each other, one request after the other. */
import type { Unread } from "../../../api/schemas/imports";
import type { ImportErrorCode } from "../errors";
import type { FileToImport } from "../file";
import type { FileOptions, Layer, LoadedContent } from "../table-source";

export type ToReader =
  | { readonly kind: "open"; readonly file: FileToImport; readonly options: FileOptions }
  /** Reads a table for the types of its columns. `at` is its number among all tables of the import. */
  | { readonly kind: "plan"; readonly at: number }
  /** Looks for a column that names places in a table without a geometry. */
  | { readonly kind: "guess"; readonly at: number }
  /** Asks for the next rows of a table that has a plan. */
  | { readonly kind: "rows"; readonly at: number };

/** Answers by the kind of the request. */
export interface Answers {
  /** The tables of the file; the first one has the number `first`. */
  readonly open: { readonly first: number; readonly layers: readonly Layer[] };
  readonly plan: TablePlan & FileFacts;
  readonly guess: TablePlan | null;
  /** Text in the format of COPY; at the end, the values that cannot be read. */
  readonly rows: Uint8Array | { readonly unread: Unread[] };
}

export type FromReader =
  | { readonly kind: "answer"; readonly answer: Answers[keyof Answers] }
  | { readonly kind: "failed"; readonly code: ImportErrorCode; readonly detail: string };

/** What the database has to know of a future table. */
export interface TablePlan {
  readonly rowCount: number;
  /** The column that becomes `cartodb_id`. */
  readonly id: { readonly type: string } | null;
  /** All other columns, except the one that the geometry is read from; `from` is the name in the file. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly from: string }[];
  readonly geometry: {
    /** True if all geometries are 2D and in SRID 4326, so that the database need not convert them. */
    readonly ready: boolean;
    /** Coordinate system of the geometries, as SRID or WKT. */
    readonly projection?: number | string;
    /** True if polygons may be invalid after simplification, or extend beyond 180 degrees. */
    readonly mayBeInvalid?: boolean;
  } | null;
  /** Types of the geometries that the table would have, such as `MULTIPOLYGON`. */
  readonly geometryTypes: readonly string[];
}

/** What is known of the file after its rows have been read for the plan. */
type FileFacts = Pick<LoadedContent, "crs" | "encoding">;
