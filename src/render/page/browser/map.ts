import L from "leaflet";
import { lngLatOf } from "../../../geometry/mercator";
import { centerOf, MAX_ZOOM, MIN_ZOOM, viewportOf, ZOOM_STEP } from "../../projection";
import type { Scene } from "../../scene";

/** The panes from bottom to top, all below the controls (Leaflet's `.leaflet-control`: 800). */
const PANES = { base: 100, tiles: 200, data: 400, hover: 420, labels: 450 };

/** The northern edge of Web Mercator. */
const [, MAX_LAT] = lngLatOf([0, 0]);
/** The map pans no further north and south than the world, which repeats to the east and west: here, a hundred times. */
const PAN_BOUNDS: L.LatLngBoundsLiteral = [
  [-MAX_LAT, -36_000],
  [MAX_LAT, 36_000],
];

const HINT_MS = 1500;
const MODIFIER = /Mac|iP(hone|ad|od)/.test(navigator.platform) ? "⌘" : "Ctrl";

/** A private method of Leaflet: how far a view must move, given by how much the bounds end inside of it on both sides. */
interface BoundedMap extends L.Map {
  _rebound(before: number, after: number): number;
}

/** The live map, and how to return to its first view. */
export interface LiveMap {
  readonly map: L.Map;
  showFirstView(): void;
}

/**
 * A Leaflet map of the scene's first view, which is fitted again on each resize until the reader moves the map. North and
 * south of the world the map ends; to the east and west the world repeats.
 */
export function createMap(element: HTMLElement, scene: Scene): LiveMap {
  const map = L.map(element, {
    attributionControl: false,
    minZoom: MIN_ZOOM,
    maxZoom: MAX_ZOOM,
    zoomSnap: 0,
    maxBoundsViscosity: 1,
  });
  for (const [name, zIndex] of Object.entries(PANES)) {
    const pane = map.createPane(name);
    pane.style.zIndex = String(zIndex);
    pane.style.pointerEvents = "none";
  }
  const bounded = map as BoundedMap;
  const rebound = bounded._rebound.bind(map);
  // Leaflet would centre a world that is lower than the view; here it may lie anywhere inside
  bounded._rebound = (before, after) =>
    before + after > 0 ? Math.min(0, before) - Math.min(0, after) : rebound(before, after);
  // Raster tiles are sharp only at whole zooms, vectors at any.
  const zoomSnap = scene.basemap.tiles ? 1 : ZOOM_STEP;
  let [isFirstView, isMoving] = [true, false];
  const showFirstView = () => {
    const { clientWidth: widthPx, clientHeight: heightPx } = element;
    if (widthPx === 0 || heightPx === 0) return;
    const { lng, lat, zoom } = centerOf(viewportOf({ ...scene, widthPx, heightPx }, { medium: "page" }));
    [isFirstView, isMoving] = [true, true];
    map.options.zoomSnap = 0;
    map.setView([lat, lng], zoom, { animate: false });
    map.options.zoomSnap = zoomSnap;
    isMoving = false;
  };
  showFirstView();
  map.setMaxBounds(PAN_BOUNDS);
  map.on("movestart zoomstart", () => {
    if (!isMoving) isFirstView = false;
  });
  map.on("resize", () => {
    if (isFirstView) showFirstView();
  });
  return { map, showFirstView };
}

/** Resolves once the element has a size to fit the view to, which it lacks in a hidden tab or a collapsed cell. */
export function whenSized(element: HTMLElement): Promise<void> {
  return new Promise((sized) => {
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === 0 || element.clientHeight === 0) return;
      observer.disconnect();
      sized();
    });
    observer.observe(element);
  });
}

/**
 * Makes the wheel scroll the notebook until the reader clicks the map; then it zooms until the pointer leaves. With Ctrl
 * or ⌘ it always zooms, as does a pinch on a touchpad, which browsers report as Ctrl.
 */
export function wheelOnRequest(map: L.Map): void {
  const element = map.getContainer();
  let active = false;
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = `Click the map or hold ${MODIFIER} to zoom with the wheel`;
  element.append(hint);
  let hiding: ReturnType<typeof setTimeout> | undefined;
  const showHint = (shown: boolean) => {
    clearTimeout(hiding);
    hint.classList.toggle("shown", shown);
    if (shown) hiding = setTimeout(showHint, HINT_MS, false);
  };

  element.addEventListener("pointerdown", () => {
    active = true;
    showHint(false);
  });
  element.addEventListener("pointerleave", () => {
    active = false;
  });
  element.addEventListener(
    "wheel",
    (event) => {
      if (active || event.ctrlKey || event.metaKey) return showHint(false);
      event.stopPropagation(); // or Leaflet would zoom instead of letting the notebook scroll
      if (!(event.target as Element).closest(".legend, .popup")) showHint(true);
    },
    { capture: true, passive: true },
  );
}
