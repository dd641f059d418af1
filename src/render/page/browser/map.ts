import L from "leaflet";
import { centerOf, MAX_ZOOM, MIN_ZOOM, viewportOf, ZOOM_STEP } from "../../projection";
import type { Scene } from "../../scene";

/** The panes from bottom to top, all below the controls (Leaflet's `.leaflet-control`: 800). */
const PANES = { base: 100, tiles: 200, data: 400, hover: 420, labels: 450 };

const HINT_MS = 1500;
const MODIFIER = /Mac|iP(hone|ad|od)/.test(navigator.platform) ? "⌘" : "Ctrl";

/** A Leaflet map of the scene's first view, which is fitted again on each resize until the reader moves the map. */
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
  // Raster tiles are sharp only at whole zooms, vectors at any.
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
