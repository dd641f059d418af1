import L from "leaflet";
import { lngLatOf } from "../../../geometry/mercator";
import { centerOf, MAX_ZOOM, MIN_ZOOM, viewportOf } from "../../projection";
import type { Projection, Scene } from "../../scene";
import { zoomByWheel } from "./wheel-zoom";

/** The panes from bottom to top, all below the controls (Leaflet's `.leaflet-control`: 800). */
const PANES = { base: 100, tiles: 200, data: 400, hover: 420, labels: 450 };

/** The northern edge of Web Mercator. */
const [, MAX_LAT] = lngLatOf([0, 0]);
/** The map pans no further north and south than the world, which repeats to the east and west: here, a hundred times. */
const PAN_BOUNDS: L.LatLngBoundsLiteral = [
  [-MAX_LAT, -36_000],
  [MAX_LAT, 36_000],
];

/** Room around the plane of a projection, as a share of its size. */
const ROOM_AROUND = 0.1;
/** Keeps rounding from moving a view that reaches to the bounds. */
const SLACK = 0.01;

/** A private method of Leaflet: how far a view must move, given by how much the bounds end inside of it on both sides. */
interface BoundedMap extends L.Map {
  _rebound(before: number, after: number): number;
}

/** The live map, and how to return to its first view. */
export interface LiveMap {
  readonly map: L.Map;
  showFirstView(): void;
  /** Calls a function whenever the first view has been fitted. */
  onFirstView(listener: () => void): void;
  /** Shows another view instead of the fitted one, until that is fitted again. */
  showFirst(view: Centered): void;
}

interface Centered {
  readonly lng: number;
  readonly lat: number;
  readonly zoom: number;
}

/** Shows exactly a view, also on a map whose zoom has steps. */
export function setViewExactly(map: L.Map, { lng, lat, zoom }: Centered, animate = false): void {
  const { zoomSnap } = map.options;
  map.options.zoomSnap = 0;
  map.setView([lat, lng], zoom, { animate });
  map.options.zoomSnap = zoomSnap;
}

/**
 * A Leaflet map of the scene's first view, which is fitted again on each resize until the reader moves the map. North and
 * south of the world the map ends; to the east and west the world repeats in Web Mercator, and ends in other projections.
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
  const isStepped = scene.basemap.tiles !== undefined;
  map.options.zoomSnap = isStepped ? 1 : 0;
  const fitted: (() => void)[] = [];
  let [isFirstView, isMoving] = [true, false];
  // beside a legend, the first view may reach further than the room around the plane
  const allowView = () => {
    if (scene.projection)
      map.setMaxBounds(boundsAround(scene.projection.box).extend(map.getBounds().pad(SLACK)));
  };
  const showFirstView = () => {
    const { clientWidth: widthPx, clientHeight: heightPx } = element;
    if (widthPx === 0 || heightPx === 0) return;
    const view = centerOf(viewportOf({ ...scene, widthPx, heightPx }, { medium: "page" }));
    [isFirstView, isMoving] = [true, true];
    setViewExactly(map, view);
    allowView();
    isMoving = false;
    for (const listener of fitted) listener();
  };
  if (!scene.projection) map.setMaxBounds(PAN_BOUNDS);
  showFirstView();
  map.on("movestart zoomstart", () => {
    if (!isMoving) isFirstView = false;
  });
  map.on("resize", () => {
    if (isFirstView) showFirstView();
  });
  zoomByWheel(map, { isStepped });
  return {
    map,
    showFirstView,
    onFirstView: (listener) => fitted.push(listener),
    showFirst(view) {
      [isFirstView, isMoving] = [true, true];
      map.setMaxBounds(undefined as never); // those of the fitted view may end inside of this one
      setViewExactly(map, view);
      if (scene.projection) allowView();
      else map.setMaxBounds(PAN_BOUNDS);
      isMoving = false;
    },
  };
}

/** Returns bounds around the plane of a projection, as Leaflet takes them: in degrees of Web Mercator. */
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
