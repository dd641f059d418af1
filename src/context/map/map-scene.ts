import { readFile } from "node:fs/promises";
import type { DataFrame } from "danfojs-node";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import type { Progress } from "../../kernel/progress";
import {
  type BuiltScene,
  buildScene,
  checkMapOptions,
  type DataLayer,
  dataFromColumns,
  dataFromFrame,
  dataFromGeoJson,
  fieldsOfLayer,
  type InFigure,
  isGeoJsonPath,
  type LayerData,
  labelOf,
  type MapOptions,
  parseGeoJson,
  type ResolvedLayer,
  type SharedScales,
  withH3Cells,
} from "../../map";
import { readColumns } from "../read/read";
import { quoted, tableNamed } from "../tables/table-name";

/** Options of every step of making a map. */
export interface Work {
  readonly signal?: AbortSignal;
  readonly progress: Progress;
  /** Reads a file of another format than GeoJSON. */
  readonly readFile?: (source: string) => Promise<DataFrame>;
}

/** A scene with the layers it was built from. */
export interface FetchedScene extends BuiltScene {
  readonly layers: readonly ResolvedLayer[];
  /** Builds the scene again, with classes that the layers share with those of other maps. */
  readonly rebuild: (shared: SharedScales) => BuiltScene;
}

/** Fetches the data of a map's layers and builds its scene. A map of DataFrames and GeoJSON contacts no server. */
export async function mapScene(
  transport: Transport,
  options: MapOptions & Work,
  inFigure?: InFigure,
): Promise<FetchedScene> {
  const { layers, basemap, widgets, state } = checkMapOptions(options, inFigure);
  const fetched = await resolveLayers(transport, layers, options);
  const theme = basemap?.basemap.theme ?? "light";
  const resolved = await Promise.all(fetched.map((layer) => withH3Cells(layer, theme)));
  const { zoom, lat, lng, projection, size, title, legend, at } = options;
  const view = { zoom, lat, lng, projection, size };
  const build = (shared?: SharedScales) =>
    buildScene({
      layers: resolved,
      basemap,
      widgets,
      ...view,
      title,
      legend,
      at,
      state,
      ...(shared && { shared }),
    });
  return { ...build(), layers: resolved, rebuild: build };
}

/** Fetches the data of layers: their geometry, and the columns that their options name. */
export async function resolveLayers(
  transport: Transport,
  layers: readonly DataLayer[],
  work: Work,
): Promise<ResolvedLayer[]> {
  const resolved: ResolvedLayer[] = [];
  // one after the other: accounts allow few COPY requests at a time
  for (const layer of layers) resolved.push({ layer, data: await resolveLayer(transport, layer, work) });
  return resolved;
}

async function resolveLayer(
  transport: Transport,
  layer: DataLayer,
  { signal, progress, readFile: readOther }: Work,
): Promise<LayerData> {
  const { from } = layer;
  if (from.kind === "frame") return dataFromFrame(layer, from.frame, signal);
  if (from.kind === "geojson") return dataFromGeoJson(layer, from.geojson, signal);
  if (from.kind === "file" && readOther && !isGeoJsonPath(from.path)) {
    const frame = await readOther(from.path);
    return { ...(await dataFromFrame(layer, frame, signal)), content: frame };
  }
  if (from.kind === "file") {
    const geojson = parseGeoJson(await readText(from.path, signal), from.path);
    return { ...(await dataFromGeoJson(layer, geojson, signal)), content: geojson };
  }
  const { sql } = (await layerQuery(transport, layer, signal))!; // `!`: this is a table or a query
  const choose = (fields: Parameters<typeof fieldsOfLayer>[1]) => fieldsOfLayer(layer, fields);
  const queryOnly = `Layer ${labelOf(layer)}`;
  return dataFromColumns(layer, await readColumns(transport, sql, { signal, progress, choose, queryOnly }));
}

async function readText(path: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await readFile(path, { encoding: "utf8", signal });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ABORT_ERR") throw cause;
    throw new InvalidArgumentError(
      `Cannot read the GeoJSON file ${JSON.stringify(path)} (${code ?? (cause as Error).message}). Relative paths start at ${process.cwd()}.`,
      { cause },
    );
  }
}

/** SQL that selects the rows of a layer. */
interface LayerQuery {
  readonly sql: string;
  /** Quoted name of the table, for a layer that shows a whole table. */
  readonly table?: string;
}

/** Returns the query of a layer, or undefined for a layer whose data are not on the server. */
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
