import L from "leaflet";
import { lngLatOf } from "../../../geometry/mercator";
import { centerOf, MAX_ZOOM, MIN_ZOOM, viewportOf } from "../../projection";
import type { Projection, Scene } from "../../scene";
import { zoomByWheel } from "./wheel-zoom";

/** The panes from bottom to top, all below the controls (Leaflet's `.leaflet-control`: 800). */
const PANES = { base: 100, tiles: 200, data: 400, hover: 420, labels: 450 };

/** Room around the plane of a projection, as a share of its size. */
const ROOM_AROUND = 0.1;

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
  const isStepped = scene.basemap.tiles !== undefined;
  const zoomSnap = isStepped ? 1 : 0;
  const showFirstView = () => {
    const { clientWidth: widthPx, clientHeight: heightPx } = element;
    if (widthPx === 0 || heightPx === 0) return;
    const { lng, lat, zoom } = centerOf(viewportOf({ ...scene, widthPx, heightPx }));
    map.options.zoomSnap = 0;
    map.setView([lat, lng], zoom, { animate: false });
    map.options.zoomSnap = zoomSnap;
  };
  showFirstView();
  if (scene.projection) map.setMaxBounds(boundsAround(scene.projection.box));
  map.on("resize", showFirstView);
  for (const gesture of ["pointerdown", "keydown", "wheel"] as const) {
    element.addEventListener(gesture, () => map.off("resize", showFirstView), { once: true, capture: true });
  }
  zoomByWheel(map, { isStepped });
  return map;
}

/** Returns the bounds in which the middle of the plane of a projection can be panned, with some room around it. */
function boundsAround([left, top, right, bottom]: Projection["box"]): L.LatLngBounds {
  const [marginX, marginY] = [ROOM_AROUND * (right - left), ROOM_AROUND * (bottom - top)];
  const cornerOf = (x: number, y: number) => {
    const [lng, lat] = lngLatOf([x, y]);
    return L.latLng(lat, lng);
  };
  return L.latLngBounds(cornerOf(left - marginX, bottom + marginY), cornerOf(right + marginX, top - marginY));
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
