import { InvalidArgumentError } from "../errors";
import { isFrame } from "../frame";
import type { Moment } from "../render/clock";
import type { Scene } from "../render/scene";
import { BaseMap } from "./base-map";
import { checkText, expected, shown } from "./check";
import { Layer, QueryLayer } from "./layer";

export interface ViewOptions {
  /** Zoom of the first view: 0 is the world in 256 pixels, each step doubles. With `lat` and `lng`. */
  readonly zoom?: number;
  /** Latitude of the centre in degrees. */
  readonly lat?: number;
  /** Longitude of the centre in degrees. */
  readonly lng?: number;
  /** Width and height in CSS pixels. @default [800, 400] */
  readonly size?: readonly [width: number, height: number];
  /** A heading of the map. */
  readonly title?: string;
  /**
   * Of layers with times: the moment of the picture, where the live map then waits instead of playing. Default: the frame
   * that shows most.
   */
  readonly at?: Moment;
}

export type MapLayer = Layer | QueryLayer | BaseMap;

/** What a map shows, and how large. */
export interface MapOptions extends ViewOptions {
  /** From bottom to top: at most eight of Layer and QueryLayer, and one BaseMap anywhere among them. */
  readonly layers?: MapLayer | readonly MapLayer[];
}

const DEFAULT_SIZE_PX = [800, 400] as const;
const MAX_SIDE_PX = 8192;
const MAX_ZOOM = 22;
export const MAX_LAYERS = 8;

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

/** @throws InvalidArgumentError if there is a title and it is no text. */
export function checkTitle(title: unknown): void {
  if (title !== undefined) checkText("title", title, "a text");
}

export function tooManyLayers(count: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `A map can have at most ${MAX_LAYERS} layers besides its basemap; there are ${count}.`,
  );
}

/** The first view, if the options give one, and the size. */
export function checkView({ zoom, lat, lng, size = DEFAULT_SIZE_PX }: ViewOptions): {
  readonly center?: Scene["view"];
  readonly widthPx: number;
  readonly heightPx: number;
} {
  const [widthPx, heightPx] = checkSize(size);
  const given = [zoom, lat, lng].filter((value) => value !== undefined);
  if (given.length === 0) return { widthPx, heightPx };
  if (zoom === undefined || lat === undefined || lng === undefined) {
    throw new InvalidArgumentError(
      `zoom, lat and lng must all or none be provided; found zoom ${shown(zoom)}, lat ${shown(lat)}, lng ${shown(lng)}.`,
    );
  }
  checkNumber("zoom", zoom, 0, MAX_ZOOM);
  checkNumber("lat", lat, -90, 90);
  checkNumber("lng", lng, -180, 180);
  return { center: { kind: "center", lng, lat, zoom }, widthPx, heightPx };
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
