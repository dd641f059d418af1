/** Columns of several layers that are classified together, so that a colour means the same in all of them. */
import type { StyleColumn } from "./layer-data";

/** The values of a column in several layers, one after the other. */
export interface SharedColumn {
  readonly column: StyleColumn;
  /** Where the values of the layer begin. */
  readonly from: number;
}

/** For each layer of a map, the column that colours it; undefined for a layer that no column colours. */
export type SharedColumns = readonly (SharedColumn | undefined)[];

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

function joinedNumbers(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
