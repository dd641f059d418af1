/** Cells and clusters as features: tooltips, popups and the keyboard treat them like points and polygons. */
import type { PathGeometry, SceneLayer, Viewport } from "../scene";
import { boxAround, boxesOfPaths, copiesOf } from "./box";
import type { Canvas2D } from "./canvas";
import type { Found } from "./layer-painter";
import { strokeHighlight } from "./style";

/** Returns a layer with a single feature: its outline, and the values of its columns, the value and the number of points. */
export function featureOf(layer: SceneLayer, xy: Float64Array, values: readonly number[]): SceneLayer {
  const { aggregate: _, time: __, ...rest } = layer;
  const geometry: PathGeometry = {
    kind: "polygon",
    xy,
    paths: Uint32Array.of(0, xy.length / 2),
    features: Uint32Array.of(0, 1),
  };
  const columns = values.map((value) => ({ kind: "numbers" as const, values: Float64Array.of(value) }));
  return { ...rest, geometry, rowCount: 1, columns };
}

/** Marks the outline of such a feature. */
export function strokeOutline(context: Canvas2D, viewport: Viewport, { of }: Found, most: number): void {
  const { geometry } = of;
  if (geometry.kind === "point") return;
  const { originX, originY, worldPx, pixelRatio } = viewport;
  const scale = worldPx * pixelRatio;
  const { xy, paths } = geometry;
  const [minX = 0, minY = 0, maxX = 0, maxY = 0] = boxesOfPaths(xy, paths);
  for (const copy of copiesOf([minX, minY, maxX, maxY], boxAround(viewport, 2), most)) {
    context.beginPath();
    // `!`: pairs
    for (let i = 0; i < xy.length; i += 2)
      context.lineTo((xy[i]! + copy - originX) * scale, (xy[i + 1]! - originY) * scale);
    context.closePath();
    strokeHighlight(context, pixelRatio);
  }
}

/** Number of features that keep their identity. */
const MOST_KEPT = 1000;

/** Keeps features, so that the one under the pointer stays the same object as long as it is the same cell. */
export class KeptFeatures {
  readonly #kept = new Map<string, Found>();

  /** Returns the feature of a key; a new one shows the outline and the values that `make` returns. */
  of(key: string, make: () => SceneLayer): Found {
    const known = this.#kept.get(key);
    if (known) return known;
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    const found = { feature: 0, row: 0, of: make() };
    this.#kept.set(key, found);
    return found;
  }
}
