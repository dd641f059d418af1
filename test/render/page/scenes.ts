import { viewportOf } from "../../../src/render/projection";
import type { Basemap, ColorStyle, Rgba, Scene, SceneLayer, SizeStyle } from "../../../src/render/scene";

/** Column names and values that attack a page. */
export const HOSTILE =
  '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"> "quoted" & \u2028 🗺️ \u0000 $ `';

export const constantColor: Rgba = [91, 83, 164, 255];

export const BASEMAP: Basemap = {
  theme: "light",
  background: [212, 218, 220, 255],
  vector: { land: [250, 250, 248, 255], border: [214, 212, 205, 255] },
};

const WORLD_VIEW: Scene["view"] = { kind: "center", lng: 0, lat: 20, zoom: 1 };

export function sceneOf(layers: readonly SceneLayer[], rest: Partial<Scene> = {}): Scene {
  return { widthPx: 600, heightPx: 400, view: WORLD_VIEW, basemap: BASEMAP, layers, legends: [], ...rest };
}

const plain = {
  color: { kind: "constant", color: constantColor },
  size: { kind: "constant", px: 7 },
  opacity: 1,
} as const;

export function pointLayer(x: Float64Array, y: Float64Array, rest: Partial<SceneLayer> = {}): SceneLayer {
  return { geometry: { kind: "point", x, y }, rowCount: x.length, ...plain, ...rest };
}

/** Features as parts of paths, each path a flat list of coordinates. */
export function pathLayer(
  kind: "line" | "polygon",
  features: readonly (readonly (readonly (readonly number[])[])[])[],
  rest: Partial<SceneLayer> = {},
): SceneLayer {
  const xy: number[] = [];
  const paths = [0];
  const ends = [0];
  for (const parts of features) {
    for (const path of parts.flat()) {
      for (const value of path) xy.push(value);
      paths.push(xy.length / 2);
    }
    ends.push(paths.length - 1);
  }
  return {
    geometry: {
      kind,
      xy: Float64Array.from(xy),
      paths: Uint32Array.from(paths),
      features: Uint32Array.from(ends),
    },
    rowCount: features.length,
    ...plain,
    ...rest,
  };
}

/** A layer of a given geometry and style, covering a city or the whole world. */
export function randomLayer(random: () => number): SceneLayer {
  const below = (n: number) => Math.floor(random() * n);
  const count = below(300);
  const scale = 10 ** -below(7);
  const axis = (length: number) => Float64Array.from({ length }, () => 0.4 + (random() - 0.5) * scale);
  const rowCount = count + below(20);
  const rows = random() < 0.5 ? Uint32Array.from({ length: count }, () => below(rowCount)) : undefined;
  const classes = () => Uint8Array.from({ length: rowCount }, () => (random() < 0.1 ? 255 : below(5)));
  const color: ColorStyle =
    random() < 0.5
      ? plain.color
      : {
          kind: "classes",
          palette: [constantColor, [1, 2, 3, 4]],
          missing: [9, 9, 9, 9],
          classes: classes(),
        };
  const size: SizeStyle =
    random() < 0.5 ? plain.size : { kind: "classes", px: [1, 2.5], missingPx: 3, classes: classes() };
  const style = {
    rowCount,
    color,
    size,
    ...(random() < 0.5 && { stroke: { color: constantColor, widthPx: 0.5 } }),
    opacity: random(),
  };
  const kind = (["point", "line", "polygon"] as const)[below(3)]!;
  if (kind === "point") return { geometry: { kind, x: axis(count), y: axis(count), rows }, ...style };
  const features = [0];
  const paths = [0];
  for (let f = 0; f < count; f++) {
    for (let p = below(3); p >= 0; p--) paths.push(paths.at(-1)! + 1 + below(9));
    features.push(paths.length - 1);
  }
  return {
    geometry: {
      kind,
      xy: axis(2 * paths.at(-1)!),
      paths: Uint32Array.from(paths),
      features: Uint32Array.from(features),
      rows,
    },
    ...style,
  };
}

/** Returns the world units of a pixel of the first view. */
export function worldAt(scene: Scene, xPx: number, yPx: number): [x: number, y: number] {
  const { originX, originY, worldPx } = viewportOf(scene);
  return [originX + xPx / worldPx, originY + yPx / worldPx];
}
