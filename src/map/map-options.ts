import { InvalidArgumentError } from "../errors";
import { isFrame } from "../frame";
import { BaseMap } from "./base-map";
import { checkTitle, checkView, MAX_LAYERS, tooManyLayers, type ViewOptions } from "./build-scene";
import { shown } from "./check";
import { Layer, QueryLayer } from "./layer";

export type MapLayer = Layer | QueryLayer | BaseMap;

/** What a map shows, and how large. */
export interface MapOptions extends ViewOptions {
  /** From bottom to top: at most eight of Layer and QueryLayer, and one BaseMap anywhere among them. */
  readonly layers?: MapLayer | readonly MapLayer[];
}

/**
 * The layers apart from the basemap; all that can be wrong without looking at data is found here.
 * @throws InvalidArgumentError for too many layers or basemaps, half a view, a size that is none.
 */
export function checkMapOptions({ layers = [], title, ...view }: MapOptions): {
  readonly layers: readonly (Layer | QueryLayer)[];
  readonly basemap?: BaseMap;
} {
  const all: readonly unknown[] = Array.isArray(layers) ? layers : [layers];
  for (const [i, layer] of all.entries()) checkLayer(layer, i);
  const basemaps = all.filter((layer) => layer instanceof BaseMap);
  const data = all.filter((layer) => layer instanceof Layer || layer instanceof QueryLayer);
  if (data.length > MAX_LAYERS) throw tooManyLayers(data.length);
  if (basemaps.length > 1)
    throw new InvalidArgumentError(`A map can take at most one BaseMap layer; there are ${basemaps.length}.`);
  checkTitle(title);
  checkView(view);
  return { layers: data, ...(basemaps[0] !== undefined && { basemap: basemaps[0] }) };
}

function checkLayer(layer: unknown, position: number): void {
  if (layer instanceof Layer || layer instanceof QueryLayer || layer instanceof BaseMap) return;
  const found = isFrame(layer) ? "a DataFrame" : shown(layer);
  const advice = isFrame(layer)
    ? "Wrap it: new Layer(df)."
    : typeof layer === "string"
      ? `Write new Layer(${shown(layer)}).`
      : "";
  throw new InvalidArgumentError(
    `layers[${position}] is ${found}; expected a Layer, a QueryLayer or a BaseMap. ${advice}`.trim(),
  );
}
