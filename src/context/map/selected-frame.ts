/** Returns rows of a layer's source as a DataFrame. */
import type { DataFrame } from "danfojs-node";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { isFrame, loadDanfo } from "../../frame";
import { progress } from "../../kernel/progress";
import { type GeoJson, labelOf, type ResolvedLayer, tableOfGeoJson } from "../../map";
import type { SceneLayer } from "../../render/scene";
import { queryText } from "../../sql-lexer";
import { readFrame } from "../read/read";
import { layerQuery } from "./map-scene";
import { rowsInAreas, type SelectedAreas } from "./rows-in-areas";

/** A statement with more numbers of rows would take longer than reading the table. */
const MOST_IDS = 500_000;

/** The rows that are selected. */
interface SelectedRows {
  /** Numbers of rows of the layer's data, ascending. */
  readonly rows: Uint32Array;
  /** The same as areas; undefined if single features are selected, or classes are hidden. */
  readonly areas: SelectedAreas | undefined;
  /** The layer in the scene. */
  readonly drawn: SceneLayer;
}

export async function frameOfRows(
  transport: Transport,
  resolved: ResolvedLayer,
  { rows, areas, drawn }: SelectedRows,
  signal: AbortSignal | undefined,
): Promise<DataFrame> {
  const { layer, data } = resolved;
  const { from } = layer;
  const content = from.kind === "frame" ? from.frame : from.kind === "geojson" ? from.geojson : data.content;
  if (isFrame(content)) return content.iloc({ rows: Array.from(rows) }) as DataFrame;
  if (content) return frameOfFeatures(content as GeoJson, rows);
  const read = (query: string) =>
    readFrame(transport, query, {
      signal,
      progress: progress("Reading the selection", { signal }),
      repeatable: true,
    });
  const label = `layer ${labelOf(layer)}`;
  if (areas && (!data.ids || rows.length > MOST_IDS))
    return read(await rowsInAreas(transport, resolved, { ...areas, drawn }, signal));
  if (!data.ids)
    throw new InvalidArgumentError(
      `The selected rows of ${label} cannot be fetched: its query has no whole number called cartodb_id. Add it to the query, select only areas, or filter by map.where().`,
    );
  if (rows.length > MOST_IDS)
    throw new InvalidArgumentError(
      `${rows.length.toLocaleString("en-US")} rows of ${label} are selected; at most ${MOST_IDS.toLocaleString("en-US")} can be fetched by their cartodb_id. Select only areas and show all classes, select fewer rows, or filter by map.where().`,
    );
  const { sql } = (await layerQuery(transport, layer, signal))!; // `!`: this is a table or a query
  // `!`: each row has an id
  const ids = Array.from(rows, (row) => data.ids![row]!).filter((id) => !Number.isNaN(id));
  const query = `SELECT q.* FROM (\n${queryText(sql)}\n) AS q WHERE q.cartodb_id = ANY('{${ids.join(",")}}'::bigint[]) ORDER BY q.cartodb_id`;
  return read(query);
}

/** Returns features with their properties as columns, and their geometry as GeoJSON in the column `geometry`. */
function frameOfFeatures(geojson: GeoJson, rows: Uint32Array): DataFrame {
  const { names, column } = tableOfGeoJson(geojson);
  const values = names.map((name) => column(name)?.values ?? []);
  const cells = Array.from(rows, (row) => values.map((ofColumn) => ofColumn[row] ?? null));
  const { DataFrame } = loadDanfo();
  return new DataFrame(cells as never, { columns: [...names] });
}
