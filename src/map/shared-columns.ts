/** What several layers share that are coloured together, so that a colour means the same in all of them. */
import { joinedNumbers, type ShownTogether } from "../render/aggregate/shared";
import type { Levels } from "../render/scene";
import type { StyleColumn } from "./layer-data";

/** The values of a column in several layers, one after the other. */
export interface SharedColumn {
  readonly kind: "column";
  readonly column: StyleColumn;
  /** Where the values of the layer begin. */
  readonly from: number;
}

/** The classes of cells, heatmaps or clusters. */
interface SharedLevels {
  readonly kind: "together";
  readonly levels: Levels;
}

/** For each layer of a map, what colours it; undefined for a layer of a single colour. */
export type SharedScales = readonly (SharedColumn | SharedLevels | undefined)[];

/** Which points a cell or cluster has, and what it shows of them. */
export interface CellKind {
  readonly as: string;
  /** Size in CSS pixels; resolution of H3. */
  readonly cell: number;
  /** What it shows, such as `count` or `sum(fare)`. */
  readonly value: string;
}

/** What colours a layer: the values of a column in the drawn rows, or those of cells, heatmaps or clusters. */
export type LayerScale =
  | { readonly kind: "column"; readonly column: StyleColumn; readonly cells?: CellKind }
  | { readonly kind: "together"; readonly shown: ShownTogether; readonly cells: CellKind };

/** For each layer of a map, what colours it; undefined for a layer of a single colour. */
export type LayerScales = readonly (LayerScale | undefined)[];

/** Returns true if two columns have the same kind of values. */
export const areAlike = (a: StyleColumn, b: StyleColumn): boolean => kindOf(a) === kindOf(b);

/** Names the kind of values of a column, for error messages. */
export function kindOf(column: StyleColumn): string {
  if (column.kind === "number") return column.isTime ? "times" : "numbers";
  return column.kind === "string" ? "text" : "booleans";
}

/** Joins columns of one kind, of which there is at least one. */
export function joined(columns: readonly StyleColumn[]): StyleColumn {
  const [first] = columns as [StyleColumn];
  switch (first.kind) {
    case "number":
      return { ...first, values: joinedNumbers(columns.map(({ values }) => values as Float64Array)) };
    case "string":
      return { ...first, values: columns.flatMap(({ values }) => values as typeof first.values) };
    case "boolean":
      return { ...first, values: columns.flatMap(({ values }) => values as typeof first.values) };
  }
}
