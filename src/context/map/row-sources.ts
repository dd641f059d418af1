/** Says which rows of the layers of linked maps are the same: those of one DataFrame, file, table or query. */
import type { ResolvedLayer } from "../../map";
import type { RowSource } from "../../render";

/**
 * @param sourceRows row of the data that each row of the scene is; undefined if these are the same
 * @returns undefined for a layer whose rows cannot be told: of a table or query without `cartodb_id`, or drawn as H3 cells
 */
export function rowSourceOf(
  { layer, data }: ResolvedLayer,
  sourceRows: Uint32Array | undefined,
): RowSource | undefined {
  const { from, style } = layer;
  if (style.explored === undefined) return undefined;
  const rowOf = (row: number) => sourceRows?.[row] ?? row;
  switch (from.kind) {
    case "frame":
      return { key: from.frame, idOf: rowOf };
    case "geojson":
      return { key: from.geojson, idOf: rowOf };
    case "file":
      return { key: `file ${from.path}`, idOf: rowOf };
    case "table":
    case "query": {
      const { ids } = data;
      const key = from.kind === "table" ? `table ${from.table}` : `query ${from.sql}`;
      return ids && { key, idOf: (row) => ids[rowOf(row)]! }; // `!`: each row has an id
    }
  }
}
