/** What the readers of columnar files and their thread agree on. */

import type { Unread } from "../../../api/schemas/imports";
import { projDefinition } from "../../../geometry/crs";
import { isObject } from "../../../values";
import type { ImportErrorCode } from "../errors";
import type { ValueType } from "./values";

/** An open file. Its rows are read one batch after another, so that memory does not grow with the file. */
export interface ColumnarFile {
  readonly columns: readonly FileColumn[];
  /** Null if the file does not tell it before its rows. */
  readonly rowCount: number | null;
  batches(): AsyncIterable<Batch>;
}

export type FileColumn = { readonly name: string } & (
  | { readonly kind: "values"; readonly type: ValueType }
  | ({ readonly kind: "geometry" } & GeometryMeta)
);

export interface Batch {
  readonly rowCount: number;
  /** Functions that return the value of a row, in the order of the columns. Missing values are null or undefined. */
  readonly columns: readonly ((row: number) => unknown)[];
}

export interface GeometryMeta {
  /** `WKB`, `WKT`, or one of GeoArrow's encodings, such as `point`. */
  readonly encoding: string;
  /** Coordinate system as PROJ reads it; null if it is unknown. */
  readonly crs: string | null;
  /** Types that the file tells, such as `Polygon ZM`. Empty if it does not. */
  readonly types: readonly string[];
}

/** What a file says about its geometries: https://geoparquet.org/releases/v1.1.0/ */
export interface GeoMetadata {
  readonly primary: string | undefined;
  readonly columns: ReadonlyMap<string, GeometryMeta>;
  /** Columns with the boxes of geometries, which are not data. */
  readonly boxes: ReadonlySet<string>;
}

/** Reads the metadata `geo` of GeoParquet, and of Feather files that GeoPandas has written. */
export function geoMetadata(text: string | undefined): GeoMetadata {
  const geo = parsed(text);
  const columns = new Map<string, GeometryMeta>();
  const boxes = new Set<string>();
  for (const [name, column] of Object.entries(isObject(geo.columns) ? geo.columns : {})) {
    if (!isObject(column)) continue;
    const { encoding = "WKB", crs = "OGC:CRS84", covering, geometry_types: types } = column;
    columns.set(name, {
      encoding: String(encoding),
      crs: projDefinition(crs),
      types: Array.isArray(types) ? types.map(String) : [],
    });
    const [box] = (covering as { bbox?: { xmin?: string[] } } | undefined)?.bbox?.xmin ?? [];
    if (box !== undefined) boxes.add(box);
  }
  const primary = geo.primary_column;
  return { primary: typeof primary === "string" ? primary : undefined, columns, boxes };
}

function parsed(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Puts the primary geometry first, which becomes `the_geom`. */
export function primaryFirst(columns: readonly FileColumn[], primary: string | undefined): FileColumn[] {
  const rank = ({ kind, name }: FileColumn) => (kind === "values" ? 2 : name === primary ? 0 : 1);
  return [...columns].sort((a, b) => rank(a) - rank(b));
}

/** Requests to the thread. Each `rows` is answered with more rows, until `end`. */
export type ToColumnar =
  | ({ readonly kind: "open"; readonly path: string } & OpenOptions)
  | { readonly kind: "rows" };

export interface OpenOptions {
  /** Coordinate system of the geometries, instead of their own. */
  readonly srid?: number;
  /** Maximum number of rows. */
  readonly limit?: number;
}

export type FromColumnar =
  | { readonly kind: "columns"; readonly columns: readonly PlannedColumn[]; readonly rowCount: number | null }
  /** Text in the format of COPY. */
  | { readonly kind: "rows"; readonly text: Uint8Array }
  | { readonly kind: "end"; readonly unread: readonly Unread[] }
  | { readonly kind: "failed"; readonly code: ImportErrorCode; readonly detail: string };

/** Column of the future table, in the order of the text. */
export type PlannedColumn = { readonly name: string } & (
  | { readonly kind: "values"; readonly pgType: string }
  | ({ readonly kind: "geometry" } & Pick<GeometryMeta, "crs" | "types">)
);
