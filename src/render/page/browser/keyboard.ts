import type L from "leaflet";
import { type Hit, type PlacedHit, type PreparedScene, placedIn } from "../../painter";
import { viewportOfMap } from "./canvas-layer";
import { create } from "./create";

/** Maximum number of features of a layer among which the arrow keys find neighbours. */
const MOST = 5000;

/** Directions of the arrow keys in pixels of the map. */
const ARROWS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface FeatureKeys {
  /** True for layers whose features have something to read. */
  readonly wanted: (layer: number) => boolean;
  /** Shows that the keys are at a feature, or at none. */
  readonly mark: (found: Hit | undefined) => void;
  /** Returns what a screen reader reads about a feature. */
  readonly textOf: (found: Hit) => string;
  readonly open: (found: PlacedHit) => void;
  /** Zooms in on a cluster; returns false for other features, which have a card to open. */
  readonly enter: (found: PlacedHit) => boolean;
}

/**
 * Lets the keyboard reach features while the map has the focus: Enter goes to the feature nearest to the middle, the arrow
 * keys go on to the nearest one in their direction, Enter opens its card or zooms in on a cluster, and Esc leaves, after which the arrow keys pan.
 */
export function addFeatureKeys(
  map: L.Map,
  prepared: PreparedScene,
  { wanted, mark, textOf, open, enter }: FeatureKeys,
): void {
  const container = map.getContainer();
  const spoken = create("div", { class: "spoken", role: "status" });
  container.append(spoken);
  let current: PlacedHit | undefined;

  const goTo = (found: PlacedHit | undefined) => {
    current = found;
    mark(found);
    spoken.textContent = found ? textOf(found) : "";
  };
  const visible = () => {
    const viewport = viewportOfMap(map);
    const { originX, originY, worldPx } = viewport;
    return placedIn(prepared, viewport, { wanted, most: MOST })
      .filter(({ of }) => of.columns)
      .map((found) => ({ found, x: (found.x - originX) * worldPx, y: (found.y - originY) * worldPx }));
  };
  const nearestTo = (x: number, y: number, isWanted: (dx: number, dy: number) => boolean) => {
    let [nearest, distance]: [PlacedHit | undefined, number] = [undefined, Infinity];
    for (const place of visible()) {
      const [dx, dy] = [place.x - x, place.y - y];
      if (Math.hypot(dx, dy) >= distance || !isWanted(dx, dy)) continue;
      [nearest, distance] = [place.found, Math.hypot(dx, dy)];
    }
    return nearest;
  };

  const press = (key: string): boolean => {
    if (!current) {
      if (key !== "Enter") return false;
      const { x, y } = map.getSize();
      goTo(nearestTo(x / 2, y / 2, () => true));
      return true;
    }
    if (key === "Enter") {
      if (enter(current)) goTo(undefined);
      else open(current);
    } else if (key === "Escape") goTo(undefined);
    else if (ARROWS[key]) {
      const [toX, toY] = ARROWS[key];
      const { originX, originY, worldPx } = viewportOfMap(map);
      const [x, y] = [(current.x - originX) * worldPx, (current.y - originY) * worldPx];
      // within 45 degrees of the direction
      const next = nearestTo(x, y, (dx, dy) => {
        const [along, across] = [dx * toX + dy * toY, dx * toY + dy * toX];
        return along > 0.5 && Math.abs(across) <= along;
      });
      if (next) goTo(next);
    } else return false;
    return true;
  };
  container.addEventListener("keydown", (event) => {
    if (event.target !== container || !press(event.key)) return;
    event.stopPropagation(); // or Leaflet would pan
    event.preventDefault();
  });
  container.addEventListener("pointerdown", () => {
    if (current) goTo(undefined);
  });
}
