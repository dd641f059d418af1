import L from "leaflet";
import { centerOf, MAX_ZOOM, MIN_ZOOM, viewportOf, ZOOM_STEP } from "../../projection";
import type { Scene } from "../../scene";

/** The panes from bottom to top; controls are above all of them (Leaflet's `.leaflet-control`: 800). */
const PANES = { base: 100, tiles: 200, data: 400, hover: 420, labels: 450 };

/** A map that shows the scene's first view, fitted anew to another size until somebody moves it. */
export function createMap(element: HTMLElement, scene: Scene): L.Map {
  const map = L.map(element, {
    attributionControl: false,
    minZoom: MIN_ZOOM,
    maxZoom: MAX_ZOOM,
    zoomSnap: 0,
  });
  for (const [name, zIndex] of Object.entries(PANES)) {
    const pane = map.createPane(name);
    pane.style.zIndex = String(zIndex);
    pane.style.pointerEvents = "none";
  }
  // Tiles are sharp at whole zooms; outlines and points at any.
  const zoomSnap = scene.basemap.tiles ? 1 : ZOOM_STEP;
  const showFirstView = () => {
    const { clientWidth: widthPx, clientHeight: heightPx } = element;
    if (widthPx === 0 || heightPx === 0) return;
    const { lng, lat, zoom } = centerOf(viewportOf({ ...scene, widthPx, heightPx }));
    map.options.zoomSnap = 0;
    map.setView([lat, lng], zoom, { animate: false });
    map.options.zoomSnap = zoomSnap;
  };
  showFirstView();
  map.on("resize", showFirstView);
  for (const gesture of ["pointerdown", "keydown", "wheel"] as const) {
    element.addEventListener(gesture, () => map.off("resize", showFirstView), { once: true, capture: true });
  }
  return map;
}

/** Resolves once the element is laid out: in a hidden tab or a folded cell it has no size to fit the view to. */
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
