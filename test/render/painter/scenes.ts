import { createCanvas } from "@napi-rs/canvas";
import type { LngLat } from "../../../src/geo";
import { worldOf } from "../../../src/geometry/mercator";
import { type BasemapShapes, paint, prepare } from "../../../src/render/painter";
import { viewportOf } from "../../../src/render/projection";
import type {
  ColorStyle,
  PathGeometry,
  PointGeometry,
  Rgba,
  Scene,
  SceneLayer,
  SizeStyle,
  Viewport,
} from "../../../src/render/scene";

export const RED: Rgba = [214, 73, 64, 255];
export const BLUE: Rgba = [52, 101, 164, 255];
export const WHITE: Rgba = [255, 255, 255, 255];
export const GREY: Rgba = [150, 150, 150, 255];
/** CARTOColors: Mint, then Vivid. */
export const RAMP: readonly Rgba[] = [
  [228, 241, 225, 255],
  [156, 205, 193, 255],
  [99, 166, 160, 255],
  [47, 116, 120, 255],
  [13, 88, 95, 255],
];
export const CATEGORIES: readonly Rgba[] = [
  [229, 134, 6, 255],
  [93, 105, 177, 255],
  [82, 188, 163, 255],
  [153, 201, 69, 255],
];

export function points(places: readonly LngLat[], rows?: readonly number[]): PointGeometry {
  const worlds = places.map(worldOf);
  return {
    kind: "point",
    x: Float64Array.from(worlds, ([x]) => x),
    y: Float64Array.from(worlds, ([, y]) => y),
    ...(rows && { rows: Uint32Array.from(rows) }),
  };
}

/** Features as paths of positions. */
export function paths(
  kind: PathGeometry["kind"],
  features: readonly (readonly (readonly LngLat[])[])[],
): PathGeometry {
  const all = features.flat();
  return {
    kind,
    xy: Float64Array.from(all.flat().flatMap(worldOf)),
    paths: Uint32Array.from([0, ...ends(all)]),
    features: Uint32Array.from([0, ...ends(features)]),
  };
}

function ends(lists: readonly (readonly unknown[])[]): number[] {
  let end = 0;
  return lists.map((list) => {
    end += list.length;
    return end;
  });
}

export const constant = (color: Rgba): ColorStyle => ({ kind: "constant", color });
export const px = (value: number): SizeStyle => ({ kind: "constant", px: value });
export const classed = (palette: readonly Rgba[], classes: readonly number[]): ColorStyle => ({
  kind: "classes",
  palette,
  missing: GREY,
  classes: Uint8Array.from(classes),
});
export const sized = (
  sizes: readonly number[],
  missingPx: number,
  classes: readonly number[],
): SizeStyle => ({
  kind: "classes",
  px: sizes,
  missingPx,
  classes: Uint8Array.from(classes),
});

export function layerOf(geometry: SceneLayer["geometry"], style: Partial<SceneLayer> = {}): SceneLayer {
  const rowCount = geometry.kind === "point" ? geometry.x.length : geometry.features.length - 1;
  return { geometry, rowCount, color: constant(RED), size: px(12), opacity: 1, ...style };
}

export function sceneOf(layers: readonly SceneLayer[], rest: Partial<Scene> = {}): Scene {
  return {
    widthPx: 200,
    heightPx: 120,
    view: { kind: "center", lng: 0, lat: 0, zoom: 2 },
    basemap: { theme: "light", background: [238, 240, 242, 255] },
    layers,
    legends: [],
    ...rest,
  };
}

/** The image without title, legends and attribution. */
export function painted(
  scene: Scene,
  {
    pixelRatio = 1,
    shapes,
    viewport = viewportOf(scene, { pixelRatio }),
  }: { pixelRatio?: number; shapes?: BasemapShapes; viewport?: Viewport } = {},
) {
  const canvas = createCanvas(scene.widthPx * pixelRatio, scene.heightPx * pixelRatio);
  const { drawn } = paint(canvas.getContext("2d"), prepare(scene, { createCanvas, shapes }), viewport);
  return { canvas, drawn };
}

/** Returns a seeded generator of numbers in [0, 1) (Tommy Ettinger's mulberry32). */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
