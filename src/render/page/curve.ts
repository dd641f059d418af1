import { boxOf, indexPoints } from "../painter/point-index";
import type { PointGeometry, Scene, SceneLayer, TimeStyle } from "../scene";
import { pickPoints } from "./pick";

/**
 * Layers of at most this many points keep the order of their rows, in which later rows lie above earlier ones. Order
 * is information: for a million points it would add 3 MB to the page, and nobody sees which of them is on top.
 */
const ORDERED_POINTS = 50_000;

/** The scene as page and picture both show it: large point layers along a curve instead of row by row. */
export function alongCurve(scene: Scene): Scene {
  return { ...scene, layers: scene.layers.map(layerAlongCurve) };
}

function layerAlongCurve(layer: SceneLayer): SceneLayer {
  const { geometry } = layer;
  if (geometry.kind !== "point" || geometry.x.length <= ORDERED_POINTS) return layer;
  if (layer.time) return { ...layer, geometry: pickPoints(geometry, orderInFrames(geometry, layer.time)) };
  const { order } = indexPoints(geometry.x, geometry.y, boxOf(geometry.x, geometry.y));
  return order ? { ...layer, geometry: pickPoints(geometry, order) } : layer;
}

/** Frames stay one after the other; the points of each go along the curve. */
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
