import { isDeepStrictEqual } from "node:util";
import type { Transport } from "../../api/transport";
import { openPageChannel, type PageChannel } from "../../kernel/page-channel";
import type { MapOptions, SharedScales } from "../../map";
import {
  alongCurve,
  type FigureCell,
  imageViewportOf,
  type MapReport,
  type MapReports,
  MapView,
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
import { frameOfRows } from "./selected-frame";
import { putShared } from "./shared-scale";

interface MapToMake extends MapOptions, Work {
  /** True for a map that is shown as an image only. */
  readonly isPicture: boolean;
  readonly scale?: number | undefined;
  readonly ax?: FigureCell | undefined;
}

/** Makes the map of `cc.map(options)`: fetches its data, then the tiles that a PNG or a live map needs. */
export async function makeMap(
  transport: Transport,
  { isPicture, scale, ax, ...options }: MapToMake,
): Promise<MapView> {
  const size = options.size ?? (ax && DEFAULT_FIGURE_MAP_SIZE);
  const fetched = await mapScene(transport, { ...options, ...(size && { size }) });
  for (const warning of fetched.warnings) console.warn(warning);
  for (const advice of fetched.advice) console.log(advice);
  const missing = missingCharacters(fetched.scene);
  if (missing !== "")
    console.warn(
      `No font of this system has the characters ${missing}, so they are blank in PNGs. The live map uses the fonts of its reader. Install a font that has them, such as one of the Noto fonts.`,
    );
  if (!isPicture) return liveMap(transport, fetched, options.signal);
  return stillMap(fetched, { scale, ax, signal: options.signal });
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
  const { still } = view;
  if (!ax?.sharing) {
    ax?.map(still);
    return view;
  }
  const remake = async (shared: SharedScales, signal: AbortSignal | undefined) => {
    const { scene: other, scales } = rebuild(shared);
    const isSame = isDeepStrictEqual(imageViewportOf(other), imageViewportOf(scene)); // the legend can change it
    const under = isSame ? tiles : await fetchTiles(other, { scale, signal });
    return { still: imageOf(other, under).still, scales };
  };
  const warnings = await putShared(ax.sharing, { cell: ax, scales, still, remake }, signal);
  for (const warning of warnings) console.warn(warning);
  return view;
}

/** Packs the page only if it may need tiles; otherwise `MapView` packs it when it is first shown. */
async function liveMap(
  transport: Transport,
  fetched: FetchedScene,
  signal: AbortSignal | undefined,
): Promise<MapView> {
  const reports = fetched.scene.widgets && (await reportsOf(transport, fetched));
  if (fetched.tileColumns.every((columns) => columns === undefined))
    return new MapView(fetched.scene, { ...(reports && { reports }) });
  const scene = alongCurve(fetched.scene);
  const { packed, warnings } = await withTiles(transport, packScene(scene), fetched, signal);
  for (const warning of warnings) console.warn(warning);
  return new MapView(scene, { packed, ...(reports && { reports }) });
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
