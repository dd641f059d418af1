import { boxOf, indexPoints } from "../painter/point-index";
import type { Scene, SceneLayer } from "../scene";
import { pickPoints } from "./pick";

/**
 * Layers of at most this many points keep the order of their rows, in which later rows lie above earlier ones. Order
 * is information: for a million points it would add 3 MB to the page, and nobody sees which of them is on top.
 */
const ORDERED_POINTS = 100_000;

/** The scene as page and picture both show it: large point layers along a curve instead of row by row. */
export function alongCurve(scene: Scene): Scene {
  return { ...scene, layers: scene.layers.map(layerAlongCurve) };
}

function layerAlongCurve(layer: SceneLayer): SceneLayer {
  const { geometry } = layer;
  if (geometry.kind !== "point" || geometry.x.length <= ORDERED_POINTS) return layer;
  const { order } = indexPoints(geometry.x, geometry.y, boxOf(geometry.x, geometry.y));
  return order ? { ...layer, geometry: pickPoints(geometry, order) } : layer;
}
