import type { Box } from "../geometry/clip";
import { lngLatOf, worldOf, worldPxOf, zoomOf } from "../geometry/mercator";
import type { Bounds, Scene, Viewport } from "./scene";

/** Zooms of a fitted view are rounded down to multiples of this. */
const ZOOM_STEP = 0.25;
/** Below 0, so that the world fits into a small map; Leaflet's map and tile layer need the same `minZoom`. */
export const MIN_ZOOM = -2;
export const MAX_ZOOM = 22;

/** Maximum zoom of a fitted view, so that a single point has surroundings. */
const MAX_FIT_ZOOM = 14;
/** Room on each side of fitted bounds, as a share of the map. */
const FIT_PADDING = 0.05;
/** Bounds that span more than this share of the world, 200°, are shown with the whole world around them. */
const WORLD_SHARE = 200 / 360;
/** Where a map of the world that is too low for the data starts in the north: the land ends at 75°, and at 55° in the south. */
const [, CROPPED_TOP] = worldOf([0, 75]);

/**
 * Returns the viewport of the scene's first view. Its corner lies on a whole CSS pixel of the world, as in Leaflet: a
 * Leaflet map of the same size centred on `centerOf` this viewport shows exactly the same.
 */
export function viewportOf(scene: Scene, { pixelRatio = 1 } = {}): Viewport {
  const { widthPx, heightPx, view } = scene;
  const { center, zoom } = centerAndZoom(view, widthPx, heightPx);
  const worldPx = worldPxOf(zoom);
  return {
    originX: Math.round(center[0] * worldPx - widthPx / 2) / worldPx,
    originY: Math.round(center[1] * worldPx - heightPx / 2) / worldPx,
    worldPx,
    widthPx,
    heightPx,
    pixelRatio,
  };
}

function centerAndZoom(view: Scene["view"], widthPx: number, heightPx: number) {
  switch (view.kind) {
    case "fit":
      return fitBounds(view.bounds, widthPx, heightPx);
    case "box":
      return fitBox(view.box, widthPx, heightPx);
    case "center":
      return { center: worldOf([view.lng, view.lat]), zoom: clamp(view.zoom, MIN_ZOOM, MAX_ZOOM) };
  }
}

/** Returns the centre of a viewport and its zoom. */
export function centerOf({ originX, originY, worldPx, widthPx, heightPx }: Viewport): {
  lng: number;
  lat: number;
  zoom: number;
} {
  const [lng, lat] = lngLatOf([originX + widthPx / 2 / worldPx, originY + heightPx / 2 / worldPx]);
  return { lng, lat, zoom: zoomOf(worldPx) };
}

/**
 * Returns the centre and the largest zoom step at which bounds fit, without room beyond a pole if the world fills the map.
 * Bounds of the world fill the width of the map, so that no place shows twice; the map crops the polar regions then.
 */
function fitBounds([west, south, east, north]: Bounds, widthPx: number, heightPx: number) {
  const [left, top] = worldOf([west, north]);
  const [right, bottom] = worldOf([east < west ? east + 360 : east, south]);
  const room = 1 - 2 * FIT_PADDING;
  const worldPx = Math.min((widthPx * room) / (right - left), (heightPx * room) / (bottom - top));
  const steps = Math.floor(zoomOf(worldPx) / ZOOM_STEP + 1e-9); // bounds that fit exactly do fit
  const fitted = clamp(steps * ZOOM_STEP, MIN_ZOOM, MAX_FIT_ZOOM);
  const showsWorld = right - left > WORLD_SHARE && worldPxOf(fitted) < widthPx;
  const zoom = showsWorld ? zoomOf(widthPx) : fitted;

  const halfHeight = heightPx / 2 / worldPxOf(zoom);
  const isCropped = bottom - top > 2 * halfHeight;
  const middle = isCropped ? Math.max(top, CROPPED_TOP) + halfHeight : (top + bottom) / 2;
  const y = halfHeight >= 0.5 ? 0.5 : clamp(middle, halfHeight, 1 - halfHeight);
  const x = showsWorld && right <= 1 ? 0.5 : (left + right) / 2;
  return { center: [x, y] as const, zoom };
}

/** Returns the centre of a box, and the largest zoom at which it fits. */
function fitBox([left, top, right, bottom]: Box, widthPx: number, heightPx: number) {
  const room = 1 - 2 * FIT_PADDING;
  const worldPx = Math.min((widthPx * room) / (right - left), (heightPx * room) / (bottom - top));
  return {
    center: [(left + right) / 2, (top + bottom) / 2] as const,
    zoom: clamp(zoomOf(worldPx), MIN_ZOOM, MAX_FIT_ZOOM),
  };
}

const clamp = (value: number, min: number, max: number) => Math.max(min, Math.min(max, value));
