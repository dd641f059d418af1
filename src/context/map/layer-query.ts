import type { Transport } from "../../api/transport";
import type { DataLayer } from "../../map";
import { quoted, tableNamed } from "../tables/table-name";

export interface LayerQuery {
  readonly sql: string;
  /** The table's name in SQL, if all of the query is that table. */
  readonly table?: string;
}

/** What the rows of a layer are asked with; undefined for one that needs no server. */
export async function layerQuery(
  transport: Transport,
  { from }: DataLayer,
  signal?: AbortSignal,
): Promise<LayerQuery | undefined> {
  if (from.kind === "query") return { sql: from.sql };
  if (from.kind !== "table") return undefined;
  const table = quoted(await tableNamed(from.table, { transport, signal }));
  return { sql: `SELECT * FROM ${table}`, table };
}
