/** Tells which names below the data polygons would hide. */
import type { SceneLayer } from "../scene";
import { boxesOfGroups, boxesOfPaths } from "./box";
import { hitPolygons } from "./hit";
import type { Place } from "./layer-painter";
import { colorSlots } from "./style";

/** Text shows through polygons that are less opaque than this. */
const MIN_ALPHA = 0.3;

interface Cover {
  readonly layer: number;
  hides(place: Place): boolean;
}

export class PolygonCover {
  readonly #covers: readonly Cover[];

  constructor(layers: readonly SceneLayer[]) {
    this.#covers = layers.flatMap((layer, i) => coverOf(layer, i));
  }

  /** True if a polygon of a visible layer lies above a place in world units. */
  hides(place: Place, hidden: ReadonlySet<number>): boolean {
    return this.#covers.some((cover) => !hidden.has(cover.layer) && cover.hides(place));
  }
}

function coverOf({ geometry, color, opacity }: SceneLayer, layer: number): Cover[] {
  if (geometry.kind !== "polygon") return [];
  const alpha = Math.max(0, ...colorSlots(color).values.map(([, , , value]) => value / 255)) * opacity;
  if (alpha < MIN_ALPHA) return [];
  let boxes: Float64Array | undefined;
  const known = new WeakMap<Place, boolean>();
  const hides = (place: Place) => {
    let isHidden = known.get(place);
    if (isHidden === undefined) {
      boxes ??= boxesOfGroups(boxesOfPaths(geometry.xy, geometry.paths), geometry.features);
      isHidden = hitPolygons(geometry, boxes, place, 1).length > 0;
      known.set(place, isHidden);
    }
    return isHidden;
  };
  return [{ layer, hides }];
}
