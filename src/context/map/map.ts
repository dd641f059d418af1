import type { Transport } from "../../api/transport";
import type { MapOptions } from "../../map";
import { alongCurve, type FigureCell, MapView, missingCharacters, packScene } from "../../render";
import { withTiles } from "./map-detail";
import { DEFAULT_FIGURE_MAP_SIZE, fetchTiles } from "./map-picture";
import { type FetchedScene, mapScene, type Work } from "./map-scene";

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
  const tiles = await fetchTiles(fetched.scene, { scale, signal: options.signal });
  const view = new MapView(fetched.scene, { interactive: false, scale, tiles });
  ax?.map(view.still);
  return view;
}

/** Packs the page only if it may need tiles; otherwise `MapView` packs it when it is first shown. */
async function liveMap(
  transport: Transport,
  fetched: FetchedScene,
  signal: AbortSignal | undefined,
): Promise<MapView> {
  if (fetched.tileColumns.every((columns) => columns === undefined)) return new MapView(fetched.scene);
  const scene = alongCurve(fetched.scene);
  const { packed, warnings } = await withTiles(transport, packScene(scene), fetched, signal);
  for (const warning of warnings) console.warn(warning);
  return new MapView(scene, { packed });
}
