import { isDeepStrictEqual } from "node:util";
import type { Transport } from "../../api/transport";
import { InvalidArgumentError } from "../../errors";
import { openPageChannel, type PageChannel } from "../../kernel/page-channel";
import { facetsOf, type MapOptions, type SharedScales } from "../../map";
import {
  alongCurve,
  type Figure,
  type FigureCell,
  figure,
  imageViewportOf,
  type MapReport,
  type MapReports,
  MapView,
  type MapViewOptions,
  missingCharacters,
  packScene,
  parseReport,
  type RowsToFetch,
  type Scene,
  type TilePictures,
} from "../../render";
import { withTiles } from "./map-detail";
import { DEFAULT_FIGURE_MAP_SIZE, fetchTiles } from "./map-picture";
import { type FetchedScene, mapScene, type Work } from "./map-scene";
import { rowSourceOf } from "./row-sources";
import { frameOfRows } from "./selected-frame";
import { putShared, type SharingMap } from "./shared-scale";

interface MapToMake extends MapOptions, Work {
  /** True for a map that is shown as an image only. */
  readonly isPicture: boolean;
  readonly scale?: number | undefined;
  readonly ax?: FigureCell | undefined;
}

/** Small multiples are narrower than the only map of a cell. */
const FACET_SIZE = [320, 240] as const;
const MOST_COLUMNS = 3;

/** Makes the map of `cc.map(options)`: fetches its data, then the tiles that a PNG or a live map needs. */
export async function makeMap(
  transport: Transport,
  { isPicture, scale, ax, ...options }: MapToMake,
): Promise<MapView> {
  const size = options.size ?? (ax && DEFAULT_FIGURE_MAP_SIZE);
  const isLinked = ax?.isLive === true;
  const projection = options.projection ?? (isLinked ? projectionIn(ax) : undefined);
  const fetched = await mapScene(
    transport,
    {
      ...options,
      isPicture: isPicture || isLinked,
      ...(projection && { projection }),
      ...(size && { size }),
    },
    { isLinked },
  );
  tell(fetched);
  if (isLinked) return linkedMap(transport, fetched, { scale, ax, signal: options.signal });
  if (!isPicture) return liveMap(transport, fetched, { signal: options.signal });
  return stillMap(fetched, { scale, ax, signal: options.signal });
}

/** Returns the projection of the other maps of a figure, unless it shows only a part of the world: maps move together in one. */
function projectionIn({ projection }: FigureCell): FigureCell["projection"] {
  return projection?.startsWith("albers") ? undefined : projection;
}

interface FacetsToMake extends MapOptions, Work {
  readonly facet: string;
}

/** Makes the figure of `cc.map({ facet })`: a map for each value of a column of the topmost layer. */
export async function makeFacets(
  transport: Transport,
  { facet, title, ...options }: FacetsToMake,
): Promise<Figure> {
  const size = options.size ?? FACET_SIZE;
  const fetched = await mapScene(transport, { ...options, size, isPicture: true }, { isLinked: true, facet });
  tell(fetched);
  const { scenes, legends, warnings } = facetsOf(fetched.scene, fetched.facet!); // `!`: it was asked for
  for (const warning of warnings) console.warn(warning);
  if (scenes.length === 0)
    throw new InvalidArgumentError(
      `\`facet\` must be a column with values; no row that the map shows has one in ${JSON.stringify(facet)}.`,
    );
  const columns = scenes.length === 4 ? 2 : Math.min(scenes.length, MOST_COLUMNS);
  const fig = figure({ columns, linked: true, ...(title !== undefined && { title }) });
  const sources = sourcesOf(fetched);
  const { layers, basemap } = fetched.scene;
  for (const [i, scene] of scenes.entries())
    fig.at(i).map(new MapView(scene, { sources, isFacet: true }).still);
  if (legends.length > 0) {
    const layerNames = layers.map(({ name = "" }) => name);
    fig.explain({ legends, layerNames, theme: basemap.theme });
  }
  return fig;
}

/** Prints what the maker of a map should know. */
function tell({ scene, warnings, advice }: FetchedScene): void {
  for (const warning of warnings) console.warn(warning);
  for (const text of advice) console.log(text);
  const missing = missingCharacters(scene);
  if (missing !== "")
    console.warn(
      `No font of this system has the characters ${missing}, so they are blank in PNGs. The live map uses the fonts of its reader. Install a font that has them, such as one of the Noto fonts.`,
    );
}

const sourcesOf = ({ layers, sourceRows }: FetchedScene) =>
  layers.map((layer, i) => rowSourceOf(layer, sourceRows[i]));

/** Makes a live map, and puts it into its cell of a figure. */
async function linkedMap(
  transport: Transport,
  fetched: FetchedScene,
  { scale, ax, signal }: Pick<MapToMake, "scale" | "ax" | "signal">,
): Promise<MapView> {
  const sources = sourcesOf(fetched);
  const view = await liveMap(transport, fetched, { signal, scale, sources });
  const remake = async (shared: SharedScales, signal: AbortSignal | undefined) => {
    const built = { ...fetched, ...fetched.rebuild(shared) };
    const { still } = await liveMap(transport, built, { signal, scale, sources });
    return { still, scales: built.scales };
  };
  await putInto(ax, { still: view.still, scales: fetched.scales, remake }, signal);
  return view;
}

/** Makes a map that is shown as an image, and puts it into its cell of a figure. */
async function stillMap(
  { scene, rebuild, scales }: FetchedScene,
  { scale, ax, signal }: Pick<MapToMake, "scale" | "ax" | "signal">,
): Promise<MapView> {
  const tiles = await fetchTiles(scene, { scale, signal });
  const imageOf = (of: Scene, under: TilePictures | undefined) =>
    new MapView(of, { interactive: false, scale, tiles: under });
  const view = imageOf(scene, tiles);
  const remake = async (shared: SharedScales, signal: AbortSignal | undefined) => {
    const { scene: other, scales } = rebuild(shared);
    const isSame = isDeepStrictEqual(imageViewportOf(other), imageViewportOf(scene)); // the legend can change it
    const under = isSame ? tiles : await fetchTiles(other, { scale, signal });
    return { still: imageOf(other, under).still, scales };
  };
  await putInto(ax, { still: view.still, scales, remake }, signal);
  return view;
}

/** Puts a map into its cell of a figure, if it has one. */
async function putInto(
  ax: FigureCell | undefined,
  map: Omit<SharingMap, "cell">,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!ax?.sharing) return ax?.map(map.still);
  const warnings = await putShared(ax.sharing, { cell: ax, ...map }, signal);
  for (const warning of warnings) console.warn(warning);
}

/** Packs the page only if it may need tiles; otherwise `MapView` packs it when it is first shown. */
async function liveMap(
  transport: Transport,
  fetched: FetchedScene,
  {
    signal,
    ...view
  }: { readonly signal: AbortSignal | undefined } & Pick<MapToMake, "scale"> &
    Pick<MapViewOptions, "sources">,
): Promise<MapView> {
  const reports = fetched.scene.widgets && (await reportsOf(transport, fetched));
  const options = { ...view, ...(reports && { reports }) };
  if (fetched.tileColumns.every((columns) => columns === undefined))
    return new MapView(fetched.scene, options);
  const scene = alongCurve(fetched.scene);
  const { packed, warnings } = await withTiles(transport, packScene(scene), fetched, signal);
  for (const warning of warnings) console.warn(warning);
  return new MapView(scene, { packed, ...options });
}

/** Ends a channel once nobody can read its reports any more: they hold the data of their map. */
const channels = new FinalizationRegistry<PageChannel>((channel) => channel.close());

/** Listens to the pages of a map. */
async function reportsOf(
  transport: Transport,
  { scene, layers, sourceRows }: FetchedScene,
): Promise<MapReports> {
  const reports: { latest?: MapReport } = {};
  const kept = new WeakRef(reports);
  const channel = await openPageChannel((message) => {
    const [current, report] = [kept.deref(), parseReport(message)];
    if (current && report) current.latest = report;
  });
  channels.register(reports, channel);
  return Object.assign(reports, {
    url: channel.url,
    rowsAt: ({ layer, rows, areas, signal }: RowsToFetch) => {
      const ofSource = sourceRows[layer];
      // `!`: one of the layers, and one of its rows
      const inData = ofSource ? rows.map((row) => ofSource[row]!).sort() : rows;
      const [resolved, drawn] = [layers[layer]!, scene.layers[layer]!];
      const isMercator = scene.projection === undefined;
      const selected = { rows: inData, areas: isMercator ? areas : undefined, drawn };
      return frameOfRows(transport, resolved, selected, signal);
    },
  });
}
