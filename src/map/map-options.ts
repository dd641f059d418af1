import { InvalidArgumentError } from "../errors";
import { isFrame } from "../frame";
import { OPTION_NAMES } from "../option-names";
import type { Moment } from "../render/clock";
import { checkState, type MapState } from "../render/explore/state";
import { LEGEND_CORNERS } from "../render/layout";
import type { LegendCorner, Scene } from "../render/scene";
import { BaseMap } from "./base-map";
import { checkKeys, checkOneOf, checkText, expected, shown } from "./check";
import { checkProjection, type MapProjection } from "./choose-projection";
import { Layer, labelOf, QueryLayer, withExplored } from "./layer";
import { checkWidgets, columnsOfWidgets, type MapWidget, type WidgetStyle } from "./widget-options";

/** Where the legends of a map appear. */
export interface MapLegendOptions {
  /** Corner of the map. @default where the legends cover least of the data */
  readonly position?: "top-right" | "top-left" | "bottom-right" | "bottom-left";
}

/** Size, title and initial view of a map. */
export interface ViewOptions {
  /**
   * Zoom of the initial view, 0 to 22. At 0 the world is 256 pixels wide; each level doubles that. Requires `lat` and
   * `lng`.
   * @default fits the data
   */
  readonly zoom?: number;
  /** Latitude of the centre in degrees, −90 to 90. Requires `zoom` and `lng`. @default fits the data */
  readonly lat?: number;
  /** Longitude of the centre in degrees, −180 to 180. Requires `zoom` and `lat`. @default fits the data */
  readonly lng?: number;
  /** Width and height in CSS pixels, each 1 to 8192. @default [800, 400]; [480, 320] in a figure */
  readonly size?: readonly [width: number, height: number];
  /**
   * Map projection. `"auto"` is `"equal-earth"` for data of the whole world, `"albers-usa"` for data of the United States,
   * `"albers-usa-territories"` if some of them are in Puerto Rico or another territory, and `"mercator"` otherwise. Only `"mercator"` has tiles: a map with a `zoom`, with a `BaseMap` of your own tiles, or
   * with a table or query of more than 300,000 points or vertices is in `"mercator"`, and prints why if you named another
   * projection. `"auto"` also stays in `"mercator"` with any other `BaseMap` that has tiles.
   * @default "auto"
   */
  readonly projection?: MapProjection;
  /** Title above the map. @default no title */
  readonly title?: string;
  /** Position of the legends. Their content is set in each layer. @default where they cover least of the data */
  readonly legend?: MapLegendOptions;
  /**
   * Moment that a map with an animated layer shows: a Date, a string that `new Date` parses, or a number. The live map
   * starts paused there.
   * @default the frame with the most points, and the live map plays
   */
  readonly at?: Moment;
}

/** A layer of a map: data or the basemap. */
export type MapLayer = Layer | QueryLayer | BaseMap;

/** Layers and view of a map. */
export interface MapOptions extends ViewOptions {
  /**
   * Layers from bottom to top: at most eight `Layer` and `QueryLayer`, and one `BaseMap` at any position.
   * @default only the basemap
   */
  readonly layers?: MapLayer | readonly MapLayer[];
  /**
   * Charts and numbers about the rows of a layer, made by `widget`: at most twelve, from top to bottom. They count what is in
   * the view and filter the map. They lie to the right of a map that is at least 720 pixels wide, otherwise below it, which
   * adds to its height.
   * @default no widgets
   */
  readonly widgets?: MapWidget | readonly MapWidget[];
  /**
   * The state in which the map opens, as `map.state()` returned it for a map of the same layers and widgets: its view, filters,
   * hidden layers and time.
   * @default the first view, without filters
   */
  readonly state?: MapState;
}

const DEFAULT_SIZE_PX = [800, 400] as const;
const MAX_SIDE_PX = 8192;
const MAX_ZOOM = 22;
export const MAX_LAYERS = 8;

/** What a figure needs of a map. */
export interface InFigure {
  /** The map is linked with other views. */
  readonly isLinked?: boolean;
  /** Column of the topmost layer whose values have a map each. */
  readonly facet?: string | undefined;
}

/**
 * Checks everything that can be checked without the data, and separates the basemap from the layers.
 * @throws InvalidArgumentError for too many layers or basemaps, an incomplete view, or an invalid size.
 */
export function checkMapOptions(
  { layers = [], title, legend, widgets: asked, state, ...view }: MapOptions,
  { isLinked = false, facet }: InFigure = {},
): {
  /** The layers, with the columns of the widgets. */
  readonly layers: readonly (Layer | QueryLayer)[];
  readonly widgets: readonly WidgetStyle[];
  readonly state?: MapState;
  readonly basemap?: BaseMap;
} {
  const all: readonly unknown[] = Array.isArray(layers) ? layers : [layers];
  for (const [i, layer] of all.entries()) checkLayer(layer, i);
  const basemaps = all.filter((layer) => layer instanceof BaseMap);
  const data = all.filter((layer) => layer instanceof Layer || layer instanceof QueryLayer);
  if (data.length > MAX_LAYERS) throw tooManyLayers(data.length);
  if (basemaps.length > 1)
    throw new InvalidArgumentError(`\`layers\` can include one BaseMap; got ${basemaps.length}.`);
  checkTitle(title);
  checkLegend(legend);
  checkView(view);
  const widgets = checkWidgets(asked, data);
  for (const { layer } of widgets) checkCountable(data[layer]!); // `!`: checked above
  if (facet !== undefined) checkFacet(facet, data.at(-1), widgets);
  return {
    layers: data.map((layer, i) => {
      if (widgets.length === 0 && !isLinked) return layer;
      if (layer.style.aggregate?.as === "h3") return layer;
      return withExplored(layer, columnsOfWidgets(widgets, i), i === data.length - 1 ? facet : undefined);
    }),
    widgets,
    ...(state !== undefined && { state: checkState(state) }),
    ...(basemaps[0] !== undefined && { basemap: basemaps[0] }),
  };
}

/** @throws InvalidArgumentError for a layer of H3 cells, which have lost the rows of their points. */
function checkCountable(layer: Layer | QueryLayer): void {
  if (layer.style.aggregate?.as !== "h3") return;
  throw new InvalidArgumentError(
    `\`widgets\` cannot count layer ${labelOf(layer)}, which is drawn \`as: "h3"\`. Use "hexbin" or "grid", or count another layer with the option \`layer\`.`,
  );
}

/** @throws InvalidArgumentError for a map whose rows cannot be shared out to several. */
function checkFacet(
  facet: unknown,
  layer: Layer | QueryLayer | undefined,
  widgets: readonly WidgetStyle[],
): void {
  checkText("facet", facet, "the name of a column");
  if (!layer)
    throw new InvalidArgumentError(
      "`facet` must be a column of the topmost layer. Add a Layer or a QueryLayer to the map.",
    );
  if (layer.style.aggregate?.as === "h3")
    throw new InvalidArgumentError(
      `\`facet\` cannot share out the rows of layer ${labelOf(layer)}, which is drawn \`as: "h3"\`. Use "hexbin" or "grid".`,
    );
  if (widgets.length > 0)
    throw new InvalidArgumentError(
      "`facet` and `widgets` exclude each other. Put a map with the widgets into a figure({ linked: true }), or leave one of them out.",
    );
}

function checkLayer(layer: unknown, position: number): void {
  if (layer instanceof Layer || layer instanceof QueryLayer || layer instanceof BaseMap) return;
  const found = isFrame(layer) ? "a DataFrame" : shown(layer);
  const advice = isFrame(layer)
    ? "Write new Layer(df)."
    : typeof layer === "string"
      ? `Write new Layer(${shown(layer)}).`
      : "";
  throw new InvalidArgumentError(
    `\`layers[${position}]\` must be a Layer, a QueryLayer or a BaseMap; got ${found}. ${advice}`.trim(),
  );
}

/** @throws InvalidArgumentError for a title that is not a string, or blank. */
export function checkTitle(title: unknown): void {
  if (title !== undefined) checkText("title", title, "a string that is not blank");
}

/**
 * Returns the corner of the legends, if the options set it.
 * @throws InvalidArgumentError for an unknown option or position.
 */
export function checkLegend(legend: MapLegendOptions | undefined): LegendCorner | undefined {
  if (legend === undefined) return undefined;
  if (typeof legend !== "object" || legend === null || Array.isArray(legend))
    throw expected("legend", legend, `an object such as { position: "bottom-left" }`);
  checkKeys("legend", legend, OPTION_NAMES.MapLegendOptions);
  const { position } = legend;
  return position === undefined ? undefined : checkOneOf("legend.position", position, LEGEND_CORNERS);
}

export function tooManyLayers(count: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `\`layers\` can include at most ${MAX_LAYERS} layers besides the basemap; got ${count}.`,
  );
}

/** Checks size and view. `center` is absent if the view is to fit the data. */
export function checkView({ zoom, lat, lng, size = DEFAULT_SIZE_PX, projection: asked }: ViewOptions): {
  readonly center?: Scene["view"];
  readonly widthPx: number;
  readonly heightPx: number;
  readonly projection: MapProjection;
} {
  const projection = checkProjection(asked);
  const [widthPx, heightPx] = checkSize(size);
  const given = [zoom, lat, lng].filter((value) => value !== undefined);
  if (given.length === 0) return { widthPx, heightPx, projection };
  if (zoom === undefined || lat === undefined || lng === undefined) {
    throw new InvalidArgumentError(
      `Pass \`zoom\`, \`lat\` and \`lng\` together, or leave all three out; got zoom ${shown(zoom)}, lat ${shown(lat)}, lng ${shown(lng)}.`,
    );
  }
  checkNumber("zoom", zoom, 0, MAX_ZOOM);
  checkNumber("lat", lat, -90, 90);
  checkNumber("lng", lng, -180, 180);
  return { center: { kind: "center", lng, lat, zoom }, widthPx, heightPx, projection };
}

function checkNumber(option: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  throw expected(option, value, `a number from ${min} to ${max}`);
}

function checkSize(size: unknown): readonly [number, number] {
  const sides = Array.isArray(size) ? (size as unknown[]) : [];
  const isSide = (side: unknown): side is number =>
    typeof side === "number" && Number.isInteger(side) && side >= 1 && side <= MAX_SIDE_PX;
  const [width, height] = sides;
  if (sides.length === 2 && isSide(width) && isSide(height)) return [width, height];
  throw expected("size", size, `[width, height] in pixels, whole numbers from 1 to ${MAX_SIDE_PX}`);
}
