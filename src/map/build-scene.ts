import { InvalidArgumentError } from "../errors";
import { busiestFrame, frameAt, type Moment } from "../render/clock";
import type { Basemap, ColorStyle, Legend, Rgba, Scene, SceneLayer, SizeStyle } from "../render/scene";
import { type BaseMap, cartoBasemap } from "./base-map";
import { checkText, expected, shown } from "./check";
import {
  type Classes,
  classifyByBounds,
  classifyCategories,
  classifyNumbers,
  classifySteps,
} from "./classify";
import { parseColor } from "./css-color";
import { boundsOf } from "./extent";
import { type GeometryKind, isEmptyGeometry, type ProjectedGeometry, projectGeometry } from "./geometry";
import { labelOf, nameOf } from "./layer";
import type { DataLayer, LayerData, StyleColumn } from "./layer-data";
import { type Channel, legendsOf } from "./layer-legends";
import { RowColumns, type ShownColumn } from "./row-columns";
import type { ColumnColor, ColumnSize, Style } from "./style-options";
import {
  continuousPalette,
  MISSING_COLOR,
  methodOf,
  type NumberMethod,
  otherColorOf,
  paletteOf,
} from "./styling";
import { type TileColumn, tileColumns } from "./tile-columns";
import { type ClockBase, type ResolvedLayer, startsOf, type TimedLayer, timedLayers } from "./time-data";

export type { ResolvedLayer } from "./time-data";

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

export interface SceneToBuild extends ViewOptions {
  /** From bottom to top. */
  readonly layers: readonly ResolvedLayer[];
  /** Absent: voyager, with labels below points and above all else. */
  readonly basemap?: BaseMap;
}

/** A scene, and what of the data is not as the user may expect. */
export interface BuiltScene {
  readonly scene: Scene;
  readonly warnings: readonly string[];
  /** Of each layer what its vector tiles need to tell; none of one that is not a table's or query's, or has times. */
  readonly tileColumns: readonly (readonly TileColumn[] | undefined)[];
}

const DEFAULT_SIZE_PX = [800, 400] as const;
const MAX_SIDE_PX = 8192;
const MAX_ZOOM = 22;
export const MAX_LAYERS = 8;
const WORLD: Scene["view"] = { kind: "center", lng: 0, lat: 0, zoom: 1 };

const WHITE: Rgba = [255, 255, 255, 255];
const BLACK: Rgba = [0, 0, 0, 255];
/** Neighbours both draw their border, so each draws a faint one. */
const FAINT_WHITE: Rgba = [255, 255, 255, 64];
/** Of the first layer with times, as in cartoframes, which knew but one; the others have colours by position. */
const EVENT: Rgba = [39, 82, 255, 255];
const MISSING_EVENT: Rgba = [102, 102, 102, 255];
const EVENT_PX = 4;
const POINT_PX = 10;
const LINE_PX = 1.5;
const STROKE_PX = 0.5;
/** Of more points than these one would see hardly anything but outlines. */
const MOST_OUTLINED = 50_000;
/** Of smaller ones, too. */
const LEAST_OUTLINED_PX = 3;
/** Colours of a continuous ramp, and sizes: more cannot be told apart. */
const COLOR_STEPS = 128;
const SIZE_STEPS = 32;
/** Around labels, over any basemap. */
const HALO = { light: [255, 255, 255, 217], dark: [14, 14, 14, 217] } as const;
const LABEL = { light: [38, 50, 56, 255], dark: [236, 239, 241, 255] } as const;
/** Of layers without a colour, by position; CARTO's position 0 is the basemap. */
const LAYER_COLORS =
  "#E58606 #5D69B1 #52BCA3 #99C945 #CC61B0 #24796C #DAA51B #2F8AC4 #764E9F #ED645A #CC3A8E #A5AA99"
    .split(" ")
    .map((color) => parseColor(color)!);

/**
 * What can be painted of layers and their data: colours and sizes decided, geometry projected, the view fitted.
 * @throws InvalidArgumentError for options and data that make no map.
 */
export function buildScene({ layers, basemap, title, at, ...options }: SceneToBuild): BuiltScene {
  checkTitle(title);
  if (layers.length > MAX_LAYERS) throw tooManyLayers(layers.length);
  const { center, widthPx, heightPx } = checkView(options);
  const timed = timedLayers(layers);
  const parts = timed.layers.map((part) => ({ ...part, projected: projectGeometry(part.data.geometry) }));
  const ground = basemap?.basemap ?? defaultBasemap(parts);
  const warnings: string[] = [...timed.warnings];
  const sceneLayers: SceneLayer[] = [];
  const legends: Legend[] = [];
  const names = namesOf(layers.map(({ layer }) => layer));
  const firstTimed = layers.findIndex(({ layer }) => layer.style.time);
  const columnsOfTiles: (TileColumn[] | undefined)[] = [];
  for (const [position, part] of parts.entries()) {
    const { layer, data, projected } = part;
    warnings.push(...data.warnings, ...geometryWarnings(layer, projected));
    const styled = styleLayer(part, ground, {
      name: names[position]!,
      plain: position === firstTimed ? EVENT : LAYER_COLORS[(position + 1) % LAYER_COLORS.length]!,
      layerCount: layers.length,
      clock: timed.clock,
    });
    sceneLayers.push(styled.layer);
    columnsOfTiles.push(styled.tileColumns);
    legends.push(...styled.legends.map((legend) => ({ ...legend, layer: position })));
  }
  const bounds = boundsOf(sceneLayers.map(({ geometry }) => geometry));
  const view = center ?? (bounds === null ? WORLD : { kind: "fit", bounds });
  const scene: Scene = {
    ...(title !== undefined && { title }),
    widthPx,
    heightPx,
    view,
    basemap: ground,
    layers: sceneLayers,
    legends,
    ...(timed.warnings.length > 0 && { notes: timed.warnings }),
  };
  return { scene: withClock(scene, timed.clock, at), warnings, tileColumns: columnsOfTiles };
}

function withClock(scene: Scene, base: ClockBase | undefined, at: Moment | undefined): Scene {
  const clock = base && { ...base, still: 0, paused: at !== undefined };
  if (at !== undefined) return { ...scene, clock: { ...clock!, still: frameAt(clock, at) } };
  return clock ? { ...scene, clock: { ...clock, still: busiestFrame({ ...scene, clock }) } } : scene;
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

interface Part extends TimedLayer {
  readonly projected: ProjectedGeometry;
}

/** No two alike: people choose by them. */
function namesOf(layers: readonly DataLayer[]): string[] {
  const taken = new Set<string>();
  return layers.map((layer, position) => {
    const { legend, color } = layer.style;
    const title = legend?.title ?? (color?.kind === "column" ? color.column : undefined); // what its legend says
    const name = nameOf(layer) ?? title ?? `Layer ${position + 1}`;
    let unique = name;
    for (let copy = 2; taken.has(unique); copy++) unique = `${name} (${copy})`;
    taken.add(unique);
    return unique;
  });
}

/** Python's: labels come above the data unless these are points. */
function defaultBasemap(parts: readonly Part[]): Basemap {
  const hasPoints = parts.some(
    ({ projected: { geometry } }) => geometry.kind === "point" && !isEmptyGeometry(geometry),
  );
  return cartoBasemap("voyager", hasPoints ? "back" : "front");
}

function geometryWarnings(layer: DataLayer, { geometry, rowsOf }: ProjectedGeometry): string[] {
  const label = `layer ${labelOf(layer)}`;
  if (isEmptyGeometry(geometry)) {
    return [`No geometry for ${label}. Check its table or query to ensure there are geometries.`];
  }
  const warnings: string[] = [];
  const kinds = (Object.keys(rowsOf) as GeometryKind[]).filter((kind) => rowsOf[kind] > 0);
  if (kinds.length > 1) {
    const counts = kinds.map((kind) => `${kind} (${rowsOf[kind].toLocaleString("en-US")})`).join(", ");
    warnings.push(
      `There are multiple geometry types in ${label}: ${counts}. Only \`${geometry.kind}\`, the most common, is shown.`,
    );
  }
  const { size, stroke } = layer.style;
  if (geometry.kind === "polygon" && size !== undefined)
    warnings.push(`size has no effect on the polygons of ${label}; the width of their outline is in stroke.`);
  if (geometry.kind === "line" && stroke)
    warnings.push(`stroke has no effect on the lines of ${label}; they have color and size.`);
  return warnings;
}

/** What a layer has from its place among the others. */
interface LayerPlace {
  readonly name: string;
  /** Its colour, if its style has none. */
  readonly plain: Rgba;
  readonly layerCount: number;
  readonly clock: ClockBase | undefined;
}

function styleLayer(
  { layer: { style }, layer, data, frames, projected: { geometry } }: Part,
  { theme }: Basemap,
  { name, plain, layerCount, clock }: LayerPlace,
): { layer: SceneLayer; legends: Legend[]; tileColumns: TileColumn[] | undefined } {
  const { kind } = geometry;
  const label = `layer ${labelOf(layer)}`;
  const { time } = style;
  if (time && kind !== "point" && !isEmptyGeometry(geometry))
    throw new InvalidArgumentError(
      `Cannot do time-based maps with data in ${label} since it does not contain point geometries, but ${kind}s.`,
    );
  const defaultPx = kind === "line" ? LINE_PX : time ? EVENT_PX : POINT_PX;
  const missing = time ? MISSING_EVENT : MISSING_COLOR;
  const color = colorOf(style.color, data, { plain, missing }, label);
  const size = sizeOf(kind === "polygon" ? undefined : style.size, data, { defaultPx, kind, label });
  const hidesPoints = data.rowCount > MOST_OUTLINED || largestPx(size.style) < LEAST_OUTLINED_PX;
  const isOutlined = !time && !(kind === "point" && hidesPoints);
  const stroke = style.stroke === undefined && !isOutlined ? null : strokeOf(style.stroke, kind, theme);
  const hasLegend = style.legend !== null && !isEmptyGeometry(geometry);
  const { shownColumns, ...info } = infoOf(style, data, label, theme);
  const hasTiles = (layer.from.kind === "table" || layer.from.kind === "query") && !time;
  return {
    layer: {
      name,
      geometry,
      rowCount: data.rowCount,
      color: color.style,
      size: size.style,
      ...(stroke !== null && { stroke }),
      opacity: style.opacity,
      ...(time &&
        frames &&
        clock &&
        geometry.kind === "point" && {
          time: {
            starts: startsOf(geometry, frames, clock.frames),
            cumulative: time.cumulative,
            trails: time.trails,
          },
        }),
      ...info,
    },
    legends: hasLegend
      ? legendsOf(style.legend!, {
          kind,
          color,
          size,
          data,
          name,
          layerCount,
          defaultPx,
          method: time?.method,
        })
      : [],
    tileColumns: hasTiles ? tileColumns({ color: color.by, size: size.by, shown: shownColumns }) : undefined,
  };
}

/** What people read of a layer. */
function infoOf(
  { tooltip, popup, label }: Style,
  { shown: columns = [] }: LayerData,
  layerLabel: string,
  theme: Basemap["theme"],
): Pick<SceneLayer, "columns" | "tooltip" | "popup" | "label"> & { shownColumns: readonly ShownColumn[] } {
  const rows = new RowColumns(columns, layerLabel);
  const info = {
    ...(tooltip && { tooltip: rows.card("tooltip", tooltip) }),
    ...(popup && { popup: rows.card("popup", popup) }),
    ...(label && {
      label: {
        column: rows.labels(label),
        sizePx: label.sizePx,
        color: label.color ?? LABEL[theme],
        halo: label.halo ?? HALO[theme],
      },
    }),
  };
  return { ...(rows.columns.length > 0 && { columns: rows.columns }), ...info, shownColumns: rows.sources };
}

function colorOf(
  color: Style["color"],
  data: LayerData,
  { plain, missing }: { readonly plain: Rgba; readonly missing: Rgba },
  label: string,
): Channel<ColorStyle> {
  if (color?.kind !== "column") {
    return { style: { kind: "constant", color: color?.color ?? plain } };
  }
  const column = columnOf(data, color.column);
  const { classes, palette } = classifyColor(color, column, label);
  return {
    style: { kind: "classes", palette, missing, classes: classes.classes },
    by: { name: column.name, pgtype: column.pgtype, classes },
  };
}

function classifyColor(
  { schemeFor, domain }: ColumnColor,
  column: StyleColumn,
  label: string,
): { classes: Classes; palette: Rgba[] } {
  const scheme = schemeFor(column.kind === "number");
  const { bins } = scheme;
  const method = methodOf(scheme, column.kind === "number");
  if (method === "category") {
    const most = typeof bins === "number" ? bins : bins.length;
    const classes = classifyCategories(column.values, most);
    const palette = paletteOf(scheme, classes.categories.length, true);
    return { classes, palette: classes.otherCount > 0 ? [...palette, otherColorOf(scheme)] : palette };
  }
  if (column.kind !== "number")
    throw needsNumbers(column, method === "bounds" ? "bounds as bins are" : `method "${method}" is`, label);
  if (method === "continuous") {
    const classes = classifySteps(column.values, COLOR_STEPS, domain);
    return { classes, palette: continuousPalette(scheme, COLOR_STEPS) };
  }
  const classes =
    typeof bins === "number"
      ? classifyNumbers(column.values, method as NumberMethod, bins)
      : classifyByBounds(column.values, bins);
  return { classes, palette: paletteOf(scheme, classes.ranges.length, false) };
}

function needsNumbers({ name, pgtype }: StyleColumn, what: string, label: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Column ${shown(name)} of ${label} is of type ${pgtype}; ${what} for numbers. Use the method "category".`,
  );
}

interface SizeContext {
  readonly defaultPx: number;
  readonly kind: GeometryKind;
  readonly label: string;
}

function sizeOf(
  size: Style["size"],
  data: LayerData,
  { defaultPx, kind, label }: SizeContext,
): Channel<SizeStyle> {
  if (size?.kind !== "column") return { style: { kind: "constant", px: size?.px ?? defaultPx } };
  const column = columnOf(data, size.column);
  if (column.kind !== "number") throw needsNumbers(column, "sizes are", label);
  const classes = classifySize(size, column.values);
  const [min, max] = size.rangePx;
  const pxOf = (share: number) =>
    classes.kind === "steps" && kind === "point"
      ? Math.sqrt(min * min + (max * max - min * min) * share) // its area grows with the value
      : min + (max - min) * share;
  const count = classes.kind === "steps" ? SIZE_STEPS : classes.ranges.length;
  const px = Array.from({ length: count }, (_, i) => (count > 1 ? pxOf(i / (count - 1)) : (min + max) / 2));
  return {
    style: { kind: "classes", px, missingPx: min, classes: classes.classes },
    by: { name: column.name, pgtype: column.pgtype, classes },
  };
}

function classifySize({ bins, method }: ColumnSize, values: Float64Array) {
  if (typeof bins !== "number") return classifyByBounds(values, bins);
  return method === "continuous" ? classifySteps(values, SIZE_STEPS) : classifyNumbers(values, method, bins);
}

function columnOf({ columns }: LayerData, name: string): StyleColumn {
  const column = columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  throw new InvalidArgumentError(
    `There is no column ${shown(name)} in the data. Their columns are ${columns.map((c) => shown(c.name)).join(", ") || "none"}.`,
  );
}

/** Diameter of the largest point, or width of the widest line. */
export const largestPx = (size: SizeStyle): number =>
  size.kind === "constant" ? size.px : Math.max(size.missingPx, ...size.px);

function strokeOf(
  stroke: Style["stroke"],
  kind: GeometryKind,
  theme: Basemap["theme"],
): SceneLayer["stroke"] | null {
  if (kind === "line" || stroke === null) return null;
  const around = kind === "polygon" ? FAINT_WHITE : theme === "dark" ? BLACK : WHITE;
  return { color: stroke?.color ?? around, widthPx: stroke?.widthPx ?? STROKE_PX };
}
