import { levelOf } from "../render/aggregate/lattice";
import { isTogether } from "../render/aggregate/shared";
import { busiestFrame, frameAt, type Moment } from "../render/clock";
import { withPanel } from "../render/explore/panel";
import type { MapState } from "../render/explore/state";
import { imageViewportOf, withLegendPlace } from "../render/image-layout";
import { legendsAt, paintTogether, prepare } from "../render/painter";
import { hasOutline } from "../render/plane";
import type {
  Basemap,
  Bounds,
  CategoryColumn,
  Legend,
  LegendCorner,
  PathGeometry,
  PointGeometry,
  Projection,
  Rgba,
  Scene,
  SceneLayer,
  Widget,
} from "../render/scene";
import { type BaseMap, cartoBasemap, withoutTiles } from "./base-map";
import { counted } from "./check";
import { chooseProjection } from "./choose-projection";
import { checkColor } from "./css-color";
import { DrawnRows } from "./drawn-rows";
import { boundsOf } from "./extent";
import {
  type GeometryKind,
  isEmptyGeometry,
  type ProjectedGeometry,
  projectGeometry,
  withinMercator,
} from "./geometry";
import { alongGreatCircles } from "./great-circles";
import { labelOf, nameOf } from "./layer";
import type { DataLayer, ResolvedLayer, StyleColumn } from "./layer-data";
import {
  checkLegend,
  checkTitle,
  checkView,
  MAX_LAYERS,
  tooManyLayers,
  type ViewOptions,
} from "./map-options";
import { hiddenBy, projectPart, viewOnPlane, withBox } from "./project-layers";
import type { CellKind, LayerScale, LayerScales, SharedScales } from "./shared-columns";
import { checkFilters } from "./state-filters";
import { hasTiles, type Part, styleLayer } from "./style-layer";
import type { TileColumn } from "./tile-columns";
import { type ClockBase, timedLayers } from "./time-data";
import { exploredOf, facetOf } from "./widget-columns";
import type { WidgetStyle } from "./widget-options";

export interface SceneToBuild extends ViewOptions {
  /** Layers from bottom to top. */
  readonly layers: readonly ResolvedLayer[];
  /** @default voyager, with labels below points and above lines and polygons */
  readonly basemap?: BaseMap;
  /** Checked widgets. @default none */
  readonly widgets?: readonly WidgetStyle[];
  /** State in which the map opens. */
  readonly state?: MapState | undefined;
  /** Scales that the layers share with those of other maps. @default each layer has its own classes */
  readonly shared?: SharedScales;
}

/** A scene, with warnings about its data and advice about its style. */
export interface BuiltScene {
  readonly scene: Scene;
  readonly warnings: readonly string[];
  /** Suggestions that would make the map say more; nothing is wrong without them. */
  readonly advice: readonly string[];
  /**
   * For each layer, the columns that its vector tiles need; undefined for an animated layer, and for one that is not a
   * table or query.
   */
  readonly tileColumns: readonly (readonly TileColumn[] | undefined)[];
  /** For each layer, the row of its data that each row of the scene is; undefined if these are the same. */
  readonly sourceRows: readonly (Uint32Array | undefined)[];
  readonly scales: LayerScales;
  /** Values of the topmost layer that have a map each, if that was asked for. */
  readonly facet?: CategoryColumn;
}

const WORLD: Scene["view"] = { kind: "center", lng: 0, lat: 0, zoom: 1 };

/** Default colour of the first animated layer, as in cartoframes for Python. */
const EVENT: Rgba = [39, 82, 255, 255];
/** Default colours of the other layers by position. CARTO counts the basemap as position 0. */
const LAYER_COLORS =
  "#E58606 #5D69B1 #52BCA3 #99C945 #CC61B0 #24796C #DAA51B #2F8AC4 #764E9F #ED645A #CC3A8E #A5AA99"
    .split(" ")
    .map((color) => checkColor("color", color));

/**
 * Builds the scene of a map: classifies values into colours and sizes, projects geometry, and fits the view to the data.
 * @throws InvalidArgumentError if the options do not fit the data.
 */
export function buildScene({
  layers,
  basemap,
  title,
  legend,
  at,
  shared,
  widgets = [],
  state,
  ...options
}: SceneToBuild): BuiltScene {
  checkTitle(title);
  const legendCorner = checkLegend(legend);
  if (layers.length > MAX_LAYERS) throw tooManyLayers(layers.length);
  const { center, projection: option, ...size } = checkView(options);
  const timed = timedLayers(layers);
  const unprojected = timed.layers.map((part) => ({
    ...part,
    projected: projectGeometry(part.data.geometry),
  }));
  const { projection, warning, parts, hidden, bounds } = projectParts(unprojected, {
    option,
    basemap,
    hasView: center !== undefined,
  });
  const asked = basemap?.basemap ?? defaultBasemap(parts);
  const ground = projection ? withoutTiles(asked, { hasOutline: hasOutline(projection) }) : asked;
  const notes = [...timed.warnings, ...hidden];
  const warnings: string[] = [...notes, ...(warning === undefined ? [] : [warning])];
  const advice: string[] = [];
  const sceneLayers: SceneLayer[] = [];
  const legends: Legend[] = [];
  const names = namesOf(layers.map(({ layer }) => layer));
  const firstTimed = layers.findIndex(({ layer }) => layer.style.time);
  const columnsOfTiles: (TileColumn[] | undefined)[] = [];
  const coloredColumns: (StyleColumn | undefined)[] = [];
  const sceneWidgets = new Map<number, Widget>();
  let facet: CategoryColumn | undefined;
  const withExplored = (
    layer: SceneLayer,
    { data, layer: source, projected }: Part,
    position: number,
  ): SceneLayer => {
    const own = [...widgets.entries()].filter(([, { layer }]) => layer === position);
    if (source.style.explored === undefined) return layer;
    const { columns } = data;
    const rows = new DrawnRows(projected.geometry, data.rowCount);
    const ofLayer = { columns, rows, label: `layer ${labelOf(source)}` };
    const { explored, widgets: made } = exploredOf(
      own.map(([, widget]) => widget),
      ofLayer,
    );
    const faceted = columns.find(({ name }) => name === source.style.facet);
    if (faceted) facet = facetOf(faceted, ofLayer);
    for (const [i, widget] of made.entries()) sceneWidgets.set(own[i]![0], widget);
    return { ...layer, explored };
  };
  for (const [position, part] of parts.entries()) {
    // `!` below: each layer has a name, and the remainder is less than the number of colours
    const { layer, data, projected } = part;
    warnings.push(...data.warnings, ...geometryWarnings(layer, projected));
    const styled = styleLayer(part, ground, {
      name: names[position]!,
      plain: position === firstTimed ? EVENT : LAYER_COLORS[(position + 1) % LAYER_COLORS.length]!,
      layerCount: layers.length,
      clock: timed.clock,
      shared: shared?.[position],
    });
    coloredColumns.push(styled.coloredBy);
    advice.push(...styled.advice);
    warnings.push(...(styled.warnings ?? []));
    sceneLayers.push(withExplored(styled.layer, part, position));
    columnsOfTiles.push(projection ? undefined : styled.tileColumns); // tiles are in Web Mercator
    legends.push(...styled.legends.map((legend) => ({ ...legend, layer: position })));
  }
  const widgetsInOrder = widgets.map((_, i) => sceneWidgets.get(i)!); // `!`: each widget has a layer
  const columnOf = (widget: Widget) =>
    "column" in widget ? sceneLayers[widget.layer]?.explored?.[widget.column] : undefined;
  const { widthPx, heightPx, panel } = withPanel(size, widgetsInOrder, columnOf);
  const view =
    center ??
    (projection
      ? viewOnPlane(projection, parts)
      : bounds === null
        ? WORLD
        : { kind: "fit" as const, bounds });
  const scene: Scene = {
    ...(title !== undefined && { title }),
    widthPx,
    heightPx,
    ...(projection && { projection }),
    view,
    basemap: ground,
    layers: sceneLayers,
    legends: legends.map((legend) => withLayerName(legend, legends, names)),
    ...(legendCorner && { legendCorner }),
    ...(notes.length > 0 && { notes }),
    ...(widgetsInOrder.length > 0 && { widgets: widgetsInOrder }),
    ...(panel && { panel }),
  };
  const clocked = withClock(scene, timed.clock, at);
  const built = withCellLegends(withLegendPlace(clocked, legendCorner), legendCorner);
  warnings.push(...checkFilters(built, state?.filters ?? []));
  return {
    scene: withState(built, state),
    warnings,
    advice,
    tileColumns: columnsOfTiles,
    scales: built.layers.map((layer, i) =>
      scaleOf(layer, built, { column: coloredColumns[i], h3: layers[i]?.h3 }),
    ),
    sourceRows: timed.layers.map(({ sourceRows }) => sourceRows),
    ...(facet && { facet }),
  };
}

/** Shows a scene in a state: its view and time at first, and what the page and the image hide. */
function withState(scene: Scene, state: MapState | undefined): Scene {
  if (!state) return scene;
  const { view, filters, hidden, time } = state;
  const { clock } = scene;
  return {
    ...scene,
    ...(view && { view: { kind: "center", lng: view.lng, lat: view.lat, zoom: view.zoom } }),
    ...(clock && time !== undefined && { clock: { ...clock, still: frameAt(clock, time), paused: true } }),
    state: { ...(filters && { filters }), ...(hidden && { hidden }) },
  };
}

/** Returns what colours a layer, for maps that share their scales. */
function scaleOf(
  layer: SceneLayer,
  scene: Scene,
  { column, h3 }: { readonly column: StyleColumn | undefined; readonly h3: number | undefined },
): LayerScale | undefined {
  if (isTogether(layer)) {
    const { as, cellPx, title } = layer.aggregate;
    const { worldPx } = imageViewportOf(scene);
    return { kind: "together", shown: { layer, worldPx }, cells: { as, cell: cellPx, value: title } };
  }
  if (!column) return undefined;
  const cells: CellKind | undefined =
    h3 === undefined ? undefined : { as: "h3", cell: h3, value: column.name };
  return { kind: "column", column, ...(cells && { cells }) };
}

/** The first view leaves room for the legend, whose classes depend on the scale of that view. */
const MOST_ROUNDS = 4;

/** Completes the legends of cells, which depend on the scale of the first view. */
export function withCellLegends(scene: Scene, asked: LegendCorner | undefined): Scene {
  if (!scene.layers.some(({ aggregate }) => aggregate)) return scene;
  const prepared = prepare(scene, { createCanvas: noCanvas, together: paintTogether });
  let [current, { worldPx }] = [scene, imageViewportOf(scene)];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    current = withLegendPlace({ ...scene, legends: legendsAt(prepared, worldPx) }, asked);
    const before = worldPx;
    ({ worldPx } = imageViewportOf(current));
    if (levelOf(worldPx) === levelOf(before)) break;
  }
  return current;
}

/** Legends need no canvas. */
function noCanvas(): never {
  throw new Error("a scene that is being built is not painted");
}

interface ProjectedParts {
  /** Absent for Web Mercator. */
  readonly projection?: Projection;
  readonly warning?: string;
  readonly parts: readonly Part[];
  /** Sentences about rows that the projection does not show. */
  readonly hidden: readonly string[];
  /** Bounds of the data in degrees. */
  readonly bounds: Bounds | null;
}

/** Chooses the projection of a map and projects its layers, which are in Web Mercator without edges. */
function projectParts(
  unprojected: readonly Part[],
  asked: Pick<Parameters<typeof chooseProjection>[0], "option" | "basemap" | "hasView">,
): ProjectedParts {
  const mercator = unprojected.map((part) => ({
    ...part,
    projected: { ...part.projected, geometry: withinMercator(curved(part)) },
  }));
  const geometries = mercator.map(({ projected }) => projected.geometry);
  const bounds = boundsOf(geometries);
  const { projection: plane, warning } = chooseProjection({
    ...asked,
    geometries,
    bounds,
    tiled: tiledSizes(mercator),
  });
  if (!plane) return { ...(warning !== undefined && { warning }), parts: mercator, hidden: [], bounds };
  const projection = withBox(plane);
  const parts = unprojected.map((part) => projectPart(part, projection));
  const hidden = unprojected.map((part, i) => hiddenBy(projection, part, parts[i]!)); // `!`: parts are as many
  return { projection, parts, hidden: hidden.filter((text) => text !== undefined), bounds };
}

/** Bends lines along great circles if the layer asks for it. The other projections do so by themselves. */
function curved({ layer: { style }, projected: { geometry } }: Part): PointGeometry | PathGeometry {
  return geometry.kind === "line" && style.curve ? alongGreatCircles(geometry) : geometry;
}

/** Returns the number of points or vertices of each layer that can be completed by vector tiles. */
function tiledSizes(parts: readonly Part[]): number[] {
  return parts
    .filter(hasTiles)
    .map(({ projected: { geometry } }) => (geometry.kind === "point" ? geometry.x : geometry.xy).length);
}

/** Adds the name of the layer to the title of a legend if a legend of another layer has the same title. */
function withLayerName(legend: Legend, legends: readonly Legend[], names: readonly string[]): Legend {
  const { title, layer } = legend;
  const isShared = legends.some((other) => other.layer !== layer && other.title === title);
  const name = layer === undefined ? undefined : names[layer];
  if (title === "" || !isShared || name === undefined) return legend;
  return { ...legend, title: name.startsWith(title) ? name : `${title} · ${name}` }; // "people (2)"
}

function withClock(scene: Scene, base: ClockBase | undefined, at: Moment | undefined): Scene {
  const clock = base && { ...base, still: 0, paused: at !== undefined };
  if (at !== undefined) return { ...scene, clock: { ...clock!, still: frameAt(clock, at) } };
  return clock ? { ...scene, clock: { ...clock, still: busiestFrame({ ...scene, clock }) } } : scene;
}

/** Returns a unique name for each layer: readers select layers by name. */
function namesOf(layers: readonly DataLayer[]): string[] {
  const taken = new Set<string>();
  return layers.map((layer, position) => {
    const { legend, color } = layer.style;
    const title = legend?.title ?? (color?.kind === "column" ? color.column : undefined); // as in its legend
    const name = nameOf(layer) ?? title ?? `Layer ${position + 1}`;
    let unique = name;
    for (let copy = 2; taken.has(unique); copy++) unique = `${name} (${copy})`;
    taken.add(unique);
    return unique;
  });
}

/**
 * Returns voyager, with labels above the data unless there are points, as cartoframes for Python does. Heatmaps and cells
 * cover the ground as polygons do.
 */
function defaultBasemap(parts: readonly Part[]): Basemap {
  const hasPoints = parts.some(({ layer, projected: { geometry } }) => {
    const isCover = layer.style.aggregate !== undefined && layer.style.aggregate.as !== "cluster";
    return geometry.kind === "point" && !isEmptyGeometry(geometry) && !isCover;
  });
  return cartoBasemap("voyager", hasPoints ? "back" : "front");
}

function geometryWarnings(layer: DataLayer, { geometry, rowsOf }: ProjectedGeometry): string[] {
  const label = `layer ${labelOf(layer)}`;
  if (isEmptyGeometry(geometry)) {
    return [`The map shows no data of ${label}: none of its rows has a geometry. Check its table or query.`];
  }
  const warnings: string[] = [];
  const kinds = (Object.keys(rowsOf) as GeometryKind[]).filter((kind) => rowsOf[kind] > 0);
  if (kinds.length > 1) {
    const counts = kinds.map((kind) => counted(rowsOf[kind], kind)).join(", ");
    warnings.push(
      `The map shows only the ${geometry.kind}s of ${label}, its most common geometry type. Its rows are ${counts}.`,
    );
  }
  const { size, stroke, curve, arrow } = layer.style;
  if (geometry.kind === "polygon" && size !== undefined)
    warnings.push(
      `\`size\` has no effect on the polygons of ${label}. Set the width of their outline with \`stroke\`.`,
    );
  if (geometry.kind === "line" && stroke)
    warnings.push(
      `\`stroke\` has no effect on the lines of ${label}. Style them with \`color\` and \`size\`.`,
    );
  const forLines = [...(curve ? ["curve"] : []), ...(arrow ? ["arrow"] : [])];
  if (geometry.kind !== "line" && forLines.length > 0)
    warnings.push(
      `${forLines.map((option) => `\`${option}\``).join(" and ")} ${forLines.length > 1 ? "have" : "has"} no effect on the ${geometry.kind}s of ${label}, only on lines.`,
    );
  return warnings;
}
