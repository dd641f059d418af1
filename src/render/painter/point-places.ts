/** Where the points of layers lie, so that names below them can keep clear. */
import { sizeInView } from "../point-size";
import type { SceneLayer } from "../scene";
import type { Rect } from "./collisions";
import { sizeSlots } from "./style";

/** Of layers with more points, every second, third… one is looked at: where these are dense, names still touch some. */
const MAX_POINTS = 5000;
/** A name may touch the edge of a point, in CSS pixels. */
const OVERLAP_PX = 1;

export class PointPlaces {
  readonly #layers: readonly SceneLayer[];
  #known: { readonly key: string; readonly rects: readonly Rect[] } | undefined;

  constructor(layers: readonly SceneLayer[]) {
    this.#layers = layers;
  }

  /** Returns the squares of visible points in CSS pixels from the corner of the world; the same array until they change. */
  rectsAt(worldPx: number, hidden: ReadonlySet<number>): readonly Rect[] {
    const key = `${worldPx} ${[...hidden].sort()}`;
    if (this.#known?.key !== key) {
      const rects = this.#layers.flatMap((layer, i) => (hidden.has(i) ? [] : rectsOf(layer, worldPx)));
      this.#known = { key, rects };
    }
    return this.#known.rects;
  }
}

function rectsOf({ geometry, size, time, aggregate }: SceneLayer, worldPx: number): Rect[] {
  if (geometry.kind !== "point" || time || aggregate) return [];
  const sizes = sizeSlots(size);
  const grown = size.kind === "constant" && size.spread ? sizeInView(size.spread, worldPx) : undefined;
  const { x, y } = geometry;
  const step = Math.ceil(x.length / MAX_POINTS);
  return Array.from({ length: Math.floor(x.length / step) || 0 }, (_, k) => {
    const i = k * step;
    const row = geometry.rows?.[i] ?? i;
    const half = (grown ?? sizes.values[sizes.ofRow?.[row] ?? 0]!) / 2 - OVERLAP_PX; // `!`: a slot has a value
    const [centerX, centerY] = [x[i]! * worldPx, y[i]! * worldPx];
    return [centerX - half, centerY - half, centerX + half, centerY + half] as const;
  });
}
