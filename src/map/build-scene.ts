import { busiestFrame, frameAt, type Moment } from "../render/clock";
import type { Basemap, Legend, Rgba, Scene, SceneLayer } from "../render/scene";
import { type BaseMap, cartoBasemap } from "./base-map";
import { parseColor } from "./css-color";
import { boundsOf } from "./extent";
import { type GeometryKind, isEmptyGeometry, type ProjectedGeometry, projectGeometry } from "./geometry";
import { labelOf, nameOf } from "./layer";
import type { DataLayer, ResolvedLayer } from "./layer-data";
import { checkTitle, checkView, MAX_LAYERS, tooManyLayers, type ViewOptions } from "./map-options";
import { type Part, styleLayer } from "./style-layer";
import type { TileColumn } from "./tile-columns";
import { type ClockBase, timedLayers } from "./time-data";

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

const WORLD: Scene["view"] = { kind: "center", lng: 0, lat: 0, zoom: 1 };

/** Of the first layer with times, as in cartoframes, which knew but one; the others have colours by position. */
const EVENT: Rgba = [39, 82, 255, 255];
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
