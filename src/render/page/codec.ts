/**
 * Encodes a scene as bytes, and decodes it. The page contains the bytes deflated, so they are laid out for the deflater:
 * numbers as differences from the previous one, in planes (first the lowest byte of every number, then every second byte,
 * …), because a plane of almost equal bytes shrinks to nothing, unlike the same bytes interleaved with noise.
 *
 *     "CFSC"  u32 version  u32 header bytes  header (JSON, UTF-8)  columns of layer 0  columns of layer 1 …
 *     column  u8 planes  planes × count bytes
 *     points  x, y, weights, classes of colour, classes of size, values, explored columns, points per frame
 *     paths   paths per feature, vertices per path, x, y, classes of colour, classes of size, values, explored columns
 *
 * All integers are little-endian. Classes take one byte per feature and are present only if the style has them. Values of
 * the rows are described in `row-codec.ts`. `!` in the loops: see `PathGeometry`; indexes are below the lengths.
 */
import type {
  Basemap,
  Clock,
  ColorStyle,
  ControlName,
  DetailSource,
  Legend,
  LegendCorner,
  Panel,
  PathGeometry,
  PointGeometry,
  Projection,
  Scene,
  SceneLayer,
  SizeStyle,
  TimeStyle,
  Widget,
} from "../scene";
import { ColumnReader, encodePlanes } from "./byte-columns";
import { decodeExplored, type ExploredHeader, encodeExplored } from "./explored-codec";
import { pickLayerPoints } from "./pick";
import { decodeRowColumn, encodeRowColumn, type RowColumnHeader } from "./row-codec";

const MAGIC = "CFSC";
const VERSION = 6;
const PREFIX_BYTES = MAGIC.length + 4 + 4;

/** The world at zoom 0 is 2^8 pixels wide. */
const TILE_PX_LOG2 = 8;
/** Coordinates are rounded to pixels of this zoom (60 cm at the equator)… */
const FINE_ZOOM = 18;
/** …and in layers with more vertices than this to pixels of `COARSE_ZOOM` (5 m), which saves three bits per number. */
const FINE_VERTICES = 200_000;
const COARSE_ZOOM = 15;
/** Coordinates of an overview are rounded to this fraction of its pixels, so that no grid shows. */
const STEPS_PER_PX = 8;
/** Maximum extent of a layer in cells, because differences are taken modulo 2^32. */
const MAX_CELLS = 2 ** 32 - 1;

/** A scene as the page contains it. */
export interface PageScene {
  readonly scene: Scene;
  /** Describes the layers that are overviews, by index. */
  readonly overviews: readonly (PageOverview | undefined)[];
}

/** Describes a layer of which the page contains only an overview. */
export interface PageOverview {
  /** CSS pixels per world unit up to which the overview looks like all the data. */
  readonly worldPx: number;
  /** What the overview shows, such as `overview of 20,000 of 1,000,000 points`. */
  readonly note: string;
  /** Source of the full data. */
  readonly detail?: DetailSource;
}

type ColorHeader =
  | Extract<ColorStyle, { kind: "constant" }>
  | Omit<Extract<ColorStyle, { kind: "classes" }>, "classes">;
type SizeHeader =
  | Extract<SizeStyle, { kind: "constant" }>
  | Omit<Extract<SizeStyle, { kind: "classes" }>, "classes">;

interface LayerHeader {
  readonly kind: "point" | "line" | "polygon";
  /** Number of points or features. */
  readonly features: number;
  readonly paths?: number;
  readonly vertices: number;
  readonly grid: Grid;
  readonly hasWeights?: true;
  readonly color: ColorHeader;
  readonly size: SizeHeader;
  readonly columns?: readonly RowColumnHeader[];
  readonly explored?: ExploredHeader;
  readonly time?: Omit<TimeStyle, "starts"> & { readonly frames: number };
  readonly overview?: PageOverview;
  /** Properties that are stored unchanged. */
  readonly rest: Pick<SceneLayer, (typeof UNCHANGED)[number]>;
}

const UNCHANGED = [
  "name",
  "stroke",
  "opacity",
  "arrow",
  "tooltip",
  "popup",
  "label",
  "aggregate",
  "density",
] as const;

const restOf = (layer: SceneLayer): LayerHeader["rest"] =>
  Object.fromEntries(
    UNCHANGED.flatMap((key) => (layer[key] === undefined ? [] : [[key, layer[key]]])),
  ) as unknown as LayerHeader["rest"];

interface SceneHeader {
  readonly title?: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly view: Scene["view"];
  readonly projection?: Projection;
  readonly basemap: Basemap;
  readonly legends: readonly Legend[];
  readonly legendCorner?: LegendCorner;
  readonly clock?: Clock;
  readonly notes?: readonly string[];
  readonly widgets?: readonly Widget[];
  readonly state?: Scene["state"];
  readonly panel?: Panel;
  readonly controls?: readonly ControlName[];
  readonly layers: readonly LayerHeader[];
}

/** Integer coordinates of a layer: `world = min + cell / cellsPerUnit`. */
interface Grid {
  readonly minX: number;
  readonly minY: number;
  readonly cellsPerUnit: number;
}

/**
 * Encodes a scene. Features keep their order but not their row numbers: feature i becomes row i. Coordinates change by at
 * most `quantumOf(layer) / 2`. Points and vertices that are not finite are left out, because they cannot be painted.
 */
export function encodeScene({ scene, overviews }: PageScene): Uint8Array {
  const columns: Uint8Array[] = [];
  const header: SceneHeader = {
    ...(scene.title !== undefined && { title: scene.title }),
    widthPx: scene.widthPx,
    heightPx: scene.heightPx,
    view: scene.view,
    ...(scene.projection && { projection: scene.projection }),
    basemap: scene.basemap,
    legends: scene.legends,
    ...(scene.legendCorner && { legendCorner: scene.legendCorner }),
    ...(scene.clock && { clock: scene.clock }),
    ...(scene.notes && { notes: scene.notes }),
    ...(scene.widgets && { widgets: scene.widgets }),
    ...(scene.state && { state: scene.state }),
    ...(scene.panel && { panel: scene.panel }),
    ...(scene.controls && { controls: scene.controls }),
    layers: scene.layers.map((layer, i) => encodeLayer(layer, overviews[i], columns)),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(
    PREFIX_BYTES + json.length + columns.reduce((sum, column) => sum + column.length, 0),
  );
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(MAGIC.length, VERSION, true);
  view.setUint32(MAGIC.length + 4, json.length, true);
  let at = PREFIX_BYTES;
  for (const part of [json, ...columns]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @throws Error if the bytes are not a scene, have another version, or are cut off. */
export function decodeScene(bytes: Uint8Array): PageScene {
  const magic = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC || bytes.length < PREFIX_BYTES) {
    throw new Error(`A scene must start with "${MAGIC}"; got ${JSON.stringify(magic)}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION)
    throw new Error(`The scene has version ${version}; this page reads version ${VERSION}.`);
  const headerEnd = PREFIX_BYTES + view.getUint32(MAGIC.length + 4, true);
  const json = new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, headerEnd));
  const { layers: headers, ...rest } = JSON.parse(json) as SceneHeader;
  const reader = new ColumnReader(bytes, headerEnd);
  const layers = headers.map((header) => decodeLayer(header, reader));
  reader.expectEnd();
  return { scene: { ...rest, layers }, overviews: headers.map(({ overview }) => overview) };
}

/** Step of a layer's coordinates in world units; decoded coordinates are off by at most half a step. */
export function quantumOf({ geometry }: SceneLayer): number {
  return 1 / gridOf(interleaved(geometry)).cellsPerUnit;
}

function encodeLayer(
  layer: SceneLayer,
  overview: PageOverview | undefined,
  columns: Uint8Array[],
): LayerHeader {
  const { color, size, geometry, time } = finite(layer);
  const xy = interleaved(geometry);
  const grid = gridOf(xy, overview);
  const vertices = xy.length / 2;
  let features = vertices;
  if (geometry.kind !== "point") {
    features = geometry.features.length - 1;
    columns.push(encodePlanes(differences(geometry.features)), encodePlanes(differences(geometry.paths)));
  }
  columns.push(
    encodePlanes(gridDeltas(xy, 0, grid.minX, grid.cellsPerUnit)),
    encodePlanes(gridDeltas(xy, 1, grid.minY, grid.cellsPerUnit)),
  );
  const weights = geometry.kind === "point" ? geometry.weights : undefined;
  if (weights) columns.push(encodePlanes(Uint32Array.from(weights, Math.round)));
  for (const style of [color, size]) {
    if (style.kind === "classes") columns.push(perFeature(style.classes, geometry.rows, features));
  }
  const rowColumns = layer.columns?.map((column) => {
    const { header, bytes } = encodeRowColumn(column, geometry.rows, features);
    columns.push(bytes);
    return header;
  });
  const explored = layer.explored && encodeExplored(layer.explored, geometry.rows, features);
  if (explored) columns.push(...explored.columns);
  if (time) columns.push(encodePlanes(differences(time.starts)));
  return {
    kind: geometry.kind,
    features,
    ...(geometry.kind !== "point" && { paths: geometry.paths.length - 1 }),
    vertices,
    grid,
    ...(weights && { hasWeights: true }),
    color: withoutClasses(color),
    size: withoutClasses(size),
    ...(rowColumns && { columns: rowColumns }),
    ...(explored && { explored: explored.header }),
    ...(time && {
      time: { cumulative: time.cumulative, trails: time.trails, frames: time.starts.length - 1 },
    }),
    ...(overview && { overview }),
    rest: restOf(layer),
  };
}

function decodeLayer(header: LayerHeader, reader: ColumnReader): SceneLayer {
  const { kind, features, vertices, grid, color, size, columns, time, rest } = header;
  const ends =
    kind === "point"
      ? undefined
      : { features: reader.offsets(features), paths: reader.offsets(header.paths ?? 0) };
  const xCells = reader.planes(vertices);
  const yCells = reader.planes(vertices);
  const weights = header.hasWeights && Float64Array.from(reader.planes(vertices));
  const geometry: PointGeometry | PathGeometry =
    kind === "point" || !ends
      ? {
          kind: "point",
          x: positions(xCells, grid.minX, grid),
          y: positions(yCells, grid.minY, grid),
          ...(weights && { weights }),
        }
      : { kind, xy: positionPairs(xCells, yCells, grid), ...ends };
  const withClasses = <T extends { kind: string }>(style: T) =>
    style.kind === "classes" ? { ...style, classes: reader.bytes(features) } : style;
  return {
    geometry,
    rowCount: features,
    color: withClasses(color) as ColorStyle,
    size: withClasses(size) as SizeStyle,
    ...(columns && { columns: columns.map((column) => decodeRowColumn(column, features, reader)) }),
    ...(header.explored && decodeExplored(header.explored, features, reader)),
    ...(time && {
      time: { cumulative: time.cumulative, trails: time.trails, starts: reader.offsets(time.frames) },
    }),
    ...rest,
  };
}

function withoutClasses(style: ColorStyle): ColorHeader;
function withoutClasses(style: SizeStyle): SizeHeader;
function withoutClasses(style: ColorStyle | SizeStyle): ColorHeader | SizeHeader {
  if (style.kind === "constant") return style;
  const { classes, ...header } = style;
  return header;
}

const perFeature = (classes: Uint8Array, rows: Uint32Array | undefined, features: number): Uint8Array =>
  rows ? Uint8Array.from(rows, (row) => classes[row]!) : classes.subarray(0, features);

/** Returns all coordinates as pairs in one array. */
function interleaved(geometry: PointGeometry | PathGeometry): Float64Array {
  if (geometry.kind !== "point") return geometry.xy;
  const { x, y } = geometry;
  const xy = new Float64Array(2 * x.length);
  for (let i = 0; i < x.length; i++) {
    xy[2 * i] = x[i]!;
    xy[2 * i + 1] = y[i]!;
  }
  return xy;
}

function gridOf(xy: Float64Array, overview?: PageOverview): Grid {
  let minX = Infinity;
  let minY = Infinity;
  let maxX = -Infinity;
  let maxY = -Infinity;
  for (let i = 0; i < xy.length; i += 2) {
    const x = xy[i]!;
    const y = xy[i + 1]!;
    if (x - x !== 0 || y - y !== 0) continue; // not finite
    if (x < minX) minX = x;
    if (x > maxX) maxX = x;
    if (y < minY) minY = y;
    if (y > maxY) maxY = y;
  }
  const extent = Math.max(maxX - minX, maxY - minY, 0);
  const zoom = xy.length / 2 > FINE_VERTICES ? COARSE_ZOOM : FINE_ZOOM;
  let cellsPerUnit = overview ? overview.worldPx * STEPS_PER_PX : 2 ** (TILE_PX_LOG2 + zoom);
  while (extent * cellsPerUnit > MAX_CELLS) cellsPerUnit /= 2;
  const empty = minX > maxX;
  return { minX: empty ? 0 : minX, minY: empty ? 0 : minY, cellsPerUnit };
}

/** Returns zigzag-encoded differences of the cells on one axis: 0, -1, 1, -2 become 0, 1, 2, 3. */
function gridDeltas(xy: Float64Array, axis: 0 | 1, min: number, cellsPerUnit: number): Uint32Array {
  const deltas = new Uint32Array(xy.length / 2);
  let previous = 0;
  for (let i = 0; i < deltas.length; i++) {
    const cell = Math.round((xy[2 * i + axis]! - min) * cellsPerUnit);
    const delta = (cell - previous) | 0;
    deltas[i] = (delta << 1) ^ (delta >> 31);
    previous = cell;
  }
  return deltas;
}

function positions(deltas: Uint32Array, min: number, { cellsPerUnit }: Grid): Float64Array {
  const axis = new Float64Array(deltas.length);
  let cell = 0;
  for (let i = 0; i < axis.length; i++) {
    cell = (cell + unzigzag(deltas[i]!)) >>> 0;
    axis[i] = min + cell / cellsPerUnit;
  }
  return axis;
}

function positionPairs(xDeltas: Uint32Array, yDeltas: Uint32Array, grid: Grid): Float64Array {
  const xy = new Float64Array(2 * xDeltas.length);
  let x = 0;
  let y = 0;
  for (let i = 0; i < xDeltas.length; i++) {
    x = (x + unzigzag(xDeltas[i]!)) >>> 0;
    y = (y + unzigzag(yDeltas[i]!)) >>> 0;
    xy[2 * i] = grid.minX + x / grid.cellsPerUnit;
    xy[2 * i + 1] = grid.minY + y / grid.cellsPerUnit;
  }
  return xy;
}

const unzigzag = (value: number): number => (value >>> 1) ^ -(value & 1);

/** Converts offsets, the first of which is 0, to lengths. */
function differences(offsets: Uint32Array): Uint32Array {
  return Uint32Array.from({ length: offsets.length - 1 }, (_, i) => offsets[i + 1]! - offsets[i]!);
}

/** Returns the row of each feature of a layer in a page; absent if feature f is row f. */
export const rowsInPage = (layer: SceneLayer): Uint32Array | undefined => finite(layer).geometry.rows;

/** Removes points and vertices that are not finite, which projecting a pole creates. */
function finite(layer: SceneLayer): SceneLayer {
  const { geometry } = layer;
  if (geometry.kind !== "point") return { ...layer, geometry: finitePaths(geometry) };
  const { x, y } = geometry;
  const keep = new Uint32Array(x.length);
  let kept = 0;
  for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i]! + y[i]!)) keep[kept++] = i;
  return kept === x.length ? layer : pickLayerPoints(layer, geometry, keep.subarray(0, kept));
}

function finitePaths(geometry: PathGeometry): PathGeometry {
  const { xy, paths } = geometry;
  if (xy.every(Number.isFinite)) return geometry;
  const kept = new Float64Array(xy.length);
  const ends = new Uint32Array(paths.length);
  let vertices = 0;
  for (let path = 0; path + 1 < paths.length; path++) {
    for (let i = paths[path]!; i < paths[path + 1]!; i++) {
      if (!Number.isFinite(xy[2 * i]! + xy[2 * i + 1]!)) continue;
      kept[2 * vertices] = xy[2 * i]!;
      kept[2 * vertices + 1] = xy[2 * i + 1]!;
      vertices++;
    }
    ends[path + 1] = vertices;
  }
  return { ...geometry, xy: kept.slice(0, 2 * vertices), paths: ends };
}
