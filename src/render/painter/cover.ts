/** Tells which names below the data polygons would hide. */
import type { SceneLayer } from "../scene";
import { boxesOfGroups, boxesOfPaths } from "./box";
import { hitPolygons } from "./hit";
import type { Place } from "./layer-painter";
import { colorSlots } from "./style";

/** Text shows through polygons that are less opaque than this. */
const MIN_ALPHA = 0.3;
/** In larger layers, only the places of names are looked at, once, and not where their texts begin and end at each zoom. */
const MAX_FEATURES = 2000;

interface Cover {
  readonly layer: number;
  readonly isLarge: boolean;
  hides(place: Place): boolean;
}

/** A text in world units. */
interface TextLine {
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

export class PolygonCover {
  readonly #covers: readonly Cover[];

  constructor(layers: readonly SceneLayer[]) {
    this.#covers = layers.flatMap((layer, i) => coverOf(layer, i));
  }

  /** True if a polygon of a visible layer lies above a place in world units, which is looked up once per object. */
  hides(place: Place, hidden: ReadonlySet<number>): boolean {
    return this.#covers.some((cover) => !hidden.has(cover.layer) && cover.hides(place));
  }

  /** True if a polygon of a visible layer that is not large lies above the left or right end of a text. */
  hidesPart({ left, right, y }: TextLine, hidden: ReadonlySet<number>): boolean {
    return this.#covers.some(
      (cover) =>
        !cover.isLarge &&
        !hidden.has(cover.layer) &&
        (cover.hides({ x: left, y }) || cover.hides({ x: right, y })),
    );
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
  return [{ layer, isLarge: geometry.features.length > MAX_FEATURES, hides }];
}
