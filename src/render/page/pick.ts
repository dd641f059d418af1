/** Selects and reorders the features of layers. `!` in the loops: see `PathGeometry`; indexes are those of features. */
import { largestFirst } from "../largest-first";
import { boxOf, indexPoints } from "../painter/point-index";
import type { PathGeometry, PointGeometry, Scene, SceneLayer, TimeStyle } from "../scene";

/**
 * Layers with at most this many points keep the order of their rows, in which later rows are painted over earlier ones.
 * Keeping the order of a million points would add 3 MB to the page, and nobody sees which of them is on top.
 */
const ORDERED_POINTS = 50_000;

/** Returns the points at `indexes`; each keeps its row. */
export function pickPoints({ x, y, rows, weights }: PointGeometry, indexes: Uint32Array): PointGeometry {
  const picked = {
    x: new Float64Array(indexes.length),
    y: new Float64Array(indexes.length),
    rows: new Uint32Array(indexes.length),
  };
  for (let i = 0; i < indexes.length; i++) {
    const from = indexes[i]!;
    picked.x[i] = x[from]!;
    picked.y[i] = y[from]!;
    picked.rows[i] = rows ? rows[from]! : from;
  }
  return { kind: "point", ...picked, ...(weights && { weights: pickNumbers(weights, indexes) }) };
}

function pickNumbers(numbers: Float64Array, indexes: Uint32Array): Float64Array {
  const picked = new Float64Array(indexes.length);
  for (let i = 0; i < indexes.length; i++) picked[i] = numbers[indexes[i]!]!;
  return picked;
}

/** Returns the features at `indexes`; each keeps its row. */
export function pickFeatures(
  { kind, xy, paths, features, rows }: PathGeometry,
  indexes: Uint32Array,
): PathGeometry {
  const picked: number[] = [0];
  const ends = [0];
  const vertices: Float64Array[] = [];
  let count = 0;
  for (const feature of indexes) {
    for (let path = features[feature]!; path < features[feature + 1]!; path++) {
      const part = xy.subarray(2 * paths[path]!, 2 * paths[path + 1]!);
      vertices.push(part);
      count += part.length;
      ends.push(count / 2);
    }
    picked.push(ends.length - 1);
  }
  const all = new Float64Array(count);
  let at = 0;
  for (const part of vertices) {
    all.set(part, at);
    at += part.length;
  }
  return {
    kind,
    xy: all,
    paths: Uint32Array.from(ends),
    features: Uint32Array.from(picked),
    rows: rows ? indexes.map((feature) => rows[feature]!) : indexes,
  };
}

/** Returns a layer of the points at `indexes`, which must ascend if the layer is animated. */
export function pickLayerPoints(
  layer: SceneLayer,
  geometry: PointGeometry,
  indexes: Uint32Array,
): SceneLayer {
  const picked = { ...layer, geometry: pickPoints(geometry, indexes) };
  if (!layer.time) return picked;
  let at = 0;
  const starts = layer.time.starts.map((start) => {
    while (at < indexes.length && indexes[at]! < start) at++;
    return at;
  });
  return { ...picked, time: { ...layer.time, starts } };
}

/** Returns a layer of the features at `indexes`, which must ascend if the layer is animated. */
export function pickLayer(layer: SceneLayer, indexes: Uint32Array): SceneLayer {
  const { geometry } = layer;
  return geometry.kind === "point"
    ? pickLayerPoints(layer, geometry, indexes)
    : { ...layer, geometry: pickFeatures(geometry, indexes) };
}

/** Sorts large point layers along a space-filling curve instead of by row, for the page and the image alike. */
export function alongCurve(scene: Scene): Scene {
  return { ...scene, layers: scene.layers.map(layerAlongCurve) };
}

function layerAlongCurve(layer: SceneLayer): SceneLayer {
  const { geometry } = layer;
  if (geometry.kind !== "point" || geometry.x.length <= ORDERED_POINTS) return layer;
  if (layer.time) return { ...layer, geometry: pickPoints(geometry, orderInFrames(geometry, layer.time)) };
  const { order } = indexPoints(geometry.x, geometry.y, boxOf(geometry.x, geometry.y));
  const sorted = layer.size.kind === "classes" ? largestFirst(geometry, layer.size, order) : order;
  return sorted ? { ...layer, geometry: pickPoints(geometry, sorted) } : layer;
}

/** Returns an order in which the points of each frame follow the curve, and the frames stay one after the other. */
function orderInFrames({ x, y }: PointGeometry, { starts }: TimeStyle): Uint32Array {
  const order = new Uint32Array(x.length);
  for (let frame = 0; frame + 1 < starts.length; frame++) {
    const [from, to] = [starts[frame]!, starts[frame + 1]!];
    if (from === to) continue;
    const [xs, ys] = [x.subarray(from, to), y.subarray(from, to)];
    const along = indexPoints(xs, ys, boxOf(xs, ys)).order;
    for (let i = 0; i < to - from; i++) order[from + i] = from + (along ? along[i]! : i);
  }
  return order;
}
