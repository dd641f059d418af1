/** Returns rows of a layer's source as a DataFrame. */
import type { DataFrame } from "danfojs-node";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { isFrame, loadDanfo } from "../../frame";
import { progress } from "../../kernel/progress";
import { type GeoJson, labelOf, type ResolvedLayer, tableOfGeoJson } from "../../map";
import { queryText } from "../../sql-lexer";
import { readFrame } from "../read/read";
import { layerQuery } from "./map-scene";

/** A statement with more numbers of rows would take longer than reading the table. */
const MOST_IDS = 500_000;

/** @param rows numbers of rows of the layer's data, ascending */
export async function frameOfRows(
  transport: Transport,
  { layer, data }: ResolvedLayer,
  rows: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<DataFrame> {
  const { from } = layer;
  const content = from.kind === "frame" ? from.frame : from.kind === "geojson" ? from.geojson : data.content;
  if (isFrame(content)) return content.iloc({ rows: Array.from(rows) }) as DataFrame;
  if (content) return frameOfFeatures(content as GeoJson, rows);
  const label = `layer ${labelOf(layer)}`;
  if (!data.ids)
    throw new InvalidArgumentError(
      `The selected rows of ${label} cannot be fetched: its query has no whole number called cartodb_id. Add it to the query, or filter by map.where().`,
    );
  if (rows.length > MOST_IDS)
    throw new InvalidArgumentError(
      `${rows.length.toLocaleString("en-US")} rows of ${label} are selected; at most ${MOST_IDS.toLocaleString("en-US")} can be fetched by their cartodb_id. Select fewer, or filter by map.where().`,
    );
  const { sql } = (await layerQuery(transport, layer, signal))!; // `!`: this is a table or a query
  // `!`: each row has an id
  const ids = Array.from(rows, (row) => data.ids![row]!).filter((id) => !Number.isNaN(id));
  const query = `SELECT q.* FROM (\n${queryText(sql)}\n) AS q WHERE q.cartodb_id = ANY('{${ids.join(",")}}'::bigint[]) ORDER BY q.cartodb_id`;
  return readFrame(transport, query, {
    signal,
    progress: progress("Reading the selection", { signal }),
    repeatable: true,
  });
}

/** Returns features with their properties as columns, and their geometry as GeoJSON in the column `geometry`. */
function frameOfFeatures(geojson: GeoJson, rows: Uint32Array): DataFrame {
  const { names, column } = tableOfGeoJson(geojson);
  const values = names.map((name) => column(name)?.values ?? []);
  const cells = Array.from(rows, (row) => values.map((ofColumn) => ofColumn[row] ?? null));
  const { DataFrame } = loadDanfo();
  return new DataFrame(cells as never, { columns: [...names] });
}
